"""Keys: create, import, get, list, change."""

from cmkctl.sandbox.keyvault import bodies, material, records, views
from cmkctl.sandbox.keyvault.visit import Visit
from cmkctl.sandbox.messages import Json, Reply


def create(visit: Visit) -> Reply:
    """Create a key, or a new version of it (unlike ARM's PUT, which never makes a second one)."""
    body = bodies.read(visit.call, bodies.CREATE)
    return _made(visit, records.add_version(visit, bodies.new_key(visit, body), body.get("tags")))


def import_key(visit: Visit) -> Reply:
    """Create a key, or a new version of it, from material that is sent."""
    body = bodies.read(visit.call, bodies.IMPORT)
    properties, private = bodies.imported_key(visit, body)
    return _made(visit, records.add_version(visit, properties, body.get("tags"), material.stored(private)))


def _made(visit: Visit, record: Json) -> Reply:
    return Reply(200, views.bundle(visit, record, record["versions"][-1]))


def get(visit: Visit) -> Reply:
    """Answer a version, or the newest; a disabled one, too (recording 24)."""
    record = records.existing(visit)
    return Reply(200, views.bundle(visit, record, records.chosen(visit, record)))


def list_keys(visit: Visit) -> Reply:
    """Answer the keys of the vault, a page at a time, each as its newest version."""
    rows = [views.item(visit, row, row["versions"][-1], versioned=False) for row in records.all_keys(visit)]
    return Reply(200, views.page(visit, rows))


def list_versions(visit: Visit) -> Reply:
    """Answer the versions of a key, a page at a time, in the order of their ids: not of their age (recording 24)."""
    record = records.existing(visit)
    versions = sorted(record["versions"], key=lambda version: str(version["version"]))
    return Reply(200, views.page(visit, [views.item(visit, record, one, versioned=True) for one in versions]))


def update(visit: Visit) -> Reply:
    """Change attributes, operations or tags of a version; what is null or left out stays."""
    record = records.existing(visit)
    version = records.chosen(visit, record)
    body = bodies.read(visit.call, bodies.UPDATE, partial=True)
    records.settle_versions(record)
    _change(visit, version, body)
    if version is record["versions"][-1]:
        record["doc"]["properties"].update(version["properties"])
        record["doc"]["tags"] = version["tags"]
    visit.tenant.changed()
    return Reply(200, views.bundle(visit, record, version))


def _change(visit: Visit, version: Json, body: Json) -> None:
    sent = {name: value for name, value in (body.get("attributes") or {}).items() if value is not None}
    attributes = {**version["attributes"], **sent}
    bodies.require_dates(attributes)
    if sent.get("exportable") or body.get("release_policy"):
        bodies.require_exportable(body)
    if body.get("key_ops") is not None:
        version["properties"]["keyOps"] = bodies.key_operations(version["properties"]["kty"], body["key_ops"])
    if body.get("tags") is not None:
        version["tags"] = body["tags"]
    version["attributes"] = {**attributes, "updated": int(visit.tenant.clock())}
