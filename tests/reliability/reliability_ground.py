"""The ground that the matrices stand on: one sandbox in memory, three profiles, and cmkctl run in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import requests
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.credentials import SharedCredential, sign_in
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.session import Session
from cmkctl.clock import Clock, SystemClock
from cmkctl.diagnostics import CmkctlError, RefusedError
from cmkctl.engine import apply_plan, make_plan
from cmkctl.procedures import named
from cmkctl.procedures.base import no_proof
from cmkctl.procedures.create import CREATE
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace
from cmkctl.sandbox.server import Running

UNPROVED: Final = replace(CREATE, proof=no_proof)
"""The procedure without azure-ai-ml, which is imported only by a whole process."""

CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_COMMON: Final = """\
subscription: ${AZURE_SUBSCRIPTION_ID}
location: eastus2
resource_group: rg-ml
key: {name: cmk}
"""
_IDENTITIES: Final = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_SUBNETS: Final = "providers/Microsoft.Network/virtualNetworks/vnet-ml/subnets"
_PEOPLE: Final = "3f2b8c1e-0d4a-4c7b-9e65-1a2b3c4d5e6f"
PROFILES: Final = {
    "access policies, system-assigned identity": f"""\
{_COMMON}key_vault: {{name: kv-cmk}}
workspace: {{name: mlw, high_business_impact: true, encryption: in-subscription}}
associated_resources: {{storage_account: {{name: stml}}}}
""",
    "roles, user-assigned identity, registry": f"""\
{_COMMON}key_vault: {{name: kv-cmk, authorization: rbac}}
workspace:
  name: mlw
  high_business_impact: true
  encryption: in-subscription
  identity: /subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-people/{_IDENTITIES}/id-ml
associated_resources: {{storage_account: {{name: stml}}, container_registry: {{}}}}
""",
    "private network, new user-assigned identity, roles": f"""\
{_COMMON}key_vault: {{name: kv-cmk, authorization: rbac, network: {{default_action: Deny, bypass: AzureServices}}}}
workspace:
  name: mlw
  high_business_impact: true
  encryption: in-subscription
  public_network_access: disabled
  identity: {{create: id-ml}}
associated_resources:
  storage_account: {{name: stml, network: {{public_access: disabled, default_action: Deny}}}}
  key_vault: {{network: {{default_action: Deny}}}}
private_network:
  subnet: /subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-net/{_SUBNETS}/snet-endpoints
  endpoints: [workspace, blob]
grants:
  - {{principal: {_PEOPLE}, principal_type: Group, role: AzureML Data Scientist, scope: workspace}}
""",
}
POLICIES, ROLES, PRIVATE = PROFILES


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, and the codes of its diagnostics."""

    code: int
    codes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(["exit", str(self.code), *self.codes])


class HastyClock(SystemClock):
    """A clock for which time flies: every wait is over after a fraction of it, and is counted whole.

    `skip` gets the seconds that were not waited for, to advance the sandbox's clock by them.
    """

    def __init__(self, fraction: float = 0.0, skip: Callable[[float], None] = lambda _seconds: None) -> None:
        super().__init__()
        self._fraction = fraction
        self._skip = skip
        self._skipped = 0.0

    def elapsed(self) -> float:
        """Seconds, with those that were not waited for."""
        return super().elapsed() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Wait for a fraction, and count the rest."""
        self._skipped += seconds * (1 - self._fraction)
        self._skip(seconds * (1 - self._fraction))
        super().sleep(seconds * self._fraction)


def _connections() -> requests.Session:
    """Provide connections for successive sessions, as many as the command has, because TLS handshakes are slow."""
    session = requests.Session()
    session.trust_env = False  # requests would read the whole environment twice for each request
    session.mount("https://", HTTPAdapter(pool_maxsize=32, max_retries=0))
    return session


@dataclass
class Ground:
    """A running sandbox that begins anew for every case. The environment has to be the sandbox's."""

    running: Running
    folder: Path
    _connected: requests.Session = field(default_factory=_connections)
    _profiles: dict[str, Profile] = field(default_factory=dict)

    def begin(self, profile: str) -> None:
        """Reset to a subscription with only the identity or network that the profile names, without faults and observers."""
        self.running.watch = None
        self.running.state.clear_faults()
        self.running.state.tenant.pace = Pace.reads(2)
        self.running.reset()
        if profile == ROLES:
            identity = self.running.state.resource(self.running.state.add_identity("id-ml", "rg-people")) or {}
            self.running.state.assign_role(
                f"/subscriptions/{SUBSCRIPTION_ID}", identity["properties"]["principalId"], CONTRIBUTOR
            )
        if profile == PRIVATE:
            self.running.state.add_subnet()

    def path(self, profile: str) -> Path:
        """Where the profile is, as a file."""
        path = self.folder / f"{list(PROFILES).index(profile)}.yaml"
        path.write_text(PROFILES[profile], encoding="utf-8")
        return path

    def apply(self, profile: str, clock: Clock | None = None) -> Ended:
        """Plan and apply in this process, as the command does; waits are over at once, unless a clock is given."""
        return self._ended(profile, clock or HastyClock(), _apply)

    def carry_out(self, profile: str, procedure: str, arguments: Mapping[str, str]) -> Ended:
        """Plan and apply another procedure in this process; waits are over at once."""
        chosen = named(procedure, arguments)

        def work(session: Session, loaded: Profile) -> Ended:
            apply_plan(session, loaded, make_plan(session, loaded, chosen), chosen, lambda _event: None)
            return Ended(0)

        return self._ended(profile, HastyClock(), work)

    def plans(self, profile: str) -> Ended:
        """Plan in this process: exit code 2 when there is something to do."""
        return self._ended(profile, HastyClock(), _plan)

    def _ended(self, profile: str, clock: Clock, work: Callable[[Session, Profile], Ended]) -> Ended:
        loaded = self._loaded(profile)
        credential = SharedCredential(sign_in("environment", ENDPOINTS[loaded.cloud], RequestsTransport()))
        ca = str(self.running.ca)
        self._connected.proxies = {"https": self.running.proxy}
        transport = RequestsTransport(session=self._connected, session_owner=False, connection_verify=ca)
        session = Session(loaded.cloud, loaded.subscription, credential, transport, clock)
        session.deadline = clock.elapsed() + 3600
        try:
            return work(session, loaded)
        except CmkctlError as error:
            codes = tuple(dict.fromkeys(each.code for each in error.diagnostics))
            return Ended(3 if isinstance(error, RefusedError) else 1, codes)
        except AzureError as error:
            return Ended(1, tuple(each.code for each in AzureFailed(classify(error)).diagnostics))
        finally:
            session.close()

    def _loaded(self, profile: str) -> Profile:
        if profile not in self._profiles:
            self._profiles[profile] = load_profile(self.path(profile), environ=os.environ).profile
        return self._profiles[profile]


def _apply(session: Session, profile: Profile) -> Ended:
    apply_plan(session, profile, make_plan(session, profile, UNPROVED), UNPROVED, lambda _event: None)
    return Ended(0)


def _plan(session: Session, profile: Profile) -> Ended:
    plan = make_plan(session, profile, UNPROVED)
    if plan.errored:
        return Ended(3, tuple(each.code for each in plan.changes if each.code))
    return Ended(2 if plan.pending else 0)
