"""Reads of the documents and rows of services. What may not be read is an answer, every other failure is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from cmkctl.azure.decoding import AnyDocument, ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import subscription_id
from cmkctl.azure.inventory import Inventory, inventory, may_read_everywhere
from cmkctl.azure.snapshot import Snapshot
from cmkctl.posture import Unseen
from cmkctl.services import services
from cmkctl.services.base import Answer, Documents, Read, Service, with_linked

REJECTED: Final = "Resource Graph rejected the query for it"
_UNANSWERED: Final[Mapping[FailureKind, str]] = {
    FailureKind.DENIED: "Resource Graph shows you nothing of it",
    FailureKind.ABSENT: "Resource Graph is not available for it",
    FailureKind.NOT_REGISTERED: "Resource Graph is not available for it",
    FailureKind.TERMINAL: REJECTED,
}
"""The failures of a query that leave a subscription unseen, with the reason. A repetition does not resolve them."""

_PROBE: Final = "Microsoft.Resources/anything/read"
"""An action that only a role on everything allows."""


def documents_of(azure: Snapshot, service: Service, resource_id: str) -> Documents:
    """Return the documents of a resource that `posture` needs, and those of the resources that it names."""
    own = Documents(answered(azure, service.reads(resource_id)))
    return with_linked(service, own, partial(answered, azure))


def answered(azure: Snapshot, reads: Iterable[Read]) -> tuple[Answer, ...]:
    """Return the answers to some reads, all sent at the same time. Raises AzureFailed when Azure fails one."""
    return tuple(azure.gather(*(partial(answer, azure, each) for each in reads)))


def answer(azure: Snapshot, read: Read) -> Answer:
    """Return the answer to a read, validated for its resource type. Raises AzureFailed when Azure fails it."""
    return _unless_denied(
        read, _listing(azure, read) if read.listing else partial(azure.resource, read.path, read.api_version)
    )


def answer_as_it_is(azure: Snapshot, read: Read) -> Answer:
    """Return the answer to a read, with members of any type: one of an unknown form hides nothing of the others.

    Raises AzureFailed when Azure fails the read.
    """
    document = partial(azure.document, read.path, read.api_version, AnyDocument)
    return _unless_denied(read, _listing(azure, read) if read.listing else document)


def _listing(azure: Snapshot, read: Read) -> Callable[[], ArmDocument | None]:
    return partial(azure.listing, read.path, read.api_version)


def _unless_denied(read: Read, send: Callable[[], ArmDocument | None]) -> Answer:
    try:
        found = send()
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return Answer(read, None, denied=True)
    return Answer(read, found)


def rows_in(azure: Snapshot, query: str, subscriptions: Sequence[str]) -> tuple[tuple[ArmDocument, ...], list[Unseen]]:
    """Return the rows that a query of Resource Graph finds in some subscriptions, and those of which rows can be missing.

    Raises AzureFailed for a failure that a repetition can resolve.
    """
    rows, readable = azure.gather2(
        partial(_rows, azure, query, subscriptions),
        lambda: azure.gather(*(partial(_gap, azure, each) for each in subscriptions)),
    )
    return rows[0].rows, [*rows[1], *(each for each in readable if each is not None)]


def _rows(azure: Snapshot, query: str, subscriptions: Sequence[str]) -> tuple[Inventory, list[Unseen]]:
    try:
        found = inventory(azure, query, subscriptions)
    except AzureFailed as error:
        if error.failure.kind not in _UNANSWERED:
            raise
        reason = _UNANSWERED[error.failure.kind]
        return Inventory(()), [Unseen(subscription_id(each), reason) for each in subscriptions]
    cut = "Resource Graph has more rows than it gives"
    return found, [Unseen(subscription_id(each), cut) for each in subscriptions] if found.truncated else []


def _gap(azure: Snapshot, subscription: str) -> Unseen | None:
    """Return a subscription of which the caller may not read everything: rows are missing without a notice."""
    if may_read_everywhere(azure, subscription, (_PROBE, *(f"{each.resource_type}/read" for each in services()))):
        return None
    reason = "your roles do not allow you to read everything in it, and Resource Graph leaves out the rest"
    return Unseen(subscription_id(subscription), reason)
