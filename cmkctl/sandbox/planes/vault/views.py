"""Keys as the data plane shows them: bundles, items of listings, deleted keys, pages."""

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.planes.vault import material, records
from cmkctl.sandbox.planes.vault.context import Context
from cmkctl.sandbox.providers.microsoft_keyvault.keys import properties_of, recovery_level
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import DEFAULT_RETENTION_DAYS

PAGE = 3
"""The default page size for keys and versions: so small that every client has to follow the link."""
MOST = 25
NUMBER = re.compile(r"[0-9]{1,9}")
ORDER = ("enabled", "nbf", "exp", "created", "updated")


def kid(context: Context, record: Json, version: Json | None = None) -> str:
    """Return a key's identifier, with the version if one is given."""
    base = f"{context.uri}keys/{record['doc']['name']}"
    return base if version is None else f"{base}/{version['version']}"


def attributes(context: Context, record: Json, version: Json) -> Json:
    """Return the attributes of a version, as many as the api-version has."""
    kept = version["attributes"]
    shown = {name: kept[name] for name in ORDER if name in kept}
    shown["recoveryLevel"] = recovery_level(context.vault)
    if context.since("7.1-preview"):
        shown["recoverableDays"] = context.properties.get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    if context.since("7.3-preview"):
        shown["exportable"] = kept["exportable"]
    if context.since("7.5-preview.1"):
        shown["hsmPlatform"] = "1" if properties_of(record, version)["kty"].endswith("-HSM") else "0"
    return shown


def bundle(context: Context, record: Json, version: Json) -> Json:
    """Return a key with its public part; this is where material is made that nothing has needed before."""
    properties = properties_of(record, version)
    public = material.public_parts(material.private_key(context.tenant, version, properties))
    head = {"kid": kid(context, record, version), "kty": properties["kty"], "key_ops": properties["keyOps"]}
    return {"key": {**head, **public}, **_rest(context, record, version)}


def item(context: Context, record: Json, version: Json, *, versioned: bool) -> Json:
    """Return a key or a version as a listing shows it: without its public part."""
    return {"kid": kid(context, record, version if versioned else None), **_rest(context, record, version)}


def _rest(context: Context, record: Json, version: Json) -> Json:
    tags = records.tags_of(record, version)
    return {"attributes": attributes(context, record, version), **({"tags": tags} if tags else {})}


def deleted(context: Context, row: Json, show: Callable[[Json, Json], Json]) -> Json:
    """Return a deleted key: `show` renders its record and newest version."""
    record = row["record"]
    recovery = f"{context.uri}deletedkeys/{record['doc']['name']}"
    dates = {"deletedDate": row["deletedDate"], "scheduledPurgeDate": row["scheduledPurgeDate"]}
    return {"recoveryId": recovery, **dates, **show(record, record["versions"][-1])}


def page(context: Context, rows: Sequence[Json]) -> Json:
    """Return the requested part of a listing; ``nextLink`` is null on the last page, as recorded."""
    size = _size(context.call.query.get("maxresults"))
    token = context.call.query.get("$skiptoken", "0")
    if not NUMBER.fullmatch(token):
        raise errors.skiptoken_invalid()
    start = int(token)
    more = start + size < len(rows)
    return {"value": list(rows[start : start + size]), "nextLink": _link(context, start + size) if more else None}


def _size(requested: str | None) -> int:
    if requested is None:
        return PAGE
    if not NUMBER.fullmatch(requested) or not 1 <= int(requested) <= MOST:
        raise errors.maxresults_out_of_range(MOST, requested)
    return int(requested)


def _link(context: Context, start: int) -> str:
    call = context.call
    query = {"api-version": call.api_version, "$skiptoken": str(start)}
    if "maxresults" in call.query:
        query["maxresults"] = call.query["maxresults"]
    return f"https://{call.host}:443{call.path.rstrip('/')}?{urlencode(query, safe='$')}"
