"""Taking secrets out of what is kept or shown: tapes, reports, views and debug logs.

One place knows what a secret looks like, so that "no secret is ever printed, logged or put on a tape" is one property
of one function. It works in three ways at once: by *value* (what the caller knows to be secret), by *place* (the field
``clientSecret``, the private half of a JSON web key) and by *shape* (a JWT, ``Bearer …``, ``sig=…``, a PEM block).

What is to be shown only in part goes through `shortened`: cut first, a secret would lose what it is recognised by.

Redacting twice changes nothing more: whoever is unsure redacts again. Identifiers are not secrets and stay:
subscription, tenant, object and resource ids, and the application ids that Microsoft publishes.
"""

from __future__ import annotations

import base64
import hashlib
import html
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
    *("password", "passwords", "passwd", "passphrase", "pwd", "secret", "secret text", "secret value", "secret key"),
    *("client assertion", "assertion", "device code", "code verifier", "identity header", "sas", "sas token"),
    *("access token", "refresh token", "id token", "auth token", "bearer token", "session token"),
    *("access key", "account key", "storage key", "shared key", "master key", "primary key", "secondary key"),
    *("shared access signature", "subscription key", "instrumentation key", "app insights key", "ikey"),
    *("connection string", "connection strings", "private key", "api key"),
)
# Too common as endings: nextPageToken, partitionkey1.
_WHOLE_SECRET_NAMES = frozenset({"token", "key1", "key2", "sig", "cookie", "setcookie"})
_CLIENT_ID_NAMES = frozenset({"clientid", "identityclientid"})

# Fields that are secret only beside another one: the private half of a JSON web key, a row of a listKeys answer, a
# credential of an application in Graph (its hint is the start of the password).
_SECRET_BESIDE: Mapping[str, frozenset[str]] = {
    "kty": frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth", "key_hsm"}),
    "keyName": frozenset({"value"}),
    "keyId": frozenset({"hint"}),
}
_NAMED_BESIDE = "name"
"""The field that names what stands in ``value``, where settings are a list: ``{"name": "password", "value": …}``."""

_SHORTEST_SECRET = 4  # anything shorter is in half of all words; replacing it would hide nothing and spoil everything
_SHORTEST_NAMED = 8  # of an environment variable that is only called like a secret: FEATURE_SECRET=true is none
_SHORTEST_SIGNATURE = 40  # c=, s= and h= of a polling URL have 43 characters and more, a redacted one has 25
_DEEPEST = 50  # levels of a document, or of encodings within each other; Azure has a dozen
_LOOKED_AT = 50  # times as much as is shown: what is redacted gets shorter, and what is never shown need not be read

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_IS_GUID = re.compile(_GUID)
_EMAIL = re.compile(r"[\w.+#-]+@[\w-]+(?:\.[\w-]+)+")
_NAMES = "|".join(
    (
        *(name.replace(" ", "[_-]?") for name in sorted(_SECRET_NAMES, key=len, reverse=True) if len(name) > 4),
        r"pwd|(?<![a-z])(?:sas|ikey)",
        r"(?<=[\"'])(?:token|key[12])(?=\\*[\"'])",
    )
)
_NAME = re.compile(rf"{_NAMES}|key[12]", re.IGNORECASE)
_CUT = "…"
"""What stands where a text was cut off."""

# In JSON inside a string of other JSON, quotation marks come as \" and as \\\"; in a page as &quot;.
_MARK = r"\\*+[\"']|&quot;|&#(?:34|39|x27);|\\+u0022"
_BEGINS = r"(?:\b|(?<=\\[nrt]))"  # a line may be broken by an escape, whose letter is no part of the word behind it

_PEM = re.compile(
    r"-----BEGIN[ +][A-Z0-9 +]*PRIVATE[ +]KEY[A-Z +]*-----.*?(?:-----END[ +][A-Z0-9 +]*PRIVATE[ +]KEY[A-Z +]*-----|\Z)",
    re.DOTALL,
)
# The same in base64, and what is in it: PKCS #12, PKCS #8 and PKCS #1 begin like no certificate does.
_KEY_IN_BASE64 = re.compile(r"(?:LS0tLS1CRUdJTi|MII[\w+/]{2}[AQgw]IB(?:AzCC|ADAN|AAKC)|MIACAQMwg)[\w+/=-]{20,}")
_JWT = re.compile(_BEGINS + r"eyJ[\w-]{5,}(?:\.[\w-]*){1,4}")
# "Bearer authorization=…" is a challenge and "a Bearer token." is prose; both say something and neither is a secret.
_CREDENTIAL = re.compile(
    _BEGINS
    + r"(Bearer|PoP|Basic|SharedKey)(\s+)(?!\w+=[\"'h])(?!(?-i:[A-Z]?[a-z]{1,15})[.,;:'\")]*(?:\s|$))[\w.~+/:%=-]{6,}",
    re.IGNORECASE,
)
_NAMED = rf"(?:{_NAMES})(?:{_MARK})?[ \t]{{0,8}}(?:=>|[=:])"
_QUOTED = re.compile(rf"({_NAMED}\s{{0,8}})({_MARK})(?:(?!(?<!\\)\2).|\2\2)*", re.IGNORECASE | re.DOTALL)
# Azure's settings in a list: {"name": "password", "value": "…"}, also as attributes of a page's form.
_QUOTED_BESIDE = re.compile(
    rf"((?:name|keyName)(?:{_MARK})?\s{{0,8}}[=:]\s{{0,8}}({_MARK})[\w .-]{{0,40}}?(?:{_NAMES}|key[12])\2\s{{0,8}},?\s{{0,8}}"
    rf"(?:{_MARK})?value(?:{_MARK})?\s{{0,8}}[=:]\s{{0,8}}\2)(?:(?!(?<!\\)\2).)*",
    re.IGNORECASE | re.DOTALL,
)
# A value of a connection string may be in braces, and hold blanks: it ends where the next name begins.
_BARE = r"\{[^}\n]{0,200}\}|[^;&\n\"'<>\\]{1,200}?(?=;\s?[a-z][\w ]{0,40}=)|[^\s;&\"'<>\\]+"
_ASSIGNMENT = re.compile(
    rf"((?:{_NAMES}) {{0,8}}= {{0,8}})(?!(?:true|false|null|none)(?![^\s;&\"'<>\\,)\]}}]))(?:{_BARE})", re.IGNORECASE
)
# "password: …" of a log, a header or YAML; but "password: must have" is prose.
_HEADING = re.compile(
    rf"((?:{_NAMES})(?:{_MARK})?:[ \t]{{0,8}})(?!(?:true|false|null|none)\b)(?!(?-i:[A-Z]?[a-z]{{0,20}})[,;]? +(?-i:[a-z]))"
    r"[^\s;&\"'<>\\,\[\]{}]+",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"((?<![\w-])--(?=[a-z])[\w-]{{0,40}}?(?:{_NAMES})[ \t]+)(?:\"[^\"]*\"|'[^']*'|[^\s\"']+)", re.IGNORECASE
)
_ELEMENT = re.compile(rf"((?:{_NAMES})>)[^<]+", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"((?:(?<![\w-])sig|(?:[?&;]|\\u0026)sig)="
    rf"|(?:[?&;]|\\u0026)[csh]=(?=[^&\s]{{{_SHORTEST_SIGNATURE}}}|[^&\s{_CUT}]{{8,}}{_CUT})"
    r"|(?:^|[?&;]|\\u0026)(?:code|token)=(?=[^&\s]{20}))"
    rf"([^&\s\"'#<>;\\{_CUT}]+)",
)
# A value inside a URL or a form: what it is can be seen only when it is decoded.
_ENCODED = re.compile(r"(?<![\w.~!*()+/-])[\w.~!*()+/-]*+(?:%[0-9a-fA-F]{2}[\w.~!*()+/-]*+)+")
_USER_INFO = re.compile(r"(://)[^/@\s:\"'<>]*:[^/\s\"'<>]+@|(https?://)[^/@\s:\"'<>?#]+@", re.IGNORECASE)
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
        field loses all that is below it; numbers, too, but not true, false and null, which give nothing away. What is
        nested more than fifty levels deep is looked at by nobody, and lost.
        """
        return self._redacted(value, _DEEPEST)

    def text(self, text: str) -> str:
        """Return the same text without its secrets. A text that is a JSON document is redacted as one."""
        return self._in_text(text, _DEEPEST)

    def argument(self, argument: str) -> str:
        """Return an argument of a command line without its secrets: of ``a.password=…`` all that follows is one."""
        return self.text(_ARGUMENT.sub(rf"\1{REDACTED}", argument))

    def _redacted(self, value: Any, levels: int) -> Any:
        if isinstance(value, str):
            return self._in_text(value, levels)
        if not isinstance(value, Mapping | list | tuple):
            return value
        if not levels:
            return REDACTED
        if isinstance(value, Mapping):
            return {self._name(name): self._field(value, name, inner, levels - 1) for name, inner in value.items()}
        return [self._redacted(each, levels - 1) for each in value]

    def _in_text(self, text: str, levels: int) -> str:
        if not levels:
            return REDACTED
        document = parse_json(text)
        if document is not None:
            redacted = self._redacted(document, levels - 1)
            text = text if redacted == document else json.dumps(redacted)
        if "%" in text:
            text = _ENCODED.sub(lambda found: self._encoded(found[0], levels - 1), text)
        named = _NAMED_SHAPES if _NAME.search(text) else ()
        for shape, replace in (*self._known, *_SHAPES, *named, *(_IDENTITIES if self.identities else ())):
            text = shape.sub(replace, text)
        return self._cut_off(text) if _CUT in text else text

    def _encoded(self, text: str, levels: int) -> str:
        decoded = unquote(text)
        redacted = decoded if decoded == text else self._in_text(decoded, levels)
        return text if redacted == decoded else quote(redacted, safe="/!*()+")

    def _cut_off(self, text: str) -> str:
        """Take out the beginnings of known secrets that a text was cut off in."""
        *parts, last = text.split(_CUT)
        return "".join(f"{self._without_beginning(each)}{_CUT}" for each in parts) + last

    def _without_beginning(self, text: str) -> str:
        for secret in self.secrets:
            longest = next((end for end in range(len(secret), 3, -1) if text.endswith(secret[:end])), 0)
            if longest:
                return f"{text[:-longest]}{REDACTED}"
        return text

    def _name(self, name: Any) -> Any:
        return self.text(name) if isinstance(name, str) else name

    def _field(self, owner: Mapping[Any, Any], name: Any, value: Any, levels: int) -> Any:
        plain = _plain(name)
        if _is_secret_name(plain) or _is_secret_beside(owner, name):
            return scrub(value)
        if not self.identities:
            return self._redacted(value, levels)
        if plain in _CLIENT_ID_NAMES and isinstance(value, str):
            return _IS_GUID.sub(_client_id, self.text(value))
        if plain == "systemdata" and isinstance(value, Mapping):
            return {self._name(inner): self._author(inner, each, levels) for inner, each in value.items()}
        if plain in {"userprincipalname", "mail", "upn"} and isinstance(value, str):
            return _EMAIL.sub(USER, self.text(value))
        return self._redacted(value, levels)

    def _author(self, name: Any, value: Any, levels: int) -> Any:
        # createdBy is a person's address, or the client id of the application that did it.
        if isinstance(value, str) and str(name).endswith("By"):
            return _IS_GUID.sub(_client_id, _EMAIL.sub(USER, self.text(value)))
        return self._redacted(value, levels)


def redact(value: Any, *, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> Any:
    """Return a JSON value or a text without its secrets; whoever redacts more than once makes a `Redactor`."""
    return Redactor(secrets, client_ids).redact(value)


def shortened(text: str, longest: int) -> str:
    """Return the beginning of a text, without what looks like a secret; one that was cut off ends with ``…``.

    It is redacted before it is cut: of the key in ``{"value": "abc", "keyName": "key1"}`` the beginning shows nothing.
    """
    looked_at = text if len(text) <= longest * _LOOKED_AT else f"{text[: longest * _LOOKED_AT]}{_CUT}"
    shown = _BY_LOOKS.text(looked_at)
    return shown if len(shown) <= longest else f"{shown[:longest]}{_CUT}"


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Return the secrets of an environment: values of variables that are called like one, and passwords of proxies."""
    named = [value for name, value in environ.items() if _is_secret_variable(name, value)]
    proxies = [value for name, value in environ.items() if name.upper().endswith("_PROXY")]
    return [*named, *(each for value in proxies for each in _passwords(value))]


def _is_secret_variable(name: str, value: str) -> bool:
    plain = _plain(name)
    if name in _CREDENTIAL_VARIABLES:
        return True
    # The shell's PWD and OLDPWD are folders.
    secret = plain not in {"pwd", "oldpwd"} and (_is_secret_name(plain) or plain.endswith("token"))
    return secret and len(value) >= _SHORTEST_NAMED


def _passwords(proxy: str) -> set[str]:
    """The password in a proxy's address, as it is written there and as the proxy gets it, and its parts.

    Where somebody forgot to encode it, the address ends early for those who read it, and they complain with a part of it. It
    may come without a scheme.
    """
    before = proxy.rpartition("@")[0]
    password = (before.partition("://")[2] or before).partition(":")[2]
    return {password, unquote(password), *re.split(r"[/?#]", password)} - {""}


def scrub(value: Any) -> Any:
    """Return a JSON value of which only the form is left: every string and number has become `REDACTED`."""
    return _scrubbed(value, _DEEPEST)


def _scrubbed(value: Any, levels: int) -> Any:
    if isinstance(value, Mapping) and levels:
        return {name: _scrubbed(inner, levels - 1) for name, inner in value.items()}
    if isinstance(value, list | tuple) and levels:
        return [_scrubbed(each, levels - 1) for each in value]
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


def _plain(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _is_secret_name(plain: str) -> bool:
    return plain in _WHOLE_SECRET_NAMES or plain.endswith(_ENDINGS)


def _is_secret_beside(owner: Mapping[Any, Any], name: Any) -> bool:
    if name == "value" and _is_secret_name(_plain(owner.get(_NAMED_BESIDE, ""))):
        return True
    return any(marker in owner and name in names for marker, names in _SECRET_BESIDE.items())


def _known(secrets: Iterable[str], client_ids: Iterable[str]) -> Iterable[tuple[re.Pattern[str], str]]:
    yield from _any_of({form for secret in secrets for form in _spellings(secret)}, REDACTED)
    yield from _any_of(client_ids, CLIENT_ID, re.IGNORECASE)
    undashed = {each.replace("-", "") for each in client_ids if _IS_GUID.fullmatch(each)}
    yield from _any_of(undashed, CLIENT_ID.replace("-", ""), re.IGNORECASE)


def _spellings(secret: str) -> set[str]:
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_json_in_json = {json.dumps(each)[1:-1] for each in in_json}
    in_url = {quote(secret, safe, errors="replace") for safe in ("", "/")}
    squeezed = " ".join(secret.split())
    return {secret, squeezed, html.escape(secret), quote_plus(secret, errors="replace")}.union(
        in_url, in_json, in_json_in_json, _in_base64(secret)
    )


def _in_base64(secret: str) -> Iterable[str]:
    """A secret in base64: by itself, and what is left of it behind one and two characters of something else."""
    content = secret.encode("utf-8", "surrogatepass")
    yield base64.b64encode(content).decode()
    yield base64.urlsafe_b64encode(content).decode()
    for before in range(3) if len(content) >= _SHORTEST_NAMED else ():
        inner = base64.b64encode(bytes(before) + content)[(before * 8 + 5) // 6 : (before + len(content)) * 8 // 6]
        yield from (inner.decode(), inner.translate(_URL_SAFE).decode())


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


def _user_info(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}{REDACTED}@"


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ENDINGS = tuple(name.replace(" ", "") for name in _SECRET_NAMES)
_CREDENTIAL_VARIABLES = frozenset({"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"})
_ARGUMENT = re.compile(rf"((?:{_NAMES})=).+", re.IGNORECASE | re.DOTALL)
_SHAPES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PEM, REDACTED),
    (_JWT, REDACTED),
    (_KEY_IN_BASE64, REDACTED),
    (_CREDENTIAL, rf"\1\2{REDACTED}"),
    (_SIGNATURE, _digest),
    (_USER_INFO, _user_info),
)
# These look for a name, of which there are many; most texts have none of them.
_NAMED_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_QUOTED, rf"\1\2{REDACTED}"),
    (_QUOTED_BESIDE, rf"\1{REDACTED}"),
    (_ASSIGNMENT, rf"\1{REDACTED}"),
    (_HEADING, rf"\1{REDACTED}"),
    (_OPTION, rf"\1{REDACTED}"),
    (_ELEMENT, rf"\1{REDACTED}"),
)
_IDENTITIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = ((_CALLER, _caller),)
_BY_LOOKS = Redactor(identities=False)
"""Knows no secret by its value: for what is shortened long before anybody shows it."""
