"""A status of any document that passes validation: a wrong type is refused there, and never a crash later."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError
from support.scenarios import KEY, VAULT, ProfileVariant, ScenarioBuilder, World
from support.view_streams import Seen

from cmkctl.azure import decoding
from cmkctl.status import Status, reading
from cmkctl.status.computing import Documents, status_of
from cmkctl.views import shown as s

SCHEMAS: Final = {
    "workspace": decoding.Workspace,
    "key": decoding.Key,
    "versions": decoding.KeyVersions,
    "vault": decoding.Vault,
    "assignments": decoding.RoleAssignments,
    "managed_group": decoding.ResourceGroup,
    "accounts": decoding.CosmosDbAccounts,
}
WRONG: Final[tuple[Any, ...]] = ("x", -1, [], {"x": 1})


def test_any_value_that_is_accepted_is_shown(builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each member of each document is replaced by values of other types, one at a time."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("finished"))
    builder.running.state.add_key(VAULT, KEY)
    kept: list[Documents] = []

    def keep(documents: Documents) -> Status:
        kept.append(documents)
        return status_of(documents)

    monkeypatch.setattr(reading, "status_of", keep)
    session = builder.client().session(profile)
    reading.read_status(session.snapshot(), profile.workspace.resource_id, reading.names_of(profile))
    (found,) = kept
    tried = 0

    for name, schema in SCHEMAS.items():
        whole: Any = getattr(found, name)
        validated: TypeAdapter[Any] = TypeAdapter(schema)
        for changed in _changed(whole) if isinstance(whole, dict) else ():
            try:
                validated.validate_python(changed, strict=True)
            except ValidationError:
                continue
            changes: dict[str, Any] = {name: changed}
            status = status_of(replace(found, **changes))
            Seen().view.show(s.StatusShown(status, "AzureCloud", profile.subscription))
            Seen(json=True).view.show(s.StatusShown(status, "AzureCloud", profile.subscription))
            tried += 1

    assert tried > 100


def _changed(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in _paths(whole):
        for wrong in WRONG:
            changed = copy.deepcopy(whole)
            inner: Any = changed
            for part in path[:-1]:
                inner = inner[part]
            inner[path[-1]] = wrong
            yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield (*path, name)
        yield from _paths(inner, (*path, name))
