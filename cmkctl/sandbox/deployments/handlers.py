"""Deployments as clients see them: 201 and an operation to poll, at resource group and at subscription scope."""

import json
import re
from dataclasses import asdict
from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments import (
    extended_json,
    foretold,
    order,
    parameters,
    preflight,
    reading,
    records,
    run,
    template,
)
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS, Place
from cmkctl.sandbox.deployments.evaluate import Scope
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions import require_known
from cmkctl.sandbox.deployments.functions_azure import static
from cmkctl.sandbox.providers.microsoft_resources import groups

VERSIONS = (*groups.VERSIONS, "2022-05-01")
NAME = re.compile(r"[-\w._()]{1,64}")
RETRY_AFTER = 15
WHAT_IF = "deployment.whatif"
SHAPE = {
    "location": str,
    "tags": shapes.TAGS,
    "properties": Required(
        {
            "template": dict,
            "parameters": dict,
            "mode": Required(("Incremental", "Complete")),
            "debugSetting": dict,
            "expressionEvaluationOptions": dict,
            "onErrorDeployment": dict,
            "templateLink": dict,
            "parametersLink": dict,
            "validationLevel": str,
            "whatIfSettings": {"resultFormat": ("ResourceIdOnly", "FullResourcePayloads")},
        }
    ),
}
LINKS = ("templateLink", "parametersLink", "onErrorDeployment")


def put_deployment(tenant: Tenant, call: Call) -> Reply:
    """Begin a deployment: 201 ``Accepted`` and Azure-AsyncOperation, no Location (fact 11); 200 when it existed."""
    record = _prepare(tenant, call)
    place = records.place_of(record)
    before = records.table(tenant).get(ids.key(place.id))
    if before is not None and before["state"] in {"Accepted", "Running"}:
        raise errors.deployment_active(place.name, records.stamp(before["began"]))
    shown = records.view(record)
    run.begin(tenant, record)
    operations.settle(tenant)
    # The word in lower case, as recorded (01, 04, 07).
    path = f"{place.id.replace('/resourceGroups/', '/resourcegroups/')}/operationStatuses/{record['number']}"
    link = f"{call.url}{path}?api-version={call.api_version}"
    return Reply(201 if before is None else 200, shown, {"Azure-AsyncOperation": link})


def _prepare(tenant: Tenant, call: Call) -> Json:
    """Return the record of a deployment whose template is valid; nothing is started."""
    place, sent = reading.place_in(tenant, call), extended_json.body_of(call)
    _hide_secrets(call, sent)
    body = shapes.accept(SHAPE, sent, call.api_version)
    place = _located(tenant, place, body)
    form = template.check_form(body["properties"].get("template"))
    try:
        require_known(form)
    except ExpressionError as problem:
        raise errors.template_invalid(str(problem)) from problem
    number = tenant.serial()
    scope = _scope(tenant, call, place, form, number)
    given = parameters.take(form.get("parameters") or {}, body["properties"].get("parameters") or {}, scope)
    evaluated = _with(scope, form, given.values)
    steps = template.steps_of(form, place, evaluated)
    order.connect(steps, place.base, evaluated)
    return _record(tenant, call, place, form, given, steps, number, body.get("tags"))


def _located(tenant: Tenant, place: Place, body: Json) -> Place:
    """Refuse what a deployment cannot be, and return its place with its location."""
    if not NAME.fullmatch(place.name):
        raise errors.name_invalid(place.name, DEPLOYMENTS, "1-64 letters, digits, _ - . ( )")
    properties = body["properties"]
    if properties["mode"].lower() == "complete":
        raise errors.not_modelled("deployments in mode Complete")
    linked = [name for name in LINKS if properties.get(name)]
    if linked:
        raise errors.not_modelled(f"'{linked[0]}' of a deployment: the sandbox fetches nothing")
    if place.group:
        group = tenant.group(place.subscription, place.group)["doc"]
        if group["properties"]["provisioningState"] == "Deleting":
            raise errors.group_being_deleted(place.group)
        return place
    if not body.get("location"):
        raise errors.location_required()
    return Place(place.subscription, "", place.name, require_location(body["location"]))


def _hide_secrets(call: Call, sent: Json) -> None:
    """Take the values of secure parameters out of the body that the request log is going to keep."""
    properties = sent.get("properties")
    form = properties.get("template") if isinstance(properties, dict) else None
    declared = form.get("parameters") if isinstance(form, dict) else None
    given = properties.get("parameters") if isinstance(properties, dict) else None
    if not isinstance(declared, dict) or not isinstance(given, dict):
        return
    secure = {name.lower() for name, row in declared.items() if parameters.is_secure(row)}
    kept = {name: {"value": "***"} if name.lower() in secure else row for name, row in given.items()}
    call.body = json.dumps({**sent, "properties": {**sent["properties"], "parameters": kept}}).encode()


def _scope(tenant: Tenant, call: Call, place: Place, form: Json, number: str) -> Scope:
    azure = static(tenant, place, call.host, records.as_function(place, form, {}))
    seed = f"{place.id}/{number}"
    return Scope(azure=azure, variables=form.get("variables") or {}, seed=seed, now=tenant.clock())


def _with(scope: Scope, form: Json, values: Json) -> Scope:
    return Scope(azure=scope.azure, parameters=values, variables=form.get("variables") or {})


def _record(
    tenant: Tenant,
    call: Call,
    place: Place,
    form: Json,
    given: parameters.Given,
    steps: list[Json],
    number: str,
    tags: Any,
) -> Json:
    now = tenant.clock()
    return {
        "place": place.to_json(),
        "host": call.host,
        "caller": asdict(call.caller) if call.caller else None,
        "number": str(int(ids.hex_name("deployment", place.id, number, length=16), 16)).zfill(20),
        "correlation": call.headers.get("x-ms-correlation-request-id") or ids.guid("correlation", place.id, number),
        "hash": template.template_hash(form),
        "template": form,
        "source": form,
        "parameters": given.values,
        "types": given.types,
        "steps": steps,
        "tags": tags,
        "state": "Accepted",
        "began": now,
        "touched": now,
    }


def validate(tenant: Tenant, call: Call) -> Reply:
    """Answer 200 for a template that is in order and that no provider, policy or missing right refuses; else 400."""
    record = _prepare(tenant, call)
    refused = preflight.refusals(tenant, record, _prepare)
    if refused:
        policies = all(each.code == "RequestDisallowedByPolicy" for each in refused)
        error = (
            errors.deployment_denied() if policies else errors.deployment_refused(call["deployment"], record["number"])
        )
        raise error.because(*(each.error() for each in refused))
    shown = records.view({**record, "state": "Succeeded"})
    resources = [{"id": step["id"]} for step in record["steps"] if step["deployed"]]
    return Reply(200, {**shown, "properties": {**shown["properties"], "validatedResources": resources}})


def what_if(tenant: Tenant, call: Call) -> Reply:
    """Begin to foretell what a deployment would change: 202 and a Location."""
    sent = extended_json.body_of(call)
    properties = sent.get("properties") if isinstance(sent.get("properties"), dict) else {}
    settings = (properties or {}).get("whatIfSettings") or {}
    whole = str(settings.get("resultFormat", "FullResourcePayloads")).lower() != "resourceidonly"
    record = _prepare(tenant, call)
    result = foretold.changes(tenant, record, whole=whole)
    place = records.place_of(record)
    name = operations.start(
        tenant,
        WHAT_IF,
        place.id,
        changes=result,
        correlation=record["correlation"],
        path=f"{place.id}/whatIfOperationResults",
    )
    return Reply(202, headers=_what_if_headers(tenant, call, name))


def _what_if_headers(tenant: Tenant, call: Call, name: str) -> dict[str, str]:
    path = f"{operations.get(tenant, name)['path']}/{name}"
    return {"Location": operations.link(call, path, name), "Retry-After": tenant.pace.retry_after(RETRY_AFTER)}


def poll_what_if(tenant: Tenant, call: Call) -> Reply:
    """Answer 202 while it is foretold, then the changes."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if not operation["finished"]:
        return Reply(202, headers=_what_if_headers(tenant, call, call["operation"]))
    found = {"correlationId": operation["correlation"], "changes": operation["changes"]}
    return Reply(200, {"status": "Succeeded", "properties": found})


@operations.finisher(WHAT_IF)
def finish_what_if(tenant: Tenant, operation: Json) -> None:
    """Do nothing: the changes are known from the beginning."""


def export_template(tenant: Tenant, call: Call) -> Reply:
    """Answer the template a deployment was made with."""
    record = records.find(tenant, reading.place_in(tenant, call))
    return Reply(200, {"template": record["source"]})


def delete_deployment(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a deployment's record, 202; its resources stay. 204 when there is none."""
    place = reading.place_in(tenant, call)
    record = records.table(tenant).get(ids.key(place.id))
    if record is None:
        return Reply(204)
    if record["state"] in {"Accepted", "Running"}:
        raise errors.deployment_active(place.name, records.stamp(record["began"]))
    return Reply(202, headers=_poll_headers(tenant, call, operations.start(tenant, "deployment.delete", place.id)))


def _poll_headers(tenant: Tenant, call: Call, name: str) -> dict[str, str]:
    path = f"/subscriptions/{call['subscription']}/providers/Microsoft.Resources/deploymentDeletions/{name}"
    return {"Location": operations.link(call, path, name), "Retry-After": tenant.pace.retry_after(RETRY_AFTER)}


def poll_delete(tenant: Tenant, call: Call) -> Reply:
    """Answer 202 while a deployment's record is being deleted, then 204."""
    operations.require_verbatim(call, call["operation"])
    if operations.poll(tenant, call["operation"])["finished"]:
        return Reply(204)
    return Reply(202, headers=_poll_headers(tenant, call, call["operation"]))


@operations.finisher("deployment.delete")
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take the record away."""
    records.table(tenant).pop(ids.key(operation["target"]), None)


def _routes(base: str) -> tuple[Route, ...]:
    one = f"{base}/providers/{DEPLOYMENTS}/{{deployment}}"
    rows: list[tuple[str, str, Handler]] = [
        ("PUT", one, put_deployment),
        ("GET", one, reading.get_deployment),
        ("HEAD", one, reading.head_deployment),
        ("DELETE", one, delete_deployment),
        ("POST", f"{one}/validate", validate),
        ("POST", f"{one}/whatIf", what_if),
        ("GET", f"{one}/whatIfOperationResults/{{operation}}", poll_what_if),
        ("POST", f"{one}/exportTemplate", export_template),
        ("GET", f"{one}/operationStatuses/{{status}}", reading.poll_deployment),
        ("GET", f"{base}/providers/{DEPLOYMENTS}", reading.list_deployments),
    ]
    # Operations are listed without the provider's name, too: the SDKs do (recordings 04, 07).
    for path in (one, f"{base}/deployments/{{deployment}}"):
        rows += [("GET", f"{path}/operations", reading.list_operations)]
        rows += [("GET", f"{path}/operations/{{operation}}", reading.get_operation)]
    return tuple(Route(method, path, handler, DEPLOYMENTS, VERSIONS) for method, path, handler in rows)


ROUTES = (
    *_routes("/subscriptions/{subscription}/resourcegroups/{group}"),
    *_routes("/subscriptions/{subscription}"),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Resources/deploymentDeletions/{operation}",
        poll_delete,
    ),
)
