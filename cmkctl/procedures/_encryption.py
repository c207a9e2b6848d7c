"""The rules of ``encrypt``: the way of the services to the vault. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import text_at
from cmkctl.checks.network import CMK103
from cmkctl.diagnostics import Severity
from cmkctl.facts import Fact, Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile
    from cmkctl.steps._services import ObservedServices

_ACCESS: Final[Fact[ObservedServices]] = Fact.provided("service_access")
_ACLS: Final = "properties.networkAcls"


@rule(CMK103, severity=Severity.WARNING, needs=(_ACCESS,))
def services_reach_the_vault(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Prefer a vault that services can reach: one page lets an identity through a firewall that others need an exception for."""
    vault = facts[_ACCESS].vault
    name = profile.key_vault.resource_name
    closed = same_word(text_at(vault, "properties.publicNetworkAccess"), "Disabled")
    denies = closed or same_word(text_at(vault, f"{_ACLS}.defaultAction"), "Deny")
    bypass = text_at(vault, f"{_ACLS}.bypass") or "AzureServices"
    if denies and not same_word(bypass, "AzureServices"):
        yield Finding(
            f"The firewall of vault {name} denies by default, and trusted Microsoft services are not exempt: a service may be "
            "refused the key, with a message about permissions.",
            f"Set the exception before: az keyvault update --name {name} --bypass AzureServices",
            "key_vault.network.bypass",
        )
    elif closed:
        yield Finding(
            f"Vault {name} has no public access. Services on Key Vault's list of trusted services still reach it; those that are "
            "not on it, such as Azure Cosmos DB, may be refused the key.",
            "Prefer public access with a firewall that denies by default and exempts trusted services.",
            "key_vault.network",
        )


ENCRYPTING: Final = (services_reach_the_vault,)
