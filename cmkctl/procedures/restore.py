"""Restore: give the grants of the profile again, enable the key version that the workspace uses, and wait for the effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known
from cmkctl.procedures._revocation import RESTORING
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep
from cmkctl.steps.key_access import KeyAccess
from cmkctl.steps.key_status import KeyStatus
from cmkctl.steps.version_in_use import VERSION_IN_USE, VersionInUse

SEQUENCE: Final[tuple[AnyStep, ...]] = (KeyAccess(), VersionInUse(enabled=True), KeyStatus())
"""The key comes after the grants: while anything is missing, access stays revoked as a whole."""


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {
        "workspace_id": profile.workspace.resource_id,
        "key_identifier": known.get(VERSION_IN_USE),
        "key_vault_id": profile.key_vault.resource_id,
    }


def _conclusion(profile: Profile) -> str:
    return f"Workspace {profile.workspace.name} may use its key in vault {profile.key_vault.resource_name} again."


RESTORE: Final = Procedure(
    "restore",
    SEQUENCE,
    RESTORING,
    workspace_subject,
    _outputs,
    conclusion=_conclusion,
)


def procedure(_arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``restore``."""
    return RESTORE
