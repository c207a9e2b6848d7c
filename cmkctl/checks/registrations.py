"""A rule about registrations of resource providers that the caller may not read (failures.md, P57)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.checks.observed import REGISTRATIONS
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK188: Final = Code(
    "CMK188",
    "It is unknown whether resource providers are registered",
    "Registrations of resource providers belong to the subscription, and a role on a resource group does not include reading them. What cannot be read is unknown: cmkctl plans no registration and goes on. If a provider is not registered, Azure refuses the first request to it, with the resources before it already created.",
    "Ask someone with a role on the subscription whether the providers are registered, and to register what is missing: az provider register --namespace NAMESPACE --wait.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types",
)


@rule(CMK188, severity=Severity.NOTE, needs=(REGISTRATIONS,))
def registrations_are_known(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Report the providers whose registration the caller may not read, with the command that registers each."""
    from cmkctl.steps.resource_providers import NOT_READABLE  # noqa: PLC0415 - rules load without the steps

    unknown = [namespace for namespace, state in facts[REGISTRATIONS].items() if state == NOT_READABLE]
    if unknown:
        commands = "; ".join(
            f"az provider register --namespace {each} --subscription {profile.subscription} --wait" for each in unknown
        )
        yield Finding(
            f"You may not read the registrations of {', '.join(unknown)} in subscription {profile.subscription}.",
            f"If they are not known to be registered, have an administrator of the subscription run: {commands}.",
            "subscription",
        )
