"""The network side of the workspace itself: its managed network, and the subnet of serverless compute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section

IsolationMode = Literal["Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound"]


class PrivateEndpointRule(Section):
    """A private endpoint that Azure Machine Learning makes in the managed network."""

    resource: field_types.AnyResourceId = Field(
        description="The ARM id of the resource that is reached.",
        examples=[
            "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/stdata"
        ],
    )
    target: str = Field(description="The part of the resource that is reached, such as blob.", examples=["blob"])
    spark: bool = Field(False, description="Whether serverless Spark jobs reach it as well.", examples=[True])


class ServiceTagRule(Section):
    """Traffic to the addresses of a service tag."""

    tag: str = Field(description="The service tag.", examples=["DataFactory"])
    protocol: Literal["TCP", "UDP", "ICMP", "*"] = Field("TCP", description="The protocol.", examples=["TCP"])
    ports: field_types.PortRanges = Field(
        description="The ports, as numbers and ranges with commas between them.", examples=["80, 8080-8089"]
    )


class OutboundRule(Section):
    """One rule for traffic out of the managed network: exactly one of fqdn, private_endpoint and service_tag."""

    name: field_types.OutboundRuleName = Field(description="The rule's name.", examples=["pypi"])
    fqdn: field_types.Fqdn | None = Field(
        None, description="A host name that may be reached; *.example.com for all names below.", examples=["pypi.org"]
    )
    private_endpoint: PrivateEndpointRule | None = Field(
        None, description="A resource that is reached through a private endpoint.", examples=[{"target": "blob"}]
    )
    service_tag: ServiceTagRule | None = Field(
        None, description="A service tag that may be reached.", examples=[{"tag": "DataFactory", "ports": "443"}]
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a rule with no destination, or with several."""
        given = [each for each in _DESTINATIONS if getattr(self, each) is not None]
        if len(given) != 1:
            yield Contradiction(
                given[1] if given else "fqdn",
                f"A rule has one destination, and this one has {' and '.join(given) or 'none'}.",
                "Write one of fqdn, private_endpoint and service_tag.",
                missing=not given,
            )


_DESTINATIONS: Final = ("fqdn", "private_endpoint", "service_tag")


class ManagedNetworkSettings(Section):
    """The network that Azure Machine Learning manages for the workspace's computes."""

    isolation_mode: IsolationMode = Field(
        description=(
            "What leaves the network: AllowInternetOutbound for everything, AllowOnlyApprovedOutbound for the rules alone. "
            "Isolation cannot be turned off again, nor AllowOnlyApprovedOutbound be loosened."
        ),
        examples=["AllowOnlyApprovedOutbound"],
    )
    firewall_sku: Literal["Standard", "Basic"] | None = Field(
        None,
        description=(
            "The tier of the Azure Firewall that the first FQDN rule brings, billed by the hour. Left out: Standard for a "
            "new workspace, and whatever an existing one has."
        ),
        examples=["Basic"],
    )
    provision: Literal["now", "with-first-compute"] = Field(
        "with-first-compute",
        description=(
            "When Azure makes the network: now, which serverless Spark needs according to Microsoft's page, or with the first "
            "compute, which then takes about 30 minutes longer."
        ),
        examples=["now"],
    )
    include_spark: bool = Field(
        False, description="Whether provisioning now prepares the network for serverless Spark.", examples=[True]
    )
    outbound_rules: Annotated[tuple[OutboundRule, ...], Field(strict=False)] = Field(
        (),
        description="Rules of yours, compared by name. Rules that others or Azure Machine Learning made stay as they are.",
        examples=[[{"name": "pypi", "fqdn": "pypi.org"}]],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield settings that the isolation mode does not have."""
        mode = self.isolation_mode
        if mode == "Disabled" and (self.outbound_rules or self.provision == "now" or self.firewall_sku):
            yield Contradiction(
                "isolation_mode",
                "Without isolation there is no managed network, so nothing else of this section has an effect.",
                "Write isolation_mode: AllowInternetOutbound or AllowOnlyApprovedOutbound, or leave the rest out.",
            )
        if self.include_spark and self.provision != "now":
            yield Contradiction(
                "include_spark", "It is a choice of provisioning.", "Write provision: now, or leave include_spark out."
            )
        if mode != "AllowOnlyApprovedOutbound" and self.firewall_sku and mode != "Disabled":
            yield Contradiction(
                "firewall_sku",
                "Only AllowOnlyApprovedOutbound has a firewall.",
                "Leave firewall_sku out, or write isolation_mode: AllowOnlyApprovedOutbound.",
            )
        seen: set[str] = set()
        for place, each in enumerate(self.outbound_rules):
            if mode == "AllowInternetOutbound" and each.private_endpoint is None:
                yield Contradiction(
                    f"outbound_rules[{place}]",
                    "AllowInternetOutbound lets everything out; only rules for private endpoints have an effect.",
                    "Remove the rule, or write isolation_mode: AllowOnlyApprovedOutbound.",
                )
            if each.name.lower() in seen:
                yield Contradiction(
                    f"outbound_rules[{place}].name", f"There are two rules {each.name}.", "Choose another name."
                )
            seen.add(each.name.lower())

    @property
    def isolated(self) -> bool:
        """True where there is a managed network."""
        return self.isolation_mode != "Disabled"


class ServerlessComputeSettings(Section):
    """Serverless compute: the subnet of its nodes, and whether they have public addresses."""

    subnet: field_types.SubnetId | None = Field(
        None,
        description="The ARM id of a subnet that exists, for the nodes. Left out: Microsoft's own network.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                "/virtualNetworks/vnet-ml/subnets/snet-train"
            )
        ],
    )
    no_public_ip: bool = Field(
        False,
        description="Whether the nodes have no public addresses. They then reach the workspace through its private endpoint.",
        examples=[True],
    )
