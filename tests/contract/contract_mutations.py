"""Mutations of answers: one change each, of the kinds in which a sandbox can differ from Azure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from contract_compare import LINK_HEADERS, OPAQUE, TIMES, Response
from contract_identifiers import MOMENT

_Item = TypeVar("_Item")
Place = tuple[str | int, ...]
_LINK_PARTS = re.compile(r"^(https://[^/?]+)?(.*)$")
KEYS = re.compile(r"https://[\w.-]+(?::\d+)?/keys/[\w-]+(?:/[0-9a-f]{32})?$")
LINK = re.compile(r"https://[^/]+(/.*)?$")
PER_EXCHANGE = 3
"""Number of places of one exchange that each class is tried at, evenly spread."""

Edit = Callable[[Any], Iterator[Any]]
"""Yields other values in place of one; nothing where the value is not of the class."""


# --- edits of values


def _flipped(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value


def _other_number(value: Any) -> Iterator[Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield value + 1


def _other_type(value: Any) -> Iterator[Any]:
    if isinstance(value, bool | int | float):
        yield json.dumps(value)
    elif isinstance(value, str):
        yield [value]
    elif isinstance(value, list):
        yield {}
    elif isinstance(value, dict):
        yield "text"


def _null(value: Any) -> Iterator[Any]:
    if value is not None:
        yield None


def _emptied(value: Any) -> Iterator[Any]:
    if isinstance(value, list) and value:
        yield []


def _shortened(value: Any) -> Iterator[Any]:
    if isinstance(value, list) and len(value) > 1:
        yield value[:-1]
        yield value[1:]


def _lengthened(value: Any) -> Iterator[Any]:
    if isinstance(value, list) and value:
        yield [*value, value[0]]


def _other_word_in_list(value: Any) -> Iterator[Any]:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        yield ["somethingElse", *value[1:]]


def _other_key(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and KEYS.match(value):
        head, _, tail = value.partition("/keys/")
        yield f"{head.replace('https://', 'https://other-')}/keys/{tail}"
        name, slash, version = tail.partition("/")
        yield f"{head}/keys/other-{name}{slash}{version}"
        yield f"{head}/keys/{name}" if version else f"{head}/keys/{name}/{'ab' * 16}"


def _other_version(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and KEYS.match(value) and re.search(r"/[0-9a-f]{32}$", value):
        yield value[:-32] + "ab" * 16


def _other_host(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and LINK.match(value):
        yield value.replace("https://", "https://another.", 1)


def _other_text(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and value and not MOMENT.fullmatch(value) and not LINK.match(value):
        yield value + "x"


def _other_id(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and re.match("/subscriptions/[^/]+/resourceGroups/", value, re.IGNORECASE):
        yield value.rpartition("/")[0] + "/another"
        yield re.sub("(?<=/resource[Gg]roups/)[^/]+", "another", value)


VALUES: Mapping[str, Edit] = {
    "a boolean flipped": _flipped,
    "another number": _other_number,
    "another JSON type": _other_type,
    "null": _null,
    "a list emptied": _emptied,
    "a list shortened": _shortened,
    "a list lengthened": _lengthened,
    "another word in a list": _other_word_in_list,
    "another key identifier": _other_key,
    "another key version": _other_version,
    "a link to another host": _other_host,
    "another text": _other_text,
    "the id of another resource": _other_id,
}


# --- mutated answers


def mutants(shown: Response, *, with_retry_after: bool) -> Iterator[tuple[str, Response]]:
    """Yield mutated answers, each with the name of its class.

    Where the recorder dropped ``Retry-After``, that header is left alone: nothing can be known about it.
    """
    yield "another status", replace(shown, status=shown.status + 1)
    yield from _headers(shown, with_retry_after=with_retry_after)
    if not isinstance(shown.body, dict | list):
        return
    for name, edit in VALUES.items():
        yield from ((name, each) for each in _spread([*_edited(shown, edit)]))
    yield from _spread([("a property dropped", each) for each in _dropped(shown)])
    yield from _spread([("a property renamed", each) for each in _renamed(shown)])
    yield from _spread([("a property added", each) for each in _added(shown)])


def _headers(shown: Response, *, with_retry_after: bool) -> Iterator[tuple[str, Response]]:
    for name in (*LINK_HEADERS, "content-type", "www-authenticate"):
        if name in shown.headers:
            yield "a header dropped", _with_header(shown, name, None)
        elif name != "content-type":
            yield (
                "a header added",
                _with_header(shown, name, "https://management.azure.com/subscriptions/s/operations/o"),
            )
    for name in LINK_HEADERS:
        link = shown.headers.get(name)
        if link is not None:
            host, path = _LINK_PARTS.findall(link)[0]
            yield "a link to another host", _with_header(shown, name, f"https://another.example{path}")
            yield "a link to another path", _with_header(shown, name, f"{host or ''}/tenants/t{path}")
            yield "a link to another path", _with_header(shown, name, re.sub(r"([^?]+)", r"\1/more", link, count=1))
    if with_retry_after and "retry-after" in shown.headers:
        for value in (None, "0", "600", "soon"):
            yield "another Retry-After", _with_header(shown, "retry-after", value)
    elif with_retry_after:
        yield "another Retry-After", _with_header(shown, "retry-after", "15")


def _with_header(shown: Response, name: str, value: str | None) -> Response:
    kept = {each: text for each, text in shown.headers.items() if each != name}
    return replace(shown, headers=kept if value is None else {**kept, name: value})


def _spread(found: list[_Item]) -> list[_Item]:
    """Return a few items of a list, evenly spread over it."""
    step = max(1, -(-len(found) // PER_EXCHANGE))
    return found[::step]


def _edited(shown: Response, edit: Edit) -> Iterator[Response]:
    for place, value in _places(shown.body):
        name = next((each for each in reversed(place) if isinstance(each, str)), "")
        if name in TIMES or name in OPAQUE:
            continue
        for other in edit(value):
            yield _with_body(shown, _changed(shown.body, place, other))


def _dropped(shown: Response) -> Iterator[Response]:
    for place, _ in _places(shown.body):
        if isinstance(place[-1], str):
            yield _with_body(shown, _changed(shown.body, place, _GONE))


def _renamed(shown: Response) -> Iterator[Response]:
    for place, value in _places(shown.body):
        if isinstance(place[-1], str):
            without = _changed(shown.body, place, _GONE)
            yield _with_body(shown, _changed(without, (*place[:-1], place[-1] + "X"), value))


def _added(shown: Response) -> Iterator[Response]:
    for place, value in [((), shown.body), *_places(shown.body)]:
        if isinstance(value, dict):
            yield _with_body(shown, _changed(shown.body, (*place, "thereIsNoSuch"), True))


_GONE = object()


def _places(body: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value below a body, with its place."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield (*path, key), value
        yield from _places(value, (*path, key))


def _changed(body: Any, place: Place, value: Any) -> Any:
    """Return a copy of a body with another value at a place; only what is on the way there is copied."""
    if not place:
        return value
    key, rest = place[0], place[1:]
    copy: Any = list(body) if isinstance(body, list) else dict(body)
    if value is _GONE and not rest:
        del copy[key]
    else:
        copy[key] = _changed(copy.get(key) if isinstance(copy, dict) else copy[key], rest, value)
    return copy


def _with_body(shown: Response, body: Any) -> Response:
    return replace(shown, text=json.dumps(body))
