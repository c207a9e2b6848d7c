"""A rule about network security perimeters (failures.md, P50)."""

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

CMK170: Final = Code(
    "CMK170",
    "The vault is in a network security perimeter",
    "A perimeter in enforced mode blocks everything that its rules do not allow, trusted Microsoft services included: the exception of the vault's own firewall has no effect. The services behind the workspace then cannot reach the key. In learning mode the perimeter only logs.",
    "Keep the perimeter's association with this vault in learning mode, or use a vault outside it.",
    "https://learn.microsoft.com/azure/key-vault/general/network-security",
)


@rule(CMK170, severity=Severity.WARNING, needs=(KEY_VAULT,))
def vault_in_a_perimeter(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a vault whose public access is that of a perimeter."""
    if same_word(vault_properties(facts[KEY_VAULT]).get("publicNetworkAccess"), "SecuredByPerimeter"):
        yield Finding(
            "The vault's public access is SecuredByPerimeter. In enforced mode that blocks Azure Cosmos DB and Azure Machine "
            "Learning, whatever the vault's own firewall allows.",
            "Check the mode: az network perimeter association list; keep it Learning for this vault, or use another vault.",
            "key_vault",
        )
