"""What is there before the first exchange of a recording.

Most of it follows from the recording itself (`presupposed`): a resource group that it uses and does not create exists; a
vault, account or identity whose first exchange is a GET that answers 200 exists as that answer shows it; so does a
soft-deleted vault. What does not follow is in `contract_starts`, per recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract_recordings import ARM, Exchange, Rename, Scenario
from support.sandbox import Client

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import ids, resources
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.providers import microsoft_storage
from cmkctl.sandbox.server import Running

Step = Callable[[Running, Client], object]


@dataclass(frozen=True)
class Start:
    """The starting state of one recording.

    Attributes:
        rename: what the recording calls otherwise than the sandbox.
        unregistered: resource providers that are not registered; all others are.
        principals: object ids that are in the directory.
        before: what is arranged immediately before an exchange, by its number.
        order: the numbers in the order they were sent in, where that is not the order they are recorded in.
        apart: the exchanges have nothing to do with each other.
        without_rights: the numbers of what is sent by a client that has no right whatever.

    """

    rename: Rename = field(default_factory=Rename)
    unregistered: Sequence[str] = ()
    principals: Sequence[str] = ()
    before: Mapping[int, Step] = field(default_factory=dict)
    order: Sequence[int] = ()
    apart: bool = False
    without_rights: Sequence[int] = ()


def arrange(running: Running, client: Client, scenario: Scenario, start: Start) -> None:
    """Put a new sandbox into the state the recording began in."""
    state = running.state
    state.register_provider()
    state.unregister_provider(*start.unregistered)
    for principal in start.principals:
        state.add_principal(principal, "recorded principal", principal)
    for step in presupposed(scenario):
        step(running, client)
    time_passes(running, client)


def presupposed(scenario: Scenario) -> Iterator[Step]:
    """Yield what makes the things that a recording shows to exist before it begins."""
    seen: set[str] = set()
    groups: set[str] = set()
    documents = _documents(scenario)
    for exchange in scenario.exchanges:
        if exchange.host != ARM:
            continue
        yield from _groups(exchange, groups, documents)
        yield from _shown(exchange, seen, documents)


def _documents(scenario: Scenario) -> dict[str, Any]:
    """Return how each vault and group of the recording is shown first, by type and name."""
    found: dict[str, Any] = {}
    for exchange in scenario.exchanges:
        answer = exchange.answer
        kind = str(answer.get("type", "")).lower() if isinstance(answer, dict) else ""
        if kind in {"microsoft.keyvault/vaults", "microsoft.resources/resourcegroups"}:
            found.setdefault(f"{kind} {answer['id'].rpartition('/')[2]}".lower(), answer)
    return found


def _groups(exchange: Exchange, seen: set[str], documents: Mapping[str, Any]) -> Iterator[Step]:
    match = re.match(r"/subscriptions/[^/]+/resourcegroups/([^/]+)(/.*)?$", exchange.path, re.IGNORECASE)
    if match is None or match[1].lower() in seen:
        return
    seen.add(match[1].lower())
    created = not match[2] and exchange.status in {201, 404}
    missing = isinstance(exchange.answer, dict) and _code(exchange.answer) == "ResourceGroupNotFound"
    if not created and not missing:
        shown = documents.get(f"microsoft.resources/resourcegroups {match[1]}".lower(), {})
        name, more = match[1], {word: shown[word] for word in ("location", "tags") if word in shown}
        yield lambda running, _client: running.state.add_resource_group(name, **more)


def _code(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    return str(error.get("code")) if isinstance(error, dict) else ""


def _shown(exchange: Exchange, seen: set[str], documents: Mapping[str, Any]) -> Iterator[Step]:
    if (
        exchange.method == "GET"
        and isinstance(exchange.answer, dict)
        and isinstance(exchange.answer.get("value"), list)
    ):
        for item in exchange.answer["value"]:
            if not isinstance(item, dict) or item.get("type") != "Microsoft.KeyVault/vaults":
                continue
            if item.get("properties") and item["name"].lower() not in seen:
                seen.add(item["name"].lower())
                yield as_shown(item)
        return
    key = exchange.path.lower()
    match = re.search(r"/providers/(microsoft\.\w+/\w+)/([^/]+)$", key)
    deleted = re.search(r"/locations/[^/]+/deletedvaults/([^/]+)$", key)
    name = (match and match[2]) or (deleted and deleted[1])
    if name is None or name in seen:
        return
    seen.add(name)
    if exchange.method != "GET" or exchange.status != 200 or "type" not in exchange.answer:
        return
    if deleted:
        yield lambda running, _client: _add_deleted_vault(
            running.state, exchange.answer, documents.get(f"microsoft.keyvault/vaults {name}", {})
        )
    elif match and match[1] in (*MAKERS, WORKSPACE):
        yield as_shown(exchange.answer)


def group_id(name: str) -> str:
    """Return the id of a resource group of the sandbox's subscription."""
    return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"


def _group_of(identifier: str) -> str:
    return identifier.split("/")[4]


UNSAID = ("softDeleteRetentionInDays", "enableRbacAuthorization", "publicNetworkAccess", "enableSoftDelete")


def _add_vault(state: Arrangement, shown: Mapping[str, Any]) -> None:
    properties = dict(shown["properties"])
    sku = properties.pop("sku")["name"]
    for name in ("vaultUri", "provisioningState", "tenantId"):
        properties.pop(name, None)
    protected = bool(properties.pop("enablePurgeProtection", False))
    unsaid = dict.fromkeys(UNSAID)
    more: dict[str, Any] = {"purge_protection": protected, "sku": sku, "location": shown["location"]}
    state.add_vault(shown["name"], _group_of(shown["id"]), **more, **unsaid | properties)


def _add_deleted_vault(state: Arrangement, shown: Mapping[str, Any], later: Mapping[str, Any]) -> None:
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
MADE_BY_PUT = {
    "microsoft.insights/components": ("2020-02-02", {"kind": "web", "properties": {"Application_Type": "web"}}),
    "microsoft.containerregistry/registries": ("2023-07-01", {"sku": {"name": "Standard"}}),
}
WORKSPACE = "microsoft.machinelearningservices/workspaces"
ASSOCIATED = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
SENT = (*ASSOCIATED, "featureStoreSettings", "friendlyName", "description", "hbiWorkspace", "publicNetworkAccess")


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
            running.state.add_resource_group(parsed.group, location)
            kind = parsed.full_type.lower()
            if kind == "microsoft.keyvault/vaults":
                running.state.add_vault(parsed.name, parsed.group, location=location)
            elif kind == "microsoft.storage/storageaccounts":
                running.state.add_storage_account(parsed.name, parsed.group, location)
            else:
                version, body = MADE_BY_PUT[kind]
                done(client("PUT", identifier, {"location": location, **body}, version))
        time_passes(running, client)

    return make


def done(answer: Any) -> None:
    """Make sure that an arranging request succeeded."""
    assert answer.status_code < 300, answer.text


def _add_workspace(running: Running, client: Client, shown: Any) -> None:
    """PUT a workspace with the main properties it is shown with, over associated resources made for it."""
    sent = {name: shown["properties"][name] for name in SENT if shown["properties"].get(name) is not None}
    exists(*(sent[name] for name in ASSOCIATED if name in sent), location=shown["location"])(running, client)
    network = shown["properties"].get("managedNetwork") or {}
    if network.get("isolationMode", "Disabled") != "Disabled":
        sent["managedNetwork"] = {"isolationMode": network["isolationMode"]}
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
