"""Measure a plan that creates everything, with every rule, against a sandbox that is 60 ms away.

    python tests/bench/bench_plan.py [--runs 9] [--milliseconds 60]

The sandbox runs in a process of its own and answers at once; the client's transport waits before it sends. Medians are printed
for a new subscription, where some questions wait for registrations, for a registered one, and for one without anything to do.
Measured is the plan alone: starting Python and importing the libraries is in `bench.py`. Allowed are 1.5 s.
Exits with 1 when a plan takes longer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport
from azure.identity import EnvironmentCredential

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import Served
from support.scenarios import Client, InterceptingTransport, KeptOpen, ProfileVariant

from cmkctl.azure.credentials import SharedCredential
from cmkctl.azure.session import Session
from cmkctl.clock import SystemClock
from cmkctl.engine import make_plan
from cmkctl.procedures.create import CREATE
from cmkctl.profile.model import Profile
from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.server import Running

LIMIT: Final = 1.5
WISH: Final = ProfileVariant(authorization="rbac", registry=True)
BEGINNINGS: Final = ("new subscription", "registered", "finished")


class Distant(InterceptingTransport):
    """A transport whose requests take a while to arrive."""

    def __init__(self, inner: HttpTransport[Any, Any], seconds: float) -> None:
        super().__init__(inner)
        self._seconds = seconds
        self.requests = 0

    def before(self, _request: Any) -> None:
        """Wait for as long as a round trip takes."""
        self.requests += 1
        time.sleep(self._seconds)


@contextmanager
def served(folder: Path, beginning: str) -> Iterator[Served]:
    """Run a sandbox that begins with one of `BEGINNINGS`, in a process of its own; the environment leads to it."""
    sandbox = Served(folder, beginning.replace(" ", "-"))
    with Sandbox(sandbox.state, Pace.none()).serve() as running:
        _arrange(running, beginning)
    os.environ.update(sandbox.start())
    try:
        yield sandbox
    finally:
        sandbox.stop()


def _arrange(running: Running, beginning: str) -> None:
    if beginning != "new subscription":
        running.state.register_provider()
    if beginning == "finished":
        os.environ.update(running.environment())
        Client(running, lambda: KeptOpen(os.environ)).apply(WISH.profile())


def measured(profile: Profile, runs: int, delay: float) -> tuple[list[float], int]:
    """Return the seconds of each plan, with connections of its own, and the number of its requests."""
    seconds: list[float] = []
    requests = 0
    for _ in range(runs + 1):
        transport = Distant(KeptOpen(os.environ), delay)
        began = time.perf_counter()
        _plan(profile, transport)
        seconds.append(time.perf_counter() - began)
        requests = transport.requests
    return seconds[1:], requests  # the first one fills caches of bytecode


def _plan(profile: Profile, transport: HttpTransport[Any, Any]) -> None:
    credential = SharedCredential(EnvironmentCredential(transport=transport))
    session = Session(profile.cloud, profile.subscription, credential, transport, SystemClock())
    try:
        make_plan(session, profile, CREATE)
    finally:
        session.close()


def main() -> int:
    """Measure, print a table, and return 1 when a plan took too long."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=9)
    arguments.add_argument("--milliseconds", type=int, default=60)
    given = arguments.parse_args()
    slow = False
    sys.stdout.write(f"medians of {given.runs} plans at {given.milliseconds} ms, on {os.cpu_count()} processors\n\n")
    sys.stdout.write("| plan | seconds (min to max) | requests | allowed |\n|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as folder:
        for beginning in BEGINNINGS:
            with served(Path(folder), beginning):
                seconds, requests = measured(WISH.profile(), given.runs, given.milliseconds / 1000)
            middle = statistics.median(seconds)
            slow = slow or middle > LIMIT
            spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
            sys.stdout.write(f"| {beginning} | {middle:.2f} ({spread}) | {requests} | {LIMIT} |\n")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
