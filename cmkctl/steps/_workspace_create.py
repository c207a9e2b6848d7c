"""Creating a workspace whose key the service may not use yet: not too early, slowly, and over what a failed creation left.

For `workspace`. The grants were read back before, and young ones are given time to take effect. It can still take minutes, and
Azure Machine Learning may then keep the failure by the workspace's name for tens of minutes: asking again within seconds
prolongs it. Why a creation is sent again over the failed workspace it left: docs/adr/0012-failed-creations.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.operations import pause
from cmkctl.azure.session import ArmDocument, Session
from cmkctl.clock import at
from cmkctl.plan import Change
from cmkctl.steps._workspace_conflicts import state_of

_PAUSE: Final = 600.0
"""Seconds between two creations; a field report asks for ten minutes at least."""

_TRIES: Final = 4
_TO_TAKE_EFFECT: Final = "the access to the key to take effect"


def create_patiently(
    azure: Session, change: Change, read: Callable[[], ArmDocument | None], send: Callable[[], None]
) -> None:
    """Send the creation when the grants have had their time, and wait for its end.

    When the service may not use the key yet, it is sent again after ten minutes. After each wait the workspace is read: unless
    it is not there, or failed, it is somebody else's by now and nothing is sent. Raises AzureFailed as `send` does, when it is no
    such failure, or when the time is over, and CmkctlError (CMK312) when it is over before the first time.
    """
    early = (change.earliest - azure.clock.now()).total_seconds() if change.earliest else 0.0
    pause(azure, _TO_TAKE_EFFECT, early)

    def attempt() -> None:
        if (began or early > 0) and state_of(read()) not in ("failed", ""):
            return
        began.append(azure.clock.elapsed())
        send()

    def enough(state: RetryCallState) -> bool:
        end = azure.clock.elapsed() + state.upcoming_sleep
        return azure.clamp_to_deadline(end) < end or stop_after_attempt(_TRIES)(state)

    def announce(state: RetryCallState) -> None:
        again = at(azure.clock, azure.clock.elapsed() + state.upcoming_sleep)
        azure.notify(_what_helps(again), azure.clock.elapsed() - began[0], again)

    began: list[float] = []
    Retrying(
        retry=retry_if_exception(_may_not_use_the_key),
        wait=wait_fixed(_PAUSE),
        stop=enough,
        sleep=azure.clock.sleep,
        before_sleep=announce,
        reraise=True,
    )(attempt)


def _may_not_use_the_key(error: BaseException) -> bool:
    return isinstance(error, AzureFailed) and error.failure.kind is FailureKind.NOT_EFFECTIVE


def _what_helps(again: datetime) -> str:
    return (
        "Azure Machine Learning may not use the key yet, and may keep this failure by the workspace's name for tens of minutes; "
        f"sending the creation again at {again:%H:%M} UTC. Another workspace.name would work at once; stopping here does no harm"
    )
