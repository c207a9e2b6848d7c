"""The survey of ``cmkctl posture`` on a terminal: one screen for a workspace, bounded lists for thousands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.view_streams import Seen, assert_golden
from support.view_survey import RICH, assessment, many, microsoft, ordinary, outcome_of

from cmkctl.posture import Met, Posture, Survey, Verdict
from cmkctl.views import shown as s


def shown(
    survey: Survey, *, single: bool = True, evidence: bool = False, columns: int = 80, terminal: bool = False
) -> str:
    """Return what is on stdout."""
    seen = Seen(columns=columns, terminal=terminal)
    seen.view.show(s.RunContext(sandbox=True))
    seen.view.show(s.PostureShown(survey, single, evidence))
    return seen.out


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_verdict_reads_like_this(columns: int) -> None:
    """Also in a narrow window, and with hostile names."""
    assert_golden(f"posture-{columns}", shown(RICH, columns=columns))


def test_colours_carry_no_information_alone() -> None:
    """On a terminal the text is the same, with colours."""
    assert_golden("posture-terminal", shown(RICH, terminal=True))


def test_the_evidence_is_shown_on_request() -> None:
    """With its api-version, the parts, the aspects and the rules of others."""
    assert_golden("posture-evidence", shown(ordinary(), evidence=True))


def test_the_usual_workspace_fits_on_a_screen() -> None:
    """Of 80 columns and 40 rows, with a line for each resource."""
    lines = shown(ordinary()).splitlines()

    assert 40 >= len(lines)
    heads = [each for each in lines if each[:2] in ("✓ ", "! ", "- ", "? ", "✗ ")]
    assert len(ordinary().assessments) == len(heads)


def test_many_deployments_do_not_fill_the_screen() -> None:
    """Nothing can be chosen for them, so the first ones are shown and the rest is counted; accounts are shown one by one."""
    survey = ordinary()
    none = Posture(Verdict.NOT_CHOOSABLE, "Azure offers no other key")
    inside = "Microsoft.MachineLearningServices/workspaces/mlw/onlineEndpoints/score/deployments"
    more = [assessment("online deployment", inside, f"blue-{each}", none, None) for each in range(20)]
    accounts = [
        assessment("storage account", "Microsoft.Storage/storageAccounts", f"st{each}", microsoft())
        for each in range(5)
    ]
    found = replace(survey, assessments=(*survey.assessments, *more[:10], *accounts, *more[10:]))

    text, four = shown(found), shown(replace(survey, assessments=(*survey.assessments, *more[:4])))

    assert [f"score/blue-{each}" in text for each in range(20)] == [True] * 3 + [False] * 17
    assert "… and 17 more: online deployment, not-choosable; --json and --csv have all" in text
    assert all(f"storage account st{each} " in text for each in range(5))
    assert "more: online deployment" not in four
    assert all(f"score/blue-{each}" in shown(found, evidence=True) for each in range(20))


def test_thousands_are_summarised() -> None:
    """Lists are bounded and count the rest, whatever the number of workspaces."""
    text = shown(many(1000), single=False)

    assert_golden("posture-many", text)
    assert 80 >= len(text.splitlines())
    assert "… and 980 more" in text
    assert "… and 490 more" in text


def test_the_evidence_of_many_is_shown_on_request_only() -> None:
    """Below the summary."""
    line = "    properties.encryption.keySource = "

    assert 4 == shown(many(2, 1), single=False, evidence=True).count(line)
    assert 0 == shown(many(2, 1), single=False).count(line)


def test_what_needs_attention_comes_first() -> None:
    """A workspace with an unusable key, before those with Microsoft's keys."""
    survey = many(30, 0)
    last = survey.assessments[-1]
    broken = replace(last, posture=Posture(Verdict.CUSTOMER_UNUSABLE, "the key is disabled"), outcome=None)
    met = outcome_of(Met.MET, "microsoft may stay")
    others = tuple(replace(each, outcome=met) for each in survey.assessments[:-1])

    lines = shown(replace(survey, assessments=(*others, broken)), single=False).splitlines()

    first = lines[lines.index("Workspaces, with the resources around them") + 1]
    assert "  mlw-0029 (rg-ml): 1 customer-unusable" == first
    assert "  ✗ workspace mlw-0029 (rg-ml): the key is disabled" in lines


def test_an_empty_survey_is_shown_as_empty() -> None:
    """Nothing was found, which is no success."""
    text = shown(replace(RICH, assessments=(), unseen=(), left_out=()))

    assert "No resource was found." in text
