"""How much longer an apply takes than Azure itself, and how soon the end of a wait is noticed.

    python tests/bench/bench_apply.py [--scale 0.1] [--write]

Whole processes against the sandbox with the latency profile ``azure``: registering 72 s, a workspace with a key 360 s, and so
on (`cmkctl sandbox latency` has the figures and their sources). Whole, it takes eight minutes, nearly all of it waiting.

Allowed for an apply: the service's own time on the critical path, 5 % of it, and 2 s. Allowed until the end of a wait is
noticed: 2 s or 5 % of the wait's length. Exits with 1 when one of them is missed.
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
SETTLING: Final = 75
"""Seconds that the profile with roles gives them; Microsoft's verified module for vaults waits 70 in its own example."""
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
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
GRANTS: Final = {"/roleassignments/": "grant.role", "/accesspolicies/": "grant.policy"}
"""What takes time as well, and cannot be asked about."""


@dataclass(frozen=True)
class Row:
    """One apply: what the service takes, what it took, what is allowed."""

    name: str
    service_seconds: float
    measured_seconds: float
    allowed_seconds: float


@dataclass(frozen=True)
class Wait:
    """One wait: how long the service took, and how long after its end the client asked again."""

    name: str
    length_seconds: float
    noticed_after_seconds: float
    allowed_seconds: float


def profile_of(name: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return a profile that sets up everything."""
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
    """Return a vault with access policies, and the workspace's own identity."""
    return profile_of("policies", {})


def roles(running: Running, scale: float) -> dict[str, Any]:
    """Return a vault with roles, which get time to take effect, an identity that exists, and a container registry."""
    identity = running.state.add_identity("id-ml", "rg-people")
    found = running.state.resource(identity) or {}
    running.state.assign_role(f"/subscriptions/{SUBSCRIPTION_ID}", found["properties"]["principalId"], READER)
    more: dict[str, Any] = {"workspace": {"identity": identity}, "key_vault": {"authorization": "rbac"}}
    more["key_access"] = {"settle_seconds": math.ceil(SETTLING * scale)}
    return profile_of("roles", {**more, "associated_resources": {"container_registry": {}}})


def applied(name: str, make: Any, scale: float, folder: Path) -> tuple[Row, list[Wait]]:
    """Apply one profile, in a process of its own, against a sandbox of its own."""
    with Sandbox(None, Pace.azure(scale)).serve() as running:
        file = folder / f"{name}.json"
        file.write_text(json.dumps(make(running, scale)), encoding="utf-8")
        command = [sys.executable, "-m", "cmkctl", "apply", str(file), "--yes", "--auth", "environment"]
        began = time.monotonic()
        subprocess.run(command, env={**os.environ, **running.environment()}, check=True, capture_output=True)
        measured = time.monotonic() - began
        log = list(running.requests)
    waits = list(waits_in(log, scale))
    service = critical(waits, granting(log) * scale)
    return Row(name, round(service, 2), round(measured, 2), round(service * 1.05 + 2, 2)), waits


def waits_in(log: list[LoggedRequest], scale: float) -> Iterator[Wait]:
    """Everything in a log that took the service time, with the client's first question after its end."""
    for each in log:
        kind = kind_of(each)
        if kind is None or each.status >= 300:
            continue
        length = latency.seconds(kind) * scale
        ended = each.started + each.duration + length
        after = [other.started for other in log if other.started >= ended and asks_about(other, each, kind)]
        if not after:
            sys.exit(f"nobody asked about {each.path} after its end")
        late = round(min(after) - ended, 2)
        yield Wait(f"{kind} {each.path.rpartition('/')[2]}", round(length, 2), late, round(max(2.0, 0.05 * length), 2))


def kind_of(request: LoggedRequest) -> str | None:
    """Return the operation that a write starts; None for a final response, and for a read."""
    path = request.path.lower()
    if request.method not in ("PUT", "POST") or any(part in path for part in ("/keys/", *GRANTS)):
        return None
    return next((kind for part, kind in KINDS.items() if part in path), None)


def asks_about(read: LoggedRequest, write: LoggedRequest, kind: str) -> bool:
    """Whether a read asks how a write is getting on: of the resource itself, or of an operation of that kind."""
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
    """Return the service's own time on the longest chain: providers, vault and grant beside associated resources, workspace."""
    longest: dict[str, float] = {}
    for each in waits:
        kind = each.name.partition(" ")[0]
        longest[kind] = max(longest.get(kind, 0.0), each.length_seconds)
    first, last = longest.pop("provider.register"), longest.pop("workspace.create.cmk")
    return first + max(longest.pop("vault.dns") + grant, *longest.values()) + last


def table(rows: list[Row], waits: list[Wait]) -> str:
    """Both tables, for people."""
    applies = [f"| {e.name} | {e.service_seconds} | {e.measured_seconds} | {e.allowed_seconds} |" for e in rows]
    noticed = [f"| {e.name} | {e.length_seconds} | {e.noticed_after_seconds} | {e.allowed_seconds} |" for e in waits]
    return "\n".join(
        [
            "| apply | the service's own s | measured s | allowed s |\n|---|---|---|---|",
            *applies,
            "\n| wait | s | noticed after s | allowed s |\n|---|---|---|---|",
            *noticed,
            "",
        ]
    )


def main() -> None:
    """Measure, print, and keep the results if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--scale", type=float, default=1.0, help="of Azure's own times")
    arguments.add_argument("--only", metavar="TEXT", default="", help="the profiles whose name has this in it")
    arguments.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
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
    rows, waits = [row for row, _ in results], [wait for _, found in results for wait in found]
    sys.stdout.write(table(rows, waits))
    if options.write:
        document = {
            "made": f"{datetime.now(UTC):%Y-%m-%d}",
            "cmkctl": __version__,
            "scale": options.scale,
            "load": load,
            "rows": [asdict(each) for each in rows],
            "waits": [asdict(each) for each in waits],
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    missed = [each.name for each in rows if each.measured_seconds > each.allowed_seconds]
    missed += [each.name for each in waits if each.noticed_after_seconds > each.allowed_seconds]
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
