"""Rules about the subscription (failures.md, 1.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_word
from cmkctl.checks.observed import SUBSCRIPTION
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK101: Final = Code(
    "CMK101",
    "The subscription cannot be used",
    "It is disabled, or belongs to a different tenant than the profile states.",
    "Have it enabled, or correct subscription and tenant.",
)


@rule(CMK101, severity=Severity.ERROR, needs=(SUBSCRIPTION,))
def subscription_usable(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require an enabled subscription of the profile's tenant."""
    subscription = facts[SUBSCRIPTION]
    state, tenant = subscription.get("state", "Enabled"), subscription.get("tenantId")
    if not same_word(state, "Enabled"):
        yield Finding(
            f"Subscription {profile.subscription} is {state}.",
            "Have it enabled, or use another subscription.",
            "subscription",
        )
    if profile.tenant and tenant and not same_word(profile.tenant, tenant):
        yield Finding(
            f"Subscription {profile.subscription} belongs to tenant {tenant}; the profile states {profile.tenant}.",
            f"Correct subscription or tenant, or sign in to that tenant: az login --tenant {profile.tenant}.",
            "tenant",
        )
