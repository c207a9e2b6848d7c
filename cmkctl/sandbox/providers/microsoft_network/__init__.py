"""Microsoft.Network: virtual networks and subnets, private endpoints with their zone groups, private DNS zones and links."""

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_network import connections, private_dns, private_endpoints, virtual_networks

COVERAGE = Area(
    "private networks",
    supported=(
        "virtual networks and subnets, private endpoints with interface and zone group, private DNS zones and their links",
        "`privateEndpointConnections` and `privateLinkResources` of workspaces, vaults, storage accounts and registries",
        "refused: a subnet that is missing, full or in another region; a target or group id that does not exist",
        "refused: a registry below Premium; another subnet, target or group for an endpoint; a zone group without a zone",
        "fails in the operation: a network that is linked to two zones of one name",
    ),
    not_modelled=(
        "record sets, peerings, security groups, routes, network security perimeters; nothing is resolved or reached",
    ),
    guesses=(
        "a connection is approved at once for every caller; in Azure the caller needs the right to approve on the target",
        "a subnet with network policies `Enabled` is refused outside AzureCloud: a report of 2026 has it for Azure Government",
        "zones overlap only when their names are equal",
        "every service endpoint shows the location `*`, as recorded for Microsoft.KeyVault; Azure may show regions for others",
        "that an endpoint's subnet, target and group cannot be changed: no page states that they could",
    ),
)

PROVIDER = Provider(
    namespace="Microsoft.Network",
    coverage=(COVERAGE,),
    routes=(*virtual_networks.ROUTES, *private_endpoints.ROUTES, *private_dns.ROUTES, *connections.ROUTES),
    durations=(
        Duration("network.createEndpoint", 60, GUESS),
        Duration("network.createZone", 30, GUESS),
        Duration("network.createNetwork", 5, GUESS),
    ),
    arrange=(
        virtual_networks.add_subnet,
        private_endpoints.add_private_endpoint,
        private_endpoints.set_endpoint_connection,
        private_dns.add_private_dns_zone,
    ),
)
