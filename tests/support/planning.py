"""How a case file becomes values for a step, and a step's changes become what a case file says.

A case has a `promise`, a `profile` laid over the small one in right.yaml, what was `observed` laid over what Azure
answers when everything is right, what is `known` from the steps before, and the `changes` that follow. ``null`` in
`observed` means: not there. ``${name}`` stands for one of `NAMES`, ``${known after key.identifier}`` for an `Unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from cmkctl.plan import Change, Known, Outputs, Unknown
from cmkctl.procedures.create import SEQUENCE
from cmkctl.profile.model import Profile
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps.associated_resources import ObservedAssociated
from cmkctl.steps.base import AnyStep
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_access import ObservedAccess
from cmkctl.steps.key_vault import ObservedVault
from cmkctl.steps.resource_providers import namespaces

HERE: Final = Path(__file__).parents[1] / "steps"
STEPS: Final[Mapping[str, AnyStep]] = {each.name: each for each in SEQUENCE}

_SUBSCRIPTION: Final = "11111111-1111-1111-1111-111111111111"
_GROUP: Final = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-ml"
NAMES: Final[Mapping[str, str]] = {
    "subscription": _SUBSCRIPTION,
    "tenant": "7e4a47aa-2222-4222-8222-222222222222",
    "other tenant": "99999999-9999-9999-9999-999999999999",
    "other subscription": "88888888-8888-8888-8888-888888888888",
    "group": _GROUP,
    "vault": f"{_GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml",
    "workspace": f"{_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw",
    "identity": f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml",
    "key identifier": "https://kv-ml.vault.azure.net/keys/cmk/493652a64a3747f78c15ce6c1b2add88",
    "cosmos db application id": "a232010e-820c-4083-83bb-3ace5fc29d0b",
    "cosmos db object id": "c05305db-0000-4000-8000-000000000001",
    "identity object id": "1de47171-0000-4000-8000-000000000002",
    "somebody's object id": "50bebe0d-0000-4000-8000-000000000003",
    "workspace object id": "e0a11111-0000-4000-8000-000000000004",
    "role": f"/subscriptions/{_SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    "/e147488a-f6f5-4113-8e2d-b22465e65bf6",
}

_NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_ASSOCIATED: Final[Mapping[str, Callable[[Profile], str | None]]] = {
    "storage account": lambda profile: profile.associated_resources.storage_account.resource_id,
    "Log Analytics workspace": lambda profile: profile.associated_resources.log_analytics.resource_id,
    "Application Insights": lambda profile: profile.associated_resources.application_insights.resource_id,
    "workspace key vault": lambda profile: profile.associated_resources.key_vault_id,
    "container registry": lambda profile: profile.associated_resources.container_registry_id,
}


@cache
def load(path: Path) -> Any:
    """A YAML file with every ``${name}`` filled in; read once, and never changed."""
    return _filled(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def _right() -> Mapping[str, Any]:
    return dict(load(HERE / "right.yaml"))


def right(name: str) -> Any:
    """What right.yaml has under `name`, to change at will."""
    return deepcopy(_right()[name])


def profile_of(case: Mapping[str, Any]) -> Profile:
    """The case's profile."""
    return Profile.model_validate(merged(right("profile"), case.get("profile") or {}))


def known_of(case: Mapping[str, Any]) -> Known:
    """What the steps before have handed on: an existing vault and key, unless the case says otherwise."""
    usual = {
        "key_vault": {
            "id": NAMES["vault"],
            "uri": "https://kv-ml.vault.azure.net/",
            "rbac": False,
            "tenant": NAMES["tenant"],
        },
        "key": {"identifier": NAMES["key identifier"]},
    }
    known: Known = merged(usual, case.get("known") or {})
    return known


def observation(step: str, profile: Profile, observed: Any) -> Any:
    """The step's own observation value, from its readable form."""
    return _OBSERVATIONS[step](profile, observed)


def merged(base: Any, overrides: Any) -> Any:
    """Mappings merge, ``null`` removes, everything else replaces."""
    if not isinstance(base, Mapping) or not isinstance(overrides, Mapping):
        return deepcopy(overrides)
    kept = {name: value for name, value in base.items() if name not in overrides}
    added = {name: merged(base.get(name), value) for name, value in overrides.items() if value is not None}
    return {**deepcopy(kept), **added}


def rendered(change: Change, *, like: Mapping[str, Any]) -> dict[str, Any]:
    """A change as a case says it; id, request and its body only as far as `like` says them."""
    words: dict[str, Any] = {"action": str(change.action), "title": change.title, "reason": change.reason}
    if "id" in like:
        words["id"] = change.resource_id
    words["attributes"] = [
        [each.path, plain(each.before), plain(each.after), *(["irreversible"] if each.irreversible else [])]
        for each in change.attributes
    ]
    words |= {name: list(getattr(change, name)) for name in ("irreversible", "costs", "ways_out", "depends_on")}
    if change.earliest:
        words["earliest"] = str(change.earliest)
    return words | {"code": change.code, "request": _rendered_request(change, like.get("request") or {})}


def expected(change: Mapping[str, Any]) -> dict[str, Any]:
    """A case's change, with everything that it leaves out said to be empty."""
    nothing: dict[str, Any] = {"attributes": [], "irreversible": [], "costs": [], "ways_out": [], "depends_on": []}
    return {**nothing, "code": "", "request": {}, **plain(change)}


def _rendered_request(change: Change, like: Mapping[str, Any]) -> dict[str, Any]:
    request = change.request
    if request is None:
        return {}
    words: dict[str, Any] = {"method": request.method, "path": request.path, "api_version": request.api_version}
    if request.host is not None:
        words["host"] = request.host
    if "body" in like:
        words["body"] = plain(request.body)
    if "body_at" in like:
        words["body_at"] = {path: plain(_at(request.body, path)) for path in like["body_at"]}
    return words


def plain(value: Any) -> Any:
    """A JSON value as YAML would have it: lists for tuples, notation for unknowns."""
    if isinstance(value, Unknown):
        return f"${{known after {value.step}.{value.output}}}"
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def rendered_outputs(outputs: Outputs) -> dict[str, Any]:
    """A step's outputs as a case says them."""
    return {name: plain(value) for name, value in outputs.items()}


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_filled(name): _filled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return _filled_text(value) if isinstance(value, str) else value


def _filled_text(text: str) -> Any:
    unknown = re.fullmatch(r"\$\{known after (\w+)\.(\w+)\}", text)
    if unknown:
        return Unknown(unknown[1], unknown[2])
    return re.sub(r"\$\{([^}]+)\}", lambda found: NAMES[found[1]], text)


def _document(name: str, overrides: Any) -> dict[str, Any] | None:
    return None if overrides is None else merged(right(name), overrides)


def _providers(profile: Profile, observed: Any) -> dict[str, str | None]:
    return {**dict.fromkeys(namespaces(profile), "Registered"), **(observed or {})}


def _vault(profile: Profile, observed: Any) -> ObservedVault:  # noqa: ARG001
    said = {"vault": None, "deleted": None, "tenant": NAMES["tenant"], **observed}
    return ObservedVault(_document("vault", said["vault"]), _document("deleted", said["deleted"]), said["tenant"])


def _key(profile: Profile, observed: Any) -> ObservedKey:  # noqa: ARG001
    return ObservedKey(_document("key", observed), _NOW)


def _access(profile: Profile, observed: Any) -> ObservedAccess:
    cosmos_db = {"object_id": NAMES["cosmos db object id"], **(observed.get("cosmos_db") or {})}
    given = profile.key_access.cosmos_db_object_id
    app_id = cosmos_db.pop("application_id", NAMES["cosmos db application id"])
    return ObservedAccess(
        _document("vault", observed.get("vault")),
        _principal("Azure Cosmos DB", app_id, {**cosmos_db, **({"object_id": given} if given else {})}),
        _principal("identity id-ml", profile.workspace.identity_id, observed["identity"])
        if profile.workspace.identity_id
        else None,
        _NOW,
    )


def _principal(label: str, key: str, observed: Mapping[str, Any]) -> ObservedPrincipal:
    roles = tuple(_role(each) for each in observed.get("roles", ()))
    return ObservedPrincipal(label, key, observed["object_id"], denied=observed.get("denied", False), roles=roles)


def _role(properties: Mapping[str, Any]) -> dict[str, Any]:
    name = "796aa989-2e34-48b1-808a-2cf40c627853"
    resource = f"{properties['scope']}/providers/Microsoft.Authorization/roleAssignments/{name}"
    return {"id": resource, "name": name, "properties": {"roleDefinitionId": NAMES["role"], **properties}}


def _associated(profile: Profile, observed: Any) -> ObservedAssociated:
    said = {"tenant": NAMES["tenant"], **(observed or {})}
    found = {
        resource: _document(title, said.get(title, {}))
        for title, resource_of in _ASSOCIATED.items()
        if (resource := resource_of(profile))
    }
    return ObservedAssociated(found, said["tenant"], _document("deleted", said.get("deleted")))


_OBSERVATIONS: Final[Mapping[str, Callable[[Profile, Any], Any]]] = {
    "resource_providers": _providers,
    "resource_group": lambda _profile, observed: _document("group", observed),
    "key_vault": _vault,
    "key": _key,
    "key_access": _access,
    "associated_resources": _associated,
    "workspace": lambda _profile, observed: _document("workspace", observed),
}
