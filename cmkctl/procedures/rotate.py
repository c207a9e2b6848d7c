"""Rotate: move the workspace to a new version of its key, or to another key of the same vault.

The order keeps the workspace usable at every moment: the new version exists and may be used before the workspace changes to it, and
the version before stays enabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps._rotation import Asked, FirstSeen
from cmkctl.steps.key_access import KeyAccess
from cmkctl.steps.key_version import KeyVersion
from cmkctl.steps.workspace_key import IN_USE, WorkspaceKey

OPTIONS: Final = frozenset({"new_version", "to_version", "key", "again", "due", "at"})
"""The arguments: the options of the command, and the time of a saved plan."""


class _AccessToKey(KeyAccess):
    """The grant on the key, which exists by then."""

    needs = ("key_version",)


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {"workspace_id": profile.workspace.resource_id, "key_identifier": known.get(IN_USE)}


def _conclusion(profile: Profile) -> str:
    return f"Workspace {profile.workspace.name} uses the version."


def procedure(arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``rotate``. Raises ValueError for unknown or invalid arguments."""
    unknown = arguments.keys() - OPTIONS
    if unknown:
        raise ValueError(f"not an argument of rotate: {', '.join(sorted(unknown))}")
    asked, first = Asked.of(arguments), FirstSeen()
    return Procedure(
        "rotate",
        (KeyVersion(asked, first), _AccessToKey(), WorkspaceKey(asked, first)),
        (),
        workspace_subject,
        _outputs,
        conclusion=_conclusion,
        arguments=arguments,
        dated=True,
    )
