"""``cmkctl verify``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", *CONNECTING, "ignore", "strict", *REPORTING)
def command(options: Options) -> int:
    """Check that Azure still matches the profile. Exits with 2 when something differs."""
    from cmkctl.cli.procedure import verify  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above

    return verify(options, named("create"))
