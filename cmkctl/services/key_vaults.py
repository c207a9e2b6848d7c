"""Key vaults: the store of a workspace's secrets, and of keys. A vault's own encryption has no customer's key.

What protects a vault is beside the key: recovery, who may open it, and from where.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import same_word
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Check, Evidence, Posture, Rules, State, Verdict
from cmkctl.services.base import PLATFORM_TRANSIT, Documents, NoReader, Service, Verb

_SKU: Final = "properties.sku.name"
_SOFT_DELETE: Final = "properties.enableSoftDelete"
_DAYS: Final = "properties.softDeleteRetentionInDays"
_PURGE: Final = "properties.enablePurgeProtection"
_ROLES: Final = "properties.enableRbacAuthorization"
_PUBLIC: Final = "properties.publicNetworkAccess"
_ACTION: Final = "properties.networkAcls.defaultAction"
_BYPASS: Final = "properties.networkAcls.bypass"

_EXPIRY: Final = (
    "demands a date of expiry: Azure Database for MySQL takes only keys without one, and disks cannot be used with a key that "
    "has expired"
)
_RULES: Final = Rules(
    ("DP-6", "DP-8"),
    (
        Check("Azure Policy", "d8cf8476-a2ec-4916-896e-992351803c44"),
        Check("Azure Policy", "152b15f7-8e1f-4c1f-ab71-8c010ba5dbc0", _EXPIRY),
        Check("Azure Policy", "5ff38825-c5d8-47c5-b70e-069a21955146", _EXPIRY),
        Check("Azure Policy", "c26e4b24-cf98-4c67-b48b-5a25c4c69eb9"),
        Check("Azure Policy", "49a22571-d204-4c91-a7b6-09b1a586fbc9", _EXPIRY),
        Check("Azure Policy", "75c4f823-d65c-4f29-a733-01d0077fdbcb"),
        Check("Azure Policy", "82067dbb-e53b-4e06-b631-546d197452d9"),
        Check("Azure Policy", "587c79fe-dd04-4a5e-9d0b-f89598c7261b"),
        Check("Checkov", "CKV_AZURE_40", _EXPIRY),
        Check("Checkov", "CKV_AZURE_112"),
        Check("Prowler", "keyvault_key_rotation_enabled"),
        Check("Prowler", "keyvault_rbac_key_expiration_set", _EXPIRY),
        Check("Trivy", "AZU-0014", _EXPIRY),
        Check("KICS", "cec6e005-9309-46eb-b34b-456f6eae818b"),
        Check("PSRule", "AZR-000123"),
    ),
)
"""The checks of the keys in a vault: none looks at the encryption of the vault itself."""

_SOFT_DELETE_RULES: Final = Rules(
    ("DP-8",),
    (
        Check("Azure Policy", "1e66c121-a66a-4b1f-9b83-0fd99bf0fc2d"),
        Check("Checkov", "CKV_AZURE_111"),
        Check("Prowler", "keyvault_recoverable"),
        Check("PSRule", "AZR-000124"),
    ),
)
_PURGE_RULES: Final = Rules(
    ("DP-8",),
    (
        Check("Azure Policy", "0b60c0b2-2dc2-4e1c-b5c9-abbed971de53"),
        Check("Checkov", "CKV_AZURE_42"),
        Check("Checkov", "CKV_AZURE_110"),
        Check("Prowler", "keyvault_recoverable"),
        Check("Trivy", "AZU-0016"),
        Check("PSRule", "AZR-000125"),
    ),
)
_ROLES_RULES: Final = Rules(
    ("DP-8",),
    (Check("Azure Policy", "12d4fa5e-1f9f-4c21-97a9-b99b3c6611b5"), Check("Prowler", "keyvault_rbac_enabled")),
)
_NETWORK_RULES: Final = Rules(
    ("DP-8", "NS-2"),
    (
        Check("Azure Policy", "55615ac9-af46-4a59-874e-391cc3dfb490"),
        Check("Checkov", "CKV_AZURE_109"),
        Check("Checkov", "CKV_AZURE_189"),
        Check("PSRule", "AZR-000355"),
    ),
)


class KeyVaults(Service):
    """Read only: there is no key to set."""

    name = "key_vaults"
    title = "key vault"
    resource_type = "Microsoft.KeyVault/vaults"
    host_suffixes = tuple(each.vault_suffix for each in ENDPOINTS.values())
    api_version = versions.KEY_VAULT
    verb = Verb.NONE
    reader = NoReader()
    follows = PINNED
    revoked = "no key of the customer's encrypts a vault"
    doc = "https://learn.microsoft.com/azure/key-vault/general/overview"
    protections = (IN_TRANSIT, "soft-delete", "purge-protection", "authorization", "network")
    rules = _RULES

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the vault; of a document without its URI, the host in each cloud."""
        host = urlsplit(documents.text("resource", "properties.vaultUri")).hostname
        name = documents.text("resource", "name").lower()
        if host:
            return (host,)
        return tuple(f"{name}.{each.vault_suffix}" for each in ENDPOINTS.values()) if name else ()

    def posture(self, documents: Documents) -> Posture:
        """Return that there is no choice, with the tier."""
        if hidden := documents.not_visible("resource"):
            return hidden
        tier = documents.text("resource", _SKU)
        kind = {"premium": "; keys can be protected by hardware (HSM)", "standard": "; keys are protected by software"}
        reason = (
            f"Key Vault encrypts what it stores with keys of its own, and offers no other{kind.get(tier.lower(), '')}"
        )
        return Posture(Verdict.NOT_CHOOSABLE, reason, (documents.evidence("resource", _SKU),))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return recovery, authorization, network, and the encryption of connections."""
        if documents.find("resource") is None:
            return ()
        return (PLATFORM_TRANSIT, _soft_delete(documents), _purge(documents), _roles(documents), _network(documents))


def _soft_delete(documents: Documents) -> Aspect:
    value, days = documents.value("resource", _SOFT_DELETE), documents.value("resource", _DAYS)
    shown = _evidence(documents, _SOFT_DELETE, _DAYS)
    kept = f" for {days} days" if isinstance(days, int) else ""
    words: dict[bool | None, str] = {
        True: f"what is deleted can be recovered{kept}",
        False: "what is deleted is gone for good",
        None: "the vault does not show it",
    }
    return _switch("soft-delete", value, words, shown, _SOFT_DELETE_RULES)


def _purge(documents: Documents) -> Aspect:
    """Return the protection against a purge; Azure leaves it out of a vault without it."""
    value = documents.value("resource", _PURGE)
    shown = _evidence(documents, _PURGE)
    words: dict[bool | None, str] = {
        True: "what is deleted stays recoverable until its time is over, and cannot be purged before",
        False: "what is deleted can be purged at once; most services take no key of such a vault",
    }
    return _switch("purge-protection", False if value is None else value, words, shown, _PURGE_RULES)


def _roles(documents: Documents) -> Aspect:
    value, policies = documents.value("resource", _ROLES), documents.value("resource", "properties.accessPolicies")
    count = f" ({len(policies)})" if isinstance(policies, list) else ""
    words: dict[bool | None, str] = {
        True: "Azure roles decide who may use what the vault stores",
        False: f"access policies of the vault decide who may use what it stores{count}",
        None: f"the vault does not show it; access policies decide then{count}, except in a vault that was created with "
        "api-version 2026-02-01 or later",
    }
    return _switch("authorization", value, words, _evidence(documents, _ROLES), _ROLES_RULES)


def _network(documents: Documents) -> Aspect:
    """Return from where the data plane can be reached."""
    shown = _evidence(documents, _PUBLIC, _ACTION, _BYPASS)
    public, action = documents.text("resource", _PUBLIC), documents.text("resource", _ACTION)
    trusted = (
        "; Microsoft's trusted services pass" if same_word(documents.text("resource", _BYPASS), "AzureServices") else ""
    )
    if same_word(public, "Disabled"):
        return Aspect(_TOPIC, State.ENFORCED, f"private endpoints only{trusted}", shown, _NETWORK_RULES)
    if same_word(public, "SecuredByPerimeter"):
        return Aspect(_TOPIC, State.ENFORCED, "the rules of a network security perimeter decide", shown, _NETWORK_RULES)
    if same_word(action, "Deny"):
        rules = {
            words: len(found)
            for words, member in (("address", "ipRules"), ("network", "virtualNetworkRules"))
            if isinstance(found := documents.value("resource", f"properties.networkAcls.{member}"), list)
        }
        permitted = " and ".join(f"{count} {words} rule{'' if count == 1 else 's'}" for words, count in rules.items())
        reason = f"the firewall permits {permitted or 'what its rules name'}{trusted}"
        return Aspect(_TOPIC, State.ENFORCED, reason, shown, _NETWORK_RULES)
    for value, known in (
        (documents.value("resource", _PUBLIC), "Enabled"),
        (documents.value("resource", _ACTION), "Allow"),
    ):
        if value not in (None, "") and not same_word(str(value), known):
            return Aspect(_TOPIC, State.NOT_KNOWABLE, f"cmkctl does not know the value {value}", shown, _NETWORK_RULES)
    return Aspect(_TOPIC, State.NOT_ENFORCED, "any network can reach the vault", shown, _NETWORK_RULES)


_TOPIC: Final = "network"


def _switch(topic: str, value: Any, words: dict[bool | None, str], shown: tuple[Evidence, ...], rules: Rules) -> Aspect:
    """Return a protection that is on or off; a value of another type proves nothing."""
    states = {True: State.ENFORCED, False: State.NOT_ENFORCED, None: State.NOT_SET}
    if value is not None and not isinstance(value, bool):
        return Aspect(topic, State.NOT_KNOWABLE, "the setting has another form than cmkctl knows", shown, rules)
    return Aspect(topic, states[value], words[value], shown, rules)


def _evidence(documents: Documents, *paths: str) -> tuple[Evidence, ...]:
    return tuple(documents.evidence("resource", each) for each in paths)


SERVICE: Final = KeyVaults()
