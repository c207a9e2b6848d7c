"""``cmkctl doctor``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", *CONNECTING, *REPORTING)
def command(options: Options) -> int:
    """Check sign-in, network and permissions, each with its remedy. Changes nothing."""
    from cmkctl.cli.doctor_checks import checks  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.cli.exits import DONE, FAILED  # noqa: PLC0415
    from cmkctl.cli.run import Run, run  # noqa: PLC0415
    from cmkctl.views.shown import CheckState  # noqa: PLC0415

    def body(opened: Run) -> int:
        code = DONE
        for each in checks(opened):
            opened.show(each)
            code = FAILED if each.state is CheckState.FAILED else code
        opened.show_context()
        return code

    return run(options, body)
