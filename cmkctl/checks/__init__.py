"""The preflight rules, grouped by subject, and every diagnostic code.

A rule declares its code, its severity and the facts it needs, and is found by its decorator: adding one touches the file of its
group, or a new file here, and nothing else. Loading the rules imports neither the Azure SDK nor the steps, so that
``cmkctl explain`` is fast.
"""

from __future__ import annotations

import pkgutil
import textwrap
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from cmkctl import codes
from cmkctl.diagnostics import Code
from cmkctl.evidence import evidence_of
from cmkctl.facts import Rule


def _discovered() -> Iterator[Rule]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield from (each for each in vars(import_module(module.name)).values() if isinstance(each, Rule))


RULES: Final[tuple[Rule, ...]] = tuple(sorted(_discovered(), key=lambda each: each.code.id))
"""Every rule, in the order of the codes."""

CODES: Final[Mapping[str, Code]] = dict(
    sorted({**codes.DECLARED, **{each.code.id: each.code for each in RULES}}.items())
)
"""Every code that cmkctl can report, by id."""

IGNORABLE: Final = frozenset({codes.CMK011.id, codes.CMK012.id, *(each.code.id for each in RULES)})
"""The codes that ``--ignore`` takes: those of rules, and the warnings about a profile."""


def explanation(code: Code) -> str:
    """Format the explanation of a code for a terminal of 80 columns."""
    texts = (code.meaning, f"→ {code.remedy}", _checked(code), evidence_of(code))
    parts = [f"{code.id}  {code.title}", *(textwrap.fill(each, 78, break_on_hyphens=False) for each in texts if each)]
    return "\n\n".join([*parts, *([f"Source: {code.source}"] if code.source else [])]) + "\n"


def reference() -> str:
    """Return every code as Markdown: docs/rules.md."""
    lines = [
        "# Diagnostic codes",
        "",
        "Generated from the declared codes; `cmkctl explain CODE` shows one of them.",
        "",
    ]
    for code in CODES.values():
        lines += [f"## {code.id} {code.title}", "", code.meaning, "", f"**What to do:** {code.remedy}", ""]
        lines += [line for each in (_checked(code), evidence_of(code)) if each for line in (each, "")]
        lines += [f"Source: <{code.source}>", ""] if code.source else []
    return "\n".join(lines).rstrip() + "\n"


def _checked(code: Code) -> str:
    """Return the severity of the rules with a code and what they read, in one sentence; empty for a code without a rule."""
    rules = [each for each in RULES if each.code == code]
    if not rules:
        return ""
    severities = " or ".join(dict.fromkeys(str(each.severity) for each in rules))
    read = list(dict.fromkeys(["the profile", *(f"the {fact.title}" for each in rules for fact in each.needs)]))
    listed = " and ".join([*([", ".join(read[:-1])] if read[1:] else []), read[-1]])
    return f"Preflight rule ({severities}); reads {listed}."
