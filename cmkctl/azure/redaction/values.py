"""Secrets known by value: those of the environment, in every encoding they can have."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

from cmkctl.azure.redaction.field_names import is_secret_name, plain_name
from cmkctl.azure.redaction.patterns import IS_GUID
from cmkctl.azure.redaction.replacements import CLIENT_ID, REDACTED

_SHORTEST_NAMED = 8  # for an environment variable with the name of a secret: FEATURE_SECRET=true is not one
_STRONG = 12
_NAME = re.compile(r"[\w.-]+")
_WORDS = re.compile(r"(?:[a-z]+|[A-Z][a-z]*|\d{1,4})(?:[-_.](?:[a-z]+|[A-Z][a-z]*|\d{1,4}))*")
# The boundaries of a word: not within a name, an id, a host or a path. An escaped line break is a boundary.
_BEFORE = r"(?:(?<![\w/.-])|(?<=\\[nrt]))"
_AFTER = r"(?![\w/-]|\.\w)"
_CREDENTIAL_VARIABLES = frozenset({"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"})
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Return the secrets of an environment: values of variables with the name of a secret, and passwords of proxies."""
    named = [value for name, value in environ.items() if _is_secret_variable(name, value)]
    proxies = [value for name, value in environ.items() if name.upper().endswith("_PROXY")]
    return [*named, *(each for value in proxies for each in _passwords(value))]


def _is_secret_variable(name: str, value: str) -> bool:
    plain = plain_name(name)
    if name in _CREDENTIAL_VARIABLES:
        return True
    # The shell's PWD and OLDPWD are folders.
    secret = plain not in {"pwd", "oldpwd"} and (is_secret_name(plain) or plain.endswith("token"))
    return secret and len(value) >= _SHORTEST_NAMED


def _passwords(proxy: str) -> set[str]:
    """Return the password of a proxy URL in its encoded and decoded forms, and its parts.

    An unencoded password truncates the URL for its parsers, whose errors then show a part of it. The scheme may be missing.
    """
    before = proxy.rpartition("@")[0]
    password = (before.partition("://")[2] or before).partition(":")[2]
    return {password, unquote(password), *re.split(r"[/?#]", password)} - {""}


def is_weak(secret: str) -> bool:
    """Return True for a value that may be part of a name by chance: a short one, or words and numbers joined by dashes.

    Replacing a client secret `prod` everywhere would corrupt the name of the workspace `mlw-prod`.
    """
    return bool(_NAME.fullmatch(secret)) and (len(secret) < _STRONG or bool(_WORDS.fullmatch(secret)))


def weak_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose secret values are weak, with the values."""
    return {name: value for name, value in environ.items() if _is_secret_variable(name, value) and is_weak(value)}


def known(secrets: Iterable[str], client_ids: Iterable[str]) -> Iterable[tuple[re.Pattern[str], str]]:
    """Return the patterns that match these values in every encoding, each with its replacement.

    A weak value is replaced only as a separate word, never within a name, an id or a URL.
    """
    strong, weak = set[str](), set[str]()
    for secret in secrets:
        spellings = _spellings(secret)
        # Its base64 form is not weak.
        chance = {each for each in spellings if is_weak(secret) and (len(secret) < _SHORTEST_NAMED or is_weak(each))}
        weak |= chance
        strong |= spellings - chance
    yield from _any_of(strong, REDACTED)
    yield from _any_of(weak - strong, REDACTED, alone=True)
    yield from _any_of(client_ids, CLIENT_ID, re.IGNORECASE)
    undashed = {each.replace("-", "") for each in client_ids if IS_GUID.fullmatch(each)}
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
    """Return the base64 forms of a secret, one for each of the three alignments it can have in a longer text."""
    content = secret.encode("utf-8", "surrogatepass")
    yield base64.b64encode(content).decode()
    yield base64.urlsafe_b64encode(content).decode()
    for before in range(3) if len(content) >= _SHORTEST_NAMED else ():
        inner = base64.b64encode(bytes(before) + content)[(before * 8 + 5) // 6 : (before + len(content)) * 8 // 6]
        yield from (inner.decode(), inner.translate(_URL_SAFE).decode())


def _any_of(
    words: Iterable[str], replacement: str, flags: int = 0, *, alone: bool = False
) -> Iterable[tuple[re.Pattern[str], str]]:
    # Longest first: one secret may be a prefix of a longer one.
    longest_first = sorted((re.escape(word) for word in words), key=len, reverse=True)
    if longest_first:
        either = "|".join(longest_first)
        yield re.compile(rf"{_BEFORE}(?:{either}){_AFTER}" if alone else either, flags), replacement
