"""What must hold at the end of every case, looked up in the sandbox itself: nothing twice, nothing lost, nothing weakened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from reliability_ground import Ended, Ground

from cmkctl.sandbox.core.requestlog import LoggedRequest

SAME_RUN: Final = "converged in the same run"
NEXT_RUN: Final = "converged in the next run"
FAILED: Final = "failed"
_GUID: Final = re.compile(r"(?!c0ffee)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WEAKER: Final = (("enablePurgeProtection", False), ("enableSoftDelete", False), ("createMode", "recover"))

Inventory = dict[str, Any]
"""What is there, without what differs from one making to the next."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case: a verdict, and what was wrong if it failed."""

    section: str
    group: str
    case: str
    verdict: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something was wrong."""
        return bool(self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome for the results."""
        return asdict(self)


def inventory(data: Mapping[str, Any]) -> Inventory:
    """Resources with what matters of them, groups, and role assignments by who holds them."""
    who = {object_id: row["displayName"] for object_id, row in data["principals"].items()}
    found: Inventory = {_plain(each): "group" for each in data["groups"]}
    found |= {_plain(each): _resource(row, who) for each, row in data["resources"].items()}
    held = [_assignment(row["doc"]["properties"], who) for row in data["assignments"].values()]
    return {**found, "role assignments": sorted(held)}


def _resource(row: Mapping[str, Any], who: Mapping[str, str]) -> Any:
    properties = row["doc"]["properties"]
    if "versions" in row:
        return f"key with {len(row['versions'])} version"
    kept = {name: properties[name] for name in ("provisioningState", "enablePurgeProtection") if name in properties}
    policies = [
        f"{who.get(each['objectId'], 'an orphan')}: {_sorted(each)}" for each in properties.get("accessPolicies", [])
    ]
    return {**kept, "policies": sorted(policies)}


def _sorted(policy: Mapping[str, Any]) -> str:
    return ", ".join(sorted(str(each).lower() for each in policy["permissions"].get("keys", [])))


def _assignment(properties: Mapping[str, Any], who: Mapping[str, str]) -> str:
    role = properties["roleDefinitionId"].rpartition("/")[2]
    holder = who.get(properties["principalId"], "an orphan")
    return f"{holder} has {role} at {_plain(properties['scope'])}"


def _plain(identifier: str) -> str:
    return _GUID.sub("…", identifier.lower())


def done_twice(written: Sequence[LoggedRequest], again: str = "") -> list[str]:
    """Return the writes that Azure carried out more than once; one whose path ends with `again` may be."""
    done = Counter(f"{each.method} {each.path}".lower() for each in written if 200 <= each.status < 400)
    return [
        f"done {times} times: {each}"
        for each, times in done.items()
        if times > 1 and not (again and each.endswith(again))
    ]


def weakening(written: Sequence[LoggedRequest]) -> list[str]:
    """Return the writes that invariant 6 forbids."""
    deleted = [each for each in written if each.method == "DELETE" or "purge" in each.path.lower()]
    weaker = [each for each in written if any(pair in _WEAKER for pair in _inside(each.body))]
    return [f"weakens: {each.method} {each.path}" for each in (*deleted, *weaker)]


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if not isinstance(inner, dict | list):
            yield name, inner
        yield from _inside(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _inside(inner)


def differences(before: Inventory, after: Inventory) -> list[str]:
    """Return the differences from an undisturbed run: missing, extra and different resources."""
    return [
        f"{name}: {before.get(name, 'not there')} became {after.get(name, 'not there')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def wrong_at_the_end(ground: Ground, profile: str, wanted: Inventory, *, again: str = "") -> list[str]:
    """Return the problems after a successful run, then those of a second plan and apply."""
    written = ground.running.writes
    problems = [*done_twice(written, again), *weakening(written)]
    problems += differences(wanted, inventory(ground.running.state.tenant.data))
    planned = ground.plans(profile)
    problems += [] if planned == Ended(0) else [f"the next plan: {planned}"]
    return problems + [f"the plan wrote {each.path}" for each in ground.running.writes[len(written) :]]
