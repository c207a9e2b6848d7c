"""Compares an answer of the sandbox with the recorded one: status, headers, and every value of the body.

Equal are: names of properties, JSON types, booleans, numbers, texts, lists of words as sets, and the length of every list
of objects, whose items are paired one to one. Three kinds of values are compared by less than equality:

* Generated identifiers (GUIDs, key versions) differ consistently: `Pairs`.
* Moments and durations only have to be of that form; counts of time (`TIMES`) only have to be numbers.
* Links agree in host, path template and the names of their query parameters; `Retry-After` agrees within a range.

`OPAQUE` lists the properties whose values mean nothing outside of the service, each with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from contract_identifiers import GENERATED, MOMENT, Pairs, unmasked, without_group
from contract_recordings import MASKED_GROUP, Exchange

TIMES: Mapping[str, str] = {
    **dict.fromkeys(("created", "updated", "exp", "nbf", "deletedDate", "scheduledPurgeDate"), "seconds since 1970"),
    "percentComplete": "how far an operation is when it is read",
}
"""Numbers that count time, each with what it counts."""

OPAQUE: Mapping[str, str] = {
    **dict.fromkeys(
        ("createdBy", "createdByType", "lastModifiedBy", "lastModifiedByType", "updatedBy"),
        "who calls: a person in most recordings, the sandbox's service principal here",
    ),
    **dict.fromkeys(("n", "x", "y"), "key material"),
    "fqdn": "a host name made of parts of the workspace's name; recordings 04 and 87 disagree on which",
    "templateHash": "a hash whose algorithm is not published",
    "etag": "a version of a document, in a form of each service's own",
}
"""Texts of which only the form is compared, each with the reason."""

LINK_HEADERS = ("azure-asyncoperation", "location")
RETRY_FACTOR = 3.0
"""Factor by which `Retry-After` may differ: Azure itself gave 3 to 17 to the same request (INDEX.md, fact 35)."""
SIGNATURE = frozenset({"t", "c", "s", "h"})
"""Query parameters that sign a link: recordings have them or had them removed, clients do not read them."""

_OPERATION = re.compile(r"(?=.*\d)[\w=.~-]{16,}|[A-Za-z0-9_=-]{40,}")


@dataclass(frozen=True)
class Response:
    """An answer of the sandbox as a value; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def body(self) -> Any:
        """The parsed body; None when it is empty, the text when it is not JSON."""
        if not self.text:
            return None
        return json.loads(self.text) if "json" in self.headers.get("content-type", "") else self.text


def differences(recorded: Exchange, shown: Response, pairs: Pairs) -> list[str]:
    """Return how an answer of the sandbox differs from the recorded one; an empty list when it does not.

    Each difference begins with its place: ``status``, ``header NAME``, or the dotted path of a property.
    """
    if recorded.status != shown.status:
        return [f"status: recorded {recorded.status}, sandbox {shown.status} {shown.text[:300]}"]
    found = [*_headers(recorded, shown, pairs)]
    if isinstance(recorded.answer, str):
        if bool(recorded.answer) != bool(shown.text):
            found.append(f"body: recorded {recorded.answer[:80]!r}, sandbox {shown.text[:80]!r}")
        return found
    return [*found, *_value(recorded.answer, shown.body, "", pairs)]


# --- headers


def _headers(recorded: Exchange, shown: Response, pairs: Pairs) -> Iterator[str]:
    names = [*LINK_HEADERS, "www-authenticate", "content-type"]
    for name in names + ["retry-after"] * recorded.keeps_retry_after:
        theirs, ours = recorded.headers.get(name), shown.headers.get(name)
        if theirs is None or ours is None:
            if theirs != ours:
                yield f"header {name}: recorded {theirs or 'absent'}, sandbox {ours or 'absent'}"
        elif not _header_agrees(name, theirs, ours, pairs):
            yield f"header {name}: recorded {theirs}, sandbox {ours}"


def _header_agrees(name: str, theirs: str, ours: str, pairs: Pairs) -> bool:
    if name in LINK_HEADERS:
        return link_template(theirs) == link_template(ours)
    if name == "retry-after":
        return retry_after_agrees(theirs, ours)
    if name == "content-type":
        return theirs.partition(";")[0].strip().lower() == ours.partition(";")[0].strip().lower()
    return _text_agrees(theirs, ours, pairs)


def retry_after_agrees(theirs: str, ours: str) -> bool:
    """Return True when both are whole seconds, and the sandbox's are within `RETRY_FACTOR` of the recorded ones."""
    if not (theirs.isdecimal() and ours.isdecimal()):
        return False
    return float(theirs) / RETRY_FACTOR <= float(ours) <= float(theirs) * RETRY_FACTOR


def link_template(url: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return host, path and query of a link, with the tokens that identify one operation or page left out.

    The path is in lower case: services link to the same operation in several casings. Of the query, the names stay and
    the value of ``type``; those of the signature go.
    """
    parts = urlsplit(url)
    path = "/".join("…" if _is_token(each) else each.lower() for each in parts.path.split("/"))
    query = parse_qs(parts.query, keep_blank_values=True)
    kept = {
        name.lower(): values[0] if name == "type" else "" for name, values in query.items() if name not in SIGNATURE
    }
    return parts.netloc.lower(), path, tuple(sorted(kept.items()))


def _is_token(segment: str) -> bool:
    return GENERATED.search(segment) is not None or _OPERATION.fullmatch(segment) is not None


# --- bodies


def _value(recorded: Any, shown: Any, path: str, pairs: Pairs) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(shown, dict):
        yield from _objects(recorded, shown, path, pairs)
    elif isinstance(recorded, list) and isinstance(shown, list):
        yield from _lists(recorded, shown, path, pairs)
    elif not _scalar_agrees(recorded, shown, path, pairs):
        yield f"{path or 'body'}: recorded {_displayed(recorded)}, sandbox {_displayed(shown)}"


def _objects(recorded: Mapping[str, Any], shown: Mapping[str, Any], path: str, pairs: Pairs) -> Iterator[str]:
    theirs = {unmasked(pairs.translated(name), shown): value for name, value in recorded.items()}
    for name in sorted(theirs.keys() - shown.keys()):
        yield f"{_join(path, name)}: recorded {_displayed(theirs[name])}, sandbox absent"
    for name in sorted(shown.keys() - theirs.keys()):
        yield f"{_join(path, name)}: recorded absent, sandbox {_displayed(shown[name])}"
    for name in sorted(theirs.keys() & shown.keys()):
        yield from _value(theirs[name], shown[name], _join(path, name), pairs)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _lists(recorded: Sequence[Any], shown: Sequence[Any], path: str, pairs: Pairs) -> Iterator[str]:
    if not any(isinstance(each, dict | list) for each in (*recorded, *shown)):
        if not _words_agree(recorded, shown, path, pairs):
            yield f"{path}: recorded {_displayed(recorded)}, sandbox {_displayed(shown)}"
        return
    if len(recorded) != len(shown):
        yield f"{path}: recorded {len(recorded)} items, sandbox {len(shown)}"
    seen: set[str] = set()
    for theirs, ours in _paired(recorded, shown, path, pairs):
        seen.update(_value(theirs, ours, f"{path}[]", pairs))
    yield from sorted(seen)


def _words_agree(recorded: Sequence[Any], shown: Sequence[Any], path: str, pairs: Pairs) -> bool:
    """Return True when two lists have the same words, in any order."""
    left = list(shown)
    for theirs in recorded:
        found = next((at for at, ours in enumerate(left) if _scalar_agrees(theirs, ours, path, pairs)), None)
        if found is None:
            return False
        del left[found]
    return not left


def _paired(recorded: Sequence[Any], shown: Sequence[Any], path: str, pairs: Pairs) -> list[tuple[Any, Any]]:
    """Pair the items of two lists one to one, the most alike first; what is left over of the longer list has no partner."""
    by_key = _paired_by_key(recorded, shown)
    if by_key is not None:
        return by_key
    costs = sorted(
        (sum(1 for _ in _value(theirs, ours, f"{path}[]", pairs)), abs(left - right), left, right)
        for left, theirs in enumerate(recorded)
        for right, ours in enumerate(shown)
    )
    lefts: set[int] = set()
    rights: set[int] = set()
    found = []
    for _, _, left, right in costs:
        if left not in lefts and right not in rights:
            lefts.add(left)
            rights.add(right)
            found.append((recorded[left], shown[right]))
    return found


def _paired_by_key(recorded: Sequence[Any], shown: Sequence[Any]) -> list[tuple[Any, Any]] | None:
    """Pair long lists of named items by their names; None where an item has none."""
    for key in ("id", "resourceType", "name"):
        rows = [
            {str(each.get(key)).lower(): each for each in items if isinstance(each, dict) and key in each}
            for items in (recorded, shown)
        ]
        if len(rows[0]) == len(recorded) and len(rows[1]) == len(shown) and rows[0].keys() == rows[1].keys():
            return [(rows[0][name], rows[1][name]) for name in rows[0]]
    return None


# --- scalars


def _scalar_agrees(recorded: Any, shown: Any, path: str, pairs: Pairs) -> bool:
    name = path.rpartition(".")[2]
    if isinstance(recorded, str) and isinstance(shown, str):
        if name == "nextLink":
            return link_template(recorded) == link_template(shown)
        return name in OPAQUE or _text_agrees(recorded, shown, pairs)
    if isinstance(recorded, bool) or isinstance(shown, bool):
        return recorded is shown
    if isinstance(recorded, int | float) and isinstance(shown, int | float):
        return name in TIMES or recorded == shown
    return recorded is None and shown is None


def _text_agrees(theirs: str, ours: str, pairs: Pairs) -> bool:
    """Return True when two texts are equal but for moments, and for generated identifiers that are no contradiction."""
    masked = MASKED_GROUP in theirs
    (fixed, theirs_generated), (other, ours_generated) = _parts(theirs, masked), _parts(ours, masked)
    if fixed != other:
        return False
    return all(pairs.agree(old, new) for old, new in zip(theirs_generated, ours_generated, strict=True))


@lru_cache(maxsize=100_000)  # mutations compare the same texts thousands of times
def _parts(text: str, masked: bool) -> tuple[str, tuple[str, ...]]:
    """Return a text without its moments and generated identifiers, and those identifiers."""
    text = MOMENT.sub("…", text)
    if masked:
        text = without_group(text)
    return GENERATED.sub("…", text), tuple(GENERATED.findall(text))


def _displayed(value: Any) -> str:
    if isinstance(value, dict):
        return "object" if value else "{}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"
