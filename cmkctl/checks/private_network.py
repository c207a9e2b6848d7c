"""Rules about private endpoints, closed resources and the managed network (failures.md, 1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import text_at
from cmkctl.checks.documents import vault_properties
from cmkctl.checks.observed import APPROVER, ASSOCIATED, KEY_VAULT, VIRTUAL_NETWORK, WORKSPACE
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import PLANNED, Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK140: Final = Code(
    "CMK140",
    "The subnet for private endpoints does not exist",
    "cmkctl makes private endpoints in a subnet that exists; it makes neither networks nor subnets.",
    "Correct private_network.subnet, or create the subnet first.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
)
CMK141: Final = Code(
    "CMK141",
    "The subnet has network policies for private endpoints",
    "With privateEndpointNetworkPolicies: Enabled, security groups and routes apply to private endpoints. Microsoft's page describes this for the public cloud; Azure Government was reported to refuse endpoints in such a subnet (PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled).",
    "Disable the policies of the subnet, or use another subnet.",
    "https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy",
)
CMK142: Final = Code(
    "CMK142",
    "Nothing reaches the workspace",
    "A workspace without public access is reached through a private endpoint only. Requests of Azure Resource Manager still pass, so cmkctl can create one that its users cannot open.",
    "Add the workspace to private_network.endpoints, or leave public access enabled.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-configure-private-link",
)
CMK143: Final = Code(
    "CMK143",
    "A closed resource has no private endpoint",
    "A resource without public access is reached through private endpoints only. Trusted services may still pass; people and computes do not.",
    "Add an endpoint for it to private_network.endpoints. One that others made in another subnet serves as well.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-secure-workspace-vnet",
)
CMK144: Final = Code(
    "CMK144",
    "Microsoft adds a network of its own to the managed resource group",
    "A workspace with in-subscription encryption and a private endpoint gets a virtual network in its managed resource group, for the resources that hold its metadata. You can neither supply it nor choose its address range.",
    "Nothing has to be done. A workspace with service-side encryption has no such network.",
    "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys",
)
CMK145: Final = Code(
    "CMK145",
    "A network security perimeter decides who reaches the vault",
    "A vault with publicNetworkAccess: SecuredByPerimeter is governed by its perimeter. In enforced mode the perimeter overrides the exception for trusted services, also for services that Key Vault trusts.",
    "Keep the perimeter in learning mode for this vault, or allow the services in its rules, and prove it with a wrap.",
    "https://learn.microsoft.com/azure/key-vault/general/overview-vnet-service-endpoints",
)
CMK146: Final = Code(
    "CMK146",
    "The workspace's identity may be unable to approve private endpoints",
    "Azure Machine Learning makes private endpoints in the managed network, and the workspace's identity approves them on the resources. Without the right to, they stay pending, and computes are refused later, for example with Forbidden by the vault.",
    "Assign the role Azure AI Enterprise Network Connection Approver (b556d68e-0be0-4f35-a333-ad7ee1ce17ea) to the identity on the resource groups of the workspace and its resources.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network",
)
CMK147: Final = Code(
    "CMK147",
    "No compute builds images",
    "A registry without public access cannot build images itself for a workspace, so that environments fail to build.",
    "Write workspace.image_build_compute: the name of a compute cluster.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network#configure-image-builds",
)
CMK148: Final = Code(
    "CMK148",
    "The settings of serverless compute do not fit the network",
    "Serverless compute of a workspace with a managed network runs in that network, so a subnet has no effect. Nodes without public addresses reach the workspace through its private endpoint.",
    "Leave workspace.serverless_compute.subnet out with a managed network; give the workspace a private endpoint with no_public_ip.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-use-serverless-compute",
)
CMK149: Final = Code(
    "CMK149",
    "A private DNS zone that was given serves no endpoint",
    "The name of a zone decides which endpoints are registered in it. No endpoint of the profile is registered in a zone of this name, so it has no effect.",
    "Correct the id, or remove it from private_network.dns.zones.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
)


def _subnet(profile: Profile, network: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if profile.private_network is None:
        return None
    name = profile.private_network.subnet.rpartition("/")[2]
    subnets = ((network or {}).get("properties") or {}).get("subnets") or []
    return next((each for each in subnets if same_word(each.get("name"), name)), None)


@rule(CMK140, severity=Severity.ERROR, needs=(VIRTUAL_NETWORK,))
def subnet_exists(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require the subnet before anything is written."""
    if profile.private_network is None or _subnet(profile, facts[VIRTUAL_NETWORK]) is not None:
        return
    lacking = "network" if facts[VIRTUAL_NETWORK] is None else "subnet"
    yield Finding(
        f"There is no {lacking} with the id {profile.private_network.subnet}.",
        "Correct private_network.subnet, or create the subnet first.",
        "private_network.subnet",
    )


def _has_policies(profile: Profile, facts: Facts) -> bool:
    properties = (_subnet(profile, facts[VIRTUAL_NETWORK]) or {}).get("properties") or {}
    return same_word(properties.get("privateEndpointNetworkPolicies"), "Enabled")


def _policies(profile: Profile) -> Finding:
    subnet = profile.private_network.subnet if profile.private_network else ""
    return Finding(
        "The subnet has privateEndpointNetworkPolicies: Enabled. Security groups and routes then apply to the endpoints, and "
        "Azure has refused endpoints in such subnets.",
        f"Disable them: az network vnet subnet update --ids {subnet} --private-endpoint-network-policies Disabled.",
        "private_network.subnet",
    )


@rule(CMK141, severity=Severity.WARNING, needs=(VIRTUAL_NETWORK,))
def policies_in_the_public_cloud(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Point out network policies where Microsoft's page supports them."""
    if profile.cloud is Cloud.AZURE and _has_policies(profile, facts):
        yield _policies(profile)


@rule(CMK141, severity=Severity.ERROR, needs=(VIRTUAL_NETWORK,))
def policies_in_other_clouds(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Refuse network policies where Azure was reported to refuse the endpoints."""
    if profile.cloud is not Cloud.AZURE and _has_policies(profile, facts):
        yield _policies(profile)


def _endpoints(profile: Profile) -> tuple[str, ...]:
    network = profile.private_network
    registry = profile.associated_resources.container_registry is not None
    return network.wanted(registry=registry) if network is not None else ()


def _has_approved(document: Mapping[str, Any] | None) -> bool:
    """Return True for a resource that shows an approved private endpoint connection."""
    rows = ((document or {}).get("properties") or {}).get("privateEndpointConnections") or []
    states = [((each.get("properties") or {}).get("privateLinkServiceConnectionState") or {}) for each in rows]
    return any(same_word(each.get("status"), "Approved") for each in states)


@rule(CMK142, severity=Severity.WARNING, needs=(WORKSPACE,))
def workspace_is_reachable(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Want a private endpoint for a workspace without public access."""
    closed = profile.workspace.public_network_access == "disabled"
    if closed and "workspace" not in _endpoints(profile) and not _has_approved(facts[WORKSPACE]):
        yield Finding(
            "The workspace has no public access, and the profile gives it no private endpoint.",
            "Add private_network with a subnet, or leave workspace.public_network_access enabled.",
            "workspace.public_network_access",
        )


# A closed vault with the key is the subject of CMK103: services need more than an endpoint there.
_ENDPOINTS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "associated_resources.key_vault": ("workspace_key_vault",),
    "associated_resources.storage_account": ("blob", "file"),
    "associated_resources.container_registry": ("registry",),
}


def _document(profile: Profile, facts: Facts, section: str) -> Mapping[str, Any] | None:
    """Return the associated resource of a section as Azure shows it; None for an absent one, or where there is none."""
    associated = profile.associated_resources
    ids = {
        "associated_resources.key_vault": associated.key_vault_id,
        "associated_resources.storage_account": associated.storage_account.resource_id,
        "associated_resources.container_registry": associated.container_registry_id,
    }
    found = {name.lower(): document for name, document in facts[ASSOCIATED].resources.items()}
    return found.get((ids[section] or "").lower())


def _is_closed(profile: Profile, facts: Facts, section: str) -> bool:
    """Return True where the public access of a resource is off: in the profile, or in Azure for one that is there."""
    value: Any = profile
    for part in (*section.split("."), "network", "public_access"):
        value = getattr(value, part, None)
    has = ((_document(profile, facts, section) or {}).get("properties") or {}).get("publicNetworkAccess")
    return value == "disabled" or (value is None and same_word(has, "Disabled"))


@rule(CMK143, severity=Severity.WARNING, needs=(ASSOCIATED,))
def closed_resources_are_reachable(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Want private endpoints for every resource whose public access is off."""
    for section, wanted in _ENDPOINTS_OF.items():
        missing = [each for each in wanted if each not in _endpoints(profile)]
        reached = _has_approved(_document(profile, facts, section))
        if missing and not reached and _is_closed(profile, facts, section):
            yield Finding(
                f"{section} has no public access, and no private endpoint for {' and '.join(missing)}.",
                f"Add {', '.join(missing)} to private_network.endpoints.",
                section,
            )


@rule(CMK144, severity=Severity.NOTE, needs=(WORKSPACE,))
def network_of_the_managed_group(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """State before the creation what Microsoft adds to the managed resource group."""
    architecture = profile.workspace.encryption
    if architecture == "in-subscription" and "workspace" in _endpoints(profile) and facts[WORKSPACE] is None:
        yield Finding(
            "Azure Machine Learning adds a virtual network of its own to the managed resource group.",
            "Nothing has to be done; its address range cannot be chosen.",
            "private_network.endpoints",
        )


@rule(CMK145, severity=Severity.WARNING, needs=(KEY_VAULT,))
def vault_without_perimeter(profile: Profile, facts: Facts) -> Iterator[Finding]:  # noqa: ARG001 - a rule's signature
    """Point out a vault that a network security perimeter governs."""
    if same_word(vault_properties(facts[KEY_VAULT]).get("publicNetworkAccess"), "SecuredByPerimeter"):
        yield Finding(
            "The vault with the key is secured by a network security perimeter, which may keep out the services that wrap with "
            "the key.",
            "Keep the perimeter in learning mode for this vault, or allow the services in its rules.",
            "key_vault",
        )


def _will_approve(facts: Facts, scope: str) -> bool:
    """Return True where the plan assigns the role that approves endpoints in this resource group."""
    below = f"{scope}/providers/microsoft.authorization/".lower()
    planned = [each.request for each in facts[PLANNED] if each.request is not None]
    sent = [each for each in planned if each.path.lower().startswith(below)]
    roles = [text_at(each.body, "properties.roleDefinitionId") for each in sent]
    return any(each.lower().endswith("b556d68e-0be0-4f35-a333-ad7ee1ce17ea") for each in roles)


@rule(CMK146, severity=Severity.WARNING, needs=(APPROVER, PLANNED))
def identity_approves_endpoints(profile: Profile, facts: Facts) -> Iterator[Finding]:  # noqa: ARG001 - a rule's signature
    """Want the role that approves the endpoints of the managed network."""
    approver = facts[APPROVER]
    if approver is None:
        return
    for scope in [each for each in approver.without if not _will_approve(facts, each)]:
        yield Finding(
            f"The identity {approver.identity.rpartition('/')[2]} has no role in {scope.rpartition('/')[2]} that is known to "
            "approve private endpoints.",
            f"Assign it: az role assignment create --assignee-object-id {approver.principal} --assignee-principal-type "
            f"ServicePrincipal --role b556d68e-0be0-4f35-a333-ad7ee1ce17ea --scope {scope}.",
            "workspace.managed_network",
        )


@rule(CMK147, severity=Severity.WARNING, needs=(ASSOCIATED, WORKSPACE))
def images_are_built(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Want an image build compute beside a closed registry."""
    builds = profile.workspace.image_build_compute or ((facts[WORKSPACE] or {}).get("properties") or {}).get(
        "imageBuildCompute"
    )
    if not builds and _is_closed(profile, facts, "associated_resources.container_registry"):
        yield Finding(
            "The registry has no public access, and the workspace no compute that builds images.",
            "Write workspace.image_build_compute: the name of a compute cluster, which may be made later.",
            "workspace.image_build_compute",
        )


@rule(CMK148, severity=Severity.WARNING, needs=(WORKSPACE,))
def serverless_fits(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Compare the settings of serverless compute with the rest of the network."""
    serverless, network = profile.workspace.serverless_compute, profile.workspace.managed_network
    if serverless is not None and serverless.subnet and network is not None and network.isolated:
        yield Finding(
            "Serverless compute runs in the managed network, so that its subnet has no effect.",
            "Leave workspace.serverless_compute.subnet out.",
            "workspace.serverless_compute.subnet",
        )
    reached = "workspace" in _endpoints(profile) or _has_approved(facts[WORKSPACE])
    if serverless is not None and serverless.no_public_ip and not reached:
        yield Finding(
            "Nodes without public addresses reach the workspace through its private endpoint, and it has none.",
            "Add private_network with a subnet, or leave no_public_ip out.",
            "workspace.serverless_compute.no_public_ip",
        )


@rule(CMK149, severity=Severity.WARNING)
def given_zones_are_used(profile: Profile, facts: Facts) -> Iterator[Finding]:  # noqa: ARG001 - a rule's signature
    """Point out a zone whose name no endpoint needs."""
    from cmkctl.steps._private_targets import zones_needed  # noqa: PLC0415 - rules load without the steps

    given = profile.private_network.dns.zones if profile.private_network is not None else ()
    needed = zones_needed(profile) if given else ()
    for place, zone in enumerate(given):
        name = zone.rpartition("/")[2].lower()
        if name not in needed:
            yield Finding(
                f"No endpoint of the profile is registered in a zone named {name}.",
                f"The endpoints need {', '.join(needed)}.",
                f"private_network.dns.zones[{place}]",
            )
