"""Rules about the kinds of workspace, service-side encryption and high business impact (failures.md, P41, P51, P67, P68, P79, P88).

Microsoft's pages gave three limits of service-side encryption while it was a preview. The current page (28 January 2025) no longer
lists them and does not state that they are gone, so each is a warning with the date of its evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.checks.documents import vault_properties
from cmkctl.checks.observed import ASSOCIATED, KEY_VAULT, WORKSPACE
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

_ENCRYPTION: Final = "https://learn.microsoft.com/azure/machine-learning/concept-data-encryption"
_CONCEPT: Final = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"

CMK150: Final = Code(
    "CMK150",
    "High business impact, and its limits",
    "With high business impact on, Azure Machine Learning collects less diagnostic data, passes the credentials of storage account, registry and SSH to the workspace's computes through its key vault, cleans the scratch disks of clusters between jobs, and encrypts them with Microsoft's keys. It encrypts the scratch disks only where no cluster was created in the subscription before; otherwise Microsoft support turns it on. Less diagnostic data also leaves support less to work with. The flag changes nothing about data in transit or about the storage account, and OS disks of clusters always have Microsoft's keys. It is fixed at creation.",
    "Choose workspace.high_business_impact for the data that the workspace will hold.",
    _ENCRYPTION,
)
CMK151: Final = Code(
    "CMK151",
    "A hub with a key has high business impact",
    "A hub that is created with a customer-managed key gets high business impact turned on by Azure unless the request sets it. cmkctl always sets it; no source describes a hub that was created with a key and an explicit false.",
    "Set workspace.high_business_impact: true for a hub.",
    _CONCEPT,
)
CMK152: Final = Code(
    "CMK152",
    "A limit that service-side encryption had as a preview",
    "Until January 2025 Microsoft's page listed as unsupported with service-side encryption: key rotation, and a vault without public network access; another page added user-assigned identities. The page of 28 January 2025 lists none of them, and does not state that they work. A report of 2026 uses a user-assigned identity with success.",
    "Try it with a workspace that holds no data first, or avoid the combination.",
    _CONCEPT,
)
CMK153: Final = Code(
    "CMK153",
    "The storage account of a service-side workspace has Microsoft's key",
    "With service-side encryption, metadata of pipelines is kept in the workspace's own storage account. The workspace's key does not cover that account: its encryption is a setting of the account.",
    "For a new account write associated_resources.storage_account.encryption: customer. Otherwise write the account under services.storage_accounts and run `cmkctl encrypt` after `cmkctl apply`.",
    _CONCEPT,
)
CMK154: Final = Code(
    "CMK154",
    "A page names access policies only for hubs with a key",
    "A Microsoft page of May 2025 states that hubs with a customer-managed key support vaults with access policies only. Azure Verified Modules create hubs with RBAC vaults, so the statement may be outdated.",
    "Use a vault with access policies (key_vault.authorization: access-policy) to be safe.",
    "https://learn.microsoft.com/azure/ai-foundry/concepts/encryption-keys-portal",
)


@rule(CMK150, severity=Severity.NOTE, needs=(WORKSPACE,))
def high_business_impact(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """State the effect of the flag, and its limits, before a workspace is created."""
    if facts[WORKSPACE] is not None:
        return
    on = (
        "On: Microsoft collects less diagnostic data, credentials reach computes through the key vault, and scratch disks of "
        "clusters are encrypted, but only if the subscription never had a cluster."
    )
    off = "Off: Microsoft collects its usual diagnostic data, and scratch disks of clusters are not encrypted."
    yield Finding(on if profile.workspace.high_business_impact else off, "")


@rule(CMK151, severity=Severity.WARNING, needs=(WORKSPACE,))
def high_business_impact_of_a_hub(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a new hub for which the flag is off."""
    settings = profile.workspace
    if facts[WORKSPACE] is None and settings.kind == "hub" and not settings.high_business_impact:
        yield Finding(
            "Azure turns the flag on by itself for a hub with a key. Whether it keeps an explicit false is not published; if "
            "it does not, the hub differs from the profile for good.",
            "Set workspace.high_business_impact: true.",
            "workspace.high_business_impact",
        )


@rule(CMK152, severity=Severity.WARNING, needs=(WORKSPACE, KEY_VAULT))
def limits_of_service_side(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a new service-side workspace that needs what the preview did not support."""
    settings = profile.workspace
    if facts[WORKSPACE] is not None or settings.encryption != "service-side":
        return
    if settings.key_identity_id is not None:
        yield Finding(
            "The preview did not support a user-assigned identity that reads the key. The current page (28 January 2025) is "
            "silent; a report of 2026 uses one with success.",
            "Go on, or use a system-assigned identity and a vault with access policies.",
            "workspace.identity",
        )
    rotation = profile.key.rotation_policy
    if rotation is not None and (rotation.rotate_after or rotation.rotate_before_expiry):
        yield Finding(
            "The preview did not support key rotation, and the current page (28 January 2025) is silent. The vault creates new "
            "versions; whether the workspace can be moved to one is not confirmed.",
            "Leave key.rotation_policy out, or keep every old version enabled.",
            "key.rotation_policy",
        )
    wanted = profile.key_vault.network
    access = vault_properties(facts[KEY_VAULT]).get("publicNetworkAccess") or (wanted.public_access if wanted else "")
    if same_word(access, "disabled"):
        yield Finding(
            "The preview did not support a vault whose public network access is disabled, and the current page (28 January "
            "2025) is silent.",
            "Set key_vault.network: public_access: enabled, with default_action: Deny and bypass: AzureServices.",
            "key_vault.network",
        )


@rule(CMK153, severity=Severity.WARNING, needs=(ASSOCIATED,))
def storage_of_service_side(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a storage account that neither has a key of the customer nor is to get one (P88)."""
    account = profile.associated_resources.storage_account.resource_id
    to_encrypt = (each.settings.id for each in profile.services.entries)
    if profile.associated_resources.storage_account.encryption == "customer":
        return
    if profile.workspace.encryption != "service-side" or any(same_resource_id(account, each) for each in to_encrypt):
        return
    found = (facts[ASSOCIATED].resources.get(account) or {}).get("properties") or {}
    if not same_word((found.get("encryption") or {}).get("keySource"), "Microsoft.Keyvault"):
        yield Finding(
            f"Metadata of pipelines is kept in the storage account {account.rpartition('/')[2]}, which has Microsoft's key: the "
            "workspace's key does not cover it.",
            f"Write services.storage_accounts: [{{id: {account}}}], and run cmkctl encrypt after cmkctl apply; for a new account "
            "with a user-assigned identity, write associated_resources.storage_account.encryption: customer.",
            "workspace.encryption",
        )


@rule(CMK154, severity=Severity.WARNING, needs=(WORKSPACE, KEY_VAULT))
def vault_of_a_hub(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a new hub whose key is in a vault with roles."""
    found = vault_properties(facts[KEY_VAULT])
    roles = found.get("enableRbacAuthorization") if found else profile.key_vault.authorization == "rbac"
    if facts[WORKSPACE] is None and profile.workspace.kind == "hub" and roles:
        yield Finding(
            "A Microsoft page of May 2025 supports only vaults with access policies for hubs with a key; others create hubs "
            "with RBAC vaults.",
            "Prefer key_vault.authorization: access-policy.",
            "key_vault.authorization",
        )
