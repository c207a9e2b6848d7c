"""Taking secrets out of what is kept or shown: tapes, reports, views and debug logs.

One place knows what a secret looks like, so that "no secret is ever printed, logged or put on a tape" is one property
of one function. It works in three ways at once: by *value* (what the caller knows to be secret), by *place* (the field
``clientSecret``, the private half of a JSON web key) and by *shape* (a JWT, ``Bearer …``, ``sig=…``, a PEM block).

Redacting twice changes nothing more: whoever is unsure redacts again. Identifiers are not secrets and stay:
subscription, tenant, object and resource ids, and the application ids that Microsoft publishes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote

REDACTED = "REDACTED"
"""What stands where a secret was. Plain letters, so that it survives in a URL, a header and a JSON string alike."""

CLIENT_ID = "c11e0000-0000-0000-0000-000000000000"
"""What stands where a client id was: still a GUID, so that whatever parses the answer goes on working."""

USER = "user@example.com"
"""What stands where the e-mail address of a person was."""

PUBLIC_APPLICATION_IDS = frozenset(
    {
        "a232010e-820c-4083-83bb-3ace5fc29d0b",  # Azure Cosmos DB
        "57506a73-e302-42a9-b869-6f12d9ec29e9",  # Azure Cosmos DB in Azure Government
    },
)
"""Application ids that Microsoft publishes. They stay, for a tape without them could not replay the lookup in Graph."""

# The last words of a field's name that say its value is a secret: "client secret" is clientSecret, CLIENT_SECRET, …
_SECRET_NAMES = (
    *("password", "passwords", "pwd", "secret", "secret text", "client assertion", "assertion"),
    *("access token", "refresh token", "id token", "sas token", "shared access signature"),
    *("access key", "account key", "storage key", "shared key", "master key", "primary key", "secondary key"),
    *("instrumentation key", "app insights key", "connection string", "connection strings", "private key", "api key"),
)
_WHOLE_SECRET_NAMES = frozenset({"token", "key1", "key2"})  # too common as endings: nextPageToken, partitionkey1
_CLIENT_ID_NAMES = frozenset({"clientid", "identityclientid"})

# Fields that are secret only beside another one: the private half of a JSON web key, a row of a listKeys answer, a
# credential of an application in Graph (its hint is the start of the password).
_SECRET_BESIDE: Mapping[str, frozenset[str]] = {
    "kty": frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth", "key_hsm"}),
    "keyName": frozenset({"value"}),
    "keyId": frozenset({"hint"}),
}

_SHORTEST_SECRET = 4  # anything shorter is in half of all words; replacing it would hide nothing and spoil everything
_SHORTEST_SIGNATURE = 40  # c=, s= and h= of a polling URL have 43 characters and more, a redacted one has 25

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_IS_GUID = re.compile(_GUID)
_EMAIL = re.compile(r"[\w.+#-]+@[\w-]+(?:\.[\w-]+)+")
_NAMES = "|".join(name.replace(" ", "[_-]?") for name in sorted(_SECRET_NAMES, key=len, reverse=True))

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_JWT = re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}")
# "Bearer authorization=…" is a challenge and "a Bearer token." is prose; both say something and neither is a secret.
_CREDENTIAL = re.compile(
    r"\b(Bearer|PoP|Basic|SharedKey)(\s+)(?!\w+=[\"'h])(?!(?-i:[A-Z]?[a-z]{1,15})[.,;:'\")]*(?:\s|$))[\w.~+/:%=-]{6,}",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(
    rf"((?:{_NAMES}) ?= ?)(?!true\b|false\b|null\b|none\b)(?:\"[^\"]*\"|'[^']*'|[^\s;&\"'<>\\]+)",
    re.IGNORECASE,
)
# JSON inside a sentence, or inside a string of other JSON: there the quotation marks come as \" and as \\\".
_QUOTED = re.compile(rf'((?:{_NAMES})"\s*:\s*")(?:\\.|[^"\\])*', re.IGNORECASE)
_QUOTED_DEEPER = re.compile(rf'((?:{_NAMES})\\+"\s*:\s*\\+").*?(?=\\+")', re.IGNORECASE | re.DOTALL)
_SIGNATURE = re.compile(
    rf"((?:(?<![\w-])sig|(?:[?&;]|\\u0026)sig)=|(?:[?&;]|\\u0026)[csh]=(?=[^&\s]{{{_SHORTEST_SIGNATURE}}}))"
    r"([^&\s\"'#<>;\\]+)",
)
# A value inside a URL or a form: what it is can be seen only when it is decoded.
_ENCODED = re.compile(r"(?<![\w.~!*()+-])[\w.~!*()+-]*+(?:%[0-9a-fA-F]{2}[\w.~!*()+-]*)+")
_USER_INFO = re.compile(r"(://)[^/@\s:\"']+:[^/@\s\"']+@")
_CALLER = re.compile(rf"(\bThe client '|\bappid=|\bclient_id=)({_GUID}|{_EMAIL.pattern})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redactor:
    """A redaction that knows, besides the shapes and places, some values: the caller's own secrets and client ids.

    `secrets` are replaced by `REDACTED` in every spelling they can have in a URL, in JSON and in base64; those shorter
    than four characters are left to the other rules. `client_ids` are replaced by `CLIENT_ID`, with and without dashes,
    except those in `PUBLIC_APPLICATION_IDS`. With `identities` who asked is taken out as well, as a tape is for everybody;
    without, it stays: whoever reads that a client may not do something has to know which one. The object holds secrets,
    so its repr shows none.
    """

    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    client_ids: frozenset[str] = field(default=frozenset(), repr=False)
    identities: bool = True
    _known: tuple[tuple[re.Pattern[str], str], ...] = field(default=(), repr=False, compare=False)

    def __init__(self, secrets: Iterable[str] = (), client_ids: Iterable[str] = (), *, identities: bool = True) -> None:
        object.__setattr__(self, "identities", identities)
        object.__setattr__(self, "secrets", frozenset(each for each in secrets if len(each) >= _SHORTEST_SECRET))
        object.__setattr__(self, "client_ids", frozenset(each.lower() for each in client_ids if each))
        object.__setattr__(self, "_known", tuple(_known(self.secrets, self.client_ids - PUBLIC_APPLICATION_IDS)))

    def knowing(self, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> Redactor:
        """Return this redactor with more known values (the client id is known only once there is a token)."""
        return Redactor({*self.secrets, *secrets}, {*self.client_ids, *client_ids}, identities=self.identities)

    def redact(self, value: Any) -> Any:
        """Return the same JSON value without its secrets.

        Strings go through `text`, containers are walked and rebuilt, everything else is returned as it is. A secret
        field loses all that is below it; numbers, too, but not true, false and null, which give nothing away.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._name(name): self._field(value, name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(each) for each in value]
        return value

    def text(self, text: str) -> str:
        """Return the same text without its secrets. A text that is a JSON document is redacted as one."""
        document = parse_json(text)
        if document is not None:
            redacted = self.redact(document)
            text = text if redacted == document else json.dumps(redacted)
        text = _ENCODED.sub(self._encoded, text)
        for shape, replace in (*self._known, *_SHAPES, *(_IDENTITIES if self.identities else ())):
            text = shape.sub(replace, text)
        return text

    def _encoded(self, found: re.Match[str]) -> str:
        decoded = unquote(found[0])
        redacted = decoded if decoded == found[0] else self.text(decoded)
        return found[0] if redacted == decoded else quote(redacted, safe="")

    def _name(self, name: Any) -> Any:
        return self.text(name) if isinstance(name, str) else name

    def _field(self, owner: Mapping[Any, Any], name: Any, value: Any) -> Any:
        plain = re.sub(r"[^a-z0-9]", "", str(name).lower())
        if _is_secret_name(plain) or any(marker in owner and name in names for marker, names in _SECRET_BESIDE.items()):
            return scrub(value)
        if not self.identities:
            return self.redact(value)
        if plain in _CLIENT_ID_NAMES and isinstance(value, str):
            return _IS_GUID.sub(_client_id, self.text(value))
        if plain == "systemdata" and isinstance(value, Mapping):
            return {self._name(inner): self._author(inner, each) for inner, each in value.items()}
        if plain in {"userprincipalname", "mail", "upn"} and isinstance(value, str):
            return _EMAIL.sub(USER, self.text(value))
        return self.redact(value)

    def _author(self, name: Any, value: Any) -> Any:
        # createdBy is a person's address, or the client id of the application that did it.
        if isinstance(value, str) and str(name).endswith("By"):
            return _IS_GUID.sub(_client_id, _EMAIL.sub(USER, self.text(value)))
        return self.redact(value)


def redact(value: Any, *, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> Any:
    """Return a JSON value or a text without its secrets; whoever redacts more than once makes a `Redactor`."""
    return Redactor(secrets, client_ids).redact(value)


def scrub(value: Any) -> Any:
    """Return a JSON value of which only the form is left: every string and number has become `REDACTED`."""
    if isinstance(value, Mapping):
        return {name: scrub(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(each) for each in value]
    return value if value is None or isinstance(value, bool) or value == "" else REDACTED


def parse_json(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the JSON object or array that a text is, or None. A lone string or number counts as text."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _is_secret_name(plain: str) -> bool:
    return plain in _WHOLE_SECRET_NAMES or plain.endswith(tuple(name.replace(" ", "") for name in _SECRET_NAMES))


def _known(secrets: Iterable[str], client_ids: Iterable[str]) -> Iterable[tuple[re.Pattern[str], str]]:
    yield from _any_of({form for secret in secrets for form in _spellings(secret)}, REDACTED)
    yield from _any_of(client_ids, CLIENT_ID, re.IGNORECASE)
    undashed = {each.replace("-", "") for each in client_ids if _IS_GUID.fullmatch(each)}
    yield from _any_of(undashed, CLIENT_ID.replace("-", ""), re.IGNORECASE)


def _spellings(secret: str) -> set[str]:
    in_json = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    in_base64 = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    return {secret, quote(secret, "", errors="replace"), quote_plus(secret, errors="replace"), in_base64, *in_json}


def _any_of(words: Iterable[str], replacement: str, flags: int = 0) -> Iterable[tuple[re.Pattern[str], str]]:
    # The longest first: a secret may be the beginning of another.
    longest_first = sorted((re.escape(word) for word in words), key=len, reverse=True)
    if longest_first:
        yield re.compile("|".join(longest_first), flags), replacement


def _client_id(found: re.Match[str]) -> str:
    return found[0] if found[0].lower() in PUBLIC_APPLICATION_IDS else CLIENT_ID


def _caller(found: re.Match[str]) -> str:
    return found[1] + (USER if "@" in found[2] else _IS_GUID.sub(_client_id, found[2]))


def _digest(found: re.Match[str]) -> str:
    # A digest and no fixed word: two operations must stay two URLs. It gives nothing away, for a signature cannot be
    # guessed; a password can, and is never digested.
    if found[2].startswith(REDACTED):
        return found[0]
    return f"{found[1]}{REDACTED}-{hashlib.sha256(unquote(found[2]).encode()).hexdigest()[:16]}"


_SHAPES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PEM, REDACTED),
    (_JWT, REDACTED),
    (_CREDENTIAL, rf"\1\2{REDACTED}"),
    (_ASSIGNMENT, rf"\1{REDACTED}"),
    (_QUOTED, rf"\1{REDACTED}"),
    (_QUOTED_DEEPER, rf"\1{REDACTED}"),
    (_SIGNATURE, _digest),
    (_USER_INFO, rf"\1{REDACTED}@"),
)
_IDENTITIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = ((_CALLER, _caller),)
