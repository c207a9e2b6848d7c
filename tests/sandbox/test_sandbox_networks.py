"""Microsoft.Network: what is made, what appears on the other side, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.sandbox import SUBSCRIPTION, Client, code

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.server import Running

NETWORKS = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network"
ENDPOINT = f"{NETWORKS}/privateEndpoints/pe-one"
ZONE = f"{NETWORKS}/privateDnsZones/privatelink.blob.core.windows.net"
API, DNS = "2024-05-01", "2024-06-01"


@pytest.fixture
def running() -> Iterator[Running]:
    """Start a sandbox in which everything is done at once, with a network and a storage account."""
    with Sandbox(pace=Pace.none()).serve() as started:
        started.state.register_provider()
        started.state.add_resource_group("rg")
        started.state.add_storage_account("stone", "rg")
        yield started


@pytest.fixture
def arm(running: Running) -> Client:
    """Return a client."""
    return Client(running)


def account() -> str:
    """Return the id of the storage account."""
    return f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone"


def body(subnet: str, target: str | None = None, group: str = "blob", location: str = "eastus2") -> dict[str, Any]:
    """Return the body of an endpoint."""
    connection = {"privateLinkServiceId": target or account(), "groupIds": [group]}
    connections = [{"name": "one", "properties": connection}]
    return {
        "location": location,
        "properties": {"subnet": {"id": subnet}, "privateLinkServiceConnections": connections},
    }


def shown(running: Running, resource: str) -> dict[str, Any]:
    """Return the properties of a resource that is there."""
    found: dict[str, Any] | None = running.state.resource(resource)
    assert found is not None
    properties: dict[str, Any] = found["properties"]
    return properties


def test_an_endpoint_appears_on_its_target_and_on_its_subnet(running: Running, arm: Client) -> None:
    """The connection is approved on both sides; deleting the endpoint takes it away from both."""
    subnet = running.state.add_subnet()

    made = arm("PUT", ENDPOINT, body(subnet), API)
    (row,) = shown(running, account())["privateEndpointConnections"]
    users = shown(running, subnet.rpartition("/subnets/")[0])["subnets"][0]["properties"]["privateEndpoints"]
    deleted = arm("DELETE", ENDPOINT, api=API)

    assert (201, 202) == (made.status_code, deleted.status_code)
    assert ENDPOINT == row["properties"]["privateEndpoint"]["id"]
    assert "Approved" == row["properties"]["privateLinkServiceConnectionState"]["status"]
    assert [{"id": ENDPOINT}] == users
    assert [] == shown(running, account())["privateEndpointConnections"]


def test_a_connection_is_approved_and_removed_on_the_target(running: Running, arm: Client) -> None:
    """The owner of the target decides, and the endpoint shows it."""
    endpoint = running.state.add_private_endpoint(
        "pe-one", running.state.add_subnet(), account(), "blob", "rg", "Pending"
    )
    (row,) = shown(running, account())["privateEndpointConnections"]
    state = {"privateLinkServiceConnectionState": {"status": "Approved"}}

    def status() -> str:
        shown = arm("GET", endpoint, api=API).json()["properties"]["privateLinkServiceConnections"][0]["properties"]
        return str(shown["privateLinkServiceConnectionState"]["status"])

    before = status()
    approved = arm("PUT", row["id"], {"properties": state}, "2023-01-01")
    after = status()
    arm("DELETE", row["id"], api="2023-01-01")

    assert (200, "Pending", "Approved", "Disconnected") == (approved.status_code, before, after, status())


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"subnet": "none"}, (400, "InvalidResourceReference")),
        ({"location": "westus3"}, (400, "InvalidResourceReference")),
        ({"target": account() + "2"}, (400, "PrivateLinkServiceNotFound")),
        ({"group": "vault"}, (400, "PrivateLinkServiceGroupIdInvalid")),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(
    running: Running, arm: Client, changed: dict[str, str], refusal: tuple[int, str]
) -> None:
    """A subnet, a target or a group that does not exist; a network in another region."""
    subnet = running.state.add_subnet()
    properties = {"subnet": subnet, **changed}
    properties["subnet"] = subnet if properties["subnet"] == subnet else f"{subnet}-none"

    assert refusal == code(arm("PUT", ENDPOINT, body(**properties), API))


def test_what_an_endpoint_reaches_is_fixed(running: Running, arm: Client) -> None:
    """Another subnet, target or group for an endpoint that is there is refused; tags may change."""
    subnet, other = running.state.add_subnet(), running.state.add_subnet("snet-other", prefix="10.1.0.0/24")
    arm("PUT", ENDPOINT, body(subnet), API)

    answers = [
        code(arm("PUT", ENDPOINT, body(other), API)),
        code(arm("PUT", ENDPOINT, body(subnet, group="file"), API)),
    ]
    tagged = arm("PUT", ENDPOINT, {**body(subnet), "tags": {"a": "b"}}, API)

    assert [(400, "PrivateEndpointPropertyCannotBeChanged")] * 2 == answers
    assert (200, {"a": "b"}) == (tagged.status_code, tagged.json()["tags"])


def test_a_full_subnet_takes_no_endpoint(running: Running, arm: Client) -> None:
    """Azure keeps five addresses of a subnet, so one of eight has room for three endpoints."""
    subnet = running.state.add_subnet(prefix="10.0.0.0/29")
    for group in ("file", "queue", "table"):
        running.state.add_private_endpoint(f"pe-{group}", subnet, account(), group, "rg")

    assert (400, "SubnetIsFull") == code(arm("PUT", ENDPOINT, body(subnet), API))


def test_network_policies_are_refused_in_azure_government(running: Running) -> None:
    """The public cloud supports them; one report has the refusal for Azure Government."""
    subnet = running.state.add_subnet(policies="Enabled", location="usgovvirginia", group="rg-gov", network="vnet-gov")
    government = Client(running, "management.usgovcloudapi.net")
    sent = body(subnet, location="usgovvirginia")

    refused = code(government("PUT", ENDPOINT, sent, API))

    assert (400, "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled") == refused


def test_a_storage_account_takes_one_endpoint_at_a_time() -> None:
    """A second endpoint is refused as long as the first is being made."""
    with Sandbox(pace=Pace.reads(3)).serve() as running:
        running.state.register_provider()
        running.state.add_resource_group("rg")
        running.state.add_storage_account("stone", "rg")
        subnet, arm = running.state.add_subnet(), Client(running)

        first = arm("PUT", ENDPOINT, body(subnet), API)
        second = arm("PUT", f"{ENDPOINT}-two", body(subnet, group="file"), API)

        assert (201, (409, "StorageAccountOperationInProgress")) == (first.status_code, code(second))


def test_a_zone_group_needs_zones_that_exist(running: Running, arm: Client) -> None:
    """No zone, a zone that is absent, and a second group are refused."""
    arm("PUT", ENDPOINT, body(running.state.add_subnet()), API)
    zone = running.state.add_private_dns_zone("privatelink.blob.core.windows.net", "rg")

    def put(name: str, *zones: str) -> Any:
        configs = [{"name": f"z{place}", "properties": {"privateDnsZoneId": each}} for place, each in enumerate(zones)]
        group = f"{ENDPOINT}/privateDnsZoneGroups/{name}"
        return arm("PUT", group, {"properties": {"privateDnsZoneConfigs": configs}}, API)

    refused = [code(put("default")), code(put("default", f"{zone}x"))]
    made = put("default", zone)
    second = code(put("other", zone))

    assert [(400, "PrivateDnsZoneGroupNeedsZones"), (400, "InvalidResourceReference")] == refused
    assert (201, (400, "PrivateEndpointHasZoneGroup")) == (made.status_code, second)


def test_a_network_is_linked_to_one_zone_of_a_name(running: Running, arm: Client) -> None:
    """The request for a second link is accepted, and fails in its operation; the link is not there afterwards."""
    network = running.state.add_subnet().rpartition("/subnets/")[0]
    running.state.add_private_dns_zone("privatelink.blob.core.windows.net", "rg-dns", network)
    arm("PUT", ZONE, {"location": "global"}, DNS)
    link = {"location": "global", "properties": {"virtualNetwork": {"id": network}}}

    accepted = arm("PUT", f"{ZONE}/virtualNetworkLinks/one", link, DNS)
    operation = arm("GET", accepted.headers["Azure-AsyncOperation"])

    assert 202 == accepted.status_code
    assert "Failed" == operation.json()["status"]
    assert "overlapping namespaces" in operation.json()["error"]["message"]
    assert 404 == arm("GET", f"{ZONE}/virtualNetworkLinks/one", api=DNS).status_code


def test_what_is_in_use_is_not_deleted(running: Running, arm: Client) -> None:
    """A subnet with an endpoint, and a zone with a link."""
    subnet = running.state.add_subnet()
    zone = running.state.add_private_dns_zone(
        "privatelink.blob.core.windows.net", "rg", subnet.rpartition("/subnets/")[0]
    )
    arm("PUT", ENDPOINT, body(subnet), API)

    assert (400, "InUseSubnetCannotBeDeleted") == code(arm("DELETE", subnet, api=API))
    assert (409, "CannotDeleteResource") == code(arm("DELETE", zone, api=DNS))


def test_isolation_of_a_managed_network_is_not_loosened(running: Running, arm: Client) -> None:
    """It is turned on and tightened; every other change is refused."""
    running.state.add_vault("kv-one", "rg")
    workspace = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw"
    stores = {
        "storageAccount": account(),
        "keyVault": f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-one",
    }
    made = {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": stores}
    arm("PUT", workspace, made, "2025-06-01")

    def change(mode: str) -> int:
        changed = {"properties": {"managedNetwork": {"isolationMode": mode}}}
        return arm("PATCH", workspace, changed, "2025-06-01").status_code

    modes = ("AllowInternetOutbound", "Disabled", "AllowOnlyApprovedOutbound", "AllowInternetOutbound")

    assert [202, 400, 202, 400] == [change(each) for each in modes]
