"""Reads of Azure: each is sent once per snapshot, many at the same time. Nothing here writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azure.core.exceptions import AzureError
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from cmkctl.azure import decoding, versions
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.graph import Graph
from cmkctl.azure.ids import (
    ResourceId,
    deleted_vault_id,
    group_id,
    provider_id,
    resource_type,
    role_assignments_id,
    role_definitions_id,
    subscription_id,
)
from cmkctl.azure.vault_keys import DELETED_KEYS, version_path
from cmkctl.azure.workspaces import ACCOUNTS
from cmkctl.plan import Plane, Settle

if TYPE_CHECKING:
    from cmkctl.azure.session import Session

T = TypeVar("T")
U = TypeVar("U")
_ASSIGNMENTS: Final = "/providers/microsoft.authorization/roleassignments"
LONGEST_LIST: Final = 200
"""The largest number of pages of a list. A subscription has at most 4,000 role assignments, a page hundreds."""


class Constants:
    """Documents that are constant during a run: the subscription, a finished registration, a principal's id."""

    def __init__(self) -> None:
        self._documents: dict[str, ArmDocument] = {}

    def get(self, read: str) -> ArmDocument | None:
        """Return the document of a read; None when it is not constant or not read yet."""
        return self._documents.get(read)

    def keep(self, read: str, document: ArmDocument | None, *, when: bool = True) -> ArmDocument | None:
        """Keep the document of a read from now on, if there is one, and return it."""
        if document is not None and when:
            self._documents[read] = document
        return document


def unless_denied(read: Callable[[], T | None]) -> T | None:
    """Return the result of a read, None where the caller lacks the permission for it. Raises AzureFailed otherwise."""
    try:
        return read()
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return None


class Snapshot:
    """A view of Azure: each read is sent once, and every caller shares its result.

    An absent resource is None. Every other error raises `AzureFailed`.
    """

    def __init__(
        self,
        session: Session,
        resources: ResourceManagementClient,
        key_vault: KeyVaultManagementClient,
        graph: Graph,
        pool: ThreadPoolExecutor,
        answers: Mapping[str, Future[Any]],
    ) -> None:
        self._session = session
        self._resources = resources
        self._key_vault = key_vault
        self._graph = graph
        self._pool = pool
        self._lock = threading.Lock()
        self._answers = dict(answers)

    def again(self, stale: Iterable[str], settled: Mapping[str, ArmDocument | None]) -> Snapshot:
        """Return a newer view that repeats questions, failed reads, and those of the `stale` ids, their parents and children.

        `settled` holds the last readings of changes that have settled, by resource id: newer than this view, and not repeated.
        """
        ids = [each.lower() for each in stale]
        with self._lock:
            answers = {
                read: answer
                for read, answer in self._answers.items()
                if answer.done()
                and answer.exception() is None
                and not read.startswith("POST ")
                and not any(map(partial(_related, read.lower()), ids))
            }
        for resource, document in settled.items():
            answers[resource] = Future()
            answers[resource].set_result(document)
        return self._session.snapshot(answers)

    @property
    def cloud(self) -> Cloud:
        """The cloud of the session."""
        return self._session.cloud

    def now(self) -> datetime:
        """Return the current date and time in UTC, as Azure has it."""
        return self._session.now()

    def check(self) -> None:
        """Raise `Interrupted` if the run was interrupted."""
        self._session.clock.check()

    def gather(self, *reads: Callable[[], T]) -> list[T]:
        """Perform several reads concurrently; return their results in order."""
        return [future.result() for future in [self._submit(read) for read in reads]]

    def gather2(self, one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
        """Perform two reads concurrently."""
        ahead = self._submit(other)
        return one(), ahead.result()

    def _submit(self, read: Callable[[], T]) -> Future[T]:
        # In the caller's context, so that a wait in the read is attributed to the caller's change.
        return self._pool.submit(copy_context().run, read)

    def subscription(self) -> ArmDocument:
        """Read the subscription: its `tenantId` and, if permitted, its `state`.

        A principal with roles on resource groups only cannot read the subscription; its tenant is then the token's, the only one
        that Resource Manager accepts. Raises AzureFailed for a subscription that does not exist.
        """
        constant = self._session.constant
        found = constant.get("subscription") or self._read_once("subscription", self._subscription)
        return constant.keep("subscription", found) or {}

    def _subscription(self) -> ArmDocument:
        scope = subscription_id(self._session.subscription)
        found = unless_denied(lambda: self._by_id(decoding.Subscription, scope, versions.SUBSCRIPTIONS))
        self._session.subscription_name = str((found or {}).get("displayName", ""))
        return found or {"tenantId": self._session.tenant()}

    def provider(self, namespace: str) -> ArmDocument | None:
        """Read a resource provider, with its `registrationState` in this subscription."""
        read, constant = provider_id(self._session.subscription, namespace), self._session.constant
        found = constant.get(read) or self._read_once(
            read, lambda: self._resources.providers.get(namespace, **_as(decoding.Provider))
        )
        return constant.keep(read, found, when=found is not None and found.get("registrationState") == "Registered")

    def resource_group(self, name: str) -> ArmDocument | None:
        """Read a resource group."""
        return self._read_once(
            group_id(self._session.subscription, name),
            lambda: self._resources.resource_groups.get(name, **_as(decoding.ResourceGroup)),
        )

    def vault(self, vault: ResourceId) -> ArmDocument | None:
        """Read a key vault, in whatever subscription it is."""
        return self._by_id(decoding.Vault, str(vault), versions.KEY_VAULT)

    def deleted_vault(self, name: str, location: str) -> ArmDocument | None:
        """Read a soft-deleted key vault of this subscription, for which a role on a resource group does not suffice."""
        return self._read_once(
            deleted_vault_id(self._session.subscription, location, name),
            lambda: self._key_vault.vaults.get_deleted(name, location, **_as(decoding.DeletedVault)),
        )

    def key(self, vault: ResourceId, name: str) -> ArmDocument | None:
        """Read a key with its latest version through the management plane, which a vault firewall does not block."""
        return self._by_id(decoding.Key, str(vault.child("keys", name)), versions.KEY_VAULT)

    def key_version(self, vault: ResourceId, name: str, version: str) -> ArmDocument | None:
        """Read one version of a key through the management plane."""
        return self._by_id(decoding.Key, f"{vault.child('keys', name)}/versions/{version}", versions.KEY_VAULT)

    def deleted_key(self, vault_uri: str, name: str) -> ArmDocument | None:
        """Read a soft-deleted key through the vault's own endpoint, which needs rights on keys and a way in."""
        return self._read_once(
            f"{vault_uri.rstrip('/')}{DELETED_KEYS}/{name}",
            lambda: self._session.vault_keys.deleted_key(vault_uri, name),
        )

    def vault_key_version(self, vault_uri: str, name: str, version: str) -> ArmDocument | None:
        """Read one version of a key through the vault's own endpoint, which needs rights on keys and a way in."""
        return self._read_once(
            f"{vault_uri.rstrip('/')}{version_path(name, version)}",
            lambda: self._session.vault_keys.key_version(vault_uri, name, version),
        )

    def resource(self, resource_id: str, api_version: str) -> ArmDocument | None:
        """Read any resource in a resource group by its ARM id."""
        return self._by_id(decoding.schema_of(ResourceId.parse(resource_id).type), resource_id, api_version)

    def listing(self, path: str, api_version: str, schema: Any = decoding.Listing) -> ArmDocument | None:
        """Return a collection by its path, such as ``…/factories/NAME/pipelines``: one document with the items of all pages."""
        page = self._by_id(schema, path, api_version)
        if page is None:
            return None
        found: list[Any] = [*page["value"]]
        links: set[str] = set()
        while (page := self._following(page.get("nextLink", ""), links, schema)) is not None:
            found += page["value"]
        return {"value": found}

    def _by_id(self, schema: Any, resource_id: str, api_version: str, **params: str) -> ArmDocument | None:
        return self._read_once(
            f"{resource_id}?{params}" if params else resource_id,
            # The SDK adds a slash before the id.
            lambda: self._resources.resources.get_by_id(
                resource_id.lstrip("/"), api_version=api_version, params=params, **_as(schema)
            ),
        )

    def document(self, path: str, api_version: str, schema: Any) -> ArmDocument | None:
        """Read any document of Resource Manager by its path, validated as `schema`."""
        return self._by_id(schema, path, api_version)

    def cosmos_db_accounts(self, group: str, api_version: str = versions.COSMOS_DB) -> ArmDocument | None:
        """Read the Azure Cosmos DB accounts in a resource group, given by its ARM id."""
        return self.listing(f"{group}/providers/{ACCOUNTS}", api_version, decoding.CosmosDbAccounts)

    def claims(self) -> Mapping[str, Any]:
        """Return the claims of the token that the reads use; empty when they are not readable."""
        return self._session.claims()

    def question(self, path: str, api_version: str, body: Mapping[str, Any], schema: Any) -> ArmDocument:
        """Return the response to a POST that writes nothing (`session.QUESTIONS`), validated as `schema`.

        Raises AzureFailed for every error, also for an absent scope.
        """
        request = f"POST {path} {json.dumps(body, sort_keys=True)}"
        found = self._read_once(
            request, lambda: decoding.document(schema, self._session.question(path, api_version, body))
        )
        if found is None:
            raise AzureFailed(Failure(FailureKind.ABSENT, "", f"Azure has no answer to POST {path}."))
        return found

    def settling(self, settle: Settle) -> ArmDocument | None:
        """Read the document whose state shows the end of a write."""
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
        """Read the role assignments of a principal at a scope and above, all pages."""
        return self._assignments(scope, f"principalId eq '{principal}'")

    def assignments_at(self, scope: str) -> ArmDocument:
        """Read the role assignments of every principal at a scope and above: one document with the items of all pages."""
        return {"value": self._assignments(scope, "atScope()")}

    def _assignments(self, scope: str, wanted: str) -> list[ArmDocument]:
        page = self._by_id(
            decoding.RoleAssignments,
            role_assignments_id(scope),
            versions.ROLE_ASSIGNMENTS,
            **{"$filter": wanted},
        )
        found: list[ArmDocument] = []
        links: set[str] = set()
        while page is not None:
            found += page["value"]
            page = self._following(page.get("nextLink", ""), links)
        return found

    def role_definition(self, definition: str) -> ArmDocument | None:
        """Return a role definition by its id, None also where it may not be read."""
        return unless_denied(lambda: self._by_id(decoding.RoleDefinition, definition, versions.ROLE_ASSIGNMENTS))

    def role_named(self, scope: str, name: str) -> ArmDocument | None:
        """Return the definition of the role of this name at a scope; None where there is none, or it may not be read.

        The names of built-in and custom roles are unique in a tenant.
        """
        quoted = name.replace("'", "''")
        found = unless_denied(
            lambda: self._by_id(
                decoding.RoleDefinitions,
                role_definitions_id(scope),
                versions.ROLE_ASSIGNMENTS,
                **{"$filter": f"roleName eq '{quoted}'"},
            )
        )
        return next(iter((found or {}).get("value", ())), None)

    def role_assignment(self, assignment: str) -> ArmDocument | None:
        """Read a role assignment by its id."""
        return self._by_id(decoding.RoleAssignment, assignment, versions.ROLE_ASSIGNMENTS)

    def service_principal(self, app_id: str) -> ArmDocument | None:
        """Read the service principal of an application in this tenant from Microsoft Graph."""
        read, constant = f"graph {app_id}", self._session.constant
        found = constant.get(read) or self._read_once(read, lambda: self._graph.service_principal(app_id))
        return constant.keep(read, found)

    def _following(self, link: str, links: set[str], schema: Any = decoding.RoleAssignments) -> ArmDocument | None:
        """Return the next page of a list, None after the last. Each link is followed once.

        Raises AzureFailed for too many pages: a server could name a next page endlessly, and grants on unread pages are not
        absent.
        """
        if not link or link in links:
            return None
        if len(links) >= LONGEST_LIST:
            message = f"The list has more than {LONGEST_LIST} pages."
            raise AzureFailed(Failure(FailureKind.UNREADABLE, "", message))
        links.add(link)
        return self._read_once(link, lambda: decoding.document(schema, self._session.follow(link)))

    def _read_once(self, question: str, read: Callable[[], Any]) -> ArmDocument | None:
        with self._lock:
            answer = self._answers.get(question)
            if mine := answer is None:
                answer = self._answers[question] = Future()
        if mine:
            _answer(answer, read)
        document: ArmDocument | None = answer.result()
        return document


def _related(read: str, resource: str) -> bool:
    """Return True when a change of a resource can affect a read: of the resource itself, a parent or a child."""
    path = read.partition("?")[0]
    if _ASSIGNMENTS in path and _ASSIGNMENTS in resource:
        # A list of role assignments has those of the scopes above and below as well.
        path, resource = path.partition(_ASSIGNMENTS)[0], resource.partition(_ASSIGNMENTS)[0]
    if path == _listed_in_subscription(resource):
        return True
    return f"{path}/".startswith(f"{resource}/") or f"{resource}/".startswith(f"{path}/")


def _listed_in_subscription(resource: str) -> str:
    """Return the path of the subscription's list that has a resource of a resource group, in lower case."""
    group, _, own = resource.partition("/providers/")
    return f"{group.partition('/resourcegroups/')[0]}/providers/{'/'.join(own.split('/')[:2])}"


def _as(schema: Any) -> Mapping[str, Any]:
    """Wrap a typed SDK read so that it returns Azure's own document, validated for its resource type.

    Steps compare Azure's own documents; an SDK model would drop unknown members, and cost time for nothing.
    """
    return {"stream": True, "cls": lambda response, _deserialized, _headers: decoding.document(schema, response)}


def _answer(answer: Future[Any], read: Callable[[], Any]) -> None:
    try:
        answer.set_result(_read(read))
    except BaseException as error:  # noqa: BLE001 - other threads wait for this future
        answer.set_exception(error)


def _read(read: Callable[[], Any]) -> Any:
    """Perform a read; return its document, None for an absent resource. Raises AzureFailed for every other error."""
    try:
        return read()
    except AzureError as error:
        failure = classify(error)
        # A subscription without a registered provider has no resource of that provider.
        if failure.kind in (FailureKind.ABSENT, FailureKind.NOT_REGISTERED):
            return None
        raise AzureFailed(failure) from error
