"""Azure SQL: the encryption protector of a logical server, which encrypts the keys of its databases.

Two child resources: the server key names a version of the key, and the protector names the server key. A database may have a
key of its own, which replaces that of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import key_parts
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import PINNED, Evidence, Follow, Follows, Posture, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    OwnIdentitySettings,
    Read,
    Verb,
    Want,
    Write,
    not_accepted,
)

_PRIMARY: Final = "primaryUserAssignedIdentityId"
_TYPE: Final = "properties.serverKeyType"
_HOURS: Final = 1
"""The longest time until a server uses a new version of its key."""


class EncryptedSqlServer(OwnIdentitySettings):
    """A logical server of Azure SQL Database."""

    id: Annotated[str, field_types.ArmId("Microsoft.Sql/servers")] = Field(
        description="The ARM id of the server.",
        examples=[
            "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Sql/servers/sql-data"
        ],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the server rotates to a new version of the key by itself. fixed: it keeps the version that was the "
            "latest when cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class SqlServers(EncryptableService[EncryptedSqlServer]):
    """``PUT …/servers/NAME/keys/VAULT_KEY_VERSION``, then ``PUT …/servers/NAME/encryptionProtector/current``."""

    name = "sql_servers"
    title = "SQL server"
    resource_type = "Microsoft.Sql/servers"
    api_version = "2023-08-01"
    verb = Verb.PUT
    reader = OwnIdentity()
    follows = Follows(Follow.WHEN_TOLD, _HOURS)
    revoked = "connections to the databases are denied within 10 minutes; old backups need the old versions of the key"
    doc = "https://learn.microsoft.com/azure/azure-sql/database/transparent-data-encryption-byok-overview"
    settings = EncryptedSqlServer

    def reads(self, resource_id: str) -> tuple[Read, ...]:
        """Return the server, its protector and its databases."""
        return (
            *super().reads(resource_id),
            Read("protector", _protector(resource_id), self.api_version),
            Read("databases", f"{resource_id}/databases", self.api_version, listing=True),
        )

    def reads_to_encrypt(self, settings: EncryptedSqlServer, key: KeyReference | None) -> tuple[Read, ...]:
        """Return the documents of the server, and the server key of the profile's key."""
        reads = self.reads(settings.id)
        return (*reads, Read("server_key", _server_key(settings, key), self.api_version)) if key else reads

    def identity_properties(self, settings: EncryptedSqlServer) -> Mapping[str, Json]:
        """Return the identity that the server uses where it has several."""
        return {_PRIMARY: settings.identity_id} if settings.identity_id else {}

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the server's databases."""
        if hidden := documents.not_visible("resource") or documents.not_visible("protector"):
            return hidden
        kind = documents.text("protector", _TYPE)
        shown: tuple[Evidence, ...] = (documents.evidence("protector", _TYPE),)
        own = _databases_with(documents, "encryptionProtector")
        for each in own:
            value = _database(documents, each, "encryptionProtector")
            shown += (Evidence(f"…/databases/{each}", self.api_version, "properties.encryptionProtector", value),)
        beside = f"; {', '.join(own)} with a key of its own" if own else ""
        beside += "; the databases may not be read" if documents.denied("databases") else ""
        if same_word(kind, "ServiceManaged"):
            verdict = Verdict.MIXED if own else Verdict.MICROSOFT
            return Posture(verdict, f"the server's protector is Microsoft's key{beside}", shown)
        if not same_word(kind, "AzureKeyVault"):
            return Posture(Verdict.NOT_KNOWABLE, "the protector shows no key type that cmkctl knows", shown)
        shown += (documents.evidence("protector", "properties.uri"),)
        key, version = key_parts(documents.text("protector", "properties.uri"))
        rotates = documents.value("protector", "properties.autoRotationEnabled") is True
        follows = Follows(Follow.BY_ITSELF, _HOURS) if rotates else PINNED
        lost = [each for each in _names(documents) if same_word(_database(documents, each, "status"), "Inaccessible")]
        if lost:
            reason = f"the server has a customer's key, and {', '.join(lost)} cannot be opened with it"
            return Posture(Verdict.CUSTOMER_UNUSABLE, reason, shown, key, version, follows)
        reason = f"the server's protector is the customer's key{beside}"
        return Posture(Verdict.CUSTOMER, reason, shown, key, version, follows)

    def want(self, settings: EncryptedSqlServer, documents: Documents, key: KeyReference) -> Want:
        """Return the PUT of the server key where it is missing, then that of the protector."""
        primary = documents.text("resource", f"properties.{_PRIMARY}")
        if settings.identity_id is None and primary:
            return not_accepted(
                f"the server reads keys as {primary.rpartition('/')[2]}, its primary user-assigned identity",
                f"write its id as identity: {primary}",
            )
        name, rotates = _key_name(key), settings.key_version == "latest"
        current = documents.text("protector", "properties.serverKeyName")
        if (
            same_word(current, name)
            and (documents.value("protector", "properties.autoRotationEnabled") is True) == rotates
        ):
            return ()
        protector = Write(
            _protector(settings.id),
            "PUT",
            self.api_version,
            {"properties": {"serverKeyType": "AzureKeyVault", "serverKeyName": name, "autoRotationEnabled": rotates}},
            "encryption protector of",
            settings.id.rpartition("/")[2],
            f"is {current or 'not known'}",
            attributes=(
                AttributeChange("serverKeyName", current or None, name),
                AttributeChange(
                    "autoRotationEnabled", documents.value("protector", "properties.autoRotationEnabled"), rotates
                ),
            ),
        )
        return (protector,) if documents.find("server_key") else (_new_key(self, settings, key), protector)


def _new_key(service: SqlServers, settings: EncryptedSqlServer, key: KeyReference) -> Write:
    return Write(
        _server_key(settings, key),
        "PUT",
        service.api_version,
        {"properties": {"serverKeyType": "AzureKeyVault", "uri": key.identifier}},
        "server key of",
        settings.id.rpartition("/")[2],
        "the server does not know this version of the key yet",
        attributes=(AttributeChange("uri", None, key.identifier),),
        creates=True,
    )


def _protector(server: str) -> str:
    return f"{server}/encryptionProtector/current"


def _key_name(key: KeyReference) -> str:
    """Return the name that Azure requires of a server key."""
    return f"{key.vault_name}_{key.name}_{key.version}"


def _server_key(settings: EncryptedSqlServer, key: KeyReference) -> str:
    return f"{settings.id}/keys/{_key_name(key)}"


def _names(documents: Documents) -> list[str]:
    return [text_at(each, "name") for each in documents.items("databases") if isinstance(each, Mapping)]


def _database(documents: Documents, name: str, member: str) -> str:
    found = (each for each in documents.items("databases") if isinstance(each, Mapping) and each.get("name") == name)
    return text_at(next(found, None), f"properties.{member}")


def _databases_with(documents: Documents, member: str) -> list[str]:
    return [each for each in _names(documents) if _database(documents, each, member)]


SERVICE: Final = SqlServers()
