from __future__ import annotations

import dataclasses

import pytest
from support.view_plans import everything, new_workspace, profile
from support.view_streams import Seen, assert_golden

from cmkctl.plan import Action, Plan


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("name", ["new-workspace", "everything"])
def test_a_plan_reads_like_this(name: str, columns: int, terminal: bool) -> None:
    """Exact text, in a pipe and on a terminal, narrow and wide."""
    seen = Seen(columns=columns, terminal=terminal)

    seen.view.plan({"new-workspace": new_workspace(registered=True), "everything": everything()}[name])

    assert_golden(f"plan-{name}-{'terminal' if terminal else 'pipe'}-{columns}", seen.out)


@pytest.mark.parametrize("registered", [False, True], ids=["fresh-subscription", "some-providers-registered"])
def test_the_plan_of_a_new_workspace_fits_on_one_screen(registered: bool) -> None:
    """24 lines of 80 columns, with the default profile."""
    seen = Seen()

    seen.view.plan(new_workspace(registered=registered))

    lines = seen.out.splitlines()
    assert len(lines) <= 24, seen.out
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
def test_a_terminal_that_wants_no_colour_gets_what_a_pipe_gets(environ: dict[str, str]) -> None:
    """Nothing is said by colour alone, so nothing is lost."""
    terminal, pipe = Seen(terminal=True, environ=environ), Seen()

    terminal.view.plan(everything())
    pipe.view.plan(everything())

    assert (pipe.out, pipe.err) == (terminal.out, terminal.err)
    assert "\x1b" not in pipe.out + pipe.err


def test_a_detailed_plan_shows_every_request() -> None:
    """Method, path, api-version and body: what will be sent, with what is not known yet in brackets."""
    seen = Seen()

    seen.view.plan(everything(), detailed=True)

    assert_golden("plan-detailed", seen.out)


def test_a_detailed_plan_says_each_provider_by_itself() -> None:
    """Rows are shared for brevity only."""
    plan = new_workspace(registered=True)
    seen = Seen()

    seen.view.plan(plan, detailed=True)

    assert all(f" {each.action.symbol} {each.title}" in seen.out for each in plan.changes)


def test_nothing_to_do_is_said_with_its_reasons() -> None:
    """A plan without writes still says what was looked at."""
    right = tuple(
        dataclasses.replace(each, action=Action.NO_OP, reason="already right", attributes=(), irreversible=(), costs=())
        for each in new_workspace().changes
    )
    seen = Seen()

    seen.view.plan(dataclasses.replace(new_workspace(), changes=right, diagnostics=()))

    assert_golden("plan-nothing-to-do", seen.out)


def test_a_plan_that_a_rule_stops_says_so() -> None:
    """Without a conflict among the changes, the last line still says that it cannot be applied."""
    seen = Seen()

    seen.view.plan(dataclasses.replace(new_workspace(), diagnostics=everything().diagnostics))

    assert "This plan cannot be applied." in seen.out.splitlines()[-1]
    assert seen.err.startswith("\nerror CMK103: ")


def test_ways_out_and_ids_are_never_broken() -> None:
    """A command or an id that is longer than the line stays in one piece, to be copied."""
    identity = (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml-identity/providers"
        "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml-workspace"
    )
    workspace = {**profile().workspace.model_dump(), "identity": identity}
    seen = Seen(columns=40)

    seen.view.plan(everything())
    seen.view.plan(new_workspace(profile(workspace=workspace)))

    assert "az keyvault key set-attributes --vault-name kv-ml-01 --enabled true\n" in seen.out
    assert any(identity in line for line in seen.out.splitlines())


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    """Neither from the plan nor from a diagnostic, in a pipe and on a terminal."""
    evil = "\x1b]0;owned\x07\x9b2J\u202e"
    plan = everything()
    changes = tuple(dataclasses.replace(each, title=evil, reason=evil, ways_out=(evil,)) for each in plan.changes)
    subject = dataclasses.replace(plan.subject, location=evil)
    diagnostics = tuple(dataclasses.replace(each, detail=evil, remedy=evil, subject=evil) for each in plan.diagnostics)

    for seen in (Seen(), Seen(terminal=True)):
        seen.view.plan(Plan(subject, changes, diagnostics), detailed=True)
        seen.view.waiting(evil, 100)
        seen.view.outputs({"name": evil})

        assert not any(each in seen.out + seen.err for each in ("\x1b]", "\x07", "\x9b", "\u202e"))
