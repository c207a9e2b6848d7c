"""Reads from a recording which resources were there before it begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from contract_makers import (
    MADE_BY_PUT,
    MAKERS,
    WORKSPACE,
    Step,
    add_deleted_vault,
    as_shown,
    exists,
    group_id,
    network_exists,
    subnet_exists,
)
from contract_recordings import ARM, MASKED_GROUP, Exchange, Scenario
from support.sandbox import Client

from cmkctl.sandbox.server import Running

START = -1
"""The place of a step that comes before the first exchange."""
VAULT_HOST = ".vault.azure.net"
VAULTS = "microsoft.keyvault/vaults"
NETWORKS = "microsoft.network/virtualnetworks"
KNOWN = (*MAKERS, *MADE_BY_PUT, WORKSPACE, NETWORKS)
IDENTIFIER = re.compile(
    r"/subscriptions/[^/\"]+/resourcegroups/([^/\"]+)/providers/([\w.]+/\w+)/([^/\"?]+)", re.IGNORECASE
)
SUBNETS = "microsoft.network/virtualnetworks/subnets"
SUBNET = re.compile(r"/subscriptions/[^/]+/resourcegroups/.+/virtualNetworks/([^/]+)/subnets/([^/]+)", re.IGNORECASE)


@dataclass
class History:
    """The first use of each resource in a recording; keys are ``type/name`` in lower case."""

    scenario: Scenario
    groups: dict[str, Any] = field(default_factory=dict)
    made_groups: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    existed: dict[str, tuple[int, Step]] = field(default_factory=dict)
    templates: str = ""

    @classmethod
    def of(cls, scenario: Scenario) -> History:
        """Read a recording from its beginning to its end."""
        history = cls(scenario)
        for group in reversed([*documents(scenario, "microsoft.resources/resourcegroups")]):
            history.groups[group["name"].lower()] = group
        for exchange in scenario.exchanges:
            history.add(exchange)
        return history

    def add(self, exchange: Exchange) -> None:
        """Take one more exchange into account."""
        if exchange.host.endswith(VAULT_HOST):
            self._exists(exchange, VAULTS, exchange.host.partition(".")[0])
        elif exchange.host == ARM:
            self._add_arm(exchange)

    def _add_arm(self, exchange: Exchange) -> None:
        path = unquote(exchange.path)
        if match := re.fullmatch(r"/subscriptions/[^/]+/resourcegroups/([^/]+)", path, re.IGNORECASE):
            if exchange.method == "PUT" and exchange.status == 201:
                self.made_groups.add(match[1].lower())
        elif "/deployments/" in path and exchange.method == "PUT" and exchange.status < 300:
            self._referred(exchange)
            self.templates += json.dumps(exchange.body).lower()
        elif (match := IDENTIFIER.match(path)) and match[2].lower() in KNOWN:
            self._used(exchange, match[0], match[2].lower(), match[3], whole=match[0] == path)
            self._subnet(exchange, path)
        elif deleted := re.search(r"/deletedvaults/([^/]+)$", path.lower()):
            self._deleted(exchange, deleted[1])
        elif path.endswith("/checkNameAvailability") and (exchange.answer or {}).get("reason") == "AlreadyExists":
            self._exists(exchange, VAULTS, exchange.body["name"])
        elif exchange.method == "GET" and exchange.status == 200:
            self._listed(exchange)
        if exchange.method in {"PUT", "PATCH"} and exchange.status < 300 and "/deployments/" not in path:
            self._referred(exchange)

    def _used(self, exchange: Exchange, identifier: str, kind: str, name: str, *, whole: bool) -> None:
        key = key_of(kind, name)
        succeeded = exchange.status < 300
        if (whole and exchange.method == "GET" and exchange.status == 200) or (not whole and succeeded):
            self._exists(exchange, kind, name, identifier)
        elif not self._new(kind, name):
            if exchange.method == "PUT" and whole and succeeded:
                self._create(key)
        elif not whole:
            return
        elif properties_of(exchange.body).get("createMode") == "recover" and exchange.status not in {404, 409}:
            self.existed[key] = (START, _recoverable(identifier, name))
        elif exchange.status in {204, 404}:
            self.absent.add(key)
        elif exchange.method == "PUT" and (exchange.status != 200 or kind == VAULTS):
            self._create(key)
        elif succeeded:
            self._exists(exchange, kind, name, identifier)

    def _subnet(self, exchange: Exchange, path: str) -> None:
        """Note a subnet that is read, or a scope, before it is created; with it, its network was there."""
        match = SUBNET.match(path)
        if match is None or key_of(SUBNETS, match[2]) in self.created | self.existed.keys():
            return
        if exchange.method == "PUT" and match[0] == path:
            self.created.add(key_of(SUBNETS, match[2]))
        elif exchange.status < 300 or code_of(exchange.answer) == "PrincipalNotFound":
            self.existed[key_of(SUBNETS, match[2])] = (START, subnet_exists(match[0]))

    def _create(self, key: str) -> None:
        self.created.add(key)
        self.absent.discard(key)

    def _deleted(self, exchange: Exchange, name: str) -> None:
        if self._new(VAULTS, name) and exchange.method == "GET" and exchange.status == 200:
            later = next((each for each in documents(self.scenario, VAULTS) if each["name"].lower() == name), {})
            answer = exchange.answer
            step: Step = lambda running, _client: add_deleted_vault(running.state, answer, later)  # noqa: E731  a Step
            self.existed[key_of(VAULTS, name)] = (START, step)

    def _listed(self, exchange: Exchange) -> None:
        for item in listed(exchange.answer):
            kind = item["type"].lower()
            if kind in {VAULTS, WORKSPACE}:
                self._exists(exchange, kind, item["name"], item["id"], shown=item)

    def _referred(self, exchange: Exchange) -> None:
        """Note what a body refers to by its id, unless an exchange creates it or shows that it is absent."""
        for match in IDENTIFIER.finditer(json.dumps(exchange.body)):
            kind, name = match[2].lower(), match[3]
            if kind in KNOWN and self._new(kind, name) and not self._made_or_absent(match[0]):
                self._exists(exchange, kind, name, match[0])

    def _made_or_absent(self, identifier: str) -> bool:
        own = [each for each in self.scenario.exchanges if unquote(each.path).lower() == identifier.lower()]
        return bool(own) and (own[0].status in {204, 404} or own[0].method == "PUT")

    def _new(self, kind: str, name: str) -> bool:
        known = self.created | self.absent | self.existed.keys()
        return key_of(kind, name) not in known and not self._templated(name)

    def _templated(self, name: str) -> bool:
        return f'"{name.lower()}"' in self.templates

    def _exists(
        self, exchange: Exchange, kind: str, name: str, identifier: str = "", shown: Mapping[str, Any] | None = None
    ) -> None:
        """Note that a resource was there: as a later answer shows it, otherwise as one that is made by its id alone."""
        key = key_of(kind, name)
        if not self._new(kind, name) and (key not in self.absent or self._templated(name)):
            return
        identifier = identifier or self._identifier(kind, name)
        later = next((each for each in documents(self.scenario, kind) if each["name"].lower() == name.lower()), shown)
        if kind == VAULTS and not (later or {}).get("properties"):
            step = _vault(identifier, {**_protection(self.scenario, name), **_location(exchange)}, later or {})
        elif kind == NETWORKS:
            step = network_exists(identifier, _location(exchange).get("location", "eastus2"))
        elif later is not None and kind in (*MAKERS, WORKSPACE):
            masked = MASKED_GROUP in later["id"]
            step = as_shown({**later, "id": identifier} if masked else later)
        else:
            step = exists(identifier, location=_location(exchange).get("location", "eastus2"))
        group = identifier.split("/")[4].lower()
        self.existed[key] = (exchange.number if {group} & self.made_groups or key in self.absent else START, step)
        self.absent.discard(key)

    def _identifier(self, kind: str, name: str) -> str:
        """Return the id of a resource that is used by its name alone, where the recording has it."""
        for exchange in self.scenario.exchanges:
            for text in (unquote(exchange.path), json.dumps(exchange.body), json.dumps(exchange.answer)):
                for match in IDENTIFIER.finditer(text):
                    if key_of(match[2], match[3]) == key_of(kind, name):
                        return match[0]
        return f"{group_id('another-group')}/providers/{kind}/{name}"


def _location(exchange: Exchange) -> dict[str, str]:
    """Return the region that an exchange names."""
    for body in (exchange.answer, exchange.body):
        if isinstance(body, dict) and isinstance(body.get("location"), str) and re.fullmatch(r"\w+", body["location"]):
            return {"location": body["location"]}
    links = (exchange.headers.get(name, "") for name in ("location", "azure-asyncoperation"))
    text = "".join(links) + json.dumps(exchange.answer)
    link = re.search(r"(?:/locations/|;location=)(\w+)", text)
    return {"location": link[1]} if link else {}


def key_of(kind: str, name: str) -> str:
    """Return the key of a resource in a `History`."""
    return f"{kind}/{name}".lower()


def _vault(identifier: str, more: Mapping[str, Any], shown: Mapping[str, Any]) -> Step:
    """Return what adds a vault by its id; `shown` is how a list shows it, without its properties."""

    def make(running: Running, _client: Client) -> None:
        group, name = identifier.split("/")[4], identifier.rpartition("/")[2]
        location = {"location": shown["location"]} if shown else {}
        running.state.add_vault(name, group, **{**more, **location})
        with running.state.tenant.lock:
            running.state.vault(name)["doc"].update(
                {word: shown[word] for word in ("tags", "systemData") if word in shown}
            )

    return make


def _recoverable(identifier: str, name: str) -> Step:
    def make(running: Running, _client: Client) -> None:
        running.state.add_vault(name, identifier.split("/")[4])
        running.state.delete_vault(name)

    return make


def _protection(scenario: Scenario, vault: str) -> dict[str, Any]:
    """Return how a vault protects its keys, as the recovery level of a key in it shows."""
    name = vault.lower()
    for exchange in scenario.exchanges:
        if not (exchange.host.startswith(f"{name}.") or f"/vaults/{name}/keys/" in exchange.path.lower()):
            continue
        text = json.dumps(exchange.answer)
        level = re.search(r'"recoveryLevel": "([\w+]+)"', text)
        if level is not None:
            days = 7 if level[1].startswith("Customized") else 90
            sku = "premium" if '-HSM"' in text else "standard"
            return {"purge_protection": "Purgeable" not in level[1], "softDeleteRetentionInDays": days, "sku": sku}
    return {}


# --- what answers show


def documents(scenario: Scenario, kind: str) -> Iterator[dict[str, Any]]:
    """Yield every document of a type that an answer of the recording shows, in their order."""
    for exchange in scenario.exchanges:
        for each in (exchange.answer, *listed(exchange.answer)):
            if isinstance(each, dict) and str(each.get("type", "")).lower() == kind and each.get("properties"):
                yield each


def listed(answer: Any) -> list[dict[str, Any]]:
    """Return the resources that an answer lists; empty when it is no list of resources."""
    rows = answer.get("value") if isinstance(answer, dict) else None
    return (
        [row for row in rows if isinstance(row, dict) and isinstance(row.get("type"), str)]
        if isinstance(rows, list)
        else []
    )


def properties_of(body: Any) -> dict[str, Any]:
    """Return the properties of a body; empty when it has none."""
    found = body.get("properties") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def code_of(answer: Any) -> str:
    """Return the code of a refusal; empty when the answer is none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""
