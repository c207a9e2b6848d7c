"""Shapes: the properties a request body may have, declared per type and checked before the handler reads the body.

A shape is a dictionary of property name to what it may hold: `str`, `bool`, `int`, `float` (any number), `dict`
(anything inside), a tuple of allowed words (compared without case), a one-element list (an array of that), another
shape, or one of the markers below. The facts come from Microsoft's published ARM types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core import errors


@dataclass(frozen=True)
class Required:
    """The property must be there when the resource is created."""

    shape: Any


@dataclass(frozen=True)
class Since:
    """The property exists from an api-version on; older ones drop it without a word, as Azure does.

    `stable` is the first stable api-version that has it, `preview` the first preview.
    """

    stable: str
    preview: str
    shape: Any

    def known_to(self, version: str) -> bool:
        """Return whether `version` has the property."""
        return version >= (self.preview if version.endswith("-preview") else self.stable)


@dataclass(frozen=True)
class MapOf:
    """A dictionary with free names and values of one shape."""

    shape: Any


READ_ONLY = object()
"""The property belongs to the service. Azure ignores it in a request, so that the body of a GET can be sent back by a PUT
(azurerm, `az resource tag` and `az resource update` do so). `read_only` finds such properties in a body."""

IGNORED = object()
"""The property is accepted and dropped."""

NOT_MODELLED = object()
"""Azure has the property, and the sandbox does not model what it does; sending it is refused as `SandboxNotModelled`."""

WORDS = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    list: "an array",
}
TAGS = MapOf(str)
TOP = {"id": IGNORED, "name": IGNORED, "type": IGNORED, "systemData": READ_ONLY, "etag": READ_ONLY}
"""Properties of every resource that a GET answers: its address, and what Azure Resource Manager and the service add."""


def accept(shape: Mapping[str, Any], body: Mapping[str, Any], version: str, *, partial: bool = False) -> dict[str, Any]:
    """Return the body with only what the service keeps.

    Args:
        shape: what the type allows.
        body: what was sent.
        version: the api-version it was sent with; properties that are younger are dropped.
        partial: a PATCH, where required properties may be missing.

    Raises:
        AzureError: 400 `InvalidRequestContent` naming the first property that is unknown, missing or wrong.

    """
    return _object(shape, body, version, "", partial)


def _object(
    shape: Mapping[str, Any], body: Mapping[str, Any], version: str, path: str, partial: bool
) -> dict[str, Any]:
    names = {name.lower(): name for name in shape}
    kept: dict[str, Any] = {}
    for sent, value in body.items():
        here = f"{path}.{sent}" if path else sent
        if sent.lower() not in names:
            raise errors.property_refused(here, f"is unknown in api-version {version}")
        name = names[sent.lower()]
        kept_value = _value(shape[name], value, version, here, partial)
        if kept_value is not IGNORED:
            kept[name] = kept_value
    if not partial:
        _require(shape, kept, path)
    return kept


def _require(shape: Mapping[str, Any], kept: Mapping[str, Any], path: str) -> None:
    for name, inner in shape.items():
        if isinstance(inner, Required) and kept.get(name) is None:
            raise errors.property_refused(f"{path}.{name}" if path else name, "is required")


def _value(shape: Any, value: Any, version: str, path: str, partial: bool) -> Any:  # noqa: PLR0911  one case a marker
    if shape is IGNORED or shape is READ_ONLY or (shape is NOT_MODELLED and value is None):
        return IGNORED
    if shape is NOT_MODELLED:
        raise errors.not_modelled(f"the property '{path}'")
    if isinstance(shape, Required):
        return _value(shape.shape, value, version, path, partial)
    if isinstance(shape, Since):
        return _value(shape.shape, value, version, path, partial) if shape.known_to(version) else IGNORED
    if value is None:
        return None
    if isinstance(shape, tuple):
        return _word(shape, value, path)
    if isinstance(shape, list):
        _typed(list, value, path)
        return [_item(shape[0], item, version, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(shape, MapOf):
        _typed(dict, value, path)
        return {name: _value(shape.shape, item, version, f"{path}.{name}", partial) for name, item in value.items()}
    if isinstance(shape, Mapping):
        _typed(dict, value, path)
        return _object(shape, value, version, path, partial)
    _typed(shape, value, path)
    return value


def _item(shape: Any, value: Any, version: str, path: str) -> Any:
    """Check an item of an array: arrays are replaced as a whole, so nothing may be missing in one, PATCH or not."""
    if value is None:
        raise errors.property_refused(path, "must not be null")
    return _value(shape, value, version, path, partial=False)


def _word(words: tuple[str, ...], value: Any, path: str) -> str:
    for word in words:
        if isinstance(value, str) and value.lower() == word.lower():
            return value
    raise errors.property_refused(path, f"is {value!r}; allowed are {', '.join(words)}")


def _typed(kind: type, value: Any, path: str) -> None:
    allowed = (int, float) if kind is float else kind
    if not isinstance(value, allowed) or (kind in {int, float} and isinstance(value, bool)):
        raise errors.property_refused(path, f"must be {WORDS[kind]}")


def read_only(shape: Any, body: Any, path: str = "") -> list[str]:
    """Return the paths of read-only properties in a body: Azure ignores them, and a client that creates sends none.

    Args:
        shape: the shape of the body's type.
        body: a body, or a part of one.
        path: the path of that part.

    """
    if shape is READ_ONLY:
        return [path]
    while isinstance(shape, Required | Since):
        shape = shape.shape
    return [found for name, inner, value in _parts(shape, body, path) for found in read_only(inner, value, name)]


def _parts(shape: Any, body: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, shape and value of everything directly inside a body."""
    if isinstance(shape, list) and isinstance(body, list):
        yield from ((f"{path}[]", shape[0], item) for item in body)
    elif isinstance(shape, MapOf) and isinstance(body, Mapping):
        yield from ((f"{path}.{name}", shape.shape, value) for name, value in body.items())
    elif isinstance(shape, Mapping) and isinstance(body, Mapping):
        inner = {name.lower(): value for name, value in shape.items()}
        yield from ((f"{path}.{name}".lstrip("."), inner.get(name.lower()), value) for name, value in body.items())


def merge(current: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `current` with `patch` laid over it (objects merge, everything else replaces)."""
    merged = dict(current)
    for name, value in patch.items():
        inner = merged.get(name)
        merged[name] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return merged
