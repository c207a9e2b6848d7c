"""The comparison notices mutations of the sandbox's answers: what it does not see, the contract does not prove."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import pytest
from contract_baseline import agreeing
from contract_compare import differences
from contract_exceptions import explained
from contract_mutations import VALUES, mutants
from contract_recordings import require_reference

require_reference()
NOTICED = 0.9
"""The part of each class that has to be noticed."""
FEWEST = 20
"""Fewest mutations of a class for the part to mean something."""
ONE_IN = 3
"""Of so many answers, one is mutated without `--all`: thousands of mutations of the same kinds take half a minute."""


def test_mutations_of_every_class_are_noticed(pytestconfig: pytest.Config) -> None:
    """Of all mutations of answers that agree, at least 90 % in each class make a difference without a reason."""
    tried: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for scenario, result in islice(agreeing(), 0, None, 1 if pytestconfig.getoption("--all") else ONE_IN):
        assert result.shown is not None
        for kind, mutant in mutants(result.shown, with_retry_after=result.exchange.keeps_retry_after):
            found = differences(result.exchange, mutant, result.pairs)
            tried[kind] += 1
            noticed[kind] += any(explained(scenario, result.exchange, each) is None for each in found)

    missed = {kind for kind, count in tried.items() if noticed[kind] < NOTICED * count}
    assert (set(), True) == (missed, min(tried.values()) >= FEWEST), _table(tried, noticed)
    assert VALUES.keys() <= tried.keys(), _table(tried, noticed)


def _table(tried: Counter[str], noticed: Counter[str]) -> str:
    rows = [(kind, noticed[kind], count, f"{noticed[kind] / count:.1%}") for kind, count in sorted(tried.items())]
    return "\n".join(f"{kind:32} {seen:6} of {count:6}  {part}" for kind, seen, count, part in rows)


def test_a_replay_again_agrees_with_itself() -> None:
    """Without a mutation no agreeing answer differs: what the test above counts is due to the mutations."""
    unchanged: list[Any] = [
        (scenario, str(result.exchange), found)
        for scenario, result in agreeing()
        if result.shown is not None
        if (found := differences(result.exchange, result.shown, result.pairs))
    ]

    assert [] == unchanged
