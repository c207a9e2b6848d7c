"""Load the steps of the procedure once more, with one piece of their source replaced.

Modules that steps share with the rest, such as `cmkctl.plan`, are not loaded again: changes and outputs compare as usual.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cmkctl import steps
from cmkctl.procedures import create
from cmkctl.steps.base import AnyStep
from support.step_sources import FOLDER

_PROCEDURE = "procedure"


@dataclass(frozen=True)
class Mutant:
    """A piece of a module's source, the piece that replaces it, and the step whose cases must notice."""

    step: str
    module: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.step}: {self.old} -> {self.new}"

    @property
    def occurrences(self) -> int:
        """The number of times that the piece is in the module's source. A mutant needs exactly one."""
        return FOLDER.joinpath(*self.module.split(".")).with_suffix(".py").read_text(encoding="utf-8").count(self.old)


@contextmanager
def mutated(folder: Path, mutant: Mutant | None) -> Iterator[Mapping[str, AnyStep]]:
    """Give the steps by name, from a package in `folder` with the mutant's change; without a mutant, an exact copy.

    Raises ValueError when the mutant's piece is not in its module exactly once.
    """
    package = f"mutated_{abs(hash(folder))}"
    home = folder / package
    home.mkdir()
    for file in FOLDER.rglob("*.py"):
        copy = home / file.relative_to(FOLDER)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(_renamed(_source(file, mutant), package), encoding="utf-8")
    (home / f"{_PROCEDURE}.py").write_text(_renamed(inspect.getsource(create), package), encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        sequence = importlib.import_module(f"{package}.{_PROCEDURE}").SEQUENCE
        yield {each.name: each for each in sequence}
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.partition(".")[0] == package]:
            del sys.modules[name]


def _source(file: Path, mutant: Mutant | None) -> str:
    text = file.read_text(encoding="utf-8")
    if mutant is None or ".".join(file.relative_to(FOLDER).with_suffix("").parts) != mutant.module:
        return text
    if text.count(mutant.old) != 1:
        raise ValueError(f"{file.name} has {text.count(mutant.old)} times: {mutant.old}")
    return text.replace(mutant.old, mutant.new)


def _renamed(source: str, package: str) -> str:
    return source.replace(f"from {steps.__name__} import", f"from {package} import").replace(
        f"from {steps.__name__}.", f"from {package}."
    )
