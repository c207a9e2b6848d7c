"""Keys as the tenant keeps them: the same records ARM reads and writes, with versions, and the soft-deleted ones.

A key's record has the newest version's properties and tags in its document. A version that is no longer the newest, or
was changed on its own, carries its own. Soft-deleted keys lie in their vault's record and so go where it goes.
"""

from collections.abc import Iterator

from cmkctl.sandbox import ids
from cmkctl.sandbox.arm import keys
from cmkctl.sandbox.arm.soft_delete import DEFAULT_RETENTION_DAYS
from cmkctl.sandbox.keyvault import refusals
from cmkctl.sandbox.keyvault.visit import Visit
from cmkctl.sandbox.messages import Json

DAY = 86400


def key_id(visit: Visit) -> str:
    """Return the resource id of the key the path names."""
    return f"{visit.id}/keys/{visit.name}"


def existing(visit: Visit) -> Json:
    """Return the record of the key the path names.

    Raises:
        AzureError: 404 `KeyNotFound`.

    """
    record = visit.tenant.resource(key_id(visit))
    if record is None:
        raise refusals.key_not_found("/".join(part for part in (visit.name, visit.version) if part))
    return record


def chosen(visit: Visit, record: Json) -> Json:
    """Return the version the path names, or the newest.

    Raises:
        AzureError: 404 `KeyNotFound`.

    """
    wanted = visit.version.lower()
    found = [version for version in record["versions"] if not wanted or version["version"] == wanted]
    if not found:
        raise refusals.key_not_found(f"{visit.name}/{visit.version}")
    newest: Json = found[-1]
    return newest


def all_keys(visit: Visit) -> Iterator[Json]:
    """Yield the keys of the vault in the order Azure's storage has them: by name."""
    rows = [row for row in visit.tenant.resources_in(visit.id) if row["doc"]["type"] == keys.TYPE]
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


def add_version(visit: Visit, properties: Json, tags: Json | None, material: str | None = None) -> Json:
    """Create the key, or give it one more version; return its record.

    Raises:
        AzureError: 409 `Conflict` while a deleted key has the name.

    """
    refuse_deleted_name(visit)
    known = visit.tenant.resource(key_id(visit))
    name, earlier = visit.name, []
    if known is not None:
        settle_versions(known)
        name, earlier = known["doc"]["name"], known["versions"]
        kept = {word: value for word, value in known["doc"]["properties"].items() if word in keys.OF_THE_KEY}
        properties = {**properties, **kept}
    record = keys.create_key(visit.tenant, visit.vault, name, properties, tags)
    if material is not None:
        record["versions"][-1]["material"] = material
    record["versions"] = [*earlier, *record["versions"]]
    return record


# --- soft-deleted keys ---------------------------------------------------------------------------------------------


def deleted_keys(visit: Visit) -> dict[str, Json]:
    """Return the soft-deleted keys of the vault, by lower-case name; those past their retention are gone."""
    rows: dict[str, Json] = visit.vault.get("deletedKeys", {})
    now = visit.tenant.clock()
    for name in [name for name, row in rows.items() if row["scheduledPurgeDate"] <= now]:
        del rows[name]
        visit.tenant.changed()
    return rows


def refuse_deleted_name(visit: Visit) -> None:
    """Refuse a new key under the name of one that is deleted or being deleted (P22)."""
    row = deleted_keys(visit).get(visit.name.lower())
    if row is None:
        return
    if visit.tenant.tick(row["countdown"]):
        raise refusals.name_soft_deleted(visit.name)
    raise refusals.name_being_deleted(visit.name)


def delete(visit: Visit, record: Json) -> Json:
    """Soft-delete a key; return its row among the deleted ones."""
    now = int(visit.tenant.clock())
    days = visit.properties.get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    dates = {"deletedDate": now, "scheduledPurgeDate": now + days * DAY}
    row = {"record": record, **dates, "countdown": visit.tenant.begin("key.delete")}
    visit.vault.setdefault("deletedKeys", {})[visit.name.lower()] = row
    del visit.tenant.table("resources")[ids.key(record["doc"]["id"])]
    visit.tenant.changed()
    return row
