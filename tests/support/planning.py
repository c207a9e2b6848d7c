"""Case files as values for a step, and the changes of a step in the form of a case file.

A case has a `promise`; a `profile` and `documents` laid over those of right.yaml; the addresses that are `denied`; what is
`known` from earlier steps; and the `changes` and `outputs` that follow. A document that is ``null`` is absent. ``${name}``
is one of `NAMES`, ``${known after key.identifier}`` an `Unknown`. What every change of a kind has is in usual.yaml.

Nothing here knows a step: steps come from the procedure, outputs from the modules of the steps.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter

from cmkctl import steps
from cmkctl.azure import decoding
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.graph import SERVICE_PRINCIPALS
from cmkctl.azure.ids import (
    ResourceId,
    deleted_vault_id,
    group_id,
    provider_id,
    role_assignments_id,
    role_definitions_id,
    subscription_id,
)
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.vault_keys import DELETED_KEYS
from cmkctl.plan import Change, Known, Output, Outputs, Request, Resend, Settle, Unknown
from cmkctl.procedures.create import SEQUENCE
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep

T = TypeVar("T")
U = TypeVar("U")

HERE: Final = Path(__file__).parents[1] / "steps"
STEPS: Final[Mapping[str, AnyStep]] = {each.name: each for each in SEQUENCE}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {_filled(name, names): _filled(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    return _filled_text(value, names) if isinstance(value, str) else value


def _filled_text(text: str, names: Mapping[str, str]) -> Any:
    unknown = re.fullmatch(r"\$\{known after (\w+)\.(\w+)\}", text)
    if unknown:
        return Unknown(unknown[1], unknown[2])
    return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], text)


_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The hundreds of cases are read by every process of the tests, which takes seconds in Python."""


def _parsed(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both loaders are safe


def _names(raw: Mapping[str, str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, text in raw.items():
        names[name] = _filled_text(text, names)
    return names


NAMES: Final[Mapping[str, str]] = _names(_parsed(HERE / "right.yaml")["names"])


@cache
def load(path: Path) -> Any:
    """Return a YAML file with every ``${name}`` filled in; read once, never changed."""
    return _filled(_parsed(path), NAMES)


def right(part: str) -> Any:
    """Return a copy of one part of right.yaml."""
    return deepcopy(load(HERE / "right.yaml")[part])


def merged(base: Any, overrides: Any) -> Any:
    """Lay one value over another: mappings merge, ``null`` removes, everything else replaces."""
    if not isinstance(base, Mapping) or not isinstance(overrides, Mapping):
        return deepcopy(overrides)
    kept = {name: value for name, value in base.items() if name not in overrides}
    added = {name: merged(base.get(name), value) for name, value in overrides.items() if value is not None}
    return {**deepcopy(kept), **added}


class Documents(Snapshot):
    """A snapshot of Azure that reads from a mapping of addresses to documents.

    Addresses are compared in lower case. A document is accepted as `cmkctl.azure.decoding` accepts it: without nulls, and of
    its type. `requested` lists the addresses that were read.
    """

    def __init__(self, documents: Mapping[str, Any], denied: Iterable[str] = (), cloud: Cloud = Cloud.AZURE) -> None:
        self._documents = {address.lower(): document for address, document in documents.items()}
        self._denied = {each.lower() for each in denied}
        self._cloud = cloud
        self.requested: set[str] = set()

    @property
    def cloud(self) -> Cloud:
        """The cloud of the profile."""
        return self._cloud

    def now(self) -> datetime:
        """Return the time of right.yaml."""
        return datetime.fromisoformat(right("now"))

    def gather(self, *reads: Callable[[], T]) -> list[T]:
        """Read one after the other."""
        return [each() for each in reads]

    def gather2(self, one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
        """Read one after the other."""
        return one(), other()

    def subscription(self) -> ArmDocument:
        """Return the subscription; the tenant of the token where it may not be read."""
        token = {"tenantId": NAMES["tenant"]}
        try:
            return self._read(decoding.Subscription, subscription_id(NAMES["subscription"])) or token
        except AzureFailed:
            return token

    def provider(self, namespace: str) -> ArmDocument | None:
        """Return a resource provider."""
        return self._read(decoding.Provider, provider_id(NAMES["subscription"], namespace))

    def resource_group(self, name: str) -> ArmDocument | None:
        """Return a resource group."""
        return self._read(decoding.ResourceGroup, group_id(NAMES["subscription"], name))

    def vault(self, vault: ResourceId) -> ArmDocument | None:
        """Return a key vault."""
        return self._read(decoding.Vault, str(vault))

    def deleted_vault(self, name: str, location: str) -> ArmDocument | None:
        """Return a soft-deleted key vault."""
        return self._read(decoding.DeletedVault, deleted_vault_id(NAMES["subscription"], location, name))

    def key(self, vault: ResourceId, name: str) -> ArmDocument | None:
        """Return a key."""
        return self._read(decoding.Key, str(vault.child("keys", name)))

    def key_version(self, vault: ResourceId, name: str, version: str) -> ArmDocument | None:
        """Return one version of a key."""
        return self._read(decoding.Key, f"{vault.child('keys', name)}/versions/{version}")

    def deleted_key(self, vault_uri: str, name: str) -> ArmDocument | None:
        """Return a soft-deleted key."""
        return self._read(decoding.DeletedKey, f"{vault_uri.rstrip('/')}{DELETED_KEYS}/{name}")

    def resource(self, resource_id: str, api_version: str) -> ArmDocument | None:  # noqa: ARG002 - a document has one version
        """Return any resource."""
        return self._read(decoding.schema_of(ResourceId.parse(resource_id).type), resource_id)

    def listing(self, path: str, api_version: str, schema: Any = decoding.Listing) -> ArmDocument | None:  # noqa: ARG002
        """Return a collection, in one page."""
        return self._read(schema, path)

    def role_assignments(self, scope: str, principal: str) -> list[ArmDocument]:
        """Return the role assignments of a principal at a scope and above, as the case lists them."""
        page = self._read(decoding.RoleAssignments, roles_address(scope, principal))
        found: list[ArmDocument] = page["value"] if page else []
        return found

    def role_definition(self, definition: str) -> ArmDocument | None:
        """Return a role definition, None also where it may not be read."""
        try:
            return self._read(decoding.RoleDefinition, definition)
        except AzureFailed:
            return None

    def role_named(self, scope: str, name: str) -> ArmDocument | None:
        """Return the definition of the role of this name, None also where it may not be read."""
        try:
            return self._read(decoding.RoleDefinition, f"{role_definitions_id(scope)}?roleName={name}")
        except AzureFailed:
            return None

    def role_assignment(self, assignment: str) -> ArmDocument | None:
        """Return a role assignment by its id."""
        return self._read(decoding.RoleAssignment, assignment)

    def service_principal(self, app_id: str) -> ArmDocument | None:
        """Return the service principal of an application."""
        return self._read(Mapping[str, Any], f"{SERVICE_PRINCIPALS}(appId='{app_id}')")

    @property
    def read_documents(self) -> list[Any]:
        """The documents that were read."""
        return [self._documents[each] for each in self.requested if each in self._documents]

    def _read(self, schema: Any, address: str) -> ArmDocument | None:
        self.requested.add(address.lower())
        if address.lower() in self._denied:
            raise AzureFailed(Failure(FailureKind.DENIED, "AuthorizationFailed", "no permission", 403))
        found = self._documents.get(address.lower())
        if found is None:
            return None
        document: ArmDocument = decoding.without_nulls(deepcopy(found))
        _adapter(schema).validate_python(document, strict=True)
        return document


@cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    return TypeAdapter(schema)


def roles_address(scope: str, principal: str) -> str:
    """Return the address at which a case lists the role assignments of a principal."""
    return f"{role_assignments_id(scope)}?principalId={principal}"


def _outputs() -> dict[str, Output[Any]]:
    modules = (
        importlib.import_module(f"{steps.__name__}.{each.name}") for each in pkgutil.iter_modules(steps.__path__)
    )
    found = (value for module in modules for value in vars(module).values() if isinstance(value, Output))
    return {f"{each.step}.{each.name}": each for each in found}


OUTPUTS: Final[Mapping[str, Output[Any]]] = _outputs()
"""Every output that a step declares, as STEP.NAME."""


@dataclass(frozen=True)
class Case:
    """One case file."""

    path: Path

    @property
    def name(self) -> str:
        """Step and behaviour."""
        return f"{self.step}/{self.path.stem}"

    @property
    def step(self) -> str:
        """The name of the step that it describes."""
        return self.path.parent.name

    @property
    def text(self) -> Mapping[str, Any]:
        """The file's content."""
        return dict(load(self.path))

    @cached_property
    def profile(self) -> Profile:
        """The profile."""
        return Profile.model_validate(merged(right("profile"), self.text.get("profile") or {}))

    @cached_property
    def known(self) -> Mapping[str, Any]:
        """The outputs of the steps before: an existing vault and key, unless the case lists others."""
        return {**right("known"), **(self.text.get("known") or {})}

    @property
    def addresses(self) -> set[str]:
        """The addresses of the case's own documents, in lower case."""
        return {each.lower() for each in self.text["documents"]}

    @cached_property
    def documents(self) -> Mapping[str, Any]:
        """The documents of Azure by address, in lower case."""
        base, own = ({a.lower(): d for a, d in each.items()} for each in (right("documents"), self.text["documents"]))
        return dict(merged(base, own))

    def azure(self) -> Documents:
        """Return Azure as the case describes it."""
        return Documents(self.documents, self.text.get("denied", ()), self.profile.cloud)

    def plan(self, step: AnyStep | None = None) -> list[Change]:
        """Observe and plan, with the step of that name or another version of it."""
        step = step or STEPS[self.step]
        return step.plan(self.profile, step.observe(self.azure(), self.profile), known_from(self.known))

    def outputs(self, step: AnyStep | None = None) -> Outputs:
        """Observe, and return the outputs of the step."""
        step = step or STEPS[self.step]
        return step.outputs(self.profile, step.observe(self.azure(), self.profile))

    @cached_property
    def expected(self) -> list[dict[str, Any]]:
        """The changes that the case lists, in the form of `rendered`."""
        return [_expected(self.step, each) for each in self.text["changes"]]

    def rendered(self, step: AnyStep | None = None) -> list[dict[str, Any]]:
        """Return the planned changes in the form of `expected`."""
        listed = self.text["changes"]
        changes = self.plan(step)
        likes = [*listed, *({} for _ in changes[len(listed) :])]
        return [_rendered(change, like) for change, like in zip(changes, likes, strict=False)]


def known_from(values: Mapping[str, Any]) -> Known:
    """Return the outputs named STEP.OUTPUT as a step takes them."""
    return Known({OUTPUTS[name]: value for name, value in values.items()})


CASES: Final[Mapping[str, Case]] = {
    each.name: each for each in (Case(path) for path in sorted((HERE / "cases").glob("*/*.yaml")))
}


def _rendered(change: Change, like: Mapping[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {
        "action": str(change.action),
        "kind": change.kind,
        "name": change.name,
        "id": change.resource_id,
        "reason": change.reason,
        "code": change.code,
        "earliest": change.earliest.isoformat() if change.earliest else "",
    }
    words["attributes"] = [
        [each.path, plain(each.before), plain(each.after), *(["irreversible"] if each.irreversible else [])]
        for each in change.attributes
    ]
    words["phrases"] = {each.path: [each.phrase.text, each.phrase.no] for each in change.attributes if each.phrase}
    words |= {name: list(getattr(change, name) or ()) for name in _LISTS}
    return words | {
        "request": _rendered_request(change.request, like.get("request") or {}),
        "settle": _rendered_settle(change),
        "resend": _rendered_resend(change.resend),
    }


_LISTS: Final = ("irreversible", "costs", "ways_out", "depends_on", "may_result_from", "verb")
_EMPTY: Final[Mapping[str, Any]] = {
    **{name: [] for name in ("attributes", *_LISTS)},
    **{name: {} for name in ("phrases", "request", "settle", "resend")},
    **dict.fromkeys(("name", "code", "earliest"), ""),
}


def usual(step: str, kind: str, action: str) -> dict[str, Any]:
    """Return what usual.yaml lists for changes of this kind and action."""
    found: dict[str, Any] = deepcopy(load(HERE / "usual.yaml")).get(step, {}).get(kind, {}).get(action, {})
    return found


def _expected(step: str, change: Mapping[str, Any]) -> dict[str, Any]:
    common = usual(step, change["kind"], change["action"])
    words = {**_EMPTY, **common, **plain(change)}
    words["settle"] = {**common.get("settle", {}), **change.get("settle", {})}
    shown = {each[0] for each in words["attributes"]}
    words["phrases"] = {path: phrase for path, phrase in words["phrases"].items() if path in shown}
    return words


def _rendered_request(request: Request | None, like: Mapping[str, Any]) -> dict[str, Any]:
    if request is None:
        return {}
    words: dict[str, Any] = {"method": request.method, "path": request.path, "api_version": request.api_version}
    if request.host is not None:
        words["host"] = request.host
    if "body_at" in like:
        return words | {"body_at": {path: plain(at_path(request.body, path)) for path in like["body_at"]}}
    return words | ({"body": plain(request.body)} if request.body is not None else {})


def _rendered_settle(change: Change) -> dict[str, Any]:
    settle = change.settle
    if settle is None:
        return {}
    reads = "the resource itself" if settle.resource_id == change.resource_id else settle.resource_id
    return {**_fields(settle), "resource_id": reads}


def _rendered_resend(resend: Resend | None) -> dict[str, Any]:
    return _fields(resend) if resend else {}


def _fields(value: Settle | Resend) -> dict[str, Any]:
    return {name: _listed(getattr(value, name)) for name in type(value).__dataclass_fields__}


def _listed(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """Return a JSON value as YAML has it: lists for tuples, notation for unknowns."""
    if isinstance(value, Unknown):
        return f"${{known after {value.step}.{value.output}}}"
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def rendered_outputs(outputs: Outputs) -> dict[str, Any]:
    """Return a step's outputs as a case lists them."""
    return {each.name: plain(value) for each, value in outputs.items()}


def at_path(value: Any, path: str) -> Any:
    """Return the value at a dotted path, None where there is none."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
