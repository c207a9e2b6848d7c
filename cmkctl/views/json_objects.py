"""Values as JSON objects: the lines of ``--json`` and the run report have the same fields in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from cmkctl import codes
from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.listing import ListedWorkspace
from cmkctl.plan import Action, AttributeChange, Change, Plan, Request, Unknown
from cmkctl.status import KeyStatus, Status, Version, WorkspaceStatus

JsonObject: TypeAlias = dict[str, Any]

_ARM: Final = ("/subscriptions/", "/providers/")
_POLICIES: Final = "/accesspolicies/"


def plain(value: Any) -> Any:
    """Encode values that `json` cannot: unknown values, read-only mappings and sequences."""
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


def identity(change: Change) -> JsonObject:
    """Return the identity of a change. `resource_id` is a Resource Manager id or null; anything else is in `subject`."""
    identifier = change.resource_id
    is_arm = identifier.lower().startswith(_ARM) and _POLICIES not in identifier.lower()
    return {
        "step": change.step,
        "action": change.action.value,
        "resource_id": identifier if is_arm else None,
        "subject": None if is_arm else identifier,
        "title": change.title,
    }


def change_object(change: Change) -> JsonObject:
    """Return a change with all its fields."""
    return {
        **identity(change),
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
        **({"query": dict(request.query)} if request.query else {}),
        "body": request.body,
    }


def conflicts(plan: Plan) -> Iterable[Diagnostic]:
    """Return a diagnostic for each conflict of a plan, with the title of its code."""
    for change in plan.changes:
        if change.action is Action.CONFLICT:
            yield codes.declared(change.code).error(
                f"{change.title}: {change.reason}", "\n".join(change.ways_out), subject=change.resource_id
            )


def counts_of(plan: Plan) -> JsonObject:
    """Return the number of changes by action; they add up to the number of `planned_change` lines."""
    return {each.value: plan.count(each) for each in Action}


def summary(plan: Plan, findings: Sequence[Diagnostic]) -> JsonObject:
    """Return the counts and the subject of a plan. `findings` are all its diagnostics."""
    subject = plan.subject
    return {
        "counts": counts_of(plan),
        "changes": bool(plan.pending),
        "irreversible": len(plan.irreversible),
        "errors": sum(each.severity is Severity.ERROR for each in findings),
        "warnings": sum(each.severity is Severity.WARNING for each in findings),
        "errored": plan.errored,
        "cloud": str(subject.cloud),
        "subscription": subject.subscription,
        "location": subject.location,
        "workspace_id": subject.workspace_id,
        "agreement": _agreement(plan),
    }


def _agreement(plan: Plan) -> list[str]:
    """Return the lines of a profile that would settle the conflicts; empty without any."""
    if not plan.agreement:
        return []
    from cmkctl.profile.agreement import agreement_text  # noqa: PLC0415 - YAML, only for a conflict

    return agreement_text(plan.agreement)


def diagnostic_object(diagnostic: Diagnostic) -> JsonObject:
    """Return a diagnostic with all its fields."""
    place = diagnostic.location
    return {
        "code": diagnostic.code or None,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "remedy": diagnostic.remedy,
        "subject": diagnostic.subject or None,
        "location": None if place is None else {"source": place.source, "line": place.line, "column": place.column},
    }


def workspace_object(workspace: ListedWorkspace) -> JsonObject:
    """Return one workspace of ``list``."""
    return {
        "resource_id": workspace.resource_id,
        "kind": workspace.kind,
        "architecture": workspace.architecture or None,
        "location": workspace.location,
        "verdict": workspace.verdict.value,
        "key": workspace.key or None,
        "key_version": workspace.key_version or None,
        "hub": workspace.hub or None,
        "provisioning_state": workspace.provisioning_state or None,
        "high_business_impact": workspace.high_business_impact,
    }


def status_objects(status: Status) -> Iterator[tuple[str, JsonObject]]:
    """Yield the type and the fields of each line of a status: the summary, then each grant, date, leftover and unread fact."""
    grants = status.grants
    yield (
        "status",
        {
            "read_at": _moment(status.at),
            "workspace": _workspace(status.workspace),
            "key": None if status.key is None else _key(status.key),
            "grants_visible": grants is not None,
        },
    )
    for grant in grants or ():
        yield (
            "status_grant",
            {
                "principal": grant.principal,
                "object_id": grant.object_id,
                "principal_type": grant.principal_type or None,
                "form": grant.form,
                "rights": grant.rights,
                "scope": grant.scope,
                "created": _moment(grant.created),
                "conditional": grant.conditional,
            },
        )
    for due in status.due:
        yield (
            "status_due",
            {"kind": due.kind.value, "date": _moment(due.date), "subject": due.subject, "text": due.text},
        )
    for left in status.leftovers:
        yield (
            "status_leftover",
            {
                "kind": left.kind,
                "id": left.resource_id,
                "deleted": _moment(left.deleted),
                "purged": _moment(left.purged),
                "effect": left.effect,
            },
        )
    for unseen in status.unseen:
        yield (
            "status_unseen",
            {
                "fact": unseen.fact,
                "id": unseen.resource_id or None,
                "reason": unseen.reason,
                "right": unseen.right or None,
            },
        )


def _workspace(workspace: WorkspaceStatus) -> JsonObject:
    return {
        "resource_id": workspace.resource_id,
        "exists": workspace.exists,
        "location": workspace.location or None,
        "kind": workspace.kind or None,
        "state": workspace.state or None,
        "hub": workspace.hub or None,
        "holder": workspace.holder or None,
        "architecture": workspace.architecture or None,
        "high_business_impact": workspace.high_business_impact,
        "managed_resource_group": workspace.managed_group or None,
        "managed_resource_group_visible": workspace.visible,
        "cosmos_db_account": workspace.cosmos_db_account or None,
        "customer_managed_key_status": workspace.key_access or None,
    }


def _key(key: KeyStatus) -> JsonObject:
    return {
        "resource_id": key.resource_id,
        "exists": key.exists,
        "identifier": key.identifier or None,
        "in_use": _version(key.in_use),
        "latest": _version(key.latest),
        "rotation_pending": key.pending,
        "older_enabled": [_version(each) for each in key.older],
        "rotation_policy": list(key.rotation),
    }


def _version(version: Version | None) -> JsonObject | None:
    if version is None:
        return None
    return {
        "version": version.name,
        "enabled": version.enabled,
        "created": _moment(version.created),
        "starts": _moment(version.starts),
        "expires": _moment(version.expires),
    }


def _moment(moment: datetime | None) -> str | None:
    """Format a time in UTC, in whole seconds; None for none."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
