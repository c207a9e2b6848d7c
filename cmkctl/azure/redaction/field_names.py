"""The names of secrets: of a field, a variable, or a neighbouring field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The endings of names of secret fields: "client secret" is clientSecret, CLIENT_SECRET, …
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
CLIENT_ID_NAMES = frozenset({"clientid", "identityclientid"})
# Fields that are secret only next to a certain field: the private half of a JSON web key, a row of a listKeys answer, a
# credential of an application in Graph (its hint is the start of the password).
_SECRET_BESIDE: Mapping[str, frozenset[str]] = {
    "kty": frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth", "key_hsm"}),
    "keyName": frozenset({"value"}),
    "keyId": frozenset({"hint"}),
}
_NAMED_BESIDE = "name"
"""The field that names the setting in ``value``, where settings are a list: ``{"name": "password", "value": …}``."""
_ENDINGS = tuple(name.replace(" ", "") for name in _SECRET_NAMES)
NAMES = "|".join(
    (
        *(name.replace(" ", "[_-]?") for name in sorted(_SECRET_NAMES, key=len, reverse=True) if len(name) > 4),
        r"pwd|(?<![a-z])(?:sas|ikey)",
        r"(?<=[\"'])(?:token|key[12])(?=\\*[\"'])",
    )
)
NAME = re.compile(rf"{NAMES}|key[12]", re.IGNORECASE)


def plain_name(name: Any) -> str:
    """Normalise a name to lower-case letters and digits: ``Client-Secret`` equals ``clientSecret``."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def is_secret_name(plain: str) -> bool:
    """Return True when a field or variable of that normalised name holds a secret."""
    return plain in _WHOLE_SECRET_NAMES or plain.endswith(_ENDINGS)


def is_secret_beside(owner: Mapping[Any, Any], name: Any) -> bool:
    """Return True when a neighbouring field marks this field as secret."""
    if name == "value" and is_secret_name(plain_name(owner.get(_NAMED_BESIDE, ""))):
        return True
    return any(marker in owner and name in names for marker, names in _SECRET_BESIDE.items())
