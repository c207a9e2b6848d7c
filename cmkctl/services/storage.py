"""Storage accounts, Data Lake Storage Gen2 among them: the key of an account, read by the account's identity.

An account has one key for its blobs and files. Queues and tables use it only where their key type is ``Account``, which is
chosen when the account is created: otherwise they keep Microsoft's key, and the account is `mixed`. An encryption scope is a
part of the blobs with a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_uri, same_word, tls_version
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
)

_ENCRYPTION: Final = "properties.encryption"
_SOURCE: Final = f"{_ENCRYPTION}.keySource"
_KEY: Final = f"{_ENCRYPTION}.keyvaultproperties"
_SECOND: Final = f"{_ENCRYPTION}.requireInfrastructureEncryption"
_READER: Final = f"{_ENCRYPTION}.identity.userAssignedIdentity"
_HTTPS: Final = "properties.supportsHttpsTrafficOnly"
_TLS: Final = "properties.minimumTlsVersion"
_SCOPES: Final = "scopes"
_LATEST: Final = "latest"
_HOURS: Final = 24
"""The longest time until an account uses a new version of its key: it looks for one daily."""
_DATA: Final = {"blob": "blobs", "file": "files", "queue": "queues", "table": "tables"}
"""The services of an account, and their data."""
_ABSENT: Final = {"blob": "Account", "file": "Account", "queue": "Service", "table": "Service"}
"""The key type of a service that the document does not list."""
_KINDS: Final = {"blobstorage": ("blob",), "blockblobstorage": ("blob",), "filestorage": ("file",)}
"""The services of the kinds of account that lack some, for documents without endpoints."""
_SUFFIXES: Final = ("core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn")
_HTTPS_BY_DEFAULT: Final = "2019-04-01"
"""The first api-version in which an account without the property takes HTTPS only."""
_FIRST_TLS: Final = (1, 2)

_RULES: Final = Rules(
    ("DP-5",),
    (
        *(
            Check(tool, name, "one flag: queues and tables that keep Microsoft's key pass")
            for tool, name in (
                ("Azure Policy", "6fac406b-40ca-413b-bf8e-0bf964659c25"),
                ("Azure Policy", "72bd9189-863b-46e5-bc74-91cb3b25f2ed"),
                ("Prowler", "storage_ensure_encryption_with_customer_managed_keys"),
                ("CloudSploit", "storageAccountsEncryption"),
            )
        ),
        Check(
            "Steampipe",
            "azure_compliance.control.storage_account_encryption_at_rest_using_cmk",
            "every key source other than Microsoft.Storage passes, and so do queues and tables that keep Microsoft's key",
        ),
        Check("Azure Policy", "f0e5abd0-2554-4736-b7c0-4ffef23475ef"),
        Check("Azure Policy", "7c322315-e26d-4174-a99e-f49d351b4688"),
        Check("Azure Policy", "b5ec538c-daa0-4006-8596-35468b9148e8"),
        Check("Checkov", "CKV2_AZURE_1"),
        Check("Prowler", "monitor_storage_account_with_activity_logs_cmk_encrypted"),
        Check("Trivy", "AZU-0060", "sees only accounts with containers"),
        Check("KICS", "9bf1568d-4cd2-4581-81ef-d2efabee1178", "sees only accounts that a diagnostic setting refers to"),
        Check("Steampipe", "azure_compliance.control.storage_account_encryption_scopes_encrypted_at_rest_with_cmk"),
        Check("CloudSploit", "blobContainersCmkEncrypted"),
    ),
)
_NOT_13: Final = "compares with TLS 1.2 alone, so that TLS 1.3 fails"
_TRANSIT_RULES: Final = Rules(
    ("DP-3",),
    (
        Check("Azure Policy", "404c3081-a854-4457-ae30-26a93ef643f9"),
        Check("Azure Policy", "f81e3117-0093-4b17-8a60-82363134f0eb"),
        Check("PSRule", "AZR-000196"),
        Check(
            "Checkov",
            "CKV_AZURE_3",
            "takes the default from the year of the api-version in an ARM template, though it changed with 2019-04-01",
        ),
        Check("Prowler", "storage_secure_transfer_required_is_enabled"),
        Check("Trivy", "AZU-0008"),
        Check("Trivy", "AZU-0059"),
        Check("KICS", "12944ec4-1fa0-47be-8b17-42a034f937c2"),
        Check("Steampipe", "azure_compliance.control.storage_account_secure_transfer_required_enabled"),
        Check("CloudSploit", "storageAccountsHttps"),
        Check("azqr", "st-007"),
        Check("Azure Policy", "fe83a0eb-a853-422d-aac2-1bffd182c5d0", _NOT_13),
        Check("PSRule", "AZR-000200", _NOT_13),
        Check("Checkov", "CKV_AZURE_44", f"in ARM templates it {_NOT_13}"),
        Check("Prowler", "storage_ensure_minimum_tls_version_12", _NOT_13),
        Check("Trivy", "AZU-0011"),
        Check("KICS", "8263f146-5e03-43e0-9cfe-db960d56d1e7"),
        Check("Steampipe", "azure_compliance.control.storage_account_min_tls_1_2", _NOT_13),
        Check("CloudSploit", "storageAccountsTlsVersion"),
        Check("azqr", "st-009", _NOT_13),
    ),
)
_SECOND_RULES: Final = Rules(
    ("DP-4",),
    (
        Check("Azure Policy", "4733ea7b-a883-42fe-8cac-97454c2a9e4a"),
        Check("Azure Policy", "bfecdea6-31c4-4045-ad42-71b9dc87247d"),
        Check("Prowler", "storage_infrastructure_encryption_is_enabled"),
        Check("Trivy", "AZU-0061"),
    ),
)


class EncryptedStorageAccount(OwnIdentitySettings):
    """A storage account, or Data Lake Storage Gen2."""

    id: field_types.StorageId = Field(
        description="The ARM id of the storage account.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Storage"
                "/storageAccounts/stdata"
            )
        ],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the account looks for a new version of the key daily. fixed: it keeps the version that was the "
            "latest when cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class StorageAccounts(EncryptableService[EncryptedStorageAccount]):
    """``PATCH …/storageAccounts/NAME`` with ``properties.encryption``."""

    name = "storage_accounts"
    title = "storage account"
    resource_type = "Microsoft.Storage/storageAccounts"
    api_version = versions.STORAGE
    verb = Verb.PATCH
    reader = OwnIdentity()
    follows = Follows(Follow.ON_REQUEST, _HOURS)
    revoked = (
        "reads and writes of data are refused (403) within minutes to 1 hour, while it has the key in its cache; management "
        "requests still work"
    )
    doc = "https://learn.microsoft.com/azure/storage/common/customer-managed-keys-overview"
    protections = (IN_TRANSIT, "double-encryption")
    also = "Data Lake Storage Gen2"
    host_suffixes = (*_SUFFIXES, "storage.azure.net")
    rules = _RULES
    settings = EncryptedStorageAccount

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the encryption scopes."""
        return (Read(_SCOPES, f"{resource_id}/encryptionScopes", self.api_version, listing=True),)

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the hosts of the endpoints; of an account that shows none yet, those that its name can lead to."""
        roots = [documents.value("resource", f"properties.{each}Endpoints") for each in ("primary", "secondary")]
        found = tuple(dict.fromkeys(host for root in roots for host in _hosts(root)))
        name = documents.text("resource", "name").lower()
        if found or not name:
            return found
        return tuple(f"{name}.{service}.{suffix}" for suffix in _SUFFIXES for service in (*_DATA, "dfs"))

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the account's key, and that of its parts."""
        if hidden := documents.not_visible("resource"):
            return hidden
        account = _account(documents)
        scopes = tuple(_scope(documents, each) for each in documents.items(_SCOPES) if isinstance(each, Mapping))
        services = tuple(_services(documents, account)) if account.key else ()
        parts = (*services, *scopes)
        verdicts = {each.posture.verdict for each in services} or {account.verdict}
        reasons = [_in_words(account, services), *_scopes_in_words(account, scopes), *_unread(documents)]
        return replace(
            account,
            verdict=together((*verdicts, *(each.posture.verdict for each in scopes))),
            reason="; ".join(reasons),
            parts=parts,
        )

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, the second encryption at rest, and the mark of Data Lake Storage Gen2."""
        if documents.find("resource") is None:
            return ()
        lake = documents.value("resource", "properties.isHnsEnabled") is True
        return (_in_transit(documents), _encrypted_twice(documents), *([_data_lake(documents)] if lake else []))

    def want(self, settings: EncryptedStorageAccount, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of the account, nothing where it has the key already."""
        version = "" if settings.key_version == "latest" else key.version
        if _is_set(settings, documents, key, version):
            return ()
        before, customers = _account(documents), _keeps_key(documents)
        reader = documents.text("resource", _READER) or ("system-assigned" if customers else None)
        same = before.key and same_uri(before.key, key.versionless)
        shown = {each: at_path(documents.find("resource"), f"{_KEY}.{each}") for each in _SHOWN}
        return (
            Write(
                settings.id,
                self.verb.value,
                self.api_version,
                {"properties": {"encryption": _encryption(settings, key, version)}},
                self.title,
                documents.text("resource", "name"),
                f"{_uses(customers=customers, same=bool(same))}{_stays_apart(documents)}",
                attributes=(
                    AttributeChange(
                        "encryption.keySource",
                        at_path(documents.find("resource"), _SOURCE),
                        "Microsoft.Keyvault",
                    ),
                    AttributeChange("encryption.keyvaultproperties.keyvaulturi", shown["keyvaulturi"], key.vault_uri),
                    AttributeChange("encryption.keyvaultproperties.keyname", shown["keyname"], key.name),
                    AttributeChange(
                        "encryption.keyvaultproperties.keyversion",
                        (shown["keyversion"] or _LATEST) if customers else None,
                        version or _LATEST,
                    ),
                    AttributeChange(
                        "encryption.identity.userAssignedIdentity", reader, settings.identity_id or "system-assigned"
                    ),
                ),
            ),
        )


def _keeps_key(documents: Documents) -> bool:
    return same_word(documents.text("resource", _SOURCE), "Microsoft.Keyvault")


def _uses(*, customers: bool, same: bool) -> str:
    """Return what an account uses that does not use the key like this."""
    if not customers:
        return "uses Microsoft's key"
    return "does not use the key like this yet" if same else "uses another key of a customer's"


def _account(documents: Documents) -> Posture:
    """Return who holds the key of the account itself."""
    shown: tuple[Evidence, ...] = (documents.evidence("resource", _SOURCE),)
    block, source = (documents.value("resource", each) for each in (_ENCRYPTION, _SOURCE))
    if block is None or (isinstance(block, Mapping) and source in (None, "")):
        return Posture(Verdict.MICROSOFT, "", shown)
    if not isinstance(source, str):
        shown = (documents.evidence("resource", _ENCRYPTION),)
        return Posture(Verdict.NOT_KNOWABLE, "the encryption block has another form than cmkctl knows", shown)
    if same_word(source, "Microsoft.Storage"):
        return Posture(Verdict.MICROSOFT, "", shown)
    if not same_word(source, "Microsoft.Keyvault"):
        return Posture(Verdict.NOT_KNOWABLE, f"the key source is {source}, which cmkctl does not know", shown)
    shown += tuple(documents.evidence("resource", f"{_KEY}.{each}") for each in _SHOWN)
    name = documents.text("resource", f"{_KEY}.keyname")
    if not name:
        return Posture(Verdict.NOT_KNOWABLE, "the key source is a key vault, but no key is named", shown)
    return Posture(
        Verdict.CUSTOMER,
        "",
        (*shown, documents.evidence("resource", _READER)),
        f"{documents.text('resource', f'{_KEY}.keyvaulturi').rstrip('/')}/keys/{name}",
        _version(documents),
        PINNED if documents.text("resource", f"{_KEY}.keyversion") else Follows(Follow.BY_ITSELF, _HOURS),
        _reader(documents),
    )


_SHOWN: Final = (
    "keyvaulturi",
    "keyname",
    "keyversion",
    "currentVersionedKeyIdentifier",
    "currentVersionedKeyExpirationTimestamp",
    "lastKeyRotationTimestamp",
)


def _version(documents: Documents) -> str:
    """Return the version in use. ``currentVersionedKeyIdentifier`` shows it also where the account follows new versions."""
    current = documents.text("resource", f"{_KEY}.currentVersionedKeyIdentifier")
    return current.rstrip("/").rpartition("/")[2] or documents.text("resource", f"{_KEY}.keyversion")


def _reader(documents: Documents) -> str:
    """Return the identity that reads the key; empty where none is shown: an account goes on with its key (recording 47)."""
    system = "system-assigned" if documents.text("resource", "identity.principalId") else ""
    return documents.text("resource", _READER) or system


def _offered(documents: Documents) -> tuple[str, ...]:
    """Return the services of the account: those with an endpoint, and else those of its kind."""
    endpoints = documents.value("resource", "properties.primaryEndpoints")
    if isinstance(endpoints, Mapping) and endpoints:
        return tuple(each for each in _DATA if each in endpoints)
    return _KINDS.get(documents.text("resource", "kind").lower(), tuple(_DATA))


def _services(documents: Documents, account: Posture) -> Iterator[Part]:
    """Yield the services of an account with a customer's key, each with its key."""
    for name in _offered(documents):
        path = f"{_ENCRYPTION}.services.{name}.keyType"
        shown, kind = (documents.evidence("resource", path),), documents.value("resource", path)
        kind = _ABSENT[name] if kind is None else kind
        if isinstance(kind, str) and same_word(kind, "Account"):
            yield Part(_DATA[name], replace(account, reason="the account's key", evidence=shown))
        elif isinstance(kind, str) and same_word(kind, "Service"):
            yield Part(_DATA[name], Posture(Verdict.MICROSOFT, "a key of the service, which is Microsoft's", shown))
        else:
            reason = f"the key type is {kind}, which cmkctl does not know"
            yield Part(_DATA[name], Posture(Verdict.NOT_KNOWABLE, reason, shown))


def _scope(documents: Documents, scope: Mapping[str, Any]) -> Part:
    """Return an encryption scope with its key."""
    read = next(each.read for each in documents.answers if each.read.name == _SCOPES)
    where = text_at(scope, "id") or f"{read.path}/{text_at(scope, 'name')}"

    def shown(*paths: str) -> tuple[Evidence, ...]:
        return tuple(Evidence(where, read.api_version, each, at_path(scope, each)) for each in paths)

    name, source = f"scope {text_at(scope, 'name')}", text_at(scope, "properties.source")
    state = "; the scope is disabled" if same_word(text_at(scope, "properties.state"), "Disabled") else ""
    if same_word(source, "Microsoft.Storage"):
        reason = f"blobs written with the scope use Microsoft's key{state}"
        return Part(name, Posture(Verdict.MICROSOFT, reason, shown("properties.source")))
    uri, current, rotated = (f"properties.keyVaultProperties.{each}" for each in _SCOPE_SHOWN)
    key, version = key_parts(text_at(scope, uri))
    if not same_word(source, "Microsoft.KeyVault") or not key:
        reason = f"the source of its key is {source or 'not shown'}, and key {key or 'none'} is named"
        return Part(name, Posture(Verdict.NOT_KNOWABLE, reason, shown("properties.source", uri)))
    return Part(
        name,
        Posture(
            Verdict.CUSTOMER,
            f"blobs written with the scope use its own customer's key{state}",
            shown("properties.source", uri, current, rotated),
            key,
            key_parts(text_at(scope, current))[1] or version,
            PINNED if version else Follows(Follow.BY_ITSELF, _HOURS),
            _reader(documents),
        ),
    )


_SCOPE_SHOWN: Final = ("keyUri", "currentVersionedKeyIdentifier", "lastKeyRotationTimestamp")


def _in_words(account: Posture, services: tuple[Part, ...]) -> str:
    """Return the sentence about the account's key and its services."""
    if account.verdict is Verdict.MICROSOFT:
        return "all data is encrypted with Microsoft's key"
    if account.reason:
        return account.reason
    by_verdict = {
        verdict: [each.name for each in services if each.posture.verdict is verdict]
        for verdict in (Verdict.CUSTOMER, Verdict.MICROSOFT, Verdict.NOT_KNOWABLE)
    }
    apart, unknown = by_verdict[Verdict.MICROSOFT], by_verdict[Verdict.NOT_KNOWABLE]
    if not apart and not unknown:
        return "all data is encrypted with the customer's key"
    return "; ".join(
        (
            f"{', '.join(by_verdict[Verdict.CUSTOMER]) or 'no data'} with the customer's key",
            *([f"{', '.join(apart)} with Microsoft's key"] if apart else []),
            *([f"the key of {', '.join(unknown)} is not known"] if unknown else []),
        )
    )


def _scopes_in_words(account: Posture, scopes: tuple[Part, ...]) -> Iterator[str]:
    """Yield what to say of encryption scopes: those whose key is not held as that of the account."""
    for verdict, words in (
        (Verdict.MICROSOFT, "Microsoft's key"),
        (Verdict.CUSTOMER, "a customer's key"),
        (Verdict.NOT_KNOWABLE, "a key that is not shown"),
    ):
        names = [each.name for each in scopes if each.posture.verdict is verdict]
        if names and verdict is not account.verdict:
            yield f"{', '.join(names)} with {words}"


def _unread(documents: Documents) -> Iterator[str]:
    if documents.unread(_SCOPES):
        yield "its encryption scopes were not read"
    elif documents.find(_SCOPES) is None:
        yield f"its encryption scopes: {documents.obstacle(_SCOPES)}"


def _in_transit(documents: Documents) -> Aspect:
    """Return the encryption of connections: HTTPS only, and the least version of TLS."""
    shown = tuple(documents.evidence("resource", each) for each in (_HTTPS, _TLS))
    https, least = (documents.value("resource", each) for each in (_HTTPS, _TLS))
    if https is None:
        https = shown[0].api_version >= _HTTPS_BY_DEFAULT
    least_version = tls_version(least) if isinstance(least, str) else None
    if https is False:
        state, reason = State.NOT_ENFORCED, "requests over HTTP are taken as well"
    elif https is not True:
        state, reason = State.NOT_KNOWABLE, f"the account shows {https!r} for HTTPS only, which cmkctl does not know"
    elif least is None:
        words = (
            "no least version of TLS is set, which Azure takes for TLS 1.0, though the platform refuses TLS before 1.2"
        )
        state, reason = State.NOT_SET, f"HTTPS only; {words}"
    elif least_version is None:
        state, reason = (
            State.NOT_KNOWABLE,
            f"HTTPS only; the least version of TLS is {least}, which cmkctl does not know",
        )
    elif least_version < _FIRST_TLS:
        state, reason = State.NOT_ENFORCED, f"HTTPS only; the least version of TLS is {_dotted(least_version)}"
    else:
        state, reason = State.ENFORCED, f"HTTPS only, TLS {_dotted(least_version)} or newer"
    return Aspect(IN_TRANSIT, state, reason, shown, _TRANSIT_RULES)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _encrypted_twice(documents: Documents) -> Aspect:
    """Return the second layer of encryption, which has Microsoft's key and is chosen when the account is created."""
    shown, value = (documents.evidence("resource", _SECOND),), documents.value("resource", _SECOND)
    topic = "double-encryption"
    if value is True:
        return Aspect(topic, State.ENFORCED, "a second layer, with Microsoft's key", shown, _SECOND_RULES)
    if value in (None, False):
        reason = "one layer; a second one can be chosen only when an account is created"
        return Aspect(topic, State.NOT_SET, reason, shown, _SECOND_RULES)
    return Aspect(topic, State.NOT_KNOWABLE, "the setting has another form than cmkctl knows", shown, _SECOND_RULES)


def _data_lake(documents: Documents) -> Aspect:
    shown = (documents.evidence("resource", "properties.isHnsEnabled"),)
    reason = "Data Lake Storage Gen2: files and folders have the key of the account's blobs"
    return Aspect("data-lake", State.INFORMATION, reason, shown)


def _hosts(value: Any) -> Iterator[str]:
    """Yield the hosts of the URLs anywhere in a value."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _hosts(each)
    elif isinstance(value, str) and (host := urlsplit(value).hostname):
        yield host


def _stays_apart(documents: Documents) -> str:
    account = Posture(Verdict.CUSTOMER, "")
    apart = [each.name for each in _services(documents, account) if each.posture.verdict is Verdict.MICROSOFT]
    return f"; {' and '.join(apart)} keep Microsoft's key, which only a new account changes" if apart else ""


def _is_set(settings: EncryptedStorageAccount, documents: Documents, key: KeyReference, version: str) -> bool:
    return (
        same_word(documents.text("resource", f"{_ENCRYPTION}.keySource"), "Microsoft.Keyvault")
        and same_uri(documents.text("resource", f"{_KEY}.keyvaulturi"), key.vault_uri)
        and same_word(documents.text("resource", f"{_KEY}.keyname"), key.name)
        and same_word(documents.text("resource", f"{_KEY}.keyversion"), version)
        and same_resource_id(
            documents.text("resource", f"{_ENCRYPTION}.identity.userAssignedIdentity"), settings.identity_id
        )
    )


def _encryption(settings: EncryptedStorageAccount, key: KeyReference, version: str) -> Json:
    return {
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": {"keyvaulturi": key.vault_uri, "keyname": key.name, "keyversion": version},
        # The empty id takes away a user-assigned identity; Azure answers it for a system-assigned one (recording 47).
        "identity": {"userAssignedIdentity": settings.identity_id or ""},
        "services": {each: {"enabled": True, "keyType": "Account"} for each in ("blob", "file")},
    }


SERVICE: Final = StorageAccounts()
