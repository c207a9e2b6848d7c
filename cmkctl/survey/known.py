"""The rows and answers that a survey has so far, and the reads that are still missing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import resource_type
from cmkctl.posture import Seen
from cmkctl.services import service_of
from cmkctl.services.base import Answer, Documents, Read, Service


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with the documents of it that are known, and the reads that would complete them."""

    resource_id: str
    service: Service
    documents: Documents
    missing: tuple[Read, ...]
    seen: Seen


class Known:
    """The rows and answers of a survey.

    A resource in `fresh` is read by a GET even where a row shows it, with its details: a row can be old. `fresh` is set by the
    survey from wave to wave.
    """

    def __init__(self) -> None:
        self.fresh: Container[str] = frozenset()
        self._rows: dict[str, ArmDocument] = {}
        self._inside: dict[str, list[str]] = {}
        self._answers: dict[str, Answer] = {}
        self._settled: dict[tuple[str, bool], Resource] = {}
        self._hosts: dict[str, str] = {}

    def add_rows(self, rows: Iterable[ArmDocument]) -> None:
        """Add rows of Resource Graph."""
        for row in rows:
            resource_id = str(row["id"])
            if resource_id.lower() not in self._rows:
                self._rows[resource_id.lower()] = row
                self._inside.setdefault(resource_id.partition("/providers/")[0].lower(), []).append(resource_id)
                self._keep_hosts(resource_id, Documents([Answer(_own(row), row)]))

    def add(self, answers: Iterable[Answer]) -> None:
        """Add answers to reads; items of listings that are resources of a service answer a read of the item."""
        for each in answers:
            self._answers[each.read.path.lower()] = each
            if each.read.listing and each.document is not None:
                self._answers.update(_items(each))
            elif each.document is not None:
                self._keep_hosts(each.read.path, Documents([replace(each, read=replace(each.read, name="resource"))]))

    @property
    def rows(self) -> Collection[ArmDocument]:
        """The rows, in the order of Resource Graph."""
        return self._rows.values()

    def inside(self, group: str) -> Sequence[str]:
        """Return the ARM ids of the resources in a resource group, by its ARM id, of which there are rows."""
        return self._inside.get(group.lower(), ())

    def row(self, resource_id: str) -> ArmDocument | None:
        """Return the row of a resource; None where there is none."""
        return self._rows.get(resource_id.lower())

    @property
    def unreadable(self) -> Iterable[Answer]:
        """The answers to reads that Azure denied or refused."""
        return (each for each in self._answers.values() if each.denied)

    def at_host(self, host: str) -> str:
        """Return the ARM id of the resource with a host name; empty where none is known."""
        return self._hosts.get(host.lower(), "")

    def spelled(self, resource_id: str) -> str:
        """Return an ARM id as Resource Graph spells it, where it has a row of it."""
        row = self.row(resource_id)
        return str(row["id"]) if row else resource_id

    def resource(self, resource_id: str) -> Resource | None:
        """Return what is known of a resource; None for one of a type that no service has."""
        fresh = resource_id.lower() in self.fresh
        settled = self._settled.get((resource_id.lower(), fresh))
        if settled is not None:
            return settled
        service = service_of(resource_type(resource_id))
        if service is None:
            return None
        found = self._assembled(service, resource_id, fresh=fresh)
        if not found.missing:
            self._settled[resource_id.lower(), fresh] = found
        return found

    def _assembled(self, service: Service, resource_id: str, *, fresh: bool) -> Resource:
        answers, missing = self._answered(
            (*service.reads(resource_id), *(service.details(resource_id) if fresh else ())), rows=not fresh
        )
        seen = Seen.GRAPH if not fresh and resource_id.lower() not in self._answers else Seen.GET
        while not missing:
            documents = Documents(answers)
            linked = [each for each in service.linked(documents) if documents.unread(each.name)]
            if not linked:
                return Resource(resource_id, service, documents, (), seen)
            if not fresh:
                answers += [self._from_rows(each) for each in linked]
                continue
            more, missing = self._answered(linked, rows=False)
            answers += more
        return Resource(resource_id, service, self._ahead(answers, resource_id), tuple(missing), seen)

    def _ahead(self, answers: list[Answer], resource_id: str) -> Documents:
        """Return documents to look ahead with: the row stands for a document that is still to be read."""
        row = self.row(resource_id)
        own = (
            [Answer(_own(row), row)]
            if row is not None and not any(each.read.name == "resource" for each in answers)
            else []
        )
        return Documents([*own, *answers])

    def _answered(self, reads: Iterable[Read], *, rows: bool) -> tuple[list[Answer], list[Read]]:
        answers, missing = [], []
        for read in reads:
            known = self._answers.get(read.path.lower())
            if known is not None:
                answers.append(_named(known, read))
            elif rows and not read.listing and self.row(read.path) is not None:
                answers.append(self._from_rows(read))
            else:
                missing.append(read)
        return answers, missing

    def _from_rows(self, read: Read) -> Answer:
        """Return the row of a resource as its document; an absent one where Resource Graph shows none."""
        known = self._answers.get(read.path.lower())
        if known is not None:
            return _named(known, read)
        row = self.row(read.path)
        return Answer(read, None) if row is None else Answer(replace(read, api_version=_own(row).api_version), row)

    def _keep_hosts(self, resource_id: str, documents: Documents) -> None:
        service = service_of(resource_type(resource_id))
        for host in service.hosts(documents) if service else ():
            self._hosts.setdefault(host.lower(), resource_id)


def _own(row: ArmDocument) -> Read:
    return Read("resource", str(row["id"]), text_at(row, "apiVersion"))


def _named(answer: Answer, read: Read) -> Answer:
    """Return an answer under the name of another read of the same path."""
    return replace(answer, read=replace(answer.read, name=read.name))


def _items(listing: Answer) -> Iterator[tuple[str, Answer]]:
    for item in items_of(listing):
        read = Read("resource", item["id"], listing.read.api_version)
        yield item["id"].lower(), Answer(read, item)


def items_of(listing: Answer) -> list[dict[str, Any]]:
    """Return the items of a listing that are resources of a service."""
    found = (listing.document or {}).get("value")
    return [
        each
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict) and isinstance(each.get("id"), str) and service_of(str(each.get("type", "")))
    ]
