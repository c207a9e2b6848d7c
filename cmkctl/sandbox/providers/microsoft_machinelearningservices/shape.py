"""The shape of a workspace body by api-version, and the representation of a workspace."""

import re
from typing import Any

from cmkctl.sandbox.core import ids, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.shapes import READ_ONLY, Required, Since
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import managed_network

VERSIONS = (
    "2021-07-01", "2022-05-01", "2022-10-01", "2022-12-01-preview",
    "2023-04-01-preview", "2023-04-01", "2023-06-01-preview", "2023-08-01-preview", "2023-10-01",
    "2024-01-01-preview", "2024-04-01-preview", "2024-04-01", "2024-07-01-preview", "2024-10-01-preview", "2024-10-01",
    "2025-01-01-preview", "2025-04-01-preview", "2025-04-01", "2025-06-01", "2025-07-01-preview", "2025-09-01",
    "2025-10-01-preview", "2025-12-01", "2026-01-15-preview", "2026-03-01", "2026-03-15-preview", "2026-05-01",
    "2026-05-15-preview",
)  # fmt: skip
ISOLATION_MODES = ("AllowInternetOutbound", "AllowOnlyApprovedOutbound")
"""Isolation modes to which the managed network of a workspace without one can change."""

SERVICE_SIDE = Since("2025-06-01", "2024-07-01-preview", bool)
"""Azure's older api-versions drop the flag without a word, and do not show it either (P92)."""

OWN_STORES = Since("2025-12-01", "2023-06-01-preview", str)
ENCRYPTION = {
    "status": Required(("Enabled", "Disabled")),
    "keyVaultProperties": Required(
        {"keyVaultArmId": Required(str), "keyIdentifier": Required(str), "identityClientId": str}
    ),
    "identity": {"userAssignedIdentity": str},
    "cosmosDbResourceId": OWN_STORES,
    "storageAccountResourceId": OWN_STORES,
    "searchAccountResourceId": OWN_STORES,
}
PROPERTIES: dict[str, Any] = {
    "allowPublicAccessWhenBehindVnet": bool,
    "allowRoleAssignmentOnRG": bool,
    "applicationInsights": str,
    "associatedWorkspaces": [str],
    "containerRegistry": str,
    "description": str,
    "discoveryUrl": str,
    "enableDataIsolation": bool,
    "enableServiceSideCMKEncryption": SERVICE_SIDE,
    "EnableSoftwareBillOfMaterials": bool,
    "encryption": ENCRYPTION,
    "featureStoreSettings": {
        "computeRuntime": {"sparkRuntimeVersion": str},
        "offlineStoreConnectionName": str,
        "onlineStoreConnectionName": str,
    },
    "friendlyName": str,
    "hbiWorkspace": bool,
    "hubResourceId": str,
    "imageBuildCompute": str,
    "ipAllowlist": [str],
    "keyVault": str,
    "managedNetwork": dict,
    "primaryUserAssignedIdentity": str,
    "provisionNetworkNow": Since("2025-06-01", "2024-10-01-preview", bool),
    "publicNetworkAccess": ("Enabled", "Disabled"),
    "serverlessComputeSettings": dict,
    "serviceManagedResourcesSettings": {"cosmosDb": {"collectionsThroughput": int}},
    "sharedPrivateLinkResources": [dict],
    "storageAccount": str,
    "systemDatastoresAuthMode": Since("2025-06-01", "2024-04-01-preview", str),
    "v1LegacyMode": bool,
    "workspaceHubConfig": dict,
    **dict.fromkeys(
        (
            "containerRegistries", "enableSimplifiedCmk", "existingWorkspaces", "keyVaults", "networkAcls",
            "softDeleteRetentionInDays", "storageAccounts",
        ),
        shapes.NOT_MODELLED,
    ),
    **dict.fromkeys(
        (
            "agentsEndpointUri", "azureOpenAI", "creationTime", "linkedModelInventoryArmId", "mlFlowTrackingUri", "notebookInfo",
            "privateEndpointConnections", "privateLinkCount", "provisioningState", "sasGetterUri",
            "sdkTelemetryAppInsightsKey", "serviceProvisionedResourceGroup", "softDeleteEnabled", "storageHnsEnabled",
            "tenantId", "workspaceId",
        ),
        READ_ONLY,
    ),
}  # fmt: skip
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.MachineLearningServices/workspaces",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "kind": ("Default", "Hub", "Project", "FeatureStore"),
        "sku": {
            "name": Required(str),
            "tier": ("Free", "Basic", "Standard", "Premium"),
            "size": str,
            "family": str,
            "capacity": int,
        },
        "identity": {
            "type": Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": Required(PROPERTIES),
    },
    name=re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}"),
    name_rule="3-33 letters, digits, - and _, beginning with a letter or digit",
)  # fmt: skip
UPDATE_SHAPE = {**RESOURCE_TYPE.shape, "properties": {**PROPERTIES, "encryption": {**ENCRYPTION}}}
CASING = (
    ("keyVault", "Microsoft.KeyVault", "Microsoft.Keyvault"),
    ("applicationInsights", "Microsoft.Insights", "Microsoft.insights"),
)
"""The casing in which the service returns the namespaces of associated resources (fact 6)."""

HUB_CASING = (("keyVault", "Microsoft.KeyVault", "Microsoft.KeyVault"), CASING[1])
"""That of a hub (recording 08), and so of its projects."""

KINDS = {word.lower(): word for word in ("Default", "Hub", "Project", "FeatureStore")}
OF_A_HUB = ("Hub", "Project")


FIRST_OF_TODAY = "2022-05-01"
"""Api-versions older than this show less, and ``allowPublicAccessWhenBehindVnet``; younger ones do not (recordings 02, 27)."""

UNKNOWN_BEFORE = frozenset(
    (
        "publicNetworkAccess", "managedNetwork", "v1LegacyMode", "softDeleteEnabled", "enableDataIsolation", "ipAllowlist",
        "serverlessComputeSettings", "EnableSoftwareBillOfMaterials", "systemDatastoresAuthMode",
    )
)  # fmt: skip


def kind_of(body: Json) -> str:
    """Return the kind of a workspace in Azure's casing."""
    return KINDS[(body.get("kind") or "Default").lower()]


def recase(properties: Json, kind: str) -> Json:
    """Return the properties with associated resource ids in the casing the service has for that kind of workspace."""
    changed = dict(properties)
    for name, usual, written in HUB_CASING if kind in OF_A_HUB else CASING:
        if changed.get(name):
            changed[name] = re.sub(re.escape(usual), written, changed[name], flags=re.IGNORECASE)
    return changed


def encryption_view(sent: Json) -> Json:
    """Return ``encryption`` as a GET shows it: every inner name there, null where nothing was sent (fact 5)."""
    vault = sent["keyVaultProperties"]
    return {
        "status": sent["status"],
        "identity": {"userAssignedIdentity": (sent.get("identity") or {}).get("userAssignedIdentity")},
        "keyVaultProperties": {
            "keyIdentifier": vault["keyIdentifier"],
            "identityClientId": vault.get("identityClientId"),
            "keyVaultArmId": vault["keyVaultArmId"],
        },
        **{
            name: sent[name]
            for name in ("cosmosDbResourceId", "storageAccountResourceId", "searchAccountResourceId")
            if sent.get(name)
        },
    }


def new_properties(tenant: Tenant, write: resources.Write, now: str) -> Json:
    """Return the properties of a new workspace: what the service adds, under what was sent (recordings 01, 02)."""
    sent = {name: value for name, value in write.body["properties"].items() if value is not None}
    number = ids.guid("workspace", write.id, tenant.serial())
    storage = tenant.resource(sent.get("storageAccount") or "")
    base: Json = {
        "friendlyName": "",
        "description": "",
        "storageAccount": None,
        "keyVault": None,
        "applicationInsights": None,
        "hbiWorkspace": False,
        "tenantId": tenant.tenant_id,
        "imageBuildCompute": None,
        "provisioningState": "Creating",
        "allowRoleAssignmentOnRG": True,
        "v1LegacyMode": False,
        "softDeleteEnabled": False,
        "creationTime": now,
        "storageHnsEnabled": bool(storage and storage["doc"]["properties"].get("isHnsEnabled")),
        "workspaceId": number,
        "linkedModelInventoryArmId": None,
        "privateLinkCount": 0,
        "publicNetworkAccess": "Enabled",
        "ipAllowlist": [],
        "discoveryUrl": f"https://{write.location}.api.azureml.ms/discovery",
        "mlFlowTrackingUri": f"azureml://{write.location}.api.azureml.ms/mlflow/v1.0{write.id}",
        "notebookInfo": _notebook(write, number),
        "enableDataIsolation": False,
        "systemDatastoresAuthMode": "accesskey",
        "enableServiceSideCMKEncryption": False,
        "serverlessComputeSettings": None,
        "EnableSoftwareBillOfMaterials": False,
        "sdkTelemetryAppInsightsKey": ids.guid("telemetry", number),
        "sasGetterUri": "",
    }
    if "serverlessComputeSettings" in sent:
        sent["serverlessComputeSettings"] = {**SERVERLESS, **sent["serverlessComputeSettings"]}
    kind = kind_of(write.body)
    if kind in OF_A_HUB:  # a hub has no notebooks of its own (recording 08)
        base["notebookInfo"] = {**base["notebookInfo"], "resourceId": None, "fqdn": None}
    whole = recase({**base, **sent}, kind)
    workspace = {"id": write.id, "location": write.location, "properties": whole}
    return {**whole, "managedNetwork": network_view(sent.get("managedNetwork") or {}, workspace)}


SERVERLESS: Json = {"serverlessComputeCustomSubnet": None, "serverlessComputeNoPublicIP": False}
"""The response to ``serverlessComputeSettings`` of ``{}`` (recordings 01, 29); without the setting it is null (02, 10)."""


def network_view(sent: Json, workspace: Json) -> Json:
    """Return the managed network as it is shown; one that there is can only be given up with the workspace.

    Args:
        sent: the network as it was sent, over what it was before.
        workspace: ``id``, ``location`` and ``properties`` of the workspace.

    """
    isolation = sent.get("isolationMode", "Disabled")
    kept = {name: value for name, value in sent.items() if name != "changeableIsolationModes"}
    if isolation == "Disabled":
        kept = {name: value for name, value in kept.items() if name != "outboundRules" or value}  # recording 01
        return {"changeableIsolationModes": list(ISOLATION_MODES), "isolationMode": isolation, **kept}
    rules = {name: managed_network.shown(rule) for name, rule in (sent.get("outboundRules") or {}).items()}
    if isolation == "AllowOnlyApprovedOutbound":
        rules |= managed_network.required_rules(workspace)
    return {
        "changeableIsolationModes": [],
        "isolationMode": isolation,
        "networkId": workspace["properties"]["workspaceId"],  # one and the same (recordings 06, 28, 29)
        "status": {"status": "Inactive", "sparkReady": False},
        **kept,
        "outboundRules": rules,
    }


def _notebook(write: resources.Write, number: str) -> Json:
    return {
        "resourceId": ids.hex_name("notebook", number),
        "fqdn": f"ml-{write.name[:15].lower()}-{write.location}-{number}.{write.location}.notebooks.azure.net",
        "isPrivateLinkEnabled": False,
        "notebookPreparationError": None,
    }


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show a workspace; properties younger than the api-version of the request are not shown (P92)."""
    document = record["doc"]
    shown = {name: value for name, value in document["properties"].items() if _is_known(name, call.api_version)}
    return {**document, "properties": shown}


def _is_known(name: str, version: str) -> bool:
    shape = PROPERTIES.get(name)
    if isinstance(shape, Since):
        return shape.known_to(version)
    if name == "allowPublicAccessWhenBehindVnet":
        return version < FIRST_OF_TODAY
    return version >= FIRST_OF_TODAY or name not in UNKNOWN_BEFORE
