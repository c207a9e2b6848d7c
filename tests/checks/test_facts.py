"""Facts and rules: what was not read is not absent, and a fact that cannot be read loses no plan."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
from support.rule_facts import IDENTITY, profile, seen
from support.toy_procedure import FakeStep, World, procedure

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.session import Session
from cmkctl.azure.snapshot import Snapshot
from cmkctl.checks import CODES, IGNORABLE, RULES
from cmkctl.checks.grants import CMK104
from cmkctl.codes import CMK189, CMK190, CMK303, CMK504
from cmkctl.diagnostics import CmkctlError, Code, Severity
from cmkctl.engine import make_plan
from cmkctl.facts import (
    PLANNED,
    Fact,
    Facts,
    Finding,
    NotReadable,
    NotRegisteredYetError,
    PlannedFact,
    Rule,
    RulePolicy,
    attempt,
    judge,
    needed,
    rule,
)
from cmkctl.plan import Plan
from cmkctl.profile.model import Profile

CODE: Final = Code("CMK199", "A made-up rule", "It is made up.", "Do nothing.")
OTHER: Final = Code("CMK198", "Another made-up rule", "It is made up.", "Do nothing.")
AZURE: Final = cast("Snapshot", object())
RBAC: Final[dict[str, Any]] = {"workspace": {"encryption": "service-side"}, "key_vault": {"authorization": "rbac"}}


def denied(_azure: Snapshot, _profile: Profile) -> int:
    """Refuse the read, as Azure does."""
    raise AzureFailed(Failure(FailureKind.DENIED, "AuthorizationFailed", "no right to read quotas.", 403))


def reading(value: int) -> Fact[int]:
    """Return a fact whose read succeeds."""
    return Fact("quota", lambda _azure, _profile: value)


def judging(fact: Fact[int], code: Code = CODE) -> Rule:
    """Return a rule that reports the value of one fact."""

    @rule(code, severity=Severity.WARNING, needs=(fact,))
    def report(_profile: Profile, facts: Facts) -> Iterator[Finding]:
        yield Finding(f"It is {facts[fact]}.", "Change it.", "quota")

    return report


def facts_of(*rules: Rule) -> Facts:
    """Return the facts that the engine passes to the rules: every needed fact, read once."""
    return Facts({each.name: attempt(each, AZURE, profile()) for each in needed(rules)})


def test_a_rule_reports_the_fact_it_declares() -> None:
    """Code and severity come from the rule, the rest from its finding."""
    report = judging(reading(7))

    (finding,) = judge([report], profile(), facts_of(report))

    assert CODE.warning("It is 7.", "Change it.", "quota") == finding


def test_a_denied_fact_is_one_note_with_the_rules_it_skipped() -> None:
    """The note has the reason and every skipped code; other rules report as usual."""
    unread = Fact("quota", denied)
    rules = [judging(unread), judging(unread, OTHER), judging(Fact("region", lambda _azure, _profile: 3))]

    finding, note = judge(rules, profile(), facts_of(*rules))

    assert ("It is 3.", Severity.WARNING) == (finding.detail, finding.severity)
    assert (
        CMK190.note(
            "Not checked: CMK199 (A made-up rule), CMK198 (Another made-up rule). The quota could not be read: HTTP 403 "
            "AuthorizationFailed: no right to read quotas.",
            subject="quota",
        )
        == note
    )


def test_facts_that_wait_for_a_registration_are_one_note() -> None:
    """It names the codes and the namespaces; what was denied has a note of its own."""

    def waiting(_azure: Snapshot, _profile: Profile) -> int:
        raise NotRegisteredYetError("Microsoft.Quota")

    rules = [judging(Fact("quota", waiting)), judging(Fact("region", waiting), OTHER), judging(Fact("name", denied))]
    facts = facts_of(*rules)

    first, second = judge(rules, profile(), facts)

    assert {"quota", "region"} == facts.awaiting_registration
    assert CMK189.note("CMK199, CMK198 wait for Microsoft.Quota.") == first
    assert "CMK190" == second.code


def plan_of(*rules: Rule) -> Plan:
    """Return the plan of a step that creates `kv`, judged by some rules."""
    world = World()
    return make_plan(cast("Session", world), profile(), procedure((FakeStep(world, "key_vault", {"kv": 1}),), rules))


def test_a_rule_sees_the_planned_changes() -> None:
    """The engine provides them to the rules that declare them."""

    @rule(CODE, severity=Severity.WARNING, needs=(PLANNED,))
    def report(_profile: Profile, facts: Facts) -> Iterator[Finding]:
        yield Finding(", ".join(f"{each.action} {each.resource_id}" for each in facts[PLANNED]), "Look at it.")

    assert ["create kv"] == [each.detail for each in plan_of(report).diagnostics]


def test_a_fact_of_planned_changes_is_read_after_the_steps_have_planned() -> None:
    """Its read gets the changes; for a rule it is a fact like any other, also when Azure refuses it."""
    answered = PlannedFact.of("policies", lambda _azure, _profile, changes: len(changes))
    refused = PlannedFact.of("locks", lambda azure, wanted, _changes: denied(azure, wanted))

    finding, note = plan_of(judging(answered), judging(refused, OTHER)).diagnostics

    assert "It is 1." == finding.detail
    assert ("CMK190", True) == (note.code, "The locks could not be read" in note.detail)


def test_only_a_failure_of_azure_makes_a_fact_unreadable() -> None:
    """A request that is not on the tape, or a defect, ends the run as ever."""

    def missing(_azure: Snapshot, _profile: Profile) -> int:
        raise CmkctlError(CMK504.error("GET /quota"))

    with pytest.raises(CmkctlError):
        attempt(Fact("quota", missing), AZURE, profile())


def test_a_fact_that_no_read_was_made_for_is_not_absent() -> None:
    """A service-side profile is judged about its workspace only when the workspace was read."""
    answers = seen()
    read = list(judge(RULES, profile(**RBAC), Facts(answers)))
    del answers["workspace"]

    unread = list(judge(RULES, profile(**RBAC), Facts(answers)))

    assert ["CMK104", "CMK150", "CMK153"] == [each.code for each in read]
    (skipped,) = [each for each in unread if each.code != "CMK153"]
    assert ("CMK190", Severity.NOTE) == (skipped.code, skipped.severity)
    assert "CMK104" in skipped.detail
    assert "The workspace was not read in this run." in skipped.detail


def test_a_refused_read_of_the_workspace_is_not_absence() -> None:
    """The same for a read that Azure refused."""
    refused = NotReadable(CmkctlError(CMK303.error("HTTP 403.")))

    found = list(judge(RULES, profile(workspace={"identity": IDENTITY}), Facts(seen(workspace=refused))))

    assert ["CMK190"] == [each.code for each in found]


def test_a_rule_cannot_rest_on_an_undeclared_fact() -> None:
    """Such a rule would take an unread fact for an absent one."""
    fact = reading(1)

    @rule(CODE, severity=Severity.ERROR)
    def report(_profile: Profile, facts: Facts) -> Iterator[Finding]:
        yield Finding(f"{facts[fact]}", "")

    with pytest.raises(LookupError):
        list(judge([report], profile(), Facts({"quota": 1})))


def test_each_fact_is_read_once_and_what_steps_observed_not_again() -> None:
    """Two rules share one read; a step's observation takes the place of one."""
    first, again, other = reading(1), reading(1), Fact("region", lambda _azure, _profile: 3)
    rules = [judging(first), judging(again, OTHER), judging(other)]

    assert (first, other) == needed(rules)
    assert (first,) == needed(rules, observed=["region"])


def test_names_of_facts_are_unique() -> None:
    """Two facts of one name would share one read."""
    facts = [fact for each in RULES for fact in each.needs]

    assert {each.name: each.read for each in facts} == {each.name: each.read for each in reversed(facts)}


def test_ignored_findings_stay_visible_as_notes() -> None:
    """An ignored error no longer stops the run, and is still shown."""
    finding, *_ = judge(RULES, profile(**RBAC), Facts(seen()), RulePolicy({"CMK104"}, strict=True))

    assert (CMK104.id, Severity.NOTE) == (finding.code, finding.severity)


def test_conflicts_and_failures_cannot_be_ignored() -> None:
    """`--ignore` is for judgements: what Azure or a step refuses stays refused."""
    assert {each.code.id for each in RULES} <= IGNORABLE
    # Warnings of rules, beside those of revoke and of encryption.
    assert ["CMK630", "CMK707"] == sorted(each for each in IGNORABLE if each > "CMK195")


def test_strict_makes_errors_of_warnings() -> None:
    """A note remains a note."""
    report, skipped = judging(reading(1)), judging(Fact("region", cast("Any", denied)), OTHER)

    found = list(judge([report, skipped], profile(), facts_of(report, skipped), RulePolicy(strict=True)))

    assert [("CMK199", Severity.ERROR), ("CMK190", Severity.NOTE)] == [(each.code, each.severity) for each in found]


def test_every_code_is_declared_once_under_its_id() -> None:
    """Two declarations of a code would give it two titles."""
    rules = {each.code.id: each.code for each in RULES}

    assert all(rules[each.code.id] is each.code for each in RULES)
    assert all(code == declared.id for code, declared in CODES.items())
    assert len({each.title for each in CODES.values()}) == len(CODES)


def test_codes_are_loaded_without_the_sdk() -> None:
    """`cmkctl explain` is fast: neither the SDK nor the profile's model is imported for it."""
    script = "import sys, cmkctl.checks; print([each for each in sys.modules if each.split('.')[0] in ('azure', 'pydantic')])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "[]" == shown.strip()
