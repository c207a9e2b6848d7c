"""The recordings of the real Azure as exchanges, with their ids replaced by those of the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from support.reference import RECORDINGS

from cmkctl.sandbox import SUBSCRIPTION_ID, TENANT_ID

ARM = "management.azure.com"
KEEPS_RETRY_AFTER = ("Azure/azure-service-operator", "sdk/keyvault/azure-mgmt-keyvault")
"""What the recorders that left ``Retry-After`` alone have in their source (INDEX.md); in all others absence proves nothing."""
POLLS = re.compile(
    r"operation-?(?:status(?:es)?|results?)|workspaceoperationsstatus|asyncoperations|diskoperations", re.IGNORECASE
)
UNFINISHED = frozenset(
    [
        "Accepted",
        "Running",
        "Creating",
        "Updating",
        "Deleting",
        "Registering",
        "Unregistering",
        "RegisteringDns",
        "InProgress",
        "NotStarted",
    ]
)


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer, after the ids of its publisher have become the sandbox's.

    Attributes:
        number: its place in the recording.
        headers: the answer's, by lower-case name.
        keeps_retry_after: whether the recorder left that header in.

    """

    number: int
    method: str
    url: str
    body: Any
    status: int
    headers: Mapping[str, str]
    answer: Any
    keeps_retry_after: bool

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @property
    def host(self) -> str:
        """The host asked."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_poll(self) -> bool:
        """Whether this asks an operation how far it is."""
        return self.method == "GET" and any(POLLS.fullmatch(part) for part in self.path.split("/"))

    @property
    def state(self) -> tuple[int, str]:
        """How far the answer says that things are: its status and the state it names."""
        return self.status, state_of(self.answer)

    @property
    def is_unfinished(self) -> bool:
        """Whether the answer says that something still goes on."""
        return self.status == 202 or self.state[1] in UNFINISHED

    def __str__(self) -> str:
        version = dict(parse_qsl(urlsplit(self.url).query)).get("api-version", "")
        return f"{self.number} {self.method} {self.host if self.host != ARM else ''}{self.path}?{version}"


@dataclass(frozen=True)
class Scenario:
    """One file of recordings."""

    name: str
    exchanges: tuple[Exchange, ...]

    @property
    def short(self) -> str:
        """The number the index calls it by."""
        return self.name[:2]


def state_of(answer: Any) -> str:
    """Return the state a body names; empty when it names none."""
    if not isinstance(answer, dict):
        return ""
    properties = answer.get("properties")
    inner = properties.get("provisioningState") if isinstance(properties, dict) else None
    found = answer.get("registrationState") or answer.get("status") or inner
    return found if isinstance(found, str) else ""


def names() -> list[str]:
    """Return the names of all recordings; none where they are not beside this checkout."""
    return sorted(each.stem for each in RECORDINGS.glob("*.json"))


@dataclass(frozen=True)
class Rename:
    """What a recording calls otherwise than the sandbox: text in URLs (masks), and text anywhere (ids, names)."""

    urls: Mapping[str, str] = field(default_factory=dict)
    anywhere: Mapping[str, str] = field(default_factory=dict)


def read(name: str, rename: Rename) -> Scenario:
    """Return a recording with its ids replaced."""
    document = json.loads(_text(RECORDINGS / f"{name}.json"))
    keeps = [
        any(mark in json.dumps(each.get("source", document.get("source"))) for mark in KEEPS_RETRY_AFTER)
        for each in document["interactions"]
    ]
    rows = zip(document["interactions"], keeps, strict=True)
    return Scenario(name, tuple(_exchange(number, row, kept, rename) for number, (row, kept) in enumerate(rows)))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _exchange(number: int, row: Mapping[str, Any], keeps_retry_after: bool, rename: Rename) -> Exchange:
    request, response = row["request"], row["response"]
    url = _renamed(request["uri"], rename.anywhere)
    for pattern, replacement in rename.urls.items():
        url = re.sub(pattern, replacement, url)
    headers = {key.lower(): _renamed(value, rename.anywhere) for key, value in response["headers"].items()}
    return Exchange(
        number,
        request["method"],
        url.replace("localhost:1234", ARM).replace("http://", "https://"),
        _body(request["body"], rename),
        response["status"],
        headers,
        _body(response["body"], rename),
        keeps_retry_after,
    )


def _renamed(text: str, anywhere: Mapping[str, str]) -> str:
    for old, new in anywhere.items():
        text = text.replace(old, new)
    return re.sub(r"(/subscriptions/)[0-9a-f-]{20,36}(?=[/?\"'\\ ,]|$)", rf"\g<1>{SUBSCRIPTION_ID}", text)


def _body(body: Any, rename: Rename) -> Any:
    if body in {"", None} if not isinstance(body, dict | list) else False:
        return None
    if isinstance(body, str):
        return body
    return _tenant(json.loads(_renamed(json.dumps(body), rename.anywhere)))


def _tenant(value: Any) -> Any:
    """Put the sandbox's directory wherever a body names its own."""
    if isinstance(value, list):
        return [_tenant(each) for each in value]
    if isinstance(value, dict):
        return {
            key: TENANT_ID if key == "tenantId" and isinstance(inner, str) else _tenant(inner)
            for key, inner in value.items()
        }
    return value
