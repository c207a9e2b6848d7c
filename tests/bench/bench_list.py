"""Measure `cmkctl list` and the search for the consumers of a key in a subscription with 1,000 workspaces.

    python tests/bench/bench_list.py [--workspaces 1000] [--runs 5]

The sandbox runs in a process of its own, with eight resources around each workspace. Printed are the medians of whole commands,
with the start of Python, and the memory of the largest process. Allowed are 3 s for a list. Exits with 1 when it takes longer.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from azure.identity import EnvironmentCredential
from bench import Served
from support.estate import estate, put
from support.scenarios import KeptOpen

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.credentials import SharedCredential
from cmkctl.azure.inventory import inventory
from cmkctl.azure.session import Session
from cmkctl.clock import SystemClock
from cmkctl.consumers import Target, find, query
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox

LIMIT: Final = 3.0
KEY: Final = "https://kv-0001.vault.azure.net/keys/cmk"
COMMANDS: Final = (["list"], ["list", "--json"], ["list", "--key", KEY])


def main() -> int:
    """Measure, print, and compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workspaces", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder), "list")
        with Sandbox(served.state, Pace.none()).serve() as running:
            put(running.state, *estate(given.workspaces))
        os.environ.update(served.start())
        try:
            slowest = max(_command(each, given.runs) for each in COMMANDS)
            _consumers()
        finally:
            served.stop()
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"{megabytes:.0f} MB at most, the sandbox included\n")
    return 0 if slowest <= LIMIT else 1


def _command(arguments: list[str], runs: int) -> float:
    """Return the median of some runs of a command, in seconds. The processor time shows what a busy machine hides."""
    took, processor = [], []
    for _ in range(runs):
        began, used = time.perf_counter(), os.times()
        subprocess.run([sys.executable, "-m", "cmkctl", *arguments], check=True, capture_output=True)
        took.append(time.perf_counter() - began)
        now = os.times()
        processor.append(now.children_user + now.children_system - used.children_user - used.children_system)
    median = statistics.median(took)
    sys.stdout.write(
        f"cmkctl {' '.join(arguments)}: {median:.2f} s, {statistics.median(processor):.2f} s of a processor\n"
    )
    return median


def _consumers() -> None:
    """Print how long the consumers of one key take, once everything is imported."""
    transport = KeptOpen(os.environ)
    credential = SharedCredential(EnvironmentCredential(transport=transport))
    session = Session(Cloud.AZURE, SUBSCRIPTION_ID, credential, transport, SystemClock())
    target = Target.of_key(KEY)
    began = time.perf_counter()
    found = find(session.snapshot(), target, [SUBSCRIPTION_ID])
    took = time.perf_counter() - began
    rows = len(inventory(session.snapshot(), query(target), [SUBSCRIPTION_ID]).rows)
    session.close()
    sys.stdout.write(f"consumers of one key: {took:.2f} s, {len(found.found)} found among {rows} rows\n")


if __name__ == "__main__":
    sys.exit(main())
