"""``${NAME}`` in a profile: filled in after everything is merged, so that only values that count need their variables.

``${NAME:-default}`` takes the default where NAME is not set or empty, as in a shell; ``$${`` means ``${``. What is
filled in is a value, never YAML: it cannot add fields or lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cmkctl.diagnostics import Diagnostic
from cmkctl.profile.errors import problem
from cmkctl.profile.parse import resolve
from cmkctl.profile.tree import UNSET, Branch, Entry, Items, Node, Path, Scalar, dotted

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}|\$\{[^}]*\}?")

OR_SET: Final = "; or use: --set "
"""The beginning of the remedy that a profile has, and a file without --set has not."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A tree with its variables filled in, and what is wrong with those that could not be."""

    root: Branch
    problems: tuple[Diagnostic, ...]
    unset: frozenset[Path]


def fill(root: Branch, environ: Mapping[str, str]) -> Filled:
    """Fill the variables of `environ` into every scalar; one diagnostic (CMK006, CMK004) for each cause."""
    filler = _Filler(environ, {}, set())
    filled = filler.branch(root, ())
    return Filled(filled, tuple(filler.problems.values()), frozenset(filler.unset))


@dataclass
class _Filler:
    environ: Mapping[str, str]
    problems: dict[str, Diagnostic]
    unset: set[Path]

    def branch(self, branch: Branch, path: Path) -> Branch:
        entries = {name: Entry(e.key, self.node(e.node, (*path, name))) for name, e in branch.entries.items()}
        return replace(branch, entries=entries)

    def node(self, node: Node, path: Path) -> Node:
        if isinstance(node, Branch):
            return self.branch(node, path)
        if isinstance(node, Items):
            return replace(node, nodes=tuple(self.node(each, (*path, i)) for i, each in enumerate(node.nodes)))
        return self._scalar(node, path) if "${" in node.text else node

    def _scalar(self, scalar: Scalar, path: Path) -> Scalar:
        found = list(_REFERENCE.finditer(scalar.text))
        faults = [each for each in found if not self._usable(each)]
        for fault in faults:
            self._blame(fault, scalar, path)
        text = scalar.text if faults else _REFERENCE.sub(self._replacement, scalar.text)
        value = UNSET if faults else resolve(text) if scalar.plain else text
        return replace(scalar, value=value, variables=tuple(each[1] for each in found if each[1]))

    def _usable(self, reference: re.Match[str]) -> bool:
        if reference[0] == "$${":
            return True
        return reference[1] is not None and (reference[2] is not None or reference[1] in self.environ)

    def _replacement(self, reference: re.Match[str]) -> str:
        if reference[0] == "$${":
            return "${"
        value = self.environ.get(reference[1], "")
        return reference[2] if reference[2] is not None and not value else value

    def _blame(self, reference: re.Match[str], scalar: Scalar, path: Path) -> None:
        self.unset.add(path)
        name, where = reference[1], dotted(path)
        if name is None:
            detail = f"{where} is {scalar.text!r}, in which {reference[0]!r} names no environment variable."
            remedy = "Write ${NAME} or ${NAME:-default}, or $${ for the characters ${ themselves."
            self.problems[where] = problem("CMK004", detail, remedy, scalar.location, where)
        elif name not in self.problems:
            detail = f"{where} takes its value from ${{{name}}}, and {name} is not set."
            remedy = f"Set it: export {name}=...; or give it a default: ${{{name}:-...}}{OR_SET}{where}=..."
            self.problems[name] = problem("CMK006", detail, remedy, scalar.location, where)
