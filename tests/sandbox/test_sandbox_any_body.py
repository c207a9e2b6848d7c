"""A body that is broken in any one place gets an answer in ARM's form, never a stack trace."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from support.sandbox import Client, vault_body, vault_path

from cmkctl.sandbox import CLIENT_OBJECT_ID, TENANT_ID
from cmkctl.sandbox.server import Running

ABSENT = object()
INSTEAD: tuple[Any, ...] = (ABSENT, None, 1, "x", [], {}, [None], {"x": None}, True, "")
PROVIDERS = "/resourceGroups/rg/providers/"
WORKSPACE = PROVIDERS + "Microsoft.MachineLearningServices/workspaces/mlw"
POLICY = {"tenantId": TENANT_ID, "objectId": CLIENT_OBJECT_ID, "permissions": {"keys": ["get"]}}
KEY = {"kty": "RSA", "keySize": 2048, "keyOps": ["wrapKey"], "attributes": {"enabled": True, "exp": 9999999999}}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every place in a document, the document itself first."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from places(inner, (*path, name))


def broken(document: Any, path: tuple[Any, ...], instead: Any) -> Any:
    """Return the document with something else in one place."""
    if not path:
        return {} if instead is ABSENT else instead
    changed = copy.deepcopy(document)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    if instead is ABSENT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = instead
    return changed


def bodies(running: Running) -> dict[tuple[str, str], dict[str, Any]]:
    """Arrange a subscription and return good requests for it."""
    state = running.state
    state.register_provider()
    vault, key = state.add_vault("kv-cmk"), state.add_key("kv-cmk", "cmk")
    state.add_access_policy("kv-cmk")
    keys = {"keyVaultArmId": vault, "keyIdentifier": key}
    encryption = {"status": "Enabled", "identity": {"userAssignedIdentity": None}, "keyVaultProperties": keys}
    storage = state.add_storage_account("stone")
    workspace = {"keyVault": vault, "storageAccount": storage, "hbiWorkspace": False, "encryption": encryption}
    role = {"roleDefinitionId": "/x/e147488a-f6f5-4113-8e2d-b22465e65bf6", "principalId": CLIENT_OBJECT_ID}
    east = {"location": "eastus2", "tags": {"a": "b"}}
    sku = {"sku": {"name": "Premium"}}
    return {
        ("PUT", "/resourceGroups/rg"): east,
        ("PUT", vault_path("kv-new")): vault_body(accessPolicies=[POLICY], createMode="default"),
        ("PATCH", vault_path("kv-cmk")): {"tags": {}, "properties": {"accessPolicies": [POLICY]}},
        ("PUT", vault_path("kv-cmk") + "/accessPolicies/add"): {"properties": {"accessPolicies": [POLICY]}},
        ("PUT", vault_path("kv-cmk") + "/keys/new"): {"properties": KEY},
        ("PUT", WORKSPACE): {
            **east,
            "kind": "Default",
            "identity": {"type": "SystemAssigned"},
            "properties": workspace,
        },
        ("PATCH", WORKSPACE): {"properties": {"encryption": encryption}},
        ("PUT", PROVIDERS + "Microsoft.Storage/storageAccounts/sttwo"): {
            **east,
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "identity": {"type": "SystemAssigned"},
            "properties": {"encryption": {"keySource": "Microsoft.Storage"}},
        },
        ("PATCH", PROVIDERS + "Microsoft.Storage/storageAccounts/stone"): {
            "sku": {"name": "Standard_LRS"},
            "identity": {"type": "None"},
        },
        ("PUT", PROVIDERS + "Microsoft.OperationalInsights/workspaces/logs"): {
            **east,
            "properties": {"sku": {"name": "x"}},
        },
        ("PUT", PROVIDERS + "Microsoft.Insights/components/ai"): {
            **east,
            "kind": "web",
            "properties": {"Application_Type": "web", "WorkspaceResourceId": "x"},
        },
        ("PUT", PROVIDERS + "Microsoft.ContainerRegistry/registries/crone"): {
            **east,
            **sku,
            "properties": {"encryption": {"status": "disabled"}},
        },
        ("PATCH", PROVIDERS + "Microsoft.ContainerRegistry/registries/crone"): {**sku, "properties": {"policies": {}}},
        ("PUT", PROVIDERS + "Microsoft.ManagedIdentity/userAssignedIdentities/uai"): east,
        ("PUT", f"{vault}/providers/Microsoft.Authorization/roleAssignments/{CLIENT_OBJECT_ID}"): {"properties": role},
    }


@pytest.mark.filterwarnings("error")
def test_a_body_broken_in_one_place_is_answered_in_arms_form(instant: Running) -> None:
    """Each value of each good body is left out or replaced by nine others; the answer is a success or an ARM error."""
    client = Client(instant)

    for (method, path), body in bodies(instant).items():
        for place in places(body):
            for instead in INSTEAD:
                answer = client(method, path, broken(body, place, instead))
                readable = not answer.content or isinstance(answer.json(), dict)
                assert readable, (method, path, place, instead)
                if answer.status_code >= 400:
                    assert set(answer.json()["error"]) >= {"code", "message"}, (method, path, place, instead)
