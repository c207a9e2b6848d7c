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
    parts = [f"{code.id}  {code.title}", textwrap.fill(code.meaning, 78), textwrap.fill(f"→ {code.remedy}", 78)]
    checked = [textwrap.fill(_checked(each), 78) for each in RULES if each.code == code]
    return "\n\n".join([*parts, *checked, *([f"Source: {code.source}"] if code.source else [])]) + "\n"


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
        lines += [line for each in RULES if each.code == code for line in (_checked(each), "")]
        lines += [f"Source: <{code.source}>", ""] if code.source else []
    return "\n".join(lines).rstrip() + "\n"


def _checked(each: Rule) -> str:
    rests = " and ".join(["the profile", *(f"the {fact.title}" for fact in each.needs)])
    return f"Preflight rule ({each.severity}); reads {rests}."
