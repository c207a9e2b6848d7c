"""docs/sandbox.md says of every part of the sandbox how far it goes. That the page is fresh is a test of tests/docs."""

from __future__ import annotations

from types import ModuleType

import pytest

from cmkctl.sandbox import coverage_page, deployments, entra, graph, keyvault
from cmkctl.sandbox.coverage import Area
from cmkctl.sandbox.deployments import handlers
from cmkctl.sandbox.routes import ARM_MODULES

ELSEWHERE = {handlers: deployments}
"""Modules that are described by their package."""


@pytest.mark.parametrize("module", [*ARM_MODULES, entra, graph, keyvault], ids=lambda module: module.__name__)
def test_what_answers_says_how_far(module: ModuleType) -> None:
    """A module with routes has a COVERAGE constant: without one the table would leave it out."""
    assert coverage_page.of(ELSEWHERE.get(module, module)) != ()


def test_modules_of_one_area_are_one_row() -> None:
    """Their sentences follow each other."""
    one, other = ModuleType("one"), ModuleType("other")
    one.COVERAGE = Area("keys", supported=("PUT",), guesses=("a guess",))  # type: ignore[attr-defined]
    other.COVERAGE = (Area("keys", supported=("GET",)), Area("vaults"))  # type: ignore[attr-defined]

    assert [Area("keys", ("PUT", "GET"), guesses=("a guess",)), Area("vaults")] == coverage_page.rows([one, other])


def test_a_cell_keeps_to_its_column() -> None:
    """A bar in a sentence is escaped; an empty cell says so."""
    assert coverage_page.table([Area("keys", ("a | b", "c"))]).endswith("| keys | a \\| b<br>c | - | - | - |")
