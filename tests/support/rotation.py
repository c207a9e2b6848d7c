"""A finished set-up whose key is to be rotated, in one sandbox: arranged, planned and applied in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport

from cmkctl.azure.session import Session
from cmkctl.diagnostics import CmkctlError
from cmkctl.engine import apply_plan, make_plan
from cmkctl.plan import Action, Plan
from cmkctl.procedures import named
from cmkctl.profile.model import Profile
from cmkctl.sandbox.core import key_pairs
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.core.requestlog import LoggedRequest
from support.scenarios import KEY, VAULT, ProfileVariant, ScenarioBuilder, World

FINISHED: Final = World("finished")
OFFICER: Final = ("get", "list", "rotate", "update")
Around = Callable[[HttpTransport[Any, Any]], HttpTransport[Any, Any]]
HOST: Final = f"https://{VAULT}.vault.azure.net"


def one_key_pair(properties: Mapping[str, Any]) -> key_pairs.PrivateKey:
    """Return the first key pair of its type and size: making one takes a second of a processor."""
    return _pair(properties["kty"], properties.get("keySize"), properties.get("curveName"))


@cache
def _pair(kty: str, size: int | None, curve: str | None) -> key_pairs.PrivateKey:
    return key_pairs.generate({"kty": kty, "keySize": size, "curveName": curve})


@dataclass
class Rotations:
    """A finished workspace, two days old, and an operator with rights on keys."""

    builder: ScenarioBuilder
    variant: ProfileVariant = field(default_factory=ProfileVariant)
    rights: tuple[str, ...] = OFFICER
    age: str = "2d"

    def __post_init__(self) -> None:
        """Put the sandbox into the state."""
        self.profile = self.builder.make(self.variant, FINISHED)
        self.state = self.builder.running.state
        self.state.tenant.key_pair = one_key_pair
        if self.variant.authorization != "rbac" and self.rights:
            self.state.add_access_policy(VAULT, CLIENT_OBJECT_ID, self.rights)
        self.state.advance(self.age)
        self._from = len(self.builder.running.requests)

    def with_profile(self, **sections: Any) -> None:
        """Change sections of the profile."""
        data = self.profile.model_dump(mode="json", exclude_unset=True)
        for name, values in sections.items():
            data[name] = {**data.get(name, {}), **values}
        self.profile = Profile.model_validate(data)

    # --- what cmkctl does

    def plan(self, **arguments: str) -> Plan:
        """Plan a rotation."""
        return self._in_session(
            lambda session: make_plan(session, self._profile(arguments), named("rotate", arguments))
        )

    def apply(self, **arguments: str) -> Plan:
        """Plan a rotation and apply it, as one run of the command does."""
        return self.apply_through(None, **arguments)

    def apply_through(self, around: Around | None, **arguments: str) -> Plan:
        """Plan a rotation and apply it, with the transport wrapped in another one."""
        procedure, profile = named("rotate", arguments), self._profile(arguments)

        def run(session: Session) -> Plan:
            plan = make_plan(session, profile, procedure)
            return apply_plan(session, profile, plan, procedure, lambda _event: None)

        return self._in_session(run, around)

    def _profile(self, arguments: dict[str, str]) -> Profile:
        """Return the profile with the key of ``--key``, as the command overrides it."""
        if "key" not in arguments:
            return self.profile
        data = self.profile.model_dump(mode="json", exclude_unset=True)
        return Profile.model_validate({**data, "key": {**data["key"], "name": arguments["key"]}})

    def _in_session(
        self,
        work: Callable[[Session], Plan],
        around: Around | None = None,
    ) -> Plan:
        session = self.builder.client(around).session(self.profile)
        try:
            return work(session)
        finally:
            session.close()

    def refused(self, **arguments: str) -> list[str]:
        """Return the codes with which an apply is refused; it writes nothing."""
        before = self.writes
        try:
            self.apply(**arguments)
        except CmkctlError as error:
            assert before == self.writes
            return [each.code for each in error.diagnostics]
        return []

    # --- what is there

    @property
    def versions(self) -> list[dict[str, Any]]:
        """The versions of the key as the sandbox keeps them, oldest first."""
        return self.versions_of(KEY)

    def versions_of(self, key: str) -> list[dict[str, Any]]:
        """Return the versions of a key of the vault."""
        record = self.state.tenant.resource(f"{self.profile.key_vault.resource_id}/keys/{key}")
        return [] if record is None else list(record["versions"])

    @property
    def workspace(self) -> dict[str, Any]:
        """The workspace's document, to be changed in place."""
        record = self.state.tenant.resource(self.profile.workspace.resource_id) or {}
        document: dict[str, Any] = record["doc"]
        return document

    @property
    def in_use(self) -> str:
        """The version that the workspace uses."""
        return self.identifier.rpartition("/")[2]

    @property
    def identifier(self) -> str:
        """The key identifier that the workspace uses."""
        return str(self.workspace["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"])

    @property
    def newest(self) -> str:
        """The newest version of the key."""
        return str(self.versions[-1]["version"])

    @property
    def sent(self) -> list[LoggedRequest]:
        """The requests since the start, without those that sign in."""
        log = self.builder.running.requests[self._from :]
        return [each for each in log if not each.host.startswith("login.")]

    @property
    def writes(self) -> list[str]:
        """The writes since the start that were carried out, as method and last words of the path."""
        found = [each for each in self.builder.running.requests[self._from :] if each.is_write and each.status < 400]
        return [f"{each.method} {'/'.join(each.path.split('/')[-2:])}" for each in found]


def reasons(plan: Plan, step: str) -> list[str]:
    """Return the reasons of the changes of one step."""
    return [each.reason for each in plan.of(step)]


def actions(plan: Plan) -> list[tuple[str, str]]:
    """Return step and action of each change that is to happen, or is in conflict."""
    return [(each.step, str(each.action)) for each in plan.changes if each.action is not Action.NO_OP]


def variant(**more: Any) -> ProfileVariant:
    """Return a variant of the profile."""
    return replace(ProfileVariant(), **more)
