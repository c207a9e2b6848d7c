"""``cmkctl revoke``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", "grant", "yes", "yes_revoke", "dry_run", "out", *CONNECTING, "requests", *REPORTING)
def command(options: Options) -> int:
    """Disable the key version that the workspace uses. Prompts on a terminal; requires --yes-revoke NAME otherwise."""
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above

    return apply(options, named("revoke", {"grant": "yes"} if options.grant else {}), load_only_profile)
