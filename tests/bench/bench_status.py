"""Measure `cmkctl status` as a whole process: its time and its requests, against an instant sandbox.

    python tests/bench/bench_status.py [--runs 9]

Limits: 1.0 s, and 12 requests besides the sign-in. `cmkctl plan` runs in turn with it, so that a busy machine is recognized.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import CMKCTL, QUICKSTART, Case, served


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=9)
    runs = arguments.parse_args().runs
    folder = Path(tempfile.mkdtemp(prefix="cmkctl-bench-"))
    try:
        with served(folder, "finished") as (_, environment):
            whole = {**os.environ, **environment}
            apply = [*CMKCTL, "apply", str(QUICKSTART), "--yes", "--json"]
            applied = subprocess.run(apply, env=whole, check=True, capture_output=True, text=True).stdout
            outputs = next(each for each in map(json.loads, applied.splitlines()) if each["type"] == "outputs")
            report = folder / "report.json"
            status = [*CMKCTL, "status", str(QUICKSTART)]
            subprocess.run([*status, "--report", str(report)], env=whole, check=True, capture_output=True)
            _measure(
                [
                    Case(
                        "cmkctl plan, converged", [*CMKCTL, "plan", str(QUICKSTART)], lambda: environment, "beside it"
                    ),
                    Case("cmkctl status PROFILE", status, lambda: environment, "≤ 1.0 s"),
                    Case(
                        "cmkctl status --workspace ID",
                        [*CMKCTL, "status", "--workspace", outputs["workspace_id"]],
                        lambda: environment,
                        "≤ 1.0 s",
                    ),
                ],
                runs,
            )
            sys.stdout.write(f"requests of status PROFILE, without the sign-in: {len(_requests(report))}\n")
    finally:
        shutil.rmtree(folder)


def _requests(report: Path) -> list[str]:
    sent = json.loads(report.read_text(encoding="utf-8"))["requests"]
    return [each["path"] for each in sent if "login" not in each["host"]]


def _measure(cases: list[Case], runs: int) -> None:
    for _ in range(runs):
        for case in cases:
            case.run()
    for case in cases:
        middle = statistics.median(case.seconds)
        sys.stdout.write(f"{case.name:30} {middle:5.2f} s median, {min(case.seconds):5.2f} s least   {case.limit}\n")


if __name__ == "__main__":
    main()
