from __future__ import annotations

import dataclasses

import pytest
from support.view_plans import everything, new_workspace, up_to_date
from support.view_streams import Seen, assert_golden

from cmkctl import events
from cmkctl.plan import AttributeChange, Phrase, Plan
from cmkctl.views import shown as s
from cmkctl.views.layout import change_lines, plan_lines, question


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("name", ["new-workspace", "everything"])
def test_a_plan_reads_like_this(name: str, columns: int, terminal: bool) -> None:
    """Exact text, in a pipe and on a terminal, narrow and wide."""
    seen = Seen(columns=columns, terminal=terminal)

    seen.view.show(s.PlanShown({"new-workspace": new_workspace(registered=True), "everything": everything()}[name]))

    assert_golden(f"plan-{name}-{'terminal' if terminal else 'pipe'}-{columns}", seen.out)


@pytest.mark.parametrize("registered", [False, True], ids=["fresh-subscription", "some-providers-registered"])
def test_what_is_approved_fits_on_one_screen_with_the_question(registered: bool) -> None:
    """24 lines of 80 columns, with the default profile; the header is repeated by the question."""
    plan, context = new_workspace(registered=registered), s.RunContext(sandbox=True)

    lines = [each.text for each in plan_lines(plan, context, 80, rows=21)]

    shown = "\n".join(lines[2:])
    assert len(lines[2:]) + len(question(plan, context, 80)) <= 24, shown
    assert max(map(len, lines)) <= 80
    assert [] == [each.name for each in plan.pending if each.name not in shown]


@pytest.mark.parametrize("rows", range(8, 40))
def test_a_short_screen_never_hides_a_change_or_an_irreversible_effect(rows: int) -> None:
    """Whatever form is chosen, every pending resource and every irreversible effect is in it."""
    plan = new_workspace(registered=True)

    text = " ".join(
        " ".join(each.text for each in plan_lines(plan, s.RunContext(sandbox=False), 80, rows=rows)).split()
    )

    assert [] == [each.name for each in plan.pending if each.name not in text]
    assert [] == [words for _, words in plan.irreversible if words not in text]


@pytest.mark.parametrize("columns", range(66, 121, 6))
def test_descriptions_begin_at_one_column(columns: int) -> None:
    """At every width: each description begins where the others do, on the title's line or below it."""
    lines = list(change_lines(new_workspace(registered=True).changes, columns))
    texts = [each.text for each in lines]

    (column,) = {len(each) - len(each.lstrip()) for each in texts if each.startswith("      ")}
    assert "  " == texts[0][column - 2 : column]
    assert max(map(len, texts)) <= columns


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
def test_a_terminal_that_wants_no_colour_gets_what_a_pipe_gets(environ: dict[str, str]) -> None:
    """No meaning depends on colour alone, so nothing is lost."""
    terminal, pipe = Seen(terminal=True, environ=environ), Seen()

    terminal.view.show(s.PlanShown(everything()))
    pipe.view.show(s.PlanShown(everything()))

    assert (pipe.out, pipe.err) == (terminal.out, terminal.err)
    assert "\x1b" not in pipe.out + pipe.err


def test_a_detailed_plan_shows_every_request() -> None:
    """Method, path, api-version and body: what will be sent, with what is not known yet in brackets."""
    seen = Seen()

    seen.view.show(s.PlanShown(everything(), detailed=True))

    assert_golden("plan-detailed", seen.out)


def test_a_detailed_plan_lists_each_provider() -> None:
    """Rows are shared for brevity only."""
    plan = new_workspace(registered=True)
    seen = Seen()

    seen.view.show(s.PlanShown(plan, detailed=True))

    assert all(f" {each.action.symbol} {each.title}" in seen.out for each in plan.changes)


def test_a_plan_without_changes_lists_what_was_read() -> None:
    """Each resource with the reason why it needs no change."""
    seen = Seen()

    seen.view.show(s.PlanShown(up_to_date(new_workspace())))

    assert_golden("plan-nothing-to-do", seen.out)


def test_a_plan_with_an_error_cannot_be_applied() -> None:
    """Without a conflict among the changes, the last line still shows that it cannot be applied."""
    seen = Seen()

    seen.view.show(s.PlanShown(dataclasses.replace(new_workspace(), diagnostics=everything().diagnostics)))

    assert "This plan cannot be applied." in seen.out.splitlines()[-1]
    assert seen.err.startswith("\nerror CMK103: ")


def test_ways_out_and_ids_are_never_broken() -> None:
    """A command or an id that is longer than the line stays in one piece, to be copied."""
    identity = (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml-identity/providers"
        "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml-workspace"
    )
    plan = new_workspace()
    attribute = AttributeChange("identity", None, identity, phrase=Phrase())
    workspace = dataclasses.replace(plan.changes[-1], attributes=(attribute,))
    seen = Seen(columns=40)

    seen.view.show(s.PlanShown(everything()))
    seen.view.show(s.PlanShown(dataclasses.replace(plan, changes=(workspace,))))

    assert "az keyvault key set-attributes --vault-name kv-ml-01 --name cmk-ml --enabled true\n" in seen.out
    assert any(identity in line for line in seen.out.splitlines())


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    """Neither from the plan nor from a diagnostic, in a pipe and on a terminal."""
    evil = "\x1b]0;owned\x07\x9b2J\u202e"
    plan = everything()
    changes = tuple(
        dataclasses.replace(each, kind=evil, name=evil, reason=evil, ways_out=(evil,)) for each in plan.changes
    )
    subject = dataclasses.replace(plan.subject, location=evil)
    diagnostics = tuple(dataclasses.replace(each, detail=evil, remedy=evil, subject=evil) for each in plan.diagnostics)

    for seen in (Seen(), Seen(terminal=True)):
        seen.view.show(s.PlanShown(Plan(subject, changes, diagnostics), detailed=True))
        seen.view.show(events.Waiting(None, evil, 100))
        seen.view.show(s.OutputsShown({"name": evil}))

        assert not any(each in seen.out + seen.err for each in ("\x1b]", "\x07", "\x9b", "\u202e"))
