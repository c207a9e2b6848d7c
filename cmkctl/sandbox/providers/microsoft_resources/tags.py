"""Tags of a subscription, a group or a resource by the tags API, and the tag names of a subscription. Forms: the reference."""

from collections import Counter

from cmkctl.sandbox.core import errors, ids, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_resources import groups

COVERAGE = Area(
    "subscriptions, tenants, regions",
    supported=("tags: PUT, PATCH (Merge, Replace, Delete), GET, DELETE at any scope; tag names of a subscription",),
    guesses=("a write of tags is answered 200 at once; Azure may answer 202",),
)
TYPE = "Microsoft.Resources/tags"
SHAPE = {**shapes.TOP, "properties": Required({"tags": shapes.TAGS})}
PATCH_SHAPE = {"operation": Required(("Merge", "Replace", "Delete")), "properties": {"tags": shapes.TAGS}}


def _document(tenant: Tenant, scope: str) -> Json:
    """Return what has the tags of a scope.

    Raises:
        AzureError: 404 when there is nothing at the scope.

    """
    parts = scope.strip("/").split("/")
    if len(parts) == 2:
        tags: dict[str, Json] = tenant.table("subscription_tags")
        return tags.setdefault(parts[1].lower(), {})
    if len(parts) == 4 and parts[2].lower() == "resourcegroups":
        found: Json = tenant.group(parts[1], parts[3])["doc"]
        return found
    record = tenant.resource(scope)
    parsed = ids.parse(scope)
    if record is None or parsed is None:
        raise errors.resource_not_found(
            *((parsed.full_type, parsed.name, parsed.group) if parsed else (TYPE, scope, ""))
        )
    document: Json = record["doc"]
    return document


def _shown(scope: str, document: Json) -> Json:
    identifier = f"{scope}/providers/{TYPE}/default"
    return {"id": identifier, "name": "default", "type": TYPE, "properties": {"tags": document.get("tags") or {}}}


def get_tags(tenant: Tenant, call: Call) -> Reply:
    """Answer the tags of a scope."""
    return Reply(200, _shown(call["scope"], _document(tenant, call["scope"])))


def put_tags(tenant: Tenant, call: Call) -> Reply:
    """Replace the tags of a scope."""
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"].get("tags")
    return _keep(tenant, call, sent or {})


def patch_tags(tenant: Tenant, call: Call) -> Reply:
    """Merge tags into those of a scope, replace them, or take some away (by name and value)."""
    body = shapes.accept(PATCH_SHAPE, call.json(), call.api_version)
    sent: Json = (body.get("properties") or {}).get("tags") or {}
    held: Json = _document(tenant, call["scope"]).get("tags") or {}
    operation = body["operation"].lower()
    if operation == "merge":
        return _keep(tenant, call, {**held, **sent})
    kept = sent if operation == "replace" else {name: value for name, value in held.items() if sent.get(name) != value}
    return _keep(tenant, call, kept)


def delete_tags(tenant: Tenant, call: Call) -> Reply:
    """Take every tag of a scope away: 200, empty."""
    _keep(tenant, call, {})
    return Reply(200)


def _keep(tenant: Tenant, call: Call, tags: Json) -> Reply:
    document = _document(tenant, call["scope"])
    document["tags"] = tags
    tenant.changed()
    return Reply(200, _shown(call["scope"], document))


def list_names(tenant: Tenant, call: Call) -> Reply:
    """Answer the names and values of tags in use, with how often."""
    prefix = f"/subscriptions/{call['subscription']}"
    documents = [row["doc"] for row in tenant.resources_in(prefix)]
    documents += [row["doc"] for key, row in tenant.table("groups").items() if key.startswith(ids.key(prefix) + "/")]
    used = Counter((name, value) for document in documents for name, value in (document.get("tags") or {}).items())
    rows: dict[str, Json] = {}
    for (name, value), count in used.items():
        identifier = f"{prefix}/tagNames/{name}"
        row = rows.setdefault(
            name, {"id": identifier, "tagName": name, "count": {"type": "Total", "value": 0}, "values": []}
        )
        row["count"]["value"] += count
        total = {"type": "Total", "value": count}
        row["values"].append({"id": f"{identifier}/tagValues/{value}", "tagValue": value, "count": total})
    return Reply(200, {"value": list(rows.values())})


_ONE = "{scope}/providers/" + TYPE + "/default"
ROUTES = (
    Route("GET", _ONE, get_tags, TYPE, groups.VERSIONS),
    Route("PUT", _ONE, put_tags, TYPE, groups.VERSIONS),
    Route("PATCH", _ONE, patch_tags, TYPE, groups.VERSIONS),
    Route("DELETE", _ONE, delete_tags, TYPE, groups.VERSIONS),
    Route("GET", "/subscriptions/{subscription}/tagNames", list_names, groups.TYPE, groups.VERSIONS),
)
