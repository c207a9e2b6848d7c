"""How long cmkctl takes and how much memory, as whole processes, beside the cost of its libraries in the same run.

    python tests/bench/bench.py [--runs 9]

Machines are noisy: every command is run in turn with the others, medians are printed, and what counts is the ratio within
one run. The sandbox runs in a process of its own and answers at once (pace none), so what is measured is the client.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "profiles" / "quickstart.yaml"
CMKCTL = [sys.executable, "-m", "cmkctl"]


@dataclass
class Case:
    """One command to be timed: what is run, in which environment, what must be true of a figure."""

    name: str
    command: Sequence[str]
    environment: Callable[[], dict[str, str]]
    limit: str
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run once, and keep wall seconds and peak memory."""
        environment = {**os.environ, **self.environment()}
        began = time.perf_counter()
        process = subprocess.Popen(self.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"{self.name} failed:\n{errors.decode()}")
        self.seconds.append(elapsed)
        self.megabytes.append(usage.ru_maxrss / 1024)


class Served:
    """A sandbox in a process of its own, over a state file that can be taken back to what it was."""

    def __init__(self, folder: Path, name: str) -> None:
        self.state = folder / f"{name}.json"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        """Start serving, and return the environment for clients."""
        command = [*CMKCTL, "sandbox", "serve", "--pace", "none", "--state", str(self.state)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            answer = subprocess.run(
                [*CMKCTL, "sandbox", "env", "--state", str(self.state)], capture_output=True, text=True, check=False
            )
            if answer.returncode == 0:
                return dict(_export(line) for line in answer.stdout.splitlines() if line.startswith("export "))
            time.sleep(0.05)
        sys.exit("the sandbox did not start")

    def reset(self) -> None:
        """Take the sandbox back to a new one."""
        subprocess.run([*CMKCTL, "sandbox", "reset", "--state", str(self.state)], check=True, capture_output=True)

    def stop(self) -> None:
        """End the server."""
        if self._process:
            self._process.terminate()
            self._process.wait()


def _export(line: str) -> tuple[str, str]:
    name, _, value = line.removeprefix("export ").partition("=")
    return name, value.strip("'\"")


@contextmanager
def served(folder: Path, name: str) -> Iterator[tuple[Served, dict[str, str]]]:
    """Run a sandbox for the length of a block."""
    sandbox = Served(folder, name)
    try:
        yield sandbox, sandbox.start()
    finally:
        sandbox.stop()


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=9)
    runs = arguments.parse_args().runs
    folder = Path(tempfile.mkdtemp(prefix="cmkctl-bench-"))
    try:
        with served(folder, "converged") as (_, converged), served(folder, "new") as (new_sandbox, new):
            subprocess.run(
                [*CMKCTL, "apply", str(QUICKSTART), "--yes"],
                env={**os.environ, **converged},
                check=True,
                capture_output=True,
            )
            _measure(_cases(folder, converged, new_sandbox, new), runs)
    finally:
        shutil.rmtree(folder)


def _cases(folder: Path, converged: dict[str, str], new_sandbox: Served, new: dict[str, str]) -> list[Case]:
    def fresh() -> dict[str, str]:
        new_sandbox.reset()
        return new

    def rehearsal() -> dict[str, str]:
        for left in folder.glob("rehearsal*"):
            left.unlink()
        return {}

    state = str(folder / "rehearsal.json")
    return [
        Case("import typer, rich", [sys.executable, "-c", "import typer, rich"], dict, "the measure"),
        Case("cmkctl --help", [*CMKCTL, "--help"], dict, "≤ 1.5 times the measure"),
        Case("cmkctl plan, converged", [*CMKCTL, "plan", str(QUICKSTART)], lambda: converged, "≤ 1.0 s, ≤ 90 MB"),
        Case("cmkctl apply, converged", [*CMKCTL, "apply", str(QUICKSTART), "--yes"], lambda: converged, "≤ 1.0 s"),
        Case("cmkctl apply, from nothing", [*CMKCTL, "apply", str(QUICKSTART), "--yes"], fresh, "≤ 3 s"),
        Case(
            "cmkctl apply --sandbox",
            [*CMKCTL, "apply", str(QUICKSTART), "--yes", "--sandbox", "--state", state],
            rehearsal,
            "≤ 200 MB",
        ),
    ]


def _measure(cases: list[Case], runs: int) -> None:
    for index in range(runs + 1):
        for case in cases:
            case.run()
        if index == 0:  # the first round warms caches of files and bytecode
            for case in cases:
                case.seconds.clear()
                case.megabytes.clear()
    base = statistics.median(cases[0].seconds)
    sys.stdout.write(f"medians of {runs} runs, in turn, on {os.cpu_count()} processors\n\n")
    sys.stdout.write(
        "| command | wall s (min to max) | times import typer, rich | peak MB | wanted |\n|---|---|---|---|---|\n"
    )
    for case in cases:
        middle, peak = statistics.median(case.seconds), statistics.median(case.megabytes)
        spread = f"{min(case.seconds):.2f} to {max(case.seconds):.2f}"
        row = f"| `{case.name}` | {middle:.2f} ({spread}) | {middle / base:.2f} | {peak:.0f} | {case.limit} |\n"
        sys.stdout.write(row)


if __name__ == "__main__":
    main()
