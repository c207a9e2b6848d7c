"""The routes of a vault, each with the right it needs."""

from dataclasses import dataclass

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.routing import Table
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes.vault import deleted, keys, operations, others, permissions, rotation
from cmkctl.sandbox.planes.vault.authentication import authenticate
from cmkctl.sandbox.planes.vault.context import Context, Handler
from cmkctl.sandbox.planes.vault.permissions import Right


@dataclass(frozen=True)
class VaultRoute:
    """One row of the table; the template is as in `Route`.

    Attributes:
        method: the HTTP method.
        template: the path; literals are compared without case.
        right: the right the caller needs on the key in the path, or on the vault.
        handler: serves the request.

    """

    method: str
    template: str
    right: Right
    handler: Handler


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
    permissions.require(context, route.right, call.params.get("name", ""))
    reply = route.handler(context)
    reply.headers.setdefault("x-ms-keyvault-region", context.vault["doc"]["location"])
    return reply


def _unknown(call: Call) -> str:
    kind = call.path.strip("/").split("/")[0].lower()
    return (
        f"writing {kind} of Key Vault, only keys"
        if kind in OTHER_OBJECTS
        else f"{call.method} {call.path} of Key Vault"
    )


def contacts(context: Context) -> Reply:
    """Refuse with 404: no vault has contacts. Terraform reads them with every vault."""
    raise errors.contacts_not_found(context.vault["doc"]["name"])


def _operations() -> list[VaultRoute]:
    return [
        VaultRoute("POST", f"/keys/{{name}}{version}/{name.lower()}", right, operations.operation(name))
        for name, right in permissions.OPERATIONS.items()
        for version in ("", "/{version}")
    ]


TABLE = Table(
    (
        VaultRoute("GET", "/keys", permissions.LIST, keys.list_keys),
        VaultRoute("POST", "/keys/{name}/create", permissions.CREATE, keys.create),
        VaultRoute("PUT", "/keys/{name}", permissions.IMPORT, keys.import_key),
        VaultRoute("DELETE", "/keys/{name}", permissions.DELETE, deleted.delete),
        VaultRoute("GET", "/keys/{name}/versions", permissions.LIST, keys.list_versions),
        VaultRoute("POST", "/keys/{name}/rotate", permissions.ROTATE, rotation.rotate),
        VaultRoute("GET", "/keys/{name}/rotationpolicy", permissions.GET_POLICY, rotation.get_policy),
        VaultRoute("PUT", "/keys/{name}/rotationpolicy", permissions.SET_POLICY, rotation.put_policy),
        VaultRoute("GET", "/keys/{name}/attestation", permissions.GET, others.attestation),
        VaultRoute("GET", "/keys/{name}/{version}/attestation", permissions.GET, others.attestation),
        VaultRoute("GET", "/keys/{name}", permissions.GET, keys.get),
        VaultRoute("GET", "/keys/{name}/{version}", permissions.GET, keys.get),
        VaultRoute("PATCH", "/keys/{name}", permissions.UPDATE, keys.update),
        VaultRoute("PATCH", "/keys/{name}/{version}", permissions.UPDATE, keys.update),
        VaultRoute("GET", "/deletedkeys", permissions.LIST, deleted.list_deleted),
        VaultRoute("GET", "/deletedkeys/{name}", permissions.GET, deleted.get),
        VaultRoute("POST", "/deletedkeys/{name}/recover", permissions.RECOVER, deleted.recover),
        VaultRoute("DELETE", "/deletedkeys/{name}", permissions.PURGE, deleted.purge),
        VaultRoute("GET", "/certificates/contacts", permissions.CONTACTS, contacts),
        VaultRoute("GET", "/secrets", permissions.LIST_SECRETS, others.list_none),
        VaultRoute("GET", "/secrets/{name}", permissions.GET_SECRET, others.get_secret),
        VaultRoute("GET", "/deletedsecrets", permissions.LIST_SECRETS, others.list_none),
        VaultRoute("GET", "/certificates", permissions.LIST_CERTIFICATES, others.list_none),
        VaultRoute("GET", "/certificates/{name}", permissions.GET_CERTIFICATE, others.get_certificate),
        VaultRoute("GET", "/deletedcertificates", permissions.LIST_CERTIFICATES, others.list_none),
        *_operations(),
    )
)
