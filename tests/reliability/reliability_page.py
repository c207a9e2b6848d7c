"""docs/reliability.md, made from the results that are kept beside this file."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reliability_faults import EXPECTED
from reliability_ground import PROFILES
from reliability_verdict import FAILED, Outcome

from cmkctl import __version__
from cmkctl.sandbox.core.faults import KINDS

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
BENCH: Final = HERE.parent / "bench" / "results_apply.json"
PAGE: Final = HERE.parents[1] / "docs" / "reliability.md"

Results = dict[str, Any]
"""By section: when and with what it was made, and how many cases of each group came to which verdict."""


def verdicts(found: Sequence[Outcome]) -> dict[str, int]:
    """How often each verdict was given, the most frequent first."""
    return dict(sorted(Counter(each.verdict for each in found).items(), key=lambda pair: (-pair[1], pair[0])))


def keep(section: str, found: Sequence[Outcome], *, whole: int, seconds: float) -> None:
    """Put the outcomes of one section into the results and into the page; `whole` is how many cases it has in all."""
    groups = list(dict.fromkeys(sorted(each.group for each in found)))
    kept = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "with": f"cmkctl {__version__}, commit {_commit()}",
        "minutes": round(seconds / 60, 1),
        "cases": len(found),
        "whole": whole,
        "groups": {group: verdicts([each for each in found if each.group == group]) for group in groups},
        "failures": [each.as_json() for each in found if each.failed],
    }
    results = {**load(), section: kept}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write()


def _commit() -> str:
    called = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(called, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def load() -> Results:
    """Return the stored results; none at first."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def write() -> None:
    """Make the page anew."""
    PAGE.write_text(page(load()), encoding="utf-8")


# --- the page

_HEAD: Final = """\
# Reliability

Results for runs that are interrupted, throttled or refused. Each case starts with a new subscription in the
[sandbox](sandbox.md), applies a profile, causes one disturbance at one exact point, and inspects the sandbox afterwards.
`python tests/reliability/matrix.py --write` produces the results. It is not part of CI; CI runs a sample of the same cases
(`tests/reliability/test_reliability.py`). The table lists when each part was run, and with which version. A part that was cut
short had its cases in random order, so those that were run are a fair sample.

A case ends when the command exits with 0, or when it has failed twice with a diagnostic that is right for the fault. Nothing
was then carried out twice, deleted or weakened; and after exit code 0 all of this must hold:

- A plan finds nothing to do and sends no write.
- The sandbox contains what an undisturbed run leaves: the same resources, one version of the key, the same access policies and
  role assignments, each held by a principal that exists.
- No write was carried out twice. (Two concurrent applies may both write a resource; it must exist once, and be complete.)
- Nothing was deleted, purged or recovered, and no protection was removed.

There are three profiles: one with access policies and a system-assigned identity; one with roles, a user-assigned identity and a
container registry; and one with a private network, a user-assigned identity of the same run, and roles. What takes time in Azure
takes a few polls here, so polls are among the requests.
"""

_INTERRUPTIONS: Final = """\
## Interrupted

The process of `cmkctl apply PROFILE --yes` is killed at each of its requests: reads, writes, polls, requests to the login host
and to Microsoft Graph. *Before*: the request was sent and is not carried out. *After*: Azure has carried it out and the response
is never received. Then the same command is run again. One command in ten is started as `python -m cmkctl`; the others are
forked from an interpreter that has done the imports, which is faster. Ctrl-C and SIGTERM are sent at every tenth request; the run
must exit with 130 and show the command that resumes it.
"""

_FAULTS: Final = """\
## Faults

Each fault affects one request; the run after it is undisturbed. Each type is tried at every request of each profile where it can
occur. Waits end at once. For each type one case is a separate process, to check its exit code and its JSON lines.
"""

_RANDOM: Final = """\
## Random faults

One request in ten meets a fault of the connection, chosen by a seed. The command is run until it succeeds, three times at most.
"""

_TOGETHER: Final = """\
## Two applies at once

The second apply of the same profile starts together with the first one, and at each of its requests.
"""

_REVOCATION: Final = """\
## Revoke and restore

`cmkctl revoke`, `revoke --grant` and `restore` of a finished workspace, with access policies and with roles. The process is
killed at each of its requests, before and after Azure has carried it out, and interrupted at every fifth. Each fault of the
connection affects each request in turn. Then the same command is run again. A revocation leaves no state in between: nothing was
written, or all of it. Only `--grant` with a user-assigned identity takes access from two principals; the workspace needs both, so
that either removal revokes it. Afterwards a further run writes nothing, and `restore` brings back every version, policy and role
assignment.
"""

_ROTATION: Final = """\
## Rotate

`cmkctl rotate` of a finished workspace, with access policies and with roles. The process is killed at each of its requests,
before and after Azure has carried it out, and interrupted at every fifth; each fault affects each request in turn; and a second
rotate starts at each request of the first one. Then the same command is run again. One version was made (by two runs at once,
one or two), the workspace uses the newest, the version before is still enabled, and a further run and the plan of the profile
find nothing to do. After every single request the workspace's key was one that Azure Cosmos DB may use.
"""

_DESTRUCTION: Final = """\
## Destroy

`cmkctl destroy --purge --associated --delete-vault` of a finished workspace, with access policies and with a private network. The
process is killed at its requests, before and after Azure has carried them out, and interrupted; each fault affects requests in
turn; and a second destroy starts beside the first one. Then the same command is run again. What is left is the same as after an
undisturbed run, and a further run writes nothing. After every single request each workspace that was there, also a soft-deleted
one, had a key that Azure Cosmos DB may use.
"""

_TAIL: Final = """\
## Run it

```sh
python tests/reliability/matrix.py --write
```

Run it in an environment with the `test` extra. `--only interruptions` (or `faults`, `random`, `together`, `revocation`,
`rotation`, `destruction`) runs one part and updates its section, `--sample 10` runs every tenth case, `--jobs 4` sets how many
run together. Interruptions mostly wait, so more jobs than processors help there. Every failed case is printed with its reason.

## Limits

- The sandbox is not Azure. Its behaviour is compared with recordings of Azure (`tests/contract`), with the limits that
  [sandbox.md](sandbox.md) lists. How long Azure remembers a failure by name, or keeps a grant ineffective, is not known exactly.
- Requests of a run are sent concurrently, so the nth request differs between runs. Every request is covered; not every order is.
- One disturbance per case, except for the random faults.
- Between reading that a name is free and the request that takes it, another client can take it: the gap lasts until the request
  reaches Azure, which has no condition for a creation. A vault of another owner is then overwritten. Azure's response reveals
  it, and apply stops with CMK404, which lists what was lost and how to restore it.
- Power failures and full disks are not covered.
"""


def page(results: Results) -> str:
    """Return the page of the stored results."""
    parts = [_HEAD, _made(results), _INTERRUPTIONS, _table(results, "interruptions", "signal and profile")]
    parts += [_FAULTS, _faults(results), _RANDOM, _table(results, "random", "profile")]
    parts += [_TOGETHER, _table(results, "together", "profile")]
    parts += [_REVOCATION, _table(results, "revocation", "command and disturbance")]
    parts += [_ROTATION, _table(results, "rotation", "disturbance"), *_times()]
    parts += [_DESTRUCTION, _table(results, "destruction", "disturbance"), _TAIL]
    return "\n".join(parts)


def _made(results: Results) -> str:
    rows = [
        (section, kept["cases"], len(kept["failures"]), kept["made"], kept["with"], _extent(kept))
        for section, kept in results.items()
    ]
    groups = [group for kept in results.values() for group in kept["groups"]]
    newer = [
        f"\nThese results are without the profile *{each}*, which is newer.\n"
        for each in PROFILES
        if not _in(each, groups)
    ]
    return _rows(("part", "cases", "failed", "made", "with", "which"), sorted(rows)) + "".join(newer)


def _in(profile: str, groups: Sequence[str]) -> bool:
    return any(each.endswith(profile) for each in groups)


def _extent(kept: Mapping[str, Any]) -> str:
    return "all" if kept["cases"] == kept["whole"] else f"of {kept['whole']}, at random"


def _table(results: Results, section: str, what: str) -> str:
    groups = results.get(section, {}).get("groups", {})
    rows = [(group, sum(counted.values()), _described(counted)) for group, counted in groups.items()]
    return _rows((what, "cases", "outcome"), rows)


def _faults(results: Results) -> str:
    groups = results.get("faults", {}).get("groups", {})
    rows = [
        (
            f"`{name}`",
            KINDS[name].summary,
            sum(groups.get(name, {}).values()),
            _described(groups.get(name, {})),
            expected.why,
        )
        for name, expected in EXPECTED.items()
    ]
    return _rows(("fault", "what happens", "cases", "outcome", "what cmkctl does"), rows)


def _described(counted: Mapping[str, int]) -> str:
    """Return the verdicts of a group, with their numbers where there are several; a failure is never hidden among them."""
    ordered = sorted(counted.items(), key=lambda pair: pair[0] != FAILED)
    return "; ".join(f"{times} {verdict}" if len(ordered) > 1 else verdict for verdict, times in ordered)


_TIMES: Final = """\
## How much longer than Azure itself

Measured by `python tests/bench/bench_apply.py --write`; times are in seconds. The service's own time is that of the critical
path: registrations, then vault and grant beside the associated resources, then the workspace. An apply may take 3 % and 2 s
more. The requests leave out the questions that rules send before anything is written: names, quotas, rights, locks, policies,
validation. The end of a wait is noticed within 5 % of its length or 2 s; of
several waits of one type the latest is shown. Registrations take turns, and so do the storage account, vault and registry
that only the workspace needs: each of these is noticed within the same limits after the last wait of its group. The profile
with roles gives them 75 s to take effect (`key_access.settle_seconds`).
"""


_INSTANT: Final = "The requests of an apply against a service without delays:\n"


def _times() -> Iterator[str]:
    if not BENCH.exists():
        return
    found = json.loads(BENCH.read_text(encoding="utf-8"))
    columns_of_applies = {
        "apply": "name",
        "the service's own time": "service_seconds",
        "measured": "measured_seconds",
        "allowed": "allowed_seconds",
        "requests": "requests",
        "questions": "questions",
    }
    head = [title for title, name in columns_of_applies.items() if all(name in each for each in found["rows"])]
    names = [columns_of_applies[title] for title in head]
    yield _TIMES
    yield _rows(head, [[each[name] for name in names] for each in found["rows"]])
    waits = sorted(found["waits"], key=lambda each: each["noticed_after_seconds"])
    latest = {each["name"].partition(" ")[0]: each for each in waits}
    columns = ("length_seconds", "noticed_after_seconds", "allowed_seconds")
    rows = [(f"`{kind}`", *(each[name] for name in columns)) for kind, each in sorted(latest.items())]
    yield _rows(("wait", "its length", "noticed after", "allowed"), rows)
    if "instant" in found:
        yield _INSTANT
        counts = [
            (each["name"], each["requests"], each["allowed_requests"], each["questions"]) for each in found["instant"]
        ]
        yield _rows(("apply", "requests", "allowed", "questions"), counts)


def _rows(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(each).replace('|', chr(92) + '|') for each in line)} |\n" for line in lines)


if __name__ == "__main__":
    write()
