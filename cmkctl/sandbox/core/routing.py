"""Routes: method, path template, handler, and the api-versions the handler models; and a table that finds them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from cmkctl.sandbox.core.messages import Call, Reply

if TYPE_CHECKING:
    from cmkctl.sandbox.core.state import Tenant

Handler = Callable[["Tenant", Call], Reply]
"""Serves one request of ARM, Graph or the login host. Raises `AzureError` to refuse."""


class Addressed(Protocol):
    """A row of a table: it has a method and a path template."""

    @property
    def method(self) -> str:
        """The HTTP method."""

    @property
    def template(self) -> str:
        """The path template; see `Route`."""


PARAMETER = re.compile(r"\{\w+\}")
Row = TypeVar("Row", bound=Addressed)


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


class Table(Generic[Row]):
    """Routes, found by the last literal they end with and their length."""

    def __init__(self, routes: Iterable[Row]) -> None:
        """Index the routes.

        Raises:
            ValueError: two routes have the same method and path.

        """
        self._by_length: dict[int, list[tuple[list[str], Row]]] = {}
        self._anywhere: list[tuple[list[str], Row]] = []
        seen: set[tuple[str, str]] = set()
        for route in routes:
            address = (route.method, PARAMETER.sub("{}", route.template.lower()))
            if address in seen:
                raise ValueError(f"two routes serve {route.method} {route.template}")
            seen.add(address)
            parts = route.template.strip("/").split("/")
            if parts[0] == "{scope}":
                self._anywhere.append((parts[1:], route))
            else:
                self._by_length.setdefault(len(parts), []).append((parts, route))

    def find(self, method: str, path: str) -> tuple[Row | None, dict[str, str], bool]:
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
    ) -> tuple[Row | None, dict[str, str], bool]:
        for parts, route in self._anywhere:
            split = len(segments) - len(parts)
            params = _match(parts, segments[split:]) if split >= 0 else None
            if params is not None:
                if route.method == method:
                    return route, {"scope": "/" + "/".join(segments[:split]), **params}, True
                known = True
        return None, {}, known


def _match(parts: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part[0] == "{":
            params[part[1:-1]] = segment
        elif part != segment and part.lower() != segment.lower():
            return None
    return params
