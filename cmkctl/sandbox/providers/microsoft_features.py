"""Preview features of a subscription: list, get, register. The sandbox has none that changes anything."""

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "resource providers",
    supported=("preview features: list, get, register, unregister",),
    guesses=("a feature of any name exists and is `NotRegistered`; registering one changes nothing else",),
)
TYPE = "Microsoft.Features/features"
VERSIONS = ("2015-12-01", "2021-07-01")


def _view(call: Call, namespace: str, name: str, state: str) -> Json:
    prefix = f"/subscriptions/{call['subscription']}/providers/Microsoft.Features/providers"
    return {
        "properties": {"state": state},
        "id": f"{prefix}/{namespace}/features/{name}",
        "type": "Microsoft.Features/providers/features",
        "name": f"{namespace}/{name}",
    }


def _key(call: Call) -> str:
    return ids.key(f"{call['subscription']}/{call['namespace']}/{call['name']}")


def _state(tenant: Tenant, key: str) -> str:
    row = tenant.table("features").get(key)
    if row is None:
        return "NotRegistered"
    if row["countdown"] is not None and tenant.tick(row["countdown"]):
        row.update(countdown=None, state=row["then"])
    return str(row["state"])


def get_feature(tenant: Tenant, call: Call) -> Reply:
    """Answer one feature; reading it while it registers advances it."""
    return Reply(200, _view(call, call["namespace"], call["name"], _state(tenant, _key(call))))


def list_features(tenant: Tenant, call: Call) -> Reply:
    """Answer the features that were ever registered, of one namespace or of all."""
    wanted = call.params.get("namespace", "").lower()
    rows = []
    for key, row in tenant.table("features").items():
        if row["subscription"].lower() == call["subscription"].lower() and wanted in {"", row["namespace"].lower()}:
            rows.append(_view(call, row["namespace"], row["name"], _state(tenant, key)))
    return Reply(200, {"value": rows})


def register(tenant: Tenant, call: Call) -> Reply:
    """Begin to register a feature: 200 ``Registering``."""
    return _begin(tenant, call, "Registering", "Registered")


def unregister(tenant: Tenant, call: Call) -> Reply:
    """Begin to unregister a feature: 200 ``Unregistering``."""
    return _begin(tenant, call, "Unregistering", "Unregistered")


def _begin(tenant: Tenant, call: Call, state: str, then: str) -> Reply:
    if _state(tenant, _key(call)) not in {state, then}:
        names = {name: call[name] for name in ("subscription", "namespace", "name")}
        countdown = tenant.begin("feature.register")
        tenant.table("features")[_key(call)] = {**names, "state": state, "then": then, "countdown": countdown}
        tenant.changed()
    now = tenant.table("features")[_key(call)]["state"]
    return Reply(200, _view(call, call["namespace"], call["name"], now))


_ALL = "/subscriptions/{subscription}/providers/Microsoft.Features"
_OF_ONE = _ALL + "/providers/{namespace}/features"
ROUTES = (
    Route("GET", f"{_ALL}/features", list_features, TYPE, VERSIONS),
    Route("GET", _OF_ONE, list_features, TYPE, VERSIONS),
    Route("GET", _OF_ONE + "/{name}", get_feature, TYPE, VERSIONS),
    Route("POST", _OF_ONE + "/{name}/register", register, TYPE, VERSIONS),
    Route("POST", _OF_ONE + "/{name}/unregister", unregister, TYPE, VERSIONS),
)

PROVIDER = Provider(
    namespace="Microsoft.Features",
    coverage=(COVERAGE,),
    routes=ROUTES,
    registration=Registration.REGISTERED,
    durations=(Duration("feature.register", 60, GUESS),),
    tables={"features": dict},
)
