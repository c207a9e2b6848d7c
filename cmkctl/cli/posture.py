"""``cmkctl posture``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, SURVEY_FILES, Options, takes


@takes(
    "surveyed",
    "workspace",
    "surveyed_group",
    "subscriptions",
    "deep",
    "expect",
    "evidence",
    "cloud",
    *CONNECTING,
    "complete",
    *REPORTING,
    *SURVEY_FILES,
)
def command(options: Options) -> int:
    """Show who holds the key of each resource around a workspace, in a group or a subscription. Changes nothing."""
    from cmkctl.cli.posture_run import show_posture  # noqa: PLC0415 - --help imports no SDK

    return show_posture(options)
