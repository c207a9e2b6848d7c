"""Secrets in bodies: they are replaced before a body is kept in the request log, and so in its HAR."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "(not logged)"
NAMES = frozenset(
    (
        "accesskey", "accesstoken", "access_token", "accountkey", "adminpassword", "administratorloginpassword",
        "client_assertion", "client_secret", "clientsecret", "connectionstring", "id_token", "pat", "password",
        "primaryaccesskey", "primaryconnectionstring", "primarykey", "primarysharedkey", "refresh_token", "sas", "sastoken",
        "secondaryaccesskey", "secondaryconnectionstring", "secondarykey", "secondarysharedkey", "secret", "secrettext",
        "sharedkey", "token", "userstoragekey",
    )
)  # fmt: skip
"""Properties whose text is a secret, in lower case."""

SECRET_TYPES = frozenset(("securestring", "secureobject"))
"""Types of template parameters and outputs whose values are secrets."""

TEXT = re.compile(r"[A-Za-z0-9+/]{86}==|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+")
"""An account key of 64 bytes, or a JSON Web Token, wherever it is in a text."""


def without_secrets(value: Any) -> Any:
    """Return a copy of a body without account keys, tokens and passwords, wherever they are in it."""
    if isinstance(value, str):
        return TEXT.sub(HIDDEN, value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    template = value.get("template")
    declared = template.get("parameters") if isinstance(template, Mapping) else None
    kept = {name: _part(name, inner) for name, inner in value.items()}
    if isinstance(declared, Mapping) and isinstance(kept.get("parameters"), dict):
        kept["parameters"] = {
            name: HIDDEN if _is_secret_type(declared.get(name)) else inner for name, inner in kept["parameters"].items()
        }
    if _is_secret_type(value):
        kept |= {name: HIDDEN for name in ("value", "defaultValue") if name in kept}
    return kept


def _part(name: str, value: Any) -> Any:
    word = name.lower()
    if word in NAMES and isinstance(value, str):
        return HIDDEN
    if word == "credentials" and isinstance(value, Mapping) and "credentialsType" not in value:
        return dict.fromkeys(value, HIDDEN)  # of a connection: every kind of it is a way in
    return without_secrets(value)


def _is_secret_type(declared: Any) -> bool:
    kind = declared.get("type") if isinstance(declared, Mapping) else None
    return isinstance(kind, str) and kind.lower() in SECRET_TYPES
