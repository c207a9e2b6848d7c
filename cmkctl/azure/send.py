"""The only place that writes to Azure: one change, its operation, and the wait until its resource has settled.

Each write goes through the typed SDK client of its resource type where there is one, else through Resource Manager by id. The
body is the one that the plan showed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, assert_never

from azure.core.exceptions import AzureError, ResourceNotFoundError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from cmkctl.azure.decoding import ArmDocument, body_of, moment, parse
from cmkctl.azure.documents import at_path
from cmkctl.azure.errors import AzureFailed, classify, kind_of_refused_write
from cmkctl.azure.failures import IDENTITY_LACKS, Failure, FailureKind
from cmkctl.azure.ids import ResourceId, resource_type
from cmkctl.azure.remedies import WITHOUT_A_REASON
from cmkctl.azure.session import Session
from cmkctl.azure.waiting import InitialResponseOnly, delay, poll_to_end, poll_until
from cmkctl.clock import at
from cmkctl.codes import CMK404
from cmkctl.diagnostics import CmkctlError
from cmkctl.plan import Action, Change, Plane, Request, Resend, Settle

_LOG: Final = logging.getLogger(__name__)

RESPONSE_IGNORED: Final[Mapping[str, Any]] = {"stream": True, "cls": lambda _response, _deserialized, _headers: None}
"""Makes a typed SDK method ignore the response to a write. The effect of a write is read back, so its response may have any
body."""


def send(session: Session, change: Change) -> ArmDocument | None:
    """Send the write of a change, if it has one, wait until its resource has settled, and return its last reading.

    None for a change without a wait. Raises azure-core's errors, AzureFailed for a failed operation, and CmkctlError: CMK312 on a
    timeout, CMK404 when the creation of a vault replaced one.
    """
    early = (change.earliest - session.now()).total_seconds() if change.earliest else 0.0
    delay(session, "the access to the key to take effect", early)
    if change.request is not None:
        _resending(session, change, change.request, waited=early > 0)
    return None if change.settle is None else _settle(session, change, change.settle)


def _resending(session: Session, change: Change, request: Request, *, waited: bool) -> None:
    """Send the request, and resend it as the change allows.

    After each wait the resource is read: in any state that `Resend.over` does not name, another run is handling it, and
    nothing is sent.
    """
    resend = change.resend
    if resend is None:
        _send_once(session, change, request)
        return
    began: list[float] = []

    def attempt() -> None:
        if (began or waited) and not _may_send_over(session, change, resend):
            return
        began.append(session.clock.elapsed())
        _send_once(session, change, request)

    def enough(state: RetryCallState) -> bool:
        end = session.clock.elapsed() + state.upcoming_sleep
        return session.clamp_to_deadline(end) < end or stop_after_attempt(resend.tries)(state)

    def announce(state: RetryCallState) -> None:
        again = at(session.clock, session.clock.elapsed() + state.upcoming_sleep)
        _LOG.info("%s: failed as %s, next try at %s", change.title, resend.on, again)
        session.notify(_advice(resend, again), session.clock.elapsed() - began[0], again)

    Retrying(
        retry=retry_if_exception(lambda error: _passes(resend, error)),
        wait=wait_fixed(resend.interval),
        stop=enough,
        sleep=session.clock.sleep,
        before_sleep=announce,
        reraise=True,
    )(attempt)


def _passes(resend: Resend, error: BaseException) -> bool:
    """Return True for a failure after which the write is to be sent again."""
    failure = error.failure if isinstance(error, AzureFailed) else None
    if isinstance(error, AzureError):
        failure = classify(error)
    lacks = failure is not None and IDENTITY_LACKS.search(failure.message) is not None
    return (resend.of_identity and lacks) or _kind_of(error) is resend.on


def _kind_of(error: BaseException) -> FailureKind | None:
    """Return the kind of a failed operation, or of a refused request."""
    if isinstance(error, AzureFailed):
        return error.failure.kind
    return kind_of_refused_write(classify(error)) if isinstance(error, AzureError) else None


def _advice(resend: Resend, again: datetime) -> str:
    return resend.advice.format(time=f"{again:%H:%M} UTC")


def _may_send_over(session: Session, change: Change, resend: Resend) -> bool:
    if change.settle is None:
        return True
    return _state(session, change.settle) in resend.over


def _send_once(session: Session, change: Change, request: Request) -> None:
    match request.plane:
        case Plane.ARM:
            _send_to_arm(session, change, request)
        case Plane.GRAPH:
            session.graph.create_service_principal(dict(request.body or {}))
        case Plane.VAULT:
            host, body = str(request.host), request.body
            _send_to_vault(session, request, host, body)
        case _:
            assert_never(request.plane)


def _send_to_vault(session: Session, request: Request, host: str, body: Any) -> None:
    """Send a write to a vault's own endpoint. A key that is gone already counts as deleted: the wait reads it."""
    try:
        session.vault_keys.send(request.method, host, request.path, request.api_version, body)
    except ResourceNotFoundError:
        if request.method != "DELETE":
            raise


def _send_to_arm(session: Session, change: Change, request: Request) -> None:
    typed = _TYPED.get((resource_type(change.resource_id).lower(), request.method))
    response = typed(session, change, request) if typed else _by_id(session, change, request)
    if response is None:
        return
    settle = change.settle
    if settle is None:
        poll_to_end(session, response, change.title)
        return
    # A new resource that reports itself ready is complete, however far apart Azure spaces the polls of its operation. The
    # state of one that existed before proves nothing.
    ready = (lambda: _state(session, settle) in settle.ready) if change.action is Action.CREATE else None
    with session.turns.take(settle.group):
        poll_to_end(session, response, change.title, settle.timeout, ready, settle.expected)


def _settle(session: Session, change: Change, settle: Settle) -> ArmDocument | None:
    """Wait until the resource reports the end, and return that reading. Raises AzureFailed for a failed end."""
    with session.turns.take(settle.group):
        document = poll_until(
            session,
            f"{change.title} to be ready",
            lambda: session.snapshot().settling(settle),
            lambda found: _state_of(found, settle) in settle.ready | settle.failed,
            settle.timeout,
            settle.expected,
        )
    state = _state_of(document, settle)
    if state in settle.failed:
        detail = f"{change.title} ended as {state.capitalize()}, {WITHOUT_A_REASON}."
        raise AzureFailed(Failure(FailureKind.TERMINAL, "", detail))
    return document


def _state(session: Session, settle: Settle) -> str:
    return _state_of(session.snapshot().settling(settle), settle)


def _state_of(document: ArmDocument | None, settle: Settle) -> str:
    """Return the state of the resource in lower case, empty when it is absent."""
    if document is None:
        return ""
    value = at_path(document, settle.state_path)
    return str(value).lower() if value else settle.without_state


_Typed: TypeAlias = Callable[[Session, Change, Request], Any]
"""Sends a request through a typed client; returns the response whose operation is to be followed, None for a final one."""


def _register(session: Session, change: Change, request: Request) -> None:  # noqa: ARG001 - the table's signature
    session.resources.providers.register(change.resource_id.rpartition("/")[2], **RESPONSE_IGNORED)


def _put_group(session: Session, change: Change, request: Request) -> None:
    name = change.resource_id.rpartition("/")[2]
    session.resources.resource_groups.create_or_update(name, _body(request), **RESPONSE_IGNORED)


def _put_vault(session: Session, change: Change, request: Request) -> Any:
    """Create a vault. Raises CmkctlError (CMK404) when Azure's response shows that it existed before."""
    vault = ResourceId.parse(change.resource_id)
    response = session.key_vault.vaults.begin_create_or_update(
        vault.resource_group, vault.name, _body(request), polling=InitialResponseOnly()
    ).result()
    if not _recovers(request):
        _refuse_overwritten(change, vault.name, _stamps(response))
    return response


def _recovers(request: Request) -> bool:
    """Return True for the recovery of a soft-deleted vault, which keeps the time of its creation."""
    properties = (request.body or {}).get("properties")
    return isinstance(properties, Mapping) and properties.get("createMode") == "recover"


def _stamps(response: Any) -> Mapping[str, Any]:
    """Return the `systemData` in the response to a write, empty where it shows none."""
    try:
        document = parse(body_of(response))
    except ValueError:
        return {}
    stamps = document.get("systemData") if isinstance(document, Mapping) else None
    return stamps if isinstance(stamps, Mapping) else {}


def _refuse_overwritten(change: Change, name: str, stamps: Mapping[str, Any]) -> None:
    """Raise CmkctlError where the write was not the one that created the vault.

    A write is never sent twice without a look in between, and the response to a creation has two equal stamps, to the last
    digit, in every recording of one.
    """
    made, written = moment(stamps.get("createdAt")), moment(stamps.get("lastModifiedAt"))
    if made is None or written is None or made >= written:
        return
    owner = f" by {stamps['createdBy']}" if stamps.get("createdBy") else ""
    raise CmkctlError(
        CMK404.error(
            f"{change.title} was created at {made:%Y-%m-%d %H:%M:%S} UTC{owner}, after cmkctl had found the name free. "
            "cmkctl's request replaced all of its access policies, its authorization, network rules and tags, and turned "
            "purge protection on for good. cmkctl never read the policies, and Azure does not return them. Keys, secrets "
            "and certificates are kept.",
            f"Ask its owner which policies it had, and restore each of them: az keyvault set-policy --name {name} --object-id "
            "ID --key-permissions LIST --secret-permissions LIST. Its history: az monitor activity-log list --resource-id "
            f"{change.resource_id}. Then use a different vault name, or give this vault by id.",
            subject=change.resource_id,
        )
    )


def _patch_vault(session: Session, change: Change, request: Request) -> None:
    vault = ResourceId.parse(change.resource_id)
    session.key_vault.vaults.update(vault.resource_group, vault.name, _body(request), **RESPONSE_IGNORED)


def _change_policies(session: Session, change: Change, request: Request) -> None:
    vault = ResourceId.parse(change.resource_id)
    session.key_vault.vaults.update_access_policy(
        vault.resource_group, vault.names[0], request.path.rpartition("/")[2], _body(request), **RESPONSE_IGNORED
    )


def _create_key(session: Session, change: Change, request: Request) -> None:
    key = ResourceId.parse(change.resource_id)
    session.key_vault.keys.create_if_not_exist(
        key.resource_group, key.names[0], key.name, _body(request), **RESPONSE_IGNORED
    )


def _patch_registry(session: Session, change: Change, request: Request) -> Any:  # noqa: ARG001 - the table's signature
    """Update a registry: Azure answers 201 and an operation (recording 71), which the generic client takes for an error."""
    return session.write("PATCH", request.path, request.api_version, _body(request))


_TYPED: Final[Mapping[tuple[str, str], _Typed]] = {
    ("microsoft.resources/providers", "POST"): _register,
    ("microsoft.resources/resourcegroups", "PUT"): _put_group,
    ("microsoft.containerregistry/registries", "PATCH"): _patch_registry,
    ("microsoft.keyvault/vaults", "PUT"): _put_vault,
    ("microsoft.keyvault/vaults", "PATCH"): _patch_vault,
    ("microsoft.keyvault/vaults/accesspolicies", "PUT"): _change_policies,
    ("microsoft.keyvault/vaults/keys", "PUT"): _create_key,
}
"""The typed clients, by resource type and method."""


def _by_id(session: Session, change: Change, request: Request) -> Any:
    resource, version = change.resource_id.lstrip("/"), request.api_version
    client = session.resources.resources
    match request.method:
        case "PUT":
            begin: Any = client.begin_create_or_update_by_id
        case "PATCH":
            begin = client.begin_update_by_id
        case "POST":
            return session.write("POST", request.path, version, _body(request))
        case "DELETE":
            return _delete(session, request)
        case _:
            raise ValueError(f"no client sends {request.method} by id")
    return begin(resource, _body(request), api_version=version, polling=InitialResponseOnly()).result()


def _delete(session: Session, request: Request) -> Any:
    """Delete a resource. One that is gone already counts as deleted: the wait reads it."""
    try:
        return session.write("DELETE", request.path, request.api_version, None, request.query)
    except ResourceNotFoundError:
        return None


def _body(request: Request) -> Any:
    return dict(request.body or {})
