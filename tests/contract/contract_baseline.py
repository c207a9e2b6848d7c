"""Baseline of the replays: the committed outcome of every recording, and the command that brings it up to date.

    python tests/contract/contract_baseline.py            print the table and write ``baseline.json``
    python tests/contract/contract_baseline.py --report   print what is wrong, by recording, and write nothing
    python tests/contract/contract_baseline.py --report --by-provider
    python tests/contract/contract_baseline.py --report 47 59

Each entry of ``baseline.json``, and of ``recordings.yaml`` in the folder of a service, has the number of exchanges by outcome,
and under ``wrong`` the exchanges that differ from Azure today: a list that may only get shorter.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))

from contract_recordings import ARM, Exchange, names
from contract_replay import Outcome, Result, play
from contract_start import Start, read_from_start
from contract_starts import STARTS
from support.service_folders import files, pages

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.requestlog import LoggedRequest

BASELINE = Path(__file__).with_name("baseline.json")
BETTER = (Outcome.AGREES, Outcome.REPEAT)
SPELLINGS = ("Microsoft.KeyVault", "Microsoft.Insights", "Microsoft.OperationalInsights", "Microsoft.ManagedIdentity")
"""Namespaces that recordings spell in more than one way."""
COLUMNS = (Outcome.AGREES, Outcome.REPEAT, Outcome.DIFFERS, Outcome.NOT_MODELLED, Outcome.EXCLUDED, Outcome.WRONG)
HEADINGS = ("agree", "repeats", "differ, with a reason", "not modelled", "not sent, with a reason", "WRONG")


@cache
def _play(name: str) -> tuple[list[Result], list[LoggedRequest]]:
    start = STARTS.get(name[:2], Start())
    return play(read_from_start(name, start), start)


def played(name: str) -> list[Result]:
    """Return what came of every exchange of a recording; it is played once a process."""
    return _play(name)[0]


def agreeing() -> Iterator[tuple[str, Result]]:
    """Yield every exchange that was sent and agrees in everything, with the number of its recording; equal ones once."""
    seen: set[str] = set()
    for name in names():
        for each in played(name):
            exchange = each.exchange
            key = f"{name} {exchange.method} {exchange.path} {exchange.status} {json.dumps(exchange.answer)}"
            if each.outcome is Outcome.AGREES and key not in seen:
                seen.add(key)
                yield name[:2], each


def logged(name: str) -> list[LoggedRequest]:
    """Return all requests and responses of the sandbox while a recording was played."""
    return _play(name)[1]


def counts(results: list[Result]) -> dict[str, int]:
    """Return how many exchanges had which outcome."""
    found = Counter(each.outcome for each in results)
    return {outcome.value: found[outcome] for outcome in COLUMNS}


def wrong(results: list[Result]) -> list[int]:
    """Return the numbers of the exchanges that differ without a reason."""
    return [each.exchange.number for each in results if each.outcome is Outcome.WRONG]


def committed() -> dict[str, dict[str, Any]]:
    """Return the committed entries by recording; one that a service's folder has counts instead of that of the baseline."""
    found: dict[str, dict[str, Any]] = json.loads(BASELINE.read_text(encoding="utf-8"))
    for page in pages("recordings.yaml"):
        found |= page["baseline"]
    return found


def reproduced(found: Mapping[str, Any]) -> int:
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


def report(recordings: Sequence[str]) -> str:
    """Return what is wrong, in Markdown: for each recording, each exchange and what differs in it."""
    lines: list[str] = []
    for name in recordings:
        rows = [each for each in played(name) if each.outcome is Outcome.WRONG]
        lines += ["", f"## {name} ({len(rows)})", ""] if rows else []
        for each in rows:
            lines.append(f"- {_short(str(each.exchange))}")
            lines += [f"  - {_short(difference)}" for difference in each.why]
    return "\n".join(lines).lstrip("\n")


def report_by_provider(recordings: Sequence[str]) -> str:
    """Return what is wrong, in Markdown: for each resource provider, each difference and the exchanges that have it."""
    groups: dict[str, dict[str, list[str]]] = {}
    for name in recordings:
        for each in played(name):
            for difference in each.why if each.outcome is Outcome.WRONG else ():
                rows = groups.setdefault(provider_of(each.exchange), {})
                rows.setdefault(_short(difference), []).append(f"{name[:2]}/{_short(str(each.exchange))}")
    lines: list[str] = []
    for provider, rows in sorted(groups.items()):
        lines += ["", f"## {provider} ({len({each for places in rows.values() for each in places})} exchanges)", ""]
        for difference, places in rows.items():
            more = [each.partition(" ")[0] for each in places[1:]]
            lines += [f"- {difference}", f"  - {places[0]}" + (f"; also {', '.join(more)}" if more else "")]
    return "\n".join(lines).lstrip("\n")


def _short(text: str) -> str:
    """Return a text without the sandbox's subscription, which is the same everywhere."""
    return text.replace(f"/subscriptions/{SUBSCRIPTION_ID}", "…")


def provider_of(exchange: Exchange) -> str:
    """Return the namespace of the resource provider that an exchange is for, or the service that has none."""
    if exchange.host != ARM:
        return "Key Vault data plane" if exchange.host.endswith("vault.azure.net") else exchange.host
    found: list[str] = re.findall(r"/providers/([\w.]+)", exchange.path)
    if "/deployments/" in exchange.path or not found:
        return "Microsoft.Resources"
    known = {each.lower(): each for each in SPELLINGS}
    return known.get(found[-1].lower(), found[-1])


def main() -> None:
    """Play everything; print the report, or the table, and write the baseline."""
    parser = argparse.ArgumentParser(description="Replay the recordings of Azure to the sandbox.")
    parser.add_argument("--report", action="store_true", help="print what differs, and leave baseline.json alone")
    parser.add_argument("--by-provider", action="store_true", help="group the report by resource provider")
    parser.add_argument("numbers", nargs="*", help="the recordings to report, by number; all when there is none")
    options = parser.parse_args()
    if options.report or options.numbers:
        wanted = [name for name in names() if not options.numbers or name[:2] in options.numbers]
        sys.stdout.write((report_by_provider(wanted) if options.by_provider else report(wanted)) + "\n")
        return
    rows = {name: counts(played(name)) for name in names()}
    sys.stdout.write(table(rows) + "\n")
    entries = {name: {**row, Outcome.WRONG.value: wrong(played(name))} for name, row in rows.items()}
    for path in files("recordings.yaml"):
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["baseline"].items():
            if entries.pop(name) != entry:
                sys.stdout.write(f"{path}: {name} is now {json.dumps({**rows[name], 'wrong': wrong(played(name))})}\n")
    lines = [f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()]
    BASELINE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
