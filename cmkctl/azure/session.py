"""One session with Azure: cloud, credential, transport, and the typed SDK clients, each made when first used.

Reads go through a `Snapshot`, which sends each read once and many concurrently; it has no method that writes, so code that
only observes cannot change anything. Writes go through the typed clients of `Session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import Pipeline, PipelineResponse, policies
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy, ARMHttpLoggingPolicy
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from cmkctl import __version__
from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS, Cloud, CloudEndpoints
from cmkctl.azure.decoding import DecodePolicy
from cmkctl.azure.graph import Graph
from cmkctl.azure.policies import DeadlinePolicy, HeaderPolicy, HostPolicy
from cmkctl.azure.retry import QUESTION, RetryPolicy
from cmkctl.azure.snapshot import Constants, Snapshot
from cmkctl.azure.tokens import claims_in
from cmkctl.azure.vault_keys import VaultKeys
from cmkctl.azure.waiting import Turns
from cmkctl.clock import Clock
from cmkctl.events import CURRENT_CHANGE, Emit, WaitEnd, WaitEnded, Waiting

PARALLEL_READS: Final = 64
"""Threads for reads, started when needed: a read that waits for a free thread would make the plan one round trip deeper."""
QUESTIONS: Final = frozenset({"checkPolicyRestrictions", "checkNameAvailability", "validate", "resources"})
"""The last segments of the POST requests that write nothing. A dry run sends these and no other."""
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""The difference from which Azure's time replaces that of this machine. Responses carry it in whole seconds and may be late."""
USER_AGENT: Final = f"cmkctl/{__version__}"


class Session:
    """The connection to Azure of one command.

    Every client shares `transport`; every wait uses `clock`; waits and retries are emitted to `emit`. `deadline` is the
    moment of `clock.elapsed()` at which waiting ends, None for never.
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
        self.subscription_name = ""
        """The display name of the subscription, once it was read."""
        self.is_sandbox: bool | None = None
        """True once a response came from the sandbox, False once one came from Azure; None before the first response."""
        self._ahead = timedelta()
        self._pool = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="azure")

    def now(self) -> datetime:
        """Return the current date and time in UTC, as Azure has it.

        Azure's dates are compared with this time: the clock of a machine may be wrong, and that of the sandbox can be advanced.
        """
        return self.clock.now() + self._ahead

    def notify(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Emit the progress of a wait for `what`, after `seconds`, for the current change."""
        self.emit(Waiting(CURRENT_CHANGE.get(), what, seconds, until))

    def wait_ended(self, what: str, seconds: float, reason: WaitEnd) -> None:
        """Emit that a wait is over."""
        self.emit(WaitEnded(CURRENT_CHANGE.get(), what, seconds, reason))

    def clamp_to_deadline(self, moment: float) -> float:
        """Return the earlier of `moment` and the run's deadline."""
        return moment if self.deadline is None else min(moment, self.deadline)

    @property
    def endpoints(self) -> CloudEndpoints:
        """The endpoints of this session's cloud."""
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

    def claims(self) -> Mapping[str, Any]:
        """Return the claims of our token for Resource Manager, unverified; empty when it is not a JWT, as on a replay."""
        return claims_in(self.credential.get_token(self.endpoints.arm_scope).token)

    @cached_property
    def vault_keys(self) -> VaultKeys:
        """Keys through the vaults' own endpoints."""
        return VaultKeys(self._policies(self.endpoints.vault_scope), self.transport)

    def tenant(self) -> str:
        """Return the tenant that issued our token for Resource Manager; empty when the token does not name it."""
        return str(self.claims().get("tid", ""))

    def snapshot(self, answers: Mapping[str, Future[Any]] | None = None) -> Snapshot:
        """Return a view of Azure in which each read is sent once, from now on. It begins with `answers`, by read."""
        # The clients are created here, by one thread: their creation is not thread-safe.
        return Snapshot(self, self.resources, self.key_vault, self.graph, self._pool, answers or {})

    @cached_property
    def _arm(self) -> Pipeline[Any, Any]:
        # An operation may end without a body.
        answers = DecodePolicy(empty=True)
        return Pipeline(self.transport, policies=self._policies(self.endpoints.arm_scope, answers))

    def poll(self, url: str) -> Any:
        """Send one GET to an operation's own URL, exactly as Azure returned it; return the HTTP response.

        Raises HttpResponseError for a status of 400 and above (ResourceNotFoundError for 404), UndecodableResponse for a body
        that is neither JSON nor empty.
        """
        return self.follow(url).http_response

    def follow(self, url: str) -> PipelineResponse[Any, Any]:
        """Send one GET to a URL that Azure returned; return the pipeline's response. Raises as `poll` does."""
        answer = self._arm.run(HttpRequest("GET", url), stream=True)
        response = answer.http_response
        if response.status_code >= 400:
            raise (ResourceNotFoundError if response.status_code == 404 else HttpResponseError)(response=response)
        return answer

    def question(self, path: str, api_version: str, body: Mapping[str, Any]) -> PipelineResponse[Any, Any]:
        """Send one POST that writes nothing, one of `QUESTIONS`; return the pipeline's response. Raises as `poll` does."""
        if path.rpartition("/")[2] not in QUESTIONS:
            raise ValueError(f"not a question: POST {path}")
        request = HttpRequest("POST", self.endpoints.arm + path, params={"api-version": api_version}, json=body)
        answer = self._arm.run(request, stream=True, **{QUESTION: True})
        if answer.http_response.status_code >= 400:
            raise HttpResponseError(response=answer.http_response)
        return answer

    def write(
        self,
        method: str,
        path: str,
        api_version: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        """Send one POST, PATCH or DELETE to Resource Manager that no typed client sends; return the HTTP response.

        For actions, for parameters beside the api-version, and for types whose response the generic client takes for an error.
        Raises HttpResponseError for a status of 400 and above (ResourceNotFoundError for 404), UndecodableResponse for a body
        that is neither JSON nor empty.
        """
        url = f"{self.endpoints.arm}{path}"
        content = None if body is None else dict(body)
        request = HttpRequest(method, url, params={"api-version": api_version, **query}, json=content)
        response = self._arm.run(request, stream=True).http_response
        if response.status_code >= 400:
            raise (ResourceNotFoundError if response.status_code == 404 else HttpResponseError)(response=response)
        return response

    def close(self) -> None:
        """End the session: no new reads start, and the connections are closed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.transport.close()

    def _learn_where(self, sandbox: bool) -> None:
        self.is_sandbox = bool(self.is_sandbox) or sandbox

    def _learn_time(self, sent: datetime) -> None:
        ahead = sent - self.clock.now()
        self._ahead = ahead if abs(ahead) > _CLOCKS_DIFFER else timedelta()

    def _policies(self, scope: str, answers: DecodePolicy | None = None) -> list[Any]:
        """Return the SDK's own pipeline, changed so that it sends nothing by itself and validates every response.

        `ARMAutoResourceProviderRegistrationPolicy` is left out: it registers a provider on a 409, even on a read. One
        retry policy replaces azure-core's, and `DecodePolicy` its decoding. `HostPolicy` keeps tokens within the cloud,
        `HeaderPolicy` normalises headers, `DeadlinePolicy` bounds each request.
        """
        return [
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy(base_user_agent=USER_AGENT),
            RetryPolicy(self.clock, self.notify, lambda: self.deadline),
            answers or DecodePolicy(),
            HostPolicy(self.endpoints),
            ARMChallengeAuthenticationPolicy(self.credential, scope),
            policies.NetworkTraceLoggingPolicy(),
            policies.SensitiveHeaderCleanupPolicy(),
            ARMHttpLoggingPolicy(),
            HeaderPolicy(self.clock, self._learn_where, self._learn_time),
            DeadlinePolicy(self.clock, lambda: self.deadline),
        ]
