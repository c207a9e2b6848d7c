"""Step 1: register the resource providers that a workspace with a customer-managed key needs.

The documented five, and those of every other resource type that the procedure creates. Only missing registrations are sent, all
at the same time. Registering Microsoft.DocumentDB also adds the Azure Cosmos DB service principal to the tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import provider_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps.base import conflict, no_op, wait

DOCUMENTED: Final = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
)
REGISTERING: Final[Output[list[str]]] = Output("resource_providers", "registering")
"""The namespaces that are not registered yet."""

_KIND: Final = "resource provider"
_REGISTERED: Final = "Registered"
_EXPECTED: Final = 72.0
"""Seconds: a registration was recorded to take 71 and 72 (recordings, fact 28)."""


class ResourceProviders:
    """``POST /subscriptions/…/providers/NAMESPACE/register`` for each missing registration.

    `types` returns the resource types that the procedure creates for a profile.
    """

    name = "resource_providers"
    title = "resource providers"
    needs = ()
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#prerequisites"

    def __init__(self, types: Callable[[Profile], Iterable[str]]) -> None:
        self._types = types

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: a registration is no resource."""
        return ()

    def namespaces(self, profile: Profile) -> tuple[str, ...]:
        """Return the namespaces to register for a profile, the documented ones first."""
        derived = (each.partition("/")[0] for each in self._types(profile))
        unique: dict[str, str] = {}
        for each in (*DOCUMENTED, *derived):
            unique.setdefault(each.lower(), each)
        return tuple(unique.values())

    def observe(self, azure: Snapshot, profile: Profile) -> Mapping[str, str | None]:
        """Read the registration state of each namespace; None for a namespace that this cloud lacks."""
        needed = self.namespaces(profile)
        found = azure.gather(*(partial(azure.provider, each) for each in needed))
        return {each: _state(document) for each, document in zip(needed, found, strict=True)}

    def plan(self, profile: Profile, observed: Mapping[str, str | None], known: Known) -> list[Change]:  # noqa: ARG002
        """Register each missing namespace; wait for registrations in progress."""
        return [_plan_one(profile.subscription, namespace, state) for namespace, state in observed.items()]

    def outputs(self, profile: Profile, observed: Mapping[str, str | None]) -> Outputs:  # noqa: ARG002
        """Return `REGISTERING`. Registering a namespace may add its service principal to the tenant."""
        return {REGISTERING: [namespace for namespace, state in observed.items() if state != _REGISTERED]}


def _state(provider: ArmDocument | None) -> str | None:
    return None if provider is None else str(provider.get("registrationState"))


def _plan_one(subscription: str, namespace: str, state: str | None) -> Change:
    step, resource = "resource_providers", provider_id(subscription, namespace)
    # All registrations have to end before the next step, so they are polled one after the other.
    settle = Settle(
        resource,
        versions.RESOURCES,
        state_path="registrationState",
        ready=frozenset({_REGISTERED.lower()}),
        failed=frozenset(),
        expected=_EXPECTED,
        group=step,
    )
    if state == _REGISTERED:
        return no_op(step, resource, _KIND, namespace, "registered")
    if state == "Registering":
        return wait(step, resource, _KIND, namespace, "registration in progress", settle)
    if state is None:
        return conflict(
            step,
            resource,
            _KIND,
            namespace,
            "CMK201",
            "this subscription's cloud does not offer it",
            "choose another cloud",
        )
    return Change(
        step,
        Action.CREATE,
        resource,
        _KIND,
        namespace,
        f"not registered in this subscription ({state})",
        attributes=(AttributeChange("registrationState", state, _REGISTERED, phrase=Phrase("to be registered")),),
        request=Request("POST", f"{resource}/register", versions.RESOURCES),
        settle=settle,
        verb=("registering", "registered"),
    )


def types_of(steps: Iterable[Any]) -> Callable[[Profile], tuple[str, ...]]:
    """Return the function from a profile to the resource types that some steps create."""
    listed = tuple(steps)
    return lambda profile: tuple(each for step in listed for each in step.types(profile))
