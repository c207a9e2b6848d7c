"""Reads of what governs a subscription: permissions of the caller, locks, role assignments in use, policies.

Sources: https://learn.microsoft.com/rest/api/authorization/permissions, .../rest/api/resources/management-locks,
.../azure/role-based-access-control/troubleshoot-limits and .../rest/api/policyinsights/policy-restrictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Required

from typing_extensions import TypedDict

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.error_documents import denial_of
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import PolicyDenial
from cmkctl.azure.ids import subscription_id
from cmkctl.azure.snapshot import Snapshot

_AUTHORIZATION: Final = "/providers/Microsoft.Authorization"
_LOCKS: Final = f"{_AUTHORIZATION}/locks"
_ASSIGNMENTS: Final = f"{_AUTHORIZATION}/policyAssignments"
_CHECK: Final = "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions"


class _LockProperties(TypedDict, total=False):
    level: Required[str]


class _Lock(TypedDict, total=False):
    id: Required[str]
    name: Required[str]
    properties: Required[_LockProperties]


class _Locks(TypedDict, total=False):
    value: Required[list[_Lock]]


class _Usage(TypedDict, total=False):
    roleAssignmentsLimit: Required[int]
    roleAssignmentsCurrentCount: Required[int]


class _PolicyInfo(TypedDict, total=False):
    policyDefinitionId: str
    policyAssignmentId: str


class _Evaluation(TypedDict, total=False):
    policyInfo: Required[_PolicyInfo]
    evaluationResult: str
    evaluationDetails: dict[str, Any]
    effectDetails: dict[str, Any]


class _Content(TypedDict, total=False):
    policyEvaluations: list[_Evaluation]


class _Restrictions(TypedDict, total=False):
    contentEvaluationResult: Required[_Content]


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that cmkctl is signed in as: its object id (empty when the token does not show it) and its type."""

    object_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A management lock: its id, its name, its level (``ReadOnly``, ``CanNotDelete``) and the scope it is set on."""

    id: str
    name: str
    level: str

    @property
    def scope(self) -> str:
        """The scope that the lock is set on."""
        at = self.id.lower().rfind(_LOCKS.lower())
        return self.id[:at] if at >= 0 else self.id


@dataclass(frozen=True, slots=True)
class AssignmentsInUse:
    """The role assignments of a subscription, and the largest number it may have."""

    used: int
    limit: int


def caller(azure: Snapshot) -> Caller:
    """Return the account of the token."""
    claims = azure.claims()
    return Caller(str(claims.get("oid") or ""), "User" if claims.get("scp") else "ServicePrincipal")


def permissions(azure: Snapshot, scope: str) -> Sequence[Mapping[str, Any]] | None:
    """Return the caller's permissions at a scope, one entry for each role assignment; None where Azure knows no such scope.

    Raises AzureFailed when they may not be read.
    """
    found = azure.listing(f"{scope}{_AUTHORIZATION}/permissions", versions.PERMISSIONS)
    return None if found is None else [each for each in _values(found) if isinstance(each, Mapping)]


def locks(azure: Snapshot, subscription: str, groups: Iterable[str]) -> tuple[Lock, ...]:
    """Return the locks of a subscription and below; where it may not be read, those of the resource groups and below.

    Raises AzureFailed when none of them may be read.
    """
    scopes = (subscription_id(subscription), *groups)
    found = azure.gather(*(partial(_try_locks, azure, scope) for scope in scopes))
    whole, narrow = found[0], found[1:]
    if not isinstance(whole, AzureFailed):
        return tuple(whole)
    readable = [each for each in narrow if not isinstance(each, AzureFailed)]
    if not readable or len(readable) < len(narrow):
        raise whole
    return tuple({each.id.lower(): each for listed in readable for each in listed}.values())


def assignments_in_use(azure: Snapshot, subscription: str) -> AssignmentsInUse | None:
    """Return the number of role assignments in a subscription; None where the cloud does not count them."""
    path = f"{subscription_id(subscription)}{_AUTHORIZATION}/roleAssignmentsUsageMetrics"
    found = azure.document(path, versions.ASSIGNMENTS_USAGE, _Usage)
    if found is None:
        return None
    return AssignmentsInUse(found["roleAssignmentsCurrentCount"], found["roleAssignmentsLimit"])


def policies_are_assigned(azure: Snapshot, subscription: str) -> bool:
    """Return False where no enforced policy applies to a subscription or anything in it, True where that cannot be read.

    The list includes what management groups assign.
    Source: https://learn.microsoft.com/rest/api/policy/policy-assignments/list
    """
    try:
        found = azure.listing(f"{subscription_id(subscription)}{_ASSIGNMENTS}", versions.POLICY_ASSIGNMENTS)
    except AzureFailed:
        return True
    modes = [str((each.get("properties") or {}).get("enforcementMode", "")).lower() for each in _values(found)]
    return found is None or any(each != "donotenforce" for each in modes)


def policy_denials(
    azure: Snapshot, scope: str, content: Mapping[str, Any], api_version: str, parent: str
) -> tuple[PolicyDenial, ...]:
    """Return the policies that would deny a resource: `content` as it would be sent, with its type, under `scope`.

    `scope` is the resource group, or the subscription for a group that does not exist; `parent` is the parent's id for a child
    resource, else empty.
    Nothing is written. Raises AzureFailed when the policies may not be checked.
    """
    details = {"resourceContent": content, "apiVersion": api_version, **({"scope": parent} if parent else {})}
    body = {"resourceDetails": details}
    found = azure.question(f"{scope}{_CHECK}", versions.POLICY_RESTRICTIONS, body, _Restrictions)
    rows = found["contentEvaluationResult"].get("policyEvaluations", [])
    return tuple(_denial(each, str(content["type"])) for each in rows if _denies(each))


def _values(found: ArmDocument | None) -> list[Any]:
    return [*(found or {}).get("value", [])]


def _try_locks(azure: Snapshot, scope: str) -> list[Lock] | AzureFailed:
    try:
        found = azure.document(f"{scope}{_LOCKS}", versions.LOCKS, _Locks)
    except AzureFailed as error:
        return error
    return [Lock(each["id"], each["name"], each["properties"]["level"]) for each in _values(found)]


def _denies(evaluation: Mapping[str, Any]) -> bool:
    effect = str((evaluation.get("effectDetails") or {}).get("policyEffect", "Deny"))
    return effect.lower() == "deny" and str(evaluation.get("evaluationResult", "")).lower() == "noncompliant"


def _denial(evaluation: Mapping[str, Any], kind: str) -> PolicyDenial:
    """Return the denial in the form of a refused write. The response has ids and no display names."""
    info = evaluation["policyInfo"]
    named = {
        "policyDefinitionName": str(info.get("policyDefinitionId", "")).rpartition("/")[2],
        "policyAssignmentName": str(info.get("policyAssignmentId", "")).rpartition("/")[2],
        "evaluationDetails": evaluation.get("evaluationDetails"),
    }
    return replace(denial_of({**info, **named}), resource_type=kind)


def gathered(azure: Snapshot, scopes: Iterable[str], read: Callable[[Snapshot, str], Any]) -> dict[str, Any]:
    """Return what a read answers at each of some scopes, all at the same time."""
    distinct = list(dict.fromkeys(scopes))
    return dict(zip(distinct, azure.gather(*(partial(read, azure, each) for each in distinct)), strict=True))
