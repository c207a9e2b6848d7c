"""Every request that a case plans is one that Azure documents, and what it makes is what the next plan finds right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from support.planning import HERE, NAMES, STEPS, known_of, load, observation, profile_of
from support.reference import ARM_TYPES, needs_reference

from cmkctl.azure.ids import ResourceId
from cmkctl.plan import Action, Change, Unknown
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_vault import ObservedVault

CASES: Final = sorted((HERE / "cases").glob("*/*.yaml"))

_SAMPLES: Final[Mapping[str, str]] = {
    "identifier": NAMES["key identifier"],
    "principal_object_id": NAMES["cosmos db object id"],
}
_OPAQUE: Final = frozenset({"provisioningState", "friendlyName", "description"})
"""Texts that Azure gives back letter for letter."""


def _writes() -> dict[str, tuple[Path, Change]]:
    found = {}
    for path in CASES:
        case = load(path)
        profile, step = profile_of(case), STEPS[path.parent.name]
        for change in step.plan(profile, observation(step.name, profile, case["observed"]), known_of(case)):
            if change.request is not None and change.request.body is not None:
                found[f"{step.name}/{path.stem}/{change.title}"] = path, change
    return found


WRITES: Final = _writes()
WITH_SCHEMA: Final = {
    name: change
    for name, (_, change) in WRITES.items()
    # A group has a location and tags; a service principal is Microsoft Graph's.
    if "/resourcegroups/" not in change.request.path and change.request.host is None  # type: ignore[union-attr]
}
CREATES: Final = {
    name: (path, change)
    for name, (path, change) in WRITES.items()
    if change.action is Action.CREATE and path.parent.name in {"key_vault", "key", "workspace", "associated_resources"}
}


@needs_reference
@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_body_is_what_azure_documents(name: str) -> None:
    """A body has the official shape of exactly its type and api-version, and nothing in it is read-only."""
    change = WITH_SCHEMA[name]

    validator, body = _validator_and_body(change)

    assert [] == [f"{each.json_path}: {each.message}" for each in validator.iter_errors(body)]


@pytest.mark.parametrize("name", CREATES)
@pytest.mark.parametrize("spelled", [str, str.upper], ids=["as sent", "in another casing"])
def test_what_was_created_is_found_right(name: str, spelled: Callable[[str], str]) -> None:
    """When Azure answers what it was sent, however it spells it, nothing is left to do."""
    path, change = CREATES[name]
    case = load(path)
    profile, step = profile_of(case), STEPS[path.parent.name]
    observed = _observed(step.name, observation(step.name, profile, case["observed"]), change, spelled)

    changes = step.plan(profile, observed, _sampled(known_of(case)))

    left = [each for each in changes if each.resource_id == change.resource_id]
    assert [Action.NO_OP] == [each.action for each in left]


def _validator_and_body(change: Change) -> tuple[Draft202012Validator, dict[str, Any]]:
    assert change.request is not None
    path = change.request.path
    # Below a vault, access policies and role assignments have ids of their own, with a provider in the middle.
    below = path.rindex("/providers/")
    prefix = f"/subscriptions/s/resourceGroups/g{path[below:]}"
    resource = ResourceId.parse(prefix)
    schema = _schema(resource.type, change.request.api_version, change.request.method == "PATCH")
    return Draft202012Validator(schema), {"name": resource.name, **_sampled(change.request.body)}


@cache
def _schema(resource_type: str, api_version: str, patched: bool) -> dict[str, Any]:
    file = ARM_TYPES / f"{resource_type.replace('/', '.')}@{api_version}.json"
    return dict(_strict(json.loads(file.read_text(encoding="utf-8")), patched))


def _strict(schema: Any, patched: bool) -> Any:
    """The schema with nothing allowed where it says readOnly, only known values, and for a PATCH nothing required."""
    if isinstance(schema, list):
        return [_strict(each, patched) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("readOnly") is True:
        return False
    kept = {name: _strict(inner, patched) for name, inner in schema.items() if not (patched and name == "required")}
    if "x-known-values" in kept:
        kept["enum"] = kept["x-known-values"]
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = "#/$defs/" + kept["$ref"].removeprefix("#/$defs/").replace("/", "~1")
    return kept


def _sampled(value: Any) -> Any:
    """A value with a sample in place of each unknown."""
    if isinstance(value, Unknown):
        return _SAMPLES.get(value.output, "sample")
    if isinstance(value, Mapping):
        return {name: _sampled(inner) for name, inner in value.items()}
    return [_sampled(each) for each in value] if isinstance(value, list | tuple) else value


def _observed(step: str, observed: Any, change: Change, spelled: Callable[[str], str]) -> Any:
    """What the step observes when Azure answers what it was sent."""
    assert change.request is not None
    document = _spelled(_sampled(change.request.body), spelled)
    document["properties"]["provisioningState"] = "Succeeded"
    if step == "key_vault":
        return ObservedVault(document, None, observed.tenant)
    if step == "key":
        return ObservedKey(document, observed.at)
    if step == "associated_resources":
        return replace(observed, resources={**observed.resources, change.resource_id: document})
    return document


def _spelled(value: Any, spelled: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: inner if name in _OPAQUE else _spelled(inner, spelled) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spelled(each, spelled) for each in value]
    return spelled(value) if isinstance(value, str) else value
