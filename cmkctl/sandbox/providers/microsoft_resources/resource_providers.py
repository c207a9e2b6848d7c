"""Resource providers of a subscription: list, get, register, unregister."""

from cmkctl.sandbox.core import errors, offers, registrations, registry
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_resources import groups

COVERAGE = Area(
    "resource providers",
    supported=(
        "list, get, register, unregister; a write into an unregistered namespace is 409 with the recorded words",
        "a registration goes on by itself, also for a client that reads something else",
    ),
    differs=(
        "a provider's document has the modelled types only, without `authorizations` and api profiles",
        "every type is offered in every region of the sandbox, unless it is arranged otherwise",
    ),
    not_modelled=("namespaces the sandbox has no type of",),
)

TYPE = "Microsoft.Resources/providers"
POLICY_SINCE = "2020-06-01"
"""Older api-versions lack ``registrationPolicy`` (recordings 30 and 34 lie on either side)."""


def _find(tenant: Tenant, call: Call) -> Json:
    providers: dict[str, Json] = tenant.data["providers"][call["subscription"].lower()]
    found = providers.get(call["namespace"].lower())
    if found is None and call["namespace"].lower().startswith("microsoft."):
        raise errors.not_modelled(f"the resource provider {call['namespace']}")
    if found is None:
        raise errors.namespace_not_found(call["namespace"])
    return found


def _view(tenant: Tenant, call: Call, provider: Json) -> Json:
    namespace = provider["namespace"]
    declared = registry.provider(namespace)
    shown = [
        {
            "resourceType": name,
            "locations": offers.regions_of(tenant, f"{namespace}/{name}"),
            "apiVersions": _versions(f"{namespace}/{name}"),
            "capabilities": "None",
        }
        for name in (declared.types if declared else ())
    ]
    return {
        "id": f"/subscriptions/{call['subscription']}/providers/{namespace}",
        "namespace": namespace,
        "authorizations": [],
        "resourceTypes": shown,
        "registrationState": provider["state"],
        **({} if call.api_version < POLICY_SINCE else {"registrationPolicy": "RegistrationRequired"}),
    }


def _versions(resource_type: str) -> list[str]:
    return sorted(registry.versions().get(resource_type.lower(), ()), reverse=True)


def get_provider(tenant: Tenant, call: Call) -> Reply:
    """Answer one provider. Reading it while it registers advances it."""
    provider = _find(tenant, call)
    registrations.read(tenant, provider)
    return Reply(200, _view(tenant, call, provider))


def list_providers(tenant: Tenant, call: Call) -> Reply:
    """Answer all providers the sandbox knows."""
    providers = tenant.data["providers"][call["subscription"].lower()]
    for provider in providers.values():
        registrations.read(tenant, provider)
    return Reply(200, {"value": [_view(tenant, call, provider) for provider in providers.values()]})


def register(tenant: Tenant, call: Call) -> Reply:
    """Begin to register: 200 ``Registering``, or ``Registered`` if it already was. No operation headers (fact 28)."""
    provider = _find(tenant, call)
    if provider["state"] not in {"Registered", "Registering"}:
        registrations.begin(tenant, provider, "Registering", call.cloud.name)
    return Reply(200, _view(tenant, call, provider))


def unregister(tenant: Tenant, call: Call) -> Reply:
    """Begin to unregister, also while still registering (recording 32)."""
    provider = _find(tenant, call)
    if provider["state"] in {"Registered", "Registering"}:
        registrations.begin(tenant, provider, "Unregistering", call.cloud.name)
    return Reply(200, _view(tenant, call, provider))


_ONE = "/subscriptions/{subscription}/providers/{namespace}"
ROUTES = (
    Route("GET", "/subscriptions/{subscription}/providers", list_providers, TYPE, groups.VERSIONS),
    Route("GET", _ONE, get_provider, TYPE, groups.VERSIONS),
    Route("POST", _ONE + "/register", register, TYPE, groups.VERSIONS),
    Route("POST", _ONE + "/unregister", unregister, TYPE, groups.VERSIONS),
)
