"""The writes that a sandbox received, and those that a plan shows, in one form that can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.plan import Json, Output, Plan, Request, Unknown
from cmkctl.sandbox.core.requestlog import LoggedRequest

Sent = tuple[str, str, str, str, str]
"""A write for comparing: method, host, path, api-version and canonical body."""


def canonical(body: Any) -> str:
    """JSON as one text, whatever the order of its names."""
    return json.dumps(body, sort_keys=True)


def sent(entry: LoggedRequest) -> Sent:
    """Make a request to the sandbox comparable."""
    version = entry.api_version or entry.path.split("/")[1]
    return entry.method, f"https://{entry.host}", entry.path, version, canonical(entry.body)


def shown(request: Request, plan: Plan, result: Plan) -> Sent:
    """Make what a plan shows comparable; its unknowns are what they have become in the result."""
    host = request.host or ENDPOINTS[Cloud(plan.subject.cloud)].arm
    return request.method, host, request.path, request.api_version, canonical(resolved(request.body, result))


def resolved(value: Json, result: Plan) -> Json:
    """Resolve the unknowns of a body."""
    if isinstance(value, Unknown):
        return result.known.get(Output(value.step, value.output))
    if isinstance(value, Mapping):
        return {name: resolved(inner, result) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolved(inner, result) for inner in value]
    return value
