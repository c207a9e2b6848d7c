"""``cmkctl status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes

if TYPE_CHECKING:
    from cmkctl.cli.connection import Target
    from cmkctl.cli.run import Opened
    from cmkctl.status.reading import Names


@takes("profile", "workspace", "cloud", *CONNECTING, *REPORTING)
def command(options: Options) -> int:
    """Show a workspace, its key, who may use it, and what is due. Changes nothing."""
    from cmkctl.cli.run import run, run_at  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above
    from cmkctl.status.reading import names_of  # noqa: PLC0415 - see above

    if options.workspace is not None:
        workspace_id = options.workspace
        return run_at(options, lambda opened: _show(opened, workspace_id, None), lambda: _target(options, workspace_id))
    return run(
        options,
        lambda opened: _show(opened, opened.profile.workspace.resource_id, names_of(opened.profile)),
        load_only_profile,
    )


def _target(options: Options, workspace_id: str) -> Target:
    """Return the cloud and subscription of a workspace. Raises ProfileError (CMK008) for anything but a workspace's id."""
    import os  # noqa: PLC0415 - see above

    from cmkctl import codes  # noqa: PLC0415 - see above
    from cmkctl.cli.connection import Target  # noqa: PLC0415 - see above
    from cmkctl.cli.targets import workspace_named  # noqa: PLC0415 - see above
    from cmkctl.diagnostics import ProfileError  # noqa: PLC0415 - see above

    if options.overrides or (options.profile is not None and not os.environ.get("CMKCTL_PROFILE")):
        other = "--set changes a profile" if options.overrides else f"{options.profile} is a profile"
        detail = f"--workspace names a workspace without a profile, and {other}."
        raise ProfileError(codes.CMK008.error(detail, "Use one of them."))
    found = workspace_named(workspace_id)
    return Target(options.cloud, found.subscription.lower(), names=workspace_id)


def _show(opened: Opened, workspace_id: str, names: Names | None) -> int:
    from cmkctl.cli.exits import DONE  # noqa: PLC0415 - see above
    from cmkctl.status.reading import read_status  # noqa: PLC0415 - see above
    from cmkctl.views.shown import StatusShown  # noqa: PLC0415 - see above

    status = read_status(opened.session.snapshot(), workspace_id, names)
    opened.show_context()
    opened.show(StatusShown(status, str(opened.session.cloud), opened.session.subscription))
    return DONE
