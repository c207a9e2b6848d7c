"""Facts and rules: a named read with its answer, and the judgements that rest on it.

A fact is observed, or not readable with the reason. A rule declares the facts it needs; when one of them could not be read, the
rule is skipped and a note names it: what was not read is not absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from cmkctl.diagnostics import CmkctlError, Diagnostic, Severity

if TYPE_CHECKING:
    from cmkctl.azure.session import Snapshot
    from cmkctl.profile.model import Profile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A named read. `read` raises AzureFailed when Azure refuses it; absence is a value."""

    name: str
    read: Callable[[Snapshot, Profile], T] = field(compare=False)


@dataclass(frozen=True, slots=True)
class NotReadable:
    """A fact that could not be read, and why."""

    error: CmkctlError


class Facts:
    """The facts of one plan, by name."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = dict(answers)

    def __getitem__(self, fact: Fact[T]) -> T:
        """The value of a fact that a rule declared. Raises CmkctlError for one that could not be read."""
        answer = self._answers[fact.name]
        if isinstance(answer, NotReadable):
            raise answer.error
        value: T = answer
        return value

    def observation(self, step: str) -> Any:
        """The observation of a step."""
        return self._answers[step]

    def unread(self, fact: Fact[Any]) -> NotReadable | None:
        """Why a fact could not be read, None when it was."""
        answer = self._answers.get(fact.name)
        return answer if isinstance(answer, NotReadable) else None

    def has(self, fact: Fact[Any]) -> bool:
        """True when the fact was read."""
        return fact.name in self._answers and not isinstance(self._answers[fact.name], NotReadable)


Check: TypeAlias = "Callable[[Profile, Facts], Iterable[Diagnostic]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement over profile and facts: the codes it may report, the facts it needs, and the pure check."""

    name: str
    codes: tuple[str, ...]
    needs: tuple[Fact[Any], ...]
    check: Check


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """The operator's choices: codes whose findings become notes, and warnings that count as errors."""

    ignore: Collection[str] = ()
    strict: bool = False

    def applied_to(self, finding: Diagnostic) -> Diagnostic:
        """The finding with the severity that the operator chose."""
        if finding.code in self.ignore:
            return replace(finding, severity=Severity.NOTE)
        if self.strict and finding.severity is Severity.WARNING:
            return replace(finding, severity=Severity.ERROR)
        return finding


def judge(rules: Iterable[Rule], profile: Profile, facts: Facts, policy: RulePolicy) -> Iterator[Diagnostic]:
    """The findings of every rule whose facts were read, and one note for each fact that could not be."""
    skipped: dict[str, list[Rule]] = {}
    for rule in rules:
        unread = [each for each in rule.needs if not facts.has(each)]
        if unread:
            skipped.setdefault(unread[0].name, []).append(rule)
            continue
        yield from map(policy.applied_to, rule.check(profile, facts))
    for name, held in skipped.items():
        yield _skipped(name, held, facts)


def _skipped(name: str, rules: list[Rule], facts: Facts) -> Diagnostic:
    codes = ", ".join(dict.fromkeys(code for each in rules for code in each.codes))
    unread = facts.unread(next(each for rule in rules for each in rule.needs if each.name == name))
    reason = unread.error.diagnostics[0].detail if unread and unread.error.diagnostics else "it was not read"
    return Diagnostic(
        "CMK190",
        Severity.NOTE,
        "A check was skipped",
        f"{name.replace('_', ' ').capitalize()} could not be read, so {codes} was not checked: {reason}",
        "Have the missing right granted to check it beforehand; apply still reports what Azure refuses.",
    )
