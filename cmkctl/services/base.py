"""The type of services: a service is an Azure service that can encrypt its data with a customer-managed key.

    documents that Azure answered ──posture──▶ Posture: who holds the key, with the evidence
    settings + documents + key    ──want─────▶ Writes that set the key, or the Refusal that explains why none can

Every `Service` has the first; an `EncryptableService` has both. Everything here is a value or a pure function.
`cmkctl.steps.service_keys` plans the key of any service, `cmkctl.procedures.posture` assesses any, and `cmkctl.consumers` finds
the resources of any; none of them knows one by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar, assert_never

from pydantic import Field

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_location, same_resource_id
from cmkctl.azure.documents import Misplaced, at_path, reached, text_at
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import IN_TRANSIT, Aspect, Evidence, Follows, Posture, Rules, State, Verdict
from cmkctl.profile import field_types
from cmkctl.profile.section import Section

S = TypeVar("S", bound="ServiceSettings")

ArmDocument = dict[str, Any]
"""A resource as Azure answered it."""

PERMISSIONS = ("get", "wrapKey", "unwrapKey")
"""The permissions on the key that a service needs, as access policies name them."""


class Verb(StrEnum):
    """The way in which the key is set on a resource that exists."""

    PATCH = "PATCH"
    PUT = "PUT"
    EDIT = "GET, edit, PUT"
    CREATION = "only at creation"
    LINK = "on the resource that it is linked to"
    OBJECTS = "object by object, in the data plane"
    CREATION_THEN_PATCH = "only at creation, then another key by PATCH"
    NONE = "no choice"


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """The key is read by a managed identity of the resource.

    `both` is the resource provider's spelling of an identity type with both kinds. `permissions` are those that the service's
    page asks for in a vault with access policies; the role is the same for every service.
    """

    both: str = "SystemAssigned,UserAssigned"
    permissions: tuple[str, ...] = PERMISSIONS


@dataclass(frozen=True, slots=True)
class FirstParty:
    """The key is read by an application of Microsoft's: its name, and its application id in each cloud where one is known."""

    name: str
    app_ids: Mapping[Cloud, str]
    permissions: tuple[str, ...] = PERMISSIONS


@dataclass(frozen=True, slots=True)
class NoReader:
    """No identity reads a key of the customer's: the service takes none."""

    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherResource:
    """The key is that of another resource, whose identity reads it: the words for people."""

    words: str
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeIdentity:
    """The key is read by an identity that Azure makes for the resource, which shows its object id at `path`.

    `words` are for people. A write before the key makes it (`EncryptableService.prepare`) or, with `late`, the write of the key
    itself, so that its grant follows.
    """

    words: str
    path: str
    late: bool = False
    permissions: tuple[str, ...] = PERMISSIONS


Reader = OwnIdentity | FirstParty | NoReader | OtherResource | MadeIdentity


@dataclass(frozen=True, slots=True)
class KeyReference:
    """The profile's key as services name it.

    `vault_uri` ends in a slash; `kind` is Key Vault's type, `size` in bits. `vault_id` is the ARM id of the vault, for services
    that name it as well, and `location` that of the vault; each is empty where not known. `expires` is True for a version that
    expires. `retention_days` is how long the vault keeps deleted keys; None where that is not known.
    """

    vault_uri: str
    name: str
    version: str
    kind: str = "RSA"
    size: int | None = None
    vault_id: str = ""
    location: str = ""
    expires: bool = False
    retention_days: int | None = None

    @property
    def versionless(self) -> str:
        """The key identifier without a version."""
        return f"{self.vault_uri}keys/{self.name}"

    @property
    def identifier(self) -> str:
        """The key identifier with its version."""
        return f"{self.versionless}/{self.version}"

    @property
    def vault_name(self) -> str:
        """The name of the vault: the first label of its host."""
        return self.vault_uri.removeprefix("https://").partition(".")[0]


@dataclass(frozen=True, slots=True)
class Read:
    """A document that a service has to read. A `listing` is a collection: its document has the items in ``value``."""

    name: str
    path: str
    api_version: str
    listing: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a read: a document, or None for an absent one and, with `denied`, for one that may not be read.

    `obstacle` is the reason where the read failed for another one than rights; it counts as denied as well.
    """

    read: Read
    document: ArmDocument | None
    denied: bool = False
    obstacle: str = ""


class Documents:
    """The answers to the reads of one resource, by the names of the reads."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = {each.read.name: each for each in answers}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Documents) and self._answers == other._answers

    def __hash__(self) -> int:
        return hash(tuple(self._answers))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers, in the order of the reads."""
        return tuple(self._answers.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the reads."""
        return tuple(self._answers)

    def find(self, name: str) -> ArmDocument | None:
        """Return a document; None when it is absent, when it may not be read, and when it was not asked for."""
        answer = self._answers.get(name)
        return answer.document if answer else None

    def replacing(self, name: str, document: ArmDocument) -> Documents:
        """Return these documents with another one in the place of `name`."""
        return Documents(
            Answer(each.read, document) if each.read.name == name else each for each in self._answers.values()
        )

    def denied(self, name: str) -> bool:
        """Return True for a document that may not be read."""
        return name in self._answers and self._answers[name].denied

    def unread(self, name: str) -> bool:
        """Return True for a document that was left unread."""
        return name not in self._answers

    def value(self, name: str, path: str) -> Any:
        """Return the value at a dotted path of a document; None where there is none, `Misplaced` where a block is none."""
        where, found = reached(self.find(name), path)
        return found if where == path else Misplaced(found)

    def text(self, name: str, path: str) -> str:
        """Return the text at a dotted path of a document; empty where there is none."""
        return text_at(self.find(name), path)

    def items(self, name: str) -> list[Any]:
        """Return the items of a listing."""
        found = self.value(name, "value")
        return found if isinstance(found, list) else []

    def evidence(self, name: str, path: str) -> Evidence:
        """Return the value at a path as evidence, None where Azure shows none; of something in the way, its path and value."""
        read = self._answers[name].read
        return Evidence(read.path, read.api_version, *reached(self.find(name), path))

    def not_visible(self, name: str) -> Posture | None:
        """Return the posture of a resource whose document is missing; None for one that was read.

        A read that failed for another reason than rights shows nothing about the resource, not even that it is hidden.
        """
        if self.find(name) is not None:
            return None
        failed = name in self._answers and self._answers[name].obstacle
        return Posture(Verdict.NOT_KNOWABLE if failed else Verdict.NOT_VISIBLE, self.obstacle(name))

    def unknown_form(self, name: str, path: str) -> Posture | None:
        """Return `not-knowable` where a document has something other than a block on the way to a path; else None.

        An absent block has a meaning, and one of the wrong type proves nothing.
        """
        where, _ = reached(self.find(name), path)
        if where == path:
            return None
        reason = f"{where.rpartition('.')[2]} has another form than cmkctl knows"
        return Posture(Verdict.NOT_KNOWABLE, reason, (self.evidence(name, path),))

    def obstacle(self, name: str) -> str:
        """Return the reason why a document is missing."""
        answer = self._answers.get(name)
        if answer is None:
            return "it was not read"
        if answer.obstacle:
            return answer.obstacle
        return "you may not read it" if answer.denied else "there is no such resource, or you may not see it"


@dataclass(frozen=True, slots=True)
class Write:
    """One write that sets the key, or prepares for it. The writes of a resource are sent in order.

    `reason` and `attributes` are for people; `irreversible` and `costs` list what to know before.
    """

    resource_id: str
    method: str
    api_version: str
    body: Mapping[str, Json]
    kind: str
    name: str
    reason: str
    attributes: tuple[AttributeChange, ...] = ()
    irreversible: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    creates: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why no permitted write sets the key: diagnostic code, reason, and the operator's ways out."""

    code: str
    reason: str
    ways_out: tuple[str, ...]


def only_at_creation(reason: str, *ways_out: str) -> Refusal:
    """Return the refusal of a service that takes a key only when a resource is created."""
    return Refusal("CMK273", reason, ways_out)


def not_accepted(reason: str, *ways_out: str) -> Refusal:
    """Return the refusal of a key, or of a resource in this state, by the rules of its service."""
    return Refusal("CMK274", reason, ways_out)


def another_region(document: ArmDocument | None, key: KeyReference, service: str) -> Refusal | None:
    """Return the refusal of a vault outside the region of a resource; None where they are the same, or one is not known.

    For services that take keys of their own region alone; `service` is the service in words.
    """
    location = text_at(document, "location")
    if not key.location or not location or same_location(key.location, location):
        return None
    return not_accepted(
        f"it is in {location} and the vault {key.vault_name} in {key.location}: {service} takes only keys of the "
        "resource's region",
        "use a vault in the region of the resource",
    )


Want = tuple[Write, ...] | Refusal
"""The writes that set the key, in order; empty when there is nothing to do. Or why the key cannot be set."""


class ServiceSettings(Section):
    """A resource that exists, given by its ARM id."""

    id: str

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity that is to read the key; None for another reader."""
        return None


class OwnIdentitySettings(ServiceSettings):
    """A resource that exists, with the identity of its own that is to read the key."""

    identity: field_types.Identity = Field(
        "system-assigned",
        description=(
            "The identity that reads the key: system-assigned, or the ARM id of a user-assigned identity that exists. The "
            "resource gets it where it lacks it, and keeps the identities it has."
        ),
        examples=["system-assigned"],
    )

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity; None for the system-assigned one."""
        return None if self.identity == "system-assigned" else self.identity


class UserIdentitySettings(ServiceSettings):
    """A resource that exists, with the user-assigned identity that is to read the key: its service takes no other."""

    identity: Annotated[str, field_types.ArmId("Microsoft.ManagedIdentity/userAssignedIdentities")] = Field(
        description=(
            "The ARM id of the user-assigned identity that reads the key. It exists; the resource gets it where it lacks it, and "
            "keeps the identities it has."
        ),
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.ManagedIdentity"
                "/userAssignedIdentities/id-data"
            )
        ],
    )

    @property
    def identity_id(self) -> str:
        """The ARM id of the identity."""
        return self.identity


@dataclass(frozen=True, slots=True)
class Reference:
    """Another resource that a document names, by its ARM id or by a host name. `relation` is a noun phrase for people."""

    relation: str
    resource_id: str = ""
    host: str = ""


class Service(ABC):
    """One Azure service whose resources can use a customer-managed key. Its class attributes are facts about it.

    `name` identifies the service in cmkctl, `title` is for people and singular, `resource_type` is what Resource Manager
    calls it. `follows` is what its resources can do at most; a `Posture` has what one of them does. `revoked` describes what
    happens when the key is disabled or lost. `doc` is the page that the facts come from. `further` are
    the readers beside `reader`, of a service with a key for each part. `rules` are the checks of others that
    look at the key. `protections` are the topics of its `aspects` that expectations can name: those that can be enforced.
    `also` names another service of Microsoft's whose resources are of this type. With `in_graph` False the query of Resource
    Graph leaves its type out: its resources are items of a listing in another resource's `details`. `host_suffixes` are the
    ends of the host names that only its resources have, in every cloud.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    resource_type: ClassVar[str]
    api_version: ClassVar[str]
    verb: ClassVar[Verb]
    reader: ClassVar[Reader]
    further: ClassVar[tuple[Reader, ...]] = ()
    follows: ClassVar[Follows]
    revoked: ClassVar[str]
    doc: ClassVar[str]
    also: ClassVar[str] = ""
    rules: ClassVar[Rules] = Rules(("DP-5",))
    protections: ClassVar[tuple[str, ...]] = ()
    in_graph: ClassVar[bool] = True
    host_suffixes: ClassVar[tuple[str, ...]] = ()

    def reads(self, resource_id: str) -> tuple[Read, ...]:
        """Return the documents that `posture` needs; the first is the resource itself, and is named ``resource``."""
        return (Read("resource", resource_id, self.api_version),)

    def linked(self, documents: Documents) -> tuple[Read, ...]:  # noqa: ARG002 - for services that name other resources
        """Return the documents of other resources that `posture` needs as well, which the known documents name.

        It is asked again with each of them (`with_linked`), for resources that name further ones.
        """
        return ()

    def details(self, resource_id: str) -> tuple[Read, ...]:  # noqa: ARG002 - for services with more to read
        """Return documents that complete the picture and that no row of Resource Graph has, such as settings of TLS.

        They are left unread where there are many resources: `posture` and `aspects` do without them then, and show that they do.
        """
        return ()

    def references(self, documents: Documents) -> tuple[Reference, ...]:  # noqa: ARG002 - for services that name others
        """Return the resources that hold data of this one or its key, by id or host. Pure, from `reads` and `details`."""
        return ()

    def hosts(self, documents: Documents) -> tuple[str, ...]:  # noqa: ARG002 - for services with endpoints of their own
        """Return the host names at which clients find the resource, in lower case. Pure."""
        return ()

    def owners(self, documents: Documents) -> tuple[str, ...]:  # noqa: ARG002 - for services that name their workspace
        """Return the ARM ids of the workspaces that the resource itself names. Pure."""
        return ()

    @abstractmethod
    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key. Pure; an absent document is not-visible.

        The document of the resource is a GET, or a row of Resource Graph: both have Azure's own members.
        """

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:  # noqa: ARG002 - for services with more protections
        """Return the protections beside the key, such as the encryption of connections. Pure."""
        return ()


class EncryptableService(Service, Generic[S]):
    """A service whose resources the profile's ``services`` section can name, in the field `name`."""

    settings: type[S]

    def reads_to_encrypt(self, settings: S, key: KeyReference | None) -> tuple[Read, ...]:  # noqa: ARG002 - for SQL
        """Return the documents that `want` needs. `key` is None where the profile's key is not known."""
        return self.reads(settings.id)

    @abstractmethod
    def want(self, settings: S, documents: Documents, key: KeyReference) -> Want:
        """Return the writes that put the key on a resource whose identity may use it. Pure."""

    def readers(self, settings: S) -> tuple[Reader, ...]:  # noqa: ARG002 - for services with a key for each part
        """Return who reads the keys that `want` sets."""
        return (self.reader,)

    def prepare(self, settings: S, documents: Documents) -> Write | None:  # noqa: ARG002 - for services with made identities
        """Return the write by which Azure makes an identity that reads the key; None where it has been made. Pure."""
        return None

    def identity_properties(self, settings: S) -> Mapping[str, Json]:  # noqa: ARG002 - for services that need more
        """Return the properties that are sent together with a new identity."""
        return {}

    def reader_properties(self, settings: S) -> Mapping[str, Json]:  # noqa: ARG002 - for services that name their reader
        """Return the properties that name the identity as the reader of keys, for services that take them by themselves alone."""
        return {}


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of the profile, with its service and its place in the profile (``services.storage_accounts[0]``)."""

    service: EncryptableService[Any]
    settings: ServiceSettings
    place: str

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.settings.id.rpartition("/")[2]


PLATFORM_TRANSIT: Final = Aspect(
    IN_TRANSIT,
    State.PLATFORM,
    "connections need TLS 1.2 or later; Resource Manager has no setting for it",
    rules=Rules(("DP-3",), by_analogy=True),
)
"""The encryption of connections of a service that has no setting for it."""


_LINKS: Final = 3
"""The longest chain of resources that name one another: a component, its workspace, its cluster, and one to spare."""


def with_linked(
    service: Service, documents: Documents, find: Callable[[tuple[Read, ...]], Iterable[Answer]]
) -> Documents:
    """Return documents of a resource with those of the resources that they name, and that those name in turn.

    `find` answers reads; it is called once for each link of the chain.
    """
    for _ in range(_LINKS):
        further = tuple(each for each in service.linked(documents) if documents.unread(each.name))
        if not further:
            break
        documents = Documents((*documents.answers, *find(further)))
    return documents


def has_identity(document: ArmDocument | None, identity_id: str | None) -> bool:
    """Return True when a resource has the identity: a user-assigned one by its id, or with None a system-assigned one."""
    if identity_id is None:
        return bool(text_at(document, "identity.principalId"))
    held = at_path(document, "identity.userAssignedIdentities")
    return isinstance(held, Mapping) and any(same_resource_id(each, identity_id) for each in held)


def sets_key(verb: Verb) -> bool:
    """Return True when the key can be set on a resource that exists."""
    match verb:
        case Verb.PATCH | Verb.PUT | Verb.EDIT | Verb.CREATION_THEN_PATCH:
            return True
        case Verb.CREATION | Verb.LINK | Verb.OBJECTS | Verb.NONE:
            return False
        case _:
            assert_never(verb)
