"""Rules about the vaults (failures.md, 1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_resource_id
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK112: Final = Code(
    "CMK112",
    "The workspace's own secrets are in the vault that holds the key",
    "Azure Machine Learning gives the workspace's identity wide permissions on the workspace's own vault. If that is the vault with the key, the identity can reach the key that protects the data.",
    "Set associated_resources.key_vault: {} for a separate vault.",
)


@rule(CMK112, severity=Severity.WARNING)
def one_vault_for_both(profile: Profile, _facts: Facts) -> Iterator[Finding]:
    """Prefer separate vaults for the key and for the workspace's own secrets."""
    if same_resource_id(profile.key_vault.resource_id, profile.associated_resources.key_vault_id):
        yield Finding(
            "Azure Machine Learning gives the workspace's identity wide permissions on the workspace's own vault, which is "
            "also the vault with the key.",
            "Set associated_resources.key_vault: {} for a separate vault.",
            "associated_resources.key_vault",
        )
