"""Rules about management locks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from cmkctl.azure.ids import parents, within
from cmkctl.checks.rights import existing_scope
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import PLANNED, Facts, Finding, PlannedFact, rule
from cmkctl.plan import Change, Plane

if TYPE_CHECKING:
    from cmkctl.azure.governance import Lock
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

CMK192: Final = Code(
    "CMK192",
    "A lock forbids a planned change",
    "A ReadOnly lock on a subscription, resource group or resource refuses every write to it and below it; a CanNotDelete lock refuses deletions. Azure answers the write with 409 ScopeLocked. Writes before it would stay, so cmkctl refuses the plan.",
    "Have the lock removed for the run, and set again afterwards.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
)
_READ_ONLY: Final = "readonly"


def _locks(azure: Snapshot, profile: Profile, changes: Sequence[Change]) -> tuple[Lock, ...]:
    from cmkctl.azure import governance  # noqa: PLC0415 - rules load without the Azure SDK

    written = [each for each in changes if _on_arm(each)]
    if not written:
        return ()
    scopes = [existing_scope(each.resource_id, changes) for each in written]
    groups = [group for scope in scopes for group in (scope, *parents(scope)) if group.count("/") == 4]
    return governance.locks(azure, profile.subscription, dict.fromkeys(groups))


LOCKS: Final = PlannedFact.of("locks", _locks)
"""The management locks of the subscription and below it; none for a plan without writes."""


@rule(CMK192, severity=Severity.ERROR, needs=(PLANNED, LOCKS))
def no_lock_on_what_is_written(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that no lock refuses a planned write."""
    for lock in facts[LOCKS]:
        held = [each for each in facts[PLANNED] if _on_arm(each) and _refuses(lock, each)]
        if held:
            names = ", ".join(dict.fromkeys(each.title for each in held))
            remove = shlex.join(("az", "lock", "delete", "--ids", lock.id))
            yield Finding(
                f"Lock '{lock.name}' ({lock.level}) on {lock.scope} refuses: {names}.",
                f"Have it removed for the run: {remove}. Set it again afterwards: {_again(lock)}.",
                lock.scope,
            )


def _on_arm(change: Change) -> bool:
    """Return True for a write to a resource. A POST, such as a registration, is no write to the locked scope."""
    request = change.request
    return request is not None and request.plane is Plane.ARM and request.method != "POST"


def _refuses(lock: Lock, change: Change) -> bool:
    # An access policy is taken away by a PUT, which a CanNotDelete lock lets through.
    if change.request is not None and change.request.method == "DELETE":
        return within(change.resource_id, lock.scope) or within(lock.scope, change.resource_id)
    return lock.level.lower() == _READ_ONLY and within(change.resource_id, lock.scope)


def _again(lock: Lock) -> str:
    words = ("az", "lock", "create", "--name", lock.name, "--lock-type", lock.level)
    parts = lock.scope.strip("/").split("/")
    match parts:
        case [_, _]:
            return shlex.join(words)
        case [_, _, _, group]:
            return shlex.join((*words, "--resource-group", group))
        case _:
            return shlex.join((*words, "--resource", lock.scope))
