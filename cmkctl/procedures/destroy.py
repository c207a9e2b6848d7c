"""Destroy: delete a workspace, then what cmkctl created for it, in an order in which nothing loses its key before it is gone.

Azure Machine Learning itself deletes neither associated resources nor vault. azure-ai-ml can, and begins with the vault.
Source: https://learn.microsoft.com/azure/machine-learning/concept-soft-delete
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known, Unknown
from cmkctl.procedures._destruction import RULES
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps import (
    associated_deletion,
    grant_deletion,
    network_deletion,
    project_deletion,
    vault_deletion,
    workspace_deletion,
)
from cmkctl.steps._deletion import Wanted

OPTIONS: Final = ("purge", "associated", "delete-key", "delete-vault")
"""The arguments: the options of the command."""
_LEFT: Final = (
    project_deletion.LEFT,
    workspace_deletion.LEFT,
    network_deletion.LEFT,
    associated_deletion.LEFT,
    grant_deletion.LEFT,
    vault_deletion.LEFT,
)


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    values = [known.get(each) for each in _LEFT]
    left = [each for value in values if not isinstance(value, Unknown) for each in value]
    return {"workspace_id": profile.workspace.resource_id, "left": left}


def _conclusion(profile: Profile) -> str:
    return f"Workspace {profile.workspace.name} is deleted. The list below has what is left."


def procedure(arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``destroy`` with some of `OPTIONS`. Raises ValueError for any other argument."""
    if unknown := arguments.keys() - set(OPTIONS):
        raise ValueError(f"destroy has no argument {', '.join(sorted(unknown))}")
    purge, associated, key, vault = (each in arguments for each in OPTIONS)
    wanted = Wanted(purge=purge, associated=associated, key=key, vault=vault)
    return Procedure(
        "destroy",
        (
            project_deletion.ProjectDeletion(wanted),
            workspace_deletion.WorkspaceDeletion(wanted),
            network_deletion.NetworkDeletion(wanted),
            associated_deletion.AssociatedDeletion(wanted),
            grant_deletion.GrantDeletion(wanted),
            vault_deletion.VaultDeletion(wanted),
        ),
        RULES,
        workspace_subject,
        _outputs,
        conclusion=_conclusion,
        check="",
        arguments=arguments,
    )
