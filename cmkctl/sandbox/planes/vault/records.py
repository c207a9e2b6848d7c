"""Keys as the tenant keeps them: the same records ARM reads and writes, with versions, and the soft-deleted ones.

A key's record has the newest version's properties and tags in its document. A version that is no longer the newest, or
was changed on its own, carries its own. Soft-deleted keys lie in their vault's record and so go where it goes.
"""

from collections.abc import Iterator

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.planes.vault.context import Context
from cmkctl.sandbox.providers.microsoft_keyvault import keys
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import DEFAULT_RETENTION_DAYS

DAY = 86400


def key_id(context: Context) -> str:
    """Return the resource id of the key the path names."""
    return f"{context.id}/keys/{context.name}"


def existing(context: Context) -> Json:
    """Return the record of the key the path names.

    Raises:
        AzureError: 404 `KeyNotFound`.

    """
    record = context.tenant.resource(key_id(context))
    if record is None:
        raise errors.vault_key_not_found("/".join(part for part in (context.name, context.version) if part))
    return record


def chosen(context: Context, record: Json) -> Json:
    """Return the version the path names, or the newest.

    Raises:
        AzureError: 404 `KeyNotFound`.

    """
    wanted = context.version.lower()
    found = [version for version in record["versions"] if not wanted or version["version"] == wanted]
    if not found:
        raise errors.vault_key_not_found(f"{context.name}/{context.version}")
    newest: Json = found[-1]
    return newest


def all_keys(context: Context) -> Iterator[Json]:
    """Yield the keys of the vault in the order Azure's storage has them: by name."""
    rows = [row for row in context.tenant.resources_in(context.id) if row["doc"]["type"] == keys.TYPE]
    yield from sorted(rows, key=lambda row: str(row["doc"]["name"]).upper())


def tags_of(record: Json, version: Json) -> Json:
    """Return the tags of one version."""
    tags: Json = version.get("tags", record["doc"]["tags"])
    return tags


def settle_versions(record: Json) -> None:
    """Give every version properties and tags of its own, before the document gets others."""
    document = record["doc"]
    for version in record["versions"]:
        version.setdefault("properties", _without_policy(document["properties"]))
        version.setdefault("tags", dict(document["tags"]))


def _without_policy(properties: Json) -> Json:
    return {name: value for name, value in properties.items() if name not in keys.OF_THE_KEY}


def add_version(context: Context, properties: Json, tags: Json | None, material: str | None = None) -> Json:
    """Create the key, or give it one more version; return its record.

    Raises:
        AzureError: 409 `Conflict` while a deleted key has the name.

    """
    refuse_deleted_name(context)
    known = context.tenant.resource(key_id(context))
    name, earlier = context.name, []
    if known is not None:
        settle_versions(known)
        name, earlier = known["doc"]["name"], known["versions"]
        kept = {word: value for word, value in known["doc"]["properties"].items() if word in keys.OF_THE_KEY}
        properties = {**properties, **kept}
    record = keys.create_key(context.tenant, context.vault, name, properties, tags)
    if material is not None:
        record["versions"][-1]["material"] = material
    record["versions"] = [*earlier, *record["versions"]]
    return record


# --- soft-deleted keys ---------------------------------------------------------------------------------------------


def deleted_keys(context: Context) -> dict[str, Json]:
    """Return the soft-deleted keys of the vault, by lower-case name; those past their retention are gone."""
    rows: dict[str, Json] = context.vault.get("deletedKeys", {})
    now = context.tenant.clock()
    for name in [name for name, row in rows.items() if row["scheduledPurgeDate"] <= now]:
        del rows[name]
        context.tenant.changed()
    return rows


def refuse_deleted_name(context: Context) -> None:
    """Refuse a new key under the name of one that is deleted or being deleted (P22)."""
    row = deleted_keys(context).get(context.name.lower())
    if row is None:
        return
    if context.tenant.tick(row["countdown"]):
        raise errors.key_name_soft_deleted(context.name)
    raise errors.key_name_being_deleted(context.name)


def delete(context: Context, record: Json) -> Json:
    """Soft-delete a key; return its row among the deleted ones."""
    now = int(context.tenant.clock())
    days = context.properties.get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    dates = {"deletedDate": now, "scheduledPurgeDate": now + days * DAY}
    row = {"record": record, **dates, "countdown": context.tenant.begin("key.delete")}
    context.vault.setdefault("deletedKeys", {})[context.name.lower()] = row
    del context.tenant.table("resources")[ids.key(record["doc"]["id"])]
    context.tenant.changed()
    return row
