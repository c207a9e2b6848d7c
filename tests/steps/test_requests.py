"""Every request that a case plans is one that Azure documents, and its result is up to date for the next plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from support.planning import CASES, HERE, NAMES, STEPS, Case, Documents, known_from, load, merged, right, roles_address
from support.reference import ARM_TYPES

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.ids import ResourceId, resource_type
from cmkctl.plan import Action, Change, Plane, Request, Unknown, unknowns

_SAMPLES: Final[Mapping[str, str]] = {
    "identifier": NAMES["key identifier"],
    "principal_object_id": NAMES["cosmos db object id"],
    "identity_object_id": NAMES["workspace object id"],
    "principal_id": NAMES["identity object id"],
    "client_id": NAMES["identity client id"],
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


def _acts_on_an_absent_resource(case: Case) -> bool:
    """Return True for a case with an action on a resource that an earlier step makes."""
    posts = [each.request.path for each in case.plan() if each.request is not None and each.request.method == "POST"]
    actions = [each.rpartition("/")[0].lower() for each in posts if "/resourcegroups/" in each.lower()]
    return any(case.documents.get(each) is None for each in actions)


COMPLETE: Final = {
    name: case
    for name, case in CASES.items()
    if not _acts_on_an_absent_resource(case)
    and any(each.action.writes for each in case.plan())
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
    if any(each.step == "managed_identity" for change in case.plan() for each in _unknowns_of(change)):
        created = str(case.profile.workspace.created_identity_id)
        documents[created.lower()] = right("documents")[NAMES["identity"]]
    for change in case.plan():
        if change.request is not None:
            _apply(documents, case, change.request, spelled)
    return Documents(documents, case.text.get("denied", ()), case.profile.cloud)


def _unknowns_of(change: Change) -> list[Unknown]:
    """Return what a request takes from earlier steps, whose requests are no part of the case."""
    return [each for _, each in unknowns(change.request.body)] if change.request else []


def _apply(documents: dict[str, Any], case: Case, request: Request, spelled: Callable[[str], str]) -> None:
    body, path = _sampled(request.body), request.path.lower()
    if _apply_to_networks(documents, request.path, body, spelled):
        return
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
        assignment = {
            "id": request.path,
            "properties": {"scope": spelled(scope), **_spelled(body["properties"], spelled)},
        }
        listed = roles_address(scope, body["properties"]["principalId"]).lower()
        others = [each for each in (documents.get(listed) or {"value": []})["value"] if each.get("id") != request.path]
        documents[listed] = {"value": [*others, assignment]}
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


def _apply_to_networks(documents: dict[str, Any], sent: str, body: Any, spelled: Callable[[str], str]) -> bool:
    """Do what a request of a private or managed network does; return whether it is one."""
    path = sent.lower()
    listing, _, name = sent.rpartition("/")
    if "/outboundrules/" in path or path.endswith("/provisionmanagednetwork"):
        workspace = path.partition("/outboundrules/")[0].removesuffix("/provisionmanagednetwork")
        network: dict[str, Any] = {"status": {"status": spelled("Active"), "sparkReady": body.get("includeSpark")}}
        if "/outboundrules/" in path:
            network = {"outboundRules": {name: _spelled(body["properties"], spelled)}}
        documents[workspace] = merged(documents[workspace], {"properties": {"managedNetwork": network}})
    elif "/privatednszonegroups/" in path or "/virtualnetworklinks/" in path:
        documents[listing.lower()] = {"value": [{"id": spelled(sent), "name": name, **_spelled(body, spelled)}]}
    elif "/privateendpoints/" in path:
        shown = _spelled(body, spelled)
        for each in shown["properties"]["privateLinkServiceConnections"]:
            each["properties"] |= {"privateLinkServiceConnectionState": {"status": spelled("Approved")}}
        documents[path] = shown
    else:
        return False
    return True


_WORKSPACE: Final[Mapping[str, Any]] = {
    "identity": {"type": "SystemAssigned", "principalId": NAMES["workspace object id"]},
    "properties": {},
}
_VAULT: Final[Mapping[str, Any]] = {"properties": {"tenantId": NAMES["tenant"], "accessPolicies": []}}


def _read_only(path: str) -> dict[str, str]:
    """Return what Azure adds to a body and a step requires: a key's identifier, the principal of an identity."""
    if "/userassignedidentities/" in path:
        return {"principalId": NAMES["identity object id"]}
    return {"keyUriWithVersion": NAMES["key identifier"]} if "/keys/" in path else {}


def _validator_and_body(request: Request) -> tuple[Draft202012Validator, dict[str, Any]]:
    path = request.path
    if request.method == "POST":
        return Draft202012Validator(_schema(resource_type(path), request.api_version, False)), _sampled(request.body)
    # Below a vault, access policies and role assignments have ids of their own, with a provider in the middle.
    resource = ResourceId.parse(f"/subscriptions/s/resourceGroups/g{path[path.rindex('/providers/') :]}")
    schema = _schema(resource.type, request.api_version, request.method == "PATCH")
    return Draft202012Validator(schema), {"name": resource.name, **_sampled(request.body)}


@cache
def _schema(kind: str, api_version: str, patched: bool) -> dict[str, Any]:
    """Return the official type; where there is none, the shape of the published REST reference in published.yaml."""
    published = load(HERE / "published.yaml").get(f"{kind}@{api_version}")
    if published is not None:
        return dict(published)
    file = ARM_TYPES / f"{kind.replace('/', '.')}@{api_version}.json"
    return dict(_strict(_variants_with_common_properties(json.loads(file.read_text(encoding="utf-8"))), patched))


def _variants_with_common_properties(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a type whose variants, distinguished by a discriminator, allow the properties that all of them have."""
    definitions = schema["$defs"]
    for each in [one for one in definitions.values() if "x-discriminator" in one]:
        common = each.pop("properties", {})
        for variant in each["oneOf"]:
            inner = definitions[variant["$ref"].removeprefix("#/$defs/")]
            inner["properties"] = {**common, **inner["properties"]}
    return schema


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
        return _SAMPLES.get(value.output, right("known").get(f"{value.step}.{value.output}", "sample"))
    if isinstance(value, Mapping):
        return {name: _sampled(inner) for name, inner in value.items()}
    return [_sampled(each) for each in value] if isinstance(value, list | tuple) else value


def _spelled(value: Any, spelled: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: inner if name in _OPAQUE else _spelled(inner, spelled) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spelled(each, spelled) for each in value]
    return spelled(value) if isinstance(value, str) else value
