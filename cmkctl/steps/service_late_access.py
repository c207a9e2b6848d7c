"""Encrypt, step 5: identities that Azure makes together with a key may get, wrap and unwrap with it."""

from __future__ import annotations

from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Known, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps import _services
from cmkctl.steps._services import ObservedServices
from cmkctl.steps.service_access import grants


class ServiceLateAccess:
    """An access policy or a role assignment for each `MadeIdentity` that is late. Most services have none."""

    name = "service_late_access"
    title = "access of what came with the keys"
    needs = ("service_keys",)
    doc = "https://learn.microsoft.com/azure/databricks/security/keys/customer-managed-keys"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: the resources exist."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedServices:
        """Read the vault, the resources and their principals."""
        return _services.observe(azure, profile)

    def plan(self, profile: Profile, observed: ObservedServices, known: Known) -> list[Change]:
        """Grant what is missing; nothing without a vault, which an earlier step has as a conflict."""
        return grants(self.name, profile, observed, known, late=True) if observed.vault else []

    def outputs(self, profile: Profile, observed: ObservedServices) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no step follows."""
        return {}
