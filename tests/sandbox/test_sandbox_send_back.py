"""What a GET answers, a PUT takes back: Azure ignores read-only properties, and nothing changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.sandbox import SUBSCRIPTION, Client, vault_body, vault_path
from support.service_folders import pages

from cmkctl.sandbox import CLIENT_OBJECT_ID, Pace, Sandbox
from cmkctl.sandbox.core import registry, shapes
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.core.shapes import READ_ONLY, MapOf, Required, Since
from cmkctl.sandbox.providers.microsoft_network import connections

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/contract"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
COMPONENT = f"{GROUP}/providers/Microsoft.Insights/components/appi"
SQL_SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql"
READER = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
IDENTITIES = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
NETWORK = f"{GROUP}/providers/Microsoft.Network"
SUBNET = f"{NETWORK}/virtualNetworks/vnet/subnets/one"
ENDPOINT = f"{NETWORK}/privateEndpoints/pe"
ZONE = f"{NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
PLAIN: dict[str, Any] = {"location": "eastus2"}
EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "microsoft.resources/resourcegroups": (f"{SUBSCRIPTION}/resourceGroups/another", PLAIN),
    "microsoft.managedidentity/userassignedidentities": (IDENTITY, PLAIN),
    "microsoft.keyvault/vaults": (vault_path("kv-two"), vault_body()),
    "microsoft.keyvault/vaults/keys": (vault_path("kv-two") + "/keys/cmk", {"properties": {"kty": "RSA"}}),
    "microsoft.storage/storageaccounts": (
        STORAGE,
        {**PLAIN, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "identity": IDENTITIES},
    ),
    "microsoft.operationalinsights/workspaces": (
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs",
        PLAIN,
    ),
    "microsoft.insights/components": (
        COMPONENT,
        {**PLAIN, "kind": "web", "properties": {"Application_Type": "web"}},
    ),
    "microsoft.insights/components/currentbillingfeatures": (
        f"{COMPONENT}/currentbillingfeatures",
        {"DataVolumeCap": {"Cap": 20}},
    ),
    "microsoft.containerregistry/registries": (
        f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/registry1",
        {**PLAIN, "sku": {"name": "Premium"}},
    ),
    "microsoft.authorization/roleassignments": (
        f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/c0ffee00-0000-4000-8000-00000000a551",
        {"properties": {"roleDefinitionId": READER, "principalId": CLIENT_OBJECT_ID}},
    ),
    "microsoft.compute/diskencryptionsets": (
        f"{GROUP}/providers/Microsoft.Compute/diskEncryptionSets/des",
        {**PLAIN, "identity": {"type": "SystemAssigned"}, "properties": {"activeKey": {"keyUrl": "KEY"}}},
    ),
    "microsoft.machinelearningservices/workspaces": (
        WORKSPACE,
        {
            **PLAIN,
            "kind": "Default",
            "identity": IDENTITIES,
            "properties": {
                "storageAccount": STORAGE,
                "keyVault": vault_path("kv-one"),
                "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"},
                "primaryUserAssignedIdentity": IDENTITY,
                "encryption": {
                    "status": "Enabled",
                    "keyVaultProperties": {"keyVaultArmId": vault_path("kv-one"), "keyIdentifier": "KEY"},
                },
            },
        },
    ),
    "microsoft.machinelearningservices/workspaces/computes": (
        f"{WORKSPACE}/computes/cluster",
        {
            **PLAIN,
            "properties": {
                "computeType": "AmlCompute",
                "properties": {"vmSize": "STANDARD_DS3_V2", "scaleSettings": {"maxNodeCount": 2}},
            },
        },
    ),
    "microsoft.machinelearningservices/workspaces/onlineendpoints": (
        f"{WORKSPACE}/onlineEndpoints/one",
        {**PLAIN, "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}},
    ),
    "microsoft.machinelearningservices/workspaces/batchendpoints": (
        f"{WORKSPACE}/batchEndpoints/one",
        {**PLAIN, "properties": {"authMode": "AADToken"}},
    ),
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": (
        f"{WORKSPACE}/onlineEndpoints/one/deployments/blue",
        {
            **PLAIN,
            "sku": {"name": "Default", "capacity": 1},
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_DS3_v2",
                "dataCollector": {"collections": {"request": {"dataCollectionMode": "Enabled", "samplingRate": 1}}},
            },
        },
    ),
    "microsoft.machinelearningservices/workspaces/batchendpoints/deployments": (
        f"{WORKSPACE}/batchEndpoints/one/deployments/nightly",
        {
            **PLAIN,
            "properties": {"compute": f"{WORKSPACE}/computes/cluster", "resources": {"instanceCount": 2}},
        },
    ),
    "microsoft.machinelearningservices/workspaces/connections": (
        f"{WORKSPACE}/connections/one",
        {"properties": {"authType": "None", "category": "ContainerRegistry", "target": "www.example.invalid"}},
    ),
    "microsoft.machinelearningservices/workspaces/outboundrules": (
        f"{WORKSPACE}/outboundRules/one",
        {"properties": {"type": "ServiceTag", "destination": {"serviceTag": "DataFactory", "portRanges": "443"}}},
    ),
    "microsoft.authorization/locks": (
        f"{GROUP}/providers/Microsoft.Authorization/locks/one",
        {"properties": {"level": "CanNotDelete", "notes": "stays"}},
    ),
    "microsoft.resources/tags": (
        f"{GROUP}/providers/Microsoft.Resources/tags/default",
        {"properties": {"tags": {"owner": "x"}}},
    ),
    "microsoft.containerregistry/registries/replications": (
        f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/registry1/replications/westus3",
        {"location": "westus3"},
    ),
    **{
        f"microsoft.storage/storageaccounts/{kind.lower()}": (
            f"{STORAGE}/{kind}/default",
            {"properties": {"cors": {"corsRules": []}}},
        )
        for kind in ("blobServices", "fileServices", "queueServices", "tableServices")
    },
    "microsoft.storage/storageaccounts/blobservices/containers": (
        f"{STORAGE}/blobServices/default/containers/one",
        {"properties": {}},
    ),
    "microsoft.storage/storageaccounts/encryptionscopes": (
        f"{STORAGE}/encryptionScopes/one",
        {"properties": {"source": "Microsoft.Storage"}},
    ),
    "microsoft.insights/diagnosticsettings": (
        f"{vault_path('kv-one')}/providers/Microsoft.Insights/diagnosticSettings/one",
        {"properties": {"storageAccountId": STORAGE, "logs": [{"category": "AuditEvent", "enabled": True}]}},
    ),
    "microsoft.sql/servers": (
        SQL_SERVER,
        {
            **PLAIN,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
            "properties": {"administratorLogin": "ada", "primaryUserAssignedIdentityId": IDENTITY},
        },
    ),
    "microsoft.sql/servers/keys": (
        f"{SQL_SERVER}/keys/KEY_NAME",
        {"properties": {"serverKeyType": "AzureKeyVault", "uri": "KEY"}},
    ),
    "microsoft.sql/servers/encryptionprotector": (
        f"{SQL_SERVER}/encryptionProtector/current",
        {"properties": {"serverKeyType": "AzureKeyVault", "serverKeyName": "KEY_NAME"}},
    ),
    "microsoft.datafactory/factories": (f"{GROUP}/providers/Microsoft.DataFactory/factories/adf", PLAIN),
    "microsoft.containerinstance/containergroups": (
        f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/aci",
        {
            **PLAIN,
            "properties": {
                "containers": [{"name": "one", "properties": {"image": "alpine"}}],
                "osType": "Linux",
                "ipAddress": {"type": "Public", "ports": [{"port": 80}], "dnsNameLabel": "aci"},
            },
        },
    ),
    "microsoft.network/virtualnetworks": (
        f"{NETWORK}/virtualNetworks/vnet",
        {**PLAIN, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
    ),
    "microsoft.network/virtualnetworks/subnets": (SUBNET, {"properties": {"addressPrefix": "10.0.0.0/24"}}),
    "microsoft.network/privateendpoints": (
        ENDPOINT,
        {
            **PLAIN,
            "properties": {
                "subnet": {"id": SUBNET},
                "privateLinkServiceConnections": [
                    {"name": "pe", "properties": {"privateLinkServiceId": STORAGE, "groupIds": ["blob"]}}
                ],
            },
        },
    ),
    "microsoft.network/privatednszones": (ZONE, {"location": "global"}),
    "microsoft.network/privatednszones/virtualnetworklinks": (
        f"{ZONE}/virtualNetworkLinks/one",
        {"location": "global", "properties": {"virtualNetwork": {"id": f"{NETWORK}/virtualNetworks/vnet"}}},
    ),
    "microsoft.network/privateendpoints/privatednszonegroups": (
        f"{ENDPOINT}/privateDnsZoneGroups/default",
        {"properties": {"privateDnsZoneConfigs": [{"name": "blob", "properties": {"privateDnsZoneId": ZONE}}]}},
    ),
    **{
        kind.lower(): (
            f"{GROUP}/providers/{each['path']}",
            {name: value for name, value in {**PLAIN, **each["body"]}.items() if value is not None},
        )
        for page in pages("examples.yaml", IDENTITY=IDENTITY, GROUP=GROUP)
        for kind, each in page.items()
    },
}
"""A resource of each type that is written as a document of its own, in the order in which they can be created."""

NOT_DOCUMENTS = {
    "microsoft.keyvault/vaults/accesspolicies",
    "microsoft.resources/deployments",
    *(f"{each.type.lower()}/privateendpointconnections" for each in connections.TARGETS),
}
"""Types whose PUT is an action: it answers something else than what was sent."""

MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\d{10}")
"""A date, or the seconds of one: the moment of the last change may differ."""


@pytest.fixture(scope="module")
def arm() -> Iterator[Client]:
    """Provide a sandbox in which everything is done at once, with one resource of every type."""
    with Sandbox(pace=Pace.none()).serve() as running:
        running.state.register_provider()
        running.state.add_vault("kv-one")
        key = running.state.add_key("kv-one", "cmk")
        running.state.add_access_policy("kv-one", COSMOS_DB_OBJECT_ID, ["get", "wrapKey", "unwrapKey"])
        client = Client(running)
        for kind, (path, body) in EXAMPLES.items():
            answer = client("PUT", _with_key(path, key), _with_key(body, key), _version(kind))
            assert answer.status_code < 300, (path, answer.text)
            if path == IDENTITY:
                principal = answer.json()["properties"]["principalId"]
                running.state.add_access_policy("kv-one", principal, ["get", "list", "wrapKey", "unwrapKey"])
                running.state.assign_role(GROUP, principal, CONTRIBUTOR)  # the workspace acts as this identity
        yield client


def _with_key(value: Any, key: str) -> Any:
    """Return a body or a path with the key's identifier for KEY, and SQL's name of that key for KEY_NAME."""
    if isinstance(value, dict):
        return {name: _with_key(inner, key) for name, inner in value.items()}
    name = "kv-one_" + "_".join(key.split("/")[-2:])
    return key if value == "KEY" else value.replace("KEY_NAME", name) if isinstance(value, str) else value


def _key(arm: Client) -> str:
    """Return the identifier of the key that the examples name."""
    record = arm.running.state.tenant.resource(vault_path("kv-one") + "/keys/cmk")
    assert record is not None
    return f"https://kv-one.vault.azure.net/keys/cmk/{record['versions'][-1]['version']}"


def _version(kind: str) -> str:
    return max(registry.versions()[kind], key=lambda word: (not word.endswith("preview"), word))


def _still(value: Any) -> Any:
    """Return a document without its moments."""
    if isinstance(value, dict):
        return {name: _still(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_still(inner) for inner in value]
    return MOMENTS.sub("*", str(value)) if not isinstance(value, bool) else value


def test_every_type_that_is_written_is_among_the_examples() -> None:
    """A type that a provider adds has to get one."""
    written = {route.type.lower() for each in registry.providers() for route in each.routes if route.method == "PUT"}

    assert written - NOT_DOCUMENTS == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_document_that_is_sent_back_changes_nothing(arm: Client, kind: str) -> None:
    """azurerm, `az resource tag` and `az resource update` PUT what they have read: accepted, and the next GET is the same."""
    path, version = _with_key(EXAMPLES[kind][0], _key(arm)), _version(kind)
    before = arm("GET", path, api=version).json()

    answer = arm("PUT", path, before, version)
    after = arm("GET", path, api=version).json()

    assert answer.status_code in {200, 201, 202}, answer.text
    assert _still(after) == _still(before)


def _places(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of every read-only property of a shape, with a body that has only that."""
    if shape is READ_ONLY:
        yield path, "anything"
    elif isinstance(shape, Required | Since):
        yield from _places(shape.shape, path)
    elif isinstance(shape, MapOf):
        yield from ((where, {"any": body}) for where, body in _places(shape.shape, f"{path}.any"))
    elif isinstance(shape, list):
        yield from ((where, [body]) for where, body in _places(shape[0], f"{path}[]"))
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            yield from ((where, {name: body}) for where, body in _places(inner, f"{path}.{name}".lstrip(".")))


def test_read_only_properties_are_found_wherever_they_are() -> None:
    """In objects, maps, arrays, behind markers, and whatever the casing of their names."""
    shape = {
        "top": READ_ONLY,
        "some": Required({"inner": READ_ONLY, "kept": str}),
        "young": Since("2024-01-01", "2023-01-01-preview", {"one": READ_ONLY}),
        "map": MapOf({"two": READ_ONLY}),
        "list": [{"three": READ_ONLY}],
    }
    places = dict(_places(shape))

    assert list(places) == ["top", "some.inner", "young.one", "map.any.two", "list[].three"]
    assert {path: shapes.read_only(shape, body) for path, body in places.items()} == {path: [path] for path in places}
    assert shapes.read_only(shape, {"TOP": 1, "some": {"kept": "x"}}) == ["TOP"]
    assert shapes.accept(shape, {"top": 1, "some": {"inner": 2, "kept": "x"}}, "2024-01-01") == {"some": {"kept": "x"}}
