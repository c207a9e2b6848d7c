"""Microsoft Graph, as much of it as finding and creating a service principal takes."""

import re
from collections.abc import Callable

from cmkctl.sandbox.core import directory, errors, ids
from cmkctl.sandbox.core.constants import (
    COSMOS_DB_APP_ID,
    COSMOS_DB_GOVERNMENT_APP_ID,
    COSMOS_DB_GOVERNMENT_OBJECT_ID,
    COSMOS_DB_OBJECT_ID,
    MACHINE_LEARNING_APP_ID,
)
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route, Table
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "Microsoft Graph",
    supported=(
        "service principals by application id, object id, `eq` and `startswith`; getByIds; create, DELETE",
        "a managed identity's principal with its type and its resource (recordings 40, 41, 59)",
        "the applications that can log in: list by filter (`az ad sp create` reads it before it creates a principal)",
    ),
    differs=("shows as much of a principal and of an application as clients read",),
    not_modelled=("people, groups; creating and changing applications; Azure AD Graph (`graph.windows.net`)",),
    guesses=("a principal that is deleted keeps its role assignments and access policies",),
)

ODATA = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
EQUALS = re.compile(r"(appId|displayName|id|servicePrincipalType)\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)
BEGINS = re.compile(r"startswith\(\s*(displayName)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
ANY = re.compile(r"(servicePrincipalNames|identifierUris)/any\(\s*(\w+)\s*:\s*\2\s+eq\s+'((?:[^']|'')*)'\s*\)")
AND = re.compile(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", re.IGNORECASE)
GROUP_SEGMENT = re.compile("/resourcegroups/", re.IGNORECASE)
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The directory of Microsoft's own applications (recordings 43, 45)."""

BY_APP_ID = re.compile(r"servicePrincipals\(appId='([^']*)'\)", re.IGNORECASE)
FIRST_PARTY = {
    COSMOS_DB_APP_ID: ("Azure Cosmos DB", COSMOS_DB_OBJECT_ID),
    COSMOS_DB_GOVERNMENT_APP_ID: ("Azure Cosmos DB", COSMOS_DB_GOVERNMENT_OBJECT_ID),
    MACHINE_LEARNING_APP_ID: ("Azure Machine Learning", ids.guid("object", MACHINE_LEARNING_APP_ID)),
}
"""Applications a service principal can be created for: name and the object id it gets in this tenant."""


def _view(tenant: Tenant, object_id: str, principal: Json) -> Json:
    managed = principal.get("managed")
    own = directory.find(tenant, principal["appId"]) is not None
    # The segment is in lower case for every type of resource (recordings 40, 41, 59).
    owner = GROUP_SEGMENT.sub("/resourcegroups/", managed["resource"]) if managed else ""
    names = [f"isExplicit={managed['explicit']}", owner] if managed else []
    return {
        "id": object_id,
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": names,
        "appDisplayName": None if managed else principal["displayName"],
        "appDescription": None,
        "appId": principal["appId"],
        "appOwnerOrganizationId": None if managed else tenant.tenant_id if own else MICROSOFT,
        "appRoleAssignmentRequired": False,
        "description": None,
        "displayName": principal["displayName"],
        "servicePrincipalNames": [principal["appId"]],
        "servicePrincipalType": "ManagedIdentity" if managed else "Application",
        "signInAudience": None if managed else "AzureADMultipleOrgs",
        "tags": [],
    }


def _selected(call: Call, view: Json) -> Json:
    names = call.query.get("$select", "")
    return {name.strip(): view.get(name.strip()) for name in names.split(",")} if names else view


def _principals(tenant: Tenant) -> list[Json]:
    return [
        _view(tenant, key, row) for key, row in tenant.table("principals").items() if row["type"] == "ServicePrincipal"
    ]


def _context(call: Call, what: str) -> Json:
    return {"@odata.context": f"{call.url}/v1.0/$metadata#{what}"}


Test = Callable[[Json], bool]


def _filter(text: str) -> Test:
    """Return the test of a ``$filter``; values are compared without case, as Graph does.

    Raises:
        AzureError: `SandboxNotModelled`.

    """
    tests = [_term(term.strip()) for term in AND.split(text)] if text.strip() else []
    return lambda row: all(test(row) for test in tests)


def _term(term: str) -> Test:
    if match := EQUALS.fullmatch(term):
        return _equal(match[1], _plain(match[2]))
    if match := BEGINS.fullmatch(term):
        name, start = match[1], _plain(match[2])
        return lambda row: _value(row, name).startswith(start)
    if match := ANY.fullmatch(term):
        names, wanted = match[1], _plain(match[3])
        return lambda row: wanted in {str(each).lower() for each in row.get(names) or ()}
    raise errors.not_modelled(f"the Graph filter {term!r}")


def _equal(name: str, wanted: str) -> Test:
    return lambda row: _value(row, name) == wanted


def _plain(quoted: str) -> str:
    return quoted.replace("''", "'").lower()


def _value(row: Json, name: str) -> str:
    return next((str(value).lower() for key, value in row.items() if key.lower() == name.lower()), "")


def _listed(call: Call, what: str, rows: list[Json]) -> Reply:
    test = _filter(call.query.get("$filter", ""))
    found = [_selected(call, row) for row in rows if test(row)]
    return Reply(200, {**_context(call, what), "value": found}, content_type=ODATA)


def list_principals(tenant: Tenant, call: Call) -> Reply:
    """Answer the service principals a filter finds: 200, with an empty list when there are none (fact 33)."""
    return _listed(call, "servicePrincipals", _principals(tenant))


def _applications(tenant: Tenant) -> list[Json]:
    """Return the applications of this directory; first-party ones are Microsoft's, and not among them."""
    rows = []
    for app_id, name in directory.registered(tenant):
        object_id = ids.guid("application", app_id)
        more: Json = {"identifierUris": [], "signInAudience": "AzureADMyOrg", "publisherDomain": None}
        rows.append({"id": object_id, "deletedDateTime": None, "appId": app_id, "displayName": name, **more})
    return rows


def list_applications(tenant: Tenant, call: Call) -> Reply:
    """Answer the applications of this directory that a filter finds."""
    return _listed(call, "applications", _applications(tenant))


def get_application(tenant: Tenant, call: Call) -> Reply:
    """Answer one application by its object id, or 404 `Request_ResourceNotFound`."""
    for row in _applications(tenant):
        if row["id"].lower() == call["id"].lower():
            body = {**_context(call, "applications/$entity"), **_selected(call, row)}
            return Reply(200, body, content_type=ODATA)
    return refuse(tenant, errors.graph_not_found(call["id"]))


def get_principal(tenant: Tenant, call: Call) -> Reply:
    """Answer one service principal by object id, or 404 `Request_ResourceNotFound`."""
    return _one(tenant, call, "id", call["id"])


def get_by_app_id(tenant: Tenant, call: Call) -> Reply:
    """Answer ``servicePrincipals(appId='…')``."""
    match = BY_APP_ID.fullmatch(call["entity"])
    if match is None:
        raise errors.not_modelled(f"GET {call.path} of Microsoft Graph")
    return _one(tenant, call, "appId", match[1])


def get_me(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Refuse to name the signed-in user: there is none. The az CLI requests it before it looks for the service principal."""
    return refuse(tenant, errors.graph_no_user())


def get_by_ids(tenant: Tenant, call: Call) -> Reply:
    """Answer the directory objects of some object ids, without those there are not (recordings 40, 43, 45)."""
    body = call.json()
    wanted = {str(each).lower() for each in body.get("ids") or ()}
    types = {str(each).lower() for each in body.get("types") or ("serviceprincipal",)}
    rows = [row for row in _principals(tenant) if "serviceprincipal" in types and row["id"].lower() in wanted]
    found = [{"@odata.type": "#microsoft.graph.servicePrincipal", **row} for row in rows]
    answer = {**_context(call, "directoryObjects"), "value": found}
    return Reply(200, answer, {"Location": call.url}, ODATA)  # the header is recorded, and no operation's


def _one(tenant: Tenant, call: Call, name: str, value: str) -> Reply:
    for row in _principals(tenant):
        if row[name].lower() == value.lower():
            body = {**_context(call, "servicePrincipals/$entity"), **_selected(call, row)}
            return Reply(200, body, content_type=ODATA)
    return refuse(tenant, errors.graph_not_found(value))


def create_principal(tenant: Tenant, call: Call) -> Reply:
    """Create the service principal of a first-party application, or of one of this directory: 201."""
    app_id = str(call.json().get("appId", "")).lower()
    own = dict(directory.registered(tenant))
    if app_id in FIRST_PARTY:
        name, object_id = FIRST_PARTY[app_id]
    elif app_id in own:
        name, object_id = own[app_id], directory.object_id_of(tenant, app_id)
    else:
        return refuse(tenant, errors.graph_app_unknown(app_id))
    if object_id in tenant.table("principals"):
        return refuse(tenant, errors.graph_exists(app_id))
    tenant.add_principal(object_id, app_id, name)
    row = tenant.table("principals")[object_id]
    body = {**_context(call, "servicePrincipals/$entity"), **_view(tenant, object_id, row)}
    location = (
        f"{call.url}/v2/{tenant.tenant_id}/directoryObjects/{object_id}/Microsoft.DirectoryServices.ServicePrincipal"
    )
    return Reply(201, body, {"Location": location}, ODATA)


def delete_principal(tenant: Tenant, call: Call) -> Reply:
    """Take a service principal out of the directory: 204, empty (recording 45)."""
    object_id = call["id"].lower()
    if tenant.table("principals").pop(object_id, None) is None:
        return refuse(tenant, errors.graph_not_found(call["id"]))
    tenant.changed()
    return Reply(204)


def refuse(tenant: Tenant, refusal: errors.AzureError) -> Reply:
    """Return a refusal in Graph's form, with its ``innerError``."""
    number = ids.guid("graph", tenant.timestamp())
    inner = {"date": tenant.timestamp()[:19], "request-id": number, "client-request-id": number}
    error = {"code": refusal.code, "message": refusal.message, "innerError": inner}
    return Reply(refusal.status, {"error": error}, content_type="application/json")


TABLE = Table(
    (
        Route("GET", "/v1.0/servicePrincipals", list_principals),
        Route("POST", "/v1.0/servicePrincipals", create_principal),
        Route("GET", "/v1.0/servicePrincipals/{id}", get_principal),
        Route("DELETE", "/v1.0/servicePrincipals/{id}", delete_principal),
        Route("GET", "/v1.0/applications", list_applications),
        Route("GET", "/v1.0/applications/{id}", get_application),
        Route("POST", "/v1.0/directoryObjects/getByIds", get_by_ids),
        Route("GET", "/v1.0/me", get_me),
        Route("GET", "/v1.0/{entity}", get_by_app_id),
    )
)
