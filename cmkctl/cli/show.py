"""``cmkctl show``."""

from __future__ import annotations

from cmkctl.cli.options import Options, takes


@takes("saved", "requests", "json", "no_color")
def command(options: Options) -> int:
    """Show a saved plan without connecting to Azure."""
    from cmkctl.cli.offline import show  # noqa: PLC0415 - --help imports no profile

    return show(options)
