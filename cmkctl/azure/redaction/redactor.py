"""Redaction: documents and texts without their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from cmkctl.azure.redaction.field_names import CLIENT_ID_NAMES, NAME, is_secret_beside, is_secret_name, plain_name
from cmkctl.azure.redaction.patterns import (
    ARGUMENT,
    EMAIL,
    ENCODED,
    IDENTITIES,
    IS_GUID,
    NAMED_SHAPES,
    SHAPES,
    client_id,
)
from cmkctl.azure.redaction.replacements import CUT, PUBLIC_APPLICATION_IDS, REDACTED, USER
from cmkctl.azure.redaction.values import known, secrets_of

_SHORTEST_SECRET = 4  # shorter ones occur in half of all words; replacing them would corrupt texts and hide nothing
_DEEPEST = 50  # levels of a document, or of encodings within each other; Azure has a dozen
_WORDS_KEPT = 0.6
_LOOKED_AT = 50  # times the shown length: redaction shortens a text, and the rest is never shown


@dataclass(frozen=True, slots=True)
class Redactor:
    """A redaction by pattern and field name, and by value for the caller's own secrets and client ids.

    `secrets` are replaced by `REDACTED` in every spelling they can have in a URL, in JSON and in base64; those shorter
    than four characters are left to the other rules. `client_ids` are replaced by `CLIENT_ID`, with and without dashes,
    except those in `PUBLIC_APPLICATION_IDS`. With `identities` the caller's identity is redacted, too, because tapes are
    shared; without it, the identity stays, because an error about a missing permission must name the client. The repr
    hides the secrets.
    """

    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    client_ids: frozenset[str] = field(default=frozenset(), repr=False)
    identities: bool = True
    _known: tuple[tuple[re.Pattern[str], str], ...] = field(default=(), repr=False, compare=False)

    def __init__(self, secrets: Iterable[str] = (), client_ids: Iterable[str] = (), *, identities: bool = True) -> None:
        object.__setattr__(self, "identities", identities)
        object.__setattr__(self, "secrets", frozenset(each for each in secrets if len(each) >= _SHORTEST_SECRET))
        object.__setattr__(self, "client_ids", frozenset(each.lower() for each in client_ids if each))
        object.__setattr__(self, "_known", tuple(known(self.secrets, self.client_ids - PUBLIC_APPLICATION_IDS)))

    @classmethod
    def for_display(cls, environ: Mapping[str, str]) -> Redactor:
        """Return the redactor for output to the operator, with the secrets of the environment."""
        return cls(secrets_of(environ), identities=False)

    def with_values(self, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> Redactor:
        """Return this redactor with more known values (the client id is known only once there is a token)."""
        return Redactor({*self.secrets, *secrets}, {*self.client_ids, *client_ids}, identities=self.identities)

    def redact(self, value: Any) -> Any:
        """Return the same JSON value without its secrets.

        Strings go through `text`, containers are walked and rebuilt, everything else is returned as it is. A secret
        field loses its whole content, including numbers, except true, false and null. Values nested more than fifty levels
        deep are redacted.
        """
        return self._redacted(value, _DEEPEST)

    def text(self, text: str) -> str:
        """Return the same text without its secrets. A text that is a JSON document is redacted as one."""
        return self._in_text(text, _DEEPEST)

    def argument(self, argument: str) -> str:
        """Return an argument of a command line without its secrets: of ``a.password=…`` all that follows is one."""
        return self.text(ARGUMENT.sub(rf"\1{REDACTED}", argument))

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
            text = ENCODED.sub(lambda found: self._encoded(found[0], levels - 1), text)
        named = NAMED_SHAPES if NAME.search(text) else ()
        for shape, replace in (*self._known, *SHAPES, *named, *(IDENTITIES if self.identities else ())):
            text = shape.sub(replace, text)
        return self._cut_off(text) if CUT in text else text

    def _encoded(self, text: str, levels: int) -> str:
        decoded = unquote(text)
        redacted = decoded if decoded == text else self._in_text(decoded, levels)
        return text if redacted == decoded else quote(redacted, safe="/!*()+")

    def _cut_off(self, text: str) -> str:
        """Redact the beginning of a known secret at the end of a truncated text."""
        *parts, last = text.split(CUT)
        return "".join(f"{self._without_beginning(each)}{CUT}" for each in parts) + last

    def _without_beginning(self, text: str) -> str:
        for secret in self.secrets:
            longest = next((end for end in range(len(secret), 3, -1) if text.endswith(secret[:end])), 0)
            if longest:
                return f"{text[:-longest]}{REDACTED}"
        return text

    def _name(self, name: Any) -> Any:
        return self.text(name) if isinstance(name, str) else name

    def _field(self, owner: Mapping[Any, Any], name: Any, value: Any, levels: int) -> Any:
        plain = plain_name(name)
        if is_secret_name(plain) or is_secret_beside(owner, name):
            return scrub(value)
        if not self.identities:
            return self._redacted(value, levels)
        if plain in CLIENT_ID_NAMES and isinstance(value, str):
            return IS_GUID.sub(client_id, self.text(value))
        if plain == "systemdata" and isinstance(value, Mapping):
            return {self._name(inner): self._author(inner, each, levels) for inner, each in value.items()}
        if plain in {"userprincipalname", "mail", "upn"} and isinstance(value, str):
            return EMAIL.sub(USER, self.text(value))
        return self._redacted(value, levels)

    def _author(self, name: Any, value: Any, levels: int) -> Any:
        # createdBy is a person's address, or the client id of the application that did it.
        if isinstance(value, str) and str(name).endswith("By"):
            return IS_GUID.sub(client_id, EMAIL.sub(USER, self.text(value)))
        return self._redacted(value, levels)


def redact(value: Any, *, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> Any:
    """Return a JSON value or a text without its secrets. To redact more than once, create a `Redactor`."""
    return Redactor(secrets, client_ids).redact(value)


def shortened(text: str, longest: int) -> str:
    """Return the start of a text, redacted by pattern; ``…`` after a whole word marks a truncated one.

    Redaction precedes truncation: of the key in ``{"value": "abc", "keyName": "key1"}`` the beginning shows nothing.
    """
    looked_at = text if len(text) <= longest * _LOOKED_AT else f"{text[: longest * _LOOKED_AT]}{CUT}"
    shown = _BY_LOOKS.text(looked_at)
    return shown if len(shown) <= longest else f"{_whole_words(shown[:longest])}{CUT}"


def _whole_words(cut: str) -> str:
    """Return a truncated text without its incomplete last word, unless that is most of it."""
    words = cut.rpartition(" ")[0]
    return words if len(words) >= len(cut) * _WORDS_KEPT else cut


def scrub(value: Any) -> Any:
    """Return the structure of a JSON value: every string and number becomes `REDACTED`."""
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


_BY_LOOKS = Redactor(identities=False)
"""Redacts by pattern only: for texts that are shortened long before they are displayed."""
