"""``cmkctl plan``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes(
    "profile", *CONNECTING, "ignore", "strict", "validate", "detailed_exitcode", "out", "part", "requests", *REPORTING
)
def command(options: Options) -> int:
    """Show what would change, without changing anything."""
    from cmkctl.cli.procedure import plan  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above

    return plan(options, named("create"))
