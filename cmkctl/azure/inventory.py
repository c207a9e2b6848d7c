"""Reads of Azure Resource Graph: rows about many resources, whatever their type, page by page.

Rows are copies that Azure makes from time to time: a resource that is new, changed or deleted may be missing, old or still
there. Rows that the caller may not read are missing without a notice, and so are whole subscriptions.

Source: https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NotRequired

from typing_extensions import TypedDict

from cmkctl.azure import versions
from cmkctl.azure.actions import allows
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.governance import permissions
from cmkctl.azure.ids import subscription_id
from cmkctl.azure.snapshot import LONGEST_LIST, Snapshot, unless_denied

PAGE: Final = 1000
"""The largest number of rows of a page."""

_PATH: Final = "/providers/Microsoft.ResourceGraph/resources"
_SUBSCRIPTIONS: Final = 300
"""The largest number of subscriptions of a request that Microsoft recommends."""

_NOTHING_READABLE: Final = "NoValidSubscriptionsInQueryRequest"
"""The code of a 400 for subscriptions none of which the caller may read; documentation has a 403 instead."""


class _Row(TypedDict):
    id: str
    type: str
    name: NotRequired[str]
    kind: NotRequired[str]
    location: NotRequired[str]
    apiVersion: NotRequired[str]
    properties: NotRequired[dict[str, Any]]


_Page = TypedDict(
    "_Page",
    {"data": list[_Row], "resultTruncated": NotRequired[str], "$skipToken": NotRequired[str]},
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The rows that a query found. `truncated` is True where Azure has more rows than it gives."""

    rows: tuple[ArmDocument, ...]
    truncated: bool = False


def inventory(azure: Snapshot, query: str, subscriptions: Sequence[str]) -> Inventory:
    """Return the rows of a query, which must project ``id`` and ``type``. Rows have the members of Resource Manager.

    Raises AzureFailed; one of kind DENIED when none of the subscriptions may be read.
    """
    rows: list[ArmDocument] = []
    truncated = False
    for start in range(0, len(subscriptions), _SUBSCRIPTIONS):
        page: Mapping[str, Any] = {}
        for page in _pages(azure, query, [*subscriptions[start : start + _SUBSCRIPTIONS]]):
            rows += page["data"]
        truncated = truncated or same_word(page.get("resultTruncated"), "true")
    return Inventory(tuple(rows), truncated)


def may_read_everywhere(azure: Snapshot, subscription: str, actions: Sequence[str]) -> bool:
    """Return True when the caller's roles allow some actions on everything in a subscription; else rows can be missing.

    Raises AzureFailed. Roles that may not be read are no such roles.
    """
    held = unless_denied(lambda: permissions(azure, subscription_id(subscription)))
    return all(any(allows(entry, action) for entry in held or ()) for action in actions)


def quoted(text: str) -> str:
    """Return a text as a literal of the query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def one_of(values: Sequence[str]) -> str:
    """Return several texts as a list of literals of the query language."""
    return f"({', '.join(map(quoted, values))})"


def _pages(azure: Snapshot, query: str, subscriptions: list[str]) -> Iterator[ArmDocument]:
    token = ""
    seen: set[str] = set()
    while True:
        page = _page(azure, query, subscriptions, token)
        yield page
        token = page.get("$skipToken", "")
        if not token or token in seen:
            return
        if len(seen) >= LONGEST_LIST:
            message = f"Resource Graph answers with more than {LONGEST_LIST} pages."
            raise AzureFailed(Failure(FailureKind.UNREADABLE, "", message))
        seen.add(token)


def _page(azure: Snapshot, query: str, subscriptions: list[str], token: str) -> ArmDocument:
    options = {"resultFormat": "objectArray", "$top": PAGE, **({"$skipToken": token} if token else {})}
    body = {"subscriptions": subscriptions, "query": query, "options": options}
    try:
        return azure.question(_PATH, versions.RESOURCE_GRAPH, body, _Page)
    except AzureFailed as error:
        if not error.failure.has_code(_NOTHING_READABLE):
            raise
        message = f"You may read none of these subscriptions: {', '.join(subscriptions)}."
        raise AzureFailed(
            Failure(FailureKind.DENIED, _NOTHING_READABLE, message, error.failure.status, error.failure.request)
        ) from error
