"""Azure Databricks workspaces: three keys, each with a reader of its own. PUT writes a whole workspace, PATCH its tags."""

import re
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours, partly, quoted
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import IGNORED, NOT_MODELLED, READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity, microsoft_storage
from cmkctl.sandbox.providers.microsoft_compute import sets

COVERAGE = Area(
    "Azure Databricks",
    supported=(
        "workspaces: PUT (201, polls with 202, recording 58), PATCH of tags, GET, list, DELETE; the premium tier for keys",
        "the root DBFS: `prepareEncryption` makes the identity that reads the key, which is checked on the key (recording 58)",
        "managed services: the application AzureDatabricks is checked on the key; managed disks: a set with its identity",
        "the managed resource group, with the storage account and the disk encryption set; only Databricks changes them",
    ),
    not_modelled=(
        "the data plane, clusters, networks, access connectors, serverless workspaces; what a lost key does",
    ),
    guesses=(
        "statuses of the refusals; the codes and the part of the words after [sandbox]",
        "the object id of AzureDatabricks is in the directory once Microsoft.Databricks is registered",
        "the name of the disk encryption set in the managed resource group",
    ),
)
VERSIONS = ("2023-02-01", "2024-05-01")
APP_ID = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
NAME = "AzureDatabricks"
PUBLISHER = "9a74af6f-d153-4348-988a-e2672920bee9"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
"""The principal of Azure Databricks and the role that it has in the managed resource group (recording 58)."""

WRITE = "databricks.write"
DELETE = "databricks.delete"

_KNOWN = ours("that it is refused is documented; its wording is not")
databricks_premium_needed = errors.ErrorRow(
    400, "InvalidRequest", _KNOWN, "Customer-managed keys need the premium tier; the workspace has '{tier}'."
)
databricks_key_stays = errors.ErrorRow(
    400, "InvalidRequest", _KNOWN, "The customer-managed key of {part} cannot be removed from a workspace."
)
databricks_not_prepared = errors.ErrorRow(
    400,
    "InvalidRequest",
    partly("PowerShell/PowerShell#20404 and Azure/azure-powershell#22898"),
    "Unable to update storage account '{account}': 'Missing pre-requisites to enable EncryptionAtRest/Customer Managed Key for "
    "this [sandbox] storage account: set prepareEncryption first'.",
)
databricks_forbidden = errors.ErrorRow(
    403,
    "PERMISSION_DENIED",
    quoted("Azure/azure-powershell#22898; without the claims of the token, and its status is not shown"),
    "Invalid permissions on the specified KeyVault {uri}. Please give Databricks the following access permissions to the given "
    'KeyVault: [Get, Wrap, Unwrap]. Wrapped Message: Status code 403, {{"error":{{"code":"Forbidden","message":"The user, '
    "group or application 'name=AzureDatabricks;appid="
    + APP_ID
    + "' does not have keys get permission on key vault '{vault}'.\"}}}}",
)

PARAMETER = {"type": IGNORED, "value": str}
FLAG = {"type": IGNORED, "value": bool}
KEY = {"keyVaultUri": Required(str), "keyName": Required(str), "keyVersion": Required(str)}
IDENTITY = dict.fromkeys(("principalId", "tenantId", "type"), READ_ONLY)
WHO = dict.fromkeys(("oid", "puid", "applicationId"), READ_ONLY)
WORKSPACE = resources.ResourceType(
    type="Microsoft.Databricks/workspaces",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "sku": {"name": Required(("standard", "premium", "trial")), "tier": str},
        "properties": Required(
            {
                "managedResourceGroupId": Required(str),
                "parameters": {
                    **dict.fromkeys(
                        (
                            "amlWorkspaceId",
                            "customVirtualNetworkId",
                            "customPublicSubnetName",
                            "customPrivateSubnetName",
                        ),
                        PARAMETER,
                    ),
                    **dict.fromkeys(
                        ("loadBalancerBackendPoolName", "loadBalancerId", "natGatewayName", "publicIpName"), PARAMETER
                    ),
                    **dict.fromkeys(("storageAccountName", "storageAccountSkuName", "vnetAddressPrefix"), PARAMETER),
                    **dict.fromkeys(("enableNoPublicIp", "prepareEncryption", "requireInfrastructureEncryption"), FLAG),
                    "enableFedRampCertification": READ_ONLY,
                    "encryption": {
                        "type": IGNORED,
                        "value": {
                            "keySource": ("Default", "Microsoft.Keyvault"),
                            **dict.fromkeys(("KeyName", "keyversion", "keyvaulturi"), str),
                        },
                    },
                    "resourceTags": READ_ONLY,
                },
                "encryption": {
                    "entities": Required(
                        {
                            "managedServices": {
                                "keySource": Required(("Microsoft.Keyvault",)),
                                "keyVaultProperties": KEY,
                            },
                            "managedDisk": {
                                "keySource": Required(("Microsoft.Keyvault",)),
                                "keyVaultProperties": Required(KEY),
                                "rotationToLatestKeyVersionEnabled": bool,
                            },
                        }
                    )
                },
                "authorizations": [{"principalId": Required(str), "roleDefinitionId": Required(str)}],
                "publicNetworkAccess": ("Enabled", "Disabled"),
                "requiredNsgRules": ("AllRules", "NoAzureDatabricksRules", "NoAzureServiceRules"),
                "uiDefinitionUri": str,
                **dict.fromkeys(("createdBy", "updatedBy"), WHO),
                **dict.fromkeys(("storageAccountIdentity", "managedDiskIdentity"), IDENTITY),
                **dict.fromkeys(
                    ("accessConnector", "defaultCatalog", "defaultStorageFirewall", "enhancedSecurityCompliance"),
                    NOT_MODELLED,
                ),
                **dict.fromkeys(
                    ("createdDateTime", "diskEncryptionSetId", "isUcEnabled", "privateEndpointConnections"), READ_ONLY
                ),
                **dict.fromkeys(("provisioningState", "workspaceId", "workspaceUrl"), READ_ONLY),
            }
        ),
    },
    name=re.compile(r"[A-Za-z0-9_-]{3,64}"),
    name_rule="3-64 letters, digits, - and _",
)
WORKSPACES = resources.Resources(WORKSPACE)


def add_principal(tenant: Tenant, cloud: str) -> None:  # noqa: ARG001 - the signature of `Provider.on_registered`
    """Create the service principal of Azure Databricks, as the registration of the namespace does."""
    tenant.add_principal(ids.guid("object", APP_ID), APP_ID, NAME)


def put_workspace(tenant: Tenant, call: Call) -> Reply:
    """Create a workspace or replace one: 201 with what was sent, and ``Accepted`` or ``Updating`` (recording 58)."""
    write = resources.begin_write(tenant, call, WORKSPACE)
    before = write.existing["doc"] if write.existing else None
    sent = {name: value for name, value in write.body["properties"].items() if value is not None}
    sku = write.body.get("sku") or (before or {}).get("sku") or {"name": "premium"}
    _check(tenant, before, sent, sku)
    document = _workspace(tenant, write.id, write.name, write.location, sent, before)
    document |= {"sku": sku} | ({"tags": write.body["tags"]} if write.body.get("tags") else {})
    document["properties"]["provisioningState"] = "Updating" if before else "Accepted"
    resources.store(tenant, document)
    name = operations.start(tenant, WRITE, write.id)
    operations.settle(tenant)
    return Reply(201, _answer(tenant, document, sent, created=before is None), _links(call, name, write.location))


def _answer(tenant: Tenant, document: Json, sent: Json, *, created: bool) -> Json:
    """Return the answer to a PUT: what was sent, at the creation of a workspace without the parameters (recording 58)."""
    shown = ("managedResourceGroupId", "encryption", "authorizations")
    parameters = dict(sent.get("parameters") or {})
    if "enableNoPublicIp" in parameters:
        parameters["enableNoPublicIp"] = {"type": "Bool", **parameters["enableNoPublicIp"]}
    return {
        **{word: document[word] for word in ("id", "name", "type", "sku", "location", "tags") if word in document},
        "properties": {
            "isUcEnabled": False,
            **{word: document["properties"][word] for word in shown if word in document["properties"]},
            **({} if created else {"parameters": parameters}),
            "provisioningState": document["properties"]["provisioningState"],
            "createdDateTime": tenant.timestamp(),
        },
    }


def _check(tenant: Tenant, before: Json | None, sent: Json, sku: Json) -> None:
    """Refuse keys that the tier, the workspace as it is, or the reader does not allow."""
    old = (before or {}).get("properties") or {}
    dbfs = _dbfs(sent)
    entities, held = (((each.get("encryption") or {}).get("entities") or {}) for each in (sent, old))
    for part in ("managedServices", "managedDisk"):
        if held.get(part) and not entities.get(part):
            raise databricks_key_stays(part)
    if (dbfs or any(entities.values())) and sku["name"].lower() != "premium":
        raise databricks_premium_needed(sku["name"])
    if dbfs:
        _check_dbfs(tenant, old, dbfs)
    if key := (entities.get("managedServices") or {}).get("keyVaultProperties"):
        _check_services(tenant, key)
    if key := (entities.get("managedDisk") or {}).get("keyVaultProperties"):
        # The identity that reads it comes with the write, so that nothing can be checked but the key itself.
        found = customer_keys.find(tenant, key["keyVaultUri"], key["keyName"])
        if found is None or key["keyVersion"].lower() not in {row["version"] for row in found["versions"]}:
            raise customer_keys.key_unusable(f"there is no key '{key['keyName']}' with version '{key['keyVersion']}'")


def _dbfs(properties: Json) -> Json | None:
    """Return the key of the root DBFS; None for Microsoft's."""
    value = ((properties.get("parameters") or {}).get("encryption") or {}).get("value") or {}
    return value if str(value.get("keySource")).lower() == "microsoft.keyvault" else None


def _check_dbfs(tenant: Tenant, old: Json, key: Json) -> None:
    identity = old.get("storageAccountIdentity") or {}
    if not identity.get("principalId"):
        account = ((old.get("parameters") or {}).get("storageAccountName") or {}).get("value") or "dbstorage"
        raise databricks_not_prepared(account)
    names = ("keyvaulturi", "KeyName", "keyversion")
    uri, name, version = (key.get(each) or "" for each in names)
    customer_keys.require_usable(tenant, uri, name, version, identity["principalId"])


def _check_services(tenant: Tenant, key: Json) -> None:
    principals = tenant.table("principals").items()
    reader = next((object_id for object_id, each in principals if each["appId"] == APP_ID), None)
    try:
        customer_keys.require_usable(tenant, key["keyVaultUri"], key["keyName"], key["keyVersion"], reader)
    except errors.AzureError as refusal:
        if refusal.row is not customer_keys.key_forbidden:
            raise
        vault = key["keyVaultUri"].removeprefix("https://").partition(".")[0]
        raise databricks_forbidden(key["keyVaultUri"], vault) from None


def _workspace(
    tenant: Tenant, identifier: str, name: str, location: str, sent: Json, before: Json | None = None
) -> Json:
    old = before["properties"] if before else {}
    number = str(int(ids.hex_name(identifier, length=13), 16))
    chosen: Json = {
        "enableFedRampCertification": {"value": False},
        "enableNoPublicIp": {"value": True},
        "natGatewayName": {"value": "nat-gateway"},
        "prepareEncryption": {"value": False},
        "publicIpName": {"value": "nat-gw-public-ip"},
        "requireInfrastructureEncryption": {"value": False},
        "storageAccountName": {"value": f"dbstorage{ids.hex_name(identifier, length=13)}"},
        "storageAccountSkuName": {"value": "Standard_GRS"},
        "vnetAddressPrefix": {"value": "10.139"},
        "resourceTags": {"value": {"application": "databricks", "databricks-environment": "true"}},
    }
    kept = {word: old[word] for word in _MADE if word in old}
    return {
        "id": identifier,
        "name": name,
        "type": WORKSPACE.type,
        "location": location,
        "sku": {"name": "premium"},
        "properties": {
            "isUcEnabled": True,
            "authorizations": [{"principalId": PUBLISHER, "roleDefinitionId": OWNER}],
            "workspaceId": number,
            "workspaceUrl": f"adb-{number}.{int(number) % 20}.azuredatabricks.net",
            "createdDateTime": tenant.timestamp(),
            **kept,
            **{
                word: value
                for word, value in sent.items()
                if word not in _MADE and word not in ("createdBy", "updatedBy")
            },
            "parameters": _typed({**chosen, **(old.get("parameters") or {}), **(sent.get("parameters") or {})}),
        },
    }


def _typed(parameters: Json) -> Json:
    """Return parameters with the type of their values, as a GET shows them (recording 58)."""
    words = {bool: "Bool", str: "String", dict: "Object"}
    return {name: {"type": words[type(each["value"])], "value": each["value"]} for name, each in parameters.items()}


_MADE = ("createdDateTime", "storageAccountIdentity", "managedDiskIdentity", "diskEncryptionSetId")
"""The properties that the service makes, and keeps at every write."""


@operations.finisher(WRITE)
def finish(tenant: Tenant, operation: Json) -> None:
    """End a write: with the managed resource group, the identities, and the keys in what is there."""
    record = tenant.resource(operation["target"])
    if record is not None:
        provision(tenant, record["doc"])


def provision(tenant: Tenant, document: Json) -> None:
    """Make the managed resource group of a workspace, or bring it up to date."""
    properties = document["properties"]
    properties["provisioningState"] = "Succeeded"
    group_id = properties["managedResourceGroupId"]
    group = {
        "id": group_id,
        "name": group_id.rpartition("/")[2],
        "type": "Microsoft.Resources/resourceGroups",
        "location": document["location"],
        "managedBy": document["id"],
        "properties": {"provisioningState": "Succeeded"},
    }
    tenant.table("groups").setdefault(ids.key(group_id), {"doc": group, "owner": document["id"]})
    _provision_storage(tenant, document)
    disk = ((properties.get("encryption") or {}).get("entities") or {}).get("managedDisk")
    if disk:
        _provision_set(tenant, document, disk)


def _provision_storage(tenant: Tenant, document: Json) -> None:
    """Make the storage account of the root DBFS, with the identity that is prepared, and with its key."""
    properties = document["properties"]
    parameters, key = properties["parameters"], _dbfs(properties)
    if key is None and "encryption" in parameters:
        parameters["encryption"] = {"type": "Object", "value": {"keySource": "Default"}}  # recording 58
    name = parameters["storageAccountName"]["value"]
    identifier = f"{properties['managedResourceGroupId']}/providers/{microsoft_storage.RESOURCE_TYPE.type}/{name}"
    body: Json = {"kind": "StorageV2", "sku": {"name": parameters["storageAccountSkuName"]["value"]}, "properties": {}}
    if key is not None:
        named = {
            "keyvaulturi": key.get("keyvaulturi"),
            "keyname": key.get("KeyName"),
            "keyversion": key.get("keyversion"),
        }
        body["properties"]["encryption"] = {"keySource": "Microsoft.Keyvault", "keyvaultproperties": named}
    account = microsoft_storage.new_account(tenant, identifier, name, document["location"], body)
    account["properties"]["provisioningState"] = "Succeeded"
    if parameters["prepareEncryption"]["value"]:
        before = properties.get("storageAccountIdentity")
        identity = microsoft_managedidentity.with_principal(tenant, identifier, {"type": "SystemAssigned"}, before)
        properties["storageAccountIdentity"] = account["identity"] = identity
    resources.store(tenant, {**account, "managedBy": document["id"]})


def _provision_set(tenant: Tenant, document: Json, disk: Json) -> None:
    properties, key = document["properties"], disk["keyVaultProperties"]
    name = f"dbdes{ids.hex_name(document['id'], length=8)}"
    identifier = f"{properties['managedResourceGroupId']}/providers/{sets.RESOURCE_TYPE.type}/{name}"
    existing = tenant.resource(identifier)
    before = existing["doc"]["identity"] if existing else None
    identity = microsoft_managedidentity.with_principal(tenant, identifier, {"type": "SystemAssigned"}, before)
    made = {
        "name": name,
        "id": identifier,
        "type": sets.RESOURCE_TYPE.type,
        "location": document["location"],
        "managedBy": document["id"],
        "identity": identity,
        "properties": {
            "activeKey": {"keyUrl": f"{key['keyVaultUri'].rstrip('/')}/keys/{key['keyName']}/{key['keyVersion']}"},
            "encryptionType": sets.TYPES[0],
            "rotationToLatestKeyVersionEnabled": bool(disk.get("rotationToLatestKeyVersionEnabled")),
            "provisioningState": "Succeeded",
        },
    }
    resources.store(tenant, made)
    properties |= {"managedDiskIdentity": identity, "diskEncryptionSetId": identifier}


@operations.finisher(DELETE)
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take a workspace and its managed resource group away."""
    record = tenant.table("resources").pop(ids.key(operation["target"]), None)
    if record is not None:
        group = record["doc"]["properties"]["managedResourceGroupId"]
        for each in list(tenant.resources_in(group)):
            resources.end_identity(tenant, each["doc"])
            tenant.table("resources").pop(ids.key(each["doc"]["id"]), None)
        tenant.table("groups").pop(ids.key(group), None)


def _links(call: Call, name: str, location: str) -> dict[str, str]:
    head = f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}/providers/Microsoft.Databricks"
    return {
        "Azure-AsyncOperation": operations.link(call, f"{head}/locations/{location}/operationStatuses/{name}", name)
    }


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer an operation: 202 ``Accepted`` with its own address, then 200 (recording 58)."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if operation["finished"]:
        return Reply(200, {"status": "Succeeded"})
    return Reply(202, {"status": "Accepted"}, {"Location": operations.link(call, call.path, call["operation"])})


def patch_workspace(tenant: Tenant, call: Call) -> Reply:
    """Update the tags, 200. PATCH has no other member."""
    record = resources.existing(tenant, call, WORKSPACE)
    body = shapes.accept({"tags": shapes.TAGS}, call.json(), call.api_version, partial=True)
    if body.get("tags") is not None:
        record["doc"]["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, record["doc"])


def delete_workspace(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a workspace: 202; 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, WORKSPACE))
    if record is None:
        return Reply(204)
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    link = _links(call, name, record["doc"]["location"])["Azure-AsyncOperation"]
    return Reply(202, headers={"Location": link})  # recording 58


def add_databricks_workspace(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, sku: str = "premium", **properties: Any
) -> str:
    """Add a workspace with Microsoft's keys, unless properties set another one; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.Databricks")
    identifier = f"{group_id}/providers/{WORKSPACE.type}/{name}"
    managed = f"{group_id.rpartition('/')[0]}/databricks-rg-{name}-{ids.hex_name(identifier, length=13)}"
    with state.arranging():
        sent = {"managedResourceGroupId": managed, **properties}
        document = _workspace(state.tenant, identifier, name, location, sent)
        resources.store(state.tenant, {**document, "sku": {"name": sku}})
        provision(state.tenant, document)
    return identifier


_LOCATION = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Databricks/locations/{location}"
ROUTES = (
    *WORKSPACES.routes(put_workspace, patch_workspace, delete_workspace),
    Route("GET", f"{_LOCATION}/operationStatuses/{{operation}}", poll),
)

PROVIDER = Provider(
    namespace="Microsoft.Databricks",
    coverage=(COVERAGE,),
    routes=ROUTES,
    durations=(
        Duration(WRITE, 60, "recording 58: 41 s for each change, by the time of the next request"),
        Duration(DELETE, 600, "recording 58: ten minutes between the first and the last poll"),
    ),
    arrange=(add_databricks_workspace,),
    on_registered=add_principal,
)
