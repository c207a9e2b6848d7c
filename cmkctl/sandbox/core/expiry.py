"""Expiry: ends the retention of soft-deleted resources and forgets finished operations. Checked once a second."""

from datetime import datetime

from cmkctl.sandbox.core import registry
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

FORGET_AFTER = 3600
"""Seconds after which a finished operation is forgotten."""

KEEP_OPERATIONS = 500
"""The maximum number of finished operations that are kept."""


def expire(tenant: Tenant) -> None:
    """End what has ended by now, unless that was checked within the last second."""
    now = tenant.clock()
    if 0 <= now - tenant.swept < 1:
        return
    tenant.swept = now
    registry.expire(tenant, now)
    _forget_operations(tenant, now)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _forget_operations(tenant: Tenant, now: float) -> None:
    table = tenant.table("operations")
    finished = [(name, row) for name, row in table.items() if row["finished"]]
    old = [name for name, row in finished if _ended(row) <= now - FORGET_AFTER]
    for name in {*old, *(name for name, _ in finished[:-KEEP_OPERATIONS])}:
        del table[name]
        tenant.advanced()


def _ended(operation: Json) -> float:
    return _moment(operation["ended"])
