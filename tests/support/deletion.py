"""Finished set-ups that are destroyed and recovered, in one sandbox and in this process."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport

from cmkctl.diagnostics import RefusedError
from cmkctl.engine import apply_plan, make_plan
from cmkctl.plan import Action, Plan
from cmkctl.procedures import named
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import ids
from support.scenarios import ScenarioBuilder

Around = Callable[[HttpTransport[Any, Any]], HttpTransport[Any, Any]]
_SUBNET: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
    "/virtualNetworks/vnet-ml/subnets/snet-endpoints"
)
PROFILE: Final[Mapping[str, Any]] = {
    "subscription": SUBSCRIPTION_ID,
    "location": "eastus2",
    "resource_group": "rg-ml",
    "key_vault": {"name": "kv-cmk", "authorization": "rbac"},
    "key": {"name": "cmk"},
    "key_access": {"settle_seconds": 0},
    "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
    "associated_resources": {"storage_account": {"name": "stml"}},
    "private_network": {"subnet": _SUBNET, "endpoints": ["workspace", "blob", "file"]},
    "grants": [
        {
            "principal": "3f2b8c1e-0d4a-4c7b-9e65-1a2b3c4d5e6f",
            "principal_type": "Group",
            "role": "AzureML Data Scientist",
            "scope": "workspace",
        }
    ],
}
HUB: Final[Mapping[str, Any]] = {
    **{name: value for name, value in PROFILE.items() if name not in ("private_network", "grants")},
    "workspace": {**PROFILE["workspace"], "kind": "hub"},
    "projects": [{"name": "mlp-one"}],
}
IDENTITY: Final[Mapping[str, Any]] = {
    **{name: value for name, value in PROFILE.items() if name not in ("private_network", "grants")},
    "workspace": {**PROFILE["workspace"], "identity": {"create": "id-ml"}},
}
EVERYTHING: Final = {"purge": "yes", "associated": "yes", "delete-vault": "yes"}


class Deletions:
    """A finished set-up of a profile, and what ``destroy`` and ``recover`` do with it."""

    kept: Final[dict[str, dict[str, Any]]] = {}

    def __init__(self, builder: ScenarioBuilder, profile: Mapping[str, Any] = PROFILE) -> None:
        self.builder = builder
        self.profile = Profile.model_validate(profile)
        self.running, self.state = builder.running, builder.running.state
        name = f"{id(builder)} {self.profile.model_dump_json()}"
        if name not in self.kept:
            self.running.reset()
            self.state.add_subnet()
            self.state.register_provider("Microsoft.DocumentDB")
            builder.client().apply(self.profile)
            self.kept[name] = copy.deepcopy(self.state.tenant.data)
        with self.state.tenant.lock:
            self.state.tenant.data = copy.deepcopy(self.kept[name])
        self._from = len(self.running.requests)

    def plan(self, command: str = "destroy", **arguments: str) -> Plan:
        """Plan; options are written with underscores."""
        return self._run(command, arguments, make_plan)

    def apply(self, command: str = "destroy", around: Around | None = None, **arguments: str) -> Plan:
        """Plan and apply, as one run of the command does."""

        def work(session: Any, profile: Profile, procedure: Any) -> Plan:
            made = make_plan(session, profile, procedure)
            return apply_plan(session, profile, made, procedure, lambda _event: None)

        return self._run(command, arguments, work, around)

    def _run(
        self,
        command: str,
        arguments: Mapping[str, str],
        work: Callable[[Any, Profile, Any], Plan],
        around: Around | None = None,
    ) -> Plan:
        procedure = named(command, {name.replace("_", "-"): value for name, value in arguments.items()})
        session = self.builder.client(around).session(self.profile)
        try:
            return work(session, self.profile, procedure)
        finally:
            session.close()

    def refused(self, command: str = "destroy", **arguments: Any) -> list[str]:
        """Return the codes with which an apply is refused; it writes nothing."""
        before = self.writes
        try:
            self.apply(command, **arguments)
        except RefusedError as error:
            found = [each.code for each in error.diagnostics]
        else:
            found = []
        return found if before == self.writes else [*found, "written"]

    def left(self, plan: Plan, **arguments: str) -> dict[str, Any]:
        """Return what the command lists as left, by the resource's title."""
        procedure = named("destroy", {name.replace("_", "-"): value for name, value in arguments.items()})
        outputs: Any = procedure.outputs(self.profile, plan.known)["left"]
        return {each["resource"]: each for each in outputs}

    @property
    def writes(self) -> list[str]:
        """The writes so far: method, type and name."""
        found = (each for each in self.running.requests[self._from :] if each.is_write)
        return [f"{each.method} {'/'.join(each.path.split('/')[-2:])}" for each in found]

    def there(self, resource: str) -> bool:
        """Return True for a resource, or a role assignment, that exists."""
        tenant = self.state.tenant
        return tenant.resource(resource) is not None or ids.key(resource) in tenant.table("assignments")

    def document(self, resource: str) -> dict[str, Any]:
        """Return a resource as the sandbox has it, to look at or to change."""
        found: dict[str, Any] = (self.state.tenant.resource(resource) or {})["doc"]
        return found

    def unmark(self, resource: str) -> None:
        """Take the tag of cmkctl off a resource."""
        self.document(resource)["tags"].pop("cmkctl-workspace")

    def usable(self) -> bool:
        """Return True unless there is a workspace whose key, or whose grant on the key, is gone."""
        tenant = self.state.tenant
        workspace = tenant.resource(self.profile.workspace.resource_id)
        soft = ids.key(self.profile.workspace.resource_id) in tenant.table("deleted_workspaces")
        if workspace is None and not soft:
            return True
        vault = ids.key(self.profile.key_vault.resource_id)
        granted = any(each.startswith(f"{vault}/") for each in tenant.table("assignments"))
        return granted and self.there(self.profile.key.resource_id)


def deleted(plan: Plan) -> list[str]:
    """Return the kinds of what a plan deletes, in order."""
    return [each.kind for each in plan.changes if each.action is Action.DELETE]


def conflicts(plan: Plan) -> dict[str, str]:
    """Return the codes of the conflicts of a plan, by kind."""
    return {each.kind: each.code for each in plan.changes if each.action is Action.CONFLICT}


def reasons(plan: Plan) -> dict[str, str]:
    """Return the reasons of a plan's changes, by title."""
    return {each.title: each.reason for each in plan.changes}
