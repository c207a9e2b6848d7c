"""The holder of each resource's key as values: verdicts, their evidence, and what else an assessment shows.

Services return `Posture` and `Aspect`, `cmkctl.procedures.posture` puts them together to a `Survey`, views show it. Pure values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from cmkctl.plan import Json


class Verdict(StrEnum):
    """The answer to the question who holds the key."""

    CUSTOMER = "customer"
    MICROSOFT = "microsoft"
    MIXED = "mixed"
    INHERITED = "inherited"
    CUSTOMER_UNUSABLE = "customer-unusable"
    NOT_CHOOSABLE = "not-choosable"
    NOT_KNOWABLE = "not-knowable"
    NOT_VISIBLE = "not-visible"
    RETIRED = "retired"


MEANINGS: Final[Mapping[Verdict, str]] = {
    Verdict.CUSTOMER: "all data is encrypted with a key of the customer's",
    Verdict.MICROSOFT: "all data is encrypted with Microsoft's key",
    Verdict.MIXED: "part of the data is encrypted with the customer's key, and part with Microsoft's",
    Verdict.INHERITED: "the key is that of another resource",
    Verdict.CUSTOMER_UNUSABLE: "a key of the customer's is set, and the service cannot use it, or will soon be unable to",
    Verdict.NOT_CHOOSABLE: "the service offers no customer-managed key",
    Verdict.NOT_KNOWABLE: "the documents that Azure answers do not show it",
    Verdict.NOT_VISIBLE: "the resource does not exist, or the signed-in principal may not read it",
    Verdict.RETIRED: "the service has been retired",
}
"""The meaning of each verdict, for pages and reports."""


class Follow(StrEnum):
    """The reaction of a service, or of one of its resources, to a new version of its key."""

    NEVER = "never"
    BY_ITSELF = "by itself"
    ON_REQUEST = "if asked to"


@dataclass(frozen=True, slots=True)
class Follows:
    """The way in which new key versions are followed, with the longest delay in hours where a source gives one."""

    how: Follow
    hours: float | None = None

    def __str__(self) -> str:
        return self.how.value if self.hours is None else f"{self.how.value}, within {self.hours:g} h"


PINNED = Follows(Follow.NEVER)
"""The reaction of a resource that names a version of its key."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value that a verdict rests on, as Azure answered it: the resource, api-version, JSON path, and the value."""

    resource_id: str
    api_version: str
    path: str
    value: Json


@dataclass(frozen=True, slots=True)
class Posture:
    """The key of one resource: the verdict, a sentence that explains it, and the evidence.

    `key` is the key identifier without a version, and `key_version` the version in use. Each is empty where the documents
    do not show it. `follows` is the reaction of this resource to a new version; None where the documents do not show it.
    `reader` is the identity that reads the key: the ARM id of a user-assigned one, ``system-assigned``, or the name of an
    application of Microsoft's; empty where it is not shown. `parts` are the parts of the data, where they can have different
    keys. `source` is the verdict of the resource that an inherited key belongs to; None where that could not be read.
    """

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()
    key: str = ""
    key_version: str = ""
    follows: Follows | None = None
    reader: str = ""
    parts: tuple[Part, ...] = ()
    source: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a resource's data with its own key: the queues of a storage account, a database, the root DBFS."""

    name: str
    posture: Posture


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on the whole of some data, from those on its parts.

    A part whose key is unusable makes the whole unusable. Otherwise parts of the customer's and of Microsoft's are `mixed`, and
    any other mixture is not knowable.
    """
    found = {*verdicts}
    if len(found) == 1:
        return found.pop()
    for each in (Verdict.CUSTOMER_UNUSABLE, Verdict.MIXED):
        if each in found:
            return each
    if {Verdict.CUSTOMER, Verdict.MICROSOFT} <= found:
        return Verdict.MIXED
    return Verdict.NOT_KNOWABLE


class State(StrEnum):
    """The state of a protection beside the key."""

    ENFORCED = "enforced"
    NOT_ENFORCED = "not-enforced"
    PLATFORM = "platform"
    NOT_SET = "not-set"
    INFORMATION = "information"
    NOT_KNOWABLE = "not-knowable"
    NOT_VISIBLE = "not-visible"
    NOT_READ = "not-read"


STATES: Final[Mapping[State, str]] = {
    State.ENFORCED: "a setting of the resource enforces it",
    State.NOT_ENFORCED: "a setting of the resource lets connections, people or data do without it",
    State.PLATFORM: "the service always has it; there is no setting",
    State.NOT_SET: "the setting is absent, and its default does not enforce it for certain",
    State.INFORMATION: "a fact that is shown without a judgement",
    State.NOT_KNOWABLE: "the documents that Azure answers do not show it",
    State.NOT_VISIBLE: "the document that shows it may not be read",
    State.NOT_READ: "the document that shows it was left unread; --deep reads it",
}
"""The meaning of each state."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """A protection beside the key, such as ``in-transit``: its state, a sentence that explains it, the evidence and the rules.

    `topic` is one of a few short words with hyphens, the same for every service that has the protection.
    """

    topic: str
    state: State
    reason: str
    evidence: tuple[Evidence, ...] = ()
    rules: Rules | None = None


KEY: Final = "key"
"""The question who holds the key, beside the topics of protections."""

IN_TRANSIT: Final = "in-transit"
"""The topic of the encryption of connections."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of another tool that looks at the same thing. `flaw` is how its result can be wrong; empty where none is known."""

    tool: str
    id: str
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of others about a question: controls of the Microsoft cloud security benchmark, and checks of tools.

    With `by_analogy` no built-in initiative maps the service to the control: only the meaning of the control fits.
    """

    controls: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    by_analogy: bool = False


class Seen(StrEnum):
    """The source of what is known about a resource."""

    GRAPH = "Resource Graph"
    GET = "its own document"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be read: an ARM id or a host name, and the reason."""

    resource_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """A version of a key as Azure shows it: its expiry and whether it is enabled, None where they are not known.

    `reason` explains a version without them; empty for one that was read. `absent` is True where the vault shows no such version.
    """

    version: str
    enabled: bool | None = None
    expires: datetime | None = None
    reason: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key as Azure shows it: its newest version, and of this version the expiry and whether it is enabled.

    `vault_id` and `newest` are empty, `enabled` and `expires` None where they are not known. `reason` explains a key that was
    not read; empty for one that was. `older` are further versions that resources use.
    """

    identifier: str
    vault_id: str = ""
    newest: str = ""
    enabled: bool | None = None
    expires: datetime | None = None
    reason: str = ""
    older: tuple[KeyVersion, ...] = ()

    def of(self, version: str) -> KeyVersion | None:
        """Return the state of a version, of the newest for an empty one; None where it is not known."""
        if not self.newest:
            return None
        every = (KeyVersion(self.newest, self.enabled, self.expires), *self.older)
        return next((each for each in every if each.version.lower() == (version or self.newest).lower()), None)


@dataclass(frozen=True, slots=True)
class Belonging:
    """The tie of a resource to a workspace: the ARM id of the workspace, and its nature, such as ``storage account``."""

    workspace_id: str
    relation: str


class Met(StrEnum):
    """The result of the comparison of an assessment with what was expected."""

    MET = "met"
    NOT_MET = "not-met"
    WAIVED = "waived"
    NOT_EXPECTED = "nothing-expected"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A permitted exception: the reason, and the last day on which it counts."""

    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer to one question beside what was expected: ``key``, or the topic of a protection.

    `reason` is a sentence; `place` is where the profile expects it. `waiver` excuses it, or did so until its end.
    """

    question: str
    met: Met
    reason: str
    place: str = ""
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An assessment beside what was expected of it: each question about which something is expected, once."""

    compared: tuple[Compared, ...] = ()

    def of(self, question: str) -> Compared | None:
        """Return the comparison of a question; None where nothing is expected about it."""
        return next((each for each in self.compared if each.question == question), None)

    @property
    def met(self) -> Met:
        """The result as a whole: not met with one that is not, then waived with one that is."""
        found = {each.met for each in self.compared}
        return next((each for each in (Met.NOT_MET, Met.WAIVED, Met.MET) if each in found), Met.NOT_EXPECTED)

    @property
    def deciding(self) -> tuple[Compared, ...]:
        """The comparisons with the result of the whole."""
        return tuple(each for each in self.compared if each.met is self.met)

    @property
    def waived(self) -> tuple[Compared, ...]:
        """The comparisons that a waiver excuses."""
        return tuple(each for each in self.compared if each.met is Met.WAIVED)

    @property
    def reason(self) -> str:
        """The sentences of those that decide."""
        return "; ".join(dict.fromkeys(each.reason for each in self.deciding)) or "nothing is expected of it"

    @property
    def place(self) -> str:
        """The first place at which one that decides is expected; empty without one."""
        return next((each.place for each in self.deciding), "")

    @property
    def waiver(self) -> Waiver | None:
        """The waiver, of those that decide, which ends first; None without one."""
        waivers = [each.waiver for each in self.deciding if each.waiver is not None]
        return min(waivers, key=lambda each: each.until, default=None)

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that decide."""
        return tuple(each.question for each in self.deciding)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The posture of one resource, with facts about its service.

    `service` is the title of the service and `name_of_service` its name in profiles. `set_by` is the way in which the key is
    set on such a resource, `follows` the reaction of the service to a new version, `revoked` the effect of a lost key. `seen`
    is the source, `belongs` the workspaces around which the resource was found. `managed` is True for what Azure itself keeps in
    the managed resource group of a workspace. `key` is None for a resource without a customer's key.
    """

    service: str
    name_of_service: str
    resource_type: str
    resource_id: str
    posture: Posture
    set_by: str
    follows: str
    revoked: str
    rules: Rules
    seen: Seen
    aspects: tuple[Aspect, ...] = ()
    belongs: tuple[Belonging, ...] = ()
    managed: bool = False
    key: KeyState | None = None
    outcome: Outcome | None = None

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource_id.rpartition("/")[2]

    @property
    def label(self) -> str:
        """The name for people; of a deployment with that of its endpoint, ``score/blue``, because its own is rarely unique."""
        names = self.resource_id.partition("/providers/")[2].split("/")[2::2]
        return "/".join(names[1:]) if len(names) > 2 else self.name

    @property
    def version(self) -> KeyVersion | None:
        """The state of the version in use; that of the newest where the resource shows none, None where it is not known."""
        return None if self.key is None else self.key.of(self.posture.key_version)

    @property
    def newer_version(self) -> bool | None:
        """True where the key has a newer version than the one in use; None where either is not known."""
        if self.key is None or not self.key.newest or not self.posture.key_version:
            return None
        return self.key.newest.lower() != self.posture.key_version.lower()


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything assessed: the resources, what could not be seen, and what was left unread to save requests.

    `at` is the time of the run by Azure's clock. `subscriptions` are those that were searched, `workspaces` the ARM ids of the
    workspaces in scope. Each of `left_out` is a sentence.
    """

    assessments: tuple[Assessment, ...]
    workspaces: tuple[str, ...]
    subscriptions: tuple[str, ...]
    at: datetime
    unseen: tuple[Unseen, ...] = ()
    left_out: tuple[str, ...] = ()
