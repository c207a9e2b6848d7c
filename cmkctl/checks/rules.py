"""The rules, in the order of their codes. Each says what evidence it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import excess_permissions, same_location, same_resource_id, same_word
from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.facts import Rule
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps._grants import PERMISSIONS

Observations = Mapping[str, Any]

_RECOMMENDED_BITS: Final = 3072
_EXPIRES_SOON: Final = timedelta(days=90)


def subscription_usable(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK101: the subscription is enabled and, where the profile names a tenant, belongs to it."""
    subscription = seen.get("subscription") or {}
    state, tenant = subscription.get("state", "Enabled"), subscription.get("tenantId")
    if not same_word(state, "Enabled"):
        yield _error(
            "CMK101",
            "The subscription cannot be used",
            f"Subscription {profile.subscription} is {state}.",
            "Have it enabled, or name another one.",
            "subscription",
        )
    if profile.tenant and tenant and not same_word(profile.tenant, tenant):
        yield _error(
            "CMK101",
            "The subscription cannot be used",
            f"Subscription {profile.subscription} belongs to tenant {tenant}, not to {profile.tenant} as the profile says.",
            "Correct subscription or tenant, or sign in to the right tenant.",
            "tenant",
        )


def vault_in_the_same_region(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK102: Microsoft's template page asks for vault and workspace in one region; its set-up page does not."""
    vault = _vault(seen)
    location = vault.get("location")
    if location and not same_location(location, profile.location):
        yield _warning(
            "CMK102",
            "The vault is in another region than the workspace",
            f"The vault is in {location}, the workspace in {profile.location}. Microsoft's pages disagree whether Azure "
            "Machine Learning takes that.",
            "Prefer a vault in the workspace's region.",
            "key_vault",
        )


def vault_reachable(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK103: the services that wrap with the key must get through the vault's firewall."""
    access, action, bypass = _network(profile, seen)
    if same_word(action, "Deny") and not same_word(bypass, "AzureServices"):
        yield _error(
            "CMK103",
            "The key cannot be reached by the service",
            "The vault's firewall denies by default and trusted Microsoft services do not pass it: creating the workspace "
            "would fail.",
            "Write key_vault.network.bypass: AzureServices.",
            "key_vault.network.bypass",
        )
    elif same_word(access, "disabled"):
        yield _warning(
            "CMK103",
            "The key may not be reached by the service",
            "The vault has no public access. Azure Cosmos DB is not on Key Vault's list of trusted services, although its "
            "own page relies on it; reports of failures exist.",
            "Prefer public_access: enabled with default_action: Deny and bypass: AzureServices.",
            "key_vault.network",
        )


def service_side_identity(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK104: reported failure of service-side encryption with a system-assigned identity on an RBAC vault."""
    service_side = profile.workspace.encryption == "service-side" and profile.workspace.identity_id is None
    if service_side and seen.get("workspace") is None and _rbac(profile, seen):
        yield _error(
            "CMK104",
            "The workspace's identity cannot be given the key beforehand",
            "With service-side encryption the workspace's own identity reads the key. A system-assigned one does not exist "
            "before the workspace, so nobody can give it a role first; creations that failed for it are reported.",
            "Use a user-assigned identity (workspace.identity), or a vault with access policies.",
            "workspace.identity",
        )


def key_size(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:  # noqa: ARG001
    """CMK105: Microsoft recommends 3072 bits or more."""
    if profile.key.size < _RECOMMENDED_BITS:
        yield _warning(
            "CMK105",
            "The key is shorter than recommended",
            f"{profile.key.size} bits are allowed; Azure Machine Learning's pages recommend {_RECOMMENDED_BITS} or more. A "
            "key's size is fixed at creation.",
            f"Write key.size: {_RECOMMENDED_BITS}.",
            "key.size",
        )


def rotation_reaches_nobody(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK106: a workspace keeps a versioned key identifier, so a version that the vault makes does not reach it."""
    policy = profile.key.rotation_policy
    if policy is not None and (policy.rotate_after or policy.rotate_before_expiry):
        yield _warning(
            "CMK106",
            "Rotation in the vault does not reach the workspace",
            "The workspace keeps the version it was created with. A new version made by the rotation policy stays unused "
            "until the workspace is told.",
            "After each rotation, point the workspace at the new version before the old one expires.",
            "key.rotation_policy",
        )
    using, latest = _versions(seen)
    if using and latest and using != latest:
        yield _warning(
            "CMK106",
            "Rotation in the vault does not reach the workspace",
            f"The key's latest version is {latest}, the workspace uses {using}.",
            "Point the workspace at the new version before the old one is disabled or expires.",
            "key",
        )


def key_expires(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:  # noqa: ARG001
    """CMK107: an expired key stops everything that is encrypted with it."""
    observed = seen.get("key")
    if observed is None or observed.key is None:
        return
    expiry = ((observed.key.get("properties") or {}).get("attributes") or {}).get("exp")
    if expiry is not None and 0 < expiry - observed.at.timestamp() < _EXPIRES_SOON.total_seconds():
        days = int((expiry - observed.at.timestamp()) // 86400)
        yield _warning(
            "CMK107",
            "The key expires soon",
            f"It expires in {days} days. An expired key takes the workspace's data away until it is extended.",
            "Extend it, or make a new version and point the workspace at it.",
            "key.expires",
        )


def identity_rights(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK108: a user-assigned identity needs control-plane rights that cmkctl does not hand out."""
    workspace = seen.get("workspace")
    if profile.workspace.identity_id is not None and workspace is None:
        yield _warning(
            "CMK108",
            "The user-assigned identity needs rights that cmkctl does not give",
            "cmkctl lets it use the key. Azure Machine Learning also wants Contributor for it on the key vault, the "
            "storage account (with Storage Blob Data Contributor), Application Insights and the workspace's resource group, "
            "and names one missing action at a time. A failed creation is remembered for the workspace's name for tens of "
            "minutes.",
            "Have these roles assigned before you apply.",
            "workspace.identity",
        )


def application_id_unconfirmed(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK109: Microsoft has not published Azure Cosmos DB's application id for China."""
    access = seen.get("key_access")
    given = profile.key_access.cosmos_db_object_id is not None
    if not ENDPOINTS[profile.cloud].cosmos_db_app_id_confirmed and not given and access and access.cosmos_db.object_id:
        yield _warning(
            "CMK109",
            "The principal that gets the grant is not confirmed by Microsoft",
            f"Microsoft has not published the application id of Azure Cosmos DB for {profile.cloud}; the id of the other "
            f"clouds resolves to object id {access.cosmos_db.object_id} in this tenant.",
            "Check its display name (az ad sp show), and write its object id as key_access.cosmos_db_object_id.",
            "key_access.cosmos_db_object_id",
        )


def grant_beyond_need(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:  # noqa: ARG001
    """CMK110: Azure Cosmos DB needs get, wrapKey and unwrapKey, and nothing more."""
    access = seen.get("key_access")
    for each in _policies(seen):
        keys = (each.get("permissions") or {}).get("keys") or []
        beyond = excess_permissions(keys, PERMISSIONS)
        if access and beyond and same_word(each.get("objectId"), access.cosmos_db.object_id):
            yield _warning(
                "CMK110",
                "Azure Cosmos DB may do more with the key than it needs",
                f"Its access policy also allows {', '.join(beyond)}. cmkctl adds grants and takes none away.",
                "Reduce the policy to get, wrapKey and unwrapKey: az keyvault set-policy.",
                "key_access",
            )


def grant_to_an_application_id(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK111: an access policy for the application id is accepted and grants nothing."""
    app_id = ENDPOINTS[profile.cloud].cosmos_db_app_id
    if any(same_word(each.get("objectId"), app_id) for each in _policies(seen)):
        yield _warning(
            "CMK111",
            "An access policy names an application id and grants nothing",
            f"The vault has a policy for {app_id}, which is Azure Cosmos DB's application id. Policies take object ids.",
            f"Remove it: az keyvault delete-policy --object-id {app_id}.",
            "key_access",
        )


def one_vault_for_both(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:  # noqa: ARG001
    """CMK112: the vault with the key would also be open to the workspace's identity."""
    if same_resource_id(profile.key_vault.resource_id, profile.associated_resources.key_vault_id):
        yield _warning(
            "CMK112",
            "The workspace's own secrets are in the vault that holds the key",
            "Azure Machine Learning gives the workspace's identity wide rights on the workspace's own vault, and that is "
            "then the vault with the key.",
            "Write associated_resources.key_vault: {} for a vault of its own.",
            "associated_resources.key_vault",
        )


def expiry_of_an_existing_key(profile: Profile, seen: Observations) -> Iterator[Diagnostic]:
    """CMK113: a key that is there keeps its expiry, whatever the profile says."""
    observed, wanted = seen.get("key"), profile.key.expires
    if observed is None or observed.key is None or wanted is None:
        return
    expiry = ((observed.key.get("properties") or {}).get("attributes") or {}).get("exp")
    if expiry != int(wanted.timestamp()):
        yield _warning(
            "CMK113",
            "The key's expiry is not the one of the profile",
            f"The key {'expires at another time' if expiry else 'never expires'}. Making a key that is there again changes "
            "nothing, so cmkctl cannot move its expiry.",
            "Move it with az keyvault key set-attributes --expires, or leave key.expires out.",
            "key.expires",
        )


_CHECKS: Final = (
    subscription_usable,
    vault_in_the_same_region,
    vault_reachable,
    service_side_identity,
    key_size,
    rotation_reaches_nobody,
    key_expires,
    identity_rights,
    application_id_unconfirmed,
    grant_beyond_need,
    grant_to_an_application_id,
    one_vault_for_both,
    expiry_of_an_existing_key,
)


RULES: Final = tuple(
    Rule(each.__name__, (), (), lambda profile, facts, each=each: each(profile, facts._answers)) for each in _CHECKS
)


def _error(code: str, summary: str, detail: str, remedy: str, subject: str) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, remedy, subject)


def _warning(code: str, summary: str, detail: str, remedy: str, subject: str) -> Diagnostic:
    return Diagnostic(code, Severity.WARNING, summary, detail, remedy, subject)


def _vault(seen: Observations) -> Mapping[str, Any]:
    observed = seen.get("key_vault")
    return (observed.vault if observed is not None else None) or {}


def _policies(seen: Observations) -> list[Mapping[str, Any]]:
    return list(_vault(seen).get("properties", {}).get("accessPolicies") or [])


def _rbac(profile: Profile, seen: Observations) -> bool:
    vault = _vault(seen)
    if vault:
        return bool(vault.get("properties", {}).get("enableRbacAuthorization"))
    return profile.key_vault.authorization == "rbac"


def _network(profile: Profile, seen: Observations) -> tuple[str, str, str]:
    """Public access, default action and bypass: what an existing vault has, else what the profile asks for."""
    properties = _vault(seen).get("properties", {})
    if not properties:
        wanted = profile.key_vault.network or NetworkSettings()
        return wanted.public_access, wanted.default_action, wanted.bypass
    acls = properties.get("networkAcls") or {}
    return (
        properties.get("publicNetworkAccess") or "enabled",
        acls.get("defaultAction") or "Allow",
        acls.get("bypass") or "AzureServices",
    )


def _versions(seen: Observations) -> tuple[str, str]:
    """The version of the key that the workspace uses and the latest one, empty where there is none."""
    workspace, key = seen.get("workspace") or {}, seen.get("key")
    encryption = (workspace.get("properties") or {}).get("encryption") or {}
    using = (encryption.get("keyVaultProperties") or {}).get("keyIdentifier") or ""
    latest = ((key.key if key else None) or {}).get("properties", {}).get("keyUriWithVersion") or ""
    if using.rpartition("/")[0].lower() != latest.rpartition("/")[0].lower():
        return "", ""
    return using.rpartition("/")[2], latest.rpartition("/")[2]
