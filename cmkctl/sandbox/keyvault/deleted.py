"""Soft-deleted keys: delete, look, recover, purge. Deleting takes a while, in which nothing else can be done (fact 27)."""

from cmkctl.sandbox import ids
from cmkctl.sandbox.keyvault import records, refusals, views
from cmkctl.sandbox.keyvault.visit import Visit
from cmkctl.sandbox.messages import Json, Reply


def delete(visit: Visit) -> Reply:
    """Soft-delete a key with all its versions, 200 with where to recover it and until when."""
    return _shown(visit, records.delete(visit, records.existing(visit)))


def _shown(visit: Visit, row: Json) -> Reply:
    return Reply(200, views.deleted(visit, row, lambda record, version: views.bundle(visit, record, version)))


def get(visit: Visit) -> Reply:
    """Answer a deleted key; 404 while it is still being deleted, which is what SDKs poll."""
    row = _existing(visit)
    if not visit.tenant.tick(row["countdown"]):
        raise refusals.deleted_key_not_found(visit.name)
    return _shown(visit, row)


def list_deleted(visit: Visit) -> Reply:
    """Answer the deleted keys of the vault, a page at a time."""
    rows = [row for _, row in sorted(records.deleted_keys(visit).items()) if visit.tenant.tick(row["countdown"])]
    shown = [views.deleted(visit, row, lambda key, one: views.item(visit, key, one, versioned=False)) for row in rows]
    return Reply(200, views.page(visit, shown))


def recover(visit: Visit) -> Reply:
    """Bring a deleted key back as it was."""
    row = _settled(visit)
    record = row["record"]
    visit.tenant.table("resources")[ids.key(record["doc"]["id"])] = record
    _forget(visit)
    return Reply(200, views.bundle(visit, record, record["versions"][-1]))


def purge(visit: Visit) -> Reply:
    """Delete for good, 204; refused while the vault has purge protection."""
    _existing(visit)
    if visit.properties.get("enablePurgeProtection"):
        raise refusals.purge_refused(visit.place)
    _settled(visit)
    _forget(visit)
    return Reply(204)


def _existing(visit: Visit) -> Json:
    row = records.deleted_keys(visit).get(visit.name.lower())
    if row is None:
        raise refusals.deleted_key_not_found(visit.name)
    return row


def _settled(visit: Visit) -> Json:
    row = _existing(visit)
    if not visit.tenant.tick(row["countdown"]):
        raise refusals.being_deleted(visit.name)
    return row


def _forget(visit: Visit) -> None:
    del records.deleted_keys(visit)[visit.name.lower()]
    visit.tenant.changed()
