"""The validation of a deployment: each resource is requested in a copy of the tenant, and the copy is thrown away.

The form of the answer is that of *Deployments - Validate* and of the page on errors (error-invalid-template-deployment). A
provider answers there what it would answer the PUT at once; what fails while a resource is being made is not foreseen, and
locks are not looked at.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from cmkctl.sandbox.core import customer_keys, registry
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.clouds import Service, locate
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.faults import Faults
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.pace import Pace
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments import records, run
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS
from cmkctl.sandbox.deployments.failures import ExpressionError

Json = dict[str, Any]
Prepare = Callable[[Tenant, Call], Json]


def refusals(tenant: Tenant, record: Json, prepare: Prepare) -> list[AzureError]:
    """Return the refusals of the resources of a deployment, those of nested deployments included; nothing is changed."""
    world = Tenant(
        copy.deepcopy(tenant.data), Pace.none(), Faults(), tenant.signing_key, tenant.wall, swept=tenant.swept
    )
    world.table("locks").clear()
    # Whether Azure tries the reader of a customer's key here is not published. Its grant may be made by the same plan.
    world.data[customer_keys.READERS_UNCHECKED] = True
    return list(_refused(world, record, prepare))


def _refused(world: Tenant, record: Json, prepare: Prepare) -> Iterator[AzureError]:
    _register(world, record)
    facade = records.world_of(world, record)
    waiting, gone = [step for step in record["steps"] if step["deployed"]], set[str]()
    done: set[str] = {step["id"] for step in record["steps"] if not step["deployed"]}
    while waiting:
        ready = [step for step in waiting if done.union(gone).issuperset(step["dependsOn"])]
        for step in ready:
            waiting.remove(step)
            if gone.intersection(step["dependsOn"]):
                gone.add(step["id"])  # what rests on a refused resource is not looked at
                continue
            try:
                body = run.body_of(step, records.scope_of(world, record).inside(step["loops"]))
            except (ExpressionError, AzureError):
                done.add(step["id"])  # a value that is known only once the other resource is there
                continue
            found = list(_of_step(world, record, facade, step, body, prepare))
            (gone if found else done).add(step["id"])
            yield from found


def _of_step(
    world: Tenant, record: Json, facade: Any, step: Json, body: Json, prepare: Prepare
) -> Iterator[AzureError]:
    try:
        if step["type"].lower() == DEPLOYMENTS.lower():
            yield from _refused(world, prepare(world, _call(record, step, body)), prepare)
        else:
            facade.send("PUT", step["id"], step["api"], registry.adapted(step["type"], body))
            _made(world, step["id"])
    except AzureError as refusal:
        yield refusal


def _made(world: Tenant, identifier: str) -> None:
    """Take an accepted resource for made, also where its making fails here for want of what no template holds, as a grant.

    What rests on it, as a project on its hub, is then judged by itself.
    """
    row = world.resource(identifier)
    properties = {} if row is None else row["doc"].get("properties") or {}
    if properties.get("provisioningState") == "Failed":
        properties["provisioningState"] = "Succeeded"


def _call(record: Json, step: Json, body: Json) -> Call:
    """Return the request that would begin a nested deployment."""
    cloud, _ = locate(record["host"])
    caller = Caller(**record["caller"]) if record["caller"] else None
    content = json.dumps(body).encode()
    query = f"api-version={step['api']}"
    call = Call("PUT", record["host"], step["id"], query, {}, content, cloud, Service.ARM, caller=caller)
    _, call.params, _ = registry.arm_table().find("PUT", step["id"])
    return call


def _register(world: Tenant, record: Json) -> None:
    """Take the providers for registered: a deployment registers them."""
    table = world.data["providers"][records.place_of(record).subscription.lower()]
    for row in records.providers(record["steps"]):
        if row["namespace"].lower() in table:
            table[row["namespace"].lower()]["state"] = "Registered"
