"""The command layer of procedures: plan, apply and verify work the same for each of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import getproxies_environment

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.cli import PROGRAM
from cmkctl.cli.exits import CHANGES, DONE, INCOMPLETE, INTERRUPTED, REFUSED, USAGE
from cmkctl.cli.options import STANDARD_STREAM, Options, Part
from cmkctl.cli.run import Load, Run, run
from cmkctl.diagnostics import CmkctlError, Diagnostic, Severity
from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import ChangeStarted, Emit, Event
from cmkctl.plan import Action, Plan, Unknown, unknowns
from cmkctl.procedures.base import Procedure
from cmkctl.saved_plan import (
    Journal,
    LoadedPlan,
    SavedPlan,
    load,
    load_only_profile,
    not_saved,
    refuse_other_target,
    refuse_unless_approved,
    save,
    try_saving,
)
from cmkctl.views.shown import (
    Applied,
    Cancelled,
    DiagnosticsShown,
    LogText,
    OutputsShown,
    PlanSaved,
    PlanShown,
    Verified,
)

_PROFILE = Path("PROFILE")
"""The profile in a command line for the operator, where the run does not know its file."""


def plan(options: Options, procedure: Procedure, loader: Load = load_only_profile) -> int:
    """Show the plan, and save it with ``--out``."""

    def body(opened: Run) -> int:
        if options.out and options.out != STANDARD_STREAM:
            try_saving(options.out)
        made = _of_part(_plan(opened, procedure), options.part)
        opened.show(PlanShown(made, options.requests))
        if options.part is Part.ADMIN:
            return _print_commands(made)
        _show_outputs(opened, procedure, made)
        refused = options.validate and procedure.template and not _validated(opened, made)
        if made.errored or refused:
            if options.out:
                opened.show(DiagnosticsShown((not_saved(options.out),)))
            return REFUSED
        if options.out:
            digests = _save(options.out, made, opened, procedure)
            opened.show(PlanSaved(str(options.out), digests, _command(options, "apply", options.out, saved=True)))
        return CHANGES if options.detailed_exitcode and made.pending else DONE

    return run(options, body, loader)


def _of_part(made: Plan, part: Part | None) -> Plan:
    """Return a plan as it is, for the rest with an error (CMK200) when the administrator's part is not done."""
    from cmkctl.export.az import admin_duties, az_commands  # noqa: PLC0415 - only for split duties

    duties = admin_duties(made) if part is Part.REST else ()
    if not duties:
        return made
    titles = ", ".join(each.title for each in duties)
    remedy = "Have an administrator run:\n" + "\n".join(az_commands(made))
    return replace(made, diagnostics=(*made.diagnostics, codes.CMK200.error(f"Missing: {titles}.", remedy)))


def _print_commands(made: Plan) -> int:
    """Print the commands of the administrator's part. What stops the signed-in account from applying them is no failure."""
    from cmkctl.export.az import az_commands  # noqa: PLC0415 - only for split duties

    sys.stdout.write("".join(f"{each}\n" for each in az_commands(made)))
    sys.stdout.flush()
    return DONE


def apply(options: Options, procedure: Procedure, loader: Load = load) -> int:
    """Show the plan, ask, and apply it. With ``--dry-run``, show the plan alone; with ``--out``, save it as well."""
    if options.dry_run or options.out:
        return plan(options, procedure, loader)
    return run(options, lambda opened: _apply(opened, procedure), loader)


def verify(options: Options, procedure: Procedure) -> int:
    """Compare Azure with the profile."""

    def body(opened: Run) -> int:
        made = _diagnosed(opened, _plan(opened, procedure)) if options.diagnose else _plan(opened, procedure)
        shown = Verified(made)
        opened.show(shown)
        _show_outputs(opened, procedure, made)
        if not shown.matches:
            return CHANGES
        return INCOMPLETE if options.strict and not shown.complete else DONE

    return run(options, body, load_only_profile)


def _diagnosed(opened: Run, made: Plan) -> Plan:
    """Return a plan with what Azure Machine Learning finds in the workspace, which exists unless it is to be created."""
    from cmkctl.procedures.open_with_sdk import diagnose  # noqa: PLC0415 - only with --diagnose

    if any(each.action is Action.CREATE for each in made.of("workspace")):
        return made
    found = map(opened.policy.applied_to, diagnose(opened.session, opened.profile))
    return replace(made, diagnostics=(*made.diagnostics, *found))


def _save(out: Path, made: Plan, opened: Run, procedure: Procedure) -> Mapping[str, str]:
    """Save a plan to a file, or write it to standard output for ``-``. Returns its digests."""
    now, sandbox = opened.session.now(), bool(opened.sandbox)
    if procedure.dated:
        procedure = replace(procedure, arguments={**procedure.arguments, "at": now.isoformat(timespec="seconds")})
    if out != STANDARD_STREAM:
        return save(out, made, opened.profile, procedure, now, sandbox=sandbox)
    with TemporaryDirectory(prefix="cmkctl-") as folder:
        copy = Path(folder, "plan.json")
        digests = save(copy, made, opened.profile, procedure, now, sandbox=sandbox)
        sys.stdout.write(copy.read_text(encoding="utf-8"))
        sys.stdout.flush()
    return digests


def _plan(opened: Run, procedure: Procedure) -> Plan:
    made = make_plan(opened.session, opened.profile, procedure, opened.policy)
    opened.show_context()
    undo = _undo(opened, procedure)
    if undo is not None and made.pending and not made.errored:
        made = replace(made, diagnostics=(undo, *made.diagnostics))
    # A saved plan has no lines of a profile to point to.
    return made if isinstance(opened.loaded, LoadedPlan) else opened.located(made)


def _undo(opened: Run, procedure: Procedure) -> Diagnostic | None:
    """Return the note with the command that undoes an apply; None for a procedure without one."""
    if not procedure.undo:
        return None
    saved = isinstance(opened.loaded, LoadedPlan)
    command = _command(opened.options, procedure.undo, _PROFILE if saved else opened.options.path, saved=saved)
    return codes.CMK629.note(
        "Nothing is deleted. This command restores the access, and waits until it takes effect:", command
    )


def _apply(opened: Run, procedure: Procedure) -> int:
    options = opened.options
    saved = opened.loaded.saved if isinstance(opened.loaded, LoadedPlan) else None
    procedure = saved.procedure if saved else procedure
    made = _plan_of_saved(opened, procedure, saved) if saved else _plan(opened, procedure)
    opened.show(PlanShown(made, options.requests))
    emit: Emit = _as_approved(opened, saved, made) if saved else opened.show
    if made.errored or not (options.no_validate or not procedure.template or _validated(opened, made)):
        return REFUSED
    if any(each.action.writes for each in made.pending):
        answer = _approved(opened, procedure, made)
        if answer is not None:
            return answer
    procedure.prepare(made)
    started = opened.session.clock.elapsed()
    result = apply_plan(opened.session, opened.profile, made, procedure, emit, policy=opened.policy)
    seconds = opened.session.clock.elapsed() - started
    conclusion = procedure.conclusion(opened.profile)
    profile = _PROFILE if saved else options.path  # verify starts from a profile
    check = _command(options, procedure.check, profile, saved=bool(saved)) if procedure.check else ""
    opened.show(Applied(made, result, seconds, conclusion, check))
    if undo := _undo(opened, procedure):
        opened.show(DiagnosticsShown((undo,)))
    opened.show(OutputsShown(procedure.outputs(opened.profile, result.known)))
    return DONE


def _validated(opened: Run, made: Plan) -> bool:
    """Have Azure validate a plan, and show the result. Returns False when Azure refuses it."""
    from cmkctl.validation import validate  # noqa: PLC0415 - only for a plan that is validated

    if made.errored:
        return True
    found = validate(opened.session, opened.profile, made)
    if found.diagnostics:
        opened.show(DiagnosticsShown(tuple(map(opened.located_one, found.diagnostics))))
    elif found.resources and not opened.options.json:
        left = f" {found.left_out} other changes cannot be validated beforehand." if found.left_out else ""
        opened.show(LogText(f"Azure validated the plan: {found.resources} resources accepted.{left}"))
    return not any(each.severity is Severity.ERROR for each in found.diagnostics)


def _approved(opened: Run, procedure: Procedure, made: Plan) -> int | None:
    """Have the operator approve a plan: by an option, or on the terminal. Returns the exit code where they do not."""
    name, given = procedure.typed(opened.profile) if procedure.typed else "", opened.options.approved_name
    if (given == name) if name else opened.options.yes:
        return None
    if name and given is not None:
        problem = _another_name(procedure, given, name)
    elif name and opened.options.yes:
        problem = _yes_is_not_enough(procedure, name)
    elif opened.view.can_ask:
        return _asked(opened, made, name)
    else:
        problem = _confirmation_required(procedure, name)
    opened.show(DiagnosticsShown((problem,)))
    return USAGE


def _asked(opened: Run, made: Plan, name: str) -> int | None:
    """Ask on the terminal. Returns the exit code where the operator does not approve."""
    try:
        if opened.view.confirm(made, name):
            return None
    except KeyboardInterrupt:
        opened.show(Cancelled())
        return INTERRUPTED
    opened.show(Cancelled())
    return REFUSED


def _show_outputs(opened: Run, procedure: Procedure, made: Plan) -> None:
    """Show the outputs of a plan to scripts, null where unknown. People get them after an apply."""
    if opened.options.json and not made.errored:
        values = procedure.outputs(opened.profile, made.known)
        known = {
            name: None if isinstance(value, Unknown) or any(unknowns(value)) else value
            for name, value in values.items()
        }
        opened.show(OutputsShown(known))


def _plan_of_saved(opened: Run, procedure: Procedure, saved: SavedPlan) -> Plan:
    """Plan again with the procedure of a saved plan. Raises RefusedError (CMK529) when this run goes elsewhere."""
    _refuse_other_target(opened, saved)
    try:
        made = _plan(opened, procedure)
    except (CmkctlError, AzureError):
        _refuse_other_target(opened, saved)  # the failure may follow from it: the subscription exists only there
        raise
    _refuse_other_target(opened, saved)
    return made


def _refuse_other_target(opened: Run, saved: SavedPlan) -> None:
    """Raise RefusedError (CMK529) as soon as the run is known to go elsewhere."""
    options, here = opened.options, opened.sandbox
    if here is None and not options.replay and not {"https", "all"} & getproxies_environment().keys():
        here = False  # the sandbox is reached through a proxy only
    if here is None:
        return
    if saved.sandbox:
        command = _command(replace(options, sandbox=True), "apply", options.path, saved=True)
        remedy = f"Apply it to the sandbox: {command}"
    elif options.sandbox:
        command = _command(replace(options, sandbox=False, state=None), "apply", options.path, saved=True)
        remedy = f"Apply it to Azure: {command}"
    else:
        command = _command(options, "apply", options.path, saved=True)
        remedy = f"Unset the environment variables of the sandbox, then apply it to Azure: {command}"
    refuse_other_target(saved, sandbox=here, remedy=remedy)


def _as_approved(opened: Run, saved: SavedPlan, made: Plan) -> Emit:
    """Refuse a plan other than the approved one. The returned function records each write in the file before it is sent."""
    journal = Journal(saved, lambda found: opened.show(DiagnosticsShown(tuple(found))))
    # Read after Azure was read: another run of this file records what it starts before Azure can show it.
    plan_again = _command(opened.options, "plan", _PROFILE, saved=True, out=saved.path)
    refuse_unless_approved(saved, made, journal.begun(), plan_again)
    if made.pending and not made.errored:
        journal.try_out()

    def emit(event: Event) -> None:
        if isinstance(event, ChangeStarted) and event.change.action.writes:
            journal.begin(event.change.resource_id)
        opened.show(event)

    return emit


def _command(options: Options, name: str, file: Path, *, saved: bool, out: Path | None = None) -> str:
    """Return a command line for the operator with the same target as this run.

    A saved plan contains its profile's values, so it needs no overrides.
    """
    flags = ["--out", str(out)] if out else []
    flags += ["--sandbox"] if options.sandbox else []
    flags += ["--state", str(options.state)] if options.state else []
    flags += ["--auth", options.auth.value] if options.auth else []
    overrides = [] if saved else [text for each in options.overrides for text in ("--set", each)]
    return shlex.join((*PROGRAM.get(), name, str(file), *overrides, *flags))


def _confirmation_required(procedure: Procedure, name: str) -> Diagnostic:
    option = f"--yes-{procedure.name} {name}" if name else "--yes"
    return codes.CMK010.error(
        "Standard input is not a terminal, so cmkctl cannot ask. Nothing was changed.",
        f"Read the plan, then run the same command with {option}.",
    )


def _yes_is_not_enough(procedure: Procedure, name: str) -> Diagnostic:
    return codes.CMK010.error(
        f"--yes does not approve {procedure.name}: name what is meant. Nothing was changed.",
        f"Read the plan. If {name} is meant: --yes-{procedure.name} {name}",
    )


def _another_name(procedure: Procedure, given: str, name: str) -> Diagnostic:
    return codes.CMK010.error(
        f"--yes-{procedure.name} names {given}, and the plan is about {name}. Nothing was changed.",
        f"Read the plan. If {name} is meant: --yes-{procedure.name} {name}",
    )
