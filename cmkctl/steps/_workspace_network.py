"""The network settings of a workspace: what its creation sends, its words in the plan, and the comparison with what is there.

For `workspace` and `managed_network`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.managed_network import ManagedNetworkSettings, OutboundRule

ISOLATION: Final = "managedNetwork.isolationMode"
FIREWALL: Final = "managedNetwork.firewallSku"
SUBNET: Final = "serverlessComputeSettings.serverlessComputeCustomSubnet"
NO_PUBLIC_IP: Final = "serverlessComputeSettings.serverlessComputeNoPublicIP"
IMAGE_BUILD: Final = "imageBuildCompute"
DISABLED: Final = "Disabled"
_CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    "disabled": ("AllowInternetOutbound", "AllowOnlyApprovedOutbound"),
    "allowinternetoutbound": ("AllowOnlyApprovedOutbound",),
    "allowonlyapprovedoutbound": (),
}
"""The documented changes of isolation, by the mode in lower case.

Source: https://learn.microsoft.com/azure/machine-learning/how-to-managed-network#limitations
"""


def creation(profile: Profile) -> dict[str, Json]:
    """Return the network properties that the creation of the workspace sends, empty for a profile without any."""
    settings, properties = profile.workspace, dict[str, Json]()
    network = settings.managed_network
    if network is not None:
        managed: dict[str, Json] = {"isolationMode": network.isolation_mode}
        if network.firewall_sku:
            managed["firewallSku"] = network.firewall_sku
        if network.outbound_rules:
            managed["outboundRules"] = {each.name: rule_body(each) for each in network.outbound_rules}
        properties["managedNetwork"] = managed
    if settings.serverless_compute is not None:
        properties["serverlessComputeSettings"] = _serverless(profile)
    if settings.image_build_compute is not None:
        properties[IMAGE_BUILD] = settings.image_build_compute
    return properties


def _serverless(profile: Profile) -> dict[str, Json]:
    settings = profile.workspace.serverless_compute
    if settings is None:
        return {}
    subnet: dict[str, Json] = {"serverlessComputeCustomSubnet": settings.subnet} if settings.subnet else {}
    return {**subnet, "serverlessComputeNoPublicIP": settings.no_public_ip}


def rule_body(rule: OutboundRule) -> dict[str, Json]:
    """Return an outbound rule as Azure takes it."""
    if rule.private_endpoint is not None:
        endpoint = rule.private_endpoint
        destination: Json = {
            "serviceResourceId": endpoint.resource,
            "subresourceTarget": endpoint.target,
            "sparkEnabled": endpoint.spark,
        }
        return {"type": "PrivateEndpoint", "category": "UserDefined", "destination": destination}
    if rule.service_tag is not None:
        tag = rule.service_tag
        destination = {"serviceTag": tag.tag, "protocol": tag.protocol, "portRanges": tag.ports}
        return {"type": "ServiceTag", "category": "UserDefined", "destination": destination}
    return {"type": "FQDN", "category": "UserDefined", "destination": rule.fqdn}


def same_rule(found: Mapping[str, Any], wanted: Mapping[str, Json]) -> bool:
    """Compare an outbound rule with the wanted one: type and destination, without what the service adds."""
    if not same_word(str(found.get("type", "")), str(wanted["type"])):
        return False
    has, desired = found.get("destination"), wanted["destination"]
    if isinstance(desired, Mapping):
        return isinstance(has, Mapping) and all(_same(has.get(name), value) for name, value in desired.items())
    return _same(has, desired)


def _same(has: Any, desired: Json) -> bool:
    if isinstance(has, str) and isinstance(desired, str):
        return same_resource_id(has.replace(" ", ""), desired.replace(" ", ""))
    return bool((has or False) == desired)


def shown(profile: Profile) -> tuple[AttributeChange, ...]:
    """Return the attributes of a new workspace's network for the plan."""
    settings = profile.workspace
    network = settings.managed_network
    attributes: list[AttributeChange] = []
    if network is not None and network.isolated:
        attributes.append(isolation(None, network))
    if network is not None and network.outbound_rules:
        names: list[Json] = [each.name for each in network.outbound_rules]
        attributes.append(
            AttributeChange("managedNetwork.outboundRules", None, names, phrase=Phrase("outbound rules {}"))
        )
    if settings.serverless_compute is not None and settings.serverless_compute.subnet:
        attributes.append(AttributeChange(SUBNET, None, settings.serverless_compute.subnet, phrase=Phrase("")))
    if settings.image_build_compute is not None:
        phrase = Phrase("images built by compute {}")
        attributes.append(AttributeChange(IMAGE_BUILD, None, settings.image_build_compute, phrase=phrase))
    return tuple(attributes)


def isolation(before: str | None, network: ManagedNetworkSettings) -> AttributeChange:
    """Return the attribute of the isolation mode, which cannot be loosened again."""
    phrase = Phrase("managed network {}")
    return AttributeChange(ISOLATION, before, network.isolation_mode, irreversible=True, phrase=phrase)


def irreversible(profile: Profile) -> tuple[str, ...]:
    """Return what cannot be undone about the managed network of a new or changed workspace."""
    network = profile.workspace.managed_network
    if network is None or not network.isolated:
        return ()
    return (f"managed network {network.isolation_mode}: isolation cannot be turned off or loosened again",)


def costs(network: ManagedNetworkSettings | None) -> tuple[str, ...]:
    """Return what the managed network brings to the bill."""
    if network is None or not network.isolated:
        return ()
    tier = network.firewall_sku or "Standard"
    firewall = any(each.fqdn for each in network.outbound_rules)
    return (
        "private endpoints of the managed network, billed from its provisioning on",
        *((f"an Azure Firewall ({tier}) for the FQDN rules, billed by the hour",) if firewall else ()),
    )


def isolation_of(found: ArmDocument | None) -> str:
    """Return the isolation mode of a workspace; one without a managed network is disabled."""
    return str(managed(found).get("isolationMode") or DISABLED)


def managed(found: ArmDocument | None) -> Mapping[str, Any]:
    """Return the managed network of a workspace as Azure shows it, empty without one."""
    network: Mapping[str, Any] = (found or {}).get("properties", {}).get("managedNetwork") or {}
    return network


def may_become(found: ArmDocument, mode: str) -> bool:
    """Return True where Azure changes the isolation of a workspace to this mode: what it lists, else what is documented."""
    listed = managed(found).get("changeableIsolationModes")
    allowed = listed or _CHANGES.get(isolation_of(found).lower(), ())
    return any(same_word(each, mode) for each in allowed)


def drift(profile: Profile, found: ArmDocument) -> list[AttributeChange]:
    """Return the differences that one update of the workspace brings in line; only fields that the profile names count."""
    settings, properties = profile.workspace, found.get("properties", {})
    network, serverless = settings.managed_network, settings.serverless_compute
    differing: list[AttributeChange] = []
    if network is not None and not same_word(isolation_of(found), network.isolation_mode):
        differing.append(isolation(isolation_of(found), network))
    if network is not None and network.firewall_sku:
        tier = managed(found).get("firewallSku")
        if not same_word(tier or ("Standard" if isolation_of(found) != DISABLED else None), network.firewall_sku):
            differing.append(AttributeChange(FIREWALL, tier, network.firewall_sku))
    has = properties.get("serverlessComputeSettings") or {}
    if serverless is not None and serverless.subnet:
        subnet = has.get("serverlessComputeCustomSubnet")
        if not same_resource_id(subnet, serverless.subnet):
            differing.append(AttributeChange(SUBNET, subnet, serverless.subnet))
    if serverless is not None and "no_public_ip" in serverless.model_fields_set:
        hidden = bool(has.get("serverlessComputeNoPublicIP"))
        if hidden != serverless.no_public_ip:
            differing.append(AttributeChange(NO_PUBLIC_IP, hidden, serverless.no_public_ip))
    compute = properties.get(IMAGE_BUILD)
    if settings.image_build_compute is not None and not same_word(compute, settings.image_build_compute):
        differing.append(AttributeChange(IMAGE_BUILD, compute, settings.image_build_compute))
    return differing


def update_body(differing: list[AttributeChange], found: ArmDocument) -> dict[str, Json]:
    """Return the properties of the update for these differences; settings beside them are sent as they are."""
    properties: dict[str, Json] = {}
    for each in differing:
        section, _, name = each.path.partition(".")
        if not name:
            properties[section] = each.after
            continue
        kept = _KEPT.get(section, ())
        before = found.get("properties", {}).get(section) or {}
        inner = properties.setdefault(section, {word: before[word] for word in kept if word in before})
        if isinstance(inner, dict):
            inner[name] = each.after
    return properties


_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "serverlessComputeSettings": ("serverlessComputeCustomSubnet", "serverlessComputeNoPublicIP"),
    "managedNetwork": ("isolationMode",),
}
"""By section: what goes with a change of one of its members. Outbound rules have requests of their own."""
