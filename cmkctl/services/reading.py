"""Reads of the documents of services. A document that may not be read is an answer, every other failure is raised."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.services.base import Answer, Documents, Read, Service, with_linked


def documents_of(azure: Snapshot, service: Service, resource_id: str) -> Documents:
    """Return the documents of a resource that `posture` needs, and those of the resources that it names."""
    own = Documents(answered(azure, service.reads(resource_id)))
    return with_linked(service, own, partial(answered, azure))


def answered(azure: Snapshot, reads: Iterable[Read]) -> tuple[Answer, ...]:
    """Return the answers to some reads, all sent at the same time. Raises AzureFailed when Azure fails one."""
    return tuple(azure.gather(*(partial(answer, azure, each) for each in reads)))


def answer(azure: Snapshot, read: Read) -> Answer:
    """Return the answer to a read. Raises AzureFailed when Azure fails it."""
    try:
        found = (
            azure.listing(read.path, read.api_version) if read.listing else azure.resource(read.path, read.api_version)
        )
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return Answer(read, None, denied=True)
    return Answer(read, found)
