"""``cmkctl encrypt``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", "resources", "yes", "dry_run", "out", *CONNECTING, "requests", *REPORTING)
def command(options: Options) -> int:
    """Put the key on the resources that the profile names under services. Prompts on a terminal; requires --yes otherwise."""
    from cmkctl.cli.encrypt_run import encrypt  # noqa: PLC0415 - --help imports no SDK

    return encrypt(options)
