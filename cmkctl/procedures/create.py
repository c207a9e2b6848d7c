"""Create a workspace with a customer-managed key: Microsoft's documented procedure, in its order.

Source: https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cmkctl.azure.session import Session
from cmkctl.checks import RULES
from cmkctl.diagnostics import Diagnostic
from cmkctl.plan import Action, Json, Known, Plan
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.procedures.open_with_sdk import begin_import, verify_with_azure_ai_ml
from cmkctl.profile.model import Profile
from cmkctl.steps._principals import PRINCIPAL_OBJECT_ID
from cmkctl.steps.associated_resources import AssociatedResources
from cmkctl.steps.base import AnyStep
from cmkctl.steps.diagnostic_settings import DiagnosticSettings
from cmkctl.steps.encrypted_resources import EncryptedResources
from cmkctl.steps.identity_roles import IdentityRoles
from cmkctl.steps.key import IDENTIFIER, Key
from cmkctl.steps.key_access import KeyAccess
from cmkctl.steps.key_vault import URI, KeyVault
from cmkctl.steps.managed_identity import ManagedIdentity
from cmkctl.steps.managed_network import ManagedNetwork
from cmkctl.steps.private_dns import PrivateDns
from cmkctl.steps.private_endpoints import PrivateEndpoints
from cmkctl.steps.projects import Projects
from cmkctl.steps.resource_group import ResourceGroup
from cmkctl.steps.resource_providers import ResourceProviders, types_of
from cmkctl.steps.role_assignments import RoleAssignments
from cmkctl.steps.workspace import IDENTITY_OBJECT_ID, MANAGED_RESOURCE_GROUP, Workspace
from cmkctl.steps.workspace_endpoint import WorkspaceEndpoint

_CREATING: Final[tuple[AnyStep, ...]] = (
    ResourceGroup(),
    ManagedIdentity(),
    KeyVault(),
    Key(),
    KeyAccess(),
    AssociatedResources(),
    EncryptedResources(),
    PrivateDns(),
    PrivateEndpoints(),
    IdentityRoles(),
    Workspace(),
    WorkspaceEndpoint(),
    ManagedNetwork(),
    Projects(),
    RoleAssignments(),
    DiagnosticSettings(),
)
PROVIDERS: Final = ResourceProviders(types_of(_CREATING))
SEQUENCE: Final[tuple[AnyStep, ...]] = (PROVIDERS, *_CREATING)
"""Each step starts when the steps it `needs` are done: the associated resources are created beside vault, key and grant."""


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {
        "workspace_id": profile.workspace.resource_id,
        "key_identifier": known.get(IDENTIFIER),
        "key_vault_id": profile.key_vault.resource_id,
        "key_vault_uri": known.get(URI),
        "managed_resource_group": known.get(MANAGED_RESOURCE_GROUP),
        "principal_object_id": known.get(PRINCIPAL_OBJECT_ID),
        "identity_object_id": known.get(IDENTITY_OBJECT_ID),
    }


def _proof(session: Session, profile: Profile, before: Plan, after: Plan) -> Iterable[Diagnostic]:
    """Open a new workspace with azure-ai-ml and compare it with the profile.

    A workspace whose creation was in progress already is opened as well: no other run does.
    """
    if not _opens(before):
        return ()
    return verify_with_azure_ai_ml(session, profile, str(after.known.get(IDENTIFIER)))


def _opens(plan: Plan) -> bool:
    """Return True when the proof opens the workspace."""
    return any(each.action in (Action.CREATE, Action.WAIT) for each in plan.of(Workspace.name))


def _prepare(plan: Plan) -> None:
    """Import azure-ai-ml in the background when the proof will need it: it takes over a second."""
    if _opens(plan):
        begin_import()


def _conclusion(profile: Profile) -> str:
    vault, key, workspace = profile.key_vault.resource_name, profile.key.name, profile.workspace
    return f"Workspace {workspace.name} is encrypted with key {key} in vault {vault} ({workspace.encryption})."


CREATE: Final = Procedure(
    "create",
    SEQUENCE,
    RULES,
    workspace_subject,
    _outputs,
    _proof,
    conclusion=_conclusion,
    prepare=_prepare,
    template=True,
)


def procedure(_arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``plan``, ``apply`` and ``verify``."""
    return CREATE
