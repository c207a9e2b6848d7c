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

import pytest
from support.reference import REFERENCE

from cmkctl.sandbox import SUBSCRIPTION_ID, TENANT_ID

REFERENCE_FOLDERS = (REFERENCE / "recordings", REFERENCE / "recordings-more")
"""Folders of the recordings; the number at the beginning of a file's name is unique over both."""
ARM = "management.azure.com"
KEEPS_RETRY_AFTER = ("Azure/azure-service-operator", "sdk/keyvault/azure-mgmt-keyvault")
"""Sources whose recorders kept ``Retry-After`` (INDEX.md); in all others its absence proves nothing."""
MASKED_GROUP = "/resourceGroups/000000000000000"
"""Mask that the recorder of azext_mlv2 writes in place of every group: it may be any."""
POLLS = re.compile(
    r"\w*operations?-?(?:status(?:es)?|results?)|\w*asyncoperations?|diskoperations",
    re.IGNORECASE,
)
NETWORK_POLL = re.compile(r"/Microsoft\.Network/locations/[^/]+/operations/", re.IGNORECASE)
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


def is_poll_path(path: str) -> bool:
    """Return True when a path is that of an operation to poll."""
    return NETWORK_POLL.search(path) is not None or any(POLLS.fullmatch(part) for part in path.split("/"))


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
        """The host of the request."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_poll(self) -> bool:
        """True when this polls an operation."""
        return self.method == "GET" and is_poll_path(self.path)

    @property
    def state(self) -> tuple[int, str]:
        """The status of the answer and the provisioning state in it."""
        return self.status, state_of(self.answer)

    @property
    def is_unfinished(self) -> bool:
        """True when the answer shows an operation in progress."""
        return self.status == 202 or self.state[1] in UNFINISHED

    def __str__(self) -> str:
        version = dict(parse_qsl(urlsplit(self.url).query)).get("api-version", "")
        return f"{self.number} {self.method} {self.host if self.host != ARM else ''}{self.path}?{version}"


@dataclass(frozen=True)
class Scenario:
    """One file of recordings.

    Attributes:
        apart: the exchanges come from several sources and have nothing to do with each other.

    """

    name: str
    exchanges: tuple[Exchange, ...]
    apart: bool = False

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


def files() -> list[Path]:
    """Return the files of all recordings, in the order of their names; none where they are not beside this checkout."""
    return sorted((each for folder in REFERENCE_FOLDERS for each in folder.glob("*.json")), key=lambda each: each.name)


def names() -> list[str]:
    """Return the names of all recordings."""
    return [each.stem for each in files()]


def require_reference() -> None:
    """Skip the calling test module where the reference is not beside this checkout: one line for all of them."""
    if not files() or not (REFERENCE / "arm-types").is_dir():
        pytest.skip("../shared/reference is not beside this checkout", allow_module_level=True)


@dataclass(frozen=True)
class Rename:
    """Names that differ between a recording and the sandbox: text in URLs (masks), and text anywhere (ids, names)."""

    urls: Mapping[str, str] = field(default_factory=dict)
    anywhere: Mapping[str, str] = field(default_factory=dict)


def read(name: str, rename: Rename) -> Scenario:
    """Return a recording with its ids replaced."""
    text = re.sub(r"(https://login\.[\w.]+/)[0-9a-f-]{36}", rf"\g<1>{TENANT_ID}", _text(name))
    document = json.loads(text)
    keeps = [
        any(mark in json.dumps(each.get("source", document.get("source"))) for mark in KEEPS_RETRY_AFTER)
        for each in document["interactions"]
    ]
    rows = zip(document["interactions"], keeps, strict=True)
    exchanges = tuple(_exchange(number, row, kept, rename) for number, (row, kept) in enumerate(rows))
    return Scenario(name, exchanges, apart=all("source" in each for each in document["interactions"]))


@cache
def _text(name: str) -> str:
    return next(each for each in files() if each.stem == name).read_text(encoding="utf-8")


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
