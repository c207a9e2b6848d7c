"""Opens the finished workspace with azure-ai-ml, as a data scientist's code will, and compares it with the profile; diagnoses it.

No other module imports azure-ai-ml. Its import takes over a second, so `begin_import` starts it while Azure works.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from typing import Any, Final

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.compare import same_key_identifier, same_resource_id
from cmkctl.azure.errors import AzureFailed, DeadlinePassed, classify
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.session import Session
from cmkctl.diagnostics import CmkctlError, Diagnostic, Severity
from cmkctl.profile.model import Profile

_DECODING_ERRORS: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""The errors of azure-ai-ml for a response of unexpected shape; it has no type of its own for that."""


def begin_import() -> None:
    """Import azure-ai-ml in the background."""
    threading.Thread(target=importlib.import_module, args=("azure.ai.ml",), daemon=True, name="azure-ai-ml").start()


def verify_with_azure_ai_ml(session: Session, profile: Profile, key_identifier: str) -> Iterator[Diagnostic]:
    """Return the differences between the workspace as azure-ai-ml reads it and the profile (CMK403).

    Raises AzureFailed when the workspace cannot be opened, CmkctlError (CMK403) when azure-ai-ml cannot read it.
    """
    workspace = _open(session, profile)
    key = workspace.customer_managed_key
    if key is None:
        yield _not_seen("customer_managed_key", "none", key_identifier)
        return
    if not same_key_identifier(_text(key.key_uri), key_identifier):
        yield _not_seen("customer_managed_key.key_uri", key.key_uri, key_identifier)
    if not same_resource_id(_text(key.key_vault), profile.key_vault.resource_id):
        yield _not_seen("customer_managed_key.key_vault", key.key_vault, profile.key_vault.resource_id)
    # azure-ai-ml 1.35 shows the flag of a hub as False, whatever Azure returns.
    shown = profile.workspace.kind != "hub"
    if shown and bool(workspace.hbi_workspace) != profile.workspace.high_business_impact:
        yield _not_seen("hbi_workspace", workspace.hbi_workspace, profile.workspace.high_business_impact)


def diagnose(session: Session, profile: Profile) -> Iterator[Diagnostic]:
    """Return what Azure Machine Learning finds in the workspace (CMK691), or that it did not diagnose it (CMK692).

    Starts a diagnosis, which changes nothing, and waits for its end. Raises AzureFailed for a failure other than a refusal.
    """
    name = profile.workspace.name
    try:
        poller = _client(session, profile).workspaces.begin_diagnose(name)
        _wait(session, poller)
        result = poller.result()
    except AzureError as error:
        failed = AzureFailed(classify(error))
        if failed.failure.kind not in (FailureKind.DENIED, FailureKind.TERMINAL):
            raise failed from error
        yield codes.CMK692.note(failed.diagnostics[0].detail, subject=profile.workspace.resource_id)
        return
    except _DECODING_ERRORS as error:
        detail = f"azure-ai-ml cannot read it: {type(error).__name__}: {error}"
        yield codes.CMK692.note(detail, "Report it together with the output of --record.")
        return
    for area, found in vars(result).items() if result else ():
        for each in found or ():
            severity = _LEVELS.get(_text(each.level).lower(), Severity.NOTE)
            subject = area.removesuffix("_results").replace("_", " ")
            yield codes.CMK691.diagnostic(severity, f"{subject}: {each.code}: {each.message}", subject=subject)


_LEVELS: Final = {"error": Severity.ERROR, "warning": Severity.WARNING}


def _wait(session: Session, poller: Any) -> None:
    """Wait for the end of an operation of azure-ai-ml, which polls in a thread of its own. Raises DeadlinePassed."""
    while not poller.done():
        session.clock.check()
        if session.deadline is not None and session.clock.elapsed() > session.deadline:
            raise DeadlinePassed
        poller.wait(_LOOK_AGAIN)


_LOOK_AGAIN: Final = 0.2
"""Seconds between two looks at an interruption and the deadline."""


def _client(session: Session, profile: Profile) -> Any:
    ml: Any = importlib.import_module("azure.ai.ml")
    return ml.MLClient(
        session.credential,
        profile.subscription,
        profile.resource_group,
        profile.workspace.name,
        cloud=str(profile.cloud),
        transport=session.transport,
        enable_telemetry=False,
        show_progress=False,
    )


def _open(session: Session, profile: Profile) -> Any:
    client = _client(session, profile)
    try:
        found = client.workspaces.get(profile.workspace.name)
    except AzureError as error:
        raise AzureFailed(classify(error)) from error
    except _DECODING_ERRORS as error:
        raise CmkctlError(
            _different("workspace", f"azure-ai-ml cannot read it: {type(error).__name__}: {error}")
        ) from error
    if found is None:
        raise CmkctlError(_different("workspace", "azure-ai-ml does not find it."))
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _not_seen(attribute: str, seen: object, wanted: object) -> Diagnostic:
    return _different(attribute, f"{attribute} is {seen}, not {wanted}.")


def _different(attribute: str, detail: str) -> Diagnostic:
    return codes.CMK403.error(
        detail,
        "Run cmkctl verify. If it finds nothing, report it together with the output of --record.",
        subject=attribute,
    )
