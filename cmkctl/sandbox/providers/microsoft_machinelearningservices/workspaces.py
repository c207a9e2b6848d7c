"""Azure Machine Learning workspaces: PUT, PATCH and DELETE are 202 with an empty body and an operation to poll."""

from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import (
    managed_group,
    soft_delete,
    workspace_cmk,
    workspace_faults,
)
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import (
    RESOURCE_TYPE,
    UPDATE_SHAPE,
    encryption_view,
    new_properties,
    recase,
    view,
)

COVERAGE = Area(
    "Azure ML workspaces",
    supported=(
        "PUT, PATCH and DELETE are 202 with an empty body and both operation links; soft delete, `forceToPurge`",
        "in-subscription and service-side CMK; the managed resource group with its deny assignment",
        "refused at once: an identifier without version, a vault in another subscription, a missing associated resource",
        "fails in the operation: no purge protection; key missing, disabled, expired, not RSA, without wrap and unwrap",
        "fails in the operation: no right for Azure Cosmos DB (by object id) or for the user-assigned identity",
        "rotation within the vault; any other change of vault, key identity, hbi or stores is the bare 500 of Azure",
    ),
    differs=(
        "the managed group's Cosmos DB, storage and search are listed, and cannot be read one by one",
        "Azure gives some twenty minutes to a CMK workspace; here it is four reads, unless `--latency azure`",
        "`serverlessComputeSettings` is always an object; recorded null with 2024-04-01",
    ),
    not_modelled=(
        "connections, outbound rules, jobs, models, endpoints; recovery of a soft-deleted workspace",
        "`networkAcls`, `ipAllowlist` and other properties of the newest previews",
    ),
    guesses=(
        "a workspace whose creation failed stays, as `Failed`, and the next PUT creates it anew",
        "a grant to Azure Cosmos DB is asked for also when `encryption.identity` names a user-assigned identity",
        "service-side encryption needs no grant to Azure Cosmos DB",
        "a system-assigned identity with service-side encryption and an RBAC vault fails (one field report)",
        "the managed group is called `azureml-rg-<workspace>_<guid>`: documentation has two forms. Read it, do not compute it",
    ),
)

WORKSPACES = resources.Resources(RESOURCE_TYPE, view)
ASSOCIATED = {
    "storageAccount": "microsoft.storage/storageaccounts",
    "keyVault": "microsoft.keyvault/vaults",
    "applicationInsights": "microsoft.insights/components",
    "containerRegistry": "microsoft.containerregistry/registries",
}
REQUIRED = ("storageAccount", "keyVault")
IDENTITY_WORDS = {"none": "None", "systemassigned": "SystemAssigned", "userassigned": "UserAssigned"}
FIXED = ("hbiWorkspace", "storageAccount", "keyVault", "enableServiceSideCMKEncryption")
CREATE_FACTOR = 2
"""A workspace takes longer than anything else (about 21 s without a key, 20 minutes with one; fact 8)."""


# --- create and replace


def put_workspace(tenant: Tenant, call: Call) -> Reply:
    """Create or update a workspace: always 202 with an empty body (fact 1)."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    if write.existing is not None and write.existing["doc"]["properties"]["provisioningState"] != "Failed":
        return _update(tenant, call, write.existing, write.body)
    if ids.key(write.id) in tenant.table("deleted_workspaces"):
        raise errors.workspace_soft_deleted()
    properties = write.body["properties"]
    _check_associated(tenant, properties, write.body.get("kind") or "Default")
    identity = _identity(tenant, write.id, write.body.get("identity") or {"type": "SystemAssigned"}, {})
    encryption = properties.get("encryption")
    encrypted = bool(encryption) and encryption["status"].lower() == "enabled"
    if encrypted:
        workspace_cmk.check_body(encryption, call["subscription"])
    failure = workspace_faults.creation_failure(
        tenant, write, _failure(tenant, call, write.body) if encrypted else None
    )
    document = _document(tenant, write, identity, encrypted)
    resources.store(tenant, document)
    takes = "workspace.create.cmk" if encrypted else "workspace.create"
    return _accepted(tenant, call, "workspace.create", document, failure=failure, factor=CREATE_FACTOR, takes=takes)


def _check_associated(tenant: Tenant, properties: Json, kind: str) -> None:
    """Refuse missing (P95) and dangling associated resources."""
    if any(not properties.get(name) for name in REQUIRED):
        raise errors.dependents_missing()
    for name, wanted in ASSOCIATED.items():
        if not properties.get(name):
            continue
        found = ids.parse(properties[name])
        if found is None or found.full_type.lower() != wanted:
            raise errors.associated_id_invalid(name, properties[name], wanted)
        if tenant.resource(properties[name]) is None:
            raise errors.resource_not_found(found.full_type, found.name, found.group)
    storage = tenant.resource(properties["storageAccount"])
    # A feature store's account has a hierarchical namespace (recording 09).
    layered = bool(storage and storage["doc"]["properties"].get("isHnsEnabled")) and kind.lower() != "featurestore"
    if storage and (layered or storage["doc"]["sku"]["tier"] == "Premium"):
        raise errors.storage_unsuitable()


def _identity(tenant: Tenant, workspace_id: str, sent: Json, before: Json) -> Json:
    """Return ``identity`` as the service shows it; a new system-assigned one gets a principal in the directory."""
    words = [word.strip().lower() for word in sent["type"].split(",")]
    shown: Json = {"type": ",".join(IDENTITY_WORDS[word] for word in words)}
    if "systemassigned" in sent["type"].lower():
        principal = before.get("principalId") or ids.guid("principal", workspace_id, tenant.serial())
        if "principalId" not in before:
            tenant.add_principal(principal, ids.guid("client", principal), workspace_id.rpartition("/")[2])
        shown |= {"principalId": principal, "tenantId": tenant.tenant_id}
    named = {}
    for identifier in sent.get("userAssignedIdentities") or {}:
        record = tenant.resource(identifier)
        if record is None:
            raise errors.identity_not_found(workspace_id, identifier)
        inner = record["doc"]["properties"]
        named[identifier] = {"principalId": inner["principalId"], "clientId": inner["clientId"]}
    return {**shown, "userAssignedIdentities": named} if named else shown


def _failure(tenant: Tenant, call: Call, body: Json) -> errors.AzureError | None:
    """Return the error the operation will end with, when the vault, the key or a grant is wrong at this moment."""
    try:
        key = workspace_cmk.check_key(tenant, call, body["properties"]["encryption"])
        workspace_cmk.check_grants(tenant, call, body, key)
    except errors.AzureError as refusal:
        return refusal
    return None


def _document(tenant: Tenant, write: resources.Write, identity: Json, encrypted: bool) -> Json:
    properties = new_properties(tenant, write, tenant.timestamp())
    if encrypted:
        properties["encryption"] = encryption_view(properties["encryption"])
        if not properties["enableServiceSideCMKEncryption"]:
            properties.setdefault("serviceManagedResourcesSettings", {"cosmosDb": {"collectionsThroughput": 4000}})
            properties["enableDataIsolation"] = True
    else:
        properties.pop("encryption", None)
    return {
        "id": write.id,
        "name": write.name,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "etag": None,
        "properties": properties,
        "identity": identity,
        "kind": (write.body.get("kind") or "Default").capitalize()
        if write.body.get("kind") != "FeatureStore"
        else "FeatureStore",
        "sku": {"name": "Basic", "tier": "Basic"},  # whatever was sent (fact 6)
        "systemData": tenant.system_data(write.existing and write.existing["doc"]["systemData"]),
    }


@operations.finisher("workspace.create")
def finish_create(tenant: Tenant, operation: Json) -> None:
    """End a creation: ``Succeeded``, with the managed resource group, or ``Failed``."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    properties = record["doc"]["properties"]
    if operation["failure"] is not None:
        properties["provisioningState"] = "Failed"
        return
    properties["provisioningState"] = "Succeeded"
    if properties.get("encryption") and not properties["enableServiceSideCMKEncryption"]:
        managed_group.provision(tenant, record["doc"])


# --- update


def patch_workspace(tenant: Tenant, call: Call) -> Reply:
    """Change a workspace: 202. Of the encryption only the key identifier may change, within its vault."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(UPDATE_SHAPE, call.json(), call.api_version, partial=True)
    return _update(tenant, call, record, body)


def _update(tenant: Tenant, call: Call, record: Json, body: Json) -> Reply:
    document = record["doc"]
    sent = {name: value for name, value in recase(body.get("properties") or {}).items() if value is not None}
    _refuse_fixed(document["properties"], sent)
    encryption = sent.pop("encryption", None)
    identity = document["identity"]
    if (body.get("identity") or {}).get("type"):
        identity = _identity(tenant, document["id"], body["identity"], identity)  # recordings 07, 09
    failure = None
    if encryption is not None:
        failure = _change_key(tenant, call, document, encryption)
    if failure is None:
        document["properties"] = shapes.merge(document["properties"], sent)
        document["identity"] = identity
        if body.get("tags") is not None:
            document["tags"] = body["tags"]
        document["systemData"] = tenant.system_data(document["systemData"])
    return _accepted(tenant, call, "workspace.update", document, failure=failure)


def _refuse_fixed(before: Json, sent: Json) -> None:
    """Answer the bare 500 Azure gives to a change of what is fixed (P63, P64, P67)."""
    for name in FIXED:
        if name in sent and not _same(sent[name], before.get(name)):
            raise errors.immutable_changed()
    if (
        "encryption" in sent
        and "encryption" not in before
        and (sent["encryption"].get("status") or "Enabled").lower() == "enabled"
    ):
        raise errors.immutable_changed()


def _same(one: Any, other: Any) -> bool:
    return bool(one.lower() == other.lower()) if isinstance(one, str) and isinstance(other, str) else bool(one == other)


def _change_key(tenant: Tenant, call: Call, document: Json, encryption: Json) -> Json | None:
    """Move to another key or version of the same vault; return the operation's error if that key is not usable."""
    before = document["properties"].get("encryption")
    if before is None:
        return None
    old, new = before["keyVaultProperties"], encryption.get("keyVaultProperties") or {}
    identity = (encryption.get("identity") or {}).get("userAssignedIdentity")
    asked_vault = new.get("keyVaultArmId") or old["keyVaultArmId"]
    changed_vault = ids.key(asked_vault) != ids.key(old["keyVaultArmId"])
    changed_identity = identity is not None and not _same(identity, before["identity"]["userAssignedIdentity"])
    if changed_vault or changed_identity or (encryption.get("status") or "Enabled").lower() != "enabled":
        raise errors.immutable_changed()
    wanted = new.get("keyIdentifier") or old["keyIdentifier"]
    candidate = {**before, "keyVaultProperties": {**old, "keyIdentifier": wanted}}
    workspace_cmk.check_body(candidate, call["subscription"])
    if wanted == old["keyIdentifier"]:
        return None
    failure = _failure(tenant, call, {"properties": {**document["properties"], "encryption": candidate}})
    if failure is None:
        old["keyIdentifier"] = wanted
    return None if failure is None else failure.error()


@operations.finisher("workspace.update")
def finish_update(tenant: Tenant, operation: Json) -> None:
    """End an update; the change was visible from the start."""


# --- delete


def delete_workspace(tenant: Tenant, call: Call) -> Reply:
    """Delete a workspace: 202. It is soft-deleted for 14 days unless ``forceToPurge=true``; 204 when not there."""
    identifier = resources.address(tenant, call, RESOURCE_TYPE)
    purge = call.query.get("forcetopurge", "false").lower() == "true"
    record = tenant.resource(identifier)
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Deleting"
        return _accepted(tenant, call, "workspace.delete", record["doc"], purge=purge)
    deleted = tenant.table("deleted_workspaces").get(ids.key(identifier))
    if deleted is None or not purge:
        return Reply(204)
    return _accepted(tenant, call, "workspace.delete", deleted["record"]["doc"], purge=True)


@operations.finisher("workspace.delete")
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Soft-delete or purge; the managed resource group goes with the purge only (P71)."""
    key = ids.key(operation["target"])
    record = tenant.table("resources").pop(key, None)
    if operation["purge"]:
        soft_delete.purge(tenant, key, record)
    elif record is not None:
        soft_delete.soft_delete(tenant, record)


# --- operations


def _accepted(tenant: Tenant, call: Call, kind: str, document: Json, **more: Any) -> Reply:
    """Answer 202, empty, with both headers and no Retry-After (fact 1)."""
    name = operations.start(tenant, kind, document["id"], **more)
    operations.settle(tenant)
    return Reply(202, headers=links(call, name, document["location"]))


def links(call: Call, name: str, location: str) -> dict[str, str]:
    """Return the two poll URLs of an operation on a workspace."""
    path = (
        f"/subscriptions/{call['subscription']}/providers/Microsoft.MachineLearningServices/locations/{location}"
        f"/workspaceOperationsStatus/{name}"
    )
    return {
        "Azure-AsyncOperation": operations.link(call, path, name, type="async"),
        "Location": operations.link(call, path, name, type="location"),
    }


def poll_workspace(tenant: Tenant, call: Call) -> Reply:
    """Answer the operation (``type=async``) or, once it is over, its result (``type=location``)."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if call.query.get("type") == "location":
        return _poll_location(tenant, call, operation)
    if not operation["finished"]:
        return Reply(200, {"status": "InProgress"})
    if operation["failure"] is not None:
        return Reply(200, {"status": "Failed", "error": operation["failure"]})
    return Reply(200, {"status": "Succeeded", "percentComplete": 100.0})


def _poll_location(tenant: Tenant, call: Call, operation: Json) -> Reply:
    if not operation["finished"]:
        return Reply(202, headers=links(call, call["operation"], call["location"]))
    record = tenant.resource(operation["target"])
    if operation["failure"] is not None:
        return Reply(400, {"error": operation["failure"]})
    return Reply(204) if record is None else Reply(200, view(tenant, record, call))


def routes(patch: Handler, poll: Handler) -> tuple[Route, ...]:
    """Return the routes of a workspace itself; `patch` and `poll` build on `patch_workspace` and `poll_workspace`."""
    usual = WORKSPACES.routes(put_workspace, patch, delete_workspace)
    location = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
    return (*usual, RESOURCE_TYPE.route("GET", location + "/workspaceOperationsStatus/{operation}", poll))
