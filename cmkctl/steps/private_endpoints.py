"""Private endpoints of the vaults, the storage account and the registry, before the workspace is made.

Each gets an address in the profile's subnet and is registered in its private DNS zone.
"""

from __future__ import annotations

from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Known, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._endpoints import ObservedEndpoints, observe_endpoints, plan_endpoints
from cmkctl.steps._private_targets import WORKSPACE, Target, targets_of


class PrivateEndpoints:
    """``PUT …/privateEndpoints/NAME`` and its zone group for each resource around the workspace."""

    name = "private_endpoints"
    title = "private endpoints"
    needs = (
        "resource_providers",
        "resource_group",
        "key_vault",
        "associated_resources",
        "encrypted_resources",
        "private_dns",
    )
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-secure-workspace-vnet"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the endpoints where some are made."""
        return ("Microsoft.Network/privateEndpoints",) if profile.private_network else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedEndpoints:
        """Read the network and the endpoints."""
        return observe_endpoints(azure, profile, _targets(profile))

    def plan(self, profile: Profile, observed: ObservedEndpoints, known: Known) -> list[Change]:  # noqa: ARG002
        """Create or adopt each endpoint; nothing where the profile has no private network."""
        return [*plan_endpoints(self.name, profile, _targets(profile), observed)]

    def outputs(self, profile: Profile, observed: ObservedEndpoints) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no later step needs an address."""
        return {}


def _targets(profile: Profile) -> list[Target]:
    return [each for each in targets_of(profile) if each.word != WORKSPACE]
