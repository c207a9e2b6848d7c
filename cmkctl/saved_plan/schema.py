"""The schema of the file, and the conversion of changes to JSON and back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cmkctl import __version__
from cmkctl.diagnostics import Diagnostic
from cmkctl.digests import digest
from cmkctl.plan import Action, AttributeChange, Change, Json, Plan, Request, Unknown
from cmkctl.procedures import named
from cmkctl.procedures.base import Procedure
from cmkctl.profile.model import Profile

MARKER: Final = "cmkctl_plan"
"""The first field of the file, which distinguishes it from a profile. Its value is the schema version."""

SCHEMA: Final = 3
_UNKNOWN: Final = "$unknown"

PlanDocument = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Digests(_Part):
    profile: str
    plan: str
    observations: str


class _Procedure(_Part):
    name: str
    arguments: dict[str, str]


class _Attribute(_Part):
    path: str
    before: Any
    after: Any
    irreversible: bool


class _Request(_Part):
    method: str
    host: str | None
    path: str
    api_version: str
    query: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None


class _Change(_Part):
    step: str
    action: Literal[
        "create", "update", "delete", "disable", "enable", "no-op", "wait"
    ]  # a plan with a conflict is never saved
    resource_id: str
    kind: str
    name: str
    reason: str
    attributes: list[_Attribute]
    irreversible: list[str]
    costs: list[str]
    depends_on: list[str]
    may_result_from: list[str]
    request: _Request | None


class _PlanFile(_Part):
    cmkctl_plan: int
    cmkctl: str
    made_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    digests: _Digests
    sandbox: bool
    procedure: _Procedure
    subject: dict[str, str]
    profile: dict[str, Any]
    left_out: list[str]
    changes: list[_Change]
    diagnostics: list[dict[str, str]]
    begun: list[str]


@dataclass(frozen=True, slots=True)
class Content:
    """The decoded content of a document."""

    profile: Profile
    procedure: Procedure
    changes: tuple[Change, ...]


def document_of(
    plan: Plan, profile: Profile, procedure: Procedure, made_at: datetime, *, sandbox: bool
) -> PlanDocument:
    """Return the document of a plan before its first apply; `sandbox` is true when it was made against the sandbox."""
    shown = _shown(plan, profile, procedure, sandbox=sandbox)
    return {
        MARKER: SCHEMA,
        "cmkctl": __version__,
        "made_at": f"{made_at:%Y-%m-%dT%H:%M:%SZ}",
        "digests": {**digests(shown), "observations": plan.observed},
        **shown,
        "diagnostics": [*map(_encoded_diagnostic, plan.diagnostics)],
        "begun": [],
    }


def _shown(plan: Plan, profile: Profile, procedure: Procedure, *, sandbox: bool) -> PlanDocument:
    subject = plan.subject
    return {
        "sandbox": sandbox,
        "procedure": {"name": procedure.name, "arguments": dict(procedure.arguments)},
        "subject": {
            "cloud": str(subject.cloud),
            "subscription": subject.subscription,
            "location": subject.location,
            "workspace_id": subject.workspace_id,
        },
        # With its defaults, so that a version with different defaults cannot silently change the plan.
        "profile": profile.model_dump(mode="json", exclude_none=True),
        # A field that is left out permits what Azure has; the same value, written, is a requirement.
        "left_out": [*_left_out(profile)],
        "changes": [*map(_encoded_change, plan.changes)],
    }


def digests(document: PlanDocument) -> dict[str, str]:
    """Compute the digests of a document: of the profile and of the plan that was shown."""
    return {
        "profile": digest(document["profile"]),
        "plan": digest({name: document[name] for name in ("sandbox", "procedure", "subject", "left_out", "changes")}),
    }


def check(document: PlanDocument) -> None:
    """Validate presence and types. Raises pydantic's ValidationError."""
    _PlanFile.model_validate(document)


def content(document: PlanDocument) -> Content:
    """Decode a validated document. Raises ValueError for an invalid value."""
    file = _PlanFile.model_validate(document)
    changes = map(_decoded_change, file.changes)
    profile = Profile.model_validate(document["profile"])
    for path in document["left_out"]:
        *sections, name = path.split(".")
        section: Any = profile
        for each in sections:
            known = isinstance(section, BaseModel) and each in type(section).model_fields
            section = getattr(section, each) if known else None
        if isinstance(section, BaseModel):
            section.model_fields_set.discard(name)
    return Content(profile, named(file.procedure.name, file.procedure.arguments), tuple(changes))


def _left_out(section: BaseModel, prefix: str = "") -> Iterator[str]:
    """Yield the paths of the fields that have their default because the operator left them out."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name not in section.model_fields_set and value is not None:
            yield f"{prefix}{name}"
        if isinstance(value, BaseModel):
            yield from _left_out(value, f"{prefix}{name}.")


# --- to JSON


def _encoded_change(change: Change) -> PlanDocument:
    return {
        "step": change.step,
        "action": change.action.value,
        "resource_id": change.resource_id,
        "kind": change.kind,
        "name": change.name,
        "reason": change.reason,
        "attributes": [*map(_encoded_attribute, change.attributes)],
        "irreversible": list(change.irreversible),
        "costs": list(change.costs),
        "depends_on": list(change.depends_on),
        "may_result_from": list(change.may_result_from),
        "request": None if change.request is None else _encoded_request(change.request),
    }


def _encoded_attribute(attribute: AttributeChange) -> PlanDocument:
    return {
        "path": attribute.path,
        "before": encoded(attribute.before),
        "after": encoded(attribute.after),
        "irreversible": attribute.irreversible,
    }


def _encoded_request(request: Request) -> PlanDocument:
    return {
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "api_version": request.api_version,
        **({"query": dict(request.query)} if request.query else {}),
        "body": None if request.body is None else encoded(request.body),
    }


def _encoded_diagnostic(diagnostic: Diagnostic) -> dict[str, str]:
    names = ("code", "severity", "summary", "detail", "remedy", "subject")
    return {name: str(getattr(diagnostic, name)) for name in names}


def encoded(value: Json) -> Any:
    """Encode a JSON value for the file. A second dollar escapes names that begin with one."""
    if isinstance(value, Unknown):
        return {_UNKNOWN: f"{value.step}.{value.output}"}
    if isinstance(value, Mapping):
        return {f"${name}" if name.startswith("$") else name: encoded(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*map(encoded, value)]
    return value


# --- from JSON


def _decoded_change(change: _Change) -> Change:
    return Change(
        change.step,
        Action(change.action),
        change.resource_id,
        change.kind,
        change.name,
        change.reason,
        attributes=tuple(map(_decoded_attribute, change.attributes)),
        irreversible=tuple(change.irreversible),
        costs=tuple(change.costs),
        depends_on=tuple(change.depends_on),
        request=None if change.request is None else _decoded_request(change.request),
        may_result_from=tuple(change.may_result_from),
    )


def _decoded_attribute(each: _Attribute) -> AttributeChange:
    return AttributeChange(each.path, decoded(each.before), decoded(each.after), each.irreversible)


def _decoded_request(request: _Request) -> Request:
    body = None if request.body is None else _decoded_object(request.body)
    return Request(request.method, request.path, request.api_version, body, request.host, query=request.query)


def decoded(value: Any) -> Json:
    """Decode a value written by `encoded`. Raises ValueError for anything that `encoded` never writes."""
    if isinstance(value, list):
        return [*map(decoded, value)]
    if isinstance(value, dict):
        return _decoded_unknown(value[_UNKNOWN]) if value.keys() == {_UNKNOWN} else _decoded_object(value)
    scalar: Json = value
    return scalar


def _decoded_object(value: PlanDocument) -> dict[str, Json]:
    alien = [name for name in value if name.startswith("$") and not name.startswith("$$")]
    if alien:
        raise ValueError(f"{alien[0]!r} is unknown to this cmkctl")
    return {name.removeprefix("$"): decoded(inner) for name, inner in value.items()}


def _decoded_unknown(text: Any) -> Unknown:
    step, dot, output = text.partition(".") if isinstance(text, str) else ("", "", "")
    if not dot:
        raise ValueError(f"{text!r} does not name an output of a step")
    return Unknown(step, output)
