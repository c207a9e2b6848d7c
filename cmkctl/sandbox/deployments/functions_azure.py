"""Template functions that read from Azure: ids, the deployment's surroundings, resources as they are at that moment."""

from collections.abc import Callable, Mapping
from typing import Any

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.clouds import Cloud, locate
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments.addresses import Place, resource_id
from cmkctl.sandbox.deployments.evaluate import Scope, Special
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions_text import text
from cmkctl.sandbox.deployments.tenant_facade import TenantFacade, newest_version

Json = dict[str, Any]


def static(tenant: Tenant, place: Place, host: str, deployment: Json) -> dict[str, Special]:
    """Return the functions that can be evaluated before anything is deployed."""
    cloud, _ = locate(host)
    return {
        "deployment": lambda _scope, _arguments: deployment,
        "environment": lambda _scope, _arguments: _environment(cloud),
        "extensionresourceid": lambda _scope, arguments: resource_id(text(_first(arguments)), *_typed(arguments[1:])),
        "resourcegroup": lambda _scope, _arguments: _group(tenant, place),
        "resourceid": lambda _scope, arguments: _resource_id(place, arguments),
        "subscription": lambda _scope, _arguments: _subscription(tenant, place),
        "subscriptionresourceid": lambda _scope, arguments: _subscription_id(place, arguments),
        "tenant": lambda _scope, _arguments: {"tenantId": tenant.tenant_id, "displayName": "cmkctl sandbox"},
        "tenantresourceid": lambda _scope, arguments: resource_id("", *_typed(arguments)),
    }


def live(facade: TenantFacade, base: str, steps: list[Json]) -> dict[str, Special]:
    """Return the functions that read resources as they are now; `steps` are the template's own resources."""

    def reference(_scope: Scope, arguments: tuple[Any, ...]) -> Any:
        target, version = _target(base, steps, arguments)
        answer: Json = facade.send("GET", target, version).body
        if len(arguments) > 2 and text(arguments[2]).lower() == "full":
            return {**answer, "apiVersion": version, "resourceId": answer.get("id")}
        return answer.get("properties")

    def listing(_scope: Scope, arguments: tuple[Any, ...]) -> Any:
        action, *rest = arguments
        target, version = _target(base, steps, tuple(rest[:2]))
        return facade.send("POST", f"{target}/{action}", version, rest[2] if len(rest) > 2 else None).body

    return {"reference": reference, "list": listing}


def find_step(steps: list[Json], base: str, name: str) -> Json | None:
    """Return the template's resource that is meant by its id, its type and name, its name or its symbolic name."""
    wanted = ids.key(name)
    tests: tuple[Callable[[Json], bool], ...] = (
        lambda step: str(step.get("symbol") or "").lower() == name.lower(),
        lambda step: ids.key(step["id"]) == wanted or ids.key(step["id"]) == ids.key(f"{base}/providers/{name}"),
        lambda step: str(step["name"]).lower() == name.lower(),
    )
    for test in tests:
        found = [step for step in steps if test(step)]
        if found:
            return next((step for step in found if step["deployed"]), found[0])
    return None


def _target(base: str, steps: list[Json], arguments: tuple[Any, ...]) -> tuple[str, str]:
    """Return the id a reference means and the api-version it is read with."""
    if not arguments:
        raise ExpressionError("reference() needs the name or id of a resource")
    name = text(arguments[0])
    step = find_step(steps, base, name)
    target = str(step["id"]) if step else name
    if not target.startswith("/"):
        raise ExpressionError(f"the resource '{name}' is not defined in the template")
    found = ids.parse(target)
    version = arguments[1] if len(arguments) > 1 else (step or {}).get("api")
    return target, text(version or newest_version(found.full_type if found else ""))


def _first(arguments: tuple[Any, ...]) -> Any:
    if not arguments:
        raise ExpressionError("a resource id needs the scope it extends")
    return arguments[0]


def _typed(arguments: tuple[Any, ...]) -> tuple[str, str]:
    """Return type and joined name from ``type, name, name, …``."""
    if len(arguments) < 2:
        raise ExpressionError("a resource id needs a type and a name for each of its segments")
    return text(arguments[0]), "/".join(text(name) for name in arguments[1:])


def _resource_id(place: Place, arguments: tuple[Any, ...]) -> str:
    """Return an id; a subscription and a group may come before the type, the first argument with a slash."""
    at = next((at for at, value in enumerate(arguments) if "/" in text(value)), None)
    if at is None or at > 2:
        raise ExpressionError("resourceId() needs a resource type such as 'Microsoft.KeyVault/vaults'")
    group = text(arguments[at - 1]) if at else place.group
    subscription = text(arguments[0]) if at == 2 or (at == 1 and not place.group) else place.subscription
    base = f"/subscriptions/{subscription}"
    if group and not (at == 1 and not place.group):
        base += f"/resourceGroups/{group}"
    return _id(base, arguments[at:])


def _id(base: str, arguments: tuple[Any, ...]) -> str:
    """Join type and names. Unlike in a resource, an empty name is let pass: it is in ids that are compared only."""
    kind, name = _typed(arguments)
    namespace, *types = kind.split("/")
    names = name.split("/")
    if len(types) != len(names):
        raise ExpressionError(f"resourceId() was given {len(names)} names for the type '{kind}'")
    path = "/".join(f"{one}/{other}" for one, other in zip(types, names, strict=True))
    return f"{base}/providers/{namespace}/{path}"


def _subscription_id(place: Place, arguments: tuple[Any, ...]) -> str:
    given = bool(arguments) and "/" not in text(arguments[0])
    subscription = text(arguments[0]) if given else place.subscription
    return _id(f"/subscriptions/{subscription}", arguments[1:] if given else arguments)


def _group(tenant: Tenant, place: Place) -> Json:
    if not place.group:
        raise ExpressionError("the function 'resourceGroup' is not expected at this location")
    document: Json = tenant.group(place.subscription, place.group)["doc"]
    return {"tags": {}, **document}


def _subscription(tenant: Tenant, place: Place) -> Json:
    shown = tenant.data["subscriptions"][place.subscription.lower()]
    short = {"id": f"/subscriptions/{place.subscription}", "subscriptionId": place.subscription}
    return {**short, "tenantId": tenant.tenant_id, "displayName": shown}


def _environment(cloud: Cloud) -> Mapping[str, Any]:
    """Return what the sandbox knows of a cloud, under the documented names."""
    return {
        "name": cloud.name,
        "resourceManager": f"https://{cloud.arm}/",
        "authentication": {
            "loginEndpoint": f"https://{cloud.login}/",
            "audiences": [f"{audience}/" for audience in cloud.arm_audiences],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": f"https://{cloud.graph}/",
        "suffixes": {
            "acrLoginServer": f".{cloud.registry_suffix}",
            "keyvaultDns": f".{cloud.vault_suffix}",
            "storage": cloud.storage_suffix,
        },
    }
