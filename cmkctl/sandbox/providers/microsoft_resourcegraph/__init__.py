"""Azure Resource Graph: rows about the resources of many subscriptions, which may be older than the resources.

The forms of request and answer are those of the reference of *Resources - Resources*, 2024-04-01; limits and headers those of
"Guidance for throttled requests"; what holds for unreadable subscriptions is from reports of clients.
"""

import base64
import binascii
import hashlib
from copy import deepcopy
from dataclasses import replace

from cmkctl.sandbox.core import custom_roles, errors, ids, permissions, registry, shapes
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.grants import has_role
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.core.refusal import ErrorRow, documented, quoted
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_resourcegraph.query import COLUMNS, parse

COVERAGE = Area(
    "Resource Graph",
    supported=(
        "`resources | where … | project … | order by … | take N`: comparisons of texts with `and`, `or`, `not`, `tostring`",
        "pages of at most 1,000 rows; `$skipToken` only where `id` is projected, else `resultTruncated` alone",
        "rows that the caller may not read are missing without a notice, and so are unreadable subscriptions",
        "15 queries in 5 seconds for each caller, in the headers `x-ms-user-quota-…`; then 429",
        "rows that are older than the resources: the arrangements `freeze_graph` and `renew_graph`, the fault `graph-lag`",
        "no rows for what is inside a resource: computes, datastores, keys, encryption scopes, role assignments",
    ),
    differs=(
        "rows are as new as the resources unless it is arranged; Azure copies resources from time to time",
        "rows have the properties that the sandbox keeps, without those that a GET computes, such as `loginServer`",
    ),
    not_modelled=(
        "other tables, `join`, `union`, `summarize`, `extend`, `mv-expand` and functions other than `tostring`",
        "management groups, facets, `resultFormat: table`, `$skip`",
    ),
    guesses=(
        "a query none of whose subscriptions may be read is 400 `NoValidSubscriptionsInQueryRequest` (documentation has 403)",
        "a `$skipToken` of another query is refused",
    ),
)

TYPE = "Microsoft.ResourceGraph/resources"
VERSIONS = ("2021-03-01", "2022-10-01", "2024-04-01")
MOST_ROWS = 1000
QUERIES, SECONDS = 15, 5
SHAPE = {
    "subscriptions": [str],
    "query": Required(str),
    "options": {
        "$top": int,
        "$skipToken": str,
        "resultFormat": str,
        "authorizationScopeFilter": str,
        "allowPartialScopes": bool,
    },
}
INSIDE = frozenset(
    (
        "microsoft.machinelearningservices/workspaces/batchendpoints",
        "microsoft.machinelearningservices/workspaces/onlineendpoints",
        "microsoft.network/privatednszones/virtualnetworklinks",
        "microsoft.sql/servers/databases",
    )
)
"""The types inside another resource that Resource Graph has rows for, of those that the sandbox models."""

no_subscriptions = ErrorRow(
    400,
    "BadRequest",
    quoted("reports of clients that handle it; the documentation of permissions has a 403"),
    "There must be at least one subscription that is eligible to contain resources. Given: '{given}'.",
    details=({"code": "NoValidSubscriptionsInQueryRequest", "message": "{text}"},),
)
throttled = ErrorRow(
    429,
    "RateLimiting",
    documented("Guidance for throttled requests in Azure Resource Graph: the status and both headers"),
    "Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed.",
    headers={
        "Retry-After": "{seconds}",
        "x-ms-user-quota-remaining": "0",
        "x-ms-user-quota-resets-after": "00:00:0{seconds}",
    },
)


def resources(tenant: Tenant, call: Call) -> Reply:
    """Answer one page of a query's rows."""
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    options = body.get("options") or {}
    if options.get("resultFormat", "objectArray") != "objectArray":
        raise errors.not_modelled(f"the resultFormat {options['resultFormat']!r}")
    query = parse(body["query"])
    caller = call.caller
    subscriptions = _readable(tenant, caller, body.get("subscriptions"))
    left, resets = _count(tenant, caller.object_id if caller else "")
    found = query.run(_rows(tenant, call, subscriptions))
    page = _page(
        found, options, hashlib.sha256(repr((body["query"], subscriptions)).encode()).hexdigest()[:16], query.pages
    )
    quota = {"x-ms-user-quota-remaining": str(left), "x-ms-user-quota-resets-after": f"00:00:0{resets}"}
    return Reply(200, page, quota)


def _page(found: list[Json], options: Json, query: str, pages: bool) -> Json:
    start = _start(options.get("$skipToken", ""), query)
    end = start + min(max(options.get("$top", MOST_ROWS), 1), MOST_ROWS)
    more = end < len(found)
    page = {"totalRecords": len(found), "count": len(found[start:end]), "data": found[start:end], "facets": []}
    token = {"$skipToken": base64.b64encode(f"{query}:{end}".encode()).decode()} if more and pages else {}
    return {**page, "resultTruncated": "true" if more else "false", **token}


def _start(token: str, query: str) -> int:
    if not token:
        return 0
    try:
        of, _, start = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise errors.not_modelled("a $skipToken that it has not given") from problem
    if of != query or not start.isdecimal():
        raise errors.not_modelled("a $skipToken of another query")
    return int(start)


def _count(tenant: Tenant, caller: str) -> tuple[int, int]:
    """Count a query of a caller; return how many are left, and in how many seconds the count begins anew.

    Raises:
        AzureError: 429 when none is left.

    """
    table, now = tenant.table("graph_quota"), tenant.clock()
    row = table.get(caller)
    if row is None or not 0 <= now - row["since"] < SECONDS:
        row = table[caller] = {"since": now, "queries": 0}
    resets = max(1, round(SECONDS - (now - row["since"])))
    if row["queries"] >= QUERIES:
        raise throttled(seconds=str(resets))
    row["queries"] += 1
    tenant.advanced()
    return QUERIES - row["queries"], resets


def _readable(tenant: Tenant, caller: Caller | None, subscriptions: list[str] | None) -> list[str]:
    """Return the subscriptions of a query in which the caller has any role.

    Raises:
        AzureError: there are none.

    """
    wanted = (
        [each.lower() for each in subscriptions] if subscriptions is not None else list(tenant.data["subscriptions"])
    )
    found = [each for each in wanted if each in tenant.data["subscriptions"] and _may_see(tenant, caller, each)]
    if not found:
        raise no_subscriptions(given="','".join(wanted))
    return found


def _owns(tenant: Tenant, caller: Caller | None) -> bool:
    return caller is not None and caller.object_id == CLIENT_OBJECT_ID and bool(tenant.data["caller_owns"])


def _may_see(tenant: Tenant, caller: Caller | None, subscription: str) -> bool:
    if caller is None or _owns(tenant, caller):
        return True
    scope = ids.key(f"/subscriptions/{subscription}")
    reading = custom_roles.allowing(tenant, "Microsoft.Resources/subscriptions/resourceGroups/read")
    if has_role(tenant, scope, caller.object_id, reading):
        return True
    held = (row["doc"]["properties"] for row in tenant.table("assignments").values())
    return any(
        each["principalId"].lower() == caller.object_id.lower() and ids.key(each["scope"]).startswith(scope + "/")
        for each in held
    )


def _rows(tenant: Tenant, call: Call, subscriptions: list[str]) -> list[Json]:
    caller = call.caller
    frozen = tenant.table("graph").get("frozen")
    records = (tenant.table("resources") if frozen is None else frozen).items()
    owns, lagging = caller is None or _owns(tenant, caller), bool(tenant.faults.active)
    return [
        _row(tenant, _shown(tenant, record, call))
        for key, record in records
        if ids.subscription_of(key) in subscriptions
        and _has_rows(record["doc"]["type"])
        and (owns or _may_read(tenant, caller, record["doc"]))
        and not (lagging and tenant.faults.strikes("graph-lag", key))
    ]


def _shown(tenant: Tenant, record: Json, call: Call) -> Json:
    """Return a resource as a GET with the newest api-version shows it."""
    kind = record["doc"]["type"]
    view = registry.row_views().get(kind.lower())
    if view is None:
        document: Json = record["doc"]
        return document
    return view(tenant, record, replace(call, query_string=f"api-version={_newest(kind)}"))


def _has_rows(kind: str) -> bool:
    return kind.count("/") == 1 or kind.lower() in INSIDE


def _may_read(tenant: Tenant, caller: Caller | None, document: Json) -> bool:
    return caller is None or permissions.may(
        tenant, caller, permissions.Action(f"{document['type']}/read", document["id"])
    )


def _row(tenant: Tenant, document: Json) -> Json:
    """Return a resource as a row: every column there, the type and the group in lower case."""
    parts = document["id"].strip("/").split("/")
    given = {name: document.get(name) for name in COLUMNS}
    return {
        **given,
        "type": document["type"].lower(),
        "kind": document.get("kind") or "",
        "managedBy": document.get("managedBy") or "",
        "tenantId": tenant.tenant_id,
        "subscriptionId": parts[1].lower(),
        "resourceGroup": parts[3].lower(),
        "apiVersion": _newest(document["type"]),
    }


def _newest(kind: str) -> str:
    """Return the newest stable api-version of a type; a preview where it has no other."""
    known = registry.versions().get(kind.lower(), ())
    return max((each for each in known if "preview" not in each), default=max(known, default=""))


# --- arrangements


def freeze_graph(state: Arrangement) -> None:
    """Let Resource Graph show all resources as they are now, whatever happens to them, until it is renewed."""
    with state.arranging():
        state.tenant.table("graph")["frozen"] = deepcopy(state.tenant.table("resources"))


def renew_graph(state: Arrangement) -> None:
    """Let Resource Graph show the resources as they are."""
    with state.arranging():
        state.tenant.table("graph").pop("frozen", None)


PROVIDER = Provider(
    namespace="Microsoft.ResourceGraph",
    coverage=(COVERAGE,),
    routes=(Route("POST", "/providers/Microsoft.ResourceGraph/resources", resources, TYPE, VERSIONS),),
    registration=Registration.UNLISTED,
    tables={"graph": dict, "graph_quota": dict},
    arrange=(freeze_graph, renew_graph),
)
