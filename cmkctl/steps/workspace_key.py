"""Rotate, step 3: the workspace uses the version.

Of the encryption of a workspace only the key identifier can change, and only within its vault; the request has nothing else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from cmkctl.azure import versions
from cmkctl.azure.decoding import moment
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request, Resend, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._rotation import TARGET, Aim, FirstSeen, ObservedRotation, RotationOptions, decide, observe
from cmkctl.steps._workspace_conflicts import state_of
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait
from cmkctl.steps.key_access import EFFECTIVE_AT

IN_USE: Final[Output[str]] = Output("workspace_key", "key_identifier")
"""The key identifier that the workspace uses."""

_KIND: Final = "workspace"
_TIMEOUT: Final = 7200.0
"""Seconds, as for a creation: no source gives the duration of a rotation."""

_RESEND: Final = Resend(
    FailureKind.NOT_EFFECTIVE,
    interval=60.0,
    tries=15,
    over=frozenset({"", "succeeded", "failed"}),
    advice="the services cannot use the key yet: a new grant can take minutes. The change is sent again at {time}",
)
"""The workspace keeps its key when the change to another one fails, so sending it again is safe."""


class WorkspaceKey:
    """``PATCH …/workspaces/NAME`` with ``properties.encryption.keyVaultProperties.keyIdentifier`` alone."""

    name = "workspace_key"
    title = "key of the workspace"
    needs = ("key_version", "key_access")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"

    def __init__(self, options: RotationOptions, first: FirstSeen) -> None:
        self._options = options
        self._first = first

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the workspace."""
        return ("Microsoft.MachineLearningServices/workspaces",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedRotation:
        """Read the workspace and the versions of the key."""
        return observe(azure, profile, self._first, policy=self._options.due)

    def plan(self, profile: Profile, observed: ObservedRotation, known: Known) -> list[Change]:
        """Change the key identifier, find it up to date, wait for a change in progress, or return the conflict."""
        decision = decide(profile, self._options, observed)
        workspace, name = profile.workspace.resource_id, profile.workspace.name
        state = state_of(observed.workspace)
        match decision.aim:
            case Aim.REFUSE if decision.of_workspace or isinstance(known.get(TARGET), str):
                return [conflict(self.name, workspace, _KIND, name, decision.code, decision.reason, *decision.ways_out)]
            case Aim.REFUSE:
                return [no_op(self.name, workspace, _KIND, name, "not changed")]
            case Aim.TAKE | Aim.STAY if in_progress(state):
                return [wait(self.name, workspace, _KIND, name, reason_to_wait(state), _settle(profile))]
            case Aim.STAY:
                return [no_op(self.name, workspace, _KIND, name, f"up to date: it uses {observed.identifier}")]
            case Aim.TAKE | Aim.MAKE:
                target: Json = decision.version.identifier if decision.version else known.get(TARGET)
                return [_change(profile, observed, target, known)]
            case _:
                assert_never(decision.aim)

    def outputs(self, profile: Profile, observed: ObservedRotation) -> Outputs:
        """Return `IN_USE`, unknown while a change is due."""
        stays = decide(profile, self._options, observed).aim is Aim.STAY
        return {IN_USE: observed.identifier if stays else IN_USE.unknown}


def _settle(profile: Profile) -> Settle:
    return Settle(profile.workspace.resource_id, versions.WORKSPACES, timeout=_TIMEOUT)


def _change(profile: Profile, observed: ObservedRotation, target: Json, known: Known) -> Change:
    path = "encryption.keyVaultProperties.keyIdentifier"
    return Change(
        WorkspaceKey.name,
        Action.UPDATE,
        profile.workspace.resource_id,
        _KIND,
        profile.workspace.name,
        "uses an older version of the key" if observed.in_use is not None else "uses another key of the vault",
        attributes=(AttributeChange(path, observed.identifier, target, phrase=Phrase("key identifier → {}")),),
        request=Request(
            "PATCH",
            profile.workspace.resource_id,
            versions.WORKSPACES,
            {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": target}}}},
        ),
        settle=_settle(profile),
        resend=_RESEND,
        earliest=_earliest(known),
    )


def _earliest(known: Known) -> datetime | None:
    """Return the time at which every grant takes effect; None while one is unknown."""
    at = known.get(EFFECTIVE_AT)
    return moment(at) if isinstance(at, str) else None
