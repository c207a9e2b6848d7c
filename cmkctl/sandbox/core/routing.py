"""One table of routes: method, path template, handler, and the api-versions the handler models."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.messages import Call, Reply

Handler = Callable[[Any, Call], Reply]
"""A handler takes the tenant and the call. It raises `AzureError` to refuse."""


@dataclass(frozen=True)
class Route:
    """One row of the table.

    A template segment in braces takes any one path segment under that name. A template that begins with ``{scope}``
    takes everything before the rest of the template, so it matches at any ARM scope.

    Attributes:
        method: the HTTP method.
        template: the path; literals are compared without case.
        handler: what answers.
        type: the resource type, for messages about api-versions; empty where there is no api-version (Graph, login).
        versions: the api-versions this handler models.

    """

    method: str
    template: str
    handler: Handler
    type: str = ""
    versions: tuple[str, ...] = ()


class Table:
    """Routes, found by the last literal they end with and their length."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Index the routes."""
        self._by_length: dict[int, list[tuple[list[str], Route]]] = {}
        self._anywhere: list[tuple[list[str], Route]] = []
        for route in routes:
            parts = route.template.strip("/").split("/")
            if parts[0] == "{scope}":
                self._anywhere.append((parts[1:], route))
            else:
                self._by_length.setdefault(len(parts), []).append((parts, route))

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """Return the route, its parameters, and whether the path is known with any method."""
        segments = [segment for segment in path.split("/") if segment]
        known = False
        for parts, route in self._by_length.get(len(segments), ()):
            params = _match(parts, segments)
            if params is not None:
                if route.method == method:
                    return route, params, True
                known = True
        return self._find_anywhere(method, segments, known)

    def _find_anywhere(
        self, method: str, segments: Sequence[str], known: bool
    ) -> tuple[Route | None, dict[str, str], bool]:
        for parts, route in self._anywhere:
            split = len(segments) - len(parts)
            params = _match(parts, segments[split:]) if split >= 0 else None
            if params is not None:
                if route.method == method:
                    return route, {"scope": "/" + "/".join(segments[:split]), **params}, True
                known = True
        return None, {}, known


TABLES: dict[Service, Table] = {}
"""What each kind of host answers. `cmkctl.sandbox.planes.tables` fills it; whoever only looks things up reads it here."""

VERSIONS: dict[str, tuple[str, ...]] = {}
"""The api-versions each modelled resource type has, by lower-case type. Filled with `TABLES`."""


def install(tables: Mapping[Service, Iterable[Route]]) -> None:
    """Make the routes known."""
    for service, routes in tables.items():
        known = tuple(routes)
        TABLES[service] = Table(known)
        VERSIONS.update({route.type.lower(): route.versions for route in known if route.type})


def _match(parts: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part[0] == "{":
            params[part[1:-1]] = segment
        elif part != segment and part.lower() != segment.lower():
            return None
    return params
