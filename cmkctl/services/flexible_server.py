"""The common part of the flexible servers of Azure Database: the key, and the encryption of connections."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, TypeVar

from cmkctl.azure.compare import same_resource_id, same_uri, same_word
from cmkctl.azure.documents import at_path
from cmkctl.azure.ids import key_parts
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import IN_TRANSIT, Aspect, Evidence, Follows, Part, Posture, Rules, State, Verdict
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    OwnIdentity,
    Read,
    UserIdentitySettings,
    Write,
)

S = TypeVar("S", bound=UserIdentitySettings)

_BLOCK: Final = "properties.dataEncryption"
_TYPE: Final = f"{_BLOCK}.type"
_STATE: Final = "properties.state"
_GEO: Final = "properties.backup.geoRedundantBackup"
_TRANSPORT: Final = "require_secure_transport"
_VALUE: Final = "properties.value"
_TLS_NAME: Final = re.compile(r"tlsv1(?:\.([0-9]))?", re.IGNORECASE)
_SECURE: Final = 2
"""The number after the point of the first version of TLS 1 that is secure."""
_DATA: Final = ("primaryKeyURI", "primaryUserAssignedIdentityId", "primaryEncryptionKeyStatus")
_BACKUPS: Final = ("geoBackupKeyURI", "geoBackupUserAssignedIdentityId", "geoBackupEncryptionKeyStatus")


class FlexibleServers(EncryptableService[S]):
    """A server with ``properties.dataEncryption`` and with the configurations of TLS as children.

    `tls` is the configuration with versions of TLS, `tls_rules` are the checks of others that look at the encryption of
    connections.
    """

    reader = OwnIdentity(permissions=("get", "list", "wrapKey", "unwrapKey"))
    protections = (IN_TRANSIT,)
    tls: ClassVar[str]
    tls_rules: ClassVar[Rules]

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the two configurations that decide about the encryption of connections."""
        names = (_TRANSPORT, self.tls)
        return tuple(Read(each, f"{resource_id}/configurations/{each}", self.api_version) for each in names)

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the server."""
        host = documents.text("resource", "properties.fullyQualifiedDomainName").lower()
        return (host,) if host else ()

    @abstractmethod
    def follows_key(self, version: str) -> Follows | None:
        """Return the reaction of a server whose key identifier has this version; None where it is not known."""

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the server, and that of its geo-redundant backups."""
        if missing := documents.not_visible("resource") or documents.unknown_form("resource", _TYPE):
            return missing
        kind, uri = documents.value("resource", _TYPE), documents.text("resource", f"{_BLOCK}.primaryKeyURI")
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _TYPE),)
        if (kind is None and not uri) or (isinstance(kind, str) and same_word(kind, "SystemManaged")):
            return Posture(Verdict.MICROSOFT, "the server is encrypted with Microsoft's key", shown)
        if not isinstance(kind, str) or not same_word(kind, "AzureKeyVault"):
            return Posture(Verdict.NOT_KNOWABLE, "the server shows no type of key that cmkctl knows", shown)
        shown += (documents.evidence("resource", _STATE),)
        data = self._part(documents, "data", _DATA)
        parts = (data, *self._backups(documents))
        shown += tuple(each for part in parts for each in part.posture.evidence)
        key = data.posture
        verdict, reason = _whole(documents, parts)
        return Posture(verdict, reason, shown, key.key, key.key_version, key.follows, key.reader, parts)

    def _backups(self, documents: Documents) -> tuple[Part, ...]:
        """Return the geo-redundant backups as a part; they have a key of their own, in another region."""
        given = documents.text("resource", f"{_BLOCK}.geoBackupKeyURI")
        redundant = same_word(documents.text("resource", _GEO), "Enabled")
        return (self._part(documents, "geo-redundant backups", _BACKUPS),) if given or redundant else ()

    def _part(self, documents: Documents, name: str, members: tuple[str, str, str]) -> Part:
        shown = tuple(documents.evidence("resource", f"{_BLOCK}.{each}") for each in members)
        uri, reader, status = (documents.text("resource", f"{_BLOCK}.{each}") for each in members)
        key, version = key_parts(uri)
        if not key:
            return Part(name, Posture(Verdict.NOT_KNOWABLE, f"a key vault is named for its {name}, and no key", shown))
        if same_word(status, "Invalid"):
            verdict, reason = Verdict.CUSTOMER_UNUSABLE, f"the server reports that the key of its {name} is invalid"
        else:
            verdict, reason = Verdict.CUSTOMER, f"its {name}: the customer's key{_health(status)}"
        return Part(name, Posture(verdict, reason, shown, key, version, self.follows_key(version), reader))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return whether connections have to be encrypted, and with which versions of TLS."""
        if documents.find("resource") is None:
            return ()
        state, reason = self._transit(documents)
        read = [each for each in (_TRANSPORT, self.tls) if not documents.unread(each)]
        shown = tuple(documents.evidence(each, _VALUE) for each in read)
        return (Aspect(IN_TRANSIT, state, reason, shown, self.tls_rules),)

    def _transit(self, documents: Documents) -> tuple[State, str]:
        required = documents.text(_TRANSPORT, _VALUE)
        if same_word(required, "OFF"):
            return State.NOT_ENFORCED, "connections may be unencrypted"
        for each in (_TRANSPORT, self.tls):
            if documents.unread(each):
                return State.NOT_READ, f"the configuration {each} was not read"
            if documents.find(each) is None:
                return State.NOT_VISIBLE, f"the configuration {each}: {documents.obstacle(each)}"
        found = _numbers(documents.text(self.tls, _VALUE))
        if not same_word(required, "ON") or found is None:
            return State.NOT_KNOWABLE, "a configuration has a value that cmkctl does not know"
        words = f"connections have to be encrypted, with TLS 1.{min(found)} at least"
        return (State.ENFORCED if min(found) >= _SECURE else State.NOT_ENFORCED), words

    def write(self, settings: S, documents: Documents, uri: str) -> tuple[Write, ...]:
        """Return the PATCH of the key and its reader; nothing where the server has both. The key of the backups stays."""
        shown = {each: at_path(documents.find("resource"), f"{_BLOCK}.{each}") for each in ("type", *_DATA[:2])}
        before, reader = (documents.text("resource", f"{_BLOCK}.{each}") for each in _DATA[:2])
        kind = documents.text("resource", _TYPE)
        if same_word(kind, "AzureKeyVault") and same_uri(before, uri) and same_resource_id(reader, settings.identity):
            return ()
        wanted: Mapping[str, Json] = {
            "type": "AzureKeyVault",
            "primaryKeyURI": uri,
            "primaryUserAssignedIdentityId": settings.identity,
        }
        return (
            Write(
                settings.id,
                "PATCH",
                self.api_version,
                {"properties": {"dataEncryption": dict(wanted)}},
                self.title,
                documents.text("resource", "name"),
                "the key is not set like this yet",
                attributes=tuple(
                    AttributeChange(f"dataEncryption.{name}", shown[name], value) for name, value in wanted.items()
                ),
            ),
        )

    def has_key(self, documents: Documents) -> bool:
        """Return True for a server with a customer's key."""
        return same_word(documents.text("resource", _TYPE), "AzureKeyVault")


def _health(status: str) -> str:
    if not status:
        return ""
    return ", which it reports as valid" if same_word(status, "Valid") else ", of which it reports an unknown state"


def _whole(documents: Documents, parts: tuple[Part, ...]) -> tuple[Verdict, str]:
    """Return the verdict on a server with a key: the worst of its parts, and of its state."""
    if same_word(documents.text("resource", _STATE), "Inaccessible"):
        return Verdict.CUSTOMER_UNUSABLE, "the server has a customer's key, and is inaccessible"
    for wanted in (Verdict.CUSTOMER_UNUSABLE, Verdict.NOT_KNOWABLE):
        for each in parts:
            if each.posture.verdict is wanted:
                return wanted, each.posture.reason
    return Verdict.CUSTOMER, "; ".join(each.posture.reason for each in parts)


def _numbers(text: str) -> list[int] | None:
    """Return the numbers after the point of versions of TLS 1, in a list with commas; None for anything else.

    The first version is spelled ``TLSv1``.
    """
    found = [_TLS_NAME.fullmatch(each.strip()) for each in text.split(",")]
    numbers = [int(each[1] or 0) for each in found if each is not None]
    return numbers if numbers and len(numbers) == len(found) else None
