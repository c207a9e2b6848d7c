"""Differences of an existing vault that no permitted write repairs. For `key_vault`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cmkctl.azure.compare import same_location, same_word
from cmkctl.profile.model import KeyVaultSettings, NetworkSettings, Profile

LONGEST_RETENTION: Final = 90
"""Days: the default retention of soft delete."""


def wants_rbac(settings: KeyVaultSettings) -> bool:
    """Return True when the profile wants roles; the default is access policies, as in Microsoft's procedure."""
    return settings.authorization == "rbac"


def conflicts_of(profile: Profile, vault: Mapping[str, Any], tenant: str) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for each conflict of an existing vault."""
    settings, properties = profile.key_vault, vault.get("properties", {})
    location = str(vault.get("location") or profile.location)
    # A vault given by id was created by others, for whatever region.
    if settings.id is None and not same_location(location, profile.location):
        yield (
            "CMK212",
            f"it is in {location}, not in {profile.location}",
            f"write location: {location}, for everything",
            "choose another key_vault.name",
            "give the vault by id: key_vault.id",
        )
    if tenant and not same_word(properties.get("tenantId"), tenant):
        yield "CMK206", "it belongs to a different Entra tenant than the subscription", "use a vault of this tenant"
    if (
        settings.soft_delete_days
        and properties.get("softDeleteRetentionInDays", LONGEST_RETENTION) != settings.soft_delete_days
    ):
        has = properties.get("softDeleteRetentionInDays", LONGEST_RETENTION)
        yield (
            "CMK207",
            f"its soft delete retention is {has} days, not {settings.soft_delete_days}, and is fixed at creation",
            f"write key_vault.soft_delete_days: {has}, or leave it out",
            "use another vault",
        )
    if settings.authorization and bool(properties.get("enableRbacAuthorization")) != wants_rbac(settings):
        has_model = "rbac" if properties.get("enableRbacAuthorization") else "access-policy"
        yield (
            "CMK208",
            f"its authorization is {has_model}; switching would remove all access that exists now",
            f"write key_vault.authorization: {has_model}, or leave it out",
        )
    tier = str(properties.get("sku", {}).get("name"))
    if settings.sku and not same_word(tier, settings.sku):
        yield (
            "CMK213",
            f"it is a {tier.lower()} vault, not {settings.sku}; cmkctl does not change the tier of a vault",
            f"write key_vault.sku: {tier.lower()}, or leave it out",
            "use another vault",
        )
    elif profile.key.type == "RSA-HSM" and not same_word(tier, "premium"):
        yield (
            "CMK209",
            "it is a standard vault, which holds no RSA-HSM key",
            "write key.type: RSA",
            "use a premium vault",
        )
    if not properties.get("enablePurgeProtection") and not settings.allow_enabling_purge_protection:
        yield (
            "CMK210",
            "purge protection is off, which Azure Machine Learning refuses; turning it on cannot be undone",
            "write key_vault.allow_enabling_purge_protection: true to have cmkctl turn it on",
            "use another vault",
        )
    if settings.network is not None and not _same_network(settings.network, properties):
        yield (
            "CMK211",
            "its network rules do not match the profile; cmkctl does not change the rules of an existing vault",
            "leave key_vault.network out to adopt the vault as it is",
            "change the rules with: az keyvault network-rule, az keyvault update",
        )


def _same_network(wanted: NetworkSettings, properties: Mapping[str, Any]) -> bool:
    acls = properties.get("networkAcls") or {}
    return (
        same_word(properties.get("publicNetworkAccess") or "enabled", wanted.public_access)
        and same_word(acls.get("defaultAction") or "Allow", wanted.default_action)
        and same_word(acls.get("bypass") or "AzureServices", wanted.bypass)
        and _addresses(each.get("value") for each in acls.get("ipRules") or []) == _addresses(wanted.ip_rules)
        and {str(each.get("id")).lower() for each in acls.get("virtualNetworkRules") or []}
        == {each.lower() for each in wanted.subnets}
    )


def _addresses(rules: Any) -> set[str]:
    """Return addresses in one form: Azure returns a single one as ``a.b.c.d/32``."""
    return {str(each).removesuffix("/32") for each in rules}
