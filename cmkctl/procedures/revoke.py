"""Revoke: disable the key version that the workspace uses, or take the access to the key away. Nothing is deleted.

Source: https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known
from cmkctl.procedures._revocation import REVOKING
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep
from cmkctl.steps.key_access_removal import KeyAccessRemoval
from cmkctl.steps.key_consumers import STOPPING, KeyConsumers
from cmkctl.steps.version_in_use import VERSION_IN_USE, VersionInUse

GRANT: Final = "grant"
"""The argument that takes the access away instead of disabling the version."""
_VERSION: Final[tuple[AnyStep, ...]] = (KeyConsumers(whole_vault=False), VersionInUse(enabled=False))
_ACCESS: Final[tuple[AnyStep, ...]] = (KeyConsumers(whole_vault=True), KeyAccessRemoval())


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {
        "workspace_id": profile.workspace.resource_id,
        "key_vault_id": profile.key_vault.resource_id,
        "stopping": known.get(STOPPING),
    }


def _outputs_of_version(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {**_outputs(profile, known), "key_identifier": known.get(VERSION_IN_USE)}


def _conclusion(profile: Profile) -> str:
    workspace = profile.workspace.name
    return f"The key version of workspace {workspace} is disabled. The services stop within about an hour; nothing is deleted."


def _conclusion_of_grant(profile: Profile) -> str:
    workspace, vault = profile.workspace.name, profile.key_vault.resource_name
    return (
        f"Workspace {workspace} has no access to the keys of vault {vault} any more. The services stop within about an hour; "
        "nothing is deleted."
    )


def procedure(arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``revoke``; with the argument `GRANT`, that of ``revoke --grant``."""
    grant = GRANT in arguments
    return Procedure(
        "revoke",
        _ACCESS if grant else _VERSION,
        REVOKING,
        workspace_subject,
        _outputs if grant else _outputs_of_version,
        conclusion=_conclusion_of_grant if grant else _conclusion,
        check="",
        undo="restore",
        arguments=arguments,
        typed=lambda profile: profile.workspace.name,
    )
