"""Rules about regions (failures.md, P10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_location
from cmkctl.checks.observed import KEY_VAULT
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK102: Final = Code(
    "CMK102",
    "The vault and the workspace are in different regions",
    "Microsoft's template page and quickstart require vault and workspace in the same region; its set-up page requires only the same subscription. Which of them holds is unknown, so this is a warning.",
    "Prefer a vault in the workspace's region.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys",
)


@rule(CMK102, severity=Severity.WARNING, needs=(KEY_VAULT,))
def vault_in_the_same_region(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Prefer an existing vault in the profile's location."""
    location = (facts[KEY_VAULT].vault or {}).get("location")
    if location and not same_location(location, profile.location):
        yield Finding(
            f"The vault is in {location}, location is {profile.location}. Microsoft's pages disagree on whether Azure "
            "Machine Learning accepts that.",
            f"Prefer a vault in {profile.location}.",
            "key_vault",
        )
