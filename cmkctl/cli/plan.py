"""``cmkctl plan``."""

from __future__ import annotations

from cmkctl.cli import options as opt
from cmkctl.cli.exits import CHANGES, DONE, REFUSED


def command(
    profile: opt.ProfilePath,
    overrides: opt.SetOption = None,
    sandbox: opt.SandboxOption = False,
    state: opt.StateOption = None,
    json: opt.JsonOption = False,
    requests: opt.DetailedOption = False,
    out: opt.OutOption = None,
    detailed_exitcode: opt.DetailedExitCode = False,
    auth: opt.AuthOption = None,
    record: opt.RecordOption = None,
    replay: opt.ReplayOption = None,
    timeout: opt.TimeoutOption = None,
    report: opt.ReportOption = None,
    debug: opt.DebugOption = False,
) -> int:
    """Show what would be done. Sends no write."""
    from cmkctl.cli.run import Run, run  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.engine import make_plan  # noqa: PLC0415
    from cmkctl.procedures.create import CREATE  # noqa: PLC0415
    from cmkctl.saved_plan import load_only_profile, not_saved, save, try_saving  # noqa: PLC0415

    def work(opened: Run) -> int:
        if out:
            try_saving(out)
        plan = opened.located(make_plan(opened.session, opened.profile, CREATE))
        opened.view.plan(plan, detailed=requests)
        if plan.errored:
            opened.view.diagnostics([not_saved(out)] if out else [])
            return REFUSED
        if out:
            digests = save(out, plan, opened.profile, opened.session.clock.now())
            opened.view.saved(str(out), digests)
        return CHANGES if detailed_exitcode and plan.pending else DONE

    return run(
        opt.Options(
            profile, tuple(overrides or ()), sandbox, state, json, auth, record, replay, timeout, report, debug, out
        ),
        work,
        load_only_profile,
    )
