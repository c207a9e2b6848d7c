"""``cmkctl verify``."""

from __future__ import annotations

from cmkctl.cli import options as opt
from cmkctl.cli.exits import CHANGES, DONE
from cmkctl.plan import Action


def command(
    profile: opt.ProfilePath,
    overrides: opt.SetOption = None,
    sandbox: opt.SandboxOption = False,
    state: opt.StateOption = None,
    json: opt.JsonOption = False,
    auth: opt.AuthOption = None,
    record: opt.RecordOption = None,
    replay: opt.ReplayOption = None,
    timeout: opt.TimeoutOption = None,
    report: opt.ReportOption = None,
    debug: opt.DebugOption = False,
) -> int:
    """Check that everything is still as asked for. Sends no write; exits with 2 when something drifted."""
    from cmkctl.cli.run import Run, run  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.engine import make_plan  # noqa: PLC0415
    from cmkctl.procedures.create import CREATE  # noqa: PLC0415
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415

    def work(opened: Run) -> int:
        plan = opened.located(make_plan(opened.session, opened.profile, CREATE))
        opened.view.verified(plan)
        right = not plan.errored and all(each.action is Action.NO_OP for each in plan.changes)
        return DONE if right else CHANGES

    return run(
        opt.Options(
            profile, tuple(overrides or ()), sandbox, state, json, auth, record, replay, timeout, report, debug
        ),
        work,
        load_only_profile,
    )
