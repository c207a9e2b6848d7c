"""The table of everything a vault answers, each row with the right it takes."""

from collections.abc import Callable

from cmkctl.sandbox import errors
from cmkctl.sandbox.keyvault import deleted, keys, operations, rights, rotation
from cmkctl.sandbox.keyvault.entrance import enter
from cmkctl.sandbox.keyvault.refusals import VaultError
from cmkctl.sandbox.keyvault.rights import Right
from cmkctl.sandbox.keyvault.visit import Visit
from cmkctl.sandbox.messages import Call, Reply
from cmkctl.sandbox.routing import Route, Table
from cmkctl.sandbox.state import Tenant

OTHER_OBJECTS = frozenset({"secrets", "deletedsecrets", "certificates", "deletedcertificates", "storage", "rng"})


def serve(tenant: Tenant, call: Call) -> Reply:
    """Answer one call to a vault's host.

    Raises:
        AzureError: the call is refused.

    """
    visit = enter(tenant, call)
    route, call.params, _ = TABLE.find(call.method, call.path)
    if route is None:
        raise errors.not_modelled(_unknown(call))
    reply = route.handler(visit, call)
    reply.headers.setdefault("x-ms-keyvault-region", visit.vault["doc"]["location"])
    return reply


def _unknown(call: Call) -> str:
    kind = call.path.strip("/").split("/")[0].lower()
    return f"{kind} of Key Vault, only keys" if kind in OTHER_OBJECTS else f"{call.method} {call.path} of Key Vault"


def contacts(visit: Visit) -> Reply:
    """Refuse 404, because nobody is a contact: Terraform asks with every vault, and takes that for an answer."""
    raise VaultError(404, "ContactsNotFound", f"{errors.OWN}The vault {visit.vault['doc']['name']} has no contacts.")


def _route(method: str, template: str, right: Right, handler: Callable[[Visit], Reply]) -> Route:
    def guarded(visit: Visit, call: Call) -> Reply:
        rights.require(visit, right, call.params.get("name", ""))
        return handler(visit)

    return Route(method, template, guarded)


def _operations() -> list[Route]:
    return [
        _route("POST", f"/keys/{{name}}{version}/{name.lower()}", right, operations.operation(name))
        for name, right in rights.OPERATIONS.items()
        for version in ("", "/{version}")
    ]


TABLE = Table(
    (
        _route("GET", "/keys", rights.LIST, keys.list_keys),
        _route("POST", "/keys/{name}/create", rights.CREATE, keys.create),
        _route("PUT", "/keys/{name}", rights.IMPORT, keys.import_key),
        _route("DELETE", "/keys/{name}", rights.DELETE, deleted.delete),
        _route("GET", "/keys/{name}/versions", rights.LIST, keys.list_versions),
        _route("POST", "/keys/{name}/rotate", rights.ROTATE, rotation.rotate),
        _route("GET", "/keys/{name}/rotationpolicy", rights.GET_POLICY, rotation.get_policy),
        _route("PUT", "/keys/{name}/rotationpolicy", rights.SET_POLICY, rotation.put_policy),
        _route("GET", "/keys/{name}", rights.GET, keys.get),
        _route("GET", "/keys/{name}/{version}", rights.GET, keys.get),
        _route("PATCH", "/keys/{name}", rights.UPDATE, keys.update),
        _route("PATCH", "/keys/{name}/{version}", rights.UPDATE, keys.update),
        _route("GET", "/deletedkeys", rights.LIST, deleted.list_deleted),
        _route("GET", "/deletedkeys/{name}", rights.GET, deleted.get),
        _route("POST", "/deletedkeys/{name}/recover", rights.RECOVER, deleted.recover),
        _route("DELETE", "/deletedkeys/{name}", rights.PURGE, deleted.purge),
        _route("GET", "/certificates/contacts", rights.CONTACTS, contacts),
        *_operations(),
    )
)
