"""Rules about Azure Policy (failures.md, P54): each resource that cmkctl and Microsoft will create is evaluated beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.failures import Failure, FailureKind, PolicyDenial
from cmkctl.azure.ids import parents, resource_type, subscription_id
from cmkctl.azure.policy_remedies import policies_of, policy_remedy
from cmkctl.checks.rights import existing_scope
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import PLANNED, Fact, Facts, Finding, PlannedFact, rule
from cmkctl.plan import Action, Change, Json, Plane, Unknown, unknowns

if TYPE_CHECKING:
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

_SOURCE: Final = "https://learn.microsoft.com/rest/api/policyinsights/policy-restrictions"
CMK194: Final = Code(
    "CMK194",
    "A policy denies a planned resource",
    "Azure Policy evaluates every new resource. cmkctl asks it about each planned one beforehand (checkPolicyRestrictions), because a denial during the run would come after resources that cannot be deleted for good.",
    "Change the profile so that the resource complies, or have an exemption created.",
    _SOURCE,
)
CMK195: Final = Code(
    "CMK195",
    "A policy denies a resource that Microsoft creates for the workspace",
    "For an in-subscription workspace Microsoft creates a Cosmos DB account, a search service and a storage account in a resource group that it manages. Microsoft does not publish their settings, and a profile does not change them: cmkctl asks Azure Policy about resources with a type and a location only, so a policy that requires a property counts as a denial. With --ignore CMK195 it is shown as a note.",
    "Use service-side encryption, or have an exemption created above the managed resource group.",
    _SOURCE,
)
_GROUPS: Final = "Microsoft.Resources/subscriptions/resourceGroups"
_NOT_EVALUATED: Final = ("microsoft.authorization/roleassignments", "microsoft.keyvault/vaults/accesspolicies")
_MANAGED: Final = (
    ("Microsoft.DocumentDB/databaseAccounts", "2024-05-15"),
    ("Microsoft.Search/searchServices", "2023-11-01"),
    ("Microsoft.Storage/storageAccounts", "2023-05-01"),
)
"""The resources that Microsoft creates for an in-subscription workspace, with an api-version of each.

Source: https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys
"""
_SECTIONS: Final[Mapping[str, str]] = {
    "microsoft.storage/storageaccounts": "associated_resources.storage_account",
    "microsoft.operationalinsights/workspaces": "associated_resources.log_analytics",
    "microsoft.insights/components": "associated_resources.application_insights",
    "microsoft.containerregistry/registries": "associated_resources.container_registry",
    "microsoft.keyvault/vaults": "associated_resources.key_vault",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource to be created: the place in the profile, its name, and the document that Azure Policy evaluates.

    `scope` is the existing scope of the check; `parent` the parent of a child resource; `request` the write in words;
    `pending` lists the paths of values that exist only later.
    """

    subject: str
    name: str
    content: Mapping[str, Any]
    api_version: str
    scope: str
    parent: str
    request: str
    pending: tuple[str, ...] = ()
    step: str = ""
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """A resource that policies deny."""

    resource: Resource
    policies: tuple[PolicyDenial, ...]


def resources_of(profile: Profile, changes: Sequence[Change]) -> Iterator[Resource]:
    """Yield each resource that the plan creates, then those that Microsoft creates for the workspace."""
    for each in changes:
        request = each.request
        if each.action is not Action.CREATE or request is None or request.plane is not Plane.ARM:
            continue
        kind = _GROUPS if each.resource_id.count("/") == 4 else resource_type(each.resource_id)
        if request.method == "PUT" and kind.lower() not in _NOT_EVALUATED:
            yield _planned(each, kind, changes)
    workspace = next((each for each in changes if each.resource_id == profile.workspace.resource_id), None)
    if workspace and workspace.action is Action.CREATE and profile.workspace.encryption == "in-subscription":
        yield from (_of_microsoft(profile, kind, version) for kind, version in _MANAGED)


def _planned(change: Change, kind: str, changes: Sequence[Change]) -> Resource:
    request = change.request
    body = (request.body if request else None) or {}
    above = [each for each in parents(change.resource_id) if each.count("/") <= 4]
    scope = existing_scope(above[0], changes)
    return Resource(
        _subject(change, kind),
        change.name or change.kind,
        {"type": kind, "name": change.resource_id.rpartition("/")[2], **_known(body)},
        request.api_version if request else "",
        scope,
        next(parents(change.resource_id)) if kind.count("/") > 1 and kind != _GROUPS else "",
        f"PUT {change.resource_id}",
        tuple(path for path, _ in unknowns(body)),
        change.step,
    )


def _of_microsoft(profile: Profile, kind: str, api_version: str) -> Resource:
    subscription = subscription_id(profile.subscription)
    name = kind.rpartition("/")[2]
    content = {"type": kind, "name": name, "location": profile.location, "tags": {}, "properties": {}}
    request = f"workspace {profile.workspace.name}"
    return Resource("workspace.encryption", name, content, api_version, subscription, "", request, managed=True)


def _subject(change: Change, kind: str) -> str:
    if change.step in ("associated_resources", "encrypted_resources"):
        return _SECTIONS.get(kind.lower(), change.step)
    return change.step


def _known(value: Json) -> Any:
    """Return a body with a text in place of each value that exists only later: the property will be there."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _known(inner) for name, inner in value.items()}
    return [_known(inner) for inner in value] if isinstance(value, list | tuple) else value


def _assigned(azure: Snapshot, profile: Profile) -> bool:
    from cmkctl.azure import governance  # noqa: PLC0415 - rules load without the Azure SDK

    return governance.policies_are_assigned(azure, profile.subscription)


ASSIGNED: Final = Fact("policy_assignments", _assigned)
"""True where a policy may deny something. Read beside all other facts, so that it costs no round trip of its own."""


def _planned_denials(azure: Snapshot, profile: Profile, changes: Sequence[Change]) -> tuple[Denied, ...]:
    return _denials(azure, profile, changes, managed=False)


def _managed_denials(azure: Snapshot, profile: Profile, changes: Sequence[Change]) -> tuple[Denied, ...]:
    return _denials(azure, profile, changes, managed=True)


def _denials(azure: Snapshot, profile: Profile, changes: Sequence[Change], *, managed: bool) -> tuple[Denied, ...]:
    assigned = _assigned(azure, profile)
    found = [each for each in resources_of(profile, changes) if assigned and each.managed == managed]
    answers = azure.gather(*(partial(_check, azure, each) for each in found))
    return tuple(Denied(each, answer) for each, answer in zip(found, answers, strict=True) if answer)


def _check(azure: Snapshot, resource: Resource) -> tuple[PolicyDenial, ...]:
    from cmkctl.azure import governance  # noqa: PLC0415 - rules load without the Azure SDK

    found = governance.policy_denials(azure, resource.scope, resource.content, resource.api_version, resource.parent)
    return tuple(each for each in found if not _rests_on_unknown(each, resource))


def _rests_on_unknown(denial: PolicyDenial, resource: Resource) -> bool:
    """Return True for a condition on a value that exists only later: its text here is a placeholder."""
    field = denial.field.lower().removeprefix(f"{denial.resource_type.lower()}/").removeprefix("properties.")
    return any(each.lower().removeprefix("properties.") == field for each in resource.pending)


POLICIES: Final = PlannedFact.of("policies", _planned_denials)
"""The planned resources that a policy denies."""

MANAGED_POLICIES: Final = PlannedFact.of("policies_for_managed_resources", _managed_denials)
"""The resources that Microsoft creates and a policy denies: only a role on the subscription allows the check."""


@rule(CMK194, severity=Severity.ERROR, needs=(PLANNED, ASSIGNED, POLICIES))
def policies_allow_the_plan(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that no policy denies a resource that the plan creates."""
    return (_finding(each) for each in facts[POLICIES])


@rule(CMK195, severity=Severity.ERROR, needs=(PLANNED, ASSIGNED, MANAGED_POLICIES))
def policies_allow_managed_resources(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that no policy denies a resource that Microsoft creates for the workspace."""
    return (_finding(each) for each in facts[MANAGED_POLICIES])


def _finding(denied: Denied) -> Finding:
    resource = denied.resource
    failure = Failure(
        FailureKind.POLICY,
        "RequestDisallowedByPolicy",
        "",
        request=resource.request,
        target=resource.name,
        policies=denied.policies,
        step=resource.step,
    )
    return Finding(" ".join(policies_of(failure)), policy_remedy(failure), _place(resource, denied.policies))


def _place(resource: Resource, policies: Sequence[PolicyDenial]) -> str:
    """Return the profile's field to change: tags or location where a policy is about them, else the resource's section."""
    fields = {each.field.lower() for each in policies}
    if any(each.startswith("tags") for each in fields):
        return "tags"
    return "location" if fields == {"location"} else resource.subject
