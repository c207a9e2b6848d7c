"""Microsoft Graph, as much of it as finding and creating a service principal takes."""

import re

from cmkctl.sandbox.core import errors, ids
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
        "service principals by application id, object id and filter; getByIds; create for first-party applications",
    ),
    differs=("shows as much of a principal as clients read",),
    not_modelled=("people, groups, application registrations, DELETE; Azure AD Graph (`graph.windows.net`)",),
)

ODATA = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
FILTER = re.compile(
    r"\s*(?:(appId|displayName|id)\s+eq\s+'([^']*)'|servicePrincipalNames/any\(\s*(\w+)\s*:\s*\3\s+eq\s+'([^']*)'\s*\))\s*"
)
BY_APP_ID = re.compile(r"servicePrincipals\(appId='([^']*)'\)", re.IGNORECASE)
FIRST_PARTY = {
    COSMOS_DB_APP_ID: ("Azure Cosmos DB", COSMOS_DB_OBJECT_ID),
    COSMOS_DB_GOVERNMENT_APP_ID: ("Azure Cosmos DB", COSMOS_DB_GOVERNMENT_OBJECT_ID),
    MACHINE_LEARNING_APP_ID: ("Azure Machine Learning", ids.guid("object", MACHINE_LEARNING_APP_ID)),
}
"""Applications a service principal can be created for: name and the object id it gets in this tenant."""


def _view(object_id: str, principal: Json) -> Json:
    managed = principal.get("managed")
    names = [f"isExplicit={managed['explicit']}", managed["resource"]] if managed else []
    return {
        "id": object_id,
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": names,
        "appDisplayName": None if managed else principal["displayName"],
        "appDescription": None,
        "appId": principal["appId"],
        "appOwnerOrganizationId": None if managed else "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
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
    return [_view(key, row) for key, row in tenant.table("principals").items() if row["type"] == "ServicePrincipal"]


def _context(call: Call, what: str) -> Json:
    return {"@odata.context": f"{call.url}/v1.0/$metadata#{what}"}


def list_principals(tenant: Tenant, call: Call) -> Reply:
    """Answer the service principals a filter finds: 200, with an empty list when there are none (fact 33)."""
    found = _principals(tenant)
    wanted = call.query.get("$filter")
    if wanted:
        match = FILTER.fullmatch(wanted)
        if match is None:
            raise errors.not_modelled(f"the Graph filter {wanted!r}")
        name, value = (match[1], match[2]) if match[1] else ("appId", match[4])
        found = [row for row in found if str(row[name]).lower() == value.lower()]
    body = {**_context(call, "servicePrincipals"), "value": [_selected(call, row) for row in found]}
    return Reply(200, body, content_type=ODATA)


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
    """Refuse to name the signed-in user: there is none. The az CLI asks before it looks for the service principal."""
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
    """Create the service principal of an application the sandbox knows, 201."""
    app_id = str(call.json().get("appId", "")).lower()
    if app_id not in FIRST_PARTY:
        return refuse(tenant, errors.graph_app_unknown(app_id))
    name, object_id = FIRST_PARTY[app_id]
    if object_id in tenant.table("principals"):
        return refuse(tenant, errors.graph_exists(app_id))
    tenant.add_principal(object_id, app_id, name)
    row = tenant.table("principals")[object_id]
    body = {**_context(call, "servicePrincipals/$entity"), **_view(object_id, row)}
    location = (
        f"{call.url}/v2/{tenant.tenant_id}/directoryObjects/{object_id}/Microsoft.DirectoryServices.ServicePrincipal"
    )
    return Reply(201, body, {"Location": location}, ODATA)


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
        Route("POST", "/v1.0/directoryObjects/getByIds", get_by_ids),
        Route("GET", "/v1.0/me", get_me),
        Route("GET", "/v1.0/{entity}", get_by_app_id),
    )
)
