"""Step 6: what a workspace needs beside the key: storage, Log Analytics, Application Insights, a vault, a registry.

Created at the same time as vault, key and grant, with names that are the same on every run; or given by id, and then only read.
Those with the customer's key wait for key and grant: `encrypted_resources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cmkctl.azure.compare import same_location, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.spec import ResourceSpec, Supplied
from cmkctl.steps._associated.values import Compared, Verdict, at, differences, patch, stricter, verdict
from cmkctl.steps._associated.vault import VAULT
from cmkctl.steps._tags import tag_body, tag_drift
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait
from cmkctl.steps.key_vault import soft_deleted

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
        # One that may not be read counts as absent: Azure refuses a creation under its name.
        read = partial(azure.deleted_vault, profile.associated_resources.key_vault_name, profile.location)
        deleted = unless_denied(read) if no_vault else None
        return ObservedAssociated(resources, str((subscription or {}).get("tenantId", "")), deleted)

    def plan(self, profile: Profile, observed: ObservedAssociated, known: Known) -> list[Change]:  # noqa: ARG002
        """Create, adopt or repair each of them, except for those with the customer's key."""
        return [plan_one(profile, spec, observed) for spec in specs_of(profile) if not spec.encrypted(profile)]

    def outputs(self, profile: Profile, observed: ObservedAssociated) -> Outputs:  # noqa: ARG002
        """Return nothing: their ids follow from the profile."""
        return {}


def _settle(spec: ResourceSpec, resource: str) -> Settle:
    group = AssociatedResources.name if spec.feeds_only_the_workspace else ""
    return Settle(resource, spec.api_version, group=group)


def plan_one(
    profile: Profile, spec: ResourceSpec, observed: ObservedAssociated, supplied: Supplied | None = None
) -> Change:
    """Return the change of one resource. `supplied` has what earlier steps supply; None for the tenant alone."""
    supplied = supplied or Supplied(observed.tenant)
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
        return _create(profile, spec, resource, supplied)
    if in_progress(_state(found)):
        reason, settle = reason_to_wait(_state(found)), _settle(spec, resource)
        return wait(AssociatedResources.name, resource, spec.kind, name, reason, settle)
    return _adopt(profile, spec, resource, observed, supplied)


def _create(profile: Profile, spec: ResourceSpec, resource: str, supplied: Supplied) -> Change:
    body = spec.body(profile, supplied)
    irreversible = spec.irreversible(profile)
    return Change(
        AssociatedResources.name,
        Action.CREATE,
        resource,
        spec.kind,
        ResourceId.parse(resource).name,
        "does not exist",
        attributes=(
            *(
                replace(change, irreversible=bool(irreversible) and change.path in _IRREVERSIBLE)
                # What the profile writes is shown, also where it is the default of Azure.
                for _, change in differences(
                    [replace(each, absent=None) for each in spec.compared_for(profile)], body, {}
                )
            ),
            *spec.shown(profile),
        ),
        irreversible=irreversible,
        depends_on=spec.depends_on(profile),
        request=Request("PUT", resource, spec.api_version, body),
        settle=_settle(spec, resource),
    )


def _adopt(
    profile: Profile, spec: ResourceSpec, resource: str, observed: ObservedAssociated, supplied: Supplied
) -> Change:
    step, name, found = AssociatedResources.name, ResourceId.parse(resource).name, observed.resources[resource] or {}
    if _state(found) != _READY:
        reason, gone = f"Azure reports it as {_state(found)}", same_word(_state(found), "deleting")
        way_out = "wait until it is gone, then run the same command again" if gone else "repair or delete it"
        return conflict(step, resource, spec.kind, name, "CMK242", reason, way_out, "choose another name")
    for path, value, reason in spec.unfit:
        if verdict(Compared(path), at(found, path), value) is Verdict.SAME:
            return conflict(step, resource, spec.kind, name, "CMK243", reason, "use another one")
    if problem := _conflict(profile, spec, found, supplied):
        return conflict(step, resource, spec.kind, name, *problem)
    kept = kept_as_they_are(profile, spec, found)
    return _update(profile, spec, resource, found) or no_op(
        step, resource, spec.kind, name, f"adopted as it is; differs in {', '.join(kept)}" if kept else "up to date"
    )


def _differences(
    profile: Profile, spec: ResourceSpec, found: ArmDocument
) -> Iterator[tuple[Compared, AttributeChange]]:
    return differences(spec.compared_for(profile), spec.body(profile, Supplied()), found)


def kept_as_they_are(profile: Profile, spec: ResourceSpec, found: ArmDocument) -> list[str]:
    """Return the paths of values that differ from those of a resource of ours, and that cmkctl does not change."""
    given = spec.given(profile)
    return [change.path for each, change in _differences(profile, spec, found) if given or not each.repaired]


def _conflict(profile: Profile, spec: ResourceSpec, found: ArmDocument, supplied: Supplied) -> tuple[str, ...]:
    """Return code, reason and ways out where a resource differs in what no permitted update changes; empty without."""
    differing = [(each, change) for each, change in _differences(profile, spec, found) if each.field]
    if spec.given(profile):
        return _of_a_given_one(spec, [each for each, _ in differing])
    if elsewhere := _elsewhere(profile, found) or spec.fixed(profile, found, supplied):
        return elsewhere
    for each, change in differing:
        if each.fixed:
            return (
                "CMK262",
                f"{each.path} is {_shown(change.before, each.absent)}, not {_shown(change.after)}, and is fixed at creation",
                f"leave {spec.field}.{each.field} out, or write what the resource has",
                f"choose another {spec.field}.name for a new one",
            )
    body = spec.body(profile, Supplied())
    for each in stricter(spec.compared_for(profile), body, found):
        if each.field:
            return (
                "CMK263",
                f"{each.path} is {_shown(at(found, each.path))}, which is stricter than the profile, and cmkctl loosens nothing",
                f"leave {spec.field}.{each.field} out, or write what the resource has",
                "loosen it yourself",
            )
    return ()


def _of_a_given_one(spec: ResourceSpec, differing: Sequence[Compared]) -> tuple[str, ...]:
    """Return the conflict with a resource that is given by id: what the profile writes for it is not so."""
    if not differing:
        return ()
    fields = " and ".join(f"{spec.field}.{each.field}" for each in differing)
    return (
        "CMK264",
        f"it differs in {', '.join(each.path for each in differing)}, and cmkctl never changes a resource that is given by id",
        f"leave out {fields}",
        "change it where it is managed",
    )


def _shown(value: Json, absent: Json = None) -> str:
    value = absent if value is None else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _update(profile: Profile, spec: ResourceSpec, resource: str, found: ArmDocument) -> Change | None:
    """Return the change of a resource of ours in tier, tags and values; None when it is up to date, or given by id."""
    if spec.given(profile):
        return None
    sku, has, own = spec.sku(profile), at(found, "sku.name"), spec.tags(profile)
    tier = [AttributeChange("sku", has, sku)] if sku and not same_word(has, sku) else []
    values = [(each, change) for each, change in _differences(profile, spec, found) if each.repaired]
    lost = [_lost(each, change) for each, change in values]
    values = [
        (each, replace(change, irreversible=bool(loss))) for (each, change), loss in zip(values, lost, strict=True)
    ]
    less_strict = [change for each, change in values if not each.field]
    drift = [*(change for each, change in values if each.field), *tier, *tag_drift(profile, found, own)]
    if not less_strict and not drift:
        return None
    rest: dict[str, Json] = {**({"sku": {"name": sku}} if tier else {}), **tag_body(profile, found, own)}
    changed = patch([each for each, _ in values], spec.body(profile, Supplied()), found)
    method, body = _request(spec, found, {**rest, **changed}, only_tags=not values)
    return Change(
        AssociatedResources.name,
        Action.UPDATE,
        resource,
        spec.kind,
        ResourceId.parse(resource).name,
        "less strict than it was created" if less_strict else f"differs in {listed(_parts(drift))}",
        (*less_strict, *drift),
        irreversible=tuple(each for each in lost if each),
        request=Request(method, resource, spec.api_version, body),
        settle=_settle(spec, resource),
    )


def _lost(compared: Compared, change: AttributeChange) -> str:
    """Return the effect of an update that cannot be undone, empty without one."""
    has, wanted = change.before, change.after
    lower = isinstance(has, int | float) and isinstance(wanted, int | float) and has > wanted
    return compared.loses.format(wanted) if lower else ""


def _request(
    spec: ResourceSpec, found: ArmDocument, changed: dict[str, Json], *, only_tags: bool
) -> tuple[str, dict[str, Json]]:
    """Return method and body of an update: a PATCH, or a PUT of the resource as it is where a PATCH changes tags only."""
    if only_tags or not spec.sent_back:
        return "PATCH", changed
    has = found.get("properties") or {}
    properties = {name: has[name] for name in spec.sent_back if has.get(name) is not None}
    kept = {name: found[name] for name in ("location", "tags", "kind") if found.get(name) is not None}
    return "PUT", {**kept, **changed, "properties": {**properties, **_properties(changed)}}


def _properties(body: Mapping[str, Json]) -> Mapping[str, Json]:
    properties = body.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _parts(drift: list[AttributeChange]) -> list[str]:
    """Return the names of what differs, each once: the name of a property, or ``tags``."""
    return list(dict.fromkeys(_part(each.path) for each in drift))


def listed(words: Sequence[str]) -> str:
    """Return words in a row: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(each for each in (", ".join(words[:-1]), words[-1]) if each)


def _part(path: str) -> str:
    first, _, rest = path.partition(".")
    return rest if first == "properties" else first


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
