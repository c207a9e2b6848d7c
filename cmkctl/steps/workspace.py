"""Step 7: the workspace, in one PUT, with everything that is fixed at creation.

Encryption, its architecture, the key's vault and high business impact can never be changed afterwards: a workspace with
different values is a conflict. Why this is one PUT and not azure-ai-ml's ``begin_create``: docs/adr/0004-one-put.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cmkctl.agreement import with_workspace
from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import (
    Action,
    AttributeChange,
    Change,
    Json,
    Known,
    Output,
    Outputs,
    Phrase,
    Request,
    Resend,
    Settle,
)
from cmkctl.profile.model import Profile
from cmkctl.steps import _workspace_network as network
from cmkctl.steps._tags import new_tags, tag_body, tag_drift
from cmkctl.steps._workspace_conflicts import conflicts_of, failed_as_created, key_identifier, on_or_off, state_of
from cmkctl.steps._workspace_kinds import feature_store, feature_store_drift, hub_config
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait
from cmkctl.steps.identity_roles import ROLES_EFFECTIVE_AT
from cmkctl.steps.key_access import EFFECTIVE_AT

MANAGED_RESOURCE_GROUP: Final[Output[str | None]] = Output(
    "workspace", "managed_resource_group", "properties.serviceProvisionedResourceGroup"
)
"""The resource id of the group that Microsoft manages; None for service-side encryption."""
IDENTITY_OBJECT_ID: Final[Output[str | None]] = Output("workspace", "identity_object_id", "identity.principalId")

_KIND: Final = "workspace"
_TIMEOUT: Final = 7200.0
"""Seconds. A creation with a key was recorded running for over five minutes; field reports mention twenty and more."""

_EXPECTED: Final = 360.0
"""Seconds: a creation with a key was recorded in progress after 347 (recordings, fact 8). None of service-side encryption is."""

# Azure Machine Learning may keep a failure by the workspace's name for tens of minutes, and an attempt within seconds prolongs
# it: a field report recommends ten minutes at least. A creation may be sent over the failed workspace that it left:
# docs/adr/0012-failed-creations.md.
_RESEND: Final = Resend(
    FailureKind.NOT_EFFECTIVE,
    interval=600.0,
    tries=4,
    over=frozenset({"", "failed"}),
    advice=(
        "Azure Machine Learning cannot use the key yet, and may keep this failure by the workspace's name for tens of minutes; "
        "the creation is sent again at {time}. A different workspace.name would work at once; stopping here is safe"
    ),
)

_RESEND_WITH_ROLES: Final = replace(
    _RESEND,
    of_identity=True,
    advice=(
        "the access to the key, or a role of the workspace's identity, does not take effect yet, and Azure Machine Learning may "
        "keep this failure by the workspace's name for tens of minutes; the creation is sent again at {time}. A different "
        "workspace.name would work at once; stopping here is safe"
    ),
)
"""The roles of the identity are assigned by cmkctl before the creation is sent, so what it lacks is on its way."""

IN_SUBSCRIPTION_COSTS: Final = (
    "Azure Cosmos DB account, Azure AI Search service and storage account, in a resource group that Microsoft manages",
)
SERVICE_SIDE_COSTS: Final = ("a dedicated Azure AI Search service, billed with the workspace",)


class Workspace:
    """``PUT …/Microsoft.MachineLearningServices/workspaces/NAME`` with encryption, hbi and identity."""

    name = "workspace"
    title = "workspace"
    needs = (
        "managed_identity",
        "key_vault",
        "key",
        "key_access",
        "associated_resources",
        "encrypted_resources",
        "identity_roles",
        "private_endpoints",
    )
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-a-workspace"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the workspace, and those that Azure Machine Learning creates for it."""
        return (
            "Microsoft.MachineLearningServices/workspaces",
            "Microsoft.DocumentDB/databaseAccounts",
            "Microsoft.Search/searchServices",
            "Microsoft.Storage/storageAccounts",
        )

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """Read the workspace; None when it is absent."""
        return azure.resource(profile.workspace.resource_id, versions.WORKSPACES)

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:
        """Create it, find it up to date, wait for it, update it, or return its conflicts."""
        name = profile.workspace.name
        if observed is None:
            return [_create(profile, known)]
        state = state_of(observed)
        if in_progress(state):
            return [
                wait(self.name, profile.workspace.resource_id, _KIND, name, reason_to_wait(state), _settle(profile))
            ]
        conflicts = [
            conflict(
                self.name,
                profile.workspace.resource_id,
                _KIND,
                name,
                *each,
                agreement=with_workspace(profile, observed, each[0]),
            )
            for each in conflicts_of(profile, observed, known)
        ]
        if conflicts:
            return conflicts
        if failed_as_created(profile, observed):
            return [_create(profile, known, "its creation failed, and is sent again")]
        up_to_date = no_op(self.name, profile.workspace.resource_id, _KIND, name, _up_to_date(profile, observed))
        return [_update(profile, observed) or up_to_date]

    def outputs(self, profile: Profile, observed: ArmDocument | None) -> Outputs:  # noqa: ARG002
        """Return `MANAGED_RESOURCE_GROUP` and `IDENTITY_OBJECT_ID`."""
        if observed is None:
            return {each: each.unknown for each in (MANAGED_RESOURCE_GROUP, IDENTITY_OBJECT_ID)}
        return {
            MANAGED_RESOURCE_GROUP: observed.get("properties", {}).get("serviceProvisionedResourceGroup"),
            IDENTITY_OBJECT_ID: (observed.get("identity") or {}).get("principalId"),
        }


def _settle(profile: Profile) -> Settle:
    expected = _EXPECTED if profile.workspace.encryption == "in-subscription" else 0.0
    return Settle(profile.workspace.resource_id, versions.WORKSPACES, timeout=_TIMEOUT, expected=expected)


def _create(profile: Profile, known: Known, reason: str = "does not exist") -> Change:
    settings = profile.workspace
    body = _body(profile, known)
    return Change(
        Workspace.name,
        Action.CREATE,
        profile.workspace.resource_id,
        _KIND,
        settings.name,
        reason,
        attributes=(
            AttributeChange("encryption", None, settings.encryption, irreversible=True, phrase=Phrase()),
            AttributeChange("keyIdentifier", None, key_identifier(known), phrase=_encrypted_with(profile)),
            AttributeChange(
                "hbiWorkspace",
                None,
                settings.high_business_impact,
                irreversible=True,
                phrase=Phrase("high business impact", "no high business impact"),
            ),
            AttributeChange("identity", None, settings.identity_words, phrase=Phrase()),
            *_kind_attributes(profile),
            *network.shown(profile),
        ),
        irreversible=(
            f"{settings.encryption} encryption, high business impact {on_or_off(settings.high_business_impact)}",
            *([] if settings.kind == "default" else [f"kind {settings.kind}"]),
            *network.irreversible(profile),
        ),
        costs=(
            *(IN_SUBSCRIPTION_COSTS if settings.encryption == "in-subscription" else SERVICE_SIDE_COSTS),
            *network.costs(settings.managed_network),
        ),
        request=Request("PUT", profile.workspace.resource_id, versions.WORKSPACES, body),
        settle=_settle(profile),
        resend=_RESEND_WITH_ROLES if settings.assigns_roles else _RESEND,
        earliest=_earliest(known),
    )


def _earliest(known: Known) -> datetime | None:
    """Return the time at which every grant of the key and every role of the identity takes effect; None while one is unknown."""
    moments = [
        moment(each) for each in (known.get(EFFECTIVE_AT), known.get(ROLES_EFFECTIVE_AT)) if isinstance(each, str)
    ]
    return max((each for each in moments if each is not None), default=None)


def _kind_attributes(profile: Profile) -> list[AttributeChange]:
    """Return what differs from an ordinary workspace: its kind, and the settings that the profile names."""
    settings = profile.workspace
    kind = [] if settings.kind == "default" else [AttributeChange("kind", None, settings.azure_kind, irreversible=True)]
    reader = profile.workspace.encryption_identity
    return [
        *kind,
        *([AttributeChange("encryption.identity", None, settings.key_identity_id)] if reader else []),
        *(AttributeChange(path, None, value) for path, value in _optional(profile).items()),
    ]


def _optional(profile: Profile) -> dict[str, Json]:
    """Return the settings that only some profiles name, by Azure's names."""
    settings = profile.workspace
    named: dict[str, Json] = {
        "v1LegacyMode": settings.v1_legacy_mode,
        "enableDataIsolation": settings.data_isolation,
        "featureStoreSettings": feature_store(settings) or None,
        "workspaceHubConfig": hub_config(profile) or None,
    }
    return {path: value for path, value in named.items() if value is not None}


def _encrypted_with(profile: Profile) -> Phrase:
    return Phrase(f"encrypted with key {profile.key.name} in vault {profile.key_vault.resource_name}")


def _body(profile: Profile, known: Known) -> dict[str, Json]:
    settings = profile.workspace
    properties: dict[str, Json] = {
        "friendlyName": settings.friendly_name or settings.name,
        "description": settings.description or "",
        "storageAccount": profile.associated_resources.storage_account.resource_id,
        "keyVault": profile.associated_resources.key_vault_id,
        "hbiWorkspace": settings.high_business_impact,
        "publicNetworkAccess": settings.public_network_access.capitalize(),
        "encryption": _encryption(profile, known),
        **network.creation(profile),
    }
    if profile.associated_resources.application_insights_id:
        properties["applicationInsights"] = profile.associated_resources.application_insights_id
    if profile.associated_resources.container_registry_id:
        properties["containerRegistry"] = profile.associated_resources.container_registry_id
    if profile.workspace.identity_id:
        properties["primaryUserAssignedIdentity"] = profile.workspace.identity_id
    if settings.encryption == "service-side":
        properties["enableServiceSideCMKEncryption"] = True
    if access := datastore_access(profile):
        properties["systemDatastoresAuthMode"] = access
    if settings.cosmos_db_throughput is not None:
        properties["serviceManagedResourcesSettings"] = _cosmos_db(settings.cosmos_db_throughput)
    properties |= _optional(profile)
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "kind": settings.azure_kind,
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": _identity(profile),
        "properties": properties,
    }


_DATASTORE_ACCESS: Final = {
    "access-key": "AccessKey",
    "identity": "Identity",
    "user-delegation-sas": "UserDelegationSAS",
}


def datastore_access(profile: Profile) -> str | None:
    """Return the mode of the system datastores as Azure writes it; None where the profile leaves it to Azure.

    A storage account that refuses its keys leaves the identities only.
    """
    access = profile.workspace.datastore_access
    if access is None and profile.associated_resources.storage_account.shared_keys == "disabled":
        access = "identity"
    return _DATASTORE_ACCESS[access] if access else None


def _encryption(profile: Profile, known: Known) -> dict[str, Json]:
    encryption: dict[str, Json] = {
        "status": "Enabled",
        "keyVaultProperties": {
            "keyVaultArmId": profile.key_vault.resource_id,
            "keyIdentifier": key_identifier(known),
        },
    }
    if profile.workspace.key_identity_id:
        # The service needs it to find the permissions of the identity.
        encryption["identity"] = {"userAssignedIdentity": profile.workspace.key_identity_id}
    return encryption


def _identity(profile: Profile) -> dict[str, Json]:
    users: dict[str, Json] = {each: {} for each in profile.workspace.user_assigned_ids}
    return {
        "type": profile.workspace.identity_type,
        **({"userAssignedIdentities": users} if users else {}),
    }


_THROUGHPUT: Final = "serviceManagedResourcesSettings.cosmosDb.collectionsThroughput"


def _cosmos_db(throughput: int) -> dict[str, Json]:
    return {"cosmosDb": {"collectionsThroughput": throughput}}


def observed_throughput(found: ArmDocument) -> int | None:
    """Return the throughput of the Cosmos DB collections, None where Azure does not return it."""
    settings = found.get("properties", {}).get("serviceManagedResourcesSettings") or {}
    throughput: int | None = (settings.get("cosmosDb") or {}).get("collectionsThroughput")
    return throughput


def _update(profile: Profile, found: ArmDocument) -> Change | None:
    """Return the change of the attributes that may change after creation; public access is closed on request, never opened."""
    properties = found.get("properties", {})
    settings = profile.workspace
    wanted: dict[str, str | None] = {"friendlyName": settings.friendly_name, "description": settings.description}
    drift = [
        AttributeChange(path, properties.get(path), value)
        for path, value in wanted.items()
        if value is not None and properties.get(path) != value
    ]
    if settings.public_network_access == "disabled" and not same_word(
        properties.get("publicNetworkAccess"), "Disabled"
    ):
        drift.append(AttributeChange("publicNetworkAccess", properties.get("publicNetworkAccess"), "Disabled"))
    access, has = datastore_access(profile), properties.get("systemDatastoresAuthMode")
    if access and not same_word(has, access):
        drift.append(AttributeChange("systemDatastoresAuthMode", has, access))
    changed: dict[str, Json] = {each.path: each.after for each in drift}
    throughput = observed_throughput(found)
    if settings.cosmos_db_throughput is not None and throughput not in (None, settings.cosmos_db_throughput):
        drift.append(AttributeChange(_THROUGHPUT, throughput, settings.cosmos_db_throughput))
        changed |= {"serviceManagedResourcesSettings": _cosmos_db(settings.cosmos_db_throughput)}
    if settings.v1_legacy_mode and not properties.get("v1LegacyMode"):
        drift.append(AttributeChange("v1LegacyMode", properties.get("v1LegacyMode"), True))
        changed |= {"v1LegacyMode": True}
    store = feature_store_drift(settings, properties)
    if store:
        drift += store
        # The connection names and the runtime that Azure has stay: the settings are sent as a whole.
        changed |= {
            "featureStoreSettings": _merged(properties.get("featureStoreSettings") or {}, feature_store(settings))
        }
    tags = tag_drift(profile, found, settings.tags)
    if not drift and not tags:
        return None
    body: dict[str, Json] = {**tag_body(profile, found, settings.tags), **({"properties": changed} if changed else {})}
    return Change(
        Workspace.name,
        Action.UPDATE,
        profile.workspace.resource_id,
        _KIND,
        settings.name,
        f"differs in {', '.join([*(each.path for each in drift), *(['tags'] if tags else [])])}",
        attributes=(*drift, *tags),
        request=Request("PATCH", profile.workspace.resource_id, versions.WORKSPACES, body),
        settle=_settle(profile),
    )


def _merged(found: Mapping[str, Any], wanted: Mapping[str, Json]) -> dict[str, Json]:
    return {**found, **wanted}


def _up_to_date(profile: Profile, found: ArmDocument) -> str:
    hbi = on_or_off(bool(found.get("properties", {}).get("hbiWorkspace")))
    kind = "" if profile.workspace.kind == "default" else f"{profile.workspace.kind}, "
    return f"up to date: {kind}encrypted with {profile.key.name}, {profile.workspace.encryption}, high business impact {hbi}"
