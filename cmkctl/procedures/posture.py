"""Survey who holds the key of everything around workspaces, in a resource group, or in subscriptions. Sends reads only.

One query of Resource Graph finds what it can. What it cannot is read in waves: each wave sends the reads that the documents of
the one before name, all at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from cmkctl import codes
from cmkctl.azure.documents import text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.ids import LIST_WORKSPACES, ResourceId, key_parts, within
from cmkctl.azure.snapshot import Snapshot
from cmkctl.diagnostics import CmkctlError
from cmkctl.posture import Survey, Unseen
from cmkctl.services.base import Answer, Read
from cmkctl.services.reading import REJECTED, answer_as_it_is, rows_in
from cmkctl.services.workspace import SERVICE as WORKSPACES
from cmkctl.survey.assessing import Found, Gaps, postures, shown_in, survey_of
from cmkctl.survey.keys import MANY, KeyAnswer, host_of, is_older, vault_of
from cmkctl.survey.known import Known
from cmkctl.survey.scope import FEW, SOME, Scope, further, query
from cmkctl.survey.ties import Ties, ties

_NAMES: Final = 200
"""The number of names in a query of Resource Graph."""


def survey(azure: Snapshot, scope: Scope) -> Survey:
    """Return the survey of a scope.

    Raises AzureFailed when Azure fails a read in a way that a repetition can resolve, and CmkctlError (CMK301) for a resource
    group, or a required workspace, that does not exist: its name may be misspelt. A denied read is part of the result.
    """
    return _Run(azure, scope).survey()


class _Run:
    """One survey, while it is made."""

    def __init__(self, azure: Snapshot, scope: Scope) -> None:
        self._azure = azure
        self._scope = scope
        self._known = Known()
        self._keys: dict[str, KeyAnswer] = {}
        self._searched: set[str] = set()
        self._gaps: list[Unseen] = []
        self._unread_keys: dict[str, Unseen] = {}
        self._left_out: list[str] = []

    def survey(self) -> Survey:
        """Send wave after wave, and return what was found."""
        named = (*self._scope.workspaces, *self._scope.named)
        self._known.fresh = _lower(named)
        self._send(self._missing(named), (), (query(self._scope),))
        self._query_again()
        self._check_scope()
        workspaces = self._scope.workspaces or self._workspaces()
        deep = len(workspaces) <= FEW if self._scope.deep is None else self._scope.deep
        if not deep:
            self._left_out.append(_UNREAD.format(count=len(workspaces)))
        while True:
            tied = ties(self._known, workspaces)
            shown = shown_in(self._known, self._scope, tied)
            self._known.fresh = _lower((*named, *(self._fresh(tied, shown) if deep else ())))
            found = Found(tied, shown, postures(self._known, shown))
            reads, keys = self._missing(shown), self._keys_to_read(found, deep=deep)
            queries = self._queries(found)
            if not reads and not keys and not queries:
                rest = sum(each.lower() not in self._known.fresh for each in shown) if deep else 0
                self._left_out += [_UNREAD_REST.format(count=rest)] if rest else []
                gaps = Gaps(
                    (*self._gaps, *self._unreadable(), *self._unread_keys.values(), *self._absent_versions()),
                    tuple(self._left_out),
                )
                return survey_of(self._known, self._scope, found, workspaces, self._keys, self._azure.now(), gaps)
            self._send(reads, keys, queries)

    def _check_scope(self) -> None:
        """Raise CmkctlError (CMK301) for a resource group or a required workspace that does not exist."""
        group, subscription = self._scope.resource_group, self._scope.subscriptions[0]
        if group and not self._known.rows and self._azure.resource_group(_name(group)) is None:
            detail = f"There is no resource group {_name(group)} in subscription {subscription}."
            remedy = f"Correct the name. The groups: az group list --subscription {subscription} --output table"
            raise CmkctlError(codes.CMK301.error(detail, remedy, subject=group))
        for each in self._scope.workspaces if self._scope.required else ():
            found = self._known.resource(each)
            documents = found.documents if found and not found.missing else None
            if documents and documents.find("resource") is None and not documents.denied("resource"):
                detail = f"There is no workspace {_name(each)} at {each}, or you may not see it."
                remedy = f"Correct the id. The ids: {LIST_WORKSPACES} --subscription {subscription}"
                raise CmkctlError(codes.CMK301.error(detail, remedy, subject=each))

    def _query_again(self) -> None:
        """Send the plainest query where Resource Graph rejected the first one, which has conditions for the scope."""
        if self._scope.whole or not any(each.reason == REJECTED for each in self._gaps):
            return
        self._gaps.clear()
        self._send((), (), (query(replace(self._scope, workspaces=(), resource_group="")),))

    def _fresh(self, tied: Ties, shown: Collection[str]) -> Collection[str]:
        """Return what is read by a GET: everything, except for a large rest that belongs to no workspace."""
        if self._scope.deep or len(shown) <= SOME:
            return shown
        return tied.belonging

    def _send(self, reads: Iterable[Read], keys: Iterable[tuple[str, str]], queries: Iterable[str]) -> None:
        """Send one wave, all of it at the same time."""
        azure = self._azure
        answers, (found, pages) = azure.gather2(
            lambda: azure.gather(*(partial(_answer, azure, each) for each in reads)),
            lambda: azure.gather2(
                lambda: azure.gather(*(partial(self._key, *each) for each in keys)),
                lambda: azure.gather(*(partial(rows_in, azure, each, self._scope.subscriptions) for each in queries)),
            ),
        )
        self._known.add(answers)
        self._keys.update(found)
        for rows, gaps in pages:
            self._known.add_rows(rows)
            self._gaps += [each for each in gaps if each not in self._gaps]

    def _workspaces(self) -> tuple[str, ...]:
        """Return the workspaces among the rows; in a resource group, those in it."""
        inside = self._scope.resource_group
        kind = WORKSPACES.resource_type.lower()
        found = (str(row["id"]) for row in self._known.rows if str(row["type"]).lower() == kind)
        return tuple(each for each in found if not inside or within(each, inside))

    def _missing(self, resource_ids: Iterable[str]) -> tuple[Read, ...]:
        found = (self._known.resource(each) for each in resource_ids)
        reads = (read for resource in found if resource is not None for read in resource.missing)
        return tuple({each.path.lower(): each for each in reads}.values())

    def _keys_to_read(self, found: Found, *, deep: bool) -> tuple[tuple[str, str], ...]:
        """Return the keys and versions whose state is to be read, each with the ARM id of its vault."""
        keys = found.keys
        if not deep and len(keys) > MANY:
            sentence = _UNREAD_KEYS.format(count=len(keys))
            self._left_out += [] if sentence in self._left_out else [sentence]
            return ()
        wanted = (*keys, *self._older_versions(found, deep=deep))
        placed = ((each, vault_of(self._known, each, found.ties.vaults)) for each in wanted if each not in self._keys)
        return tuple((each, vault) for each, vault in placed if vault)

    def _older_versions(self, found: Found, *, deep: bool) -> tuple[str, ...]:
        """Return the versions in use that are to be read beside the newest, which comes with its key.

        A few workspaces have no time for a further wave: a version is read together with its key, even if it may be the newest.
        """
        older = tuple(
            each for each in found.versions if is_older(each, self._keys) in ((True, None) if deep else (True,))
        )
        if deep or len(older) <= MANY:
            return older
        sentence = _UNREAD_VERSIONS.format(count=len(older))
        self._left_out += [] if sentence in self._left_out else [sentence]
        return ()

    def _key(self, identifier: str, vault: str) -> tuple[str, KeyAnswer]:
        """Read a key, or a version of it, by its identifier."""
        key, version = key_parts(identifier)
        place, name = ResourceId.parse(vault), _name(key or identifier)
        try:
            document = self._azure.key_version(place, name, version) if version else self._azure.key(place, name)
        except AzureFailed as error:
            reason = "you may not read it" if error.failure.kind is FailureKind.DENIED else _obstacle(error.failure)
            if not reason:
                raise
            unread = f"{vault}/keys/{name}"
            self._unread_keys[unread.lower()] = Unseen(unread, reason)
            return identifier, KeyAnswer(None, reason)
        return identifier, KeyAnswer(document)

    def _queries(self, found: Found) -> tuple[str, ...]:
        """Return the queries for host names and resource groups that the rows so far do not explain."""
        if self._scope.whole:
            return ()
        tied = found.ties
        unplaced = (host_of(each) for each in found.keys if not vault_of(self._known, each, tied.vaults))
        names = sorted({each.partition(".")[0] for each in (*tied.hosts, *unplaced)} - self._searched)
        groups = sorted({_name(each) for each in tied.groups if not self._known.inside(each)} - self._searched)
        self._searched.update(names, groups)
        chunks = [names[start : start + _NAMES] for start in range(0, len(names), _NAMES)] or [[]]
        return tuple(
            further(each, groups if number == 0 else []) for number, each in enumerate(chunks) if each or groups
        )

    def _absent_versions(self) -> Iterator[Unseen]:
        """Yield the versions in use that the vault of a key lacks: the key was deleted and made anew, for example."""
        for identifier, answer in self._keys.items():
            key, version = key_parts(identifier)
            whole = self._keys.get(key)
            if version and answer.document is None and not answer.obstacle and whole and whole.document is not None:
                yield Unseen(f"{text_at(whole.document, 'id')}/versions/{version}", "the vault shows no such version")

    def _unreadable(self) -> Iterator[Unseen]:
        for each in self._known.unreadable:
            if each.read.name != "resource" or each.obstacle:
                yield Unseen(each.read.path, each.obstacle or "you may not read it")


def _answer(azure: Snapshot, read: Read) -> Answer:
    """Return the answer to a read. A refusal of one resource, or an unexpected response, is part of the result."""
    try:
        return answer_as_it_is(azure, read)
    except AzureFailed as error:
        obstacle = _obstacle(error.failure)
        if not obstacle:
            raise
        return Answer(read, None, denied=True, obstacle=obstacle)


def _obstacle(failure: Failure) -> str:
    """Return the reason why one resource could not be read; empty for a failure that ends the survey."""
    return f"{_OBSTACLES[failure.kind]}: {failure.message}" if failure.kind in _OBSTACLES else ""


def _name(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def _lower(resource_ids: Iterable[str]) -> frozenset[str]:
    return frozenset(each.lower() for each in resource_ids)


_OBSTACLES: Final = {
    FailureKind.TERMINAL: "Azure refused the read",
    FailureKind.UNREADABLE: "Azure's response has an unexpected form",
}
_UNREAD: Final = (
    "Of {count} workspaces the computes, datastores, connections, outbound rules, endpoints and their deployments were left "
    "unread, and so were details of the resources around them, such as TLS settings of databases. --deep reads them."
)
_UNREAD_REST: Final = (
    "Of {count} resources that belong to no workspace the details were left unread, such as encryption scopes and TLS settings "
    "of databases. --deep reads them."
)
_UNREAD_VERSIONS: Final = (
    "The states of {count} older versions of keys, which resources use, were left unread. --deep reads them."
)
_UNREAD_KEYS: Final = "The states of {count} keys were left unread: newest version, expiry. --deep reads them."
