"""One session with Azure: cloud, credential, transport, and the typed SDK clients, each made when first used.

Reads go through a `Snapshot`, which asks each question once and can ask many at the same time; it has no method that
writes, so what only observes cannot change anything. Writes go through the typed clients that `Session` holds.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse, policies
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy, ARMHttpLoggingPolicy
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from cmkctl import __version__
from cmkctl.azure import decoding, versions
from cmkctl.azure.clouds import ENDPOINTS, Cloud, CloudEndpoints
from cmkctl.azure.decoding import ArmDocument, DecodePolicy
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.graph import Graph
from cmkctl.azure.ids import (
    ResourceId,
    deleted_vault_id,
    group_id,
    provider_id,
    resource_type,
    role_assignments_id,
    subscription_id,
)
from cmkctl.azure.retry import RetryPolicy
from cmkctl.azure.waiting import Turns
from cmkctl.clock import Clock
from cmkctl.events import CURRENT_CHANGE, Emit, WaitEnd, WaitEnded, Waiting
from cmkctl.plan import Plane, Settle

T = TypeVar("T")
U = TypeVar("U")
PARALLEL_READS: Final = 16
USER_AGENT: Final = f"cmkctl/{__version__}"


class Session:
    """What talks to Azure for the length of one command.

    `transport` is shared by every client; every wait goes by `clock`; waits and retries are emitted to `emit`. `deadline` is
    the moment of `clock.elapsed()` at which waiting is given up, None for never.
    """

    def __init__(
        self,
        cloud: Cloud,
        subscription: str,
        credential: TokenCredential,
        transport: HttpTransport[Any, Any],
        clock: Clock,
        emit: Emit = lambda _event: None,
    ) -> None:
        self.cloud = cloud
        self.subscription = subscription
        self.credential = credential
        self.transport = transport
        self.clock = clock
        self.emit = emit
        self.turns = Turns()
        self.constant = Constants()
        self.deadline: float | None = None
        self._pool = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="azure")

    def notify(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Emit that `what` has been waited for during `seconds`, on behalf of the change that the calling code works on."""
        self.emit(Waiting(CURRENT_CHANGE.get(), what, seconds, until))

    def wait_ended(self, what: str, seconds: float, reason: WaitEnd) -> None:
        """Emit that a wait is over."""
        self.emit(WaitEnded(CURRENT_CHANGE.get(), what, seconds, reason))

    def clamp_to_deadline(self, moment: float) -> float:
        """When a wait that would be given up at `moment` of the clock really is: at the run's deadline, if that is before."""
        return moment if self.deadline is None else min(moment, self.deadline)

    @property
    def endpoints(self) -> CloudEndpoints:
        """Where this session's cloud is."""
        return ENDPOINTS[self.cloud]

    @cached_property
    def resources(self) -> ResourceManagementClient:
        """Resource groups, providers, and any resource by id."""
        return ResourceManagementClient(
            self.credential,
            self.subscription,
            base_url=self.endpoints.arm,
            credential_scopes=[self.endpoints.arm_scope],
            api_version=versions.RESOURCES,
            policies=self._policies(self.endpoints.arm_scope),
            transport=self.transport,
        )

    @cached_property
    def key_vault(self) -> KeyVaultManagementClient:
        """Vaults, soft-deleted vaults, access policies, and keys through the management plane."""
        return KeyVaultManagementClient(
            self.credential,
            self.subscription,
            base_url=self.endpoints.arm,
            credential_scopes=[self.endpoints.arm_scope],
            api_version=versions.KEY_VAULT,
            policies=self._policies(self.endpoints.arm_scope),
            transport=self.transport,
        )

    @cached_property
    def graph(self) -> Graph:
        """The directory."""
        return Graph(self.endpoints.graph, self._policies(self.endpoints.graph_scope), self.transport)

    def tenant(self) -> str:
        """The tenant that issued our token for Resource Manager; empty when the token does not say."""
        claims = self.credential.get_token(self.endpoints.arm_scope).token.split(".")[1:2]
        try:
            said = decoding.parse(base64.urlsafe_b64decode(f"{claims[0]}===" if claims else ""))
        except ValueError:
            return ""
        return str(said.get("tid", "")) if isinstance(said, dict) else ""

    def snapshot(self) -> Snapshot:
        """Return a fresh view of Azure: each read is sent once, from now on."""
        # The clients are created here, by one thread: their creation is not thread-safe.
        return Snapshot(self, self.resources, self.key_vault, self.graph, self._pool)

    @cached_property
    def _arm(self) -> Pipeline[Any, Any]:
        # An operation may end without a body.
        answers = DecodePolicy(empty=True)
        return Pipeline(self.transport, policies=self._policies(self.endpoints.arm_scope, answers))

    def poll(self, url: str) -> Any:
        """One GET of an operation's own URL, used exactly as Azure gave it: the HTTP response.

        Raises HttpResponseError for an answer of 400 and above (a ResourceNotFoundError for 404), UndecodableResponse for one
        that is neither JSON nor empty.
        """
        return self.follow(url).http_response

    def follow(self, url: str) -> PipelineResponse[Any, Any]:
        """One GET of a URL that Azure gave, with what the pipeline made of the answer. Raises as `poll` does."""
        answer = self._arm.run(HttpRequest("GET", url), stream=True)
        response = answer.http_response
        if response.status_code >= 400:
            raise (ResourceNotFoundError if response.status_code == 404 else HttpResponseError)(response=response)
        return answer

    def close(self) -> None:
        """End the session: no more reads are begun and the connections are closed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.transport.close()

    def _policies(self, scope: str, answers: DecodePolicy | None = None) -> list[Any]:
        """The SDK's own pipeline with three differences, so that nothing is sent that was not asked for, or taken on trust.

        `ARMAutoResourceProviderRegistrationPolicy` is left out: it registers a provider on a 409, also on a read. One
        retry policy takes the place of azure-core's. And `DecodePolicy` takes that of its decoding.
        """
        return [
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy(base_user_agent=USER_AGENT),
            RetryPolicy(self.clock, self.notify, lambda: self.deadline),
            answers or DecodePolicy(),
            ARMChallengeAuthenticationPolicy(self.credential, scope),
            policies.NetworkTraceLoggingPolicy(),
            policies.SensitiveHeaderCleanupPolicy(),
            ARMHttpLoggingPolicy(),
            _NothingMorePolicy(self.clock),
        ]


class _NothingMorePolicy(policies.SansIOHTTPPolicy[Any, Any]):
    """Lets nothing through any more once the run was told to stop: the last policy before the network."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_request(self, request: PipelineRequest[Any]) -> None:  # noqa: ARG002
        """Raise `Interrupted` when the run was told to stop."""
        self._clock.check()


class Constants:
    """What does not change during a run once it was read: the subscription, a finished registration, a principal's id."""

    def __init__(self) -> None:
        self._documents: dict[str, ArmDocument] = {}

    def get(self, read: str) -> ArmDocument | None:
        """Return the document of a read, None when it is not constant or not read yet."""
        return self._documents.get(read)

    def keep(self, read: str, document: ArmDocument | None, *, when: bool = True) -> ArmDocument | None:
        """Keep the document of a read from now on, if there is one, and return it."""
        if document is not None and when:
            self._documents[read] = document
        return document


class Snapshot:
    """A view of Azure: each read is sent once, and its answer is shared by every caller.

    An absent resource is None. Every other refusal raises `AzureFailed`.
    """

    def __init__(
        self,
        session: Session,
        resources: ResourceManagementClient,
        key_vault: KeyVaultManagementClient,
        graph: Graph,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._session = session
        self._resources = resources
        self._key_vault = key_vault
        self._graph = graph
        self._pool = pool
        self._lock = threading.Lock()
        self._answers: dict[str, Future[Any]] = {}

    def again(self, stale: Iterable[str], settled: Mapping[str, ArmDocument | None]) -> Snapshot:
        """Return a newer view that reads again whatever `stale`, resource ids, may have changed, and failed reads.

        `settled` holds the last readings of changes that have settled, by resource id: newer than this view, and not repeated.
        """
        newer = self._session.snapshot()
        ids = [each.lower() for each in stale]
        with self._lock:
            newer._answers = {  # noqa: SLF001 - the same class
                read: answer
                for read, answer in self._answers.items()
                if answer.done() and answer.exception() is None and not any(map(partial(_related, read.lower()), ids))
            }
        for resource, document in settled.items():
            newer._answers[resource] = Future()  # noqa: SLF001 - the same class
            newer._answers[resource].set_result(document)  # noqa: SLF001 - the same class
        return newer

    @property
    def cloud(self) -> Cloud:
        """The cloud that is asked."""
        return self._session.cloud

    def now(self) -> datetime:
        """The date and time of the asking, in UTC."""
        return self._session.clock.now()

    def gather(self, *reads: Callable[[], T]) -> list[T]:
        """Several reads at the same time; their answers in the order of the reads."""
        return [future.result() for future in [self._submit(read) for read in reads]]

    def gather2(self, one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
        """Two reads at the same time."""
        ahead = self._submit(other)
        return one(), ahead.result()

    def _submit(self, read: Callable[[], T]) -> Future[T]:
        # With the caller's context, so that a wait in the read belongs to the caller's change.
        return self._pool.submit(copy_context().run, read)

    def subscription(self) -> ArmDocument:
        """The subscription: its `tenantId` and, where we may read it, its `state`.

        A principal whose roles are on resource groups only may not read the subscription; its tenant is then the one that
        issued the token, for Resource Manager takes no other. Raises AzureFailed for a subscription that does not exist.
        """
        constant = self._session.constant
        found = constant.get("subscription") or self._ask("subscription", self._subscription)
        return constant.keep("subscription", found) or {}

    def _subscription(self) -> ArmDocument:
        scope = subscription_id(self._session.subscription)
        try:
            found = self._by_id(decoding.Subscription, scope, versions.SUBSCRIPTIONS)
        except AzureFailed as error:
            if error.failure.kind is not FailureKind.DENIED:
                raise
            found = None
        return found or {"tenantId": self._session.tenant()}

    def provider(self, namespace: str) -> ArmDocument | None:
        """A resource provider, with its `registrationState` in this subscription."""
        read, constant = provider_id(self._session.subscription, namespace), self._session.constant
        found = constant.get(read) or self._ask(
            read, lambda: self._resources.providers.get(namespace, **_as(decoding.Provider))
        )
        return constant.keep(read, found, when=found is not None and found.get("registrationState") == "Registered")

    def resource_group(self, name: str) -> ArmDocument | None:
        """A resource group."""
        return self._ask(
            group_id(self._session.subscription, name),
            lambda: self._resources.resource_groups.get(name, **_as(decoding.ResourceGroup)),
        )

    def vault(self, vault: ResourceId) -> ArmDocument | None:
        """A key vault."""
        return self._ask(
            str(vault),
            lambda: self._key_vault.vaults.get(vault.resource_group, vault.name, **_as(decoding.Vault)),
        )

    def deleted_vault(self, name: str, location: str) -> ArmDocument | None:
        """A soft-deleted key vault of this subscription."""
        return self._ask(
            deleted_vault_id(self._session.subscription, location, name),
            lambda: self._key_vault.vaults.get_deleted(name, location, **_as(decoding.DeletedVault)),
        )

    def key(self, vault: ResourceId, name: str) -> ArmDocument | None:
        """A key with its latest version, through the management plane: no vault firewall is in the way."""
        return self._ask(
            str(vault.child("keys", name)),
            lambda: self._key_vault.keys.get(vault.resource_group, vault.name, name, **_as(decoding.Key)),
        )

    def resource(self, resource_id: str, api_version: str) -> ArmDocument | None:
        """Any resource in a resource group by its ARM id."""
        return self._by_id(decoding.schema_of(ResourceId.parse(resource_id).type), resource_id, api_version)

    def listing(self, path: str, api_version: str) -> ArmDocument | None:
        """Return a collection by its path, such as ``…/factories/NAME/pipelines``: one document with the items of all pages."""
        page = self._by_id(decoding.Listing, path, api_version)
        if page is None:
            return None
        found: list[Any] = [*page["value"]]
        links: set[str] = set()
        while (page := self._following(page.get("nextLink", ""), links, decoding.Listing)) is not None:
            found += page["value"]
        return {"value": found}

    def _by_id(self, kind: Any, resource_id: str, api_version: str, **params: str) -> ArmDocument | None:
        return self._ask(
            f"{resource_id}?{params}" if params else resource_id,
            # The SDK puts a slash of its own before the id.
            lambda: self._resources.resources.get_by_id(
                resource_id.lstrip("/"), api_version=api_version, params=params, **_as(kind)
            ),
        )

    def settling(self, settle: Settle) -> ArmDocument | None:
        """The document whose state shows the end of a write."""
        if settle.plane is Plane.GRAPH:
            return self.service_principal(settle.resource_id)
        read = self._typed.get(resource_type(settle.resource_id).lower())
        return read(settle.resource_id) if read else self.resource(settle.resource_id, settle.api_version)

    @property
    def _typed(self) -> Mapping[str, Callable[[str], ArmDocument | None]]:
        return {
            "microsoft.resources/providers": lambda resource: self.provider(resource.rpartition("/")[2]),
            "microsoft.keyvault/vaults": lambda resource: self.vault(ResourceId.parse(resource)),
        }

    def role_assignments(self, scope: str, principal: str) -> list[ArmDocument]:
        """The role assignments of a principal at a scope and above, all pages."""
        page = self._by_id(
            decoding.RoleAssignments,
            role_assignments_id(scope),
            versions.ROLE_ASSIGNMENTS,
            **{"$filter": f"principalId eq '{principal}'"},
        )
        found: list[ArmDocument] = []
        links: set[str] = set()
        while page is not None:
            found += page["value"]
            page = self._following(page.get("nextLink", ""), links)
        return found

    def service_principal(self, app_id: str) -> ArmDocument | None:
        """The service principal of an application in this tenant, from Microsoft Graph."""
        read, constant = f"graph {app_id}", self._session.constant
        found = constant.get(read) or self._ask(read, lambda: self._graph.service_principal(app_id))
        return constant.keep(read, found)

    def _following(self, link: str, links: set[str], kind: Any = decoding.RoleAssignments) -> ArmDocument | None:
        """The next page of a list, None after the last. Each link is followed once: a list that has no end is none."""
        if not link or link in links:
            return None
        links.add(link)
        return self._ask(link, lambda: decoding.document(kind, self._session.follow(link)))

    def _ask(self, question: str, read: Callable[[], Any]) -> ArmDocument | None:
        with self._lock:
            answer = self._answers.get(question)
            if mine := answer is None:
                answer = self._answers[question] = Future()
        if mine:
            _answer(answer, read)
        document: ArmDocument | None = answer.result()
        return document


def _related(read: str, resource: str) -> bool:
    """Return True when a change of a resource can change the answer to a read: it is the same, a parent or a child."""
    path = read.partition("?")[0]
    return f"{path}/".startswith(f"{resource}/") or f"{resource}/".startswith(f"{path}/")


def _as(kind: Any) -> Mapping[str, Any]:
    """Makes a typed SDK method that reads return the document as Azure sent it, held against what is read of its kind.

    What steps compare is what Azure says; a model in between would drop what it does not know, and would be built for
    nothing.
    """
    return {"stream": True, "cls": lambda response, _deserialized, _headers: decoding.document(kind, response)}


WRITING: Final[Mapping[str, Any]] = {"stream": True, "cls": lambda _response, _deserialized, _headers: None}
"""Makes a typed SDK method that writes leave its answer alone. What a write did is read back; the answer to it counts for
nothing, so it may have any form that can be read."""


def _answer(answer: Future[Any], read: Callable[[], Any]) -> None:
    try:
        answer.set_result(_read(read))
    except BaseException as error:  # noqa: BLE001 - whoever asked the same question is waiting for this future
        answer.set_exception(error)


def _read(read: Callable[[], Any]) -> Any:
    """Perform a read: its document, None where there is nothing. Raises AzureFailed for every other refusal."""
    try:
        return read()
    except AzureError as error:
        failure = classify(error)
        # Nothing of a provider can exist in a subscription where it is not registered.
        if failure.kind in (FailureKind.ABSENT, FailureKind.NOT_REGISTERED):
            return None
        raise AzureFailed(failure) from error


__all__ = ["PARALLEL_READS", "USER_AGENT", "WRITING", "ArmDocument", "Session", "Snapshot"]
