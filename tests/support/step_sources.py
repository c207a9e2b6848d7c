"""Read from the source of the steps which conflict codes and actions each step can plan.

A step's source is its module, the private modules that this one imports, and the functions that it takes from other steps.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from cmkctl import steps
from cmkctl.plan import Action

FOLDER: Final = Path(steps.__path__[0])
_PACKAGE: Final = steps.__name__
_SHARED: Final = {"no_op": Action.NO_OP, "wait": Action.WAIT, "conflict": Action.CONFLICT}
"""The functions of `cmkctl.steps.base` that make a change."""


def codes_in(step: str) -> set[str]:
    """Return the conflict codes in the source of a step."""
    texts = (node.value for node in _nodes_of(step) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {each for each in texts if re.fullmatch(r"CMK\d{3}", each)}


def actions_in(step: str) -> set[Action]:
    """Return the actions in the source of a step."""
    found: set[Action] = set()
    for node in _nodes_of(step):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == Action.__name__:
            found.add(Action[node.attr])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SHARED:
            found.add(_SHARED[node.func.id])
    return found


def _nodes_of(step: str) -> Iterator[ast.AST]:
    for tree in _trees_of(step, set()):
        yield from ast.walk(tree)


def _trees_of(module: str, seen: set[str]) -> Iterator[ast.AST]:
    """Yield the module and what it uses of others; `seen` keeps each module from being read twice."""
    if module in seen:
        return
    seen.add(module)
    tree = _parsed(module)
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith(_PACKAGE):
            origin = node.module.removeprefix(_PACKAGE).lstrip(".")
            for name in (each.name for each in node.names):
                yield from _imported(origin, name, seen)


def _imported(origin: str, name: str, seen: set[str]) -> Iterator[ast.AST]:
    if not origin:
        yield from _trees_of(name, seen)
    elif origin.startswith("_"):
        yield from _trees_of(origin, seen)
    elif origin != "base":
        yield from (each for each in _parsed(origin).body if isinstance(each, ast.FunctionDef) and each.name == name)


@cache
def _parsed(module: str) -> ast.Module:
    path = FOLDER.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))
