"""Steps that make resources in a new sandbox, as answers show them or from their ids alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from support.sandbox import Client

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import ids, resources
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.providers import microsoft_storage
from cmkctl.sandbox.server import Running

Step = Callable[[Running, Client], object]
"""Changes a running sandbox; what it returns has no meaning."""


def group_id(name: str) -> str:
    """Return the id of a resource group of the sandbox's subscription."""
    return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"


def _group_of(identifier: str) -> str:
    return identifier.split("/")[4]


UNSAID = ("softDeleteRetentionInDays", "enableRbacAuthorization", "publicNetworkAccess", "enableSoftDelete")


def _add_vault(state: Arrangement, shown: Mapping[str, Any]) -> None:
    properties = deepcopy(dict(shown["properties"]))  # the sandbox changes what it keeps; the recording stays
    sku = properties.pop("sku")["name"]
    for name in ("vaultUri", "provisioningState", "tenantId"):
        properties.pop(name, None)
    protected = bool(properties.pop("enablePurgeProtection", False))
    unsaid: dict[str, Any] = dict.fromkeys(UNSAID)
    more: dict[str, Any] = {"purge_protection": protected, "sku": sku, "location": shown["location"]}
    state.add_vault(shown["name"], _group_of(shown["id"]), **more, **unsaid | properties)
    with state.tenant.lock:
        document = state.vault(shown["name"])["doc"]
        document.update({"tags": shown.get("tags", {})})
        if "createdBy" in shown.get("systemData", ()):
            document["systemData"] = shown["systemData"]


def add_deleted_vault(state: Arrangement, shown: Mapping[str, Any], later: Mapping[str, Any]) -> None:
    """Add a soft-deleted vault, as the recording shows it later; its group is there only if it was before."""
    deleted = shown["properties"]
    group = group_id(_group_of(deleted["vaultId"]))
    plain = {
        "sku": {"name": "standard"},
        **({"enablePurgeProtection": True} if deleted.get("purgeProtectionEnabled") else {}),
    }
    with state.tenant.lock:
        new = ids.key(group) not in state.tenant.table("groups")
        document = {"properties": plain, **later, "id": deleted["vaultId"]}
        _add_vault(state, {**document, "name": shown["name"], "location": deleted["location"]})
        state.delete_vault(shown["name"])
        if new:
            state.tenant.table("groups").pop(ids.key(group))


def _add_account(state: Arrangement, shown: Mapping[str, Any]) -> None:
    group = state.add_resource_group(_group_of(shown["id"]))
    identifier = f"{group}/providers/{microsoft_storage.RESOURCE_TYPE.type}/{shown['name']}"
    with state.tenant.lock:
        body = {"kind": shown["kind"], "sku": {"name": shown["sku"]["name"]}}
        document = microsoft_storage.new_account(state.tenant, identifier, shown["name"], shown["location"], body)
        document["properties"]["provisioningState"] = "Succeeded"
        resources.store(state.tenant, document)


def _add_identity(state: Arrangement, shown: Mapping[str, Any]) -> None:
    state.add_identity(shown["name"], _group_of(shown["id"]), shown["location"])


MAKERS: Mapping[str, Callable[[Arrangement, Any], None]] = {
    "microsoft.keyvault/vaults": _add_vault,
    "microsoft.storage/storageaccounts": _add_account,
    "microsoft.managedidentity/userassignedidentities": _add_identity,
}
MADE_BY_PUT: Mapping[str, tuple[str, dict[str, Any]]] = {
    "microsoft.insights/components": ("2020-02-02", {"kind": "web", "properties": {"Application_Type": "web"}}),
    "microsoft.containerregistry/registries": ("2023-07-01", {"sku": {"name": "Standard"}}),
}
WORKSPACE = "microsoft.machinelearningservices/workspaces"
ASSOCIATED = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
SENT = (
    *ASSOCIATED, "featureStoreSettings", "friendlyName", "description", "hbiWorkspace", "publicNetworkAccess",
    "serverlessComputeSettings",
)  # fmt: skip


def as_shown(shown: Any) -> Step:
    """Return what makes a resource as an answer shows it."""

    def make(running: Running, client: Client) -> None:
        kind = str(shown["type"]).lower()
        if kind == WORKSPACE:
            _add_workspace(running, client, shown)
        elif kind in MAKERS:
            MAKERS[kind](running.state, shown)

    return make


def exists(*identifiers: str, location: str = "eastus2") -> Step:
    """Return what makes resources by their ids alone, unless they are there: what a recording uses and does not show."""

    def make(running: Running, client: Client) -> None:
        for identifier in identifiers:
            parsed = ids.parse(identifier)
            if parsed is None or running.state.resource(identifier):
                continue
            if parsed.full_type.lower() == WORKSPACE:
                _add_workspace(running, client, _plain_workspace(identifier, location))
                continue
            running.state.add_resource_group(parsed.group, location)
            kind = parsed.full_type.lower()
            if kind == "microsoft.keyvault/vaults":
                running.state.add_vault(parsed.name, parsed.group, location=location)
            elif kind == "microsoft.storage/storageaccounts":
                running.state.add_storage_account(parsed.name, parsed.group, location)
            elif kind == "microsoft.managedidentity/userassignedidentities":
                running.state.add_identity(parsed.name, parsed.group, location)
            else:
                version, body = MADE_BY_PUT[kind]
                done(client("PUT", identifier, {"location": location, **body}, version))
        time_passes(running, client)

    return make


def subnet_exists(identifier: str) -> Step:
    """Return what makes a subnet, with its network where there is none."""

    def make(running: Running, _client: Client) -> None:
        parts = identifier.split("/")
        running.state.add_subnet(parts[10], parts[8], parts[4])

    return make


def network_exists(identifier: str, location: str) -> Step:
    """Return what makes a network without subnets, unless it is there; no time passes meanwhile."""

    def make(running: Running, _client: Client) -> None:
        if running.state.resource(identifier):
            return
        parts = identifier.split("/")
        running.state.add_subnet("passing", parts[8], parts[4], location)
        with running.state.tenant.lock:
            record = running.state.tenant.resource(identifier)
            assert record is not None
            record["doc"]["properties"]["subnets"] = []

    return make


def _plain_workspace(identifier: str, location: str) -> Mapping[str, Any]:
    """Return a workspace in the form of an answer, for recordings that use one and do not show it."""
    providers = identifier.partition("/providers/")[0] + "/providers"
    stores = {
        "storageAccount": f"{providers}/Microsoft.Storage/storageAccounts/itsstorage",
        "keyVault": f"{providers}/Microsoft.KeyVault/vaults/itsvault",
    }
    return {"id": identifier, "location": location, "kind": "Default", "tags": {}, "properties": stores}


def done(answer: Any) -> None:
    """Make sure that an arranging request succeeded."""
    assert answer.status_code < 300, answer.text


def _add_workspace(running: Running, client: Client, shown: Any) -> None:
    """PUT a workspace with the main properties it is shown with, over associated resources made for it."""
    sent = {name: shown["properties"][name] for name in SENT if shown["properties"].get(name) is not None}
    exists(*(sent[name] for name in ASSOCIATED if name in sent), location=shown["location"])(running, client)
    network = shown["properties"].get("managedNetwork") or {}
    if network.get("isolationMode", "Disabled") != "Disabled":
        own = {
            name: rule for name, rule in network.get("outboundRules", {}).items() if rule["category"] == "UserDefined"
        }
        sent["managedNetwork"] = {"isolationMode": network["isolationMode"], "outboundRules": own}
    identity: dict[str, Any] = {"type": shown.get("identity", {}).get("type", "SystemAssigned")}
    for identifier in shown.get("identity", {}).get("userAssignedIdentities", {}):
        running.state.add_identity(identifier.rpartition("/")[2], _group_of(identifier))
        identity.setdefault("userAssignedIdentities", {})[identifier] = {}
    body = {"location": shown["location"], "kind": shown["kind"], "tags": shown["tags"], "properties": sent}
    done(client("PUT", shown["id"], {**body, "identity": identity}, "2024-07-01-preview"))
    time_passes(running, client)


def time_passes(running: Running, _client: Client) -> None:
    """Bring every operation that goes on to its end."""
    with running.state.tenant.lock:
        for operation in running.state.tenant.table("operations").values():
            operation["countdown"] = {"reads": 0}
        for record in running.state.tenant.table("resources").values():
            if "countdown" in record:
                record["countdown"] = {"reads": 0}


def after(*steps: Step) -> Step:
    """Return several steps as one."""

    def all_of_them(running: Running, client: Client) -> None:
        for step in steps:
            step(running, client)

    return all_of_them
