"""Step 6: what a workspace needs beside the key: storage, Log Analytics, Application Insights, a vault, a registry.

Made at the same time as each other, and beside vault, key and grant, with names that are the same on every run; or given
by id, and then only looked at. Somebody else's resource is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.operations import FirstAnswer, finish, under_way, until
from cmkctl.azure.session import ArmDocument, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._associated_specs import ALL, STORAGE, VAULT, ResourceSpec, specs_of
from cmkctl.steps.base import conflict, no_op, wait
from cmkctl.steps.key_vault import soft_deleted, what_cannot_be_undone, write_vault

_IRREVERSIBLE: Final = frozenset({"properties.enablePurgeProtection"})
_READY: Final = "succeeded"


@dataclass(frozen=True, slots=True)
class ObservedAssociated:
    """Each associated resource by its id (None when it is not there), and the tenant of the subscription.

    `deleted_vault` is the soft-deleted vault that holds the name of the workspace's own vault, if there is one.
    """

    resources: Mapping[str, ArmDocument | None]
    tenant: str
    deleted_vault: ArmDocument | None = None


class AssociatedResources:
    """One PUT for each resource that is not there; one PATCH for a storage account of ours that has become less strict."""

    name = "associated_resources"
    title = "associated resources"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-workspace#associated-resources"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssociated:
        """Read them all at the same time."""
        kinds = specs_of(profile)
        ids = [each.resource_id(profile) or "" for each in kinds]
        reads = (partial(azure.resource, one, kind.api_version) for one, kind in zip(ids, kinds, strict=True))
        subscription, *found = azure.gather(azure.subscription, *reads)
        resources = dict(zip(ids, found, strict=True))
        no_vault = resources.get(profile.workspace_vault_id, {}) is None and not VAULT.given(profile)
        deleted = azure.deleted_vault(profile.workspace_vault_name, profile.location) if no_vault else None
        return ObservedAssociated(resources, str((subscription or {}).get("tenantId", "")), deleted)

    def plan(self, profile: Profile, observed: ObservedAssociated, known: Known) -> list[Change]:  # noqa: ARG002
        """What each of them needs."""
        return [_plan_one(profile, kind, observed) for kind in specs_of(profile)]

    def outputs(self, profile: Profile, observed: ObservedAssociated, known: Known) -> Outputs:  # noqa: ARG002
        """Nothing: their ids follow from the profile."""
        return {}

    def apply(self, azure: Session, change: Change) -> None:
        """Create or update one of them, and wait until it is ready."""
        resource = ResourceId.parse(change.resource_id)
        if resource.type == "Microsoft.KeyVault/vaults":
            write_vault(azure, change)
            return
        _send(azure, change)
        version = next(each.api_version for each in ALL if each.title == change.title.rpartition(" ")[0])
        until(
            azure,
            f"{change.title} to be ready",
            lambda: _state(azure.snapshot().resource(change.resource_id, version)),
            lambda state: state != "" and not under_way(state),
        )


def _send(azure: Session, change: Change) -> None:
    if change.request is None or change.request.body is None:
        return
    body: Any = dict(change.request.body)
    by_id = azure.resources.resources
    begin = by_id.begin_create_or_update_by_id if change.action is Action.CREATE else by_id.begin_update_by_id
    resource, version = change.resource_id.lstrip("/"), change.request.api_version
    finish(azure, begin(resource, body, api_version=version, polling=FirstAnswer()).result(), change.title)


def _plan_one(profile: Profile, kind: ResourceSpec, observed: ObservedAssociated) -> Change:
    resource = kind.resource_id(profile) or ""
    title = f"{kind.title} {ResourceId.parse(resource).name}"
    found = observed.resources.get(resource)
    if found is None and kind.given(profile):
        return conflict(
            AssociatedResources.name, resource, title, "CMK241", "there is no resource with this id", "correct the id"
        )
    if found is None and kind is VAULT and observed.deleted_vault is not None:
        field = "associated_resources.key_vault"
        return soft_deleted(profile, AssociatedResources.name, resource, observed.deleted_vault, field)
    if found is None:
        return _create(profile, kind, resource, title, observed.tenant)
    if under_way(_state(found)):
        return wait(AssociatedResources.name, resource, title, f"being made ready ({_state(found)})")
    return _adopt(profile, kind, resource, title, found)


def _create(profile: Profile, kind: ResourceSpec, resource: str, title: str, tenant: str) -> Change:
    return Change(
        AssociatedResources.name,
        Action.CREATE,
        resource,
        title,
        "not there yet",
        attributes=tuple(AttributeChange(path, None, value, path in _IRREVERSIBLE) for path, value in kind.wanted),
        irreversible=what_cannot_be_undone(profile) if kind is VAULT else (),
        depends_on=kind.depends_on(profile),
        request=Request("PUT", resource, kind.api_version, kind.body(profile, tenant)),
    )


def _adopt(profile: Profile, kind: ResourceSpec, resource: str, title: str, found: ArmDocument) -> Change:
    step = AssociatedResources.name
    if _state(found) != _READY:
        return conflict(
            step,
            resource,
            title,
            "CMK242",
            f"Azure reports it as {_state(found)}",
            "repair or delete it",
            "choose another name",
        )
    for path, value, reason in kind.unfit:
        if _same(_at(found, path), value):
            return conflict(step, resource, title, "CMK243", reason, "use another one")
    drift = [
        AttributeChange(path, _at(found, path), value)
        for path, value in kind.wanted
        if not _same(_at(found, path), value)
    ]
    if not drift:
        return no_op(step, resource, title, "already right")
    if kind.given(profile) or kind is not STORAGE:
        return no_op(step, resource, title, f"taken as it is; differs in {', '.join(each.path for each in drift)}")
    body: dict[str, Json] = {"properties": {each.path.removeprefix("properties."): each.after for each in drift}}
    return Change(
        step,
        Action.UPDATE,
        resource,
        title,
        "less strict than it was made",
        tuple(drift),
        request=Request("PATCH", resource, kind.api_version, body),
    )


def _state(found: ArmDocument | None) -> str:
    """The provisioning state in lower case; Application Insights has none that matters, and an absent one is ready."""
    return str((found or {}).get("properties", {}).get("provisioningState") or _READY).lower() if found else ""


def _at(found: Mapping[str, Any], path: str) -> Any:
    value: Any = found
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _same(found: Any, wanted: Json) -> bool:
    """Azure answers its words in another casing, and ids in any. A newer TLS than the wanted one is as good."""
    if isinstance(found, str) and isinstance(wanted, str):
        return same_word(found, wanted) or (wanted.startswith("TLS") and found.upper() > wanted)
    return bool(found == wanted)
