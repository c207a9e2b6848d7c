"""Every request that a case plans is one that Azure documents, and its result is up to date for the next plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from support.planning import CASES, NAMES, STEPS, Case, Documents, known_from, merged, right, roles_address
from support.reference import ARM_TYPES

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.ids import ResourceId
from cmkctl.plan import Action, Change, Plane, Request, Unknown

_SAMPLES: Final[Mapping[str, str]] = {
    "identifier": NAMES["key identifier"],
    "principal_object_id": NAMES["cosmos db object id"],
    "identity_object_id": NAMES["workspace object id"],
}
_OPAQUE: Final = frozenset({"tags", "provisioningState", "friendlyName", "description", "condition"})
"""Texts that Azure returns letter for letter."""


def _writes() -> dict[str, tuple[Change, Request]]:
    return {
        f"{name}/{change.title}": (change, change.request)
        for name, case in CASES.items()
        for change in case.plan()
        if change.request is not None and change.request.body is not None
    }


WITH_SCHEMA: Final = {
    name: request
    for name, (_, request) in _writes().items()
    # A group has a location and tags; a service principal is Microsoft Graph's.
    if "/resourcegroups/" not in request.path and request.plane is Plane.ARM
}
COMPLETE: Final = {
    name: case
    for name, case in CASES.items()
    if any(each.action.writes for each in case.plan())
    and not any(each.action in (Action.CONFLICT, Action.WAIT) for each in case.plan())
}


@pytest.mark.skipif(not ARM_TYPES.is_dir(), reason="../shared/reference/arm-types, the official schemas, is not there")
@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_body_is_as_azure_documents_it(name: str) -> None:
    """A body has the official shape of exactly its type and api-version, and nothing in it is read-only."""
    validator, body = _validator_and_body(WITH_SCHEMA[name])

    assert [] == [f"{each.json_path}: {each.message}" for each in validator.iter_errors(body)]


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("spelled", [str, str.upper], ids=["as sent", "in another casing"])
def test_nothing_is_left_after_the_requests_of_a_case(name: str, spelled: Callable[[str], str]) -> None:
    """When Azure has done what it was sent, and shows it in any casing, the next plan is all no-op."""
    case, step = COMPLETE[name], STEPS[COMPLETE[name].step]
    azure = _after(case, spelled)
    known = known_from(dict(_sampled(case.known)))

    changes = step.plan(case.profile, step.observe(azure, case.profile), known)

    assert [] == [each for each in changes if each.action is not Action.NO_OP]


def _after(case: Case, spelled: Callable[[str], str]) -> Documents:
    """Return Azure after every request of a case."""
    documents = dict(case.documents)
    for change in case.plan():
        if change.request is not None:
            _apply(documents, case, change.request, spelled)
    return Documents(documents, case.text.get("denied", ()), case.profile.cloud)


def _apply(documents: dict[str, Any], case: Case, request: Request, spelled: Callable[[str], str]) -> None:
    body, path = _sampled(request.body), request.path.lower()
    if request.plane is Plane.GRAPH:
        app_id = ENDPOINTS[case.profile.cloud].cosmos_db_app_id
        documents[f"{path}(appid='{app_id}')"] = {"id": NAMES["cosmos db object id"], **body}
    elif path.endswith("/rotationpolicy"):
        key = documents[NAMES["key"].lower()]
        documents[NAMES["key"].lower()] = {**key, "properties": {**key["properties"], "rotationPolicy": body}}
    elif path.endswith("/recover"):
        documents[NAMES["key"].lower()] = right("documents")[NAMES["key"]]
    elif (body or {}).get("properties", {}).get("createMode") == "recover":
        documents[path] = right("documents")[NAMES["vault"]]
    elif path.endswith("/register"):
        documents[path.removesuffix("/register")] = {"registrationState": "Registered"}
    elif path.endswith("/accesspolicies/add"):
        properties = (documents.get(path.removesuffix("/accesspolicies/add")) or _VAULT)["properties"]
        added = _spelled(body["properties"]["accessPolicies"], spelled)
        vault = {"properties": {**properties, "accessPolicies": [*properties["accessPolicies"], *added]}}
        documents[path.removesuffix("/accesspolicies/add")] = vault
    elif "/roleassignments/" in path:
        scope = request.path[: path.index("/providers/microsoft.authorization/")]
        # Azure shows the scope, which is no part of the body; a role assignment exists on a vault that exists.
        assignment = {"properties": {"scope": spelled(scope), **_spelled(body["properties"], spelled)}}
        documents[roles_address(scope, body["properties"]["principalId"]).lower()] = {"value": [assignment]}
        rbac_vault = {"properties": {**_VAULT["properties"], "enableRbacAuthorization": True}}
        documents[scope.lower()] = documents.get(scope.lower()) or rbac_vault
        # What only exists after the workspace has been created by then.
        documents[NAMES["workspace"].lower()] = documents.get(NAMES["workspace"].lower()) or _WORKSPACE
    elif "/diagnosticsettings/" in path:
        listing, _, name = path.rpartition("/")
        others = [each for each in (documents.get(listing) or {"value": []})["value"] if each["name"].lower() != name]
        documents[listing] = {"value": [*others, {"name": spelled(name), **_spelled(body, spelled)}]}
    else:
        shown = _spelled(body, spelled)
        properties = {**shown.get("properties", {}), "provisioningState": "Succeeded", **_read_only(path)}
        before = documents.get(path) if request.method == "PATCH" else None
        documents[path] = merged(before or {}, {**shown, "properties": properties})


_WORKSPACE: Final[Mapping[str, Any]] = {
    "identity": {"type": "SystemAssigned", "principalId": NAMES["workspace object id"]},
    "properties": {},
}
_VAULT: Final[Mapping[str, Any]] = {"properties": {"tenantId": NAMES["tenant"], "accessPolicies": []}}


def _read_only(path: str) -> dict[str, str]:
    """Return what Azure adds to a body and a step requires: a key's identifier."""
    return {"keyUriWithVersion": NAMES["key identifier"]} if "/keys/" in path else {}


def _validator_and_body(request: Request) -> tuple[Draft202012Validator, dict[str, Any]]:
    path = request.path
    # Below a vault, access policies and role assignments have ids of their own, with a provider in the middle.
    resource = ResourceId.parse(f"/subscriptions/s/resourceGroups/g{path[path.rindex('/providers/') :]}")
    schema = _schema(resource.type, request.api_version, request.method == "PATCH")
    return Draft202012Validator(schema), {"name": resource.name, **_sampled(request.body)}


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}, **properties}}


_TEXT: Final = {"type": "string"}
_ROW: Final = {"enabled": {"type": "boolean"}, "category": _TEXT, "retentionPolicy": {"type": "object"}}
_FROM_THE_REST_REFERENCE: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    # https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/create-or-update
    ("Microsoft.Insights/diagnosticSettings", "2021-05-01-preview"): _closed(
        properties=_closed(
            **dict.fromkeys(
                (
                    "eventHubAuthorizationRuleId",
                    "eventHubName",
                    "marketplacePartnerId",
                    "serviceBusRuleId",
                    "storageAccountId",
                    "workspaceId",
                ),
                _TEXT,
            ),
            logAnalyticsDestinationType={"enum": ["Dedicated", None]},
            logs={"type": "array", "items": {**_closed(**_ROW, categoryGroup=_TEXT), "required": ["enabled"]}},
            metrics={"type": "array", "items": {**_closed(**_ROW, timeGrain=_TEXT), "required": ["enabled"]}},
        )
    ),
}
"""The shapes of what the official types do not have."""


@cache
def _schema(resource_type: str, api_version: str, patched: bool) -> dict[str, Any]:
    if (resource_type, api_version) in _FROM_THE_REST_REFERENCE:
        return dict(_strict(_FROM_THE_REST_REFERENCE[resource_type, api_version], patched))
    file = ARM_TYPES / f"{resource_type.replace('/', '.')}@{api_version}.json"
    return dict(_strict(json.loads(file.read_text(encoding="utf-8")), patched))


def _strict(schema: Any, patched: bool) -> Any:
    """Return the schema that rejects read-only properties and unknown values, and for a PATCH requires nothing."""
    if isinstance(schema, list):
        return [_strict(each, patched) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("readOnly") is True:
        return False
    kept = {name: _strict(inner, patched) for name, inner in schema.items() if not (patched and name == "required")}
    if "x-known-values" in kept:
        kept["enum"] = kept["x-known-values"]
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = "#/$defs/" + kept["$ref"].removeprefix("#/$defs/").replace("/", "~1")
    return kept


def _sampled(value: Any) -> Any:
    """Return a value with a sample in place of each unknown."""
    if isinstance(value, Unknown):
        return _SAMPLES.get(value.output, "sample")
    if isinstance(value, Mapping):
        return {name: _sampled(inner) for name, inner in value.items()}
    return [_sampled(each) for each in value] if isinstance(value, list | tuple) else value


def _spelled(value: Any, spelled: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: inner if name in _OPAQUE else _spelled(inner, spelled) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spelled(each, spelled) for each in value]
    return spelled(value) if isinstance(value, str) else value
