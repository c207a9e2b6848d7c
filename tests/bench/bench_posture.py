"""Measure `cmkctl posture` for a subscription of 1,000 workspaces and 8,000 resources around them, and for one of its workspaces.

    python tests/bench/bench_posture.py [--workspaces 1000] [--runs 5]

The sandbox runs in a process of its own. Printed are the medians of whole commands with the start of Python, beside them the
time of a processor, which hides a busy machine, the requests without the sign-in, and the memory of the command. Limits: for
the subscription 40 requests, 10 s and 250 MB; for one workspace 1.2 s. Its round trips are counted by a test. Exits with 1
when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import CMKCTL, Served
from support.estate import estate, put, workspace

from cmkctl.sandbox import Pace, Sandbox


@dataclass(frozen=True)
class Limits:
    """The most that a command may take: seconds, requests without the sign-in, megabytes."""

    seconds: float
    requests: int | None = None
    megabytes: float | None = None


CASES: Final = {
    "subscription": (["posture", "--json"], Limits(10, 40, 250)),
    "one workspace": (["posture", "--workspace", workspace("mlw-0001", "rg-ml-000")["id"]], Limits(1.2)),
}


def main() -> int:
    """Measure, print, and compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workspaces", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    within = []
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder), "posture")
        with Sandbox(served.state, Pace.none()).serve() as running:
            put(running.state, *estate(given.workspaces))
        os.environ.update(served.start())
        try:
            for name, (arguments, limits) in CASES.items():
                within.append(_measure(name, arguments, limits, given.runs, Path(folder)))
        finally:
            served.stop()
    return 0 if all(within) else 1


def _measure(name: str, arguments: list[str], limits: Limits, runs: int, folder: Path) -> bool:
    """Print the median of some runs of a command, its requests and its memory. Returns True within the limits."""
    took, processor, megabytes = [], [], 0.0
    for _ in range(runs):
        began = time.perf_counter()
        process = subprocess.Popen([*CMKCTL, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took.append(time.perf_counter() - began)
        if status:
            raise SystemExit(f"cmkctl {' '.join(arguments)} failed")
        processor.append(usage.ru_utime + usage.ru_stime)
        megabytes = max(megabytes, usage.ru_maxrss / 1024)
    report = folder / f"{name}.json"
    subprocess.run([*CMKCTL, *arguments, "--report", str(report)], check=True, stdout=subprocess.DEVNULL)
    sent = json.loads(report.read_text(encoding="utf-8"))["requests"]
    requests = sum("login" not in each["host"] for each in sent)
    median = statistics.median(took)
    used = f"{statistics.median(processor):.2f} s of a processor"
    sys.stdout.write(f"{name}: {median:.2f} s, {used}, {requests} requests, {megabytes:.0f} MB; limits {limits}\n")
    return (
        median <= limits.seconds
        and (limits.requests is None or requests <= limits.requests)
        and (limits.megabytes is None or megabytes <= limits.megabytes)
    )


if __name__ == "__main__":
    sys.exit(main())
