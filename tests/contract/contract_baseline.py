"""How much of each recording the sandbox reproduces: what is committed, and how it is brought up to date.

    python tests/contract/contract_baseline.py

plays every recording, prints the table, and writes ``baseline.json`` beside this file, unless something is wrong.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))

from contract_arrange import Start
from contract_recordings import names, read
from contract_replay import Outcome, Result, play
from contract_starts import STARTS

from cmkctl.sandbox.core.requestlog import LoggedRequest

BASELINE = Path(__file__).with_name("baseline.json")
BETTER = (Outcome.AGREES, Outcome.REPEAT)
COLUMNS = (Outcome.AGREES, Outcome.REPEAT, Outcome.DIFFERS, Outcome.NOT_MODELLED, Outcome.EXCLUDED, Outcome.WRONG)
HEADINGS = ("agree", "repeats", "differ, with a reason", "not modelled", "not sent, with a reason", "WRONG")


@cache
def _play(name: str) -> tuple[list[Result], list[LoggedRequest]]:
    start = STARTS.get(name[:2], Start())
    return play(read(name, start.rename), start)


def played(name: str) -> list[Result]:
    """Return what came of every exchange of a recording; it is played once a process."""
    return _play(name)[0]


def logged(name: str) -> list[LoggedRequest]:
    """Return all that the sandbox was asked and answered while a recording was played."""
    return _play(name)[1]


def counts(results: list[Result]) -> dict[str, int]:
    """Return how many exchanges had which outcome."""
    found = Counter(each.outcome for each in results)
    return {outcome.value: found[outcome] for outcome in COLUMNS}


def committed() -> dict[str, dict[str, int]]:
    """Return the committed counts by recording."""
    found: dict[str, dict[str, int]] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return found


def reproduced(found: Mapping[str, int]) -> int:
    """Return how many exchanges the sandbox reproduces without any difference."""
    return sum(found[outcome.value] for outcome in BETTER)


def table(rows: Mapping[str, Mapping[str, int]]) -> str:
    """Return the counts as a table, with their sums."""
    whole = {outcome.value: sum(row[outcome.value] for row in rows.values()) for outcome in COLUMNS}
    lines = [f"{'recording':44} " + "  ".join(HEADINGS)]
    for name, row in [*sorted(rows.items()), ("all", whole)]:
        cells = [f"{row[outcome.value]:>{len(head)}}" for outcome, head in zip(COLUMNS, HEADINGS, strict=True)]
        lines.append(f"{name:44} " + "  ".join(cells))
    return "\n".join(lines)


def main() -> None:
    """Play everything, print the table and what is wrong, and write the baseline."""
    rows = {name: counts(played(name)) for name in names()}
    sys.stdout.write(table(rows) + "\n")
    wrong = [(name, each) for name in names() for each in played(name) if each.outcome is Outcome.WRONG]
    for name, each in wrong:
        sys.stdout.write(f"{name} {each.exchange}\n    " + "\n    ".join(each.why) + "\n")
    if wrong:
        sys.exit("the baseline stays as it was")
    BASELINE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
