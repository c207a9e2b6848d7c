"""Measure an apply: its duration beside Azure's own, the delay after each wait, and the number of requests.

    python tests/bench/bench_apply.py [--scale 0.1] [--write]

Whole processes against the sandbox with the latency profile ``azure``: registering 72 s, a workspace with a key 360 s, and so
on (`cmkctl sandbox latency` has the figures and their sources). Whole, it takes eight minutes, nearly all of it waiting.

Allowed for an apply: 1.03 times the service's own time on the critical path, and 2 s; 150 requests. A second pair of applies
meets a service without delays, and is allowed 80 requests. The questions that rules send before anything is written (names,
quotas, rights, locks, policies, validation) are counted apart; 25 are allowed. The end of a wait is noticed within 2 s or 5 % of
its length. Waits that take turns are the exception: registrations, and the storage account, vault and registry that only the
workspace needs. They are polled one after the other, so each is noticed, within the same limits, when the last wait of its
group ends.
Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cmkctl import __version__
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.core import latency
from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.sandbox.server import Running

RESULTS: Final = Path(__file__).with_name("results_apply.json")
PAGE: Final = Path(__file__).parents[1] / "reliability" / "reliability_page.py"
SETTLING: Final = 75
"""Seconds that the profile with roles gives them; Microsoft's verified module for vaults waits 70 in its own example."""
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
POLLS: Final = ("/asyncoperations/", "/workspaceoperationsstatus/", "/operations/", "/operationresults/")
KINDS: Final = {
    "/register": "provider.register",
    "/microsoft.keyvault/vaults/": "vault.dns",
    "/storageaccounts/": "storage.create",
    "/registries/": "registry.create",
    "/microsoft.operationalinsights/workspaces/": "logs.create",
    "/microsoft.machinelearningservices/workspaces/": "workspace.create.cmk",
}
"""What takes time, by a part of the path of the write that begins it."""
MOST_REQUESTS: Final = {"access policies": 150, "roles, user-assigned identity": 175}
"""The requests that an apply at Azure's own pace may send, signing in included. The profile with roles has a registry, an
identity and a second grant more."""
MOST_INSTANT_REQUESTS: Final = {"access policies": 80, "roles, user-assigned identity": 105}
"""The requests that an apply may send to a service without delays."""
QUESTIONS: Final = (
    "/checknameavailability",
    "/usages",
    "/permissions",
    "/locks",
    "/roleassignmentsusagemetrics",
    "/policyassignments",
    "/checkpolicyrestrictions",
    "/deletedworkspaces",
    "/databaseaccounts",
    "/microsoft.documentdb/locations/eastus2",
    "/microsoft.machinelearningservices/workspaces",
    "/skus",
    "/validate",
)
"""The ends of the paths that only rules read, in lower case."""
MOST_QUESTIONS: Final = 25
REGISTRATIONS: Final = "registrations"
ONLY_FOR_THE_WORKSPACE: Final = "associated resources"
GRANTS: Final = {"/roleassignments/": "grant.role", "/accesspolicies/": "grant.policy"}
"""Writes that take time to take effect, and have no state to poll."""


@dataclass(frozen=True)
class Row:
    """One apply: the service's own time on the critical path, the measured time, the requests, and the limits."""

    name: str
    service_seconds: float
    measured_seconds: float
    allowed_seconds: float
    requests: int
    allowed_requests: int
    questions: int

    @property
    def exceeded(self) -> bool:
        """True when the apply took too long or sent too many requests."""
        too_many = self.requests > self.allowed_requests or self.questions > MOST_QUESTIONS
        return self.measured_seconds > self.allowed_seconds or too_many


@dataclass(frozen=True)
class Count:
    """The number of requests of an apply against a service without delays, and the limit."""

    name: str
    requests: int
    allowed_requests: int
    questions: int


@dataclass(frozen=True)
class Wait:
    """One wait: its length, the group whose waits take turns, and the delay of the first poll after its end.

    For a wait with a group the delay counts from the end of the last wait of the group: until then its turn may not have come.
    """

    name: str
    length_seconds: float
    noticed_after_seconds: float
    allowed_seconds: float
    group: str = ""


def profile_of(name: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return a profile that creates everything."""
    return {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_access": more.get("key_access", {}),
        "key_vault": {"name": f"kv-{name}", **more.get("key_vault", {})},
        "key": {"name": "cmk"},
        "workspace": {
            "name": f"mlw-{name}",
            "high_business_impact": True,
            "encryption": "in-subscription",
            **more.get("workspace", {}),
        },
        "associated_resources": more.get("associated_resources", {}),
    }


def policies(_running: Running, _scale: float) -> dict[str, Any]:
    """Return a profile with a vault with access policies, and the workspace's own identity."""
    return profile_of("policies", {})


def roles(running: Running, scale: float) -> dict[str, Any]:
    """Return a profile with roles that need time to take effect, an existing identity, and a container registry."""
    identity = running.state.add_identity("id-ml", "rg-people")
    found = running.state.resource(identity) or {}
    running.state.assign_role(f"/subscriptions/{SUBSCRIPTION_ID}", found["properties"]["principalId"], CONTRIBUTOR)
    more: dict[str, Any] = {"workspace": {"identity": identity}, "key_vault": {"authorization": "rbac"}}
    more["key_access"] = {"settle_seconds": math.ceil(SETTLING * scale)}
    return profile_of("roles", {**more, "associated_resources": {"container_registry": {}}})


def applied(name: str, make: Any, scale: float, folder: Path) -> tuple[Row, list[Wait]]:
    """Apply one profile, in a process of its own, against a sandbox of its own."""
    measured, log = run(name, make, Pace.azure(scale), scale, folder)
    waits = list(waits_in(log, scale))
    service = critical(waits, granting(log) * scale)
    allowed = round(service * 1.03 + 2, 2)
    questions = questions_in(log)
    requests = len(log) - questions
    return Row(name, round(service, 2), round(measured, 2), allowed, requests, MOST_REQUESTS[name], questions), waits


def counted(name: str, make: Any, folder: Path) -> Count:
    """Count the requests of one apply against a service without delays."""
    # No grant needs time to take effect there.
    _measured, log = run(f"{name}, no delays", make, Pace.none(), 0.0, folder)
    questions = questions_in(log)
    return Count(name, len(log) - questions, MOST_INSTANT_REQUESTS[name], questions)


def questions_in(log: list[LoggedRequest]) -> int:
    """Return the number of requests that only rules need."""
    return sum(each.method in ("GET", "POST") and each.path.lower().endswith(QUESTIONS) for each in log)


def run(name: str, make: Any, pace: Pace, scale: float, folder: Path) -> tuple[float, list[LoggedRequest]]:
    """Apply one profile to a new sandbox. Returns the seconds of the process, and the log of the sandbox."""
    with Sandbox(None, pace).serve() as running:
        file = folder / f"{name}.json"
        file.write_text(json.dumps(make(running, scale)), encoding="utf-8")
        command = [sys.executable, "-m", "cmkctl", "apply", str(file), "--yes", "--auth", "environment"]
        began = time.monotonic()
        subprocess.run(command, env={**os.environ, **running.environment()}, check=True, capture_output=True)
        return time.monotonic() - began, list(running.requests)


def waits_in(log: list[LoggedRequest], scale: float) -> Iterator[Wait]:
    """Find every write in a log that took the service time, and the first poll after its end or that of its group."""
    accepted = [(each, kind) for each in log if each.status < 300 and (kind := kind_of(each))]
    ends = [each.started + each.duration + latency.seconds(kind) * scale for each, kind in accepted]
    groups = [group_of(each, kind) for each, kind in accepted]
    for (each, kind), end, group in zip(accepted, ends, groups, strict=True):
        length = latency.seconds(kind) * scale
        due = max(other for other, its in zip(ends, groups, strict=True) if its == group) if group else end
        polls = [other for other in log if is_poll_of(other, each, kind)]
        # A wait with a group may be noticed before the last of its group ends.
        after = [other.started for other in polls if other.started >= end]
        if not after:
            sys.exit(f"no poll of {each.path} after its end")
        late = round(max(min(after) - due, 0.0), 2)
        name = f"{kind} {each.path.removesuffix('/register').rpartition('/')[2]}"
        yield Wait(name, round(length, 2), late, round(max(2.0, 0.05 * length), 2), group)


def group_of(write: LoggedRequest, kind: str) -> str:
    """Return the group whose waits take turns; empty for a wait of its own."""
    if kind == "provider.register":
        return REGISTRATIONS
    workspace_vault = kind == "vault.dns" and "/kv-mlw-" in write.path.lower()
    return ONLY_FOR_THE_WORKSPACE if workspace_vault or kind in ("storage.create", "registry.create") else ""


def kind_of(request: LoggedRequest) -> str | None:
    """Return the kind of operation that a write starts; None for a write that is complete at once, and for a read."""
    path = request.path.lower()
    if request.method not in ("PUT", "POST") or any(part in path for part in ("/keys/", *GRANTS)):
        return None
    return next((kind for part, kind in KINDS.items() if part in path), None)


def is_poll_of(read: LoggedRequest, write: LoggedRequest, kind: str) -> bool:
    """Return True for a poll of a write: a read of the resource itself, or of an operation of that kind."""
    if read.method != "GET":
        return False
    path, about = read.path.lower(), write.path.lower().removesuffix("/register")
    namespace = about.partition("/providers/")[2].partition("/")[0]
    operation = kind != "provider.register" and namespace in path and any(part in path for part in POLLS)
    return path == about or operation


def granting(log: list[LoggedRequest]) -> float:
    """Return the seconds until the slowest kind of grant in a log takes effect, at Azure's own pace."""
    kinds = [kind for each in log if each.method == "PUT" for part, kind in GRANTS.items() if part in each.path.lower()]
    return max(map(latency.seconds, kinds), default=0.0)


def critical(waits: list[Wait], grant: float) -> float:
    """Return the service's own time on the critical path: providers, vault and grant beside associated resources, workspace."""
    longest: dict[str, float] = {}
    for each in waits:
        kind = each.name.partition(" ")[0]
        longest[kind] = max(longest.get(kind, 0.0), each.length_seconds)
    first, last = longest.pop("provider.register"), longest.pop("workspace.create.cmk")
    return first + max(longest.pop("vault.dns") + grant, *longest.values()) + last


def table(rows: list[Row], waits: list[Wait], counts: list[Count]) -> str:
    """Format the three tables for people."""
    applies = [
        f"| {e.name} | {e.service_seconds} | {e.measured_seconds} | {e.allowed_seconds} | {e.requests} | {e.allowed_requests} "
        f"| {e.questions} |"
        for e in rows
    ]
    noticed = [
        f"| {e.name} | {e.length_seconds} | {e.noticed_after_seconds} | {e.allowed_seconds} | {e.group} |"
        for e in waits
    ]
    instant = [f"| {e.name} | {e.requests} | {e.allowed_requests} | {e.questions} |" for e in counts]
    return "\n".join(
        [
            "| apply | the service's own s | measured s | allowed s | requests | allowed | questions |",
            "|---|---|---|---|---|---|---|",
            *applies,
            "\n| wait | s | noticed after s | allowed s | takes turns with |\n|---|---|---|---|---|",
            *noticed,
            "\n| apply without delays | requests | allowed | questions |\n|---|---|---|---|",
            *instant,
            "",
        ]
    )


def main() -> None:
    """Measure, print, and save the results on request."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--scale", type=float, default=1.0, help="factor of Azure's own times")
    arguments.add_argument("--only", metavar="TEXT", default="", help="only profiles whose name contains TEXT")
    arguments.add_argument(
        "--write", action="store_true", help=f"save the results in {RESULTS.name} and docs/reliability.md"
    )
    options = arguments.parse_args()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="cmkctl-bench-") as folder, ThreadPoolExecutor() as pool:
        makers = {"access policies": policies, "roles, user-assigned identity": roles}
        runs = [
            pool.submit(applied, name, make, options.scale, Path(folder))
            for name, make in makers.items()
            if options.only in name
        ]
        results = [each.result() for each in runs]
        counts = [counted(name, make, Path(folder)) for name, make in makers.items() if options.only in name]
    rows, waits = [row for row, _ in results], [wait for _, found in results for wait in found]
    sys.stdout.write(table(rows, waits, counts))
    if options.write:
        document = {
            "made": f"{datetime.now(UTC):%Y-%m-%d}",
            "cmkctl": __version__,
            "scale": options.scale,
            "load": load,
            "rows": [asdict(each) for each in rows],
            "waits": [asdict(each) for each in waits],
            "instant": [asdict(each) for each in counts],
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        subprocess.run([sys.executable, str(PAGE)], check=True)
    exceeded = [each.name for each in rows if each.exceeded]
    exceeded += [each.name for each in waits if each.noticed_after_seconds > each.allowed_seconds]
    exceeded += [f"{each.name} without delays" for each in counts if each.requests > each.allowed_requests]
    if exceeded:
        sys.exit(f"limit exceeded: {', '.join(exceeded)}")


if __name__ == "__main__":
    main()
