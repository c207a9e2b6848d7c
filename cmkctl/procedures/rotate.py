"""Rotate: move the workspace to a new version of its key, or to another key of the same vault. Later: retire the old versions.

The order keeps the workspace usable at every moment: the new version exists and may be used before the workspace changes to it,
and the version before stays enabled until it is retired.
Source: https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known
from cmkctl.procedures._rotation import rules_of
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps._rotation import FirstSeen, RotationOptions
from cmkctl.steps.associated_keys import AssociatedKeys
from cmkctl.steps.base import AnyStep
from cmkctl.steps.key_access import KeyAccess
from cmkctl.steps.key_followers import SERVICES_USE, Found, KeyFollowers
from cmkctl.steps.key_version import KeyVersion
from cmkctl.steps.retired_versions import RETIRED, RetiredVersions
from cmkctl.steps.workspace_key import IN_USE, WorkspaceKey

ARGUMENTS: Final = frozenset({"new_version", "to_version", "key", "again", "due", "retire_old", "at"})
"""The options of the command by name, and the time of a saved plan."""


class _AccessToKey(KeyAccess):
    """The grants on the key, which exists by then."""

    needs = ("key_version",)


def _rotating(arguments: Mapping[str, str]) -> tuple[AnyStep, ...]:
    options, first = RotationOptions.of(arguments), FirstSeen()
    return (
        KeyVersion(options, first),
        _AccessToKey(),
        WorkspaceKey(options, first),
        AssociatedKeys(options, first),
        KeyFollowers(options, first, Found()),
    )


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {
        "workspace_id": profile.workspace.resource_id,
        "key_identifier": known.get(IN_USE),
        "managed_services": known.get(SERVICES_USE),
    }


def _outputs_of_retiring(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {"workspace_id": profile.workspace.resource_id, "disabled_versions": known.get(RETIRED)}


def _conclusion(profile: Profile) -> str:
    return (
        f"Workspace {profile.workspace.name} uses the key identifier below. A rotation reaches the services behind it usually "
        "within an hour. Older versions stay enabled. After 24 hours at the earliest: cmkctl rotate PROFILE --retire-old."
    )


def _conclusion_of_retiring(profile: Profile) -> str:
    return f"The versions older than the one that workspace {profile.workspace.name} uses are disabled, and none is deleted."


def procedure(arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``rotate``. Raises ValueError for unknown or invalid arguments."""
    unknown = arguments.keys() - ARGUMENTS
    if unknown:
        raise ValueError(f"not an argument of rotate: {', '.join(sorted(unknown))}")
    retires = "retire_old" in arguments
    return Procedure(
        "rotate",
        (RetiredVersions(FirstSeen(), Found()),) if retires else _rotating(arguments),
        rules_of(arguments),
        workspace_subject,
        _outputs_of_retiring if retires else _outputs,
        conclusion=_conclusion_of_retiring if retires else _conclusion,
        arguments=arguments,
        dated=True,
    )
