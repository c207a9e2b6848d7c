"""The private network: endpoints in a subnet that exists, and the private DNS zones that resolve their names.

An endpoint is called by what it reaches: ``workspace``, ``blob``, ``registry`` and so on. Names, zones and links follow from
the profile, so a second run finds what the first one made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from cmkctl.azure.ids import ResourceId
from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Contradiction, Section

EndpointTarget = Literal[
    "workspace", "key_vault", "workspace_key_vault", "blob", "file", "queue", "table", "dfs", "registry"
]
USUAL_TARGETS: Final[tuple[EndpointTarget, ...]] = ("workspace", "key_vault", "workspace_key_vault", "blob", "file")
"""The endpoints that a workspace needs where all of its resources are closed; a registry is added where there is one."""

_LINK: Final = DerivedName("link", 33)
_KEPT: Final = 33
"""The number of characters of the workspace's name in the name of an endpoint: all of them. Azure accepts 80 in all."""


class PrivateDnsSettings(Section):
    """The private DNS zones in which the endpoints are registered: given by id, made, or neither."""

    zones: Annotated[tuple[field_types.PrivateDnsZoneId, ...], Field(strict=False)] = Field(
        (),
        description=(
            "ARM ids of zones that exist, in whatever subscription, such as a hub's. The last part of the id decides which "
            "endpoints are registered in it. cmkctl neither changes such a zone nor links it to a network."
        ),
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-dns/providers/Microsoft.Network"
                    "/privateDnsZones/privatelink.blob.core.windows.net"
                )
            ]
        ],
    )
    make: bool = Field(
        True,
        description=(
            "Whether a zone that zones does not list is made in the profile's resource group and linked to the network of "
            "the subnet. Write false where a policy or another team registers the endpoints."
        ),
        examples=[False],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield two zones of one name: an endpoint is registered in one of them."""
        names = [ResourceId.parse(each).name.lower() for each in self.zones]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield Contradiction(
                    f"zones[{place}]", f"There are two zones {name}.", "Keep the one that the network resolves."
                )


class PrivateNetworkSettings(Section):
    """Private endpoints for the workspace and the resources around it, in one subnet that exists."""

    subnet: field_types.SubnetId = Field(
        description=(
            "The ARM id of the subnet that the endpoints get addresses in. It exists, in the profile's subscription: Azure "
            "keeps an endpoint in the subscription and the region of its network."
        ),
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                "/virtualNetworks/vnet-ml/subnets/snet-endpoints"
            )
        ],
    )
    endpoints: Annotated[tuple[EndpointTarget, ...], Field(strict=False, min_length=1)] | None = Field(
        None,
        description=(
            "What gets an endpoint: workspace, key_vault (the one with the key), workspace_key_vault, registry, and of the "
            "storage account blob, file, queue, table, dfs. Left out: all of these except queue, table and dfs, and registry "
            "where the profile has one. One that is taken off the list stays in Azure."
        ),
        examples=[["workspace", "workspace_key_vault", "blob", "file"]],
    )
    names: dict[EndpointTarget, field_types.EndpointName] = Field(
        default_factory=dict,
        description="The names of single endpoints. Left out: stable names are derived.",
        examples=[{"workspace": "pe-mlw-prod"}],
    )
    dns: PrivateDnsSettings = Field(
        default_factory=PrivateDnsSettings,
        description="The private DNS zones of the endpoints. Left out: they are made and linked.",
        examples=[{"make": False}],
    )

    @property
    def network_id(self) -> str:
        """The ARM id of the virtual network."""
        return self.subnet.rpartition("/subnets/")[0]

    @property
    def link_name(self) -> str:
        """The name of the link from a zone that cmkctl makes to the network."""
        return self.placement.derived(_LINK)

    def endpoint_id(self, target: EndpointTarget) -> str:
        """Return the ARM id of the endpoint for a target, with the given name or the derived one."""
        derived = DerivedName(f"pe-{target.replace('_', '-')}", _KEPT)
        name = self.names.get(target) or self.placement.derived(derived)
        return self.placement.resource_id("Microsoft.Network/privateEndpoints", name)

    def zone_id(self, zone: str) -> str | None:
        """Return the ARM id of the zone of this name: given, or the one to make; None where endpoints stay unregistered."""
        given = next((each for each in self.dns.zones if ResourceId.parse(each).name.lower() == zone), None)
        if given is not None or not self.dns.make:
            return given
        return self.placement.resource_id("Microsoft.Network/privateDnsZones", zone)

    def is_given(self, zone: str) -> bool:
        """Return True for the ARM id of a zone that the profile gives."""
        return any(each.lower() == zone.lower() for each in self.dns.zones)

    def wanted(self, *, registry: bool) -> tuple[EndpointTarget, ...]:
        """Return what gets an endpoint; `registry` is true for a profile with a container registry."""
        return self.endpoints or (*USUAL_TARGETS, *(("registry",) if registry else ()))

    def objections(self, subscription: str, registry_sku: str | None, *, registry: bool) -> Iterator[Contradiction]:
        """Yield what contradicts the rest of the profile.

        `registry_sku` is the tier of a registry that the profile makes, None for any other.
        """
        if ResourceId.parse(self.subnet).subscription.lower() != subscription:
            yield Contradiction(
                "private_network.subnet",
                "The subnet is in another subscription. A private endpoint is in the subscription of its network.",
                "Give a subnet in the profile's subscription; networks may be peered.",
            )
        wanted = self.wanted(registry=registry)
        if "registry" in wanted and not registry:
            yield Contradiction(
                "private_network.endpoints",
                "There is an endpoint for a registry, and the profile has no registry.",
                "Write associated_resources.container_registry: {}, or take registry off the list.",
            )
        if "registry" in wanted and registry_sku not in (None, "Premium"):
            yield Contradiction(
                "associated_resources.container_registry.sku",
                f"Only a Premium registry has private endpoints, and this one is {registry_sku}.",
                "Write sku: Premium, or leave registry out of private_network.endpoints.",
            )
        for name in self.names:
            if name not in wanted:
                yield Contradiction(
                    f"private_network.names.{name}",
                    "It names an endpoint that private_network.endpoints does not list.",
                    f"Add {name} to private_network.endpoints, or remove its name.",
                )


TARGETS: Final[tuple[EndpointTarget, ...]] = get_args(EndpointTarget)
"""Everything that can have an endpoint."""
