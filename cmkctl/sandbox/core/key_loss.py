"""The loss of a customer-managed key by the resources that use it: noticed after an hour, and over some time after its return.

Where a service gives another time, `Provider.key_seconds` has it.

Services keep the unwrapped key in a cache and call Key Vault again from time to time, so that an account is revoked "within an
hour", and "wait one hour" is the advice after the repair (Cosmos DB: cmk-troubleshooting-guide and troubleshoot-cmk). The time
is that of the sandbox's clock. `Provider.key_readers` returns for each type whether a resource can use its key now.
"""

from cmkctl.sandbox.core import registry
from cmkctl.sandbox.core.clouds import Cloud, Service
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.state import Tenant

CACHED = 3600
"""Seconds for which a service goes on with the key in its cache."""

RETURN = "key.return"
"""The transition after which a service has noticed that it may use its key again."""

DISABLED, NO_GRANT, NO_KEY, NO_VAULT = "disabled", "no-grant", "no-key", "no-vault"
"""Why a resource cannot use its key."""

_LOST, _RETURNING = "keyLost", "keyReturning"


def may_change_access(call: Call) -> bool:
    """Return whether a request can change who may use a key: any write about vaults, keys or role assignments."""
    if call.method == "GET":
        return False
    path = call.path.lower()
    return call.service is Service.VAULT or "/microsoft.keyvault/" in path or "/roleassignments/" in path


def note(tenant: Tenant, cloud: Cloud) -> None:
    """Note of every resource with a key whether it can use it now."""
    readers = registry.key_readers()
    for record in list(tenant.table("resources").values()):
        if record["doc"]["type"].lower() in readers:
            _note(tenant, cloud, record)


def lost(tenant: Tenant, cloud: Cloud, record: Json) -> str:
    """Return why a resource is without its key; empty while it can use it, or still has it in its cache. Counts a read."""
    _note(tenant, cloud, record)
    if _LOST in record:
        return str(record[_LOST]["why"]) if _is_over(tenant, record) else ""
    if _RETURNING not in record:
        return ""
    if not tenant.tick(record[_RETURNING]["countdown"]):
        return str(record[_RETURNING]["why"])
    del record[_RETURNING]
    tenant.advanced()
    return ""


def noticed(tenant: Tenant, record: Json) -> str:
    """Return why a resource is without its key, once that has been noticed; empty before. Counts no read."""
    return str(record[_LOST]["why"]) if _LOST in record and _is_over(tenant, record) else ""


def _note(tenant: Tenant, cloud: Cloud, record: Json) -> None:
    why = registry.key_readers()[record["doc"]["type"].lower()](tenant, cloud, record)
    if why and _LOST not in record:
        # Who loses the key again before its return was noticed has none in its cache.
        seconds = registry.key_seconds().get(record["doc"]["type"].lower(), CACHED)
        cached = 0 if record.pop(_RETURNING, None) else seconds
        record[_LOST] = {"until": tenant.clock() + cached, "why": why}
        tenant.changed()
    elif not why and _LOST in record:
        if _is_over(tenant, record):
            record[_RETURNING] = {"countdown": tenant.begin(RETURN), "why": record[_LOST]["why"]}
        del record[_LOST]
        tenant.changed()


def _is_over(tenant: Tenant, record: Json) -> bool:
    return bool(tenant.clock() >= record[_LOST]["until"])
