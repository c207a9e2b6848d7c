"""A request and a reply, as the sandbox's services see them: no framework, no socket."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.clouds import Cloud, Service

Json = dict[str, Any]
JSON_TYPE = "application/json; charset=utf-8"


DEEPEST = 100
"""The deepest nesting of a body. Azure's own limit is unpublished; real bodies are far below it."""


def parse(text: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, has a number that JSON does not have, or is nested too deeply.

    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as problem:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from problem
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@dataclass
class Call:
    """One request.

    Header names are lower-case; `params` are the path parameters of the matched route. `caller` comes from
    the token; None where no token is required, and for requests of the service itself. `struck` names a fault that occurs
    once the request has been served. The body of an `oversized` request was not kept.
    """

    method: str
    host: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    cloud: Cloud
    service: Service
    params: dict[str, str] = field(default_factory=dict)
    caller: Caller | None = None
    struck: str = ""
    oversized: bool = False

    @cached_property
    def query(self) -> dict[str, str]:
        """Query parameters by lower-case name."""
        return {name.lower(): value for name, value in parse_qsl(self.query_string, keep_blank_values=True)}

    @property
    def api_version(self) -> str:
        """The api-version of the request, or an empty string."""
        return self.query.get("api-version", "").lower()

    @property
    def url(self) -> str:
        """Scheme and host, for building absolute links."""
        return f"https://{self.host}"

    def json(self) -> Json:
        """Return the body as a JSON object.

        Raises:
            AzureError: 400 `InvalidRequestContent` when it is not one.

        """
        try:
            value = parse(self.body or b"null")
        except ValueError as problem:
            raise errors.not_json(str(problem)) from problem
        if not isinstance(value, dict):
            raise errors.not_json("a JSON object was expected")
        return value

    def __getitem__(self, name: str) -> str:
        return self.params[name]


@dataclass
class Reply:
    """One answer. `body` None sends no body and no Content-Type; `drop` closes the connection instead of answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    drop: bool = False

    def payload(self) -> bytes:
        """Return the body as bytes: JSON unless it already is text."""
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode()


def refused(refusal: errors.AzureError) -> Reply:
    """Return a refusal as an answer."""
    return Reply(refusal.status, refusal.body(), dict(refusal.headers))
