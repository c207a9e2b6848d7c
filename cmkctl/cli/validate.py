"""``cmkctl validate``."""

from __future__ import annotations

from cmkctl.cli.options import Options, takes


@takes("profile", "overrides", "ignore", "strict", "json", "no_color")
def command(options: Options) -> int:
    """Check a profile without connecting to Azure: fields, values, names, limits, dates."""
    from cmkctl.cli.offline import validate  # noqa: PLC0415 - --help imports no profile

    return validate(options)
