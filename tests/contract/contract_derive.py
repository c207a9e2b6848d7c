"""Derives from a recording what was there before its first exchange.

A recording shows its own start. What it reads before it creates it was there, as it is shown; so was the parent of what it
writes first, the vault whose keys it uses, and what a body refers to. A provider whose first sign is that it is not
registered was not. A principal with a role was in the directory. What does not follow from the recording is declared
in `contract_starts`, with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract_history import START, VAULT_HOST, VAULTS, History, code_of, documents, key_of, properties_of
from contract_makers import Step
from contract_recordings import ARM, Exchange, Scenario
from support.sandbox import Client

from cmkctl.sandbox import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from cmkctl.sandbox.server import Running

ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
"""Key Vault Administrator, the role that may do everything with keys."""
USES_KEYS = frozenset({"all", "create", "get"})
NOT_REGISTERED = "MissingSubscriptionRegistration"
KEY = re.compile(r"https://([\w-]+)\.vault\.azure\.net(?::443)?/keys/([\w-]+)/([0-9a-f]{32})")


def presupposed(scenario: Scenario) -> Iterator[tuple[int, Step]]:
    """Yield the steps that make what a recording shows to exist, each with the exchange it comes before.

    That is `START`, unless the recording itself creates the group first, or shows that the resource was absent first.
    """
    history = History.of(scenario)
    first = [
        *(_unregistered(each) for each in not_registered(scenario)),
        *(_principal(each) for each in _granted(scenario)),
        *_groups(scenario, history),
    ]
    yield from ((START, step) for step in first)
    yield from history.existed.values()
    last = [*_assignments(scenario), *_keys(scenario), *_rights(scenario, history)]
    yield from ((START, step) for step in last)


@dataclass(frozen=True)
class Principal:
    """A service principal of the recorded directory; `identity` is the id of the managed identity it belongs to."""

    object_id: str
    app_id: str
    name: str
    identity: str


def directory(scenario: Scenario) -> list[Principal]:
    """Return the service principals that the directory shows, and that no earlier answer of ARM shows to be made."""
    found: dict[str, Principal] = {}
    made = ""
    for exchange in scenario.exchanges:
        if exchange.host == ARM:
            made += "".join(re.findall(r'"principalId": "[^"]+"', json.dumps(exchange.answer)))
        if exchange.host.startswith("graph.") and exchange.status == 200 and isinstance(exchange.answer, dict):
            rows = exchange.answer.get("value", [exchange.answer])
            for each in rows if isinstance(rows, list) else []:
                if isinstance(each, dict) and each.get("appId") and each.get("id") and each["id"] not in made:
                    own = [name for name in each.get("alternativeNames") or () if "/userAssignedIdentities/" in name]
                    shown = Principal(each["id"], each["appId"], each.get("displayName") or "", "".join(own[:1]))
                    found.setdefault(each["id"], shown)
    return list(found.values())


# --- the caller


def caller(scenario: Scenario) -> str | None:
    """Return the object id of the recorded caller: whom the vault lets do what the recording does with its keys.

    None when no vault shows it, or several principals may.
    """
    found: set[str] = set()
    for host in _used_vaults(scenario):
        shown = [each["properties"] for each in documents(scenario, VAULTS) if each["name"].lower() == host]
        for policy in [each for properties in shown[:1] for each in properties.get("accessPolicies", [])]:
            if USES_KEYS & {word.lower() for word in policy["permissions"].get("keys") or ()}:
                found.add(policy["objectId"])
    return found.pop() if len(found) == 1 else None


def _used_vaults(scenario: Scenario) -> list[str]:
    """Return the names of the vaults whose keys the recording used with success."""
    allowed = [each for each in scenario.exchanges if each.status < 300 or each.status in {404, 409}]
    used = [each for each in allowed if each.host.endswith(VAULT_HOST)]
    return list(dict.fromkeys(each.host.partition(".")[0].lower() for each in used))


# --- providers and principals


def not_registered(scenario: Scenario) -> list[str]:
    """Return the resource providers whose first sign is that they are not registered."""
    found: dict[str, bool] = {}
    for exchange in scenario.exchanges:
        match = re.match(r"/subscriptions/[^/]+/(?:.*/)?providers/([\w.]+)(/register)?", exchange.path, re.IGNORECASE)
        if match is None:
            continue
        state = exchange.answer.get("registrationState", "") if isinstance(exchange.answer, dict) else ""
        missing = code_of(exchange.answer) == NOT_REGISTERED or state in {"NotRegistered", "Unregistered"}
        found.setdefault(match[1].lower(), missing or (bool(match[2]) and state == "Registering"))
    return [namespace for namespace, missing in found.items() if missing]


def _unregistered(namespace: str) -> Step:
    def make(running: Running, _client: Client) -> None:
        if namespace in running.state.tenant.data["providers"][SUBSCRIPTION_ID]:
            running.state.unregister_provider(namespace)

    return make


def _granted(scenario: Scenario) -> list[str]:
    """Return the principals that were given a role, and that no earlier answer of the recording shows."""
    shown = ""
    found: dict[str, None] = {}
    for exchange in scenario.exchanges:
        principal = properties_of(exchange.body).get("principalId")
        refused = code_of(exchange.answer) in {"PrincipalNotFound", "InvalidPrincipalId"}
        if "roleAssignments" in exchange.path and isinstance(principal, str) and not refused and principal not in shown:
            found[principal] = None
        shown += json.dumps(exchange.answer)
    return [each for each in found if each != CLIENT_OBJECT_ID]


def _principal(object_id: str) -> Step:
    def make(running: Running, _client: Client) -> None:
        if object_id not in running.state.tenant.table("principals"):
            running.state.add_principal(object_id, "recorded principal", object_id)

    return make


def _assignments(scenario: Scenario) -> Iterator[Step]:
    """Yield what makes role assignments that were there: a PUT meets one of its kind, or a DELETE shows the first."""
    for exchange in scenario.exchanges:
        scope, _, name = exchange.path.partition("/providers/Microsoft.Authorization/roleAssignments/")
        existed = exchange.method == "PUT" and code_of(exchange.answer) == "RoleAssignmentExists"
        if existed and _first_of(scenario, exchange):
            sent = properties_of(exchange.body)
            role = sent["roleDefinitionId"].rpartition("/")[2]
            yield _assigned(scope, "", {"principalId": sent["principalId"]}, role)
        elif exchange.method == "DELETE" and exchange.status == 200 and name and _first_of(scenario, exchange):
            shown = exchange.answer
            role = shown["properties"]["roleDefinitionId"].rpartition("/")[2]
            yield _assigned(scope, shown["id"].rpartition("/")[2], shown["properties"], role)


def _first_of(scenario: Scenario, exchange: Exchange) -> bool:
    earlier = [each for each in scenario.exchanges if each.number < exchange.number]
    return not any("roleAssignments" in each.path and each.method == "PUT" for each in earlier)


def _assigned(scope: str, name: str, properties: Mapping[str, Any], role: str) -> Step:
    """Return what assigns a role, under the recorded name when there is one."""

    def make(running: Running, client: Client) -> None:
        principal = properties["principalId"]
        _principal(principal)(running, client)
        identifier = running.state.assign_role(scope, principal, role)
        if name:
            with running.state.tenant.lock:
                table = running.state.tenant.table("assignments")
                document = table.pop(identifier.lower())["doc"]
                document |= {"name": name, "id": identifier.rpartition("/")[0] + "/" + name}
                document["properties"] |= properties
                table[document["id"].lower()] = {"doc": document}

    return make


# --- groups


def _groups(scenario: Scenario, history: History) -> Iterator[Step]:
    """Yield what makes the groups that are used and not created."""
    seen: set[str] = set()
    for exchange in scenario.exchanges:
        match = re.match(r"/subscriptions/[^/]+/resourcegroups/([^/]+)(/.*)?$", exchange.path, re.IGNORECASE)
        if exchange.host != ARM or match is None or match[1].lower() in seen:
            continue
        seen.add(match[1].lower())
        created = not match[2] and exchange.status in {201, 404}
        if not created and code_of(exchange.answer) != "ResourceGroupNotFound":
            shown = history.groups.get(match[1].lower(), {})
            yield _group(match[1], {word: shown[word] for word in ("location", "tags") if word in shown})


def _group(name: str, more: Mapping[str, Any]) -> Step:
    return lambda running, _client: running.state.add_resource_group(name, **more)


# --- keys, and the right to use them


def _keys(scenario: Scenario) -> Iterator[Step]:
    """Yield what makes the key versions that bodies name, or that are read, and no exchange creates."""
    made = ""
    seen: set[str] = set()
    for exchange in scenario.exchanges:
        if exchange.status < 300:
            sent = "" if exchange.body is None else json.dumps(exchange.body)
            for vault, name, version in KEY.findall(sent + (exchange.url if exchange.method == "GET" else "")):
                if version not in made and version not in seen:
                    seen.add(version)
                    yield _key_version(vault, name, version)
        made += json.dumps(exchange.answer)


def _key_version(vault: str, name: str, version: str) -> Step:
    def make(running: Running, _client: Client) -> None:
        try:
            record = running.state.vault(vault)
        except LookupError:
            running.state.add_vault(vault, "another-group")
            record = running.state.vault(vault)
        running.state.add_key(vault, name)
        with running.state.tenant.lock:
            key = running.state.tenant.resource(f"{record['doc']['id']}/keys/{name}")
            assert key is not None
            key["versions"][-1]["version"] = version

    return make


def _rights(scenario: Scenario, history: History) -> Iterator[Step]:
    """Yield what lets the caller use the keys it used, where no policy shows it and no exchange gives it a role."""
    for host in _used_vaults(scenario):
        shown = next((each for each in documents(scenario, VAULTS) if each["name"].lower() == host), None)
        if shown is None and key_of(VAULTS, host) in history.existed:
            yield _policy(host)
        elif shown is not None and shown["properties"].get("enableRbacAuthorization"):
            sent = [each for each in scenario.exchanges if each.method == "PUT" and "roleAssignments" in each.path]
            if CLIENT_OBJECT_ID not in {
                properties_of(each.body).get("principalId") for each in sent if each.status == 201
            }:
                yield _assigned(shown["id"], "", {"principalId": CLIENT_OBJECT_ID}, ADMINISTRATOR)


def _policy(vault: str) -> Step:
    return lambda running, _client: running.state.add_access_policy(vault, CLIENT_OBJECT_ID, ["all", "purge"])
