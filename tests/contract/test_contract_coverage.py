"""docs/sandbox.md states how far each part of the sandbox goes. That the page is fresh is a test of tests/docs."""

from __future__ import annotations

import pytest

from cmkctl.sandbox import coverage_page
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.registry import providers


@pytest.mark.parametrize("provider", providers(), ids=lambda provider: provider.namespace)
def test_every_provider_declares_its_coverage(provider: Provider) -> None:
    """Without a row the table would omit the provider silently."""
    assert [area for area in provider.coverage if area.supported or area.not_modelled] != []


def test_areas_of_one_name_are_one_row() -> None:
    """Their sentences follow each other."""
    declared = [
        Area("keys", supported=("PUT",), guesses=("a guess",)),
        Area("keys", supported=("GET",)),
        Area("vaults"),
    ]

    assert [Area("keys", ("PUT", "GET"), guesses=("a guess",)), Area("vaults")] == coverage_page.rows(declared)


def test_a_cell_keeps_to_its_column() -> None:
    """A bar in a sentence is escaped; an empty cell has a dash."""
    assert coverage_page.table([Area("keys", ("a | b", "c"))]).endswith("| keys | a \\| b<br>c | - | - | - |")
