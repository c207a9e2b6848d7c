"""Policies with the effect modify: Azure writes a value into a resource while it is created or replaced."""

import json

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.state import Tenant


def alter(tenant: Tenant, call: Call) -> None:
    """Write the values of the policies for this type into the body of a PUT, as Azure does before the provider sees it."""
    found = ids.parse(call.path) if call.method == "PUT" else None
    rows = [row for row in tenant.table("modifications").values() if found and row["type"] == found.full_type.lower()]
    if not rows or not call.body:
        return
    content = call.json()
    for row in rows:
        _write(content, row["path"].split("."), row["value"])
    call.body = json.dumps(content).encode()


def _write(content: Json, path: list[str], value: object) -> None:
    *around, name = path
    for each in around:
        content = content.setdefault(each, {})
    content[name] = value
