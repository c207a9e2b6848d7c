"""Compares the current plan with the approved one. Pure; the differences are sentences for people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cmkctl.azure.redaction import Redactor, shortened
from cmkctl.plan import Action, Change, Json, Plan, Request, fulfils
from cmkctl.saved_plan.errors import not_as_approved, other_target
from cmkctl.saved_plan.file import SavedPlan
from cmkctl.saved_plan.schema import encoded

_ABSENT: Final = "(absent)"
_LONGEST: Final = 160


def refuse_other_target(saved: SavedPlan, *, sandbox: bool, remedy: str) -> None:
    """Raise RefusedError (CMK529) for a plan of the sandbox when this run goes to Azure, or the other way round.

    `sandbox` is true when this run goes to the sandbox.
    """
    if saved.sandbox is not sandbox:
        raise other_target(saved.path, sandbox=saved.sandbox, remedy=remedy)


def refuse_unless_approved(saved: SavedPlan, now: Plan, begun: Collection[str], plan_again: str) -> None:
    """Raise RefusedError (CMK527), with the differences, unless `now` has all approved changes and no others.

    `begun` are the resource ids of the changes that applies of this plan have started: they may be done already.
    `plan_again` is the command of the remedy.
    """
    found = [*differences(saved.changes, now.changes, begun)]
    if found:
        same = saved.observed == now.observed
        raise not_as_approved(saved.path, saved.origin, found, same_azure=same, plan_again=plan_again)


def differences(approved: Sequence[Change], now: Sequence[Change], begun: Collection[str]) -> Iterator[str]:
    """Describe each deviation from the approved plan in a sentence."""
    comparison = _Comparison(approved, now, begun)
    for each in now:
        if each.action is not Action.NO_OP:
            yield from comparison.of_pending(each)
    for each in approved:
        if each.action is not Action.NO_OP:
            yield from comparison.of_done(each)


@dataclass(frozen=True, slots=True)
class _Comparison:
    approved: Sequence[Change]
    now: Sequence[Change]
    begun: Collection[str]

    def of_pending(self, now: Change) -> Iterator[str]:
        """Compare a change that is due now with the approved plan."""
        shown = _like(now, self.approved)
        if shown is None:
            yield f"{now.title}: not approved, now {_now(now)}"
        elif now.action is shown.action:
            yield from (f"{now.title}: {each}" for each in _request_differences(shown.request, now.request))
        elif now.action is not Action.WAIT or not self._ours(shown):
            yield f"{now.title}: {shown.action.words.approved}, now {_now(now)}"

    def of_done(self, shown: Change) -> Iterator[str]:
        """Explain an approved change that is no longer due."""
        now = _like(shown, self.now)
        if (now is None or now.action is Action.NO_OP) and not self._ours(shown):
            seen = now or next((each for each in self.now if _titled_alike(each, shown)), None)
            yield f"{shown.title}: {shown.action.words.approved}, now {_now(seen) if seen else 'no longer needed'}"

    def _ours(self, shown: Change) -> bool:
        """Return True when the change is done or in progress as approved: started by us, a side effect, or a wait."""
        waits = (each.resource_id for each in self.approved if each.action is Action.WAIT)
        begun = {each.lower() for each in (*self.begun, *waits)}
        return not begun.isdisjoint(each.lower() for each in (shown.resource_id, *shown.may_result_from))


def _like(change: Change, among: Sequence[Change]) -> Change | None:
    """Return the change of the same resource by the same step. Azure may return ids in a different casing."""
    wanted = change.step, change.resource_id.lower()
    return next((each for each in among if (each.step, each.resource_id.lower()) == wanted), None)


def _titled_alike(one: Change, other: Change) -> bool:
    return (one.step, one.title) == (other.step, other.title)


def _now(change: Change) -> str:
    return f"{change.action} ({change.reason})"


def _request_differences(shown: Request | None, now: Request | None) -> Iterator[str]:
    if shown is None or now is None:
        if shown is not now:
            yield "the request differs: only one of the two plans has one"
        return
    for name in ("method", "path", "api_version", "query", "host"):
        before, after = getattr(shown, name), getattr(now, name)
        if before != after:
            yield f"the request differs in its {name.replace('_', '-')}: {before} → {after}"
    for path, before, after in _body_differences(shown.body, now.body):
        yield f"the request differs in {path or 'its body'}: {before} → {after}"


def _body_differences(shown: Json, now: Json, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Describe the differences between `now` and `shown`, with both values."""
    if isinstance(shown, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*shown, *now)):
            inner = f"{path}.{name}" if path else name
            if name in shown and name in now:
                yield from _body_differences(shown[name], now[name], inner)
            else:
                yield inner, _words(shown, name), _words(now, name)
    elif not fulfils(shown, now):
        name = path.rpartition(".")[2]
        yield path, _words({name: shown}, name), _words({name: now}, name)


def _words(values: Mapping[str, Json], name: str) -> str:
    """Format the value of a name as JSON, redacted when the name marks a secret."""
    if name not in values:
        return _ABSENT
    document = Redactor(identities=False).redact({name: encoded(values[name])})
    return shortened(json.dumps(document[name], ensure_ascii=False), _LONGEST)
