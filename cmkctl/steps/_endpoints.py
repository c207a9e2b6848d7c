"""Private endpoints and their zone groups: reading, adoption, conflicts and requests.

For `private_endpoints` and `workspace_endpoint`. Subnet, target and group id of an endpoint are fixed; its zone group is
extended, never replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cmkctl.azure import decoding, versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.private_network import PrivateNetworkSettings
from cmkctl.steps._private_targets import Target
from cmkctl.steps._tags import new_tags
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

_KIND: Final = "private endpoint"
_GROUP: Final = "DNS zone group"
_COSTS: Final = ("a private endpoint, billed by the hour and by the data that passes it",)
_APPROVED: Final = "Approved"
_SUCCEEDED: Final = "Succeeded"


@dataclass(frozen=True, slots=True)
class ObservedEndpoint:
    """An endpoint that serves a target: its document, its zone groups, and its connection as the target shows it."""

    document: ArmDocument
    groups: tuple[ArmDocument, ...] = ()
    connection: str = ""


@dataclass(frozen=True, slots=True)
class ObservedEndpoints:
    """The network of the subnet (None: absent), and the endpoint of each target by the id that it has or would have."""

    network: ArmDocument | None = None
    endpoints: Mapping[str, ObservedEndpoint] = field(default_factory=dict)


def observe_endpoints(azure: Snapshot, profile: Profile, targets: list[Target]) -> ObservedEndpoints:
    """Read the network, and for each target its endpoint: the one with our name, else one that others made for the same."""
    network = profile.private_network
    if network is None or not targets:
        return ObservedEndpoints()
    vnet, *found = azure.gather(
        partial(azure.resource, network.network_id, versions.NETWORK),
        *(partial(_read_target, azure, network, each) for each in targets),
    )
    endpoints = {each.endpoint: one["observed"] for each, one in zip(targets, found, strict=True) if one}
    return ObservedEndpoints(vnet, endpoints)


def _read_target(azure: Snapshot, network: PrivateNetworkSettings, target: Target) -> dict[str, Any] | None:
    """Return the endpoint of a target; as a mapping, because a snapshot's reads return documents."""
    own, reached = azure.gather(
        partial(azure.resource, target.endpoint, versions.NETWORK),
        partial(azure.resource, target.resource, target.api_version),
    )
    connections = _connections(reached)
    if own is not None:
        found, identifier = own, target.endpoint
    else:
        adopted = _made_by_others(azure, network, target, connections)
        if adopted is None:
            return None
        identifier, found = adopted
    groups = azure.listing(f"{identifier}/privateDnsZoneGroups", versions.NETWORK, decoding.ZoneGroups) or {"value": []}
    connection = next((each for each, endpoint in connections if same_resource_id(endpoint, identifier)), "")
    listed = tuple(groups["value"])
    return {"observed": ObservedEndpoint({**found, "id": identifier}, listed, connection)}


def _connections(reached: ArmDocument | None) -> list[tuple[str, str]]:
    """Return the ids of the connections of a target, and of their endpoints."""
    rows = at_path(reached or {}, "properties.privateEndpointConnections") or []
    return [(str(each.get("id", "")), str(at_path(each, "properties.privateEndpoint.id") or "")) for each in rows]


def _made_by_others(
    azure: Snapshot, network: PrivateNetworkSettings, target: Target, connections: list[tuple[str, str]]
) -> tuple[str, ArmDocument] | None:
    """Return an endpoint of another name for the same group of the target in the same subnet; None without one.

    An endpoint in another subscription is in another network, and one that may not be read is not ours to adopt.
    """
    subscription = ResourceId.parse(target.endpoint).subscription.lower()
    ids = [each for _, each in connections if each.lower().startswith(f"/subscriptions/{subscription}/")]
    for identifier, found in zip(ids, azure.gather(*(partial(_readable, azure, each) for each in ids)), strict=True):
        same_group = any(same_word(each, target.group) for each in _connection(found or {}).get("groupIds", ()))
        if found and same_group and same_resource_id(_subnet_of(found), network.subnet):
            return identifier, found
    return None


def _readable(azure: Snapshot, endpoint: str) -> ArmDocument | None:
    try:
        ResourceId.parse(endpoint)
    except ValueError:
        return None  # no id of a resource, so nothing to adopt
    try:
        return azure.resource(endpoint, versions.NETWORK)
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return None


def _connection(endpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of an endpoint's connection, automatic or manual; empty without one."""
    properties = endpoint.get("properties", {})
    both = (
        *properties.get("privateLinkServiceConnections", ()),
        *properties.get("manualPrivateLinkServiceConnections", ()),
    )
    found: Mapping[str, Any] = both[0].get("properties", {}) if both else {}
    return found


def _subnet_of(endpoint: Mapping[str, Any]) -> str:
    return str(at_path(endpoint, "properties.subnet.id") or "")


def plan_endpoints(step: str, profile: Profile, targets: list[Target], observed: ObservedEndpoints) -> Iterator[Change]:
    """Yield the changes of the endpoints and their zone groups. A conflict of an endpoint leaves its group out.

    Endpoints of one resource are made one after the other: a storage account refuses two at a time
    (StorageAccountOperationInProgress).
    """
    network = profile.private_network
    busy: dict[str, str] = {}
    if network is None:
        return
    for target in targets:
        found, resource = observed.endpoints.get(target.endpoint), target.resource.lower()
        if found is None:
            after = (busy[resource],) if resource in busy else ()
            endpoint = _create(step, profile, network, target, observed, after)
        else:
            endpoint = _adopt(step, network, target, found)
        yield endpoint
        if endpoint.action.writes or endpoint.action is Action.WAIT:
            busy[resource] = endpoint.resource_id
        zones = [each for name in target.zones if (each := network.zone_id(name))]
        if zones and endpoint.action is not Action.CONFLICT:
            yield _zone_group(step, endpoint, zones, found.groups if found else ())


def _create(
    step: str,
    profile: Profile,
    network: PrivateNetworkSettings,
    target: Target,
    observed: ObservedEndpoints,
    after: tuple[str, ...],
) -> Change:
    name = ResourceId.parse(target.endpoint).name
    connection: Json = {
        "name": name,
        "properties": {"privateLinkServiceId": target.resource, "groupIds": [target.group]},
    }
    body: dict[str, Json] = {
        # An endpoint is in the region of its network, wherever its target is.
        "location": str((observed.network or {}).get("location") or profile.location),
        "tags": new_tags(profile),
        "properties": {"subnet": {"id": network.subnet}, "privateLinkServiceConnections": [connection]},
    }
    return Change(
        step,
        Action.CREATE,
        target.endpoint,
        _KIND,
        name,
        "does not exist",
        attributes=(
            AttributeChange("target", None, target.title, phrase=Phrase("for {}")),
            AttributeChange("groupId", None, target.group, phrase=Phrase()),
            AttributeChange(
                "subnet", None, network.subnet, phrase=Phrase(f"in subnet {ResourceId.parse(network.subnet).name}")
            ),
        ),
        costs=_COSTS,
        depends_on=after,
        request=Request("PUT", target.endpoint, versions.NETWORK, body),
        settle=Settle(target.endpoint, versions.NETWORK),
    )


def _adopt(step: str, network: PrivateNetworkSettings, target: Target, found: ObservedEndpoint) -> Change:
    endpoint = str(found.document["id"])
    name = ResourceId.parse(endpoint).name
    state = str(at_path(found.document, "properties.provisioningState") or _SUCCEEDED)
    if in_progress(state.lower()):
        settle = Settle(endpoint, versions.NETWORK)
        return wait(step, endpoint, _KIND, name, reason_to_wait(state), settle)
    refused = _unfit(network, target, found, state) or _unapproved(target, found)
    if refused is not None:
        return conflict(step, endpoint, _KIND, name, *refused)
    also = "" if same_resource_id(endpoint, target.endpoint) else "made by others, "
    return no_op(step, endpoint, _KIND, name, f"{also}approved for {target.title}")


def _unfit(
    network: PrivateNetworkSettings, target: Target, found: ObservedEndpoint, state: str
) -> tuple[str, ...] | None:
    """Return code, reason and ways out for an endpoint that failed or differs in what is fixed; None for a right one."""
    delete, rename = _delete(found), f"choose another name: private_network.names.{target.word}"
    if not same_word(state, _SUCCEEDED):
        return "CMK275", f"Azure reports it as {state}", delete, rename
    connection = _connection(found.document)
    reaches, groups = str(connection.get("privateLinkServiceId", "")), connection.get("groupIds", [])
    if not same_resource_id(reaches, target.resource) or not any(same_word(each, target.group) for each in groups):
        part = ", ".join(groups) or "nothing"
        reason = f"it reaches {part} of {reaches or 'nothing'}, not {target.group} of {target.resource}"
        return "CMK280", reason, rename, delete
    subnet = _subnet_of(found.document)
    if not same_resource_id(subnet, network.subnet):
        reason = f"it is in {subnet or 'no subnet'}, not in {network.subnet}"
        return "CMK281", reason, f"write private_network.subnet: {subnet}", rename, delete
    return None


def _unapproved(target: Target, found: ObservedEndpoint) -> tuple[str, ...] | None:
    """Return code, reason and ways out for a connection that is not approved; None for an approved one."""
    status = str(at_path(_connection(found.document), "privateLinkServiceConnectionState.status") or "unknown")
    if same_word(status, "Pending"):
        reason = f"its connection waits for the approval of the owner of {target.title}"
        command = "az network private-endpoint-connection"
        find = () if found.connection else (f"find its id: {command} list --id {target.resource}",)
        approve = f"approve it: {command} approve --id {found.connection or 'ID'} --description approved"
        return "CMK283", reason, *find, approve
    if not same_word(status, _APPROVED):
        return "CMK282", f"its connection is {status.lower()}, and stays so", f"{_delete(found)}, then apply again"
    return None


def _delete(found: ObservedEndpoint) -> str:
    return f"delete it: az resource delete --ids {found.document['id']}"


def _zone_group(step: str, endpoint: Change, zones: list[str], groups: tuple[ArmDocument, ...]) -> Change:
    """Return the change of the zone group. An endpoint has one group at most; whatever name it has, it is extended."""
    parent = ResourceId.parse(endpoint.resource_id)
    found = groups[0] if groups else None
    group = str(parent.child("privateDnsZoneGroups", str((found or {}).get("name") or "default")))
    settle = Settle(group, versions.NETWORK)
    configs = at_path(found or {}, "properties.privateDnsZoneConfigs") or []
    held = [str(at_path(each, "properties.privateDnsZoneId") or "") for each in configs]
    for zone in zones:
        other = next((each for each in held if _same_name(each, zone) and not same_resource_id(each, zone)), None)
        if other is not None:
            reason = f"it is registered in {other}, not in {zone}"
            ways = (
                f"add that id to private_network.dns.zones: {other}",
                f"delete the group: az resource delete --ids {group}",
            )
            return conflict(step, group, _GROUP, parent.name, "CMK279", reason, *ways)
    missing = [zone for zone in zones if not any(same_resource_id(each, zone) for each in held)]
    state = str(at_path(found or {}, "properties.provisioningState") or _SUCCEEDED)
    if found is not None and in_progress(state.lower()):
        return wait(step, group, _GROUP, parent.name, reason_to_wait(state), settle)
    if not missing:
        return no_op(step, group, _GROUP, parent.name, "up to date")
    names = [ResourceId.parse(each).name for each in missing]
    kept: list[Json] = [
        {"name": str(each.get("name", "")), "properties": {"privateDnsZoneId": zone}}
        for each, zone in zip(configs, held, strict=True)
    ]
    added: list[Json] = [
        {"name": name.replace(".", "-"), "properties": {"privateDnsZoneId": zone}}
        for name, zone in zip(names, missing, strict=True)
    ]
    return Change(
        step,
        Action.CREATE if found is None else Action.UPDATE,
        group,
        _GROUP,
        parent.name,
        "does not exist" if found is None else f"lacks {', '.join(names)}",
        attributes=(AttributeChange("zones", None, list[Json](names), phrase=Phrase()),),
        depends_on=(endpoint.resource_id,) if endpoint.action is not Action.NO_OP else (),
        request=Request("PUT", group, versions.NETWORK, {"properties": {"privateDnsZoneConfigs": [*kept, *added]}}),
        settle=settle,
    )


def _same_name(one: str, other: str) -> bool:
    return one.rpartition("/")[2].lower() == other.rpartition("/")[2].lower()
