"""Step 1: register the resource providers that a workspace with a customer-managed key needs.

The documented five, and what the associated resources need. Only those that are not registered are registered, side by
side. Registering Microsoft.DocumentDB is also what puts the Azure Cosmos DB service principal into the tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.ids import provider_id
from cmkctl.azure.operations import until
from cmkctl.azure.session import WRITING, ArmDocument, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Outputs, Request
from cmkctl.profile.model import Profile
from cmkctl.steps.base import conflict, no_op, wait

DOCUMENTED: Final = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
)
_REGISTERED: Final = "Registered"


def namespaces(profile: Profile) -> tuple[str, ...]:
    """The resource providers that this profile needs, documented ones first."""
    associated = ["microsoft.insights", "Microsoft.OperationalInsights"]
    if profile.container_registry_id:
        associated.append("Microsoft.ContainerRegistry")
    if profile.identity_id:
        associated.append("Microsoft.ManagedIdentity")
    return (*DOCUMENTED, *associated)


class ResourceProviders:
    """``POST /subscriptions/…/providers/NAMESPACE/register``, for each that is missing."""

    name = "resource_providers"
    title = "resource providers"
    needs = ()
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#prerequisites"

    def observe(self, azure: Snapshot, profile: Profile) -> Mapping[str, str | None]:
        """The registration state of each namespace; None for a namespace that this cloud does not have."""
        needed = namespaces(profile)
        found = azure.gather(*(partial(azure.provider, each) for each in needed))
        return {each: _state(answer) for each, answer in zip(needed, found, strict=True)}

    def plan(self, profile: Profile, observed: Mapping[str, str | None], known: Known) -> list[Change]:  # noqa: ARG002
        """Register what is not registered; wait for what is being registered."""
        return [_plan_one(profile.subscription, namespace, state) for namespace, state in observed.items()]

    def outputs(self, profile: Profile, observed: Mapping[str, str | None], known: Known) -> Outputs:  # noqa: ARG002
        """`registering`: the namespaces that are not registered yet. Registering one may bring its service principal."""
        return {"registering": [namespace for namespace, state in observed.items() if state != _REGISTERED]}

    def apply(self, azure: Session, change: Change) -> None:
        """Register one namespace (or find it being registered), and wait until it is."""
        namespace = change.resource_id.rpartition("/")[2]
        if change.action.writes:
            azure.resources.providers.register(namespace, **WRITING)
        until(
            azure,
            f"registration of {namespace}",
            lambda: _state(azure.snapshot().provider(namespace)),
            lambda state: state == _REGISTERED,
        )


def _state(provider: ArmDocument | None) -> str | None:
    return None if provider is None else str(provider.get("registrationState"))


def _plan_one(subscription: str, namespace: str, state: str | None) -> Change:
    resource, title = provider_id(subscription, namespace), f"resource provider {namespace}"
    step = ResourceProviders.name
    if state == _REGISTERED:
        return no_op(step, resource, title, "already registered")
    if state == "Registering":
        return wait(step, resource, title, "being registered")
    if state is None:
        return conflict(
            step, resource, title, "CMK201", "this subscription's cloud does not offer it", "choose another cloud"
        )
    return Change(
        step,
        Action.CREATE,
        resource,
        title,
        f"not registered in this subscription ({state})",
        attributes=(AttributeChange("registrationState", state, _REGISTERED),),
        request=Request("POST", f"{resource}/register", versions.RESOURCES),
    )
