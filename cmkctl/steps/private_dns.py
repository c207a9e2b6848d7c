"""Step 4: the private DNS zones in which private endpoints are registered, and their links to the network.

Zones that the profile gives are only read. A zone of the profile's own is made once, and linked to the network of the subnet
unless another link leads there already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cmkctl.azure import decoding, versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId, provider_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.private_network import PrivateNetworkSettings
from cmkctl.steps._private_targets import zones_needed
from cmkctl.steps._tags import TAGS_DIFFER, new_tags, tag_body, tag_drift
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

_ZONE: Final = "private DNS zone"
_LINK: Final = "link of DNS zone"
_GLOBAL: Final = "global"


@dataclass(frozen=True, slots=True)
class ObservedDns:
    """Each zone by its id (None: absent), the links of each zone, and the id of another zone that holds the network.

    `elsewhere` is by the name of the zone: a network can be linked to one zone of a name only.
    """

    zones: Mapping[str, ArmDocument | None] = field(default_factory=dict)
    links: Mapping[str, tuple[ArmDocument, ...]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


class PrivateDns:
    """``PUT …/privateDnsZones/NAME`` and ``PUT …/virtualNetworkLinks/NAME`` for each zone that is absent."""

    name = "private_dns"
    title = "private DNS"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/private-link/private-endpoint-dns"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the zones where some are made."""
        return ("Microsoft.Network/privateDnsZones",) if profile.private_network else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedDns:
        """Read the zones, those that are made with their links, and other zones of their names."""
        network = profile.private_network
        if network is None:
            return ObservedDns()
        ids = [each for name in zones_needed(profile) if (each := network.zone_id(name))]
        ours = [each for each in ids if not network.is_given(each)]
        found = azure.gather(*(partial(_zone, azure, network, each) for each in ids))
        links = dict(zip(ours, azure.gather(*(partial(_links, azure, each) for each in ours)), strict=True))
        unlinked = [each for each in ours if _leading_to(links[each], network.network_id) is None]
        elsewhere = _linked_elsewhere(azure, profile.subscription, network.network_id, unlinked)
        return ObservedDns(dict(zip(ids, found, strict=True)), links, elsewhere)

    def plan(self, profile: Profile, observed: ObservedDns, known: Known) -> list[Change]:  # noqa: ARG002 - a step's signature
        """Make and link each zone, or adopt it; nothing where the profile has no private network."""
        network = profile.private_network
        return [change for zone in observed.zones if network for change in _plan_zone(profile, network, observed, zone)]

    def outputs(self, profile: Profile, observed: ObservedDns) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: the ids of the zones follow from the profile."""
        return {}


def _zone(azure: Snapshot, network: PrivateNetworkSettings, zone: str) -> ArmDocument | None:
    """Read a zone. A given one that may not be read counts as there: registering in it needs another right."""
    try:
        return azure.resource(zone, versions.PRIVATE_DNS)
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED or not network.is_given(zone):
            raise
        return {}


def _links(azure: Snapshot, zone: str) -> tuple[ArmDocument, ...]:
    found = azure.listing(f"{zone}/virtualNetworkLinks", versions.PRIVATE_DNS, decoding.DnsLinks) or {"value": []}
    return tuple(found["value"])


def _linked_elsewhere(azure: Snapshot, subscription: str, network: str, zones: list[str]) -> dict[str, str]:
    """Return the zones of the subscription that have the name of one of `zones` and are linked to the network, by name.

    Zones that may not be listed are not found; Azure then refuses the link.
    """
    if not zones:
        return {}
    names = {ResourceId.parse(each).name.lower() for each in zones}
    try:
        path = f"{provider_id(subscription, 'Microsoft.Network')}/privateDnsZones"
        listed = azure.listing(path, versions.PRIVATE_DNS, decoding.DnsZones) or {"value": []}
        others = [
            each["id"]
            for each in listed["value"]
            if each["name"].lower() in names and not any(same_resource_id(each["id"], zone) for zone in zones)
        ]
        links = azure.gather(*(partial(_links, azure, each) for each in others))
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return {}
    return {
        zone.rpartition("/")[2].lower(): zone
        for zone, found in zip(others, links, strict=True)
        if _leading_to(found, network) is not None
    }


def _leading_to(links: tuple[ArmDocument, ...], network: str) -> ArmDocument | None:
    return next((each for each in links if same_resource_id(_network_of(each), network)), None)


def _network_of(link: Mapping[str, Any]) -> str:
    return str(at_path(link, "properties.virtualNetwork.id") or "")


def _plan_zone(profile: Profile, network: PrivateNetworkSettings, observed: ObservedDns, zone: str) -> Iterator[Change]:
    name, found = ResourceId.parse(zone).name, observed.zones[zone]
    if network.is_given(zone):
        yield _given(zone, name, found)
        return
    yield _own_zone(profile, zone, name, found)
    yield _link(profile, network, observed, zone)


def _given(zone: str, name: str, found: ArmDocument | None) -> Change:
    if found is None:
        reason = "there is no zone with this id"
        return conflict(
            PrivateDns.name, zone, _ZONE, name, "CMK276", reason, "correct the id in private_network.dns.zones"
        )
    return no_op(PrivateDns.name, zone, _ZONE, name, "given by id" if found else "given by id, and not readable here")


def _own_zone(profile: Profile, zone: str, name: str, found: ArmDocument | None) -> Change:
    settle = Settle(zone, versions.PRIVATE_DNS)
    if found is None:
        body: dict[str, Json] = {"location": _GLOBAL, "tags": new_tags(profile)}
        return Change(
            PrivateDns.name,
            Action.CREATE,
            zone,
            _ZONE,
            name,
            "does not exist",
            request=Request("PUT", zone, versions.PRIVATE_DNS, body),
            settle=settle,
        )
    state = str(at_path(found, "properties.provisioningState") or "")
    if in_progress(state.lower()):
        return wait(PrivateDns.name, zone, _ZONE, name, reason_to_wait(state), settle)
    if drift := tag_drift(profile, found):
        return Change(
            PrivateDns.name,
            Action.UPDATE,
            zone,
            _ZONE,
            name,
            TAGS_DIFFER,
            tuple(drift),
            request=Request("PATCH", zone, versions.PRIVATE_DNS, tag_body(profile, found)),
            settle=settle,
        )
    return no_op(PrivateDns.name, zone, _ZONE, name, "up to date")


def _link(profile: Profile, network: PrivateNetworkSettings, observed: ObservedDns, zone: str) -> Change:
    name, vnet = ResourceId.parse(zone).name, network.network_id
    link = str(ResourceId.parse(zone).child("virtualNetworkLinks", network.link_name))
    settle = Settle(link, versions.PRIVATE_DNS)
    there = _leading_to(observed.links[zone], vnet)
    if there is not None:
        state = str(at_path(there, "properties.provisioningState") or "")
        if same_resource_id(str(there.get("id", "")), link) and in_progress(state.lower()):
            return wait(PrivateDns.name, link, _LINK, name, reason_to_wait(state), settle)
        return no_op(PrivateDns.name, link, _LINK, name, f"linked to {ResourceId.parse(vnet).name}")
    same_name = next((each for each in observed.links[zone] if same_resource_id(str(each.get("id", "")), link)), None)
    if same_name is not None:
        reason = f"it leads to {_network_of(same_name) or 'no network'}, and the network of a link is fixed"
        way = f"delete it: az resource delete --ids {link}"
        return conflict(PrivateDns.name, link, _LINK, name, "CMK278", reason, way)
    if other := observed.elsewhere.get(name.lower()):
        reason = f"the network is linked to {other}, and can be linked to one zone of a name only"
        return conflict(
            PrivateDns.name, link, _LINK, name, "CMK277", reason, f"add that id to private_network.dns.zones: {other}"
        )
    properties: Json = {"virtualNetwork": {"id": vnet}, "registrationEnabled": False}
    body: dict[str, Json] = {"location": _GLOBAL, "tags": new_tags(profile), "properties": properties}
    return Change(
        PrivateDns.name,
        Action.CREATE,
        link,
        _LINK,
        name,
        "does not exist",
        attributes=(AttributeChange("virtualNetwork", None, vnet, phrase=Phrase(f"to {ResourceId.parse(vnet).name}")),),
        depends_on=(zone,) if observed.zones[zone] is None else (),
        request=Request("PUT", link, versions.PRIVATE_DNS, body),
        settle=settle,
    )
