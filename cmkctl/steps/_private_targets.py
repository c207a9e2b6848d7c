"""The targets of a profile's private endpoints, and the DNS zones that they need. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.private_zones import zones_of
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.private_network import EndpointTarget

WORKSPACE: Final = "workspace"
_GROUPS: Final[dict[EndpointTarget, str]] = {
    "workspace": "amlworkspace",
    "key_vault": "vault",
    "workspace_key_vault": "vault",
    "registry": "registry",
}
"""The group id of each target; those of storage have the target's own name."""


@dataclass(frozen=True, slots=True)
class Target:
    """One private endpoint to have: its own id, and the resource, the group id and the zones that it is for."""

    word: EndpointTarget
    endpoint: str
    resource: str
    api_version: str
    group: str
    zones: tuple[str, ...]

    @property
    def title(self) -> str:
        """The resource and the part of it, for people."""
        return f"{ResourceId.parse(self.resource).name} ({self.group})"


def targets_of(profile: Profile) -> list[Target]:
    """Return the endpoints that a profile requests, none without a private network. A vault for both uses gets one."""
    found: list[Target] = []
    for each in _listed(profile):
        if not any(same_resource_id(each.resource, one.resource) and each.group == one.group for one in found):
            found.append(each)
    return found


def zones_needed(profile: Profile) -> tuple[str, ...]:
    """Return the names of the zones that the endpoints of a profile need, each once."""
    return tuple(dict.fromkeys(zone for each in targets_of(profile) for zone in each.zones))


def _listed(profile: Profile) -> Iterator[Target]:
    network = profile.private_network
    if network is None:
        return
    for word in network.wanted(registry=profile.associated_resources.container_registry is not None):
        resource, version = _resource(profile, word)
        group = _GROUPS.get(word, word)
        yield Target(word, network.endpoint_id(word), resource, version, group, zones_of(profile.cloud, group))


def _resource(profile: Profile, word: EndpointTarget) -> tuple[str, str]:
    associated = profile.associated_resources
    match word:
        case "workspace":
            return profile.workspace.resource_id, versions.WORKSPACES
        case "key_vault":
            return profile.key_vault.resource_id, versions.KEY_VAULT
        case "workspace_key_vault":
            return associated.key_vault_id, versions.KEY_VAULT
        case "registry":
            return associated.container_registry_id or "", versions.CONTAINER_REGISTRY
        case _:
            return associated.storage_account.resource_id, versions.STORAGE
