"""Azure SQL: the encryption protector of a logical server, which encrypts the keys of its databases.

Two child resources: the server key names a version of the key, and the protector names the server key. A database may have a
key of its own, which replaces that of the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from cmkctl.azure.compare import same_word, tls_version
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import key_parts
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import (
    IN_TRANSIT,
    PINNED,
    Aspect,
    Check,
    Evidence,
    Follow,
    Follows,
    Part,
    Posture,
    Rules,
    State,
    Verdict,
    together,
)
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
_ROTATES: Final = "properties.autoRotationEnabled"
_TLS: Final = "properties.minimalTlsVersion"
_STATE: Final = "properties.state"
_DATABASES: Final = "databases"
_FIRST_TLS: Final = (1, 2)
_KEY_VERSION: Final = "properties.keyVersion"
_WITH_KEY_VERSION: Final = "2025-01-01"
"""The first stable version that shows the version in use of a protector whose key identifier has none."""
MANY: Final = 20
"""The number of databases up to which the transparent data encryption of each is read."""
_HOURS: Final = 1
"""The longest time until a server uses a new version of its key."""

_KEY_RULES: Final = Rules(
    ("DP-5",),
    (
        Check(
            "Azure Policy",
            "0a370ff3-6cab-4e85-8995-295fd854c5b8",
            "fails also where keyId of the server is absent, which is set at creation alone",
        ),
        Check("Azure Policy", "5105a3c5-4ad7-44fd-be94-149ca62920b7"),
        Check(
            "Prowler",
            "sqlserver_tde_encrypted_with_cmk",
            "skips servers without databases, and does not see the own key of a database",
        ),
        Check("Steampipe", "azure_compliance.control.sql_server_tde_protector_cmk_encrypted"),
        Check("CloudSploit", "tdeProtectorEncrypted"),
    ),
)
_TRANSIT_RULES: Final = Rules(
    ("DP-3", "IM-4"),
    (
        Check("Azure Policy", "32e6bbec-16b6-44c2-be37-c5b672d103cf"),
        Check("PSRule", "AZR-000189"),
        Check("Checkov", "CKV_AZURE_52"),
        Check("Prowler", "sqlserver_recommended_minimal_tls_version"),
        Check("Trivy", "AZU-0026"),
        Check("CloudSploit", "sqlServerTlsVersion"),
        Check("azqr", "sql-008", "compares with TLS 1.2 alone, so that TLS 1.3 fails"),
    ),
)
_ENCRYPTED_RULES: Final = Rules(
    ("DP-4",),
    (
        Check("Azure Policy", "17k78e20-9358-41c9-923c-fb736d382a12"),
        Check("PSRule", "AZR-000191"),
        Check("Checkov", "CKV2_AZURE_25"),
        Check("Prowler", "sqlserver_tde_encryption_enabled"),
    ),
)


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
    host_suffixes = ("database.windows.net", "database.usgovcloudapi.net", "database.chinacloudapi.cn")
    api_version = "2023-08-01"
    verb = Verb.PUT
    reader = OwnIdentity()
    follows = Follows(Follow.ON_REQUEST, _HOURS)
    revoked = "connections to the databases are denied within 10 minutes; old backups need the old versions of the key"
    doc = "https://learn.microsoft.com/azure/azure-sql/database/transparent-data-encryption-byok-overview"
    protections = (IN_TRANSIT, "data-encryption")
    rules = _KEY_RULES
    settings = EncryptedSqlServer

    def reads(self, resource_id: str) -> tuple[Read, ...]:
        """Return the server and its protector, which no row of Resource Graph shows."""
        return (*super().reads(resource_id), Read("protector", _protector(resource_id), _WITH_KEY_VERSION))

    def reads_to_encrypt(self, settings: EncryptedSqlServer, key: KeyReference | None) -> tuple[Read, ...]:
        """Return the documents of the server, and the server key of the profile's key."""
        reads = self.reads(settings.id)
        return (*reads, Read("server_key", _server_key(settings, key), self.api_version)) if key else reads

    def identity_properties(self, settings: EncryptedSqlServer) -> Mapping[str, Json]:
        """Return the identity that the server uses where it has several."""
        return {_PRIMARY: settings.identity_id} if settings.identity_id else {}

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the databases."""
        return (Read(_DATABASES, f"{resource_id}/databases", self.api_version, listing=True),)

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the state of the encryption of each database, for a server with at most `MANY` of them."""
        found = [text_at(each, "name") for each in _databases(documents)]
        where = next((each.read.path for each in documents.answers if each.read.name == _DATABASES), "")
        if len(found) > MANY:
            return ()
        return tuple(
            Read(_state(each), f"{where}/{each}/transparentDataEncryption/current", self.api_version) for each in found
        )

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the server."""
        host = documents.text("resource", "properties.fullyQualifiedDomainName").lower()
        return (host,) if host else ()

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the server's databases. The system database master is none of them."""
        if hidden := documents.not_visible("resource") or documents.not_visible("protector"):
            return hidden
        server = _server(documents)
        parts = tuple(_part(documents, server, each) for each in _databases(documents))
        reasons = [server.reason, *_in_words(server, parts), *_unread(documents)]
        verdict = together((server.verdict, *(each.posture.verdict for each in parts)))
        return replace(server, verdict=verdict, reason="; ".join(reasons), parts=parts)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the least version of TLS, and whether the databases are encrypted at all."""
        if documents.find("resource") is None:
            return ()
        return (_in_transit(documents), _encrypted(documents))

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
                AttributeChange("autoRotationEnabled", at_path(documents.find("protector"), _ROTATES), rotates),
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


def _server(documents: Documents) -> Posture:
    """Return who holds the key of the server's protector."""
    kind = documents.text("protector", _TYPE)
    shown: tuple[Evidence, ...] = (documents.evidence("protector", _TYPE),)
    if same_word(kind, "ServiceManaged"):
        return Posture(Verdict.MICROSOFT, "the server's protector is Microsoft's key", shown)
    if not same_word(kind, "AzureKeyVault"):
        return Posture(Verdict.NOT_KNOWABLE, "the protector shows no key type that cmkctl knows", shown)
    key, named = key_parts(documents.text("protector", "properties.uri"))
    in_use = documents.text("protector", _KEY_VERSION).rstrip("/").rpartition("/")[2]
    version = named or in_use
    rotates = documents.value("protector", _ROTATES) is True
    system = "system-assigned" if documents.text("resource", "identity.principalId") else ""
    return Posture(
        Verdict.CUSTOMER,
        "the server's protector is the customer's key",
        (*shown, *(documents.evidence("protector", each) for each in ("properties.uri", _KEY_VERSION, _ROTATES))),
        key,
        version,
        Follows(Follow.BY_ITSELF, _HOURS) if rotates else PINNED,
        documents.text("resource", f"properties.{_PRIMARY}") or system,
    )


def _part(documents: Documents, server: Posture, database: Mapping[str, Any]) -> Part:
    """Return a database with its key: its own, which replaces that of the server, or the server's."""
    name = text_at(database, "name")
    read = next(each.read for each in documents.answers if each.read.name == _DATABASES)

    def shown(*members: str) -> tuple[Evidence, ...]:
        paths = tuple(f"properties.{each}" for each in members)
        return tuple(Evidence(f"{read.path}/{name}", read.api_version, each, at_path(database, each)) for each in paths)

    key, version = key_parts(text_at(database, "properties.encryptionProtector"))
    named = at_path(database, "properties.encryptionProtector")
    if key:
        rotates = at_path(database, "properties.encryptionProtectorAutoRotation") is True
        users = at_path(database, "identity.userAssignedIdentities")
        found = Posture(
            Verdict.CUSTOMER,
            "a customer's key of its own",
            shown("encryptionProtector", "encryptionProtectorAutoRotation"),
            key,
            version,
            Follows(Follow.BY_ITSELF, _HOURS) if rotates else PINNED,
            next(iter(users), "") if isinstance(users, Mapping) else "",
        )
    elif named not in (None, ""):
        reason = "its own protector is no key identifier that cmkctl knows"
        found = Posture(Verdict.NOT_KNOWABLE, reason, shown("encryptionProtector"))
    else:
        found = replace(server, reason="the server's key", evidence=shown("encryptionProtector"))
    if found.verdict is Verdict.CUSTOMER and same_word(text_at(database, "properties.status"), "Inaccessible"):
        reason = f"{found.reason}, and the database cannot be opened with it"
        found = replace(found, verdict=Verdict.CUSTOMER_UNUSABLE, reason=reason, evidence=shown("status"))
    elif _off(documents, name):
        evidence = (documents.evidence(_state(name), _STATE),)
        found = Posture(Verdict.MICROSOFT, "transparent data encryption is off, so no key protects it", evidence)
    elif found.verdict is Verdict.CUSTOMER and _odd(documents, name):
        evidence = (documents.evidence(_state(name), _STATE),)
        reason = "transparent data encryption has a state that cmkctl does not know"
        found = replace(found, verdict=Verdict.NOT_KNOWABLE, reason=f"{found.reason}, and {reason}", evidence=evidence)
    return Part(name, found)


def _in_words(server: Posture, parts: tuple[Part, ...]) -> Iterator[str]:
    """Yield what to say of databases whose key is not held as that of the server."""
    own = [each.name for each in parts if each.posture.key != server.key and each.posture.key]
    if own:
        yield f"{', '.join(own)} with a key of its own"
    for verdict, words in (
        (Verdict.CUSTOMER_UNUSABLE, "cannot be opened with the key"),
        (Verdict.NOT_KNOWABLE, "with a protector or a state that cmkctl does not know"),
        (Verdict.MICROSOFT, "without transparent data encryption"),
    ):
        names = [each.name for each in parts if each.posture.verdict is verdict and verdict is not server.verdict]
        if names:
            yield f"{', '.join(names)} {words}"


def _unread(documents: Documents) -> Iterator[str]:
    if documents.unread(_DATABASES):
        yield "its databases were not read"
    elif documents.find(_DATABASES) is None:
        yield f"its databases: {documents.obstacle(_DATABASES)}"


def _databases(documents: Documents) -> list[Mapping[str, Any]]:
    """Return the databases, without master: transparent data encryption does not cover it."""
    found = [each for each in documents.items(_DATABASES) if isinstance(each, Mapping) and text_at(each, "name")]
    return [each for each in found if not same_word(text_at(each, "name"), "master")]


def _state(database: str) -> str:
    """Return the name of the read of a database's transparent data encryption."""
    return f"encryption of {database}"


def _off(documents: Documents, database: str) -> bool:
    return same_word(documents.text(_state(database), _STATE), "Disabled")


def _in_transit(documents: Documents) -> Aspect:
    """Return the least version of TLS."""
    shown, least = (documents.evidence("resource", _TLS),), documents.value("resource", _TLS)
    version = tls_version(least) if isinstance(least, str) else None
    if least is None:
        state, reason = State.NOT_SET, "no least version of TLS is set"
    elif isinstance(least, str) and same_word(least, "None"):
        state, reason = State.NOT_ENFORCED, "the least version of TLS is None, which enforces nothing"
    elif version is None:
        state, reason = State.NOT_KNOWABLE, f"the least version of TLS is {least}, which cmkctl does not know"
    elif version < _FIRST_TLS:
        state, reason = State.NOT_ENFORCED, f"the least version of TLS is {least}"
    else:
        state, reason = State.ENFORCED, f"TLS {least} or newer"
    return Aspect(IN_TRANSIT, state, reason, shown, _TRANSIT_RULES)


def _encrypted(documents: Documents) -> Aspect:
    """Return whether transparent data encryption is on: of each database one more document, left unread where there are many."""
    topic, names = "data-encryption", [text_at(each, "name") for each in _databases(documents)]
    if documents.denied(_DATABASES):
        reason = f"its databases: {documents.obstacle(_DATABASES)}"
        return Aspect(topic, State.NOT_VISIBLE, reason, rules=_ENCRYPTED_RULES)
    unread = [each for each in names if documents.unread(_state(each))]
    if documents.find(_DATABASES) is None or unread:
        reason = "transparent data encryption takes a request for each database, and was not read"
        return Aspect(topic, State.NOT_READ, reason, rules=_ENCRYPTED_RULES)
    hidden = [each for each in names if documents.find(_state(each)) is None]
    shown = tuple(documents.evidence(_state(each), _STATE) for each in names if each not in hidden)
    off = [each for each in names if _off(documents, each)]
    unknown = [each for each in names if _odd(documents, each)]
    if off:
        reason = f"transparent data encryption is off for {', '.join(off)}"
        return Aspect(topic, State.NOT_ENFORCED, reason, shown, _ENCRYPTED_RULES)
    if hidden:
        reason = f"transparent data encryption of {', '.join(hidden)}: {documents.obstacle(_state(hidden[0]))}"
        return Aspect(topic, State.NOT_VISIBLE, reason, shown, _ENCRYPTED_RULES)
    if unknown:
        reason = f"transparent data encryption of {', '.join(unknown)} is not shown"
        return Aspect(topic, State.NOT_KNOWABLE, reason, shown, _ENCRYPTED_RULES)
    reason = "transparent data encryption is on for every database" if names else "there is no database yet"
    return Aspect(topic, State.ENFORCED if names else State.INFORMATION, reason, shown, _ENCRYPTED_RULES)


def _odd(documents: Documents, database: str) -> bool:
    """Return True for a document of transparent data encryption that shows it neither on nor off."""
    on = same_word(documents.text(_state(database), _STATE), "Enabled")
    return documents.find(_state(database)) is not None and not on and not _off(documents, database)


SERVICE: Final = SqlServers()
