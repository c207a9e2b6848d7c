"""Facts and rules: named reads with their results, and the judgements based on them.

A fact is observed, or not readable for a reason. A rule declares the facts it needs and uses no others; when one of them is
unread, the rule is skipped and a note names it: unread does not mean absent.

    rules ──needed──▶ facts to read ──attempt──▶ value or NotReadable ──Facts──▶ judge ──▶ diagnostics

The observation of a step is a fact as well, under the name of the step. `PLANNED` is the fact that the engine provides once
the steps have planned: their changes. A `PlannedFact` is read after that, because what it reads depends on the changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from cmkctl.codes import CMK189, CMK190
from cmkctl.diagnostics import CmkctlError, Code, Diagnostic, Severity

if TYPE_CHECKING:
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.plan import Change
    from cmkctl.profile.model import Profile

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)


def _provided(_azure: Snapshot, _profile: Profile) -> Any:
    raise LookupError("the engine provides this fact, and nothing reads it")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A named read. `read` raises AzureFailed when Azure refuses it; absence is a value."""

    name: str
    read: Callable[[Snapshot, Profile], T] = field(compare=False)

    @classmethod
    def provided(cls, name: str) -> Fact[T]:
        """Return a fact that the engine provides: the planned changes, or the observation of a step of the procedure."""
        return cls(name, _provided)

    @property
    def title(self) -> str:
        """The name for people."""
        return self.name.replace("_", " ")


class NotRegisteredYetError(CmkctlError):
    """A read that its resource provider serves only once the subscription is registered for it, which apply does first."""

    def __init__(self, namespace: str) -> None:
        super().__init__(CMK189.note(f"The subscription is not registered for {namespace} yet."))
        self.namespace = namespace


@dataclass(frozen=True, slots=True)
class PlannedFact(Fact[T]):
    """A named read that depends on the planned changes, one round trip after all others.

    `read_planned` returns its value for no changes without a read: a plan without writes stays as it is.
    """

    read_planned: Callable[[Snapshot, Profile, Sequence[Change]], T] = field(compare=False)

    @classmethod
    def of(cls, name: str, read: Callable[[Snapshot, Profile, Sequence[Change]], T]) -> PlannedFact[T]:
        """Return the fact with this name and read."""
        return cls(name, lambda azure, profile: read(azure, profile, ()), read)

    def given(self, changes: Sequence[Change]) -> Fact[T]:
        """Return the fact for these changes."""
        return Fact(self.name, lambda azure, profile: self.read_planned(azure, profile, changes))


PLANNED: Final[Fact[Sequence[Change]]] = Fact.provided("planned_changes")
"""The changes of all steps, in order; the engine provides them."""


@dataclass(frozen=True, slots=True)
class NotReadable:
    """A fact that could not be read, and why.

    `until_registered`: apply registers what is missing, and reads the fact before its first irreversible change.
    """

    error: CmkctlError
    until_registered: bool = False


class Facts:
    """The facts of one plan, by name."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = dict(answers)

    def __getitem__(self, fact: Fact[T]) -> T:
        """Return the value of a fact. Raises LookupError for a fact that is unread or not declared by the rule."""
        if not self.has(fact):
            raise LookupError(fact.name)
        value: T = self._answers[fact.name]
        return value

    def observation(self, step: str) -> Any:
        """Return the observation of a step."""
        return self._answers[step]

    def has(self, fact: Fact[Any]) -> bool:
        """Return True when the fact was read."""
        return fact.name in self._answers and not isinstance(self._answers[fact.name], NotReadable)

    @property
    def awaiting_registration(self) -> frozenset[str]:
        """The names of the facts that could not be read because a resource provider is not registered yet."""
        return frozenset(
            name for name, each in self._answers.items() if isinstance(each, NotReadable) and each.until_registered
        )

    def unread(self, fact: Fact[Any]) -> NotReadable | None:
        """Return the reason why a fact could not be read; None when it was read, or when no read was attempted."""
        answer = self._answers.get(fact.name)
        return answer if isinstance(answer, NotReadable) else None

    def plus(self, answers: Mapping[str, Any]) -> Facts:
        """Return a copy with these facts added."""
        return Facts({**self._answers, **answers})

    def only(self, facts: Iterable[Fact[Any]]) -> Facts:
        """Return only these facts, so that a rule cannot use one that it did not declare."""
        return Facts({each.name: self._answers[each.name] for each in facts if each.name in self._answers})


@dataclass(frozen=True, slots=True)
class Finding:
    """The part of a diagnostic that belongs to one case; the rule adds code and severity."""

    detail: str
    remedy: str
    subject: str = ""


Check: TypeAlias = "Callable[[Profile, Facts], Iterable[Finding]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement over profile and facts: the code and severity of its findings, the facts it needs, and the pure check."""

    name: str
    code: Code
    severity: Severity
    needs: tuple[Fact[Any], ...]
    check: Check

    def findings(self, profile: Profile, facts: Facts) -> Iterator[Diagnostic]:
        """Run the check on the declared facts, all of which must have been read."""
        for each in self.check(profile, facts.only(self.needs)):
            yield self.code.diagnostic(self.severity, each.detail, each.remedy, each.subject)


def rule(code: Code, *, severity: Severity, needs: tuple[Fact[Any], ...] = ()) -> Callable[[Check], Rule]:
    """Make a `Rule` of a check. A rule without facts needs the profile alone."""

    def declare(check: Check) -> Rule:
        return Rule(check.__name__, code, severity, needs, check)

    return declare


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """The operator's choices: codes whose findings become notes, and warnings that count as errors."""

    ignore: Collection[str] = ()
    strict: bool = False

    def applied_to(self, finding: Diagnostic) -> Diagnostic:
        """Return the finding with the severity that the operator chose. An ignored finding stays visible."""
        if finding.code in self.ignore:
            return replace(finding, severity=Severity.NOTE)
        if self.strict and finding.severity is Severity.WARNING:
            return replace(finding, severity=Severity.ERROR)
        return finding


def needed(rules: Iterable[Rule], observed: Collection[str] = ()) -> tuple[Fact[Any], ...]:
    """Return the facts that the rules need, each once, except those that the steps in `observed` read."""
    found = {fact.name: fact for each in rules for fact in each.needs if fact.name not in observed}
    return tuple(found.values())


def attempt(fact: Fact[T], azure: Snapshot, profile: Profile) -> T | NotReadable:
    """Read a fact. A failure of Azure, or a missing registration, only skips the rules that need the fact."""
    from cmkctl.azure.errors import AzureFailed  # noqa: PLC0415 - rules and codes load without the Azure SDK

    try:
        return fact.read(azure, profile)
    except NotRegisteredYetError as error:
        return NotReadable(error, until_registered=True)
    except AzureFailed as error:
        _LOG.info("fact %s cannot be read: %s", fact.name, error)
        return NotReadable(error)


def judge(
    rules: Iterable[Rule], profile: Profile, facts: Facts, policy: RulePolicy | None = None
) -> Iterator[Diagnostic]:
    """Return the findings of all rules whose facts were read, then one note for each unread fact."""
    chosen = policy or RulePolicy()
    skipped: dict[Fact[Any], list[Rule]] = {}
    for each in rules:
        unread = next((fact for fact in each.needs if not facts.has(fact)), None)
        if unread is None:
            yield from map(chosen.applied_to, each.findings(profile, facts))
        else:
            skipped.setdefault(unread, []).append(each)
    reasons = {fact: facts.unread(fact) for fact in skipped}
    waiting = [fact for fact, unread in reasons.items() if unread and unread.until_registered]
    if waiting:
        yield _skipped_until_registered(
            [each for fact in waiting for each in skipped[fact]], [reasons[fact] for fact in waiting]
        )
    for fact, held in skipped.items():
        if fact not in waiting:
            yield _skipped(fact, held, reasons[fact])


def _skipped_until_registered(rules: Iterable[Rule], unread: Iterable[NotReadable | None]) -> Diagnostic:
    codes = ", ".join(dict.fromkeys(each.code.id for each in rules))
    missing = [each.error.namespace for each in unread if each and isinstance(each.error, NotRegisteredYetError)]
    return CMK189.note(f"{codes} wait for {', '.join(dict.fromkeys(missing))}.")


def _skipped(fact: Fact[Any], rules: Iterable[Rule], unread: NotReadable | None) -> Diagnostic:
    codes = ", ".join(dict.fromkeys(f"{each.code.id} ({each.code.title})" for each in rules))
    if unread is None:
        return CMK190.note(f"Not checked: {codes}. The {fact.title} was not read in this run.", subject=fact.name)
    reason = unread.error.diagnostics[0].detail if unread.error.diagnostics else str(unread.error)
    return CMK190.note(f"Not checked: {codes}. The {fact.title} could not be read: {reason}", subject=fact.name)
