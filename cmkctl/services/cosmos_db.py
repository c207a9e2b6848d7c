"""Azure Cosmos DB: the key of an account, read by the identity that the account names as its default one.

The accounts that Azure Machine Learning keeps in the managed resource group of a workspace are read in the same way, and never
written: their key follows that of the workspace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field

from cmkctl.azure.compare import same_uri, same_word
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import key_parts
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import (
    IN_TRANSIT,
    Aspect,
    Check,
    Evidence,
    Follow,
    Follows,
    Posture,
    Rules,
    State,
    Verdict,
)
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    OwnIdentitySettings,
    Verb,
    Want,
    Write,
    not_accepted,
    only_at_creation,
)

_KEY: Final = "properties.keyVaultKeyUri"
_VERSION: Final = "properties.keyVaultKeyUriVersion"
_STATUS: Final = "properties.customerManagedKeyStatus"
_READER: Final = "properties.defaultIdentity"
_TLS: Final = "properties.minimalTlsVersion"
_SYSTEM: Final = "SystemAssignedIdentity"
_USER: Final = "UserAssignedIdentity="
_READERS: Final[Mapping[str, str]] = {"firstpartyidentity": "Azure Cosmos DB", _SYSTEM.lower(): "system-assigned"}
_CONFIRMED: Final = "Access to the configured customer managed key confirmed."
"""The published status of an account that can use its key."""
_REVOKED: Final = "Access to your account is currently revoked"
"""The beginning of every other published status; the rest names the cause."""
_HOURS: Final = 24
"""The longest time until an account uses a new version of its key."""
_NO_KEY_LATER: Final[Mapping[str, str]] = {
    "enablecassandra": "the API for Cassandra",
    "enablenosqlvectorsearch": "vector search",
}
"""Capabilities of accounts that take a key only when they are created."""
_TLS_NUMBER: Final = re.compile(r"tls(1?[0-9])?", re.IGNORECASE)
_SECURE: Final = 12

_RULES: Final = Rules(
    ("DP-5",),
    (
        Check(
            "Azure Policy",
            "1f905d99-2ab7-462c-a6b0-f709acca6c8f",
            "passes an account whose keyVaultKeyUri is an empty text, and reports the account in the managed resource group of a "
            "workspace, which only Microsoft can change",
        ),
        Check("Checkov", "CKV_AZURE_100"),
        Check("Steampipe", "azure_compliance.control.cosmosdb_account_encryption_at_rest_using_cmk"),
    ),
)
_TLS_RULES: Final = Rules(
    ("DP-3",),
    (
        Check("PSRule", "AZR-000415", "takes TLS 1.2 alone, and rejects a later version"),
        Check("Prowler", "cosmosdb_account_minimum_tls_version"),
    ),
    by_analogy=True,
)


class EncryptedCosmosDbAccount(OwnIdentitySettings):
    """An account of Azure Cosmos DB."""

    id: Annotated[str, field_types.ArmId("Microsoft.DocumentDB/databaseAccounts")] = Field(
        description="The ARM id of the account.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.DocumentDB"
                "/databaseAccounts/cosmos-data"
            )
        ],
    )


class CosmosDbAccounts(EncryptableService[EncryptedCosmosDbAccount]):
    """Three ``PATCH …/databaseAccounts/NAME``: its identity, its default identity, and ``properties.keyVaultKeyUri``."""

    name = "cosmos_db_accounts"
    title = "Azure Cosmos DB account"
    resource_type = "Microsoft.DocumentDB/databaseAccounts"
    host_suffixes = ("documents.azure.com", "cosmos.azure.com", "documents.azure.us", "documents.azure.cn")
    api_version = "2025-10-15"
    verb = Verb.PATCH
    reader = OwnIdentity()
    follows = Follows(Follow.BY_ITSELF, _HOURS)
    revoked = (
        "within about 1 hour reads and writes of data are refused; of the account, its default identity can be changed, and it "
        "can be deleted"
    )
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys-existing-accounts"
    protections = (IN_TRANSIT,)
    rules = _RULES
    settings = EncryptedCosmosDbAccount

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the account, and those of its regions."""
        document = documents.find("resource")
        places = [each for kind in ("writeLocations", "readLocations") for each in _list(documents, kind)]
        endpoints = (
            text_at(document, "properties.documentEndpoint"),
            *(text_at(x, "documentEndpoint") for x in places),
        )
        return tuple(dict.fromkeys(host for each in endpoints if (host := _host(each))))

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the account's key."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _KEY),)
        value = documents.value("resource", _KEY)
        if value is None or value == "":
            return Posture(Verdict.MICROSOFT, "the account is encrypted with Microsoft's key", shown)
        key, version = key_parts(documents.text("resource", _KEY))
        if not key:
            return Posture(Verdict.NOT_KNOWABLE, "keyVaultKeyUri has a value that names no key", shown)
        shown += tuple(documents.evidence("resource", each) for each in (_VERSION, _STATUS, _READER))
        used = documents.text("resource", _VERSION).rstrip("/").rpartition("/")[2] or version
        verdict, reason = _access(documents)
        return Posture(verdict, reason, shown, key, used, self.follows, _reader(documents))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the least version of TLS."""
        if documents.find("resource") is None:
            return ()
        state, reason = _transit(documents.value("resource", _TLS))
        return (Aspect(IN_TRANSIT, state, reason, (documents.evidence("resource", _TLS),), _TLS_RULES),)

    def reader_properties(self, settings: EncryptedCosmosDbAccount) -> Mapping[str, Json]:
        """Return the default identity: an update that has an identity as well fails without an error."""
        return {"defaultIdentity": f"{_USER}{settings.identity_id}" if settings.identity_id else _SYSTEM}

    def want(self, settings: EncryptedCosmosDbAccount, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of the key, nothing where the account has it already."""
        before = documents.value("resource", _KEY)
        if isinstance(before, str) and same_uri(before, key.versionless):
            return ()
        if owner := documents.text("resource", "managedBy"):
            return not_accepted(
                f"Azure manages it for {owner.rpartition('/')[2]}, whose key it uses",
                "leave it out of the profile: its key follows that of the workspace",
            )
        if not before and (found := _takes_no_key(documents)):
            return only_at_creation(
                f"it uses {found}, and Azure encrypts such an account with a customer's key only when it is created",
                "create an account with the key: az cosmosdb create --key-uri",
            )
        return (
            Write(
                settings.id,
                self.verb.value,
                self.api_version,
                {"properties": {"keyVaultKeyUri": key.versionless}},
                self.title,
                documents.text("resource", "name"),
                "uses another key" if before else "uses Microsoft's key; what is there is encrypted in the background",
                attributes=(AttributeChange("keyVaultKeyUri", before or None, key.versionless),),
                irreversible=() if before else ("an account with a customer-managed key keeps one for ever",),
                costs=()
                if before
                else ("about 5 % more request units for point reads, 6 % for writes, 15 % for queries",),
            ),
        )


def _list(documents: Documents, name: str) -> Iterator[Mapping[str, Any]]:
    found = documents.value("resource", f"properties.{name}")
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())


def _host(endpoint: str) -> str:
    try:
        return urlsplit(endpoint).hostname or ""
    except ValueError:
        return ""


def _access(documents: Documents) -> tuple[Verdict, str]:
    """Return the verdict on an account with a key, by what it reports of its access to it: a text for people."""
    status = documents.value("resource", _STATUS)
    if isinstance(status, str) and status.lower().startswith(_REVOKED.lower()):
        return Verdict.CUSTOMER_UNUSABLE, "a customer's key is set, and the account reports that its access is revoked"
    held = "the account is encrypted with the customer's key"
    if isinstance(status, str) and same_word(status.strip(), _CONFIRMED):
        return Verdict.CUSTOMER, f"{held}, and confirms its access to it"
    if status is None or status == "":
        return Verdict.CUSTOMER, f"{held}; what is read shows nothing of its access to it"
    return Verdict.CUSTOMER, f"{held}; cmkctl does not know what it reports of its access to it: see the evidence"


def _reader(documents: Documents) -> str:
    named = documents.text("resource", _READER)
    if named.lower().startswith(_USER.lower()):
        return named[len(_USER) :].partition("&")[0]
    return _READERS.get(named.lower(), "")


def _transit(value: object) -> tuple[State, str]:
    if value is None or value == "":
        # Up to 2025-10-15 the type promises TLS 1.2 as the default; that of 2026-03-15 has TLS 1.0.
        return State.NOT_SET, "no least version of TLS is set, and Microsoft's texts disagree about the default"
    found = _TLS_NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return State.NOT_KNOWABLE, "the least version of TLS is a value that cmkctl does not know"
    number = int(found[1] or 10)
    words = f"the least version of TLS is {number // 10}.{number % 10}"
    return (State.ENFORCED if number >= _SECURE else State.NOT_ENFORCED), words


def _takes_no_key(documents: Documents) -> str:
    """Return why an account without a key cannot get one; empty for others."""
    names = [text_at(each, "name").lower() for each in _list(documents, "capabilities")]
    return next((_NO_KEY_LATER[each] for each in names if each in _NO_KEY_LATER), "")


SERVICE: Final = CosmosDbAccounts()
