"""The sandbox takes and answers exactly what Microsoft publishes for each type and api-version.

Three directions. What it is sent by cmkctl, and what it answers to that and to every recorded request, is of the published
type (or, where Azure itself shows more than that, of the recorded form). Whatever the type allows, it takes or refuses in
ARM's form. What the type does not have, it refuses by name; what is read-only it ignores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from contract_baseline import logged
from contract_recordings import files, names, require_reference
from contract_types import ADDRESS, READ_ONLY, Type, published, versions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sandbox import SUBSCRIPTION, Client, vault_path

from cmkctl.sandbox import CLIENT_OBJECT_ID, TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.core import registry
from cmkctl.sandbox.core.requestlog import LoggedRequest

require_reference()
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone"
ACCESS = {"tenantId": TENANT_ID, "objectId": CLIENT_OBJECT_ID, "permissions": {"keys": ["get"]}}
READER = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "Microsoft.Resources/resourceGroups": (f"{SUBSCRIPTION}/resourceGroups/another", {"location": "eastus2"}),
    "Microsoft.KeyVault/vaults": (
        vault_path("kv-contract"),
        {
            "location": "eastus2",
            "tags": {},
            "properties": {
                "tenantId": TENANT_ID,
                "sku": {"family": "A", "name": "standard"},
                "accessPolicies": [ACCESS],
                "enablePurgeProtection": True,
                "softDeleteRetentionInDays": 90,
                "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [{"value": "1.2.3.4"}]},
            },
        },
    ),
    "Microsoft.KeyVault/vaults/accessPolicies": (
        vault_path("kv-one") + "/accessPolicies/add",
        {"properties": {"accessPolicies": [ACCESS]}},
    ),
    "Microsoft.KeyVault/vaults/keys": (
        vault_path("kv-one") + "/keys/contract",
        {"properties": {"kty": "RSA", "keySize": 3072, "keyOps": ["wrapKey"], "attributes": {"enabled": True}}},
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (
        f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/contract",
        {"location": "eastus2"},
    ),
    "Microsoft.Storage/storageAccounts": (
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contract",
        {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {"encryption": {}}},
    ),
    "Microsoft.OperationalInsights/workspaces": (
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/contract",
        {"location": "eastus2", "properties": {"sku": {"name": "PerGB2018"}}},
    ),
    "Microsoft.Insights/components": (
        f"{GROUP}/providers/Microsoft.Insights/components/contract",
        {"location": "eastus2", "kind": "web", "properties": {"Application_Type": "web"}},
    ),
    "Microsoft.ContainerRegistry/registries": (
        f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/contract",
        {"location": "eastus2", "sku": {"name": "Premium"}, "properties": {"encryption": {"status": "disabled"}}},
    ),
    "Microsoft.Search/searchServices": (
        f"{GROUP}/providers/Microsoft.Search/searchServices/contract",
        {
            "location": "eastus2",
            "sku": {"name": "basic"},
            "properties": {"encryptionWithCmk": {"enforcement": "Enabled"}, "networkRuleSet": {"bypass": "None"}},
        },
    ),
    "Microsoft.Authorization/roleAssignments": (
        f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/c0ffee00-0000-4000-8000-00000000aaaa",
        {
            "properties": {
                "roleDefinitionId": READER,
                "principalId": CLIENT_OBJECT_ID,
                "principalType": "ServicePrincipal",
            }
        },
    ),
    "Microsoft.MachineLearningServices/workspaces": (
        f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/contract",
        {
            "location": "eastus2",
            "kind": "Default",
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "storageAccount": STORAGE,
                "keyVault": vault_path("kv-one"),
                "encryption": {
                    "status": "Enabled",
                    "keyVaultProperties": {
                        "keyVaultArmId": vault_path("kv-one"),
                        "keyIdentifier": "https://kv-one/keys/k",
                    },
                },
            },
        },
    ),
}
"""A good body, or nearly, for each type the sandbox takes a PUT of; where it goes."""


IGNORED = {"Microsoft.KeyVault/vaults": {"properties.vaultUri", "properties.provisioningState"}}
"""Properties that belong to the service though the type does not mark them: the az CLI sends back what it read (16, 24)."""


@pytest.fixture(scope="module")
def arm() -> Iterator[Client]:
    """Provide an instant sandbox with the resources that the bodies refer to."""
    with Sandbox(pace=Pace.none()).serve() as running:
        running.state.register_provider()
        running.state.add_vault("kv-one")
        running.state.add_storage_account("stone")
        yield Client(running)


def _newest(resource_type: str) -> str:
    """Return the youngest api-version that is both modelled and published."""
    both = set(registry.versions()[resource_type.lower()]) & set(versions(resource_type))
    return max(both, key=lambda version: (version[:10], not version.endswith("-preview")))


def _objects(body: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a body, with its dotted path; tags are free and left out."""
    yield path, body
    for name, inner in body.items():
        here = f"{path}.{name}".strip(".")
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict) and name != "tags":
                yield from _objects(item, f"{here}[0]" if isinstance(inner, list) else here)


def _with(body: dict[str, Any], path: str, name: str, value: Any) -> dict[str, Any]:
    """Return a copy of a body with one more property in the object at `path`."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    next(each for where, each in _objects(copy) if where == path)[name] = value
    return copy


def _kind_at(found: Type, path: str) -> Any:
    """Return the published kind of the object at `path`."""
    kind = found.top
    for part in [part for part in path.split(".") if part]:
        index = kind["p"][part.removesuffix("[0]")][0]
        kind = found.kind(index)
        if part.endswith("[0]"):
            kind = found.kind(kind["i"])
    return kind


# --- what is taken and answered is published


@cache
def _recorded_names(resource_type: str) -> frozenset[str]:
    """Return the dotted names that real answers have for a type: more than is published."""
    found: set[str] = set()
    for path in files():
        for each in json.loads(path.read_text("utf-8"))["interactions"]:
            for document in _documents(each["response"]["body"]):
                if str(document.get("type", "")).lower() == resource_type.lower():
                    found |= _names(document)
    return frozenset(found)


def _documents(answer: Any) -> list[dict[str, Any]]:
    rows = answer.get("value") if isinstance(answer, dict) else None
    listed = rows if isinstance(rows, list) else [answer]
    return [row for row in listed if isinstance(row, dict) and isinstance(row.get("properties"), dict)]


def _names(value: Any, path: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(_names(item, f"{path}[]") for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return set().union(
        *({here} | _names(inner, here) for here, inner in ((f"{path}.{k}".strip("."), v) for k, v in value.items()))
    )


def _unpublished(request: LoggedRequest) -> Iterator[str]:
    """Yield what an answer has that neither is published for its type and api-version nor was recorded."""
    for document in _documents(request.response):
        kind = str(document.get("type", ""))
        if request.api_version in versions(kind):
            for problem in published(kind, request.api_version).answered(document):
                if problem.partition(" ")[0] not in _recorded_names(kind):
                    yield f"{kind}@{request.api_version}: {problem}"


@pytest.mark.parametrize("name", names())
def test_what_is_answered_to_a_recording_is_published(name: str) -> None:
    """Each property of each answer is one that Microsoft publishes, or that a recording of the type shows."""
    found = {each for request in logged(name) if request.status < 300 for each in _unpublished(request)}

    assert set() == found


@pytest.mark.parametrize("profile", ["quickstart", "regulated"])
def test_what_cmkctl_sends_and_gets_is_published(rehearse: Callable[..., Any], profiles: Path, profile: str) -> None:
    """A whole apply: each PUT has the published form, each answer, too."""
    azure = rehearse()

    applied = azure("apply", profiles / f"{profile}.yaml", "--yes")

    log = [each for each in azure.running.requests if each.service == "arm" and each.status < 300]
    sent = [problem for each in log if each.method == "PUT" for problem in _wrong_in(each)]
    answered = {problem for each in log for problem in _unpublished(each)}
    assert (0, [], set()) == (applied.code, sent, answered), applied.err
    assert {"vaults", "workspaces"} <= {each.path.split("/")[-2] for each in log if each.method == "PUT"}


def _wrong_in(request: LoggedRequest) -> list[str]:
    below = request.path[request.path.rindex("/providers/") :].split("/")[2:] if "/providers/" in request.path else []
    kind = "/".join([below[0], *below[1::2]]) if below else "Microsoft.Resources/resourceGroups"
    if request.api_version not in versions(kind):
        return []
    body = {name: value for name, value in request.body.items() if name not in {"name", "id", "type"}}
    return [f"{kind}@{request.api_version}: {problem}" for problem in published(kind, request.api_version).sent(body)]


def test_the_bodies_of_these_tests_are_published() -> None:
    """The bodies above have the form they are meant to have."""
    assert [] == [
        f"{kind}: {problem}"
        for kind, (_, body) in BODIES.items()
        for problem in published(kind, _newest(kind)).sent(body)
    ]


# --- what is published is taken, or refused in ARM's form

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [TENANT_ID, CLIENT_OBJECT_ID, vault_path("kv-one"), STORAGE, "eastus2", "https://kv-one.vault.azure.net/keys/k"]
    ),
)
PLAIN = {"str": TEXTS, "int": st.integers(-1, 5000), "bool": st.booleans(), "any": st.none() | TEXTS}
DEEPEST = 7


def _values(found: Type, index: int, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of a published kind."""
    kind = found.kind(index)
    if kind["k"] == "disc":
        return st.one_of([_objects_of(found, each, depth) for each in found.forms(kind)])
    if kind["k"] == "enum":
        return st.sampled_from(kind["v"])
    if kind["k"] == "arr":
        return st.lists(_values(found, kind["i"], depth + 1), max_size=2) if depth < DEEPEST else st.just([])
    if kind["k"] != "obj":
        return PLAIN[kind["k"]]
    return _objects_of(found, kind, depth)


def _objects_of(found: Type, kind: Any, depth: int) -> st.SearchStrategy[Any]:
    if depth >= DEEPEST:
        return st.just({})
    sent = {name: (inner, flags) for name, (inner, flags) in kind["p"].items() if not flags & (READ_ONLY | ADDRESS)}
    required = {name: _values(found, inner, depth + 1) for name, (inner, flags) in sent.items() if flags & 1}
    optional = {name: _values(found, inner, depth + 1) for name, (inner, flags) in sent.items() if not flags & 1}
    free: st.SearchStrategy[dict[str, Any]] = st.just({})
    if kind["a"] is not None:
        free = st.dictionaries(st.text(min_size=1, max_size=5), _values(found, kind["a"], depth + 1), max_size=2)
    known = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(free, known).map(lambda both: {**both[0], **both[1]})


def _merged(base: Any, drawn: Any) -> Any:
    if isinstance(base, dict) and isinstance(drawn, dict):
        return {**base, **{name: _merged(base.get(name), value) for name, value in drawn.items()}}
    return drawn


@pytest.mark.parametrize("kind", BODIES)
def test_a_legal_body_is_taken_or_refused_in_arms_form(arm: Client, kind: str) -> None:
    """Never a failure of the sandbox's own; and nothing published is called unknown, at any api-version."""
    path, base = BODIES[kind]
    both = sorted(set(registry.versions()[kind.lower()]) & set(versions(kind)))

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(both))
        found = published(kind, version)
        drawn = data.draw(_values(found, found.root))
        body = data.draw(st.sampled_from([drawn, _merged({name: base[name] for name in base}, drawn)]))
        answer = arm("PUT", path, body, version)
        _assert_in_form(answer)
        assert "is unknown in api-version" not in answer.text or found.sent(body), (version, body, answer.text)

    holds()


def _assert_in_form(answer: Any) -> None:
    assert answer.status_code < 500 or answer.json()["error"]["code"] == "InternalServerError", answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert isinstance(error["code"], str), error
        assert isinstance(error["message"], str), error


# --- what is not published is refused by name


@pytest.mark.parametrize("kind", BODIES)
def test_an_unknown_property_is_refused_by_name(arm: Client, kind: str) -> None:
    """At every level of a body."""
    path, body = BODIES[kind]
    levels = [where for where, _ in _objects(body) if _kind_at(published(kind, _newest(kind)), where)["a"] is None]

    answers = {where: arm("PUT", path, _with(body, where, "thereIsNoSuch", 1), _newest(kind)) for where in levels}

    assert dict.fromkeys(levels, (400, True)) == {
        where: (answer.status_code, f"{where}.thereIsNoSuch".strip(".") in answer.text)
        for where, answer in answers.items()
    }


@pytest.mark.parametrize("kind", BODIES)
def test_a_read_only_property_is_ignored(arm: Client, kind: str) -> None:
    """All that are published: Azure ignores what belongs to the service, and so a GET can be sent back."""
    path, body = BODIES[kind]
    found = published(kind, _newest(kind))
    wanted = {
        f"{where}.{name}".strip("."): (where, name)
        for where, _ in _objects(body)
        for name, (_, flags) in _kind_at(found, where)["p"].items()
        if flags & READ_ONLY and not flags & ADDRESS
    }

    answers = {
        full: arm("PUT", path, _with(body, *at, _some(found, *at)), _newest(kind)) for full, at in wanted.items()
    }

    refused = {full: answer.text for full, answer in answers.items() if answer.status_code == 400}
    assert {} == {full: text for full, text in refused.items() if full in text}


def _some(found: Type, where: str, name: str) -> Any:
    """Return some value of a property's kind."""
    kind = found.kind(_kind_at(found, where)["p"][name][0])
    return (
        kind["v"][0]
        if kind["k"] == "enum"
        else {"str": "text", "int": 1, "bool": True, "arr": [], "obj": {}}.get(kind["k"])
    )


@pytest.mark.parametrize("kind", BODIES)
def test_a_value_of_the_wrong_type_is_refused_by_name(arm: Client, kind: str) -> None:
    """A number for a text, a text for everything else."""
    path, body = BODIES[kind]
    found = published(kind, _newest(kind))
    wanted = {
        f"{where}.{name}".strip("."): (where, name)
        for where, _ in _objects(body)
        for name, (index, flags) in _kind_at(found, where)["p"].items()
        if not flags & (READ_ONLY | ADDRESS) and found.kind(index)["k"] != "any"
        if f"{where}.{name}".strip(".") not in IGNORED.get(kind, set())
    }

    def wrong(where: str, name: str) -> Any:
        return 17 if found.kind(_kind_at(found, where)["p"][name][0])["k"] in {"str", "enum"} else "text"

    answers = {full: arm("PUT", path, _with(body, *at, wrong(*at)), _newest(kind)) for full, at in wanted.items()}

    assert dict.fromkeys(wanted, (400, True)) == {
        full: (answer.status_code, _names_it(full, answer.text)) for full, answer in answers.items()
    }


def _names_it(full: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(full)}\b", text) is not None
