"""The writes of the cases have the form that Microsoft publishes for the type and api-version, where the reference has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from support.reference import ARM_TYPES, require_reference
from test_services_cases import _cases, documents_of, key_of, settings_of

from cmkctl.azure.ids import resource_type
from cmkctl.services import encryptable
from cmkctl.services.base import Refusal

BY_NAME = {each.name: each for each in encryptable()}


@cache
def _type(kind: str, version: str) -> Mapping[str, Any] | None:
    files = {each.name.lower(): each for each in ARM_TYPES.glob(f"*@{version}.json")}
    found = files.get(f"{kind.replace('/', '.')}@{version}.json".lower())
    return None if found is None else json.loads(found.read_text(encoding="utf-8"))


def _wrong(page: Mapping[str, Any], kind: Any, body: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield each member of a body that the type does not have, or that belongs to the service."""
    while "$ref" in kind:
        kind = page["$defs"][kind["$ref"].partition("#/$defs/")[2]]
    for name, value in body.items():
        here, member = f"{path}.{name}".lstrip("."), kind.get("properties", {}).get(name)
        if member is None:
            if kind.get("additionalProperties", True) is False:
                yield f"{here} is unknown"
        elif member.get("readOnly"):
            yield f"{here} is read-only"
        elif isinstance(value, Mapping):
            yield from _wrong(page, member, value, here)


def test_every_write_of_a_case_is_published() -> None:
    """At least the flexible servers are compared: their types are among the files."""
    require_reference()
    found: set[str] = set()
    problems = []
    for case in [each.values[0] for each in _cases()]:
        service = BY_NAME.get(case["service"])
        if service is None or not isinstance(case.get("want"), list):
            continue
        wanted = service.want(settings_of(case), documents_of(case), key_of(case))
        for each in () if isinstance(wanted, Refusal) else wanted:
            kind = resource_type(each.resource_id)
            if page := _type(kind, each.api_version):
                found.add(kind)
                problems += [f"{kind}: {one}" for one in _wrong(page, page, each.body)]

    assert [] == problems
    assert {"Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforMySQL/flexibleServers"} <= found
