"""The table of docs/failures.yaml: which code answers which failure, and the test that provokes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from cmkctl.checks import CODES, reference

ROOT: Final = Path(__file__).parents[2]
ANSWERS: Final = ("rule", "explained", "retried", "built in", "none")


@dataclass(frozen=True)
class Failure:
    """One way to fail: its title, the kind of answer, the codes, the test, and a remark or the reason for no answer."""

    id: str
    title: str
    answer: str
    codes: tuple[str, ...] = ()
    test: str = ""
    note: str = ""


def failures() -> list[Failure]:
    """Return every row of the file. Raises TypeError for a row with an unknown member."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "failures.yaml").read_text(encoding="utf-8"))
    return [Failure(id=name, **{**row, "codes": tuple(row.get("codes", ()))}) for name, row in rows.items()]


def rules_page() -> str:
    """docs/rules.md: every code, then the table of failures."""
    listed = failures()
    known = [each for each in listed if each.id.startswith("P")]
    answered = sum(each.answer != "none" for each in known)
    others = len(listed) - len(known)
    introduction = (
        f"Ways in which the creation of such a workspace goes wrong, from documentation and public reports: {answered} of "
        f"{len(known)} have an answer, and so do {others} further cases of the field (G). A *rule* stops the run before the "
        "first write, or warns; *explained* is a diagnostic with cause and remedy after a refusal by Azure; *retried* is waited "
        "for; *built in* is ruled out by what cmkctl sends."
    )
    lines = [
        reference().rstrip(),
        "",
        "## Coverage",
        "",
        introduction,
        "",
        "| | failure | answer | codes or reason | test |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_line, listed)]) + "\n"


def _line(each: Failure) -> str:
    codes = ", ".join(f"[{code}](#{_anchor(code)})" for code in each.codes)
    words = ". ".join(part.rstrip(".") for part in (codes, each.note) if part)
    test = f"`{each.test}`" if each.test else ""
    return f"| {each.id} | {each.title} | {each.answer} | {words} | {test} |"


def _anchor(code: str) -> str:
    """Return the anchor that Markdown renderers give the heading of a code."""
    heading = f"{code} {CODES[code].title}".lower()
    return "".join(each for each in heading if each.isalnum() or each in " -_").replace(" ", "-")
