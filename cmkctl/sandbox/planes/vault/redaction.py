"""Redacts data-plane bodies for the request log: plaintext and private parts of keys are removed."""

from typing import Any

SECRET = frozenset({"value", "d", "dp", "dq", "qi", "p", "q", "k", "t", "key_hsm"})
HIDDEN = "(not logged)"


def redacted(body: Any) -> Any:
    """Return a copy of a body in which the text under every secret name is replaced; text alone is replaced as a whole.

    A list under ``value`` is a page of a listing and stays, as does the true or false that ``verify`` answers.
    """
    return HIDDEN if isinstance(body, str) else _kept(body)


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if _secret(name, inner) else _kept(inner) for name, inner in value.items()}
    return [_kept(item) for item in value] if isinstance(value, list) else value


def _secret(name: str, value: Any) -> bool:
    return name.lower() in SECRET and isinstance(value, str)
