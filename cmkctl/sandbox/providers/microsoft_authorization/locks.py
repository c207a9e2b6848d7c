"""Management locks at any scope: PUT 201 or 200, GET, list, DELETE (recording 83). `core.locks` enforces them."""

from cmkctl.sandbox.core import errors, ids, locks, shapes
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_authorization.role_assignments import require_scope

COVERAGE = Area(
    "policy, rights, quota",
    supported=(
        "locks: PUT, GET, list, DELETE (recording 83); `ScopeLocked` for what they forbid (60), also by a lock below a group",
    ),
    guesses=("a list of locks has those at the scope and below it",),
)
VERSIONS = ("2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01")
SYSTEM_DATA_SINCE = "2020-05-01"
LEVELS = ("CanNotDelete", "ReadOnly", "NotSpecified")
SHAPE = {
    **shapes.TOP,
    "properties": Required({"level": Required(LEVELS), "notes": str, "owners": [{"applicationId": str}]}),
}


def _key(call: Call) -> str:
    return ids.key(f"{call['scope']}/providers/{locks.TYPE}/{call['name']}")


def _shown(document: Json, call: Call) -> Json:
    hidden = () if call.api_version >= SYSTEM_DATA_SINCE else ("systemData",)
    return {name: value for name, value in document.items() if name not in hidden}


def put_lock(tenant: Tenant, call: Call) -> Reply:
    """Create a lock, 201, or change it, 200."""
    require_scope(tenant, call["scope"])
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]
    known = tenant.table("locks").get(_key(call))
    document = {
        "properties": {name: value for name, value in sent.items() if value is not None},
        "id": f"{call['scope']}/providers/{locks.TYPE}/{call['name']}",
        "type": locks.TYPE,
        "name": call["name"],
        "systemData": tenant.system_data(known and known["doc"]["systemData"]),
    }
    tenant.table("locks")[_key(call)] = {"doc": document, "scope": call["scope"]}
    tenant.changed()
    return Reply(201 if known is None else 200, _shown(document, call))


def get_lock(tenant: Tenant, call: Call) -> Reply:
    """Answer one lock, or 404."""
    known = tenant.table("locks").get(_key(call))
    if known is None:
        raise errors.lock_not_found(call["name"])
    return Reply(200, _shown(known["doc"], call))


def list_locks(tenant: Tenant, call: Call) -> Reply:
    """Answer the locks at a scope and below it; with ``atScope()`` those at it."""
    wanted = call.query.get("$filter", "").replace(" ", "").lower()
    if wanted not in {"", "atscope()"}:
        raise errors.not_modelled(f"the lock filter {wanted!r}")
    here = ids.key(call["scope"])
    found = []
    for row in tenant.table("locks").values():
        scope = ids.key(row["scope"])
        if scope == here or (not wanted and scope.startswith(f"{here}/")):
            found.append(_shown(row["doc"], call))
    return Reply(200, {"value": found})


def delete_lock(tenant: Tenant, call: Call) -> Reply:
    """Take a lock away: 200, empty (recording 83), or 204."""
    gone = tenant.table("locks").pop(_key(call), None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


def add_lock(state: Arrangement, scope: str, level: str = "CanNotDelete", name: str = "lock") -> str:
    """Put a lock on a group or a resource; return its id."""
    with state.arranging():
        identifier = f"{scope}/providers/{locks.TYPE}/{name}"
        document = {
            "properties": {"level": level},
            "id": identifier,
            "type": locks.TYPE,
            "name": name,
            "systemData": state.tenant.system_data(),
        }
        state.tenant.table("locks")[ids.key(identifier)] = {"doc": document, "scope": scope}
    return identifier


_ONE = "{scope}/providers/" + locks.TYPE + "/{name}"
ROUTES = (
    Route("PUT", _ONE, put_lock, locks.TYPE, VERSIONS),
    Route("GET", _ONE, get_lock, locks.TYPE, VERSIONS),
    Route("DELETE", _ONE, delete_lock, locks.TYPE, VERSIONS),
    Route("GET", "{scope}/providers/" + locks.TYPE, list_locks, locks.TYPE, VERSIONS),
)
