"""Destroy, step 3: the private endpoints that cmkctl created, then links and zones that nothing else is registered in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from cmkctl.azure import decoding, versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId, provider_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Json, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import NO_MARK, Removal, Wanted, change_of, delete_request, left_of
from cmkctl.steps._private_targets import Target, targets_of, zones_needed
from cmkctl.steps._tags import is_marked
from cmkctl.steps._workspaces import ObservedWorkspaces, observe_workspaces

LEFT: Final[Output[list[dict[str, Json]]]] = Output("network_deletion", "left")
_ENDPOINT: Final = "private endpoint"
_ZONE: Final = "private DNS zone"
_LINK: Final = "link of DNS zone"
_BY_THE_HOUR: Final = "billed by the hour"


@dataclass(frozen=True, slots=True)
class ObservedZone:
    """A zone that cmkctl may have created (None: absent), and its links."""

    document: ArmDocument | None
    links: tuple[ArmDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """The workspaces, the endpoints by id, the zones by id, and the records that endpoints have in each zone.

    `records` are pairs of an endpoint's id and the id of a zone that it is registered in, once for each record; None where
    the endpoints of the subscription may not be listed.
    """

    workspaces: ObservedWorkspaces
    endpoints: Mapping[str, ArmDocument | None] = field(default_factory=dict)
    zones: Mapping[str, ObservedZone] = field(default_factory=dict)
    records: tuple[tuple[str, str], ...] | None = ()


class NetworkDeletion:
    """``DELETE …/privateEndpoints/NAME``, ``…/virtualNetworkLinks/NAME`` and ``…/privateDnsZones/NAME``."""

    name = "network_deletion"
    title = "deletion of the private endpoints"
    needs = ("project_deletion", "workspace_deletion")
    doc = "https://learn.microsoft.com/azure/private-link/private-endpoint-overview"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedNetwork:
        """Read the endpoints and zones of the profile, and what else is registered in the zones."""
        network = profile.private_network
        if network is None:
            return ObservedNetwork(ObservedWorkspaces(None, (), complete=True, at=azure.now()))
        ids = [each.endpoint for each in targets_of(profile)]
        zones = [
            each for name in zones_needed(profile) if (each := network.zone_id(name)) and not network.is_given(each)
        ]
        workspaces, found, held = (
            observe_workspaces(azure, profile),
            azure.gather(*(partial(azure.resource, each, versions.NETWORK) for each in ids)),
            [_zone(azure, each) for each in zones],
        )
        records = _records(azure, profile) if any(each.document for each in held) else ()
        return ObservedNetwork(
            workspaces, dict(zip(ids, found, strict=True)), dict(zip(zones, held, strict=True)), records
        )

    def plan(self, profile: Profile, observed: ObservedNetwork, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete each endpoint, link and zone of cmkctl that nothing else uses. Nothing without a private network."""
        return [change_of(self.name, each) for each in _removals(profile, observed)]

    def outputs(self, profile: Profile, observed: ObservedNetwork) -> Outputs:
        """Return `LEFT`."""
        return {LEFT: left_of(_removals(profile, observed))}


def _zone(azure: Snapshot, zone: str) -> ObservedZone:
    document, links = azure.gather2(
        lambda: azure.resource(zone, versions.PRIVATE_DNS),
        lambda: azure.listing(f"{zone}/virtualNetworkLinks", versions.PRIVATE_DNS, decoding.DnsLinks),
    )
    return ObservedZone(document, tuple((links or {}).get("value", ())))


def _records(azure: Snapshot, profile: Profile) -> tuple[tuple[str, str], ...] | None:
    """Return the records of all endpoints of the subscription; None where they may not be read."""
    path = f"{provider_id(profile.subscription, 'Microsoft.Network')}/privateEndpoints"
    try:
        listed = azure.listing(path, versions.NETWORK) or {"value": []}
        ids = [text_at(each, "id") for each in listed["value"]]
        groups = azure.gather(
            *(
                partial(azure.listing, f"{each}/privateDnsZoneGroups", versions.NETWORK, decoding.ZoneGroups)
                for each in ids
            )
        )
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return None
    return tuple(
        (endpoint, text_at(config, "properties.privateDnsZoneId"))
        for endpoint, found in zip(ids, groups, strict=True)
        for group in (found or {}).get("value", ())
        for config in at_path(group, "properties.privateDnsZoneConfigs") or ()
        for _ in at_path(config, "properties.recordSets") or (None,)
    )


def _removals(profile: Profile, observed: ObservedNetwork) -> list[Removal]:
    targets = {each.endpoint: each for each in targets_of(profile)}
    removals: list[Removal] = []
    last: dict[str, str] = {}
    for endpoint, found in observed.endpoints.items():
        target = targets[endpoint]
        after = (last[target.resource.lower()],) if target.resource.lower() in last else ()
        removal = _endpoint(profile, observed, target, found, after)
        removals.append(removal)
        if removal.request is not None:
            last[target.resource.lower()] = endpoint  # a storage account takes one change of its endpoints at a time
    gone = [each.resource_id for each in removals if each.request is not None]
    for zone, seen in observed.zones.items():
        removals += _zone_and_link(profile, observed, zone, seen, gone)
    return removals


def _endpoint(
    profile: Profile, observed: ObservedNetwork, target: Target, found: ArmDocument | None, after: tuple[str, ...]
) -> Removal:
    name = ResourceId.parse(target.endpoint).name
    users = [] if target.word == "workspace" else observed.workspaces.users(profile, target.resource)
    head = (target.endpoint, _ENDPOINT, name, versions.NETWORK)
    if found is None:
        return Removal(*head)
    if text_at(found, "properties.provisioningState").lower() == "deleting":
        return Removal(*head, state="deleting")
    if not is_marked(profile, found):
        return Removal(*head, keep=NO_MARK, costs=_BY_THE_HOUR)
    if users:
        return Removal(*head, keep=f"{_named(users)} may use {target.title} through it", costs=_BY_THE_HOUR)
    request = delete_request(target.endpoint, versions.NETWORK)
    return Removal(*head, request=request, reason=f"for {target.title}, with its DNS records", depends_on=after)


def _zone_and_link(
    profile: Profile, observed: ObservedNetwork, zone: str, seen: ObservedZone, gone: list[str]
) -> Iterator[Removal]:
    name, network = ResourceId.parse(zone).name, profile.private_network
    if seen.document is None or network is None:
        return
    used = _registered(observed, zone, seen, gone)
    link = str(ResourceId.parse(zone).child("virtualNetworkLinks", network.link_name))
    found = next((each for each in seen.links if same_resource_id(text_at(each, "id"), link)), None)
    others = [each for each in seen.links if each is not found]
    linked = False
    if found is not None:
        linked = is_marked(profile, found) and not used
        keep = used or NO_MARK
        yield Removal(
            link,
            _LINK,
            name,
            versions.PRIVATE_DNS,
            request=delete_request(link, versions.PRIVATE_DNS) if linked else None,
            reason="nothing else is registered in the zone",
            keep="" if linked else keep,
            depends_on=tuple(gone),
        )
    keep = "" if is_marked(profile, seen.document) else NO_MARK
    keep = keep or used or ("it is linked to other networks" if others else "")
    keep = keep or ("its link stays" if found is not None and not linked else "")
    yield Removal(
        zone,
        _ZONE,
        name,
        versions.PRIVATE_DNS,
        request=None if keep else delete_request(zone, versions.PRIVATE_DNS),
        reason="nothing else is registered in it",
        keep=keep,
        depends_on=(*gone, link) if linked else tuple(gone),
    )


def _registered(observed: ObservedNetwork, zone: str, seen: ObservedZone, gone: list[str]) -> str:
    """Return what else the zone holds, for people; empty for nothing.

    Records that are neither of an endpoint nor the zone's own were made by people.
    """
    if observed.records is None:
        return "what is registered in it cannot be seen: you may not list the private endpoints of the subscription"
    here = [endpoint for endpoint, each in observed.records if same_resource_id(each, zone)]
    others = {each for each in here if not any(same_resource_id(each, one) for one in gone)}
    if others:
        return f"{_named(sorted(each.rpartition('/')[2] for each in others), 'endpoint')} is registered in it"
    records = at_path(seen.document, "properties.numberOfRecordSets")
    own = 1  # the start of authority, which every zone has
    by_hand = isinstance(records, int) and records > own + len(here)
    return "it holds records that no private endpoint made" if by_hand else ""


def _named(names: list[str], kind: str = "workspace") -> str:
    more = f" and {len(names) - 1} more" if names[1:] else ""
    return f"{kind} {names[0]}{more}"
