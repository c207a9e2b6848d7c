"""The starting states of the properties: what a profile requests, and in what state Azure is found.

A world is a beginning (a new subscription, a finished set-up, one whose workspace is being made) and a few changes
that were then made to it. What cannot be done to a world, such as disabling a key that is not there, is left out.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import pytest
import requests
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.identity import EnvironmentCredential
from hypothesis import Phase, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from cmkctl.azure.credentials import SharedCredential
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.session import QUESTIONS, Session
from cmkctl.clock import Interrupted, SystemClock
from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import Event
from cmkctl.plan import Plan
from cmkctl.procedures.base import Procedure, no_proof
from cmkctl.procedures.create import CREATE
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.sandbox.server import Running

UNPROVED: Final = replace(CREATE, proof=no_proof)
"""The procedure without azure-ai-ml, which is imported only by a whole process."""

# Other examples on every run, so that a run can find what the one before did not; a failure prints how to repeat it. Nothing
# is kept between runs and nothing shrinks: an example takes half a second, and names what was done in words.
SAMPLED: Final = settings(database=None, deadline=None, phases=(Phase.explicit, Phase.generate), print_blob=True)

GROUP: Final = "rg-ml"
VAULT: Final = "kv-cmk"
ELSEWHERE: Final = "rg-security"
KEY: Final = "cmk"
STORAGE: Final = "stml"
FOREIGN: Final = ("c0ffee00-0000-4000-8000-00000000f001", "c0ffee00-0000-4000-8000-00000000f002")
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
IDENTITY_ID: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-people/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
)

# --- what is requested


@dataclass(frozen=True)
class ProfileVariant:
    """What differs between the profiles of the properties."""

    authorization: str | None = None
    elsewhere: bool = False
    allow_purge_protection: bool = False
    days: int | None = None
    user_identity: bool = False
    service_side: bool = False
    high_business_impact: bool = True
    registry: bool = False
    keyed: bool = False
    """Storage account and registry have the key from the start. It takes an identity that can be granted it before."""
    same_vault: bool = False
    object_id_given: bool = False
    create_principal: bool = True
    friendly_name: str | None = None
    public_access: str = "enabled"
    settle_seconds: int = 0

    def profile(self) -> Profile:
        """Return the profile of this variant."""
        where = (
            f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{ELSEWHERE}/providers/Microsoft.KeyVault/vaults/{VAULT}"
        )
        vault: dict[str, Any] = {"id": where} if self.elsewhere else {"name": VAULT}
        optional = {"authorization": self.authorization, "soft_delete_days": self.days}
        workspace = {
            "name": "mlw",
            "high_business_impact": self.high_business_impact,
            "encryption": "service-side" if self.service_side else "in-subscription",
            "identity": IDENTITY_ID if self.user_identity else "system-assigned",
            "friendly_name": self.friendly_name,
            "public_network_access": self.public_access,
        }
        own_key = {"encryption": "customer"} if self.keyed and self.user_identity else {}
        associated: dict[str, Any] = {"storage_account": {"name": STORAGE, **own_key}}
        associated |= {"container_registry": {**own_key}} if self.registry else {}
        associated |= {"key_vault": "same"} if self.same_vault else {}
        return Profile.model_validate(
            {
                "subscription": SUBSCRIPTION_ID,
                "location": "eastus2",
                "resource_group": GROUP,
                "key_vault": {
                    **vault,
                    **{name: value for name, value in optional.items() if value is not None},
                    "allow_enabling_purge_protection": self.allow_purge_protection,
                },
                "key": {"name": KEY},
                "key_access": {
                    "cosmos_db_object_id": COSMOS_DB_OBJECT_ID if self.object_id_given else None,
                    "create_service_principal": self.create_principal,
                    "settle_seconds": self.settle_seconds,
                },
                "workspace": workspace,
                "associated_resources": associated,
                "tags": {"owner": "ml-platform"},
            }
        )


def _possible(wish: ProfileVariant) -> bool:
    # The service refuses service-side encryption with an identity that has to be granted a role before it exists.
    by_roles = wish.authorization == "rbac" and wish.service_side and not wish.user_identity
    return not by_roles


WISHES: Final = st.builds(
    ProfileVariant,
    authorization=st.sampled_from([None, "access-policy", "rbac"]),
    elsewhere=st.booleans(),
    allow_purge_protection=st.booleans(),
    days=st.sampled_from([None, 90, 7]),
    user_identity=st.booleans(),
    service_side=st.booleans(),
    high_business_impact=st.booleans(),
    registry=st.booleans(),
    keyed=st.booleans(),
    same_vault=st.booleans(),
    object_id_given=st.booleans(),
    create_principal=st.sampled_from([True, True, False]),
    friendly_name=st.sampled_from([None, "Fraud models"]),
    public_access=st.sampled_from(["enabled", "disabled"]),
).filter(_possible)

# --- what is there


@dataclass
class Site:
    """A running sandbox and the profile that is applied to it: what a doing does something to."""

    running: Running
    profile: Profile

    @property
    def tenant(self) -> dict[str, Any]:
        """The sandbox's own document, for what its arranging functions do not cover."""
        return self.running.state.tenant.data

    @property
    def vault_id(self) -> str:
        """The vault of the profile."""
        return self.profile.key_vault.resource_id

    def document(self, resource_id: str) -> dict[str, Any] | None:
        """Return a resource as the sandbox keeps it, to be changed in place; None when it is not there."""
        record = self.tenant["resources"].get(resource_id.lower())
        return None if record is None else record["doc"]

    def properties(self, resource_id: str) -> dict[str, Any]:
        """Return a resource's properties, to be changed in place. Changes of an absent resource have no effect."""
        properties: dict[str, Any] = (self.document(resource_id) or {"properties": {}})["properties"]
        return properties

    def add_vault(self, **more: Any) -> None:
        """Put the vault there, unless it or its like is there."""
        if self.document(self.vault_id) is None and not self.tenant["deleted_vaults"]:
            vault = ResourceId.parse(self.vault_id)
            self.running.state.add_vault(vault.name, vault.resource_group, **more)

    def add_key(self, **more: Any) -> None:
        """Put the key there, and the vault if need be. A key that is there gets a new version."""
        self.add_vault(rbac=self.profile.key_vault.authorization == "rbac")
        if self.document(self.vault_id) is not None and self.document(self.profile.key.resource_id) is None:
            self.running.state.add_key(VAULT, KEY, **more)

    def set_key(self, **attributes: Any) -> None:
        """Change attributes of the key's latest version, if there is a key."""
        if self.document(self.profile.key.resource_id) is not None:
            self.running.state.set_key_attributes(VAULT, KEY, **attributes)

    def allow(self, object_id: str, *permissions: str, **more: str) -> None:
        """Add an access policy, if there is a vault. A vault has one policy for each identity."""
        policies = self.properties(self.vault_id).setdefault("accessPolicies", [])
        if not [each for each in policies if (each["objectId"], each.get("applicationId")) == (object_id, None)]:
            entry = {"tenantId": "c0ffee00-0000-4000-8000-00000000007e", "objectId": object_id, **more}
            policies.append({**entry, "permissions": {"keys": list(permissions)}})

    def set_providers(self, state: str, *namespaces: str, **more: Any) -> None:
        """Set the registration state of providers; by default of all."""
        table = self.tenant["providers"][SUBSCRIPTION_ID]
        for each in namespaces or tuple(table):
            table[each.lower()].update(state=state, **copy.deepcopy(more))


Doing = Callable[[Site], object]


def _forget_policies(site: Site) -> None:
    site.properties(site.vault_id)["accessPolicies"] = []


def _delete_vault(site: Site) -> None:
    site.add_vault()
    if site.document(site.vault_id) is not None and not site.document(site.profile.workspace.resource_id):
        site.running.state.delete_vault(VAULT)


def _spoil_workspace(site: Site, **changed: Any) -> None:
    if site.document(site.profile.workspace.resource_id) is not None:
        site.properties(site.profile.workspace.resource_id).update(changed)


def _fail_an_update(site: Site) -> None:
    document = site.document(site.profile.workspace.resource_id)
    if document is not None:
        document["properties"]["provisioningState"] = "Failed"
        document["systemData"] |= {"lastModifiedBy": FOREIGN[0], "lastModifiedAt": "2031-01-01T00:00:00Z"}


def _spoil_storage(site: Site, **changed: Any) -> None:
    if site.document(site.profile.associated_resources.storage_account.resource_id) is None:
        site.running.state.add_storage_account(STORAGE, GROUP)
    site.properties(site.profile.associated_resources.storage_account.resource_id).update(changed)


def _add_cosmos(site: Site) -> None:
    site.running.state.add_principal(COSMOS_DB_APP_ID, "Azure Cosmos DB", COSMOS_DB_OBJECT_ID)


def _forget_cosmos(site: Site) -> None:
    if site.profile.key_access.cosmos_db_object_id is None:  # an operator gives the id of an existing principal
        site.tenant["principals"].pop(COSMOS_DB_OBJECT_ID, None)


def _make_vault_slowly(site: Site) -> None:
    if site.document(site.vault_id) is None:
        site.add_vault(provisioningState="RegisteringDns")
        if (record := site.tenant["resources"].get(site.vault_id.lower())) is not None:
            record["countdown"] = {"reads": 2}


def _inherit_role(site: Site) -> None:
    group = ResourceId.parse(site.vault_id).resource_group
    site.running.state.assign_role(site.running.state.add_resource_group(group))


def _forget_roles(site: Site) -> None:
    ours = {name: row for name, row in site.tenant["assignments"].items() if not _held_by_others(row)}
    for name in ours:
        del site.tenant["assignments"][name]


def _held_by_others(row: dict[str, Any]) -> bool:
    return bool(row["doc"]["properties"]["roleDefinitionId"].endswith(CONTRIBUTOR))


def _delete_group(site: Site) -> None:
    group = site.tenant["groups"].get(f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/{GROUP}")
    if group is not None:
        group["doc"]["properties"]["provisioningState"] = "Deleting"


WEAK: Final = {"minimumTlsVersion": "TLS1_0", "allowBlobPublicAccess": True, "supportsHttpsTrafficOnly": False}


def _allow_others(site: Site) -> None:
    for each in FOREIGN:
        site.allow(each, "Get", "List", "Decrypt")


def _allow_too_little(site: Site) -> None:
    _forget_policies(site)
    site.allow(COSMOS_DB_OBJECT_ID, "get", "list")


MENDABLE: Final[dict[str, Doing]] = {
    "every provider is registered": lambda site: site.running.state.register_provider(),
    "no provider is registered": lambda site: site.set_providers("NotRegistered"),
    "providers were unregistered": lambda site: site.set_providers("Unregistered", "Microsoft.Search"),
    "providers are being registered": lambda site: site.set_providers(
        "Registering", "Microsoft.DocumentDB", "microsoft.insights", countdown={"reads": 2}
    ),
    "the service principal is there": _add_cosmos,
    "the service principal is gone": _forget_cosmos,
    "the group is there": lambda site: site.running.state.add_resource_group(GROUP, "westeurope"),
    "a vault is there": Site.add_vault,
    "a vault with roles is there": lambda site: site.add_vault(rbac=True),
    "a vault is being made": _make_vault_slowly,
    "the key is there": Site.add_key,
    "others have policies": _allow_others,
    "there is a policy on a client's behalf": lambda site: site.allow(
        COSMOS_DB_OBJECT_ID, "get", "wrapKey", "unwrapKey", applicationId=FOREIGN[0]
    ),
    "the policy is partial": _allow_too_little,
    "the policy is in another casing": lambda site: site.allow(COSMOS_DB_OBJECT_ID, "Get", "WrapKey", "UnwrapKey"),
    "the policy allows everything": lambda site: site.allow(COSMOS_DB_OBJECT_ID, "all"),
    "a policy names the application": lambda site: site.allow(COSMOS_DB_APP_ID, "get", "wrapKey", "unwrapKey"),
    "the policies are gone": _forget_policies,
    "a role is inherited from the group": _inherit_role,
    "the roles are gone": _forget_roles,
    "the storage account is there": _spoil_storage,
    "the storage account is weak": lambda site: _spoil_storage(site, **WEAK),
    "the workspace's creation failed": lambda site: _spoil_workspace(site, provisioningState="Failed"),
    "the workspace has another name": lambda site: _spoil_workspace(site, friendlyName="Renamed"),
    "the workspace answers in another casing": lambda site: _spoil_workspace(
        site,
        storageAccount=site.profile.associated_resources.storage_account.resource_id.upper(),
        keyVault=site.profile.associated_resources.key_vault_id.lower(),
    ),
}
"""Differences that a permitted write can fix, and differences that need no write."""

CONFLICTING: Final[dict[str, Doing]] = {
    "a vault without purge protection is there": lambda site: site.add_vault(purge_protection=False),
    "the vault is soft-deleted": _delete_vault,
    "the vault keeps deleted things for 30 days": lambda site: site.properties(site.vault_id).update(
        softDeleteRetentionInDays=30
    ),
    "the key is disabled": lambda site: site.set_key(enabled=False),
    "the key has expired": lambda site: site.set_key(exp=1_000_000_000),
    "the key has 2048 bits": lambda site: site.add_key(size=2048),
    "the key only signs": lambda site: site.add_key(keyOps=["sign", "verify"]),
    "the key is on a curve": lambda site: site.add_key(kty="EC"),
    "the storage account is hierarchical": lambda site: _spoil_storage(site, isHnsEnabled=True),
    "the workspace has another impact": lambda site: _spoil_workspace(
        site, hbiWorkspace=not site.profile.workspace.high_business_impact
    ),
    "the workspace is not encrypted": lambda site: (
        site.properties(site.profile.workspace.resource_id).pop("encryption", None) and None
    ),
    "the workspace has failed": _fail_an_update,
    "the workspace has other storage": lambda site: _spoil_workspace(
        site, storageAccount=f"{site.profile.associated_resources.storage_account.resource_id}2"
    ),
    "the group is being deleted": _delete_group,
}
"""What a profile may find itself in conflict with."""

DOINGS: Final = MENDABLE | CONFLICTING


@dataclass(frozen=True)
class World:
    """A beginning (``new``, ``finished`` or ``being made``), and what was done to it since."""

    beginning: str = "new"
    done: tuple[str, ...] = ()


def _worlds(doings: Iterable[str], most: int = 5) -> st.SearchStrategy[World]:
    order = list(doings)
    some = st.lists(st.sampled_from(order), unique=True, max_size=most).map(
        lambda names: tuple(sorted(names, key=order.index))
    )
    return st.builds(World, beginning=st.sampled_from(["new", "new", "finished", "being made"]), done=some)


WORLDS: Final = _worlds(DOINGS)
MENDABLE_WORLDS: Final = _worlds(MENDABLE)

# --- the ordinary way to Azure


class ImpatientClock(SystemClock):
    """A clock for which every wait is over at once, and time passes all the same."""

    def __init__(self) -> None:
        super().__init__()
        self._slept = 0.0
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        """Seconds, with those that were slept."""
        return super().elapsed() + self._slept

    def sleep(self, seconds: float) -> None:
        """Count the wait and go on."""
        with self._lock:
            self._slept += seconds


class InterceptingTransport(HttpTransport[Any, Any]):
    """A transport with something of a test's before and after each request."""

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        self._inner = inner

    def before(self, _request: Any) -> None:
        """Do nothing before a request."""

    def after(self, _request: Any) -> None:
        """Do nothing after a request."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request."""
        self.before(request)
        try:
            return self._inner.send(request, **options)
        finally:
            self.after(request)

    def open(self) -> None:
        """Open the inner transport."""
        self._inner.open()

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class Stops(InterceptingTransport):
    """A transport that is interrupted at a write, as by Ctrl-C: before it is sent, or after; then nothing is sent."""

    def __init__(self, inner: HttpTransport[Any, Any], at: Callable[[Any, int], bool], *, sent: bool) -> None:
        super().__init__(inner)
        self._at = at
        self._sent = sent
        self._writes = 0
        self._over = False
        self._lock = threading.Lock()

    def before(self, request: Any) -> None:
        """Stop before a write, if that is when to stop."""
        with self._lock:
            if self._over:
                raise Interrupted
            if is_write(request.method, request.url):
                self._writes += 1
                self._over = self._at(request, self._writes)
                if self._over and not self._sent:
                    raise Interrupted

    def after(self, request: Any) -> None:
        """Stop after a write, if that is when to stop."""
        if self._over and is_write(request.method, request.url):
            raise Interrupted


def is_write(method: str, url: str) -> bool:
    """Return True for a request that may change something: no read, and no POST request that only queries."""
    queries = method == "POST" and url.partition("?")[0].rpartition("/")[2] in QUESTIONS
    return method not in ("GET", "HEAD") and not queries


class KeptOpen(InterceptingTransport):
    """A transport for many sessions one after the other: connections are made once, as TLS takes its time.

    It leads to the sandbox of an environment: requests would read the whole environment twice for each request.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        session = requests.Session()
        session.mount("https://", HTTPAdapter(pool_maxsize=32, max_retries=0))
        session.trust_env = False
        session.proxies = {"https": environment["HTTPS_PROXY"]}
        ca = environment["REQUESTS_CA_BUNDLE"]
        super().__init__(RequestsTransport(session=session, session_owner=False, connection_verify=ca))

    def close(self) -> None:
        """Keep the connections."""


@dataclass
class Client:
    """Plans and applies against a running sandbox as the commands do, and remembers what happened."""

    running: Running
    transport: Callable[[], HttpTransport[Any, Any]]
    procedure: Procedure = UNPROVED
    events: list[Event] = field(default_factory=list)

    def session(self, profile: Profile) -> Session:
        """Open a session: a credential from the environment, a clock without patience."""
        transport = self.transport()
        credential = SharedCredential(EnvironmentCredential(transport=transport))
        session = Session(profile.cloud, profile.subscription, credential, transport, ImpatientClock())
        session.deadline = session.clock.elapsed() + 3600
        return session

    def plan(self, profile: Profile) -> Plan:
        """Make a plan."""
        session = self.session(profile)
        try:
            return make_plan(session, profile, self.procedure)
        finally:
            session.close()

    def apply(self, profile: Profile, plan: Plan | None = None, session: Session | None = None) -> Plan:
        """Apply a plan, or the one that is made now; the plan that is left."""
        session = session or self.session(profile)
        try:
            made = plan or make_plan(session, profile, self.procedure)
            return apply_plan(session, profile, made, self.procedure, self.events.append)
        finally:
            session.close()

    def writes_since(self, moment: int) -> list[LoggedRequest]:
        """Return the writes in the sandbox's log after so many entries."""
        return [each for each in self.running.requests[moment:] if each.is_write]

    @property
    def moment(self) -> int:
        """The number of requests that the sandbox got so far."""
        return len(self.running.requests)


# --- making a world


class ScenarioBuilder:
    """Puts a running sandbox into worlds. Finished set-ups are made once for each wish, and then copied."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.connections = KeptOpen(running.environment())
        self.kept: dict[tuple[str, ProfileVariant], dict[str, Any]] = {}

    def client(
        self,
        around: Callable[[HttpTransport[Any, Any]], HttpTransport[Any, Any]] | None = None,
        procedure: Procedure = UNPROVED,
    ) -> Client:
        """Make a client of a procedure, whose transport may be wrapped in another one."""
        return Client(self.running, lambda: around(self.connections) if around else self.connections, procedure)

    def make(self, wish: ProfileVariant, world: World) -> Profile:
        """Put the sandbox into a world and return the profile of the wish."""
        profile = wish.profile()
        beginning = self._beginning(wish, world.beginning, profile)
        with self.running.state.tenant.lock:
            self.running.state.tenant.data = copy.deepcopy(beginning)
            site = Site(self.running, profile)
            for each in world.done:
                DOINGS[each](site)
        return profile

    def _beginning(self, wish: ProfileVariant, name: str, profile: Profile) -> dict[str, Any]:
        if (name, wish) not in self.kept:
            self.running.reset()
            self._prepare(wish)
            if name != "new":
                self._set_up(profile, being_made=name == "being made")
            self.kept[name, wish] = copy.deepcopy(self.running.state.tenant.data)
        return self.kept[name, wish]

    def _prepare(self, wish: ProfileVariant) -> None:
        """Create what cmkctl expects to exist: the identity with its roles, a vault that is given by id."""
        state = self.running.state
        if wish.user_identity:
            identity = state.add_identity("id-ml", "rg-people")
            inner = (state.resource(identity) or {})["properties"]
            state.assign_role(f"/subscriptions/{SUBSCRIPTION_ID}", inner["principalId"], CONTRIBUTOR)
        if wish.object_id_given:
            state.add_principal(COSMOS_DB_APP_ID, "Azure Cosmos DB", COSMOS_DB_OBJECT_ID)
        if wish.elsewhere:
            days: dict[str, Any] = {"softDeleteRetentionInDays": wish.days} if wish.days else {}
            state.add_vault(VAULT, ELSEWHERE, rbac=wish.authorization == "rbac", **days)

    def _set_up(self, profile: Profile, *, being_made: bool) -> None:
        state = self.running.state
        state.register_provider("Microsoft.DocumentDB")
        state.tenant.pace = Pace.reads(2)
        client = self.client(_until_the_workspace if being_made else None)
        try:
            client.apply(profile)
        except Interrupted:
            pass
        finally:
            state.tenant.pace = Pace.none()


def _until_the_workspace(inner: HttpTransport[Any, Any]) -> Stops:
    def is_the_workspace(request: Any, _writes: int) -> bool:
        return "/Microsoft.MachineLearningServices/workspaces/" in request.url

    return Stops(inner, is_the_workspace, sent=True)


def done_twice(written: list[LoggedRequest]) -> list[str]:
    """Return the writes that Azure carried out more than once."""
    done = Counter(f"{each.method} {each.path}".lower() for each in written if each.status < 400)
    return [each for each, times in done.items() if times > 1]


@contextmanager
def served() -> Iterator[ScenarioBuilder]:
    """Serve a sandbox in memory that is done with everything at once, in an environment that leads to it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)
