"""Step 6: what a workspace needs beside the key: storage, Log Analytics, Application Insights, a vault, a registry.

Created at the same time as vault, key and grant, with names that are the same on every run; or given by id, and then only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cmkctl.azure.compare import same_location, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.spec import ResourceSpec
from cmkctl.steps._associated.values import Compared, at, differences, nested, same
from cmkctl.steps._associated.vault import VAULT
from cmkctl.steps._tags import tag_body, tag_drift
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait
from cmkctl.steps.key_vault import soft_deleted, what_cannot_be_undone

_IRREVERSIBLE: Final = frozenset({"properties.enablePurgeProtection"})
_READY: Final = "succeeded"


@dataclass(frozen=True, slots=True)
class ObservedAssociated:
    """Each associated resource by its id (None: absent), and the tenant of the subscription.

    `deleted_vault` is the soft-deleted vault that holds the name of the workspace's own vault, None without one.
    """

    resources: Mapping[str, ArmDocument | None]
    tenant: str
    deleted_vault: ArmDocument | None = None


class AssociatedResources:
    """One PUT for each absent resource; one PATCH for one of ours whose tags, tier or strictness differ."""

    name = "associated_resources"
    title = "associated resources"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-workspace#associated-resources"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the types of the resources that the profile needs."""
        return tuple(each.type for each in specs_of(profile))

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssociated:
        """Read them all at the same time."""
        specs = specs_of(profile)
        ids = [each.resource_id(profile) or "" for each in specs]
        reads = (partial(azure.resource, one, spec.api_version) for one, spec in zip(ids, specs, strict=True))
        subscription, *found = azure.gather(azure.subscription, *reads)
        resources = dict(zip(ids, found, strict=True))
        no_vault = resources.get(profile.associated_resources.key_vault_id, {}) is None and not VAULT.given(profile)
        deleted = (
            azure.deleted_vault(profile.associated_resources.key_vault_name, profile.location) if no_vault else None
        )
        return ObservedAssociated(resources, str((subscription or {}).get("tenantId", "")), deleted)

    def plan(self, profile: Profile, observed: ObservedAssociated, known: Known) -> list[Change]:  # noqa: ARG002
        """Create, adopt or repair each of them."""
        return [_plan_one(profile, spec, observed) for spec in specs_of(profile)]

    def outputs(self, profile: Profile, observed: ObservedAssociated) -> Outputs:  # noqa: ARG002
        """Return nothing: their ids follow from the profile."""
        return {}


def _settle(spec: ResourceSpec, resource: str) -> Settle:
    group = AssociatedResources.name if spec.feeds_only_the_workspace else ""
    return Settle(resource, spec.api_version, group=group)


def _plan_one(profile: Profile, spec: ResourceSpec, observed: ObservedAssociated) -> Change:
    resource = spec.resource_id(profile) or ""
    name = ResourceId.parse(resource).name
    found = observed.resources.get(resource)
    if found is None and spec.given(profile):
        return conflict(
            AssociatedResources.name,
            resource,
            spec.kind,
            name,
            "CMK241",
            "there is no resource with this id",
            "correct the id",
        )
    if found is None and spec is VAULT and observed.deleted_vault is not None:
        field = "associated_resources.key_vault"
        return soft_deleted(profile, AssociatedResources.name, resource, observed.deleted_vault, field, spec.kind)
    if found is None:
        return _create(profile, spec, resource, observed.tenant)
    if in_progress(_state(found)):
        reason, settle = reason_to_wait(_state(found)), _settle(spec, resource)
        return wait(AssociatedResources.name, resource, spec.kind, name, reason, settle)
    return _adopt(profile, spec, resource, observed)


def _create(profile: Profile, spec: ResourceSpec, resource: str, tenant: str) -> Change:
    body = spec.body(profile, tenant)
    return Change(
        AssociatedResources.name,
        Action.CREATE,
        resource,
        spec.kind,
        ResourceId.parse(resource).name,
        "does not exist",
        attributes=(
            *(
                replace(each, irreversible=each.path in _IRREVERSIBLE)
                for _, each in differences(spec.compared, body, {})
            ),
            *spec.shown(profile),
        ),
        irreversible=what_cannot_be_undone(profile) if spec is VAULT else (),
        depends_on=spec.depends_on(profile),
        request=Request("PUT", resource, spec.api_version, body),
        settle=_settle(spec, resource),
    )


def _adopt(profile: Profile, spec: ResourceSpec, resource: str, observed: ObservedAssociated) -> Change:
    step, name, found = AssociatedResources.name, ResourceId.parse(resource).name, observed.resources[resource] or {}
    if _state(found) != _READY:
        reason = f"Azure reports it as {_state(found)}"
        return conflict(step, resource, spec.kind, name, "CMK242", reason, "repair or delete it", "choose another name")
    for path, value, reason in spec.unfit:
        if same(Compared(path), at(found, path), value):
            return conflict(step, resource, spec.kind, name, "CMK243", reason, "use another one")
    given = spec.given(profile)
    if not given and (fixed := _elsewhere(profile, found) or spec.fixed(profile, found)):
        return conflict(step, resource, spec.kind, name, *fixed)
    kept = kept_as_they_are(profile, spec, found)
    drift, less_strict = ([], []) if given else (_drift(profile, spec, found), _less_strict(profile, spec, found))
    if not drift and not less_strict:
        reason = f"adopted as it is; differs in {', '.join(kept)}" if kept else "up to date"
        return no_op(step, resource, spec.kind, name, reason)
    return Change(
        step,
        Action.UPDATE,
        resource,
        spec.kind,
        name,
        "less strict than it was created" if less_strict else f"differs in {' and '.join(_parts(drift))}",
        (*less_strict, *drift),
        request=Request("PATCH", resource, spec.api_version, _patch(profile, found, less_strict, drift)),
        settle=_settle(spec, resource),
    )


def kept_as_they_are(profile: Profile, spec: ResourceSpec, found: ArmDocument) -> list[str]:
    """Return the paths of values that differ from those of a resource of ours, and that cmkctl does not change."""
    given = spec.given(profile)
    return [
        change.path
        for each, change in differences(spec.compared, spec.body(profile, ""), found)
        if given or not each.repaired
    ]


def _less_strict(profile: Profile, spec: ResourceSpec, found: ArmDocument) -> list[AttributeChange]:
    body = spec.body(profile, "")
    return [change for each, change in differences(spec.compared, body, found) if each.repaired]


def _drift(profile: Profile, spec: ResourceSpec, found: ArmDocument) -> list[AttributeChange]:
    """Return what an update brings in line: tier and tags."""
    sku, has = spec.sku(profile), at(found, "sku.name")
    tier = [AttributeChange("sku", has, sku)] if sku and not same_word(has, sku) else []
    return [*tier, *tag_drift(profile, found)]


def _parts(drift: list[AttributeChange]) -> list[str]:
    return list(dict.fromkeys(each.path.partition(".")[0] for each in drift))


def _patch(
    profile: Profile, found: ArmDocument, less_strict: list[AttributeChange], drift: list[AttributeChange]
) -> dict[str, Json]:
    tier = next((each.after for each in drift if each.path == "sku"), None)
    return {
        **({"sku": {"name": tier}} if tier else {}),
        **tag_body(profile, found),
        **nested({each.path: each.after for each in less_strict}),
    }


def _elsewhere(profile: Profile, found: ArmDocument) -> tuple[str, ...]:
    """Return code, reason and ways out where a resource of ours is in a different region; empty without."""
    location = str(found.get("location") or profile.location)
    if same_location(location, profile.location):
        return ()
    return (
        "CMK244",
        f"it is in {location}, not in {profile.location}",
        "give it by id to use it where it is",
        "choose another name",
    )


def _state(found: ArmDocument | None) -> str:
    """Return the provisioning state in lower case, empty for an absent resource.

    An absent provisioningState means Succeeded; Application Insights sets none that matters.
    """
    return str((found or {}).get("properties", {}).get("provisioningState") or _READY).lower() if found else ""
