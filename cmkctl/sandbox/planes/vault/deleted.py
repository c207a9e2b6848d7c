"""Soft-deleted keys: delete, look, recover, purge. Deleting takes a while, in which nothing else can be done (fact 27)."""

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.messages import Json, Reply
from cmkctl.sandbox.planes.vault import records, views
from cmkctl.sandbox.planes.vault.context import Context


def delete(context: Context) -> Reply:
    """Soft-delete a key with all its versions, 200 with where to recover it and until when."""
    return _shown(context, records.delete(context, records.existing(context)))


def _shown(context: Context, row: Json) -> Reply:
    return Reply(200, views.deleted(context, row, lambda record, version: views.bundle(context, record, version)))


def get(context: Context) -> Reply:
    """Answer a deleted key; 404 while it is still being deleted, which is what SDKs poll."""
    row = _existing(context)
    if not context.tenant.tick(row["countdown"]):
        raise errors.deleted_key_not_found(context.name)
    return _shown(context, row)


def list_deleted(context: Context) -> Reply:
    """Answer the deleted keys of the vault, a page at a time."""
    rows = [row for _, row in sorted(records.deleted_keys(context).items()) if context.tenant.tick(row["countdown"])]
    shown = [
        views.deleted(context, row, lambda key, one: views.item(context, key, one, versioned=False)) for row in rows
    ]
    return Reply(200, views.page(context, shown))


def recover(context: Context) -> Reply:
    """Bring a deleted key back as it was."""
    row = _settled(context)
    record = row["record"]
    context.tenant.table("resources")[ids.key(record["doc"]["id"])] = record
    _forget(context)
    return Reply(200, views.bundle(context, record, record["versions"][-1]))


def purge(context: Context) -> Reply:
    """Delete for good, 204; refused while the vault has purge protection."""
    _existing(context)
    if context.properties.get("enablePurgeProtection"):
        raise errors.key_purge_refused(context.place)
    _settled(context)
    _forget(context)
    return Reply(204)


def _existing(context: Context) -> Json:
    row = records.deleted_keys(context).get(context.name.lower())
    if row is None:
        raise errors.deleted_key_not_found(context.name)
    return row


def _settled(context: Context) -> Json:
    row = _existing(context)
    if not context.tenant.tick(row["countdown"]):
        raise errors.key_being_deleted(context.name)
    return row


def _forget(context: Context) -> None:
    del records.deleted_keys(context)[context.name.lower()]
    context.tenant.changed()
