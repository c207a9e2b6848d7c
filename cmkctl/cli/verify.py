"""``cmkctl verify``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", *CONNECTING, "ignore", "strict", "expiry_days", "diagnose", "junit", *REPORTING)
def command(options: Options) -> int:
    """Check that Azure still matches the profile. Exits with 2 when something differs."""
    from cmkctl.cli.procedure import verify  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures.verify import verifying  # noqa: PLC0415 - see above

    return verify(options, verifying(options.expiry_days))
