"""The sandbox answers what Azure answered: every recorded exchange, in order; where they differ, the sandbox is wrong."""

from __future__ import annotations

import pytest
from contract_baseline import committed, counts, played, reproduced
from contract_exceptions import DIFFERENCES, EXCLUDED
from contract_recordings import names
from contract_replay import Outcome

HERE = names()
pytestmark = pytest.mark.skipif(not HERE, reason="../shared/reference/recordings is not beside this checkout")
REGENERATE = "if this is meant, run `python tests/contract/contract_baseline.py` and look at the difference"


@pytest.mark.parametrize("name", HERE)
def test_a_recording_is_reproduced(name: str, record_property: pytest.RecordProperty) -> None:
    """Status, header names and the form of the body agree, or a declared reason says why not."""
    results = played(name)
    record_property("contract", (name, counts(results)))

    wrong = [
        f"{each.exchange}\n      " + "\n      ".join(each.why) for each in results if each.outcome is Outcome.WRONG
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", HERE)
def test_no_less_is_reproduced_than_before(name: str) -> None:
    """The number of exchanges without any difference only grows."""
    before, now = committed()[name], counts(played(name))

    assert reproduced(now) >= reproduced(before), f"{before} has become {now}; {REGENERATE}"


def test_every_recording_has_its_committed_numbers() -> None:
    """A recording that is new, or gone, is noticed."""
    assert sorted(committed()) == HERE, REGENERATE


def test_every_exchange_has_exactly_one_outcome() -> None:
    """Nothing is passed over in silence."""
    assert [sum(row.values()) for row in committed().values()] == [len(played(name)) for name in HERE]


def test_every_exception_is_needed() -> None:
    """An exception whose difference is gone goes, too."""
    given = {reason for name in HERE for each in played(name) for reason in each.why}

    assert [] == [each.why for each in (*EXCLUDED, *DIFFERENCES) if each.why not in given]
