"""Dispatches a request to the service of its host, past the checks and faults in front of that service."""

from cmkctl.sandbox.core import directory, errors, expiry, key_loss, operations, registrations, registry
from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.grants import advance_grants
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.routing import Route, Table
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes import connection_faults, entra, graph, metadata, request_checks, storage, tokens
from cmkctl.sandbox.planes.vault import routes


def serve(tenant: Tenant, call: Call) -> Reply:
    """Answer one call.

    Raises:
        AzureError: the call is refused.

    """
    if call.service is Service.UNKNOWN:
        raise errors.not_modelled(f"the host {call.host}")
    if call.oversized:
        raise errors.body_too_large()
    expiry.expire(tenant)
    induced = connection_faults.before(tenant, call)
    return induced or connection_faults.after(tenant, call, _noting_keys(tenant, call))


def _noting_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer, and note before and after a change of access to keys who can use theirs."""
    changes = key_loss.may_change_access(call)
    if changes:
        key_loss.note(tenant, call.cloud)
    reply = _answer(tenant, call)
    if changes:
        key_loss.note(tenant, call.cloud)
    return reply


def _answer(tenant: Tenant, call: Call) -> Reply:
    if call.service is Service.VAULT:
        return routes.serve(tenant, call)
    if call.service is Service.STORAGE:
        return storage.serve(tenant, call)
    if call.service is Service.ARM and call.path.lower() == metadata.PATH:
        return metadata.endpoints(tenant, call)
    if call.service is not Service.LOGIN:
        tokens.require_token(tenant, call)
        registrations.advance(tenant)
    if call.service is Service.ARM:
        return _arm(tenant, call)
    return _graph(tenant, call) if call.service is Service.GRAPH else _dispatch(tenant, call)


def _arm(tenant: Tenant, call: Call) -> Reply:
    operations.settle(tenant)
    if not call.api_version:
        raise errors.api_version_missing()
    registry.spawn(tenant, call)
    if call.method == "GET":
        advance_grants(tenant)
    return _dispatch(tenant, call)


def _graph(tenant: Tenant, call: Call) -> Reply:
    try:
        directory.require_graph(tenant, call)
    except errors.AzureError as refusal:
        return graph.refuse(tenant, refusal)
    return _dispatch(tenant, call)


def _table(service: Service) -> Table[Route]:
    if service is Service.ARM:
        return registry.arm_table()
    return entra.TABLE if service is Service.LOGIN else graph.TABLE


def _dispatch(tenant: Tenant, call: Call) -> Reply:
    route, call.params, known = _table(call.service).find(call.method, call.path)
    if route is None:
        raise errors.not_modelled(f"{call.method} {call.path}{'' if known else ' (nothing at this path)'}")
    if call.service is Service.ARM:
        request_checks.check(tenant, call, route)
    return route.handler(tenant, call)
