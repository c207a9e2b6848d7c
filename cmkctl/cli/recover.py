"""``cmkctl recover``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", "purge", "yes", "dry_run", "out", *CONNECTING, "requests", *REPORTING)
def command(options: Options) -> int:
    """Recover what is soft-deleted of the profile's names. Prompts on a terminal; requires --yes otherwise."""
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above

    return apply(options, named("recover", {"purge": "yes"} if options.purge else {}), load_only_profile)
