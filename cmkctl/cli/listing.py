"""``cmkctl list``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("used_key", "subscriptions", "cloud", *(each for each in CONNECTING if each != "overrides"), *REPORTING)
def command(options: Options) -> int:
    """List the workspaces of a subscription with their keys. Needs no profile, and changes nothing."""
    from cmkctl.cli.listing_run import list_workspaces  # noqa: PLC0415 - --help imports no SDK

    return list_workspaces(options)
