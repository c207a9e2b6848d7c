"""The record of a deployment, and its representation (recordings 01, 04, 07)."""

from datetime import UTC, datetime
from typing import Any

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS, Place
from cmkctl.sandbox.deployments.evaluate import Scope
from cmkctl.sandbox.deployments.failures import reason
from cmkctl.sandbox.deployments.functions_azure import live, static
from cmkctl.sandbox.deployments.parameters import Given
from cmkctl.sandbox.deployments.tenant_facade import TenantFacade

Json = dict[str, Any]


def table(tenant: Tenant) -> dict[str, Json]:
    """Return all deployments by lower-case id. State files that were written before there were any have no table."""
    found: dict[str, Json] = tenant.data.setdefault("deployments", {})
    return found


def find(tenant: Tenant, place: Place) -> Json:
    """Return one deployment.

    Raises:
        AzureError: 404 `ResourceGroupNotFound` or `DeploymentNotFound`.

    """
    if place.group:
        tenant.group(place.subscription, place.group)
    found = table(tenant).get(ids.key(place.id))
    if found is None:
        raise errors.deployment_not_found(place.name)
    return found


def place_of(record: Json) -> Place:
    """Return where a deployment is."""
    return Place(**record["place"])


def world_of(tenant: Tenant, record: Json) -> TenantFacade:
    """Return the tenant as this deployment meets it."""
    return TenantFacade(tenant, record["host"], Caller(**record["caller"]) if record["caller"] else None)


def scope_of(tenant: Tenant, record: Json) -> Scope:
    """Return what the deployment's expressions may refer to while it runs."""
    place = place_of(record)
    azure = static(tenant, place, record["host"], as_function(place, record["template"], record["parameters"]))
    functions = live(world_of(tenant, record), place.base, record["steps"])
    template = record["template"]
    return Scope(
        azure={**azure, **functions}, parameters=record["parameters"], variables=template.get("variables") or {}
    )


def as_function(place: Place, template: Json, parameters: Json) -> Json:
    """Return what the template function ``deployment()`` answers."""
    inner = {"template": template, "parameters": parameters, "mode": "Incremental", "provisioningState": "Running"}
    where = {"location": place.location} if place.location else {}
    return {"name": place.name, **where, "properties": inner}


def forget_inputs(record: Json) -> None:
    """Drop what only a running deployment needs: the template, and every value that must not be shown."""
    record.pop("template", None)
    for step in record["steps"]:
        step.pop("raw", None)
    shown = Given(record["parameters"], record["types"]).shown()
    record["parameters"] = {name: row.get("value") for name, row in shown.items()}


# --- views


def view(record: Json) -> Json:
    """Show a deployment."""
    place = place_of(record)
    return {
        "id": place.id,
        "name": place.name,
        "type": DEPLOYMENTS,
        **({"location": place.location} if place.location else {}),
        **({"tags": record["tags"]} if record.get("tags") else {}),
        "properties": {
            "templateHash": record["hash"],
            "parameters": Given(record["parameters"], record["types"]).shown(),
            "mode": "Incremental",
            "provisioningState": record["state"],
            "timestamp": stamp(record["touched"]),
            "duration": duration(record["began"], record["touched"]),
            "correlationId": record["correlation"],
            "providers": providers(record["steps"]),
            "dependencies": dependencies(record["steps"]),
            **{name: record[name] for name in ("outputs", "outputResources", "error") if name in record},
        },
    }


def stamp(moment: float) -> str:
    """Return a moment as Azure writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def duration(began: float, ended: float) -> str:
    """Return a time span in ISO 8601, in seconds as Azure writes it."""
    return f"PT{max(0.0, ended - began):.7f}S"


def providers(steps: list[Json]) -> list[Json]:
    """Return the namespaces, types and regions of what is deployed, in the template's order."""
    found: dict[str, dict[str, list[str | None]]] = {}
    for step in steps:
        namespace, _, kind = step["type"].partition("/")
        if step["deployed"]:
            locations = found.setdefault(namespace, {}).setdefault(kind, [])
            locations += [] if (step["location"] or None) in locations else [step["location"] or None]
    return [
        {
            "namespace": namespace,
            "resourceTypes": [{"resourceType": kind, "locations": places} for kind, places in kinds.items()],
        }
        for namespace, kinds in found.items()
    ]


def dependencies(steps: list[Json]) -> list[Json]:
    """Return what waits for what, of what is deployed (recordings 01, 09; until July 2023 the others were there, too: 04)."""
    known = {step["id"]: step for step in steps if step["deployed"]}
    return [{"dependsOn": _waits_for(step, known), **_reference(step)} for step in known.values() if step["dependsOn"]]


def _waits_for(step: Json, known: Json) -> list[Json]:
    """Return what a step waits for; what it reads in an api-version is a row of its own (recording 09)."""
    rows = [_reference(known[other]) for other in step["stated"]]
    return rows + [{**_reference(known[row["id"]]), "apiVersion": row["apiVersion"]} for row in step["asks"]]


def _reference(step: Json) -> Json:
    return {"id": step["id"], "resourceType": step["type"], "resourceName": step["name"]}


def operation_views(record: Json) -> list[Json]:
    """Show the operations, latest first, and at the end of a deployment the evaluation of its outputs."""
    started = [step for step in record["steps"] if "operationId" in step]
    rows = [_operation(record, step) for step in sorted(started, key=lambda step: step["turn"], reverse=True)]
    if record["state"] == "Succeeded":
        rows.append(_evaluation(record))
    return rows


def _operation(record: Json, step: Json) -> Json:
    ended: float = step["ended"] if "ended" in step else record["touched"]
    properties = {
        "provisioningOperation": "Create",
        "provisioningState": step["state"],
        "timestamp": stamp(ended),
        "duration": duration(step["began"], ended),
        "trackingId": step["trackingId"],
        "statusCode": "OK" if step["state"] == "Succeeded" else reason(step["status"]),  # recordings 04, 07, 28
        **({"statusMessage": {"status": "Failed", "error": step["error"]}} if "error" in step else {}),
        "targetResource": _reference(step),
    }
    return _numbered(record, step["operationId"], properties)


def _evaluation(record: Json) -> Json:
    properties = {
        "provisioningOperation": "EvaluateDeploymentOutput",
        "provisioningState": "Succeeded",
        "timestamp": stamp(record["touched"]),
        "duration": duration(0, 0),
        "trackingId": ids.guid("evaluation", record["number"]),
        "statusCode": "OK",
    }
    return _numbered(record, record["number"], properties)


def _numbered(record: Json, number: str, properties: Json) -> Json:
    return {"id": f"{place_of(record).id}/operations/{number}", "operationId": number, "properties": properties}
