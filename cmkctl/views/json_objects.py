"""Values as JSON documents: the lines of ``--json`` and the run report say the same things in the same form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.plan import Action, AttributeChange, Change, Plan, Request, Unknown

JsonObject: TypeAlias = dict[str, Any]


def plain(value: Any) -> Any:
    """What `json` cannot encode by itself: a value that is not known yet, and read-only mappings and sequences."""
    if isinstance(value, Unknown):
        return {"$unknown": f"{value.step}.{value.output}"}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def seconds_of(seconds: float) -> float:
    """Seconds, to the millisecond."""
    return round(float(seconds), 3)


def who(change: Change) -> JsonObject:
    """Which change it is."""
    return {
        "step": change.step,
        "action": change.action.value,
        "resource_id": change.resource_id,
        "title": change.title,
    }


def change_document(change: Change) -> JsonObject:
    """All of a change."""
    return {
        **who(change),
        "reason": change.reason,
        "attributes": [*map(_attribute, change.attributes)],
        "irreversible": change.irreversible,
        "costs": change.costs,
        "code": change.code or None,
        "ways_out": change.ways_out,
        "request": None if change.request is None else _request(change.request),
    }


def _attribute(attribute: AttributeChange) -> JsonObject:
    after = attribute.after
    unknown = {"step": after.step, "output": after.output} if isinstance(after, Unknown) else None
    return {
        "path": attribute.path,
        "before": attribute.before,
        "after": None if unknown else after,
        "unknown": unknown,
        "irreversible": attribute.irreversible,
    }


def _request(request: Request) -> JsonObject:
    return {
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "api_version": request.api_version,
        "body": request.body,
    }


def summary(plan: Plan) -> JsonObject:
    """A plan in numbers, and what it is about."""
    subject = plan.subject
    return {
        "counts": {each.value: plan.count(each) for each in Action},
        "irreversible": len(plan.irreversible),
        "errors": sum(each.severity is Severity.ERROR for each in plan.diagnostics),
        "warnings": sum(each.severity is Severity.WARNING for each in plan.diagnostics),
        "errored": plan.errored,
        "cloud": str(subject.cloud),
        "subscription": subject.subscription,
        "location": subject.location,
        "workspace_id": subject.workspace_id,
    }


def diagnostic_document(diagnostic: Diagnostic) -> JsonObject:
    """All of a diagnostic."""
    place = diagnostic.location
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "remedy": diagnostic.remedy,
        "subject": diagnostic.subject or None,
        "location": None if place is None else {"source": place.source, "line": place.line, "column": place.column},
    }
