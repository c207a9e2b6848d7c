"""The network of a workspace as a profile has it: the managed network, serverless compute, private endpoints. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.importing.found import Found
from cmkctl.importing.words import at, given, parsed
from cmkctl.profile.writing import Draft

_AZURES_OWN: Final = ("required", "recommended", "dependency")
_MODES: Final = ("AllowInternetOutbound", "AllowOnlyApprovedOutbound")


def of_workspace(draft: Draft, found: Found) -> dict[str, Any]:
    """Return the network fields of the workspace's section."""
    properties = found.properties
    serverless = properties.get("serverlessComputeSettings") or {}
    subnet, hidden = serverless.get("serverlessComputeCustomSubnet"), serverless.get("serverlessComputeNoPublicIP")
    return given(
        managed_network=_managed(draft, properties.get("managedNetwork") or {}),
        serverless_compute=given(subnet=subnet) | ({"no_public_ip": hidden} if hidden is not None else {})
        if subnet or hidden
        else None,
        image_build_compute=properties.get("imageBuildCompute"),
    )


def _managed(draft: Draft, managed: Mapping[str, Any]) -> dict[str, Any]:
    mode = next((each for each in _MODES if same_word(each, managed.get("isolationMode"))), None)
    if mode is None:
        return {}
    status = managed.get("status") or {}
    provisioned = same_word(status.get("status"), "Active")
    approved = mode == "AllowOnlyApprovedOutbound"
    return {"isolation_mode": mode} | given(
        firewall_sku=managed.get("firewallSku") if approved else None,
        provision="now" if provisioned else None,
        include_spark=True if provisioned and status.get("sparkReady") else None,
        outbound_rules=list(_rules(draft, managed.get("outboundRules") or {}, approved=approved)),
    )


def _rules(draft: Draft, rules: Mapping[str, Any], *, approved: bool) -> Iterator[dict[str, Any]]:
    """Yield the rules of people; those that the service made come with the network."""
    for name, rule in rules.items():
        if str(rule.get("category") or "").lower() in _AZURES_OWN:
            continue
        kind, destination = str(rule.get("type") or "").lower(), rule.get("destination")
        written: dict[str, Any] = {"name": name}
        if kind == "fqdn":
            written["fqdn"] = str(destination)
        elif kind == "privateendpoint" and isinstance(destination, Mapping):
            written["private_endpoint"] = given(
                resource=destination.get("serviceResourceId"),
                target=destination.get("subresourceTarget"),
                spark=destination.get("sparkEnabled") or None,
            )
        elif kind == "servicetag" and isinstance(destination, Mapping):
            written["service_tag"] = given(
                tag=destination.get("serviceTag"),
                protocol=destination.get("protocol"),
                ports=destination.get("portRanges"),
            )
        if len(written) == 1 or (kind != "privateendpoint" and not approved):
            text = (
                f"{codes.CMK672.id}: a profile has no rule like {name} ({rule.get('type')}). cmkctl leaves it as it is."
            )
            draft.comment(("workspace", "managed_network"), text)
            continue
        yield written


def private(draft: Draft, found: Found) -> dict[str, Any]:
    """Return the private endpoints: those in the subnet that most of them are in."""
    rows = [row for each in found.endpoints for row in _targets(found, each)]
    places = Counter(subnet.lower() for _, subnet, _ in rows)
    if not places:
        return {}
    most = places.most_common(1)[0][0]
    chosen = {word: endpoint for word, subnet, endpoint in rows if subnet.lower() == most}
    section: dict[str, Any] = {
        "subnet": next(subnet for _, subnet, _ in rows if subnet.lower() == most),
        "endpoints": list(chosen),
    }
    for _word, subnet, endpoint in rows:
        if subnet.lower() != most:
            where = f"{endpoint.get('id')} is in {subnet}"
            text = f"{codes.CMK672.id}: a profile has one subnet, and {where}. cmkctl leaves it as it is."
            draft.comment(("private_network",), text)
    names = {
        word: place.name
        for word, endpoint in chosen.items()
        if (place := parsed(str(endpoint.get("id")))) and same_word(place.resource_group, found.resource_group)
    }
    zones: dict[str, str] = {}
    for endpoint in chosen.values():
        for group in endpoint.get("zoneGroups") or []:
            for config in at(group, "properties.privateDnsZoneConfigs") or []:
                zone = str(at(config, "properties.privateDnsZoneId") or "")
                zones.setdefault(zone.rpartition("/")[2].lower(), zone)
    section |= given(names=names)
    section["dns"] = given(zones=[each for each in zones.values() if each]) | {"make": False}
    return section


def _targets(found: Found, endpoint: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the profile's word for each thing that an endpoint reaches, the endpoint's subnet, and the endpoint."""
    properties = endpoint.get("properties") or {}
    for each in (
        *(properties.get("privateLinkServiceConnections") or ()),
        *(properties.get("manualPrivateLinkServiceConnections") or ()),
    ):
        reached = str(at(each, "properties.privateLinkServiceId") or "")
        for group in at(each, "properties.groupIds") or ():
            if word := _word(found, reached, str(group).lower()):
                yield word, str(at(endpoint, "properties.subnet.id") or ""), endpoint


def _word(found: Found, reached: str, group: str) -> str | None:
    properties = found.properties
    if same_resource_id(reached, found.workspace.get("id")):
        return "workspace" if group == "amlworkspace" else None
    if same_resource_id(reached, properties.get("storageAccount")):
        return group if group in ("blob", "file", "queue", "table", "dfs") else None
    if same_resource_id(reached, properties.get("containerRegistry")):
        return "registry" if group == "registry" else None
    if same_resource_id(reached, found.key.get("keyVaultArmId")):
        return "key_vault" if group == "vault" else None
    if same_resource_id(reached, properties.get("keyVault")):
        return "workspace_key_vault" if group == "vault" else None
    return None
