"""The types of Microsoft.Network: api-versions, bodies, the groups of private link, and the polls of operations."""

import re
from typing import Any

from cmkctl.sandbox.core import ids, operations, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.shapes import NOT_MODELLED, READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

VERSIONS = (
    "2020-11-01", "2021-02-01", "2021-05-01", "2021-08-01", "2022-01-01", "2022-05-01", "2022-07-01", "2022-09-01",
    "2022-11-01", "2023-02-01", "2023-04-01", "2023-05-01", "2023-06-01", "2023-09-01", "2023-11-01", "2024-01-01",
    "2024-03-01", "2024-05-01", "2024-07-01", "2024-10-01", "2025-01-01", "2025-03-01", "2025-05-01", "2025-07-01",
    "2026-01-01",
)  # fmt: skip
DNS_VERSIONS = ("2018-09-01", "2020-01-01", "2020-06-01", "2024-06-01")
NAME = re.compile(r"[A-Za-z0-9]([\w.-]{0,78}\w)?")
NAME_RULE = "1-80 letters, digits, _, . and -, beginning with a letter or digit, ending with one or _"
POLICIES = ("Enabled", "Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled")
TOP = {**shapes.TOP, "location": str, "tags": shapes.TAGS}

SUBNET: dict[str, Any] = {
    "addressPrefix": str,
    "addressPrefixes": [str],
    "privateEndpointNetworkPolicies": POLICIES,
    "privateLinkServiceNetworkPolicies": ("Enabled", "Disabled"),
    "defaultOutboundAccess": bool,
    "delegations": [{"name": str, "id": shapes.IGNORED, "type": shapes.IGNORED, "properties": {"serviceName": str}}],
    "serviceEndpoints": [{"service": Required(str), "locations": [str], "provisioningState": READ_ONLY}],
    "networkSecurityGroup": {"id": str},
    "routeTable": {"id": str},
    "natGateway": {"id": str},
    **dict.fromkeys(("provisioningState", "privateEndpoints", "purpose", "ipConfigurations"), READ_ONLY),
}
NETWORK = resources.ResourceType(
    type="Microsoft.Network/virtualNetworks",
    versions=VERSIONS,
    shape={
        **TOP,
        "properties": Required(
            {
                "addressSpace": Required({"addressPrefixes": Required([str])}),
                "subnets": [{**shapes.TOP, "name": Required(str), "properties": SUBNET}],
                "dhcpOptions": {"dnsServers": [str]},
                "enableDdosProtection": bool,
                "enableVmProtection": bool,
                "privateEndpointVNetPolicies": ("Disabled", "Basic"),
                "virtualNetworkPeerings": [NOT_MODELLED],
                **dict.fromkeys(("provisioningState", "resourceGuid"), READ_ONLY),
            }
        ),
    },
    name=NAME,
    name_rule=NAME_RULE,
)
_CONNECTION = {
    "id": shapes.IGNORED,
    "type": shapes.IGNORED,
    "etag": READ_ONLY,
    "name": Required(str),
    "properties": Required(
        {
            "privateLinkServiceId": Required(str),
            "groupIds": [str],
            "requestMessage": str,
            **dict.fromkeys(("privateLinkServiceConnectionState", "provisioningState"), READ_ONLY),
        }
    ),
}
ENDPOINT = resources.ResourceType(
    type="Microsoft.Network/privateEndpoints",
    versions=VERSIONS,
    shape={
        **TOP,
        "extendedLocation": NOT_MODELLED,
        "properties": Required(
            {
                "subnet": Required(
                    {"id": Required(str), **dict.fromkeys(("name", "properties", "type"), shapes.IGNORED)}
                ),
                "privateLinkServiceConnections": [_CONNECTION],
                "manualPrivateLinkServiceConnections": [_CONNECTION],
                "customNetworkInterfaceName": str,
                "ipConfigurations": [NOT_MODELLED],
                "applicationSecurityGroups": [NOT_MODELLED],
                **dict.fromkeys(
                    ("networkInterfaces", "customDnsConfigs", "provisioningState", "resourceGuid", "ipVersionType"),
                    READ_ONLY,
                ),
            }
        ),
    },
    name=NAME,
    name_rule=NAME_RULE,
)
ZONE_GROUP = {
    **shapes.TOP,
    "properties": Required(
        {
            "privateDnsZoneConfigs": [
                {
                    **dict.fromkeys(("id", "type", "etag"), shapes.IGNORED),
                    "name": Required(str),
                    "properties": Required({"privateDnsZoneId": Required(str), "recordSets": READ_ONLY}),
                }
            ],
            "provisioningState": READ_ONLY,
        }
    ),
}
INTERFACE = resources.ResourceType(
    type="Microsoft.Network/networkInterfaces", versions=VERSIONS, shape={}, name=NAME, name_rule=NAME_RULE
)
ZONE = resources.ResourceType(
    type="Microsoft.Network/privateDnsZones",
    versions=DNS_VERSIONS,
    shape={
        **TOP,
        "properties": dict.fromkeys(
            (
                "maxNumberOfRecordSets", "numberOfRecordSets", "maxNumberOfVirtualNetworkLinks", "numberOfVirtualNetworkLinks",
                "maxNumberOfVirtualNetworkLinksWithRegistration", "numberOfVirtualNetworkLinksWithRegistration",
                "provisioningState", "internalId",
            ),
            READ_ONLY,
        ),
    },
    name=re.compile(r".*"),
    name_rule="",
    everywhere=True,
)  # fmt: skip
ZONE_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){1,33}")
LINK = {
    **TOP,
    "properties": Required(
        {
            "virtualNetwork": Required({"id": Required(str)}),
            "registrationEnabled": bool,
            "resolutionPolicy": ("Default", "NxDomainRedirect"),
            **dict.fromkeys(("virtualNetworkLinkState", "provisioningState"), READ_ONLY),
        }
    ),
}

GROUPS: dict[str, tuple[str, ...]] = {
    "microsoft.machinelearningservices/workspaces": ("amlworkspace",),
    "microsoft.keyvault/vaults": ("vault",),
    "microsoft.containerregistry/registries": ("registry",),
    "microsoft.storage/storageaccounts": tuple(
        f"{word}{end}" for word in ("blob", "file", "queue", "table", "dfs", "web") for end in ("", "_secondary")
    ),
    "microsoft.sql/servers": ("sqlServer",),
    "microsoft.datafactory/factories": ("dataFactory", "portal"),
}
"""The group ids of each type that has private endpoints, by lower-case type (private-endpoint-overview)."""


def poll_links(call: Call, name: str, location: str, retry_after: int = 10) -> dict[str, str]:
    """Return the poll URLs of an operation of Microsoft.Network."""
    path = f"/subscriptions/{call['subscription']}/providers/Microsoft.Network/locations/{location}/operations/{name}"
    return {
        "Azure-AsyncOperation": operations.link(call, path, name),
        "Retry-After": str(retry_after),
    }


def dns_links(call: Call, name: str) -> dict[str, str]:
    """Return the poll URLs of an operation of private DNS."""
    head = f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}/providers/Microsoft.Network"
    return {
        "Azure-AsyncOperation": operations.link(call, f"{head}/privateDnsOperationStatuses/{name}", name),
        "Location": operations.link(call, f"{head}/privateDnsOperationResults/{name}", name),
    }


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer the state of an operation."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if not operation["finished"]:
        return Reply(200, {"status": "InProgress"})
    if operation["failure"] is not None:
        return Reply(200, {"status": "Failed", "error": operation["failure"]})
    return Reply(200, {"status": "Succeeded"})


def result(tenant: Tenant, call: Call) -> Reply:
    """Answer the end of an operation of private DNS: 202 until then, then the resource."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    record = tenant.resource(operation["target"])
    if not operation["finished"]:
        return Reply(202, headers=dns_links(call, call["operation"]))
    if operation["failure"] is not None:
        return Reply(400, {"error": operation["failure"]})
    return Reply(204) if record is None else Reply(200, record["doc"])


def etag(identifier: str) -> str:
    """Return the etag of a resource. The sandbox keeps no versions of it."""
    return f'W/"{ids.guid("etag", identifier.lower())}"'


def subnet_of(tenant: Tenant, identifier: str) -> Json | None:
    """Return a subnet as its network shows it; None when there is none of that id."""
    network, _, name = identifier.rpartition("/subnets/")
    record = tenant.resource(network) if network else None
    if record is None or record["doc"]["type"] != NETWORK.type:
        return None
    found: list[Json] = record["doc"]["properties"]["subnets"]
    return next((each for each in found if each["name"].lower() == name.lower()), None)
