"""The applications that can log in to the sandbox's tenant, and what Microsoft Graph lets them do."""

from collections.abc import Iterable
from dataclasses import dataclass

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.constants import CLIENT_ID, CLIENT_OBJECT_ID, CLIENT_SECRET
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.state import Tenant

READ_APPLICATIONS = "Application.Read.All"
WRITE_APPLICATIONS = "Application.ReadWrite.All"
READING = frozenset({READ_APPLICATIONS, WRITE_APPLICATIONS, "Directory.Read.All"})
PREFIX = "c0ffee00-0000-4000-8000-"
"""The first part of every GUID that the sandbox generates."""


@dataclass(frozen=True)
class Application:
    """An application that can log in: its ids, its secret, and its application permissions of Microsoft Graph."""

    app_id: str
    object_id: str
    secret: str
    graph: tuple[str, ...]


USUAL = Application(CLIENT_ID, CLIENT_OBJECT_ID, CLIENT_SECRET, (WRITE_APPLICATIONS,))


def find(tenant: Tenant, app_id: str) -> Application | None:
    """Return the application with a client id; None when there is no such application."""
    if app_id.lower() == USUAL.app_id:
        return USUAL
    row = tenant.table("applications").get(app_id.lower())
    return None if row is None else Application(app_id.lower(), row["objectId"], row["secret"], tuple(row["graph"]))


def add_application(tenant: Tenant, name: str, graph: Iterable[str] = ()) -> Application:
    """Add an application that can log in, with its service principal. The same name gives the same application."""
    app_id, object_id = (PREFIX + ids.hex_name(what, name.lower(), length=12) for what in ("client", "object"))
    made = Application(
        app_id, object_id, f"not-a-secret-{ids.hex_name('secret', name.lower(), length=12)}", tuple(graph)
    )
    row = {"objectId": object_id, "secret": made.secret, "graph": list(made.graph), "name": name}
    tenant.table("applications")[app_id] = row
    tenant.add_principal(object_id, app_id, name)
    tenant.changed()
    return made


def registered(tenant: Tenant) -> list[tuple[str, str]]:
    """Return client id and name of every application that is registered in the sandbox's own tenant."""
    added = [(app_id, row.get("name") or app_id) for app_id, row in tenant.table("applications").items()]
    return [(USUAL.app_id, "cmkctl-sandbox"), *added]


def object_id_of(tenant: Tenant, app_id: str) -> str:
    """Return the object id of the service principal of a registered application."""
    found = find(tenant, app_id)
    return found.object_id if found is not None else ""


def require_graph(tenant: Tenant, call: Call) -> None:
    """Refuse a request to Microsoft Graph that its caller has no application permission for.

    Raises:
        AzureError: 403 `Authorization_RequestDenied`.

    """
    application = find(tenant, call.caller.app_id) if call.caller else None
    needed = READING if call.method == "GET" else {WRITE_APPLICATIONS}
    if application is None or not needed.intersection(application.graph):
        raise errors.graph_denied()
