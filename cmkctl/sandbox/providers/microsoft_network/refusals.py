"""The refusals of Microsoft.Network."""

from cmkctl.sandbox.core.refusal import ErrorRow, documented, ours, quoted

reference_missing = ErrorRow(
    400,
    "InvalidResourceReference",
    quoted("Azure/azure-cli#12384 and others; also for a network in another region"),
    "Resource {wanted} referenced by resource {resource} was not found. Please make sure that the referenced resource exists, "
    "and that both resources are in the same region.",
)
subnet_has_policies = ErrorRow(
    400,
    "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
    quoted("Azure/missionlz#673"),
    "Private endpoint {endpoint} cannot be created in a subnet {subnet} since it has private endpoint network policies enabled.",
)
subnet_full = ErrorRow(
    400,
    "SubnetIsFull",
    documented("troubleshooting of virtual networks"),
    "Subnet {subnet} with address prefix {prefix} does not have enough capacity for {count} IP addresses.",
)
target_missing = ErrorRow(
    400,
    "PrivateLinkServiceNotFound",
    ours("neither code nor text is published"),
    "The private endpoint {endpoint} connects to {target}, which does not exist.",
)
group_unknown = ErrorRow(
    400,
    "PrivateLinkServiceGroupIdInvalid",
    ours("neither code nor text is published"),
    "The private endpoint {endpoint} requests '{group}' of {target}; it has {known}.",
)
one_group = ErrorRow(
    400,
    "PrivateEndpointNeedsOneConnection",
    ours("an endpoint has one connection with one group id"),
    "The private endpoint {endpoint} needs exactly one connection with one group id.",
)
tier_too_low = ErrorRow(
    400,
    "PrivateLinkNotSupported",
    ours("private endpoints are documented for the Premium tier alone"),
    "{target} is not of the Premium tier, and only such a registry has private endpoints.",
)
immutable = ErrorRow(
    400,
    "PrivateEndpointPropertyCannotBeChanged",
    ours("no page states that it could be changed"),
    "The {what} of private endpoint {endpoint} cannot be changed.",
)
group_needs_zones = ErrorRow(
    400,
    "PrivateDnsZoneGroupNeedsZones",
    ours("1 to 5 zones are documented"),
    "A private DNS zone group has 1 to 5 zones, and {endpoint} was sent {count}.",
)
one_zone_group = ErrorRow(
    400,
    "PrivateEndpointHasZoneGroup",
    ours("one group for each endpoint is documented"),
    "The private endpoint {endpoint} has the zone group '{group}' already.",
)
overlapping_zones = ErrorRow(
    400,
    "BadRequest",
    quoted("learn.microsoft.com, troubleshoot/azure/azure-kubernetes; the end of the operation"),
    "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with "
    "'{zone}' and '{other}' zones.",
)
link_moved = ErrorRow(
    400,
    "BadRequest",
    ours("the network of a link is documented as fixed"),
    "The link {link} leads to {network}; its network cannot be changed.",
)
zone_in_use = ErrorRow(
    409,
    "CannotDeleteResource",
    ours("the code is Azure Resource Manager's"),
    "The zone {zone} cannot be deleted before its links to virtual networks.",
)
subnet_in_use = ErrorRow(
    400,
    "InUseSubnetCannotBeDeleted",
    ours("the code is the service's"),
    "The subnet {subnet} is in use by {user} and cannot be deleted.",
)
subnet_missing = ErrorRow(
    404,
    "NotFound",
    ours("the status and the code are the service's"),
    "The subnet {subnet} does not exist.",
)
child_missing = ErrorRow(404, "NotFound", ours("the status and the code are the service's"), "There is no {child}.")
zone_name_invalid = ErrorRow(
    400,
    "BadRequest",
    ours("2 to 34 labels are documented"),
    "'{zone}' is not a name of a private DNS zone: it has 2 to 34 labels of letters, digits, hyphens and underscores.",
)
account_busy = ErrorRow(
    409,
    "StorageAccountOperationInProgress",
    quoted("Terraform reports; learn.microsoft.com has the code for endpoints that are made at the same time"),
    "An operation is currently performing on this storage account that requires exclusive access.",
)
