"""Step 6: what a workspace needs beside the key: storage, Log Analytics, Application Insights, a vault, a registry.

Made at the same time as each other, and beside vault, key and grant, with names that are the same on every run; or given
by id, and then only looked at. Somebody else's resource is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.operations import FirstAnswer, finish, until
from cmkctl.azure.session import Document, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps.base import conflict, no_op, wait
from cmkctl.steps.key_vault import new_vault, soft_deleted, what_cannot_be_undone, write_vault

_PENDING: Final = frozenset(
    {"creating", "updating", "resolvingdns", "registeringdns", "provisioningaccount", "accepted"}
)
_IRREVERSIBLE: Final = frozenset({"properties.enablePurgeProtection"})
_FAILED: Final = frozenset({"failed", "deleting", "canceled"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of associated resource: how it is called, where it is, what body makes it, and what it must be like.

    `wanted` are dotted paths with the values that a resource of ours must have; `unfit` is a value at a path that no
    workspace accepts, with the reason.
    """

    title: str
    api_version: str
    resource_id: Callable[[Profile], str | None]
    given: Callable[[Profile], bool]
    body: Callable[[Profile, str], dict[str, Json]]
    wanted: tuple[tuple[str, Json], ...] = ()
    unfit: tuple[tuple[str, Json, str], ...] = ()
    after: Callable[[Profile], tuple[str, ...]] = lambda _profile: ()


@dataclass(frozen=True, slots=True)
class ObservedAssociated:
    """Each associated resource by its id (None when it is not there), and the tenant of the subscription.

    `deleted_vault` is the soft-deleted vault that holds the name of the workspace's own vault, if there is one.
    """

    resources: Mapping[str, Document | None]
    tenant: str
    deleted_vault: Document | None = None


class AssociatedResources:
    """One PUT for each resource that is not there; one PATCH for a storage account of ours that has become less strict."""

    name = "associated_resources"
    title = "associated resources"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-workspace#associated-resources"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssociated:
        """Read them all at the same time."""
        kinds = _kinds(profile)
        ids = [each.resource_id(profile) or "" for each in kinds]
        reads = (partial(azure.resource, one, kind.api_version) for one, kind in zip(ids, kinds, strict=True))
        subscription, *found = azure.together(azure.subscription, *reads)
        resources = dict(zip(ids, found, strict=True))
        no_vault = resources.get(profile.workspace_vault_id, {}) is None and not _VAULT.given(profile)
        deleted = azure.deleted_vault(profile.workspace_vault_name, profile.location) if no_vault else None
        return ObservedAssociated(resources, str((subscription or {}).get("tenantId", "")), deleted)

    def plan(self, profile: Profile, observed: ObservedAssociated, known: Known) -> list[Change]:  # noqa: ARG002
        """What each of them needs."""
        return [_plan_one(profile, kind, observed) for kind in _kinds(profile)]

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
        version = next(each.api_version for each in _ALL if each.title == change.title.rpartition(" ")[0])
        until(
            azure,
            f"{change.title} to be ready",
            lambda: _state(azure.snapshot().resource(change.resource_id, version)),
            lambda state: state not in _PENDING and state != "",
        )


def _send(azure: Session, change: Change) -> None:
    if change.request is None or change.request.body is None:
        return
    body: Any = dict(change.request.body)
    by_id = azure.resources.resources
    begin = by_id.begin_create_or_update_by_id if change.action is Action.CREATE else by_id.begin_update_by_id
    resource, version = change.resource_id.lstrip("/"), change.request.api_version
    finish(azure, begin(resource, body, api_version=version, polling=FirstAnswer()).result(), change.title)


def _kinds(profile: Profile) -> list[_Kind]:
    """The kinds that this profile needs: no registry unless asked for, no second vault when one serves both."""
    return [
        each
        for each in _ALL
        if each.resource_id(profile) is not None and not same_resource_id(each.resource_id(profile), profile.vault_id)
    ]


def _plan_one(profile: Profile, kind: _Kind, observed: ObservedAssociated) -> Change:
    resource = kind.resource_id(profile) or ""
    title = f"{kind.title} {ResourceId.parse(resource).name}"
    found = observed.resources.get(resource)
    if found is None and kind.given(profile):
        return conflict(
            AssociatedResources.name, resource, title, "CMK241", "there is no resource with this id", "correct the id"
        )
    if found is None and kind is _VAULT and observed.deleted_vault is not None:
        field = "associated_resources.key_vault"
        return soft_deleted(profile, AssociatedResources.name, resource, observed.deleted_vault, field)
    if found is None:
        return _create(profile, kind, resource, title, observed.tenant)
    if _state(found) in _PENDING:
        return wait(AssociatedResources.name, resource, title, f"being made ready ({_state(found)})")
    return _adopt(profile, kind, resource, title, found)


def _create(profile: Profile, kind: _Kind, resource: str, title: str, tenant: str) -> Change:
    return Change(
        AssociatedResources.name,
        Action.CREATE,
        resource,
        title,
        "not there yet",
        attributes=tuple(AttributeChange(path, None, value, path in _IRREVERSIBLE) for path, value in kind.wanted),
        irreversible=what_cannot_be_undone(profile) if kind is _VAULT else (),
        after=kind.after(profile),
        request=Request("PUT", resource, kind.api_version, kind.body(profile, tenant)),
    )


def _adopt(profile: Profile, kind: _Kind, resource: str, title: str, found: Document) -> Change:
    step = AssociatedResources.name
    if _state(found) in _FAILED:
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
    if kind.given(profile) or kind is not _STORAGE:
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


def _state(found: Document | None) -> str:
    """The provisioning state in lower case; Application Insights has none that matters, and an absent one is ready."""
    return str((found or {}).get("properties", {}).get("provisioningState") or "succeeded").lower() if found else ""


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


def _has_id(settings: object) -> bool:
    """Whether the profile gives a resource by its id: then it is somebody else's, and only looked at."""
    return getattr(settings, "id", None) is not None


def _storage(profile: Profile, _tenant: str) -> dict[str, Json]:
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": profile.associated_resources.storage_account.sku},
        "kind": "StorageV2",
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
        },
    }


def _log_analytics(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}
    return {"location": profile.location, "tags": profile.tags, "properties": properties}


def _application_insights(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {"Application_Type": "web", "WorkspaceResourceId": profile.log_analytics_id}
    return {"location": profile.location, "tags": profile.tags, "kind": "web", "properties": properties}


def _vault(profile: Profile, tenant: str) -> dict[str, Json]:
    return new_vault(profile, tenant, sku="standard", rbac=True, network=NetworkSettings())


def _registry(profile: Profile, _tenant: str) -> dict[str, Json]:
    registry = profile.associated_resources.container_registry
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": registry.sku if registry else "Premium"},
        # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
        "properties": {"adminUserEnabled": profile.identity_id is None},
    }


_STORAGE: Final = _Kind(
    title="storage account",
    api_version=versions.STORAGE,
    resource_id=lambda profile: profile.storage_account_id,
    given=lambda profile: _has_id(profile.associated_resources.storage_account),
    body=_storage,
    wanted=(
        ("properties.supportsHttpsTrafficOnly", True),
        ("properties.minimumTlsVersion", "TLS1_2"),
        ("properties.allowBlobPublicAccess", False),
    ),
    unfit=(
        (
            "properties.isHnsEnabled",
            True,
            "it has a hierarchical namespace, which a workspace's default storage may not have",
        ),
        ("sku.tier", "Premium", "it is a premium account, which a workspace's default storage may not be"),
    ),
)
_LOG_ANALYTICS: Final = _Kind(
    title="Log Analytics workspace",
    api_version=versions.LOG_ANALYTICS,
    resource_id=lambda profile: profile.log_analytics_id,
    given=lambda profile: _has_id(profile.associated_resources.log_analytics),
    body=_log_analytics,
)
_APPLICATION_INSIGHTS: Final = _Kind(
    title="Application Insights",
    api_version=versions.APPLICATION_INSIGHTS,
    resource_id=lambda profile: profile.application_insights_id,
    given=lambda profile: _has_id(profile.associated_resources.application_insights),
    body=_application_insights,
    after=lambda profile: (profile.log_analytics_id,),
)
_VAULT: Final = _Kind(
    title="workspace key vault",
    api_version=versions.KEY_VAULT,
    resource_id=lambda profile: profile.workspace_vault_id,
    given=lambda profile: _has_id(profile.associated_resources.key_vault),
    body=_vault,
    wanted=(("properties.enablePurgeProtection", True), ("properties.enableRbacAuthorization", True)),
)
_REGISTRY: Final = _Kind(
    title="container registry",
    api_version=versions.CONTAINER_REGISTRY,
    resource_id=lambda profile: profile.container_registry_id,
    given=lambda profile: _has_id(profile.associated_resources.container_registry),
    body=_registry,
)
_ALL: Final = (_STORAGE, _LOG_ANALYTICS, _APPLICATION_INSIGHTS, _VAULT, _REGISTRY)
