"""The workspace's own private endpoint: with public access disabled, the only way to it."""

from __future__ import annotations

from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Known, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._endpoints import ObservedEndpoints, observe_endpoints, plan_endpoints
from cmkctl.steps._private_targets import WORKSPACE, Target, targets_of


class WorkspaceEndpoint:
    """``PUT …/privateEndpoints/NAME`` with the group id ``amlworkspace``, and its zone group with both zones."""

    name = "workspace_endpoint"
    title = "private endpoint of the workspace"
    needs = ("private_dns", "workspace")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-private-link"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the endpoint where there is one."""
        return ("Microsoft.Network/privateEndpoints",) if profile.private_network else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedEndpoints:
        """Read the network and the endpoint."""
        return observe_endpoints(azure, profile, _targets(profile))

    def plan(self, profile: Profile, observed: ObservedEndpoints, known: Known) -> list[Change]:  # noqa: ARG002
        """Create or adopt the endpoint; nothing where the profile requests none."""
        return [*plan_endpoints(self.name, profile, _targets(profile), observed)]

    def outputs(self, profile: Profile, observed: ObservedEndpoints) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no later step needs the address."""
        return {}


def _targets(profile: Profile) -> list[Target]:
    return [each for each in targets_of(profile) if each.word == WORKSPACE]
