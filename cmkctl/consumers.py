"""The consumers of a key or a vault: everything found in the subscriptions that names it, whether cmkctl made it or not.

    Resource Graph ──one query──▶ rows ──consumers_of──▶ candidates ──a GET each──▶ Consumers
                                   what the profile names ──▶ a GET each ──┘

A row can be old, so a GET decides, and what the profile names is read even where no row shows it. What could not be seen is part
of the result: a procedure that disables or deletes a key checks `Consumers.complete` first.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId, key_parts, resource_type, subscription_id, within
from cmkctl.azure.inventory import one_of, quoted
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.workspaces import managed_group
from cmkctl.posture import Follow, Follows, Seen, Unseen
from cmkctl.profile.model import Profile
from cmkctl.services import service_of, services
from cmkctl.services.base import Answer, Documents, Read, Service
from cmkctl.services.reading import answer, documents_of, rows_in
from cmkctl.services.rows import documents_of_row

BLIND_SPOTS: Final = (
    "encryption scopes of storage accounts",
    "objects of Azure AI Search services with keys of their own",
    "soft-deleted workspaces, which cannot be recovered without their key",
    "data that was encrypted with this key elsewhere: backups, exports, resources outside these subscriptions",
)
"""The uses of a key that no query shows: Resource Graph has no rows for them."""

_WORKSPACES: Final = "microsoft.machinelearningservices/workspaces"
_VAULTS: Final = "microsoft.keyvault/vaults"


@dataclass(frozen=True, slots=True)
class Target:
    """A key by the host of its vault and its name; every key of the vault, and the vault itself, with an empty name.

    `vault_id` is the vault's ARM id, empty where it is not known: then resources that name the vault by its id are not found.
    """

    host: str
    name: str = ""
    vault_id: str = ""

    @classmethod
    def of_key(cls, identifier: str) -> Target:
        """Return the key of a key identifier, with or without a version. Raises ValueError for anything else."""
        key, _ = key_parts(identifier)
        if not key:
            raise ValueError(f"not a key identifier: {identifier!r}")
        host, _, name = key.removeprefix("https://").partition("/keys/")
        return cls(host, name)

    @classmethod
    def of_profile(cls, profile: Profile, *, whole_vault: bool = False) -> Target:
        """Return the key of a profile, or its vault."""
        vault = ResourceId.parse(profile.key_vault.resource_id)
        host = f"{vault.name.lower()}.{ENDPOINTS[profile.cloud].vault_suffix}"
        return cls(host, "" if whole_vault else profile.key.name, str(vault) if whole_vault else "")

    @property
    def text(self) -> str:
        """The text that every row has which names the target: the vault's host, or its name."""
        return ResourceId.parse(self.vault_id).name if self.vault_id else self.host

    def has(self, key: str) -> bool:
        """Return True for a key identifier without version of this key, or of any key of this vault."""
        host, _, name = key.removeprefix("https://").partition("/keys/")
        return same_word(host, self.host) and (not self.name or same_word(name, self.name))


@dataclass(frozen=True, slots=True)
class Consumer:
    """A resource that names the key.

    `title` is the service for people, or the resource type where cmkctl knows no more of it. `key` is the key identifier
    without a version, empty for a resource that names the vault alone. `version` is the one that the resource names, empty
    for the newest; `version_in_use` is the one that it reports, empty where it reports none. `follows` is its reaction to a
    new version: by itself within so many hours, or never, which means by a new write; None where that is not known.
    `revoked` describes what happens to it when the key is disabled, empty where that is not known. `through` is the hub or
    workspace by which it uses the key, empty for one that has the key itself. `named` is True for a resource that the
    profile names.
    """

    resource_id: str
    resource_type: str
    title: str
    key: str
    version: str = ""
    version_in_use: str = ""
    follows: Follows | None = None
    revoked: str = ""
    through: str = ""
    named: bool = False
    seen: Seen = Seen.GRAPH

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource_id.rpartition("/")[2]

    def needs(self, version: str) -> bool:
        """Return True unless it is certain that the resource does not use this version: it names or reports it, or neither."""
        shown = {each for each in (self.version, self.version_in_use) if each}
        return not shown or version in shown


@dataclass(frozen=True, slots=True)
class Consumers:
    """Everything found that names the key, and what could not be seen."""

    target: Target
    found: tuple[Consumer, ...]
    unseen: tuple[Unseen, ...] = ()
    subscriptions: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """True when everything that Azure can show was seen. `BLIND_SPOTS` remain in any case."""
        return not self.unseen

    def beside(self, *resource_ids: str) -> tuple[Consumer, ...]:
        """Return the consumers other than these resources, and other than what uses the key through one of them."""
        return tuple(
            each
            for each in self.found
            if not any(
                same_resource_id(each.resource_id, own) or same_resource_id(each.through, own) for own in resource_ids
            )
        )


def consumers_of(rows: Iterable[ArmDocument], target: Target) -> tuple[Consumer, ...]:
    """Return the resources that name a key, found in rows of Resource Graph. Pure.

    A row of any type counts in which the key identifier occurs, or vault and name of the key side by side.
    """
    by_id = {str(row["id"]).lower(): row for row in rows}
    found = (
        _consumer(str(row["id"]), str(row["type"]), documents_of_row(row, by_id), target) for row in by_id.values()
    )
    return _through_workspaces([each for each in found if each is not None], by_id)


def query(target: Target) -> str:
    """Return the query for everything that may name a key.

    A key is named by its identifier or by its vault's URI: both have the host. Rows without keys are added for services whose
    row does not show the key, and for projects, which use the key of their hub.
    """
    further = sorted(each.resource_type.lower() for each in services() if len(each.reads("")) > 1)
    names = f"tostring(properties) contains {quoted(target.text)}"
    project = f"(type =~ {quoted(_WORKSPACES)} and kind =~ 'project')"
    return "\n".join(
        (
            "resources",
            f"| where type !~ {quoted(_VAULTS)}",
            f"| where {names} or type in~ {one_of(further)} or {project}",
            "| project id, name, type, kind, location, subscriptionId, resourceGroup, apiVersion, properties",
            "| order by id asc",
        )
    )


def find(azure: Snapshot, target: Target, subscriptions: Sequence[str], profile: Profile | None = None) -> Consumers:
    """Return every consumer of a key in some subscriptions. A profile adds the resources that it names.

    Raises AzureFailed for a failure that a repetition can resolve. A read that is denied is part of the result.
    """
    searched = tuple(dict.fromkeys(each.lower() for each in subscriptions))
    rows, gaps = rows_in(azure, query(target), searched)
    by_id = {str(row["id"]).lower(): row for row in rows}
    named = {each.lower(): each for each in (_named(profile) if profile else ())}
    read = {**_candidates(rows, target, named), **named}
    answers = dict(
        zip(read, azure.gather(*(partial(_documents, azure, each, by_id) for each in read.values())), strict=True)
    )
    return _result(target, searched, by_id, answers, set(named), gaps)


def _result(
    target: Target,
    subscriptions: tuple[str, ...],
    by_id: Mapping[str, ArmDocument],
    answers: Mapping[str, Documents],
    named: set[str],
    gaps: list[Unseen],
) -> Consumers:
    """Return what the documents show; of a document that may not be read, what its row shows."""
    found: list[Consumer] = []
    newest = dict(by_id)
    for resource_id, read in answers.items():
        row = by_id.get(resource_id)
        if any(map(read.denied, read.names)):
            gaps.append(Unseen(str(row["id"]) if row else resource_id, "you may not read all of it that shows its key"))
        documents = documents_of_row(row, by_id) if row and read.denied("resource") else read
        document = documents.find("resource")
        if document is None:
            continue
        newest[resource_id] = document
        shown = row or {"id": document.get("id", resource_id), "type": resource_type(resource_id)}
        consumer = _consumer(str(shown["id"]), str(shown["type"]), documents, target)
        if consumer is not None:
            seen = Seen.GRAPH if document is row else Seen.GET
            found.append(replace(consumer, seen=seen, named=resource_id in named))
    return Consumers(target, _through_workspaces(found, newest), tuple(gaps), subscriptions)


def _candidates(rows: Sequence[ArmDocument], target: Target, named: Container[str]) -> dict[str, str]:
    """Return the ids of the rows to read: those that name the key, and those whose row does not show it."""
    found = [each.resource_id for each in consumers_of(rows, target)]
    further = [str(row["id"]) for row in rows if _shows_no_key(row, named)]
    return {each.lower(): each for each in (*found, *further)}


def _shows_no_key(row: ArmDocument, named: Container[str]) -> bool:
    """Return True for a resource whose row does not show its key, and for a project of a hub that the profile names."""
    service = service_of(str(row["type"]))
    hub = text_at(row, "properties.hubResourceId").lower()
    return hub in named or (service is not None and len(service.reads("")) > 1)


def _named(profile: Profile) -> Iterator[str]:
    """Yield the ids of the resources of a profile that can use its key."""
    yield profile.workspace.resource_id
    yield profile.associated_resources.storage_account.resource_id
    if profile.associated_resources.container_registry_id:
        yield profile.associated_resources.container_registry_id
    yield from (each.settings.id for each in profile.services.entries)


def _documents(azure: Snapshot, resource_id: str, by_id: Mapping[str, ArmDocument]) -> Documents:
    """Read what shows the key of a resource. Of a type without a service that is the resource, at the version of its row."""
    service = service_of(resource_type(resource_id))
    if service is not None:
        return documents_of(azure, service, resource_id)
    row = by_id[resource_id.lower()]
    read = Read("resource", resource_id, text_at(row, "apiVersion"))
    try:
        return Documents([answer(azure, read) if read.api_version else Answer(read, row)])
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.TERMINAL:
            raise
        return Documents([Answer(read, row)])  # of some types Azure refuses the version that it names itself


def _consumer(resource_id: str, kind: str, documents: Documents, target: Target) -> Consumer | None:
    """Return the resource as a consumer; None for one that does not name the key."""
    if target.vault_id and within(resource_id, target.vault_id):
        return None
    service = service_of(kind)
    title, kind = (service.title, service.resource_type) if service else (kind, kind)
    posture = service.posture(documents) if service else None
    if posture and target.has(posture.key):
        pinned = posture.follows is None or posture.follows.how is not Follow.BY_ITSELF
        return Consumer(
            resource_id,
            kind,
            title,
            posture.key,
            posture.key_version if pinned else "",
            posture.key_version,
            posture.follows,
            service.revoked if service else "",
            next((each.path for each in _linked(service, documents)), ""),
        )
    mentions = sorted(_mentions([documents.find(each) for each in documents.names], target), reverse=True)
    if not mentions:
        return None
    key, version = mentions[0]
    return Consumer(resource_id, kind, title, key, version, revoked=service.revoked if service and key else "")


def _linked(service: Service | None, documents: Documents) -> tuple[Read, ...]:
    return service.linked(documents) if service else ()


def _mentions(value: Any, target: Target) -> set[tuple[str, str]]:
    """Return the keys of the target that occur anywhere in a document, each with its version; empty texts for the vault."""
    return set(_walk(value, target))


def _walk(value: Any, target: Target) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from _in_text(value, target)
    elif isinstance(value, Mapping):
        yield from _side_by_side(value, target)
        for inner in value.values():
            yield from _walk(inner, target)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, target)


def _in_text(text: str, target: Target) -> Iterator[tuple[str, str]]:
    key, version = key_parts(text)
    if key and target.has(key):
        yield key, version
    elif not target.name and _names_vault(text.lower(), target):
        yield "", ""


def _names_vault(text: str, target: Target) -> bool:
    return target.host in text or (bool(target.vault_id) and within(text, target.vault_id))


def _side_by_side(members: Mapping[str, Any], target: Target) -> Iterator[tuple[str, str]]:
    """Yield the key of an object that has the vault's URI in one member and the key's name in another."""
    texts = {name.lower(): value for name, value in members.items() if isinstance(value, str)}
    if not any(value.lower().removeprefix("https://").rstrip("/") == target.host for value in texts.values()):
        return
    name = next((value for member, value in texts.items() if value and member.endswith("keyname")), "")
    version = next((value for member, value in texts.items() if member.endswith("keyversion")), "")
    if name and target.has(key := f"https://{target.host}/keys/{name}"):
        yield key, version


def _through_workspaces(found: Sequence[Consumer], documents: Mapping[str, ArmDocument]) -> tuple[Consumer, ...]:
    """Return the consumers, with the workspace for what lies in the resource group that Azure manages for one."""
    groups = {
        f"{subscription_id(ResourceId.parse(each.resource_id).subscription)}/resourcegroups/{group}".lower(): each
        for each in found
        if (group := managed_group(documents.get(each.resource_id.lower())).rpartition("/")[2])
    }
    return tuple(_inside(each, groups) for each in found)


def _inside(consumer: Consumer, groups: Mapping[str, Consumer]) -> Consumer:
    owner = next((owner for group, owner in groups.items() if within(consumer.resource_id, group)), None)
    return replace(consumer, through=owner.resource_id) if owner else consumer
