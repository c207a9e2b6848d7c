"""Rules about identities and grants (failures.md, 1.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import excess_permissions, same_word
from cmkctl.checks.documents import vault_properties
from cmkctl.checks.observed import IDENTITY_ROLES, KEY_ACCESS, KEY_VAULT, WORKSPACE
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import PLANNED, Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

_COSMOS: Final = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

CMK104: Final = Code(
    "CMK104",
    "The workspace's identity cannot get access to the key beforehand",
    "With service-side encryption the workspace's own identity reads the key. A system-assigned identity is created with the workspace, so no role can be assigned to it before; on a vault with access policies the service adds a policy itself, on an RBAC vault failed creations have been reported. A failed creation would leave a vault whose purge protection is permanent, so cmkctl refuses.",
    "Use a user-assigned identity, or a vault with access policies.",
    "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys",
)
CMK108: Final = Code(
    "CMK108",
    "The user-assigned identity lacks roles",
    "Azure Machine Learning requires Contributor for the identity that acts as the workspace on its resource group and resources, Storage Blob Data Contributor on the storage account and Key Vault Administrator on the workspace's vault, and for the identity that reads the key the right to see the vault. It reports one missing action at a time and may remember a failure under the workspace's name. Roles that the identity has through a group are not visible to this check.",
    "Have the roles assigned before you apply, or let cmkctl assign them: workspace.identity.roles: assign.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication",
)
CMK109: Final = Code(
    "CMK109",
    "The principal that gets the grant is not confirmed by Microsoft",
    "Microsoft publishes the application id of Azure Cosmos DB for the public cloud and for Azure Government, but not for China.",
    "Check the display name of the principal, then set its object id as key_access.cosmos_db_object_id.",
    _COSMOS,
)
CMK110: Final = Code(
    "CMK110",
    "Azure Cosmos DB has more key permissions than it needs",
    "It needs get, wrapKey and unwrapKey. Every further permission of its access policy is a risk without a use. cmkctl never removes permissions.",
    "Reduce the policy with `az keyvault set-policy`.",
    _COSMOS,
)
CMK111: Final = Code(
    "CMK111",
    "An access policy names an application id and grants nothing",
    "Microsoft's pages show application ids. A policy takes the object id of the application's service principal, which is different in every tenant; a policy for the application id is accepted and has no effect.",
    "Remove it, so that it is not relied on.",
)


CMK630: Final = Code(
    "CMK630",
    "An existing workspace has no access to its key",
    "The grant of the key to Azure Cosmos DB, or to the identity that reads the key, is missing although the workspace exists. It was removed by hand or taken away by cmkctl revoke --grant, or the profile changed. apply and restore give it again, and with it the access to the data.",
    "Find out whether the access was revoked on purpose, before you apply.",
    "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys",
)


@rule(CMK630, severity=Severity.WARNING, needs=(PLANNED, WORKSPACE))
def access_of_an_existing_workspace(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn before apply gives an existing workspace its access back: it may have been revoked on purpose."""
    state = str(((facts[WORKSPACE] or {}).get("properties") or {}).get("provisioningState", ""))
    given = [each for each in facts[PLANNED] if each.step == "key_access" and each.action.writes]
    if same_word(state, "Succeeded") and given:
        names = ", ".join(each.title for each in given)
        yield Finding(
            f"Workspace {profile.workspace.name} exists, and this plan gives: {names}. If the access was revoked on purpose, do "
            "not apply.",
            CMK630.remedy,
            "key_access",
        )


@rule(CMK104, severity=Severity.ERROR, needs=(KEY_VAULT, WORKSPACE))
def service_side_identity(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require a user-assigned identity for a new service-side workspace on an RBAC vault."""
    service_side = profile.workspace.encryption == "service-side" and profile.workspace.key_identity_id is None
    if service_side and facts[WORKSPACE] is None and _rbac(profile, facts):
        yield Finding(
            "With service-side encryption the workspace's own identity reads the key. A system-assigned one does not exist "
            "before the workspace, so it cannot be assigned a role first; failed creations have been reported.",
            "Use a user-assigned identity (workspace.identity), or a vault with access policies.",
            "workspace.identity",
        )


@rule(CMK108, severity=Severity.WARNING, needs=(WORKSPACE, IDENTITY_ROLES))
def identity_roles(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the roles that a user-assigned identity of a new workspace lacks, where cmkctl does not assign them."""
    roles = facts[IDENTITY_ROLES]
    if facts[WORKSPACE] is not None or profile.workspace.assigns_roles or roles is None:
        return
    for each in roles.identities:
        if not each.missing or each.identity.object_id is None:
            continue
        commands = (
            f"az role assignment create --assignee-object-id {each.identity.object_id} --assignee-principal-type "
            f'ServicePrincipal --role "{need.role.name}" --scope {need.scope}'
            for need in each.missing
        )
        yield Finding(
            f"The {each.identity.label} has no role assignment for: {'; '.join(need.title for need in each.missing)}. Azure "
            "Machine Learning reports one missing action at a time, and may remember a failed creation under the workspace's "
            "name for tens of minutes.",
            f"Have them assigned before you apply: {'; '.join(commands)}; or have cmkctl assign them: "
            "workspace.identity.roles: assign.",
            "workspace.identity",
        )


@rule(CMK109, severity=Severity.WARNING, needs=(KEY_ACCESS,))
def application_id_unconfirmed(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn when Microsoft has not published the application id of Azure Cosmos DB."""
    found = facts[KEY_ACCESS].cosmos_db.object_id
    given = profile.key_access.cosmos_db_object_id is not None
    if not ENDPOINTS[profile.cloud].cosmos_db_app_id_confirmed and not given and found:
        yield Finding(
            f"Microsoft has not published the application id of Azure Cosmos DB for {profile.cloud}; the id of the other "
            f"clouds resolves to object id {found} in this tenant.",
            f"Check its display name (az ad sp show --id {found}), and set key_access.cosmos_db_object_id: {found}.",
            "key_access.cosmos_db_object_id",
        )


@rule(CMK110, severity=Severity.WARNING, needs=(KEY_VAULT, KEY_ACCESS))
def grant_beyond_need(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn when the access policy of Azure Cosmos DB allows more than it needs."""
    from cmkctl.services.base import PERMISSIONS  # noqa: PLC0415 - codes are loaded without what the services need

    for each in _policies(facts):
        keys = (each.get("permissions") or {}).get("keys") or []
        beyond = excess_permissions(keys, PERMISSIONS)
        if beyond and same_word(each.get("objectId"), facts[KEY_ACCESS].cosmos_db.object_id):
            yield Finding(
                f"Its access policy also allows {', '.join(beyond)}. cmkctl adds permissions and removes none.",
                "Reduce the policy to get, wrapKey and unwrapKey: az keyvault set-policy.",
                "key_access",
            )


@rule(CMK111, severity=Severity.WARNING, needs=(KEY_VAULT,))
def grant_to_an_application_id(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of an access policy for an application id of Azure Cosmos DB, that of another cloud among them."""
    own = ENDPOINTS[profile.cloud].cosmos_db_app_id
    clouds = {endpoints.cosmos_db_app_id: cloud for cloud, endpoints in reversed(ENDPOINTS.items())}
    for app_id, cloud in clouds.items():
        if any(same_word(each.get("objectId"), app_id) for each in _policies(facts)):
            where = "" if app_id == own else f" in {cloud}, and the profile's cloud is {profile.cloud}"
            yield Finding(
                f"The vault has a policy for {app_id}, which is Azure Cosmos DB's application id{where}. Policies take object ids.",
                f"Remove it: az keyvault delete-policy --object-id {app_id}.",
                "key_access",
            )


def _policies(facts: Facts) -> list[Mapping[str, Any]]:
    return list(vault_properties(facts[KEY_VAULT]).get("accessPolicies") or [])


def _rbac(profile: Profile, facts: Facts) -> bool:
    """Return True for a vault that uses roles: as observed, or as the profile defines a new one."""
    observed = facts[KEY_VAULT]
    if observed.vault:
        return bool(vault_properties(observed).get("enableRbacAuthorization"))
    return profile.key_vault.authorization == "rbac"
