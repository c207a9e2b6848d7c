"""Azure Machine Learning workspaces: PUT, PATCH and DELETE are 202 with an empty body and an operation to poll."""

import re
from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.clouds import Cloud, by_name
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_machinelearningservices import (
    hubs,
    managed_group,
    managed_network,
    soft_delete,
    workspace_cmk,
    workspace_faults,
    workspace_roles,
)
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import (
    RESOURCE_TYPE,
    UPDATE_SHAPE,
    encryption_view,
    kind_of,
    network_view,
    new_properties,
    recase,
    view,
)

COVERAGE = Area(
    "Azure ML workspaces",
    supported=(
        "PUT, PATCH and DELETE are 202 with an empty body and both operation links; soft delete, `forceToPurge`",
        "in-subscription and service-side CMK; the managed resource group with its deny assignment",
        "refused at once: an identifier without version, a vault in another subscription, a project without its hub",
        "a workspace with user-assigned identities only is gone at once (documented); endpoints of a deleted one: Disconnected",
        "hubs, and projects with the stores of their hub; feature stores; a change of kind is the bare 500",
        "refused: encryption or another region of a project, deletion of a hub with projects, settings of another kind",
        "an encrypted workspace that acts as a user-assigned identity fails for each missing right of it, one at a time (P37)",
        "high business impact is on for an encrypted hub that does not set it (P67)",
        "accepted before its vault and storage account are there (recording 02), fails in the operation when they stay away",
        "an access policy for the workspace's principal on the associated vault, `all` of all kinds (recordings 02, 10)",
        "`serverlessComputeSettings` is null unless it was sent (recordings 01, 02, 10)",
        "a PATCH of `allowRoleAssignmentOnRG` is accepted without effect (recording 01)",
        "fails in the operation: no purge protection; key missing, disabled, expired, not RSA, without wrap and unwrap",
        "fails in the operation: no right for Azure Cosmos DB (by object id) or for the user-assigned identity",
        "without its key for an hour, what is in the workspace is refused; the workspace itself is still answered",
        "rotation within the vault, to a usable version; the managed Cosmos DB account follows later",
        "any other change of vault, key identity, hbi or stores is the bare 500 of Azure",
    ),
    differs=(
        "the managed group's search service is listed, and cannot be read by itself; account and storage account can",
        "Azure gives some twenty minutes to a CMK workspace; here it is four reads, unless `--latency azure`",
    ),
    not_modelled=(
        "making jobs, models, environments, endpoints; recovery of a soft-deleted workspace",
        "`networkAcls`, `ipAllowlist` and other properties of the newest previews",
    ),
    guesses=(
        "the words of the refusal without a key, and that it affects computes, datastores and lists alike",
        "a workspace with a key that is lost can still be changed and deleted",
        "service-side encryption with a system-assigned identity loses its key with the key alone, not with a grant",
        "the list of a subscription has soft-deleted workspaces, that of a group has none: one public report, for the former",
        "an associated resource that does not exist yet is looked for at the end of the operation: Azure's limit is unpublished",
        "that a creation waits for one at all rests on one recording (02)",
        "a vault with Azure RBAC gets no role for the workspace's principal; what Azure does there is unpublished",
        "the managed storage account follows the workspace's key at once; its queues and tables keep Microsoft's key",
        "a purge is complete, with the managed group, when its operation ends; a DELETE of a workspace being deleted is accepted",
        "online and batch endpoints do not keep a workspace from being deleted: the page on soft delete lists them with it",
        "a preview of 2022 has `allowRecoverSoftDeletedWorkspace`; what it does, and whether it still works, is not documented",
        "role assignments at a deleted workspace stay until they are deleted",
        "a project shows no `encryption`: its hub has it",
        "which rights of the acting identity are tried, beyond those that are quoted, and in which order",
        "an identity that reads the key has to be one of the workspace's identities",
        "an explicit `hbiWorkspace: false` of a hub is kept",
        "a workspace whose creation failed stays, as `Failed`, and the next PUT creates it anew",
        "a grant to Azure Cosmos DB is required also when `encryption.identity` names a user-assigned identity",
        "service-side encryption needs no grant to Azure Cosmos DB",
        "a system-assigned identity with service-side encryption and an RBAC vault fails (one field report)",
        "the managed group is called `azureml-rg-<workspace>_<guid>`: documentation has two forms. Read it, do not compute it",
    ),
)


class _Workspaces(resources.Resources):
    """Get, list and delete, with a list that shows more than a get does."""

    def list_in_subscription(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the workspaces of the subscription, soft-deleted ones included (Azure/azure-powershell#28286)."""
        reply = super().list_in_subscription(tenant, call)
        start = ids.key(f"/subscriptions/{call['subscription']}") + "/"
        deleted = [row["record"] for key, row in tenant.table("deleted_workspaces").items() if key.startswith(start)]
        return Reply(200, {"value": [*reply.body["value"], *(self.view(tenant, each, call) for each in deleted)]})


WORKSPACES = _Workspaces(RESOURCE_TYPE, view)
ASSOCIATED = {
    "storageAccount": "microsoft.storage/storageaccounts",
    "keyVault": "microsoft.keyvault/vaults",
    "applicationInsights": "microsoft.insights/components",
    "containerRegistry": "microsoft.containerregistry/registries",
}
BY_KEY = "accesskey"
"""The mode in which the datastores of a workspace use the keys of its storage account: that of a new one."""

REQUIRED = ("storageAccount", "keyVault")
IDENTITY_WORDS = {"none": "None", "systemassigned": "SystemAssigned", "userassigned": "UserAssigned"}
FIXED = ("hbiWorkspace", "storageAccount", "keyVault", "enableServiceSideCMKEncryption", "hubResourceId")
ISOLATION_FORGOTTEN = "2023-04-01-preview"
"""The api-version whose PATCH switched ``enableDataIsolation`` off where it was not sent (recording 04; unlike 01)."""

CREATE = "workspace.create"
ROTATION = "workspace.key"
"""The kind of transition after which the managed resources use the version that the workspace was moved to."""


# --- create and replace


def put_workspace(tenant: Tenant, call: Call) -> Reply:
    """Create or update a workspace: always 202 with an empty body (fact 1)."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    if write.existing is not None and write.existing["doc"]["properties"]["provisioningState"] != "Failed":
        return _update(tenant, call, write.existing, write.body)
    if ids.key(write.id) in tenant.table("deleted_workspaces"):
        raise errors.workspace_soft_deleted()
    hubs.check_kind(write.body)
    if kind_of(write.body) == "Project":
        write.body["properties"] = hubs.with_stores_of_hub(tenant, write)
    properties = write.body["properties"]
    _check_ids(properties)
    identity = _identity(tenant, write.id, write.body.get("identity") or {"type": "SystemAssigned"}, {})
    encrypted = _is_encrypted(properties)
    if encrypted:
        workspace_cmk.check_body(properties["encryption"], call["subscription"])
    foreign = workspace_roles.reader_refusal(write.body)
    if foreign is not None:
        raise foreign
    _check_storage(tenant, write.body)
    waits = _missing(tenant, properties) is not None
    refused = None if waits else _refusal(tenant, call.cloud, write.body, write.id)
    failure = workspace_faults.creation_failure(tenant, write, refused)
    document = _document(tenant, write, identity, encrypted)
    resources.store(tenant, document)
    takes = "workspace.create.cmk" if encrypted else "workspace.create"
    late = {"later": {"body": write.body, "cloud": call.cloud.name}} if waits and failure is None else {}
    return _accepted(tenant, call, CREATE, document, failure=failure, takes=takes, **late)


def _check_ids(properties: Json) -> None:
    """Refuse what the body alone shows: an associated resource that is required (P95), or of another type."""
    if any(not properties.get(name) for name in REQUIRED):
        raise errors.dependents_missing()
    for name, wanted in ASSOCIATED.items():
        found = ids.parse(properties.get(name) or "")
        if properties.get(name) and (found is None or found.full_type.lower() != wanted):
            raise errors.associated_id_invalid(name, properties[name], wanted)


def _missing(tenant: Tenant, properties: Json) -> errors.AzureError | None:
    """Return the refusal of an associated resource that is not there; None when all are.

    The PUT is accepted all the same (recording 02, where vault and storage account are requested after the workspace, which
    is ready before the account is): the service looks for them while it makes the workspace.
    """
    for name in ASSOCIATED:
        found = ids.parse(properties.get(name) or "")
        if found is not None and tenant.resource(properties[name]) is None:
            return errors.associated_missing(found.full_type, found.name, found.group)
    return None


def _check_storage(tenant: Tenant, body: Json) -> None:
    """Refuse a storage account that cannot be a workspace's, if it is there already."""
    storage = tenant.resource(body["properties"]["storageAccount"])
    # A feature store's account has a hierarchical namespace (recording 09).
    layered = storage is not None and bool(storage["doc"]["properties"].get("isHnsEnabled"))
    if storage and ((layered and kind_of(body) != "FeatureStore") or storage["doc"]["sku"]["tier"] == "Premium"):
        raise errors.storage_unsuitable()
    access = str(body["properties"].get("systemDatastoresAuthMode") or BY_KEY).lower()
    if storage and access == BY_KEY and storage["doc"]["properties"].get("allowSharedKeyAccess") is False:
        raise errors.storage_keys_not_permitted()


def _refusal(tenant: Tenant, cloud: Cloud, body: Json, workspace_id: str) -> errors.AzureError | None:
    """Return the error a creation will end with, by what is there at this moment."""
    gone = _missing(tenant, body["properties"])
    if gone is not None:
        return gone
    if not _is_encrypted(body["properties"]):
        return None
    return _failure(tenant, cloud, body) or workspace_roles.refusal(tenant, body, workspace_id)


def _is_encrypted(properties: Json) -> bool:
    return bool((properties.get("encryption") or {}).get("status", "").lower() == "enabled")


def _grant_on_vault(tenant: Tenant, document: Json) -> None:
    """Give the workspace's principal an access policy on the associated vault, as the service does (recordings 02, 10).

    It appears while the workspace is made, not with the answer to its PUT (recordings 02 and 27).
    What it does with a vault that uses Azure RBAC, or for a workspace without a system-assigned identity, is unpublished:
    here it does nothing.
    """
    principal = document["identity"].get("principalId")
    vault = tenant.resource(document["properties"]["keyVault"] or "")
    if not principal or vault is None or vault["doc"]["properties"].get("enableRbacAuthorization"):
        return
    policies = vault["doc"]["properties"]["accessPolicies"]
    if any(policy["objectId"] == principal for policy in policies):
        return
    everything = {"keys": ["all"], "secrets": ["all"], "certificates": ["all"], "storage": []}
    policies.append({"tenantId": tenant.tenant_id, "objectId": principal, "permissions": everything})
    tenant.changed()


def _identity(tenant: Tenant, workspace_id: str, sent: Json, before: Json, *, partial: bool = False) -> Json:
    """Return ``identity`` as the service shows it.

    The ids of user-assigned identities come back with ``resourceGroups`` (recordings 06, 07), and a workspace that has only
    such identities shows a principal id of null and its tenant (06).
    """
    words = [IDENTITY_WORDS[word.strip().lower()] for word in sent["type"].split(",")]
    shown = microsoft_managedidentity.with_principal(
        tenant, workspace_id, {**sent, "type": ",".join(words)}, before, partial=partial
    )
    if "userAssignedIdentities" not in shown:
        return shown
    if "principalId" not in shown:
        shown |= {"principalId": None, "tenantId": tenant.tenant_id}
    assigned = shown["userAssignedIdentities"].items()
    named = {re.sub("/resourcegroups/", "/resourceGroups/", name, flags=re.IGNORECASE): row for name, row in assigned}
    return {**shown, "userAssignedIdentities": named}


def _failure(tenant: Tenant, cloud: Cloud, body: Json) -> errors.AzureError | None:
    """Return the error the operation will end with, when the vault, the key or a grant is wrong at this moment."""
    try:
        key = workspace_cmk.check_key(tenant, cloud, body["properties"]["encryption"])
        workspace_cmk.check_grants(tenant, cloud, body, key)
    except errors.AzureError as refusal:
        return refusal
    return None


def _document(tenant: Tenant, write: resources.Write, identity: Json, encrypted: bool) -> Json:
    properties = new_properties(tenant, write, tenant.timestamp())
    if encrypted and kind_of(write.body) == "Hub" and write.body["properties"].get("hbiWorkspace") is None:
        properties["hbiWorkspace"] = True
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
        "kind": kind_of(write.body),
        "sku": {"name": "Basic", "tier": "Basic"},  # whatever was sent (fact 6)
        "systemData": tenant.system_data(write.existing and write.existing["doc"]["systemData"]),
    }


@operations.finisher(CREATE)
def finish_create(tenant: Tenant, operation: Json) -> None:
    """End a creation: ``Succeeded``, with the managed resource group, or ``Failed``."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    properties = record["doc"]["properties"]
    if "later" in operation:
        refused = _refusal(
            tenant, by_name(operation["later"]["cloud"]), operation["later"]["body"], record["doc"]["id"]
        )
        operation["failure"] = None if refused is None else refused.error()
    _grant_on_vault(tenant, record["doc"])
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
    properties = recase(body.get("properties") or {}, document["kind"])
    sent = {name: value for name, value in properties.items() if value is not None}
    if call.method == "PATCH":
        sent.pop("allowRoleAssignmentOnRG", None)  # answered 202, and without effect (fact 7)
        if call.api_version == ISOLATION_FORGOTTEN:
            sent.setdefault("enableDataIsolation", False)
    if body.get("kind") is not None and kind_of(body) != document["kind"]:
        raise errors.immutable_changed()
    _refuse_fixed(document["properties"], sent)
    managed_network.require_change(document["properties"].get("managedNetwork") or {}, sent.get("managedNetwork") or {})
    encryption = sent.pop("encryption", None)
    identity = document["identity"]
    if (body.get("identity") or {}).get("type"):
        identity = _identity(  # recordings 07, 09
            tenant, document["id"], body["identity"], identity, partial=call.method == "PATCH"
        )
    failure = None
    if encryption is not None:
        before = _identifier(document)
        failure = _change_key(tenant, call, document, encryption)
        if failure is None and _identifier(document) != before:
            record["wraps"] = {"identifier": before, "countdown": tenant.begin(ROTATION)}
            managed_group.follow(tenant, document)
    if failure is None:
        document["properties"] = shapes.merge(document["properties"], sent)
        document["properties"]["managedNetwork"] = network_view(document["properties"]["managedNetwork"], document)
        document["identity"] = identity
        if body.get("tags") is not None:
            document["tags"] = body["tags"]
        document["systemData"] = tenant.system_data(document["systemData"])
    return _accepted(tenant, call, "workspace.update", document, failure=failure)


def _identifier(document: Json) -> str:
    encryption = document["properties"].get("encryption") or {}
    return str((encryption.get("keyVaultProperties") or {}).get("keyIdentifier") or "")


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
    requested_vault = new.get("keyVaultArmId") or old["keyVaultArmId"]
    changed_vault = ids.key(requested_vault) != ids.key(old["keyVaultArmId"])
    changed_identity = identity is not None and not _same(identity, before["identity"]["userAssignedIdentity"])
    if changed_vault or changed_identity or (encryption.get("status") or "Enabled").lower() != "enabled":
        raise errors.immutable_changed()
    wanted = new.get("keyIdentifier") or old["keyIdentifier"]
    candidate = {**before, "keyVaultProperties": {**old, "keyIdentifier": wanted}}
    workspace_cmk.check_body(candidate, call["subscription"])
    if wanted == old["keyIdentifier"]:
        return None
    failure = _failure(tenant, call.cloud, {"properties": {**document["properties"], "encryption": candidate}})
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
        hubs.require_unused(tenant, record["doc"])
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
    if record is not None:
        from cmkctl.sandbox.providers.microsoft_network import connections  # noqa: PLC0415 - it needs this package

        connections.disconnect(tenant, record["doc"])
    only_users = record is not None and record["doc"]["identity"]["type"] == IDENTITY_WORDS["userassigned"]
    if operation["purge"] or only_users:  # documented: no soft delete with user-assigned identities only
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
    target = tenant.resource(operation["target"])
    if operation["kind"] == CREATE and target is not None:
        _grant_on_vault(tenant, target["doc"])
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
    if "result" in operation:  # that of an action or of a resource inside the workspace (recordings 05, 29)
        return Reply(200, operation["result"])
    return Reply(204) if record is None else Reply(200, view(tenant, record, call))


def routes(patch: Handler) -> tuple[Route, ...]:
    """Return the routes of a workspace itself; `patch` builds on `patch_workspace`."""
    usual = WORKSPACES.routes(put_workspace, patch, delete_workspace)
    location = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
    return (*usual, RESOURCE_TYPE.route("GET", location + "/workspaceOperationsStatus/{operation}", poll_workspace))
