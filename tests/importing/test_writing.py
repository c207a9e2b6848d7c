"""The text of a written profile: whatever Azure shows comes back from the loader as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmkctl.foreign_text import safe
from cmkctl.profile.environment import fill
from cmkctl.profile.parse import parse_document
from cmkctl.profile.tree import plain
from cmkctl.profile.writing import Draft, Variable

HOSTILE = [
    "yes", "no", "null", "~", "1.10", "007", "1e5", "0x10", "12:30", "2026-01-01", "=", "!tag", "&a", "*a", "- x", "a: b",
    "a #b", "#", "'", '"', "\\", "%", "@x", "`", "{", "[a", "${HOME}", "$${HOME}", "$$${", "a\nb: c", "\r\n", "\t", " lead",
    "trail ", "", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "Größe", "日本", "🔑", "---", "...", "?", "| x",
    "a ::set-output name=x::v", "##vso[task.setvariable]x", "section_start:1:x",
]  # fmt: skip


def read_back(draft: Draft) -> dict[str, Any]:
    """Parse the text of a draft as the loader does."""
    root = fill(parse_document(draft.text().text, "written"), {}).root
    found: Any = plain(root)
    return dict(found)


@given(
    texts=st.lists(
        st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]))).filter(
            lambda each: each != "<<"
        ),
        unique=True,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back_as_a_name_a_value_and_a_list(texts: list[str]) -> None:
    """Names and values that YAML or the environment would take for something else; and comments stay comments."""
    fields: dict[str, Any] = {"tags": {each: each for each in texts}, "list": texts, "rows": [{"a": t} for t in texts]}
    draft = Draft(fields)
    for each in texts:
        draft.comment(("tags", each), each)

    assert fields == read_back(draft)


@pytest.mark.parametrize("text", HOSTILE)
def test_each_hostile_text_comes_back(text: str) -> None:
    """One by one, also where the random ones do not reach it."""
    draft = Draft({"a": {text: text}}, top=[text])
    written = draft.text().text

    assert {"a": {text: text}} == read_back(draft)
    assert written == safe(written)


def test_a_line_leads_to_its_field_and_a_field_can_be_left_out() -> None:
    """A value that is left out stays as a comment, with the reason; a list keeps its other entries."""
    draft = Draft(
        {"name": "a", "grants": [{"role": "Reader"}, {"role": "Owner"}], "empty": {}, "var": Variable("NAME")}
    )
    before = draft.text()

    draft.leave_out(("grants", 0), "Not allowed.")

    lines = before.text.splitlines()
    assert ("grants", 1, "role") == before.fields[lines.index("  - role: Owner") + 1]
    assert [
        "name: a",
        "",
        "grants:",
        "  # Not allowed. It is: {role: Reader}",
        "  - role: Owner",
        "",
        "empty: {}",
        "var: ${NAME}",
    ] == draft.text().text.splitlines()[1:]
