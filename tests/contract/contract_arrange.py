"""What is there before the first exchange of a recording.

Most of it follows from the recording itself (`presupposed`): a resource group that it uses and does not create exists; a
vault, account or identity whose first exchange is a GET that answers 200 exists as that answer shows it; so does a
soft-deleted vault. What does not follow is in `STARTS`, per recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contract_recordings import ARM, Exchange, Rename, Scenario
from sandbox_support import Client

from cmkctl.sandbox import CLIENT_OBJECT_ID, SUBSCRIPTION_ID, ids
from cmkctl.sandbox.arrange import Arrangement
from cmkctl.sandbox.server import Running

Step = Callable[[Running, Client], object]
PREVIEW_SDK = "2023-04-01-preview"


@dataclass(frozen=True)
class Start:
    """The starting state of one recording.

    Attributes:
        rename: what the recording calls otherwise than the sandbox.
        unregistered: resource providers that are not registered; all others are.
        groups: resource groups that exist although the recording's first answers do not show it.
        principals: object ids that are in the directory.
        before: what is arranged immediately before an exchange, by its number.
        order: the numbers in the order they were sent in, where that is not the order they are recorded in.
        apart: the exchanges have nothing to do with each other.

    """

    rename: Rename = field(default_factory=Rename)
    unregistered: Sequence[str] = ()
    groups: Sequence[str] = ()
    principals: Sequence[str] = ()
    before: Mapping[int, Step] = field(default_factory=dict)
    order: Sequence[int] = ()
    apart: bool = False

    def at(self, number: int) -> Start:
        """Return the start of one exchange that is played alone."""
        step = self.before.get(number)
        return replace(self, before={0: step} if step else {})


def arrange(running: Running, scenario: Scenario, start: Start) -> None:
    """Put a new sandbox into the state the recording began in."""
    state = running.state
    state.register_provider()
    state.unregister_provider(*start.unregistered)
    for principal in start.principals:
        state.add_principal(principal, "recorded principal", principal)
    for step in presupposed(scenario):
        step(state)
    for group in start.groups:
        state.add_resource_group(group)


def presupposed(scenario: Scenario) -> Iterator[Callable[[Arrangement], object]]:
    """Yield what makes the things that a recording shows to exist before it begins."""
    seen: set[str] = set()
    groups: set[str] = set()
    documents = _documents(scenario)
    for exchange in scenario.exchanges:
        if exchange.host != ARM:
            continue
        yield from _groups(exchange, groups)
        yield from _shown(exchange, seen, documents)


def _documents(scenario: Scenario) -> dict[str, Any]:
    """Return how each vault of the recording is shown first."""
    found: dict[str, Any] = {}
    for exchange in scenario.exchanges:
        answer = exchange.answer
        if isinstance(answer, dict) and str(answer.get("type", "")).lower() == "microsoft.keyvault/vaults":
            found.setdefault(answer["name"].lower(), answer)
    return found


def _groups(exchange: Exchange, seen: set[str]) -> Iterator[Callable[[Arrangement], object]]:
    match = re.match(r"/subscriptions/[^/]+/resourcegroups/([^/]+)(/.*)?$", exchange.path, re.IGNORECASE)
    if match is None or match[1].lower() in seen:
        return
    seen.add(match[1].lower())
    created = not match[2] and (exchange.status == 201 or exchange.status == 404)
    missing = isinstance(exchange.answer, dict) and _code(exchange.answer) == "ResourceGroupNotFound"
    if not created and not missing:
        shown = exchange.answer if isinstance(exchange.answer, dict) and not match[2] else {}
        name, more = match[1], {"location": shown["location"], "tags": shown.get("tags", {})} if shown.get("location") else {}
        yield lambda state: state.add_resource_group(name, **more)


def _code(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    return str(error.get("code")) if isinstance(error, dict) else ""


def _shown(
    exchange: Exchange, seen: set[str], documents: Mapping[str, Any]
) -> Iterator[Callable[[Arrangement], object]]:
    key = exchange.path.lower()
    match = re.search(r"/providers/(microsoft\.\w+/\w+)/([^/]+)$", key)
    deleted = re.search(r"/locations/[^/]+/deletedvaults/([^/]+)$", key)
    name = (match and match[2]) or (deleted and deleted[1])
    if name is None or name in seen:
        return
    seen.add(name)
    if exchange.method != "GET" or exchange.status != 200:
        return
    if deleted:
        yield lambda state: _add_deleted_vault(state, exchange.answer, documents.get(name, {}))
    elif match and match[1] in MAKERS:
        yield lambda state: MAKERS[match[1]](state, exchange.answer)


def group_id(name: str) -> str:
    """Return the id of a resource group of the sandbox's subscription."""
    return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"


def _group_of(identifier: str) -> str:
    return identifier.split("/")[4]


def _add_vault(state: Arrangement, shown: Mapping[str, Any]) -> None:
    properties = dict(shown["properties"])
    sku = properties.pop("sku")["name"]
    for name in ("vaultUri", "provisioningState", "tenantId"):
        properties.pop(name, None)
    protected = bool(properties.pop("enablePurgeProtection", False))
    unsaid = dict.fromkeys(("softDeleteRetentionInDays", "enableRbacAuthorization", "publicNetworkAccess"))
    more = {"purge_protection": protected, "sku": sku, "location": shown["location"]}
    state.add_vault(shown["name"], _group_of(shown["id"]), **more, **unsaid | properties)


def _add_deleted_vault(state: Arrangement, shown: Mapping[str, Any], later: Mapping[str, Any]) -> None:
    """Add a soft-deleted vault, as the recording shows it later; its group is there only if it was before."""
    deleted = shown["properties"]
    group = group_id(_group_of(deleted["vaultId"]))
    plain = {"sku": {"name": "standard"}, **({"enablePurgeProtection": True} if deleted.get("purgeProtectionEnabled") else {})}
    with state.tenant.lock:
        new = ids.key(group) not in state.tenant.table("groups")
        document = {"properties": plain, **later, "id": deleted["vaultId"]}
        _add_vault(state, {**document, "name": shown["name"], "location": deleted["location"]})
        state.delete_vault(shown["name"])
        if new:
            state.tenant.table("groups").pop(ids.key(group))


def _add_account(state: Arrangement, shown: Mapping[str, Any]) -> None:
    state.add_storage_account(shown["name"], _group_of(shown["id"]), shown["location"])


def _add_identity(state: Arrangement, shown: Mapping[str, Any]) -> None:
    state.add_identity(shown["name"], _group_of(shown["id"]), shown["location"])


MAKERS: Mapping[str, Callable[[Arrangement, Mapping[str, Any]], None]] = {
    "microsoft.keyvault/vaults": _add_vault,
    "microsoft.storage/storageaccounts": _add_account,
    "microsoft.managedidentity/userassignedidentities": _add_identity,
}


def _caller(object_id: str) -> Rename:
    """Make the recorded caller the sandbox's."""
    return Rename(anywhere={object_id: CLIENT_OBJECT_ID})


STARTS: Mapping[str, Start] = {
    "21": Start(rename=_caller("3707fb2f-ac10-4591-a04f-8b0d786ea37d")),
    "22": Start(apart=True),
    "24": Start(rename=_caller("3707fb2f-ac10-4591-a04f-8b0d786ea37d")),
    "30": Start(rename=_caller("d186af52-b4be-48d9-9bae-1757adadc29f"), unregistered=("Microsoft.KeyVault",)),
    "44": Start(apart=True),
    "45": Start(apart=True),
    "60": Start(apart=True),
    "61": Start(apart=True),
    "62": Start(apart=True),
    "70": Start(rename=_caller("27f82b5d-ce19-4257-a337-dabea1926ae2")),
    "72": Start(rename=_caller("a7250e3a-0e5e-48e2-9a34-45f1f5e1a91e")),
    "73": Start(rename=_caller("9ac02ab3-5061-4ec6-a3d8-2cdaa5f29efa")),
}
