"""The rules of a workspace's managed network, as the service shows them (recording 29, api-version 2024-07-01-preview)."""

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.refusal import ErrorRow, ours

loosened = ErrorRow(
    400,
    "BadRequest",
    ours("how-to-managed-network documents that isolation is not turned off or loosened; the text is unpublished"),
    "The isolation mode of the managed network cannot be changed from {before} to {after}.",
)
CHANGES = {"AllowInternetOutbound": ("AllowOnlyApprovedOutbound",), "AllowOnlyApprovedOutbound": ()}
"""The isolation modes to which each mode changes; a workspace without isolation gets any."""

REQUIRED_TAGS = (
    ("AzureActiveDirectory", "TCP", "80, 443"),
    ("AzureFrontDoor.FirstParty", "*", "*"),
    ("AzureMachineLearning", "TCP", "443"),
    ("AzureMachineLearning", "UDP", "5831"),
    ("AzureMonitor", "TCP", "443"),
    ("AzureResourceManager", "TCP", "443"),
    ("BatchNodeManagement", "TCP", "443"),
    ("MicrosoftContainerRegistry.{}", "TCP", "443"),
    ("VirtualNetwork", "*", "*"),
)
"""Service tag, protocol and ports of the rules that every network with approved outbound traffic has; {} is the region."""

REQUIRED_ENDPOINTS = (
    ("id", "amlworkspace", True),
    ("storageAccount", "blob", True),
    ("storageAccount", "file", True),
    ("keyVault", "vault", False),
)
"""Resource, subresource, and whether Spark reaches it, of the private endpoints that every such network has."""

ADDED: dict[str, Json] = {
    "ServiceTag": {"action": "Allow", "addressPrefixes": []},
    "PrivateEndpoint": {"sparkEnabled": False, "sparkStatus": "Inactive"},
}
"""The properties that the service adds to a rule's destination, by the rule's type."""


def require_change(before: Json, sent: Json) -> None:
    """Refuse an isolation mode that a managed network cannot change to.

    Raises:
        AzureError: 400 for isolation that would be turned off or loosened.

    """
    has, requested = before.get("isolationMode", "Disabled"), sent.get("isolationMode")
    if requested is not None and has in CHANGES and requested != has and requested not in CHANGES[has]:
        raise loosened(has, requested)


def shown(rule: Json) -> Json:
    """Return a rule as the service shows it, with what it adds."""
    destination = rule.get("destination")
    if isinstance(destination, dict):
        destination = {**ADDED.get(rule["type"], {}), **destination}
    state = {"status": "Inactive", "category": rule.get("category") or "UserDefined"}
    return {**rule, "destination": destination, **state}


def required_rules(workspace: Json) -> dict[str, Json]:
    """Return the rules that a network with approved outbound traffic has of itself.

    Args:
        workspace: its ``id``, ``location`` and ``properties``.

    """
    rules = {}
    for pattern, protocol, ports in REQUIRED_TAGS:
        tag = pattern.format(workspace["location"])
        end = "" if protocol == "*" else f"_{protocol}"
        destination: Json = {"serviceTag": tag, "protocol": protocol, "portRanges": ports}
        rules[f"__SYS_ST_{tag}{end}"] = shown(
            {"type": "ServiceTag", "destination": destination, "category": "Required"}
        )
    number = ids.hex_name("network", workspace["id"], length=8)
    for field, target, spark in REQUIRED_ENDPOINTS:
        resource = workspace["id"] if field == "id" else workspace["properties"].get(field) or ""
        destination = {"serviceResourceId": resource, "subresourceTarget": target, "sparkEnabled": spark}
        name = f"__SYS_PE_{resource.rpartition('/')[2]}_{target}_{number}"
        rules[name] = shown({"type": "PrivateEndpoint", "destination": destination, "category": "Required"})
    return rules
