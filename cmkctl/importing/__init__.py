"""From what exists to a profile: documents of Azure, an ``az ml`` file or Terraform's state in, a commented profile out.

`read` queries Azure, `az_ml` and `terraform` read files; all return `found.Found`. `fields` turns that into a draft, without any
I/O; `check` loads the draft as every command loads a profile, plans it, and writes what differs into it.
"""
