"""What a plan shows, held against exchanges recorded from the real Azure and against Microsoft's published types.

Both are beside this checkout, in ../shared/reference, or the tests are skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from record import SCENES, SUBSCRIPTION
from support.reference import ARM_TYPES, RECORDINGS, require_reference

GROUP = "/subscriptions/[^/]+/resourcegroups/[^/]+"
WRITES = {
    "provider registration": ("POST", "/subscriptions/[^/]+/providers/[^/]+/register"),
    "resource group": ("PUT", GROUP),
    "key vault": ("PUT", f"{GROUP}/providers/microsoft.keyvault/vaults/[^/]+"),
    "key": ("PUT", f"{GROUP}/providers/microsoft.keyvault/vaults/[^/]+/keys/[^/]+"),
    "access policy": ("PUT", f"{GROUP}/providers/microsoft.keyvault/vaults/[^/]+/accesspolicies/add"),
    "workspace": ("PUT", f"{GROUP}/providers/microsoft.machinelearningservices/workspaces/[^/]+"),
}
"""The writes of the documented sequence: method and path, in lower case."""


@pytest.fixture(autouse=True)
def reference() -> None:
    """Skip where there is nothing to hold a plan against."""
    require_reference()


@pytest.fixture
def planned(cmkctl: Any) -> list[dict[str, Any]]:
    """Provide the requests that the plan of a new workspace shows."""
    scene = SCENES[0]
    ran = cmkctl.within(AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)(*scene.arguments, "--replay", scene.path, "--json")
    return [each["request"] for each in ran.of("planned_change") if each["request"]]


@cache
def recorded() -> list[tuple[str, str, Any, Any]]:
    """Every recorded exchange: method, path in lower case, request body, response body."""
    files = [json.loads(each.read_text(encoding="utf-8")) for each in sorted(RECORDINGS.glob("*.json"))]
    exchanges = [each for file in files for each in file["interactions"]]
    return [
        (
            each["request"]["method"],
            urlsplit(each["request"]["uri"]).path.lower(),
            each["request"]["body"],
            each["response"]["body"],
        )
        for each in exchanges
    ]


def names(value: Any) -> Iterator[str]:
    """Return the names of all properties of a body, but not those that are data: tags, and ids as names."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield name
        if name not in ("tags", "userAssignedIdentities"):
            yield from names(inner)
    for inner in value if isinstance(value, list) else ():
        yield from names(inner)


def fitting(what: str, method: str, path: str) -> bool:
    """Return True for a request that is this write."""
    wanted, pattern = WRITES[what]
    return method == wanted and re.fullmatch(pattern, path.lower()) is not None


def type_of(request: dict[str, Any]) -> str:
    """Return the name of the published type of a planned request; empty where none is published."""
    provider, _, rest = request["path"].rpartition("/providers/")[2].partition("/")
    return ".".join([provider, *rest.split("/")[::2]]) if rest and "/register" not in request["path"] else ""


def schema_of(request: dict[str, Any]) -> Any:
    """Return the published type of a planned request at its api-version, None where it is not in the folder."""
    wanted = f"{type_of(request)}@{request['api_version']}.json".lower()
    found = [each for each in ARM_TYPES.iterdir() if each.name.lower() == wanted]
    # The definitions have slashes in their names, which a JSON pointer has to escape.
    escaped = re.compile(r'(?<="#/\$defs/)[^"]+')
    return json.loads(escaped.sub(_escaped, found[0].read_text(encoding="utf-8"))) if found else None


def _escaped(found: re.Match[str]) -> str:
    return found[0].replace("/", "~1")


def known(value: Any) -> Any:
    """Return a body with unknown values replaced by a text."""
    if isinstance(value, dict):
        return "known later" if value.keys() == {"$unknown"} else {name: known(inner) for name, inner in value.items()}
    return [known(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("what", WRITES)
def test_a_planned_write_has_the_form_of_one_that_the_real_azure_took(planned: list[dict[str, Any]], what: str) -> None:
    """Same method, same path but for the names, and no property that neither the recordings nor the type have."""
    ours = [each for each in planned if fitting(what, each["method"], each["path"])]
    theirs = [bodies for method, path, *bodies in recorded() if fitting(what, method, path)]
    assert ours
    assert theirs

    seen = {name for bodies in theirs for body in bodies for name in names(body)}
    published = {name for each in ours if (schema := schema_of(each)) for name in _properties(schema)}

    assert set() == {name for each in ours for name in names(known(each["body"]))} - seen - published


def test_every_planned_body_is_of_its_published_type(planned: list[dict[str, Any]]) -> None:
    """Microsoft's types are closed: a misspelt property, or one that is only read, fails."""
    typed = [(each, schema) for each in planned if each["body"] and (schema := schema_of(each))]

    problems = [
        f"{each['path']}: {error.json_path} {error.message}"
        for each, schema in typed
        for error in jsonschema.Draft202012Validator(schema).iter_errors(
            {"name": each["path"].rpartition("/")[2], **known(each["body"])}
        )
    ]

    assert [] == problems
    assert {
        "Microsoft.KeyVault.vaults",
        "Microsoft.KeyVault.vaults.keys",
        "Microsoft.MachineLearningServices.workspaces",
    } <= {type_of(each) for each, _ in typed}


def _properties(schema: Any) -> Iterator[str]:
    """Return the names of all properties of a schema that may be sent."""
    if isinstance(schema, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if isinstance(inner, dict) and not inner.get("readOnly"):
                yield name
        for inner in schema.values():
            yield from _properties(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _properties(inner)
