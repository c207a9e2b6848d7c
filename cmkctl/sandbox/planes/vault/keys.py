"""Keys: create, import, get, list, change."""

from cmkctl.sandbox.core.messages import Json, Reply
from cmkctl.sandbox.planes.vault import bodies, material, records, views
from cmkctl.sandbox.planes.vault.context import Context


def create(context: Context) -> Reply:
    """Create a key, or a new version of it (unlike ARM's PUT, which never makes a second one)."""
    body = bodies.read(context.call, bodies.CREATE)
    return _made(context, records.add_version(context, bodies.new_key(context, body), body.get("tags")))


def import_key(context: Context) -> Reply:
    """Create a key, or a new version of it, from material that is sent."""
    body = bodies.read(context.call, bodies.IMPORT)
    properties, private = bodies.imported_key(context, body)
    return _made(context, records.add_version(context, properties, body.get("tags"), material.stored(private)))


def _made(context: Context, record: Json) -> Reply:
    return Reply(200, views.bundle(context, record, record["versions"][-1]))


def get(context: Context) -> Reply:
    """Answer a version, or the newest; a disabled one, too (recording 24)."""
    record = records.existing(context)
    return Reply(200, views.bundle(context, record, records.chosen(context, record)))


def list_keys(context: Context) -> Reply:
    """Answer the keys of the vault, a page at a time, each as its newest version."""
    rows = [views.item(context, row, row["versions"][-1], versioned=False) for row in records.all_keys(context)]
    return Reply(200, views.page(context, rows))


def list_versions(context: Context) -> Reply:
    """Answer the versions of a key, a page at a time, in the order of their ids: not of their age (recording 24)."""
    record = records.existing(context)
    versions = sorted(record["versions"], key=lambda version: str(version["version"]))
    return Reply(200, views.page(context, [views.item(context, record, one, versioned=True) for one in versions]))


def update(context: Context) -> Reply:
    """Change attributes, operations or tags of a version; what is null or left out stays."""
    record = records.existing(context)
    version = records.chosen(context, record)
    body = bodies.read(context.call, bodies.UPDATE, partial=True)
    records.settle_versions(record)
    _change(context, version, body)
    if version is record["versions"][-1]:
        record["doc"]["properties"].update(version["properties"])
        record["doc"]["tags"] = version["tags"]
    context.tenant.changed()
    return Reply(200, views.bundle(context, record, version))


def _change(context: Context, version: Json, body: Json) -> None:
    sent = {name: value for name, value in (body.get("attributes") or {}).items() if value is not None}
    attributes = {**version["attributes"], **sent}
    bodies.require_dates(attributes)
    if sent.get("exportable") or body.get("release_policy"):
        bodies.require_exportable(body)
    if body.get("key_ops") is not None:
        version["properties"]["keyOps"] = bodies.key_operations(version["properties"]["kty"], body["key_ops"])
    if body.get("tags") is not None:
        version["tags"] = body["tags"]
    version["attributes"] = {**attributes, "updated": int(context.tenant.clock())}
