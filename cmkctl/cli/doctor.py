"""``cmkctl doctor``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes


@takes("profile", *CONNECTING, *REPORTING)
def command(options: Options) -> int:
    """Check sign-in, network and permissions, each with its remedy. Changes nothing."""
    from cmkctl.cli.doctor_checks import SIGN_IN, checks  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.cli.exits import DONE, FAILED  # noqa: PLC0415
    from cmkctl.cli.run import Run, run  # noqa: PLC0415
    from cmkctl.views.shown import CheckState  # noqa: PLC0415

    def body(opened: Run) -> int:
        code, signed_in = DONE, True
        for each in checks(opened):
            opened.show(each)
            code = FAILED if each.state is CheckState.FAILED else code
            signed_in = signed_in and (each.name, each.state) != (SIGN_IN, CheckState.FAILED)
        if signed_in:  # the context needs a token, and would fail for the reason that the check shows
            opened.show_context()
        return code

    return run(options, body)
