"""How two answers are compared: status, header names, and the form of the body; not values that differ by nature.

The form of a value is its JSON type, and for text what kind of text it is: a GUID, a moment, an ARM id (with the casing
of its fixed words), a URL (with its trailing slash), or other text. Words of an enumeration must be the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract_recordings import Exchange

HEADERS = ("azure-asyncoperation", "location", "www-authenticate", "content-type")
WORDS = frozenset(
    [
        "type",
        "provisioningState",
        "registrationState",
        "registrationPolicy",
        "status",
        "code",
        "kty",
        "curveName",
        "crv",
        "recoveryLevel",
        "kind",
        "family",
        "publicNetworkAccess",
        "keySource",
        "isolationMode",
        "principalType",
        "servicePrincipalType",
        "mode",
        "provisioningOperation",
        "statusCode",
        "level",
        "bypass",
        "defaultAction",
        "keyType",
        "statusOfPrimary",
        "Application_Type",
        "Flow_Type",
        "IngestionMode",
        "innererror",
        "reason",
        "systemDatastoresAuthMode",
    ]
)
"""Properties whose values are words of an enumeration, or fixed by what was asked."""
FREE = frozenset(["tags", "userAssignedIdentities", "outputs", "parameters"])
"""Properties that are maps with free names: their values are compared, not their names."""

NATURE = frozenset(
    ["createdBy", "createdByType", "lastModifiedBy", "lastModifiedByType", "updatedBy", "message", "fqdn"]
)
"""Properties whose form differs by nature: who called (a person or an application), and prose."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|8{8}-[0-]+\d*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
_DATE = re.compile(r"\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d( [AP]M)?")
_VOLATILE = re.compile(f"{_GUID.pattern}|{_DATE.pattern}|[0-9a-f]{{32}}")


def differences(recorded: Exchange, answer: Any) -> list[str]:
    """Return in words how an answer of the sandbox differs from the recorded one; an empty list when it does not.

    Each begins with where: ``status``, ``header NAME``, or the dotted path of a property.
    """
    if recorded.status != answer.status_code:
        return [f"status: recorded {recorded.status}, sandbox {answer.status_code} {answer.text[:300]}"]
    found = [*_headers(recorded, answer)]
    if isinstance(recorded.answer, str):
        return [*found, *_text(recorded.answer, answer.text)]
    return [*found, *_body(recorded.answer, answer.json() if answer.content else None, "")]


def _headers(recorded: Exchange, answer: Any) -> Iterator[str]:
    for name in HEADERS:
        if (name in recorded.headers) != (name in answer.headers):
            yield f"header {name}: {_has(name in recorded.headers)}, sandbox {_has(name in answer.headers)}"
        elif name in recorded.headers and name in _FORMS:
            form = _FORMS[name]
            ours, theirs = form(answer.headers[name]), form(recorded.headers[name])
            if ours != theirs:
                yield f"header {name}: recorded {theirs}, sandbox {ours}"
    if recorded.keeps_retry_after and ("retry-after" in recorded.headers) != ("retry-after" in answer.headers):
        yield f"header retry-after: {_has('retry-after' in recorded.headers)}, sandbox {_has('retry-after' in answer.headers)}"


def _has(there: bool) -> str:
    return "there" if there else "absent"


def _challenge(value: str) -> str:
    return value.partition(" ")[0] + " " + ",".join(re.findall(r"(\w+)=", re.sub(r'"[^"]*"', '""', value)))


_FORMS = {"content-type": lambda value: value.partition(";")[0].strip().lower(), "www-authenticate": _challenge}


def _text(recorded: str, shown: str) -> Iterator[str]:
    if bool(recorded) != bool(shown):
        yield f"body: recorded {recorded[:80]!r}, sandbox {shown[:80]!r}"


def _body(recorded: Any, shown: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(shown, dict):
        yield from _objects(recorded, shown, path)
    elif isinstance(recorded, list) and isinstance(shown, list):
        yield from _arrays(recorded, shown, path)
    elif form(recorded) != form(shown):
        if path.rpartition(".")[2] in NATURE and "object" not in {form(recorded), form(shown)}:
            return
        yield f"{path or 'body'}: recorded {form(recorded)}, sandbox {form(shown)}"
    else:
        yield from _words(recorded, shown, path)


def _objects(recorded: Mapping[str, Any], shown: Mapping[str, Any], path: str) -> Iterator[str]:
    if path.rpartition(".")[2] in FREE:
        yield from _arrays(list(recorded.values()), list(shown.values()), f"{path}{{}}")
        return
    for name in recorded.keys() - shown.keys():
        yield f"{_join(path, name)}: recorded {form(recorded[name])}, sandbox absent"
    for name in shown.keys() - recorded.keys():
        yield f"{_join(path, name)}: recorded absent, sandbox {form(shown[name])}"
    for name in recorded.keys() & shown.keys():
        yield from _body(recorded[name], shown[name], _join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _arrays(recorded: list[Any], shown: list[Any], path: str) -> Iterator[str]:
    """Compare every item with the recorded item that is most like it: order and number differ by nature."""
    if not recorded or not shown:
        return
    seen: set[str] = set()
    for item in shown:
        tried = [[*_body(each, item, f"{path}[]")] for each in recorded]
        seen.update(min(tried, key=len))
    yield from sorted(seen)


def _words(recorded: Any, shown: Any, path: str) -> Iterator[str]:
    name = path.rpartition(".")[2]
    if name == "message" and path.endswith("error.message"):
        theirs, ours = plain(recorded), plain(shown)
        if theirs != ours:
            yield f"{path}: recorded {theirs!r}, sandbox {ours!r}"
    elif name in WORDS and recorded != shown:
        yield f"{path}: recorded {recorded!r}, sandbox {shown!r}"


def plain(message: str) -> str:
    """Return a message without what differs by nature: GUIDs and moments."""
    return _VOLATILE.sub("…", str(message))


def form(value: Any) -> str:
    """Return the form of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else _form_of_text(str(value))


def _form_of_text(text: str) -> str:
    if _GUID.fullmatch(text):
        return "guid"
    if _MOMENT.fullmatch(text) or _DATE.fullmatch(text):
        return "moment"
    if re.match(r"/subscriptions/[^/]+(/|$)", text, re.IGNORECASE):
        return f"id {_template(text)}"
    if re.match(r"[a-z]+://", text):
        scheme, _, rest = text.partition("://")
        host = rest.partition("/")[0].partition(":")[0].partition(".")[2]
        return f"url {scheme}://….{host}{'…/' if text.endswith('/') else ''}"
    return "text"


def _template(identifier: str) -> str:
    """Return an id with its names left out: what stays are the fixed words, in their casing."""
    parts = identifier.split("/")
    kept = ["" if index % 2 == 0 and index else part for index, part in enumerate(parts)]
    for index, part in enumerate(parts):
        if index and parts[index - 1].lower() == "providers":
            kept[index] = part
    return "/".join(part or "…" for part in kept[1:])
