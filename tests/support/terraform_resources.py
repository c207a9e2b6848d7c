"""The resources of a workspace with a customer-managed key as azurerm sends and reads them (version 4 of the provider).

Each function returns what its Terraform type sends for a configuration, with the attributes its ``Read`` sets. Ids are
parsed as strictly as the provider does it: where it minds the casing of a segment, so does the test.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cmkctl.sandbox import TENANT_ID
from support.clients import SUBSCRIPTION
from support.terraform_state import Resource, SideRequest

Json = dict[str, Any]
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-tf"
LOCATION = "eastus2"
GROUPS, IDENTITIES, VAULTS, ROLES, ROLE_NAMES = (
    "2023-07-01",
    "2024-11-30",
    "2023-07-01",
    "2022-04-01",
    "2022-05-01-preview",
)
STORAGE, LOGS, SHARED_KEYS, INSIGHTS, BILLING = "2023-05-01", "2022-10-01", "2020-08-01", "2020-02-02", "2015-05-01"
REGISTRIES, WORKSPACES = "2025-11-01", "2025-06-01"
SERVICE_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def address(kind: str, name: str) -> str:
    """Return the id of a resource in the group."""
    return f"{GROUP}/providers/{kind}/{name}"


def parsed(value: str, kind: str) -> str:
    """Return an id, whose segments have to be cased exactly as the provider's parser has them."""
    pattern = rf"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/{re.escape(kind)}/[^/]+"
    assert re.fullmatch(pattern, value), f"azurerm cannot parse {value!r} as an id of {kind}"
    return value


def loosely(value: str, kind: str) -> str:
    """Return an id in the provider's casing, whatever the casing of its segments."""
    parts = value.split("/")
    assert len(parts) == 9, value
    assert "/".join(parts[6:8]).lower() == kind.lower(), value
    return f"/subscriptions/{parts[2]}/resourceGroups/{parts[4]}/providers/{kind}/{parts[8]}"


def _top(read: Json) -> Json:
    return {"location": read["location"].lower().replace(" ", ""), "tags": read.get("tags") or {}}


def _identity(read: Json) -> Json:
    """Return type and ids of an ``identity`` block; the type is compared without case and spaces."""
    block = read.get("identity") or {}
    kind = ", ".join(sorted(str(block.get("type", "")).lower().replace(" ", "").split(",")))
    kind_ids = "Microsoft.ManagedIdentity/userAssignedIdentities"
    names = block.get("userAssignedIdentities") or {}
    for name, row in names.items():
        assert row["clientId"], f"{name} has no client id"
    return {"type": kind, "ids": sorted(loosely(name, kind_ids) for name in names)}


def group() -> Resource:
    """``azurerm_resource_group``: lists what is in the group before it deletes it."""
    body = {"location": LOCATION, "tags": {}}
    return Resource(
        "azurerm_resource_group", GROUP, GROUPS, body, _top, {"location": LOCATION, "tags": {}}, update="PUT"
    )


def identity() -> Resource:
    """``azurerm_user_assigned_identity``: updated by PATCH."""
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"

    def shown(read: Json) -> Json:
        assert all(read["properties"][name] for name in ("clientId", "principalId", "tenantId"))
        return {**_top(read), "id": loosely(read["id"], kind)}

    path = address(kind, "id-tf")
    wanted = {"location": LOCATION, "tags": {}, "id": path}
    body = {"location": LOCATION, "tags": {}, "properties": {}}
    return Resource("azurerm_user_assigned_identity", path, IDENTITIES, body, shown, wanted, update="PATCH")


def vault() -> Resource:
    """``azurerm_key_vault`` with role-based access: looks for a deleted one first, PATCH, not purged (it is protected)."""
    kind = "Microsoft.KeyVault/vaults"
    settings: Json = {
        "enabledForDeployment": False,
        "enabledForDiskEncryption": False,
        "enabledForTemplateDeployment": False,
        "enableRbacAuthorization": True,
        "enablePurgeProtection": True,
        "softDeleteRetentionInDays": 7,
        "publicNetworkAccess": "Enabled",
    }

    def shown(read: Json) -> Json:
        properties = read["properties"]
        assert properties["vaultUri"].endswith("/")
        found = {name: properties.get(name, False) for name in settings}
        return {**_top(read), **found, "sku": properties["sku"]["name"], "policies": properties["accessPolicies"]}

    rules = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
    sku = {"family": "A", "name": "standard"}
    body = {
        "location": LOCATION,
        "tags": {},
        "properties": {"tenantId": TENANT_ID, "sku": sku, "accessPolicies": [], "networkAcls": rules, **settings},
    }
    deleted = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{LOCATION}/deletedVaults/kv-tf-cmk"
    look = SideRequest("GET", deleted, VAULTS, statuses=frozenset({404}))
    wanted = {"location": LOCATION, "tags": {}, **settings, "sku": "standard", "policies": []}
    return Resource(
        "azurerm_key_vault", address(kind, "kv-tf-cmk"), VAULTS, body, shown, wanted, before=(look,), update="PATCH"
    )


def grant(scope: str, principal: str, number: int) -> Resource:
    """``azurerm_role_assignment``: finds the role by its name."""
    name = f"c0ffee00-0000-4000-8000-0000000000{number:02}"
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{SERVICE_USER}"

    def shown(read: Json) -> Json:
        properties = read["properties"]
        assert properties["principalType"] == "ServicePrincipal"
        return {"scope": properties["scope"], "principal_id": properties["principalId"]}

    by_name = {"$filter": "roleName eq 'Key Vault Crypto Service Encryption User'"}
    look = SideRequest("GET", f"{scope}/providers/Microsoft.Authorization/roleDefinitions", ROLE_NAMES, query=by_name)
    body = {"properties": {"roleDefinitionId": definition, "principalId": principal}}
    wanted = {"scope": scope, "principal_id": principal}
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    return Resource("azurerm_role_assignment", path, ROLES, body, shown, wanted, before=(look,))


def storage() -> Resource:
    """``azurerm_storage_account``: reads keys and services in both planes; an update sends back what was read."""
    path = address("Microsoft.Storage/storageAccounts", "sttfcmk")
    settings: Json = {
        "accessTier": "Hot",
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": True,
        "defaultToOAuthAuthentication": False,
        "dnsEndpointType": "Standard",
        "isHnsEnabled": False,
        "isLocalUserEnabled": True,
        "isNfsV3Enabled": False,
        "isSftpEnabled": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Enabled",
        "supportsHttpsTrafficOnly": True,
    }

    def shown(read: Json) -> Json:
        properties, name = read["properties"], read["sku"]["name"]
        services = properties["encryption"]["services"]
        types = {each: (services.get(each) or {}).get("keyType", "Service") for each in ("queue", "table")}
        assert name.startswith(read["sku"]["tier"])
        assert properties["primaryEndpoints"]["blob"]
        return {
            **_top(read),
            **{each: properties.get(each) for each in settings},
            "kind": read["kind"],
            "replication": name.partition("_")[2],
            "key_types": types,
            "identity": _identity(read),
        }

    encryption = {"keySource": "Microsoft.Storage", "services": _service_keys()}
    body = {
        "kind": "StorageV2",
        "location": LOCATION,
        "tags": {},
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "identity": {"type": "SystemAssigned"},
        "properties": {**settings, "encryption": encryption},
    }
    wanted = {
        "location": LOCATION,
        "tags": {},
        **settings,
        "kind": "StorageV2",
        "replication": "LRS",
        "key_types": {"queue": "Service", "table": "Service"},
        "identity": {"type": "systemassigned", "ids": []},
    }
    beside = (
        SideRequest("POST", f"{path}/listKeys", STORAGE, query={"$expand": "kerb"}),
        *(
            SideRequest(
                "GET",
                f"https://sttfcmk.{service}.core.windows.net/",
                "",
                query={"restype": "service", "comp": "properties"},
            )
            for service in ("blob", "queue", "file")
        ),
        SideRequest("GET", f"{path}/blobServices/default", STORAGE),
        SideRequest("GET", f"{path}/fileServices/default", STORAGE),
    )
    return Resource("azurerm_storage_account", path, STORAGE, body, shown, wanted, beside=beside)


def _service_keys() -> Json:
    kinds = {"blob": "Account", "file": "Account", "queue": "Service", "table": "Service"}
    return {name: {"enabled": True, "keyType": kind} for name, kind in kinds.items()}


def logs() -> Resource:
    """``azurerm_log_analytics_workspace``: reads its shared keys."""
    path = address("Microsoft.OperationalInsights/workspaces", "log-tf")

    def shown(read: Json) -> Json:
        properties = read["properties"]
        assert properties["customerId"]
        return {**_top(read), "sku": properties["sku"]["name"].lower(), "retention": properties["retentionInDays"]}

    body = {"location": LOCATION, "tags": {}, "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}
    wanted = {"location": LOCATION, "tags": {}, "sku": "pergb2018", "retention": 30}
    keys = SideRequest("POST", f"{path}/sharedKeys", SHARED_KEYS)
    return Resource("azurerm_log_analytics_workspace", path, LOGS, body, shown, wanted, beside=(keys,))


def insights() -> Resource:
    """``azurerm_application_insights``: reads its billing features."""
    path = address("Microsoft.Insights/components", "appi-tf")
    settings: Json = {
        "Application_Type": "web",
        "RetentionInDays": 90,
        "SamplingPercentage": 100,
        "DisableIpMasking": False,
        "DisableLocalAuth": False,
        "ForceCustomerStorageForProfiler": False,
    }
    workspace = address("Microsoft.OperationalInsights/workspaces", "log-tf")

    def shown(read: Json) -> Json:
        properties = read["properties"]
        assert all(properties[name] for name in ("AppId", "InstrumentationKey", "ConnectionString"))
        found = {name: properties.get(name) for name in settings}
        kind = "Microsoft.OperationalInsights/workspaces"
        return {**_top(read), **found, "workspace_id": loosely(properties["WorkspaceResourceId"], kind)}

    body = {
        "name": "appi-tf",
        "location": LOCATION,
        "kind": "web",
        "tags": {},
        "properties": {**settings, "WorkspaceResourceId": workspace},
    }
    wanted = {"location": LOCATION, "tags": {}, **settings, "workspace_id": workspace}
    billing = SideRequest("GET", f"{path}/currentbillingfeatures", BILLING)
    return Resource("azurerm_application_insights", path, INSIGHTS, body, shown, wanted, beside=(billing,))


def registry(key: str, identity_id: str, client_id: str) -> Resource:
    """``azurerm_container_registry`` with a key: checks the name, lists its replications, PATCH."""
    path = address("Microsoft.ContainerRegistry/registries", "crtfcmk")
    settings: Json = {
        "adminUserEnabled": False,
        "anonymousPullEnabled": False,
        "dataEndpointEnabled": False,
        "networkRuleBypassOptions": "AzureServices",
        "publicNetworkAccess": "Enabled",
        "zoneRedundancy": "Disabled",
    }

    def shown(read: Json) -> Json:
        properties = read["properties"]
        policies, encryption = properties["policies"], properties["encryption"]
        held = encryption["keyVaultProperties"] if encryption["status"] == "enabled" else {}
        assert properties["loginServer"].endswith(".azurecr.io")
        return {
            **_top(read),
            **{name: properties[name] for name in settings},
            "sku": read["sku"]["tier"],
            "identity": _identity(read),
            "encryption": {name: held.get(name) for name in ("keyIdentifier", "identity")},
            "policies": {
                name: policies[name]["status"] for name in ("quarantinePolicy", "trustPolicy", "exportPolicy")
            },
            "retention": policies["retentionPolicy"]["status"],
        }

    held = {"keyIdentifier": key, "identity": client_id}
    body = {
        "location": LOCATION,
        "tags": {},
        "sku": {"name": "Premium", "tier": "Premium"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity_id: {}}},
        "properties": {
            **settings,
            "encryption": {"status": "enabled", "keyVaultProperties": held},
            "policies": {
                "quarantinePolicy": {"status": "disabled"},
                "retentionPolicy": {},
                "trustPolicy": {},
                "exportPolicy": {"status": "enabled"},
            },
        },
    }
    wanted = {
        "location": LOCATION,
        "tags": {},
        **settings,
        "sku": "Premium",
        "identity": {"type": "userassigned", "ids": [identity_id]},
        "encryption": held,
        "policies": {"quarantinePolicy": "disabled", "trustPolicy": "disabled", "exportPolicy": "enabled"},
        "retention": "disabled",
    }
    check = SideRequest(
        "POST",
        f"{SUBSCRIPTION}/providers/Microsoft.ContainerRegistry/checkNameAvailability",
        REGISTRIES,
        {"name": "crtfcmk", "type": "Microsoft.ContainerRegistry/registries"},
    )
    listed = SideRequest("GET", f"{path}/replications", REGISTRIES)
    return Resource(
        "azurerm_container_registry", path, REGISTRIES, body, shown, wanted, (check,), (listed,), update="PATCH"
    )


def workspace(name: str, key: str, *, kind: str = "Default", purge: bool = False, **properties: Any) -> Resource:
    """``azurerm_machine_learning_workspace`` or, of kind Hub, ``azurerm_ai_foundry``, with a key."""
    path = address("Microsoft.MachineLearningServices/workspaces", name)
    vault_id = address("Microsoft.KeyVault/vaults", "kv-tf-cmk")
    stores = {
        "keyVault": vault_id,
        "storageAccount": address("Microsoft.Storage/storageAccounts", "sttfcmk"),
        "applicationInsights": address("Microsoft.Insights/components", "appi-tf"),
        "containerRegistry": address("Microsoft.ContainerRegistry/registries", "crtfcmk"),
    }
    held = {"keyVaultArmId": vault_id, "keyIdentifier": key}
    encryption = {"status": "Enabled", "identity": {}, "keyVaultProperties": held}
    plain: Json = {"publicNetworkAccess": "Enabled"}
    if kind == "Default":
        plain |= {
            "systemDatastoresAuthMode": "accesskey",
            "v1LegacyMode": False,
            "enableServiceSideCMKEncryption": False,
        }
    body = {
        "name": name,
        "kind": kind,
        "location": LOCATION,
        "tags": {},
        **({"sku": {"name": "Basic", "tier": "Basic"}} if kind == "Default" else {}),
        "identity": {"type": "SystemAssigned"},
        "properties": {**stores, **plain, "encryption": encryption, **properties},
    }
    wanted = {
        "location": LOCATION,
        "tags": {},
        "kind": kind,
        "identity": {"type": "systemassigned", "ids": []},
        **stores,
        **plain,
        "encryption": held,
        "serverless_compute": [],
    }
    terraform_type = "azurerm_machine_learning_workspace" if kind == "Default" else "azurerm_ai_foundry"
    query = {"forceToPurge": "true"} if purge else {}
    return Resource(terraform_type, path, WORKSPACES, body, _workspace_reader(kind), wanted, delete=query)


def _workspace_reader(kind: str) -> Callable[[Json], Json]:
    """Return the ``Read`` of one of the two types: the hub's minds the casing of the vault's id, the other's does not."""
    vault_id = loosely if kind == "Default" else parsed

    def shown(read: Json) -> Json:
        properties = read["properties"]
        encryption: Mapping[str, Any] = properties.get("encryption") or {}
        held = encryption["keyVaultProperties"] if encryption.get("status") == "Enabled" else {}
        assert all(properties[name] for name in ("workspaceId", "discoveryUrl"))
        more = ("publicNetworkAccess", "systemDatastoresAuthMode", "v1LegacyMode", "enableServiceSideCMKEncryption")
        serverless = properties.get("serverlessComputeSettings")
        return {
            **_top(read),
            "kind": read["kind"],
            "identity": _identity(read),
            "keyVault": vault_id(properties["keyVault"], "Microsoft.KeyVault/vaults"),
            "storageAccount": parsed(properties["storageAccount"], "Microsoft.Storage/storageAccounts"),
            "applicationInsights": loosely(properties["applicationInsights"], "Microsoft.Insights/components"),
            "containerRegistry": parsed(properties["containerRegistry"], "Microsoft.ContainerRegistry/registries"),
            **{name: properties.get(name, False) for name in more},
            "encryption": {name: held.get(name) for name in ("keyVaultArmId", "keyIdentifier")},
            "serverless_compute": [serverless] if serverless else [],
            **{name: properties.get(name, "") for name in ("description", "friendlyName")},
        }

    return shown


def project(hub: str, *, purge: bool = False) -> Resource:
    """``azurerm_ai_foundry_project``: has the stores of its hub."""
    path = address("Microsoft.MachineLearningServices/workspaces", "proj-tf")

    def shown(read: Json) -> Json:
        properties = read["properties"]
        kind = "Microsoft.MachineLearningServices/workspaces"
        assert properties["workspaceId"]
        return {
            **_top(read),
            "kind": read["kind"],
            "identity": _identity(read),
            "ai_services_hub_id": parsed(properties["hubResourceId"], kind),
            "friendlyName": properties.get("friendlyName", ""),
        }

    body = {
        "name": "proj-tf",
        "kind": "Project",
        "location": LOCATION,
        "tags": {},
        "identity": {"type": "SystemAssigned"},
        "properties": {"hubResourceId": hub},
    }
    wanted = {
        "location": LOCATION,
        "tags": {},
        "kind": "Project",
        "identity": {"type": "systemassigned", "ids": []},
        "ai_services_hub_id": hub,
    }
    query = {"forceToPurge": "true"} if purge else {}
    return Resource("azurerm_ai_foundry_project", path, WORKSPACES, body, shown, wanted, delete=query)
