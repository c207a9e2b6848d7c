"""``cmkctl apply``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("file", "yes", "yes_revoke", *CONNECTING, "ignore", "strict", "no_validate", "requests", *REPORTING)
def command(options: Options) -> int:
    """Apply a profile or a saved plan. Prompts on a terminal; requires --yes otherwise."""
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above

    return apply(options, named("create"))
