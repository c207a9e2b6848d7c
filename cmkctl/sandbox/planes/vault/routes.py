"""The table of everything a vault answers, each row with the right it takes."""

from collections.abc import Callable

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.routing import Route, Table
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes.vault import deleted, keys, operations, permissions, rotation
from cmkctl.sandbox.planes.vault.authentication import authenticate
from cmkctl.sandbox.planes.vault.context import Context
from cmkctl.sandbox.planes.vault.permissions import Right
from cmkctl.sandbox.planes.vault.refusals import VaultError

OTHER_OBJECTS = frozenset({"secrets", "deletedsecrets", "certificates", "deletedcertificates", "storage", "rng"})


def serve(tenant: Tenant, call: Call) -> Reply:
    """Answer one call to a vault's host.

    Raises:
        AzureError: the call is refused.

    """
    context = authenticate(tenant, call)
    route, call.params, _ = TABLE.find(call.method, call.path)
    if route is None:
        raise errors.not_modelled(_unknown(call))
    reply = route.handler(context, call)
    reply.headers.setdefault("x-ms-keyvault-region", context.vault["doc"]["location"])
    return reply


def _unknown(call: Call) -> str:
    kind = call.path.strip("/").split("/")[0].lower()
    return f"{kind} of Key Vault, only keys" if kind in OTHER_OBJECTS else f"{call.method} {call.path} of Key Vault"


def contacts(context: Context) -> Reply:
    """Refuse 404, because nobody is a contact: Terraform asks with every vault, and takes that for an answer."""
    raise VaultError(404, "ContactsNotFound", f"{errors.OWN}The vault {context.vault['doc']['name']} has no contacts.")


def _route(method: str, template: str, right: Right, handler: Callable[[Context], Reply]) -> Route:
    def guarded(context: Context, call: Call) -> Reply:
        permissions.require(context, right, call.params.get("name", ""))
        return handler(context)

    return Route(method, template, guarded)


def _operations() -> list[Route]:
    return [
        _route("POST", f"/keys/{{name}}{version}/{name.lower()}", right, operations.operation(name))
        for name, right in permissions.OPERATIONS.items()
        for version in ("", "/{version}")
    ]


TABLE = Table(
    (
        _route("GET", "/keys", permissions.LIST, keys.list_keys),
        _route("POST", "/keys/{name}/create", permissions.CREATE, keys.create),
        _route("PUT", "/keys/{name}", permissions.IMPORT, keys.import_key),
        _route("DELETE", "/keys/{name}", permissions.DELETE, deleted.delete),
        _route("GET", "/keys/{name}/versions", permissions.LIST, keys.list_versions),
        _route("POST", "/keys/{name}/rotate", permissions.ROTATE, rotation.rotate),
        _route("GET", "/keys/{name}/rotationpolicy", permissions.GET_POLICY, rotation.get_policy),
        _route("PUT", "/keys/{name}/rotationpolicy", permissions.SET_POLICY, rotation.put_policy),
        _route("GET", "/keys/{name}", permissions.GET, keys.get),
        _route("GET", "/keys/{name}/{version}", permissions.GET, keys.get),
        _route("PATCH", "/keys/{name}", permissions.UPDATE, keys.update),
        _route("PATCH", "/keys/{name}/{version}", permissions.UPDATE, keys.update),
        _route("GET", "/deletedkeys", permissions.LIST, deleted.list_deleted),
        _route("GET", "/deletedkeys/{name}", permissions.GET, deleted.get),
        _route("POST", "/deletedkeys/{name}/recover", permissions.RECOVER, deleted.recover),
        _route("DELETE", "/deletedkeys/{name}", permissions.PURGE, deleted.purge),
        _route("GET", "/certificates/contacts", permissions.CONTACTS, contacts),
        *_operations(),
    )
)
