"""Step 7: the workspace, in one PUT, with everything that is fixed at creation.

Encryption, its architecture, the key's vault and high business impact can never be changed afterwards: a workspace that
has others is a conflict. Why this is one PUT and not azure-ai-ml's ``begin_create``: docs/adr/0004-one-put.md.
"""

from __future__ import annotations

from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import moment
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.operations import FirstAnswer, finish, under_way, until
from cmkctl.azure.remedies import WITHOUT_A_REASON
from cmkctl.azure.session import ArmDocument, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps._workspace_conflicts import conflicts_of, failed_as_created, key_identifier, on_or_off, state_of
from cmkctl.steps._workspace_create import create_patiently
from cmkctl.steps.base import conflict, no_op, wait

_PATIENCE: Final = 7200.0
"""Seconds. A creation with a key was recorded running for over five minutes; the field tells of twenty and more."""

IN_SUBSCRIPTION_COSTS: Final = (
    "Azure Cosmos DB account, Azure AI Search service and storage account, in a resource group that Microsoft manages",
)
SERVICE_SIDE_COSTS: Final = ("a dedicated Azure AI Search service, billed with the workspace",)


class Workspace:
    """``PUT …/Microsoft.MachineLearningServices/workspaces/NAME`` with encryption, hbi and identity."""

    name = "workspace"
    title = "workspace"
    needs = ("key_vault", "key", "key_access", "associated_resources")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-a-workspace"

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """The workspace, None when it is not there."""
        return azure.resource(profile.workspace_id, versions.WORKSPACES)

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:
        """Create it, find it right, wait for it, or say what can never become right."""
        title = f"workspace {profile.workspace.name}"
        if observed is None:
            return [_create(profile, title, known)]
        state = str(observed.get("properties", {}).get("provisioningState", "")).lower()
        if under_way(state):
            return [wait(self.name, profile.workspace_id, title, f"being made ready ({state})")]
        conflicts = [
            conflict(self.name, profile.workspace_id, title, *each) for each in conflicts_of(profile, observed, known)
        ]
        if conflicts:
            return conflicts
        if failed_as_created(observed):
            return [_create(profile, title, known, "its creation failed, and is sent again")]
        right = no_op(self.name, profile.workspace_id, title, _already_right(profile, observed))
        return [_mend(profile, title, observed) or right]

    def outputs(self, profile: Profile, observed: ArmDocument | None, known: Known) -> Outputs:  # noqa: ARG002
        """`id`, `managed_resource_group` (None for service-side), and `identity_object_id` of the workspace."""
        if observed is None:
            unknown = {each: Unknown(self.name, each) for each in ("managed_resource_group", "identity_object_id")}
            return {"id": profile.workspace_id, **unknown}
        return {
            "id": profile.workspace_id,
            "managed_resource_group": observed.get("properties", {}).get("serviceProvisionedResourceGroup"),
            "identity_object_id": (observed.get("identity") or {}).get("principalId"),
        }

    def apply(self, azure: Session, change: Change) -> None:
        """Send the workspace's one write, or find it being made, and wait for the end of it."""

        def read() -> ArmDocument | None:
            return azure.snapshot().resource(change.resource_id, versions.WORKSPACES)

        if change.action is Action.CREATE:
            create_patiently(azure, change, read, lambda: _send(azure, change))
        else:
            _send(azure, change)
        ready = f"{change.title} to be ready"
        state = until(azure, ready, lambda: state_of(read()), lambda state: not under_way(state), _PATIENCE)
        if state == "failed":
            raise AzureFailed(Failure(FailureKind.TERMINAL, "", f"{change.title} ended as Failed, {WITHOUT_A_REASON}."))


def _send(azure: Session, change: Change) -> None:
    if change.request is None or change.request.body is None:
        return
    body: Any = dict(change.request.body)
    by_id = azure.resources.resources
    begin = by_id.begin_create_or_update_by_id if change.action is Action.CREATE else by_id.begin_update_by_id
    resource, version = change.resource_id.lstrip("/"), change.request.api_version
    answer = begin(resource, body, api_version=version, polling=FirstAnswer()).result()
    finish(azure, answer, change.title, _PATIENCE)


def _create(profile: Profile, title: str, known: Known, reason: str = "not there yet") -> Change:
    settings = profile.workspace
    body = _body(profile, known)
    return Change(
        Workspace.name,
        Action.CREATE,
        profile.workspace_id,
        title,
        reason,
        attributes=(
            AttributeChange("encryption", None, settings.encryption, irreversible=True),
            AttributeChange("keyIdentifier", None, key_identifier(known)),
            AttributeChange("hbiWorkspace", None, settings.high_business_impact, irreversible=True),
            AttributeChange("identity", None, settings.identity),
        ),
        irreversible=(
            f"{settings.encryption} encryption, high business impact {on_or_off(settings.high_business_impact)}",
        ),
        costs=IN_SUBSCRIPTION_COSTS if settings.encryption == "in-subscription" else SERVICE_SIDE_COSTS,
        request=Request("PUT", profile.workspace_id, versions.WORKSPACES, body),
        earliest=moment(known.get("key_access", {}).get("effective_at")),
    )


def _body(profile: Profile, known: Known) -> dict[str, Json]:
    settings = profile.workspace
    properties: dict[str, Json] = {
        "friendlyName": settings.friendly_name or settings.name,
        "description": settings.description or "",
        "storageAccount": profile.storage_account_id,
        "keyVault": profile.workspace_vault_id,
        "applicationInsights": profile.application_insights_id,
        "hbiWorkspace": settings.high_business_impact,
        "publicNetworkAccess": settings.public_network_access.capitalize(),
        "encryption": _encryption(profile, known),
    }
    if profile.container_registry_id:
        properties["containerRegistry"] = profile.container_registry_id
    if profile.identity_id:
        properties["primaryUserAssignedIdentity"] = profile.identity_id
    if settings.encryption == "service-side":
        properties["enableServiceSideCMKEncryption"] = True
    if settings.cosmos_db_throughput is not None:
        properties["serviceManagedResourcesSettings"] = {
            "cosmosDb": {"collectionsThroughput": settings.cosmos_db_throughput}
        }
    return {
        "location": profile.location,
        "tags": profile.tags,
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": _identity(profile),
        "properties": properties,
    }


def _encryption(profile: Profile, known: Known) -> dict[str, Json]:
    encryption: dict[str, Json] = {
        "status": "Enabled",
        "keyVaultProperties": {
            "keyVaultArmId": profile.vault_id,
            "keyIdentifier": key_identifier(known),
        },
    }
    if profile.identity_id:
        # Without it the service does not find the permissions of the identity.
        encryption["identity"] = {"userAssignedIdentity": profile.identity_id}
    return encryption


def _identity(profile: Profile) -> dict[str, Json]:
    if profile.identity_id is None:
        return {"type": "SystemAssigned"}
    return {"type": "UserAssigned", "userAssignedIdentities": {profile.identity_id: {}}}


def _mend(profile: Profile, title: str, found: ArmDocument) -> Change | None:
    """The attributes that may be changed afterwards; public access is closed on request, never opened."""
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
    if not drift:
        return None
    body: dict[str, Json] = {"properties": {each.path: each.after for each in drift}}
    return Change(
        Workspace.name,
        Action.UPDATE,
        profile.workspace_id,
        title,
        f"differs in {', '.join(each.path for each in drift)}",
        attributes=tuple(drift),
        request=Request("PATCH", profile.workspace_id, versions.WORKSPACES, body),
    )


def _already_right(profile: Profile, found: ArmDocument) -> str:
    hbi = on_or_off(bool(found.get("properties", {}).get("hbiWorkspace")))
    return (
        f"already right: encrypted with {profile.key.name}, {profile.workspace.encryption}, high business impact {hbi}"
    )
