"""Rules about the network (failures.md, 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_word
from cmkctl.checks.documents import vault_properties
from cmkctl.checks.observed import KEY_VAULT
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK103: Final = Code(
    "CMK103",
    "The service may be unable to reach the key",
    "Azure Cosmos DB wraps its keys with yours through the vault's public endpoint. A firewall without the exception for trusted services blocks it. A vault without public access may block it as well: Azure Cosmos DB is not on Key Vault's list of trusted services, although its own page relies on that exception.",
    "Keep public access enabled, deny by default, and set bypass: AzureServices.",
    "https://learn.microsoft.com/azure/key-vault/general/overview-vnet-service-endpoints",
)


@rule(CMK103, severity=Severity.ERROR, needs=(KEY_VAULT,))
def trusted_services_pass(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require the exception for trusted services in a firewall that denies by default."""
    if _blocks_services(profile, facts):
        yield Finding(
            "The vault's firewall denies by default, and trusted Microsoft services are not exempt: the workspace could not "
            "be created.",
            "Set key_vault.network.bypass: AzureServices.",
            "key_vault.network.bypass",
        )


@rule(CMK103, severity=Severity.WARNING, needs=(KEY_VAULT,))
def vault_has_public_access(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Prefer a vault with a public endpoint, which Azure Cosmos DB may need."""
    access, _, _ = _network(profile, facts)
    if not same_word(access, "disabled") or _blocks_services(profile, facts):
        return
    if profile.workspace.encryption == "service-side":
        yield Finding(
            "The vault has no public access. Microsoft's page about the preview of service-side encryption excluded such "
            "vaults; today's page no longer says so, and no page says that it works.",
            "Prefer public_access: enabled with default_action: Deny and bypass: AzureServices.",
            "key_vault.network",
        )
    else:
        yield Finding(
            "The vault has no public access. Azure Cosmos DB is not on Key Vault's list of trusted services, although its "
            "own page relies on that exception; failures have been reported.",
            "Prefer public_access: enabled with default_action: Deny and bypass: AzureServices.",
            "key_vault.network",
        )


def _blocks_services(profile: Profile, facts: Facts) -> bool:
    _, action, bypass = _network(profile, facts)
    return same_word(action, "Deny") and not same_word(bypass, "AzureServices")


def _network(profile: Profile, facts: Facts) -> tuple[str, str, str]:
    """Return public access, default action and bypass of an existing vault, else those that the profile sets."""
    properties = vault_properties(facts[KEY_VAULT])
    if not properties:
        wanted = profile.key_vault.network
        return (wanted.public_access, wanted.default_action, wanted.bypass) if wanted else ("enabled", "Allow", "")
    acls = properties.get("networkAcls") or {}
    return (
        properties.get("publicNetworkAccess") or "enabled",
        acls.get("defaultAction") or "Allow",
        acls.get("bypass") or "AzureServices",
    )
