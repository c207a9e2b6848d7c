"""The wording of newcomer.md, section 9: no text that a user can meet is worded as before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BEFORE = (
    "Only yes applies it",
    "Nobody can be asked",
    "This is no terminal",
    "The time for waiting is over",
    "High business impact is another",
    "or make another workspace",
    "retention is another",
    "authorization is another",
    "network rules are others",
    "has the other architecture",
    "is of another kind",
    "Azure asks for fewer requests",
    "Azure does not accept the credential",
    "may not do this",
    "may not mend",
    "may not be reached by the service",
    "What is begun cannot be noted",
    "and a profile is wanted",
    "is what a plan came to",
    "no longer what was approved",
    "Azure is no longer as it was",
    "has no room for it",
    "A policy of the organisation denies it",
    "not YAML that cmkctl accepts",
    "A required field is missing",
    "is required and not given",
    "There is no field",
    "is given twice in one mapping",
    "It takes a GUID",
    "As asked for",
    "as asked for",
    "were read back and are",
    "Nothing to do:",
    "already right",
    "not there yet",
    "being made ready",
    "created after",
    "is as new",
    "is there already, and nothing was written",
    "Say on standard error",
    "Left out: azure-identity",
    "How slow things get done",
    "Show what would be done",
    "its exit code is ours",
    "leave to read service principals",
    "Some differences no write can mend",
    "A grant counts after",
    "Mend the line",
    "has no secret that the profile has not",
    "may compute them anew",
)
"""The sentences of the table, each by a part that identifies it."""


def _pages() -> list[Path]:
    folders = (ROOT / "cmkctl", ROOT / "docs", ROOT / "profiles")
    kinds = {".py", ".md", ".yaml", ".json"}
    found = [each for folder in folders for each in folder.rglob("*") if each.suffix in kinds]
    # Changelog, decisions and the glossary quote what was; the sandbox repeats Azure's own words.
    history = {"changelog.md", "glossary.md"}
    return [
        ROOT / "README.md",
        *(each for each in found if each.name not in history and not {"adr", "sandbox"} & {*each.parts}),
    ]


@pytest.mark.parametrize("sentence", BEFORE)
def test_no_text_is_worded_as_before(sentence: str) -> None:
    """Wrapped lines count as one."""
    pattern = re.compile(r"\W+".join(map(re.escape, re.findall(r"\w+", sentence))))

    assert [] == [str(each.relative_to(ROOT)) for each in _pages() if pattern.search(_text(each))]


_TEXTS: dict[Path, str] = {}


def _text(path: Path) -> str:
    if path not in _TEXTS:
        _TEXTS[path] = path.read_text(encoding="utf-8")
    return _TEXTS[path]
