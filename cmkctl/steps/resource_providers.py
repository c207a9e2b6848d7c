"""Step 1: register the resource providers that a workspace with a customer-managed key needs.

The documented five, and those of every other resource type that the procedure creates. Only missing registrations are sent, all
at the same time. Registering Microsoft.DocumentDB also adds the Azure Cosmos DB service principal to the tenant.

Registrations belong to the subscription: a caller with roles on a resource group only may not read them. Such a state is unknown,
so nothing is planned for it, and a rule reports it (CMK188).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
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

NOT_READABLE: Final = "NotReadable"
"""The state of a registration that the caller may not read; Azure has no such state."""

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
        """Read the registration state of each namespace.

        It is None for a namespace that this cloud lacks, and `NOT_READABLE` where the caller may not read it.
        """
        needed = self.namespaces(profile)
        found = azure.gather(*(partial(_read_state, azure, each) for each in needed))
        return dict(zip(needed, found, strict=True))

    def plan(self, profile: Profile, observed: Mapping[str, str | None], known: Known) -> list[Change]:  # noqa: ARG002
        """Register each missing namespace; wait for registrations in progress. Nothing is planned for an unknown state."""
        return [_plan_one(profile.subscription, namespace, state) for namespace, state in _readable(observed).items()]

    def outputs(self, profile: Profile, observed: Mapping[str, str | None]) -> Outputs:  # noqa: ARG002
        """Return `REGISTERING`. Registering a namespace may add its service principal to the tenant."""
        return {REGISTERING: [namespace for namespace, state in _readable(observed).items() if state != _REGISTERED]}


def _readable(observed: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return {namespace: state for namespace, state in observed.items() if state != NOT_READABLE}


def _read_state(azure: Snapshot, namespace: str) -> str | None:
    try:
        return _state(azure.provider(namespace))
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return NOT_READABLE


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
