"""The sandbox answers what Azure answered: every recorded exchange, in order; where they differ, the sandbox is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contract_baseline import committed, counts, played, reproduced, wrong
from contract_exceptions import DIFFERENCES, EXCLUDED, NOT_MODELLED, OF_SERVICES
from contract_recordings import names, require_reference
from contract_replay import Outcome
from contract_starts import STARTS

require_reference()
HERE = names()
REGENERATE = "if this is meant, run `python tests/contract/contract_baseline.py` and look at the difference"


@pytest.mark.parametrize("name", HERE)
def test_a_recording_is_reproduced(name: str, record_property: Callable[[str, object], None]) -> None:
    """Status, headers and every value of the body agree, a declared reason explains why not, or it is known as wrong."""
    results = played(name)
    record_property("contract", (name, counts(results)))

    known = committed()[name][Outcome.WRONG.value]
    new = [each for each in results if each.outcome is Outcome.WRONG and each.exchange.number not in known]
    assert not new, "\n".join(f"{each.exchange}\n      " + "\n      ".join(each.why) for each in new)


@pytest.mark.parametrize("name", HERE)
def test_no_less_is_reproduced_than_before(name: str) -> None:
    """The number of exchanges without any difference only grows, and that of wrong ones only shrinks."""
    before, results = committed()[name], played(name)

    now = counts(results)
    assert reproduced(now) >= reproduced(before), f"{before} has become {now}; {REGENERATE}"
    assert len(wrong(results)) <= len(before[Outcome.WRONG.value]), f"{before} has become {now}; {REGENERATE}"


def test_every_recording_has_its_committed_numbers() -> None:
    """A recording that is new, or gone, is noticed; so is an exchange without an outcome."""
    assert sorted(committed()) == HERE, REGENERATE
    assert [len(played(name)) for name in HERE] == [
        sum(len(value) if isinstance(value, list) else value for value in row.values())
        for row in (committed()[name] for name in HERE)
    ]


def test_every_exception_is_needed() -> None:
    """An exception whose difference is gone goes, too, and so does a start that is declared for no recording."""
    given = {reason for name in HERE for each in played(name) for reason in (*each.why, *each.known)}
    texts = "\n".join(given)

    assert [] == [each.why for each in (*EXCLUDED, *DIFFERENCES, *OF_SERVICES, *NOT_MODELLED) if each.why not in texts]
    assert set() == STARTS.keys() - {name[:2] for name in HERE}


def test_a_repeat_is_a_read_after_a_read() -> None:
    """Every write is sent: only a GET that shows what the GET before it showed counts without being sent."""
    repeats = {
        (name[:2], each.exchange.method) for name in HERE for each in played(name) if each.outcome is Outcome.REPEAT
    }
    sent = [played(name)[number] for name in HERE for number in {"27": (11, 13), "81": (5,)}.get(name[:2], ())]

    assert {"GET"} == {method for _, method in repeats}
    assert [True] * 3 == [each.shown is not None and each.exchange.method != "GET" for each in sent]
