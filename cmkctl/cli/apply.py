"""``cmkctl apply``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cmkctl import codes
from cmkctl.cli import options as opt
from cmkctl.cli.exits import DONE, REFUSED, USAGE
from cmkctl.diagnostics import Diagnostic
from cmkctl.plan import Action

if TYPE_CHECKING:
    from cmkctl.cli.run import Run
    from cmkctl.events import Emit
    from cmkctl.plan import Plan
    from cmkctl.saved_plan import SavedPlan


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The profile, a YAML file; or a plan that `plan --out` saved.")
    ],
    overrides: opt.SetOption = None,
    sandbox: opt.SandboxOption = False,
    state: opt.StateOption = None,
    yes: opt.YesOption = False,
    json: opt.JsonOption = False,
    requests: opt.DetailedOption = False,
    auth: opt.AuthOption = None,
    record: opt.RecordOption = None,
    replay: opt.ReplayOption = None,
    timeout: opt.TimeoutOption = None,
    report: opt.ReportOption = None,
    debug: opt.DebugOption = False,
) -> int:
    """Do it. Asks first on a terminal, needs --yes elsewhere."""
    from cmkctl.cli.run import run  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.saved_plan import load  # noqa: PLC0415

    options = opt.Options(
        file, tuple(overrides or ()), sandbox, state, json, auth, record, replay, timeout, report, debug
    )
    return run(options, lambda opened: _apply(opened, yes=yes, detailed=requests), load)


def _apply(run: Run, *, yes: bool, detailed: bool) -> int:
    from cmkctl.engine import apply_plan, make_plan  # noqa: PLC0415 - see above
    from cmkctl.procedures.create import CREATE  # noqa: PLC0415
    from cmkctl.saved_plan import LoadedPlan  # noqa: PLC0415

    made = make_plan(run.session, run.profile, CREATE)
    saved = run.loaded.saved if isinstance(run.loaded, LoadedPlan) else None
    # Nothing in a saved plan is to be mended, so nothing points into it.
    plan = made if saved else run.located(made)
    run.view.plan(plan, detailed=detailed)
    emit: Emit = _as_approved(run, saved, plan) if saved else run.view.event
    if plan.errored:
        return REFUSED
    if plan.pending and not yes:
        if not run.view.can_ask:
            run.view.diagnostics([_needs_yes()])
            return USAGE
        if not run.view.confirm(plan):
            return REFUSED
    creates_workspace = _creates_workspace(plan)
    if creates_workspace:
        from cmkctl.procedures.open_with_sdk import begin_import  # noqa: PLC0415 - it takes over a second, while Azure works

        begin_import()
    began = run.session.clock.elapsed()
    result = apply_plan(run.session, run.profile, plan, CREATE, emit)
    run.view.applied(plan, result, run.session.clock.elapsed() - began)
    run.view.outputs(CREATE.outputs(run.profile, result.known))
    return DONE


def _as_approved(run: Run, saved: SavedPlan, plan: Plan) -> Emit:
    """Go on only if `plan` is what was approved; what hears of events then journal each change before it is made."""
    from cmkctl.events import ChangeStarted, Event  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import Journal, refuse_unless_approved  # noqa: PLC0415

    journal = Journal(saved, run.view.diagnostics)
    # Read after Azure was asked: another run of this file journal what it begins before Azure can show it.
    refuse_unless_approved(saved, plan, journal.begun())
    if plan.pending and not plan.errored:
        journal.try_out()

    def emit(event: Event) -> None:
        if isinstance(event, ChangeStarted) and event.change.action.writes:
            journal.begin(event.change.resource_id)
        run.view.event(event)

    return emit


def _creates_workspace(plan: Plan) -> bool:
    # One that is being created when we come, by a run before, is looked at by nobody else.
    return any(each.action in (Action.CREATE, Action.WAIT) for each in plan.of("workspace"))


def _needs_yes() -> Diagnostic:
    return codes.CMK010.error(
        "This is no terminal, and without an answer nothing is written.",
        "Read the plan, then run the same command with --yes.",
    )
