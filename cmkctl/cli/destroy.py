"""``cmkctl destroy``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes(
    "profile",
    "purge",
    "associated",
    "delete_key",
    "delete_vault",
    "yes",
    "dry_run",
    "out",
    *CONNECTING,
    "requests",
    *REPORTING,
)
def command(options: Options) -> int:
    """Delete the workspace and what cmkctl created for it. Prompts on a terminal; requires --yes otherwise."""
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above

    given = {
        "purge": options.purge,
        "associated": options.associated,
        "delete-key": options.delete_key,
        "delete-vault": options.delete_vault,
    }
    arguments = {name: "yes" for name, value in given.items() if value}
    return apply(options, named("destroy", arguments), load_only_profile)
