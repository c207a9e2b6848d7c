"""Failures of a workspace creation that is right in itself (P38, P54, P58 to P60)."""

import re

from cmkctl.sandbox.core import errors, ids, offers, resources
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.policy import Policy, denial
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_documentdb
from cmkctl.sandbox.providers.microsoft_machinelearningservices import managed_group
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE
from cmkctl.sandbox.providers.microsoft_machinelearningservices.soft_delete import soft_delete
from cmkctl.sandbox.providers.microsoft_storage import capacity

LOCATION = "eastus2"
PATH = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.machinelearningservices/workspaces/(?P<name>[^/]+)",
    re.IGNORECASE,
)
COSMOS = managed_group.KINDS["cosmosDbResourceId"][0]
LOCAL_AUTHENTICATION = (
    "This request was denied due to internal policy. Local authentication methods are not allowed. For more information, "
    "refer to https://aka.ms/safesecretsstandard."
)
"""Quoted (Azure/azure-sdk-for-java#45273)."""


def creation_failure(tenant: Tenant, write: resources.Write, failure: AzureError | None) -> Json | None:
    """Return the error the creation of a workspace will end with; None when it will succeed.

    Args:
        tenant: the state.
        write: the PUT.
        failure: the error that vault, key and grants have caused already, if any.

    """
    key = ids.key(write.id)
    remembered = _remembered(tenant, key)
    if remembered is not None:
        return remembered
    if failure is not None:
        _remember(tenant, key, write.id, failure)
        return failure.error()
    refused = _in_managed_group(tenant, key, write) if _managed(write.body["properties"]) else None
    if refused is not None:
        return errors.managed_group_failed().because(refused.error()).error()
    if tenant.faults.strikes("late-failure", write.id):
        return errors.failed_late(write.id).error()
    return None


def _managed(properties: Json) -> bool:
    """Return whether the workspace gets resources in a managed group: with a key, and not service-side."""
    encryption = properties.get("encryption") or {}
    enabled = encryption.get("status", "").lower() == "enabled"
    return enabled and not properties.get("enableServiceSideCMKEncryption")


# --- a failure that the service keeps by name (P38)


def _remember(tenant: Tenant, key: str, workspace_id: str, failure: AzureError) -> None:
    missing = failure.row in errors.GRANT_MISSING
    struck = tenant.faults.strike("failure-cached", workspace_id) if missing else None
    if struck is not None:
        now = tenant.clock()
        pace = tenant.pace.at_least_reads()
        countdown = struck.countdown(now) or pace.start(now, kind="workspace.failure")
        tenant.table("failed_names")[key] = {"error": failure.error(), "countdown": countdown}
        tenant.changed()


def _remembered(tenant: Tenant, key: str) -> Json | None:
    row = tenant.table("failed_names").get(key)
    if row is None:
        return None
    if tenant.tick(row["countdown"]):
        del tenant.table("failed_names")[key]
        return None
    error: Json = row["error"]
    return error


# --- what Azure ML cannot make


def _in_managed_group(tenant: Tenant, key: str, write: resources.Write) -> AzureError | None:
    encryption = write.body["properties"]["encryption"]
    refused = managed_group.denial(tenant, write.id, write.location, encryption)
    if refused is not None:
        return refused
    account = managed_group.made_for(write.id)["cosmosDbResourceId"][1]
    if tenant.faults.strikes("policy-managed-group", write.id):
        return _policy(write, account)
    if tenant.faults.strikes("search-quota", write.id):
        return errors.search_quota(offers.SEARCH_SERVICES.limit, offers.SEARCH_SERVICES.limit)
    return _unavailable(tenant, write, encryption) or _capacity(tenant, key, write, account)


def _unavailable(tenant: Tenant, write: resources.Write, brought: Json) -> AzureError | None:
    """Return the refusal of a managed resource by its region or by a quota; None when all can be made."""
    subscription = ids.subscription_of(write.id)
    checks = {
        "cosmosDbResourceId": lambda: _cosmos_db(tenant, subscription, write.location),
        "storageAccountResourceId": lambda: capacity.require_quota(tenant, subscription, write.location),
        "searchAccountResourceId": lambda: offers.require_quota(
            tenant, offers.SEARCH_SERVICES, subscription, write.location, errors.search_quota
        ),
    }
    for field, (kind, _name) in managed_group.KINDS.items():
        if brought.get(field):
            continue
        try:
            offers.require_offered(tenant, write.location, kind)
            checks[field]()
        except AzureError as refused:
            return refused
    return None


def _cosmos_db(tenant: Tenant, subscription: str, location: str) -> None:
    offers.require_quota(tenant, offers.COSMOS_DB_ACCOUNTS, subscription, "", errors.cosmos_quota)
    if not microsoft_documentdb.allowed(tenant, location):
        raise errors.no_capacity(ids.guid("activity", location))


def _policy(write: resources.Write, account: str) -> AzureError | None:
    """Return the refusal of the Cosmos DB account by a policy against local authentication."""
    subscription = f"/subscriptions/{ids.subscription_of(write.id)}"
    name = "sandbox-no-local-authentication"
    rule = Policy(name, COSMOS, "disableLocalAuth", subscription, allow=(True,), reason=LOCAL_AUTHENTICATION)
    return denial([rule], COSMOS, account, {"location": write.location, "properties": {}})


def _capacity(tenant: Tenant, key: str, write: resources.Write, account: str) -> AzureError | None:
    """Return P59 the first time; then, as long as the failed workspace stays, P60 about the half-made account."""
    half_made = tenant.table("half_made")
    if key in half_made and write.existing is not None:
        return errors.half_made(account, ids.guid("activity", account))
    half_made.pop(key, None)
    if not tenant.faults.strikes("no-capacity", write.id):
        return None
    half_made[key] = {"account": account}
    tenant.changed()
    return errors.no_capacity(ids.guid("activity", account))


# --- a workspace of the name that is soft-deleted already


def spawn(tenant: Tenant, call: Call) -> None:
    """Put a soft-deleted workspace of the name in the way of a creation (fault ``workspace-soft-deleted``)."""
    match = PATH.fullmatch(call.path)
    if match is None or call.method != "PUT":
        return
    taken = ids.key(call.path) in tenant.table("deleted_workspaces") or tenant.resource(call.path) is not None
    if taken or not tenant.faults.strikes("workspace-soft-deleted", call.path, method=call.method):
        return
    location = normal(str(call.json().get("location") or LOCATION))
    properties: Json = {"provisioningState": "Succeeded"}
    document = {"id": call.path, "name": match["name"], "type": RESOURCE_TYPE.type, "location": location}
    soft_delete(tenant, {"doc": {**document, "properties": properties}})
