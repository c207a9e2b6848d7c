"""Runs a deployment: starts the resources that are ready, polls those that are running, and concludes.

A deployment is an operation of the sandbox like any other. Each time it is its turn (a poll, or the time that passes, as
the pace has it) it does one round: it looks at what is running, then begins what all dependencies are done of.
"""

from contextlib import suppress
from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, registry
from cmkctl.sandbox.core.clouds import locate
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.messages import Reply
from cmkctl.sandbox.core.pace import Countdown
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments import failures, records
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS
from cmkctl.sandbox.deployments.evaluate import Scope, evaluate
from cmkctl.sandbox.deployments.outputs import evaluate_outputs
from cmkctl.sandbox.deployments.tenant_facade import TenantFacade

Json = dict[str, Any]
RESOURCE_TYPE = "deployment"
REGISTER = "2021-04-01"
LOOKS = 100
"""Polls of a running resource in one round where the pace counts reads: enough for any of them to end."""


def begin(tenant: Tenant, record: Json) -> None:
    """Begin a deployment: its first turn comes after one poll or half the usual time, which shows as ``Accepted``."""
    name = record["operation"] = operations.start(tenant, RESOURCE_TYPE, records.place_of(record).id, factor=0.5)
    if tenant.pace.unit == "reads":
        operations.get(tenant, name)["countdown"] = _next(tenant)
    records.table(tenant)[ids.key(records.place_of(record).id)] = record


def _next(tenant: Tenant) -> Countdown:
    """Return when the next turn is: after one poll, or at the next request."""
    return {"reads": 1} if tenant.pace.unit == "reads" and tenant.pace.amount else {"until": tenant.clock()}


@operations.finisher(RESOURCE_TYPE)
def take_turn(tenant: Tenant, operation: Json) -> None:
    """Do one round, or as many as get anything done where the pace does not count reads; go on next time if need be."""
    record = records.table(tenant).get(ids.key(operation["target"]))
    if record is None or record["state"] not in {"Accepted", "Running"}:
        return
    if record["state"] == "Accepted":
        _register(tenant, record)
        record["state"] = "Running"
    moved = True
    while moved and record["state"] == "Running":
        moved = _round(tenant, record) and tenant.pace.unit != "reads"
    if record["state"] == "Running":
        operation.update(finished=False, countdown=_next(tenant))
    tenant.changed()


def _register(tenant: Tenant, record: Json) -> None:
    """Register the providers the template names, as Azure does for a template (docs, resource-providers-and-types).

    What the deployer may not register stays as it is; its resources are refused then.
    """
    place, facade = records.place_of(record), records.world_of(tenant, record)
    table = tenant.data["providers"][place.subscription.lower()]
    for row in records.providers(record["steps"]):
        provider = table.get(row["namespace"].lower())
        if provider is None or provider["state"] == "Registered":
            continue
        with suppress(AzureError):
            facade.send("POST", f"/subscriptions/{place.subscription}/providers/{row['namespace']}/register", REGISTER)
            provider.update(state="Registered")
            provider.pop("countdown", None)
            registry.registered(tenant, row["namespace"], locate(record["host"])[0].name)


def _round(tenant: Tenant, record: Json) -> bool:
    """Poll what is running, start what is ready, and conclude when neither is left; return whether anything moved."""
    facade = records.world_of(tenant, record)
    record["touched"] = tenant.clock()
    running = [step for step in record["steps"] if step.get("state") == "Running"]
    moved = [_watch(tenant, facade, step) for step in running]
    ready = _ready(record["steps"])
    scope = records.scope_of(tenant, record) if ready else None
    for step in ready:
        if scope is not None:
            _begin_step(tenant, facade, step, scope)
    if not any(step.get("state") == "Running" for step in record["steps"]) and not _ready(record["steps"]):
        _conclude(tenant, record)
    return any(moved) or bool(ready)


def _ready(steps: list[Json]) -> list[Json]:
    done = {step["id"] for step in steps if step.get("state") == "Succeeded"}
    return [step for step in steps if step["deployed"] and "state" not in step and done.issuperset(step["dependsOn"])]


# --- one resource


def _begin_step(tenant: Tenant, facade: TenantFacade, step: Json, scope: Scope) -> None:
    number = tenant.serial()
    step.update(began=tenant.clock(), turn=int(number), state="Running", status=200, poll=None)
    step.update(
        operationId=ids.hex_name("step", number, length=16).upper(), trackingId=ids.guid("tracking", step["id"], number)
    )
    try:
        body = registry.adapted(step["type"], body_of(step, scope.inside(step["loops"])))
        reply = facade.send("PUT", step["id"], step["api"], body)
    except failures.ExpressionError as problem:
        _fail(tenant, step, errors.deployment_expression(problem).error(), 400)
    except AzureError as refusal:
        _fail(tenant, step, failures.rejected(refusal), refusal.status)
    else:
        _note_started(tenant, step, reply)


def body_of(step: Json, scope: Scope) -> Json:
    """Return what is sent for a resource. The template of a nested deployment of inner scope stays as it is."""
    raw = step["raw"]
    if step["type"].lower() != DEPLOYMENTS.lower():
        return dict(evaluate(raw, scope))
    properties = dict(raw.get("properties") or {})
    options = properties.pop("expressionEvaluationOptions", None) or {}
    inner = str(options.get("scope", "outer")).lower() == "inner"
    template = properties.pop("template") if inner and "template" in properties else None
    body = dict(evaluate({**raw, "properties": properties}, scope))
    return {**body, "properties": {**body["properties"], "template": template}} if template is not None else body


def _note_started(tenant: Tenant, step: Json, reply: Reply) -> None:
    step["status"] = reply.status
    step["poll"] = reply.headers.get("Azure-AsyncOperation")
    if step["poll"] is None and reply.status == 202:  # with 201 it is the resource's own address
        step["poll"] = reply.headers.get("Location")
    if step["poll"] is None and _settled(reply):
        _succeed(tenant, step)


def _settled(reply: Reply) -> bool:
    properties = reply.body.get("properties") if isinstance(reply.body, dict) else None
    return bool((properties or {}).get("provisioningState", "Succeeded") == "Succeeded")


def _watch(tenant: Tenant, facade: TenantFacade, step: Json) -> bool:
    """Look at a running resource until it is done, or as often as the pace lets one round; return whether it is done."""
    for _ in range(LOOKS if tenant.pace.unit == "reads" else 1):
        try:
            cause = _look(facade, step)
        except AzureError as refusal:
            _fail(tenant, step, failures.rejected(refusal), refusal.status)
            return True
        if cause is None:
            continue
        if cause:
            _fail(tenant, step, errors.deployment_resource_failed(step["id"]).because(cause).error(), 409)
        else:
            _succeed(tenant, step)
        return True
    return False


def _look(facade: TenantFacade, step: Json) -> Json | None:
    """Return None while it goes on, an empty object when it is there, or the error it ended with."""
    if step["poll"] is None:
        return {} if _settled(facade.send("GET", step["id"], step["api"])) else None
    reply = facade.follow(step["poll"])
    status = reply.body.get("status") if isinstance(reply.body, dict) else None
    if status in {"Failed", "Canceled"}:
        return dict(reply.body["error"])
    return {} if status == "Succeeded" or (status is None and reply.status != 202) else None


def _succeed(tenant: Tenant, step: Json) -> None:
    step.update(state="Succeeded", ended=tenant.clock(), status=200 if step["poll"] else step["status"])


def _fail(tenant: Tenant, step: Json, error: Json, status: int) -> None:
    step.update(state="Failed", ended=tenant.clock(), status=status, error=error)


# --- the end


def _conclude(tenant: Tenant, record: Json) -> None:
    place = records.place_of(record)
    failed = [step["error"] for step in record["steps"] if "error" in step]
    if not failed:
        try:
            record["outputs"] = evaluate_outputs(record["template"], records.scope_of(tenant, record))
        except failures.ExpressionError as problem:
            failed = [errors.deployment_outputs(problem).error()]
        except AzureError as refusal:
            failed = [errors.deployment_outputs(refusal.message).error()]
    if failed:
        record.update(state="Failed", error=errors.deployment_failed(place.id).because(*failed).error())
    else:
        record.update(state="Succeeded", outputResources=_made(tenant, record))
    if not record.get("outputs"):
        record.pop("outputs", None)
    records.forget_inputs(record)


def _made(tenant: Tenant, record: Json) -> list[Json]:
    """Return the ids of what was deployed, each once, those of nested deployments in their place (recording 09)."""
    found = []
    for step in record["steps"]:
        if step["deployed"] and step["type"].lower() == DEPLOYMENTS.lower():
            found += records.table(tenant).get(ids.key(step["id"]), {}).get("outputResources", [])
        elif step["deployed"]:
            found.append({"id": step["id"]})
    once = {ids.key(row["id"]): row for row in found}
    return [once[key] for key in sorted(once)]
