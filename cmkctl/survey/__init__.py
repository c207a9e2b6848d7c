"""A survey: everything around some workspaces, and who holds the key of each part of it.

    Scope ──query──▶ rows of Resource Graph ──┐
      what the workspaces name ──reads──▶ answers ──▶ Known ──ties──▶ what belongs to which workspace ──assess──▶ Survey

Everything here is pure. `cmkctl.procedures.posture` sends the reads that `Known` lacks, in waves, until nothing is missing.
"""
