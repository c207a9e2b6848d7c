"""``cmkctl import``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes(
    "workspace",
    "key_url",
    "vault",
    "resource_group",
    "origin",
    "destination",
    "subscription",
    "cloud",
    *(each for each in CONNECTING if each != "overrides"),
    *REPORTING,
)
def command(options: Options) -> int:
    """Write the profile of a workspace that exists. Changes nothing in Azure, and overwrites no file."""
    from cmkctl.cli.importing_run import import_profiles  # noqa: PLC0415 - --help imports no SDK

    return import_profiles(options)
