"""The table from errors of Azure to causes and remedies.

    Failure ──first row that fits──▶ Explanation: remedy, more exact code ──▶ Diagnostic
              └─none─▶ the remedy of the failure's kind

Rows are matched on codes and structure first and on words second, because Azure changes its words more often. A remedy names the
profile field to change where there is one, and one next command. `cmkctl plan` is no remedy for an error that plan does not
foresee.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from cmkctl import codes
from cmkctl.azure import entra_errors
from cmkctl.azure.failures import (
    CLI_FAILED,
    CLI_TIMEOUT,
    CREDENTIAL_FILE,
    GITHUB_REFUSED,
    IDENTITY_LACKS,
    NOT_REPLICATED,
    OTHER_CLOUD,
    UNREADABLE,
    Failure,
    FailureKind,
)
from cmkctl.azure.policy_remedies import policies_of, policy_remedy
from cmkctl.azure.reasons import PROXY, TLS
from cmkctl.azure.sign_in_ways import has_az, identity_remedy, sign_in_again, sign_in_remedy
from cmkctl.diagnostics import Code, Diagnostic

Remedy: TypeAlias = "str | Callable[[Failure], str]"

_AGAIN: Final = "Then run the same command again."

BY_KIND: Final[Mapping[FailureKind, tuple[Code, str]]] = {
    FailureKind.ABSENT: (codes.CMK301, f"Check the names and ids in the profile. {_AGAIN}"),
    FailureKind.UNAUTHENTICATED: (
        codes.CMK302,
        (
            "Sign in again, correct the variables of the way of signing in, such as AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET, or select another way with --auth."
        ),
    ),
    FailureKind.DENIED: (
        codes.CMK303,
        (
            "Ask an owner of the subscription for a role that allows the action named above, and wait a few minutes for it to "
            f"take effect. {_AGAIN}"
        ),
    ),
    FailureKind.NOT_REGISTERED: (
        codes.CMK304,
        "Run the same command again: the first step registers the provider. If that was just done, Azure needs another minute.",
    ),
    FailureKind.PENDING: (
        codes.CMK305,
        (
            "A new principal takes a minute to replicate to every region: run the same command again. If it is not new, check "
            "key_access.cosmos_db_object_id: it must be an object id of this tenant, never the application id."
        ),
    ),
    FailureKind.NOT_EFFECTIVE: (
        codes.CMK315,
        (
            "Do not widen the access: the grant was read back before. Run the same command again in half an hour, or give grants "
            "time with key_access.settle_seconds. Azure Machine Learning may keep such a failure under the workspace's name for "
            "tens of minutes; another workspace.name would work at once."
        ),
    ),
    FailureKind.EXISTS: (
        codes.CMK317,
        "A new object takes some minutes to be visible everywhere: run the same command again.",
    ),
    FailureKind.THROTTLED: (
        codes.CMK306,
        "Wait a few minutes, then run the same command again: finished changes are kept.",
    ),
    FailureKind.IN_PROGRESS: (codes.CMK307, f"Wait until that operation has finished. {_AGAIN}"),
    FailureKind.LOCKED: (codes.CMK327, "Have the lock removed for this run, and set again afterwards."),
    FailureKind.CONFLICT: (
        codes.CMK308,
        f"Azure's message names what is in the way: remove or rename it, or change the profile to match it. {_AGAIN}",
    ),
    FailureKind.PASSING: (
        codes.CMK309,
        "Such errors are transient: run the same command again. If it persists, see https://azure.status.microsoft.",
    ),
    FailureKind.NETWORK: (codes.CMK310, f"Check the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE. {_AGAIN}"),
    FailureKind.POLICY: (
        codes.CMK313,
        f"Change the profile so that the resource complies, or ask the policy's owner for an exemption. {_AGAIN}",
    ),
    FailureKind.CAPACITY: (
        codes.CMK314,
        (
            "Request quota or access to the region, choose another location, or set workspace.encryption: service-side, which "
            "needs no Cosmos DB account and no AI Search service in your subscription."
        ),
    ),
    FailureKind.UNREADABLE: (
        codes.CMK316,
        "Run the same command again. If it persists, look for a newer cmkctl, and report it with the output of --record.",
    ),
    FailureKind.FOREIGN_HOST: (
        codes.CMK318,
        (
            "If a proxy asks you to sign in, do that and run the same command again. Otherwise something between this machine "
            "and Azure changes responses, or the profile names a different cloud: check HTTPS_PROXY and the profile's cloud."
        ),
    ),
    FailureKind.CLAIMS: (
        codes.CMK322,
        (
            "A Conditional Access policy asks for more than this sign-in proves, such as multifactor authentication: sign in "
            "again with --auth browser, or use an identity that the policy exempts."
        ),
    ),
    FailureKind.DEADLINE: (codes.CMK312, "Run the same command again to continue, with a longer --timeout."),
    FailureKind.TERMINAL: (codes.CMK311, "Azure's message names what has to change before the request can succeed."),
}

WITHOUT_A_REASON = "and Azure gives the reason only to the client that started it"
"""The detail about a resource whose creation another client, or an earlier run, started."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row of the table: the failures that it explains, and the remedy.

    It fits a failure that has one of `codes` (empty: any), whose message matches `words` and whose request matches `request`
    (empty: any), and that is of one of `kinds` (empty: any). `declared` is a more exact code than the one of the kind.
    """

    remedy: Remedy
    codes: frozenset[str] = frozenset()
    words: str = ""
    request: str = ""
    kinds: frozenset[FailureKind] = frozenset()
    declared: Code | None = None

    @property
    def structural(self) -> bool:
        """True for a row that needs no words of a message."""
        return bool(self.codes or self.kinds) and not self.words

    def fits(self, failure: Failure) -> bool:
        """Return True when this row explains the failure."""
        return (
            (not self.codes or failure.has_code(*self.codes))
            and (not self.kinds or failure.kind in self.kinds)
            and (not self.words or re.search(self.words, f"{failure.code}: {failure.message}") is not None)
            and (not self.request or re.search(self.request, failure.request) is not None)
        )

    def text(self, failure: Failure) -> str:
        """Return the remedy for this failure."""
        return self.remedy if isinstance(self.remedy, str) else self.remedy(failure)


def _coded(*names: str, remedy: Remedy, declared: Code | None = None, request: str = "") -> Explanation:
    return Explanation(remedy, frozenset(names), request=request, declared=declared)


def _worded(words: str, remedy: Remedy, declared: Code | None = None) -> Explanation:
    return Explanation(remedy, words=words, declared=declared)


# Permissions

_ACTION: Final = re.compile(r"perform action(?:\(s\))? '([^']+)' (?:over|on) (?:the linked )?scope(?:\(s\))? '([^']+)'")
_PRINCIPAL: Final = re.compile(r"with object id '([^']+)'")
_ROLES: Final = (
    (r"^Microsoft\.Authorization/", "Role Based Access Control Administrator"),
    (r"^Microsoft\.KeyVault/vaults/", "Key Vault Contributor"),
    (r"/read$", "Reader"),
    (r"", "Contributor"),
)
"""The built-in role with the least rights that allows an action, by its pattern; the first that fits.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""


def _permission(failure: Failure) -> str:
    """Return the role for the denied action. In a linked authorization error the last action is the missing one."""
    found = _ACTION.findall(failure.message)
    if IDENTITY_LACKS.search(failure.message):
        return _identity_roles(failure)
    if not found:
        return BY_KIND[FailureKind.DENIED][1]
    action, scope = found[-1]
    role = next(name for pattern, name in _ROLES if re.search(pattern, action))
    principal = _PRINCIPAL.search(failure.message)
    assignee = principal[1] if principal else "OBJECT_ID"
    command = f'az role assignment create --assignee {assignee} --role "{role}" --scope {_scope_of_role(action, scope)}'
    group = " A new membership in a group takes a new sign-in." if "Authorization" not in action else ""
    return f"Ask an owner to run: {command}. Wait a few minutes for it to take effect.{group} {_AGAIN}"


def _scope_of_role(action: str, scope: str) -> str:
    """Return the scope for a role: the resource that the grant is for, not the role assignment's own id."""
    if action.startswith("Microsoft.Authorization/"):
        return scope.partition("/providers/Microsoft.Authorization/")[0]
    return scope


def _deny_assignment(failure: Failure) -> str:
    named = re.search(r"deny assignment with name '([^']+)'", failure.message)
    name = f" '{named[1]}'" if named else ""
    return (
        f"The deny assignment{name} overrides every role. In a resource group that Microsoft manages nothing can be changed: "
        "change or delete the workspace instead. Anywhere else, ask the owner of the deny assignment to exclude you."
    )


def _registration(failure: Failure) -> str:
    found = re.search(r"namespace '([^']+)'", failure.message)
    namespace = found[1] if found else "NAMESPACE"
    return (
        "Run the same command again: the first step registers the provider. If that was just done, Azure needs another minute. "
        "Without the permission to register it, have an administrator of the subscription run: "
        f"az provider register --namespace {namespace} --wait. {_AGAIN}"
    )


# Locks

_SCOPES: Final = re.compile(r"scope\(s\) are locked: ((?:'[^']+'(?:, ?)?)+)")


def _lock(failure: Failure) -> str:
    found = _SCOPES.search(failure.message)
    scopes = [each for quoted in re.findall(r"'([^']+)'", found[1]) for each in quoted.split(",")] if found else []
    where = ", ".join(scopes) or "the scope above"
    listed = f"az lock list --resource-group {_group(scopes[0])}" if scopes and _group(scopes[0]) else "az lock list"
    return (
        f"A lock on {where} blocks it. Find its id ({listed}), have it removed for this run (az lock delete --ids LOCK_ID), "
        "run the same command again, and set the lock again afterwards."
    )


def _group(scope: str) -> str:
    found = re.search(r"/resourceGroups/([^/]+)", scope, re.IGNORECASE)
    return found[1] if found else ""


# Throttling


def _throttled(failure: Failure) -> str:
    """Return the time to wait: the one that Azure requires, where it is long."""
    delay = int(failure.retry_after) if failure.retry_after.isdecimal() else 0
    if delay <= _SHORT_DELAY:
        return BY_KIND[FailureKind.THROTTLED][1]
    return f"Azure asks to wait for {delay // 60} minutes: run the same command again then. Finished changes are kept."


_SHORT_DELAY: Final = 600

# Names and locations


def _location(failure: Failure) -> str:
    wrong = re.search(r"location '([^']+)'", failure.message)
    listed = re.search(r"(?:available regions|locations?)[^']*? (?:is|are) '([^']+)'", failure.message)
    regions = re.split(r"\s*,\s*", listed[1]) if listed else []
    near = difflib.get_close_matches(wrong[1], regions, n=1) if wrong else []
    meant = f"Did you mean location: {near[0]}? " if near else ""
    return f"{meant}Change location in the profile; az account list-locations --output table lists the regions."


def _existing_location(failure: Failure) -> str:
    found = re.search(r"already exists in location '([^']+)'", failure.message)
    where = f"location: {found[1]}" if found else "the location of the existing resource"
    return f"Set {where} in the profile, or choose another name. {_AGAIN}"


def _vault_name(failure: Failure) -> str:
    name = _last_segment(failure)
    return (
        "Vault names are unique across Azure, and a soft-deleted vault keeps its name. If yours was deleted, recover it: set "
        f"key_vault.recover: true, or run az keyvault recover --name {name}. Otherwise choose another name: key_vault.name, or "
        "associated_resources.key_vault.name for the workspace's own vault."
    )


def _last_segment(failure: Failure) -> str:
    return failure.target or failure.request.rstrip("/").rpartition("/")[2] or "NAME"


# Signing in


def _claims(failure: Failure) -> str:
    """Return the sign-in with the claims that Azure requires, which az takes as Azure sent them."""
    if failure.challenge and has_az():
        login = f"az login --claims-challenge {failure.challenge}"
    else:
        login = "--auth browser, or --auth device without a browser here"
    return (
        "A Conditional Access policy asks for more than this sign-in proves, such as multifactor authentication: sign in again "
        f"with {login}, or use an identity that the policy exempts."
    )


def _expired(failure: Failure) -> str:
    again = sign_in_again(failure.message)
    return f"The token has expired: {again}; in CI log in again with a new federated token. {_KEPT}"


def _other_tenant(failure: Failure) -> str:
    found = re.search(r"must match (?:the )?tenant[^']*'https://sts\.[^/]+/([^/']+)", failure.message)
    tenant = found[1] if found else "TENANT_ID"
    if has_az():
        return f"Sign in to the subscription's tenant: az login --tenant {tenant}, or set AZURE_TENANT_ID to it."
    return f"Set AZURE_TENANT_ID to the subscription's tenant{f': {tenant}' if found else ''}."


def _ended(failure: Failure) -> str:
    return f"The login has expired or was revoked: {sign_in_again(failure.message)}. {_KEPT}"


def _stronger(failure: Failure) -> str:
    again = sign_in_again(failure.message, "--tenant TENANT_ID").replace("again", "again interactively", 1)
    return (
        "A Conditional Access policy asks for more than this sign-in proves, or allows it from certain devices and networks "
        f"only: {again} from one that the policy accepts, or use an identity that the policy exempts."
    )


def _account_of_other_tenant(failure: Failure) -> str:
    login = f": {sign_in_again(failure.message, '--tenant TENANT_ID')}"
    return (
        f"The account does not exist in this tenant, or may not use it{login}, with an account of the subscription's tenant. A "
        "guest account has to be invited there first."
    )


def _az_without_subscription(_failure: Failure) -> str:
    return (
        "The account that az is signed in to does not have this subscription: check its id (az account list --all --output "
        "table), or sign in to its tenant (az login --tenant TENANT_ID). Then run the same command again."
    )


def _az_of_other_cloud(failure: Failure) -> str:
    found = re.search(r"the profile's cloud is (\w+)", failure.message)
    if found:
        return f"Run az cloud set --name {found[1]}, then az login. {_AGAIN}"
    return (
        "The account belongs to another cloud than the profile's: correct cloud in the profile, or sign in to an account of that "
        "cloud (az cloud set --name CLOUD, then az login)."
    )


_KEPT: Final = "Then run the same command again: finished changes are kept."

_VAULT_ROLE: Final = (
    "Have Key Vault Crypto Officer assigned on the vault. A new assignment takes some minutes to take effect, and a new "
    "membership in a group takes a new sign-in: run the same command again then."
)


def _identity_roles(failure: Failure) -> str:
    """Return all that a user-assigned identity needs, as CMK108 lists it: Azure names one missing action at a time."""
    found = _ACTION.findall(failure.message)
    missing = f" Missing now: {found[-1][0]} on {found[-1][1]}." if found else ""
    return (
        "Azure names one missing action at a time, Microsoft.KeyVault/vaults/read first, so assign the identity all of its roles "
        "before the next try: Contributor on the vault with the key, the storage account, the workspace's vault, Application "
        f"Insights and the resource group, and the role on the key.{missing} If the object id in the message is that of no "
        "identity you know, it belongs to an earlier workspace of this name: choose another workspace.name. After a correction "
        "Azure may repeat this error for tens of minutes under the same name."
    )


def _supported_location(failure: Failure) -> str:
    """Return the regions that Azure lists for a resource type, or the api-versions of a cloud that is behind."""
    found = re.search(r"supported locations are '([^']+)'", failure.message)
    if found:
        return f"Set location to one of the regions that offer this type: {found[1]}."
    return (
        "The subscription's cloud or region does not offer this resource type in the version that cmkctl uses. Choose another "
        "location; az provider show --namespace NAMESPACE lists the regions of each type."
    )


EXPLANATIONS: Final[tuple[Explanation, ...]] = (
    # Codes and structure
    Explanation(policy_remedy, kinds=frozenset({FailureKind.POLICY})),
    _coded("ScopeLocked", remedy=_lock, declared=codes.CMK327),
    Explanation(
        "Azure shows a new group or vault a moment later to some of its parts: run the same command again. If it was deleted in "
        "the meantime, the same command creates it again where cmkctl creates it.",
        codes=frozenset({"ResourceGroupNotFound", "ParentResourceNotFound", "ResourceNotFound"}),
        kinds=frozenset({FailureKind.PENDING}),
        declared=codes.CMK301,
    ),
    Explanation(_throttled, kinds=frozenset({FailureKind.THROTTLED})),
    _coded("DenyAssignmentAuthorizationFailed", remedy=_deny_assignment, declared=codes.CMK303),
    Explanation(
        "Ask someone who may read the directory for the object id (az ad sp show --id APPLICATION_ID --query id), and set "
        "key_access.cosmos_db_object_id.",
        kinds=frozenset({FailureKind.UNAUTHENTICATED, FailureKind.CLAIMS, FailureKind.DENIED}),
        request=r"^GET .*/servicePrincipals",
        declared=codes.CMK231,
    ),
    _coded(
        "Authorization_RequestDenied",
        remedy="This permission belongs to the directory, and no role on the subscription includes it: ask an administrator of "
        f"the tenant to do it, or to allow it. {_AGAIN}",
    ),
    _coded("AuthorizationFailed", "LinkedAuthorizationFailed", remedy=_permission, declared=codes.CMK303),
    _coded(
        "MissingSubscriptionRegistration",
        "SubscriptionNotRegistered",
        remedy=_registration,
        declared=codes.CMK304,
    ),
    _coded(
        "ForbiddenByConnection",
        "ForbiddenByFirewall",
        remedy="The vault's firewall blocks this machine. Run from a network that the vault allows, or have your address added: "
        "az keyvault network-rule add --name VAULT --ip-address ADDRESS.",
    ),
    _coded(
        "NoValidSubscriptionsInQueryRequest",
        remedy=(
            "Check the ids with: az account list --output table. For a subscription in this list, have Reader assigned: "
            "az role assignment create --role Reader --assignee ACCOUNT --scope /subscriptions/ID"
        ),
        declared=codes.CMK303,
    ),
    _coded("ForbiddenByRbac", remedy=_VAULT_ROLE, declared=codes.CMK303),
    Explanation(_claims, kinds=frozenset({FailureKind.CLAIMS})),
    _coded("ExpiredAuthenticationToken", remedy=_expired),
    _coded("InvalidAuthenticationTokenTenant", remedy=_other_tenant),
    _coded(
        "SubscriptionNotFound",
        "InvalidSubscriptionId",
        remedy="Check the subscription id (az account list --output table), and that you are signed in to its tenant.",
        declared=codes.CMK301,
    ),
    _coded(
        "ReadOnlyDisabledSubscription",
        remedy="The subscription is disabled and read-only: have it enabled, or use another subscription.",
    ),
    _coded("LocationNotAvailableForResourceGroup", "LocationNotAvailableForResourceType", remedy=_location),
    _coded(
        "RequestDisallowedByAzure",
        remedy="Azure does not allow this subscription to deploy in this region: choose another location, or request access: "
        "https://aka.ms/azureregionaccess.",
    ),
    _coded("InvalidResourceLocation", "InvalidResourceGroupLocation", remedy=_existing_location),
    _coded(
        "ResourceGroupBeingDeleted",
        remedy=f"Wait until the group is gone (az group exists --name NAME), or use another resource_group. {_AGAIN}",
    ),
    _coded("VaultAlreadyExists", remedy=_vault_name, declared=codes.CMK160),
    _coded(
        "VaultNameNotValid", remedy="Choose a name with 3 to 24 letters, digits and single hyphens: key_vault.name."
    ),
    _coded(
        "StorageAccountAlreadyTaken",
        "StorageAccountAlreadyExists",
        remedy="Names of storage accounts are unique across Azure: choose another associated_resources.storage_account.name.",
        declared=codes.CMK160,
    ),
    _coded(
        "AlreadyInUse",
        request=r"Microsoft\.ContainerRegistry|registry",
        remedy="Names of registries are unique across Azure: choose another associated_resources.container_registry.name.",
        declared=codes.CMK160,
    ),
    _coded(
        "RoleAssignmentUpdateNotPermitted",
        remedy="A role assignment of that name belongs to an earlier principal: find it (az role assignment list --all), delete "
        "it, then run the same command again.",
    ),
    _coded(
        "InvalidPrincipalId",
        "UnmatchedPrincipalType",
        remedy="Set key_access.cosmos_db_object_id to the object id of Azure Cosmos DB's service principal in this tenant: az ad "
        "sp show --id APPLICATION_ID --query id.",
    ),
    _coded(
        "RoleAssignmentLimitExceeded",
        remedy="The subscription has no role assignments left: delete unused ones (az role assignment list --all), or use "
        "key_vault.authorization: access-policy for a new vault.",
    ),
    _coded(
        "MaxStorageAccountsCountPerSubscriptionExceeded",
        remedy="Request a higher quota of storage accounts, choose another location, or set "
        "associated_resources.storage_account.id to an existing account.",
    ),
    _coded(
        "NoRegisteredProviderFound", "InvalidResourceType", "MissingRegistrationForLocation", remedy=_supported_location
    ),
    _coded(
        "RoleDefinitionDoesNotExist",
        remedy="The role does not exist in this tenant: check the role's id (az role definition list --name ROLE), and whether a "
        "custom role is assignable in this subscription.",
    ),
    _coded(
        "StorageAccountInAnotherResourceGroup",
        remedy="The account exists in another resource group: give it by id, associated_resources.storage_account.id, or choose "
        "another associated_resources.storage_account.name.",
    ),
    _coded(
        "SoftDeletedVaultDoesNotExist",
        remedy="No soft-deleted vault of this name is visible in this subscription and location, and the name is taken: someone "
        "else holds it. Choose another name: key_vault.name.",
    ),
    _coded(
        "SkuNotAvailable",
        "ResourcesForSkuUnavailable",
        "InsufficientResourcesAvailable",
        remedy="The region has no capacity for this tier now: choose another location or another tier, or request access to the "
        "region: https://aka.ms/azureregionaccess.",
        declared=codes.CMK314,
    ),
    _coded(
        "ServiceQuotaExceeded",
        remedy="Every in-subscription workspace needs an Azure AI Search service of its own. Delete unused ones (az search "
        "service list), request quota (https://aka.ms/AddQuotaSubscription), or set workspace.encryption: service-side for a new "
        "workspace.",
        declared=codes.CMK314,
    ),
    # Words about signing in and reaching Azure
    _worded(
        rf"{CLI_FAILED}: az gave no token within",
        f"cmkctl waits {CLI_TIMEOUT} s for az. Run az account get-access-token by itself to see what delays it, then run the "
        "same command again; or select another way of signing in with --auth.",
        codes.CMK320,
    ),
    _worded(
        r"^(?:: )?Azure CLI not found on path",
        "Install the Azure CLI (https://aka.ms/azure-cli) and run az login, or select another way of signing in with --auth.",
        codes.CMK319,
    ),
    _worded(
        r"^(?:: )?(?:ManagedIdentityCredential: )?(?:Token request error: \S+ )?(?:\d+, )?"
        r"(?:Identity not found|Multiple user assigned identities|No User Assigned or Delegated Managed Identity)",
        lambda _failure: identity_remedy(),
    ),
    _worded(
        r"^(?:: )?Token request error",
        "The host's endpoint for managed identities answered with this error: run the same command again in a minute. If it "
        "persists, check that the identity still exists and is assigned to this host.",
    ),
    _worded(
        r"^(?:: )?(?:ManagedIdentityCredential: )?(?:no response from the IMDS endpoint|no managed identity)",
        "A managed identity exists only on an Azure host that has one assigned, such as a virtual machine or a container. "
        "Assign one there, or select another way of signing in with --auth.",
        codes.CMK319,
    ),
    _worded(
        entra_errors.ASSERTION_EXPIRED,
        "The token that the CI system, or the file in AZURE_FEDERATED_TOKEN_FILE, gave for the sign-in is no longer valid. Log "
        "in again (a new az login or azure/login step), or have the file renewed, and run the same command: finished changes "
        "are kept.",
        codes.CMK321,
    ),
    _worded(entra_errors.LOGIN_EXPIRED, _ended),
    _worded(rf"{OTHER_CLOUD}|{entra_errors.OTHER_CLOUD_OR_RESOURCE}", _az_of_other_cloud, codes.CMK330),
    _worded(
        entra_errors.FEDERATION,
        "The token of the CI job fits no federated credential of the application: compare issuer, subject and audience with "
        "those in Azure's message (az ad app federated-credential list --id CLIENT_ID), and correct or add one.",
    ),
    _worded(
        entra_errors.ASSERTION_INVALID,
        "Entra cannot validate the token of the CI job: check that AZURE_FEDERATED_TOKEN_FILE names a file with the token and "
        "nothing else, and that the issuer of the federated credential can be reached from the internet.",
    ),
    Explanation(
        "Give the job of GitHub Actions the permission for it (permissions: id-token: write). If it has that, run the job "
        "again: the job's right to ask for tokens ends with it.",
        words=GITHUB_REFUSED,
        kinds=frozenset({FailureKind.UNAUTHENTICATED}),
    ),
    _worded(
        entra_errors.CERTIFICATE,
        "The certificate is not registered for the application, or has expired: upload the one in use (az ad app credential "
        "reset --id CLIENT_ID --cert @FILE --append), or set AZURE_CLIENT_CERTIFICATE_PATH to the registered one.",
    ),
    _worded(
        entra_errors.SECRET,
        "The client secret is wrong or has expired: create a new one (az ad app credential reset --id CLIENT_ID), and set "
        "AZURE_CLIENT_SECRET to its value, not to its id.",
    ),
    _worded(
        entra_errors.PASSWORD,
        "The account is locked, disabled or unknown in this tenant, or its password is wrong or expired: sign in with it in a "
        "browser to see which, then run the same command again; or use another account.",
    ),
    _worded(entra_errors.OTHER_TENANT, _account_of_other_tenant),
    _worded(
        entra_errors.TENANT,
        "The tenant does not exist or does not contain the application: check AZURE_TENANT_ID and AZURE_CLIENT_ID.",
    ),
    _worded(
        entra_errors.CONSENT,
        "The application that signs in is not allowed for this account: have an administrator of the tenant consent to it, or "
        "assign it to the account; or select another way of signing in with --auth.",
    ),
    _worded(
        entra_errors.DISABLED,
        "The application named in the message is disabled in this tenant: have an administrator enable it (Enterprise "
        "applications, Enabled for users to sign in), or use another identity.",
    ),
    _worded(entra_errors.STRONGER, _stronger, codes.CMK322),
    Explanation(
        _az_without_subscription,
        words=r"[Ss]ubscription \S+ (?:not found|doesn't exist)",
        kinds=frozenset({FailureKind.UNAUTHENTICATED}),
        declared=codes.CMK319,
    ),
    _worded(
        CREDENTIAL_FILE,
        "Check the file in AZURE_FEDERATED_TOKEN_FILE or AZURE_CLIENT_CERTIFICATE_PATH, then run the same command again: "
        "finished changes are kept.",
        codes.CMK326,
    ),
    Explanation(
        "Run az account get-access-token --query expiresOn by itself: it has to print a date. If it prints an error, az login or "
        "az upgrade may resolve it. Or select another way of signing in with --auth.",
        words=CLI_FAILED,
        kinds=frozenset({FailureKind.UNAUTHENTICATED}),
        declared=codes.CMK319,
    ),
    _worded(
        r"Missing dependencies for SOCKS support",
        "A SOCKS proxy needs the package PySocks: pip install 'requests[socks]'. Or set HTTPS_PROXY to an HTTP proxy: "
        "http://HOST:PORT.",
        codes.CMK323,
    ),
    _worded(
        r"407 Proxy Authentication Required",
        "The proxy asks for a user name and password: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, then run the same "
        "command again.",
        codes.CMK323,
    ),
    _worded(
        rf"{PROXY}|connect to proxy|Tunnel connection failed",
        "Check HTTPS_PROXY (http://HOST:PORT) and NO_PROXY, then run the same command again.",
        codes.CMK323,
    ),
    _worded(
        rf"{TLS}|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        "If a proxy inspects TLS, set REQUESTS_CA_BUNDLE to a file with its CA certificate, then run the same command again.",
        codes.CMK324,
    ),
    # Words in the responses to requests
    _worded(
        r"An invalid value was provided for 'accessPolicies'",
        "The object id or the tenant of the policy is wrong: key_access.cosmos_db_object_id must be the object id of a service "
        "principal in the vault's own tenant (az ad sp show --id APPLICATION_ID --query id).",
    ),
    _worded(
        NOT_REPLICATED,
        "The new Log Analytics workspace is not visible to Application Insights yet: run the same command again in a minute.",
        codes.CMK317,
    ),
    _worded(
        r"A vault with the same name already exists in deleted state",
        _vault_name,
        codes.CMK205,
    ),
    _worded(
        r"is currently in a deleted but recoverable state",
        "A soft-deleted key holds the name: recover it (set key.recover: true, or run az keyvault key recover --vault-name VAULT "
        "--name KEY), or choose another key.name.",
        codes.CMK220,
    ),
    _worded(
        re.escape(WITHOUT_A_REASON),
        "Look for the reason in the activity log of the resource group, or run the same command again: a failed creation is "
        "created again where nothing can be lost, and then the reason is shown here.",
    ),
    _worded(
        UNREADABLE,
        "Such errors are transient: run the same command again. If it persists, something between this machine and Azure may "
        "respond in its place: check HTTPS_PROXY, and whether a proxy asks you to sign in.",
    ),
    _worded(
        r"CMK workspaces should have purge protection",
        "Turn on purge protection of the vault that holds the key; it cannot be turned off again: az keyvault update --name "
        f"VAULT --enable-purge-protection true. {_AGAIN}",
        codes.CMK210,
    ),
    _worded(
        r"enablePurgeProtection\" cannot be set to false",
        "Purge protection is irreversible: leave it on in the vault. A template or policy that turns it off has to leave the "
        "property out.",
        codes.CMK210,
    ),
    _worded(
        r"Unsupported key operation\(s\)",
        "Only RSA and RSA-HSM keys wrap and unwrap: choose another key.name, with key.type: RSA.",
        codes.CMK221,
    ),
    _worded(
        r"[Oo]peration \S+ is not permitted on this key|KeyOperationForbidden",
        "The key does not allow wrapKey and unwrapKey: choose another key.name, or have an owner of the vault allow them: az "
        "keyvault key set-attributes --vault-name VAULT --name KEY --ops wrapKey unwrapKey.",
        codes.CMK223,
    ),
    _worded(
        r"is not allowed outside the key's validity period|KeyNotYetValidOrExpired|key Disabled or expired",
        "Enable the key version that is in use, and move its expiry: az keyvault key set-attributes --vault-name VAULT --name "
        "KEY --version VERSION --enabled true --expires DATE. Azure Cosmos DB needs up to an hour to notice.",
        codes.CMK225,
    ),
    _worded(
        r"use the same tenant ID as the key vault's tenant ID",
        "The vault belongs to another tenant than the subscription: use a vault of the subscription's tenant.",
        codes.CMK206,
    ),
    _worded(
        r"Missing dependent resources in workspace json",
        "A workspace needs a storage account, a vault and Application Insights: set their ids under associated_resources, or "
        "leave the section out and cmkctl creates them.",
    ),
    _worded(
        r"high demand in this region",
        "Azure Cosmos DB has no capacity in this region: request access to the region (https://aka.ms/cosmosdbquota), choose "
        "another location, or set workspace.encryption: service-side. The failed attempt may have left a half-created account: "
        "use another workspace.name then.",
        codes.CMK314,
    ),
    _worded(
        r"is in a failed provisioning state",
        "A half-created resource of an earlier attempt blocks it, in a group where you may delete nothing: choose another "
        "workspace.name, or delete the failed workspace permanently, after checking that it is empty.",
    ),
    _worded(IDENTITY_LACKS.pattern, _identity_roles, codes.CMK303),
    _worded(r"ForbiddenByRbac", _VAULT_ROLE),
    _worded(
        r"[Oo]peration \S+ is not allowed on a disabled key|KeyDisabled",
        "Find out who disabled the key version and why. To allow its use again: az keyvault key set-attributes --vault-name "
        "VAULT --name KEY --enabled true.",
        codes.CMK224,
    ),
    _worded(
        r"Soft-deleted workspace exists",
        "A deleted workspace holds this name for 14 days: have it recovered or deleted permanently, or choose another "
        "workspace.name.",
        codes.CMK162,
    ),
    _worded(
        r"InternalServerError",
        "This is an error inside Azure: run the same command again, which also repeats a failed creation. If it persists, see "
        "https://azure.status.microsoft, and give Microsoft's support the correlation id.",
    ),
)
"""The table, in the order of matching: rows on codes and structure before rows on words."""

_NOT_SIGNED_IN: Final = Explanation(lambda failure: sign_in_remedy(failure.message), declared=codes.CMK319)
"""For a sign-in that is not set up. A token that Azure rejected has an HTTP status."""


def explanation_of(failure: Failure) -> Explanation | None:
    """Return the first row that fits a failure, None when only its kind is known."""
    found = next((each for each in EXPLANATIONS if each.fits(failure)), None)
    signed_out = failure.kind is FailureKind.UNAUTHENTICATED and failure.status is None and not failure.refused
    return found or (_NOT_SIGNED_IN if signed_out else None)


def diagnose(failure: Failure) -> Diagnostic:
    """Return a failure as a diagnostic: the code of its cause or kind, Azure's own message, and the remedy that fits both."""
    declared, remedy = BY_KIND[failure.kind]
    found = explanation_of(failure)
    if found is not None:
        declared, remedy = found.declared or declared, found.text(failure)
    return declared.error(_detail(failure), remedy, subject=failure.request)


_IDENTIFIERS: Final = re.compile(
    r"\s*(?:Policy identifiers: '.*'\.?|See error details for policy resource IDs\.?)\s*$", re.DOTALL
)
"""The end of Azure's message about a denial by policy, which the sentences about the policies replace."""


def _message(failure: Failure) -> str:
    """Azure's message without what the detail or the remedy has in another form."""
    if failure.policies:
        return _IDENTIFIERS.sub("", failure.message)
    denied = _ACTION.search(failure.message) if failure.code == "AuthorizationFailed" else None
    return f"no permission for {denied[1]} at {denied[2]}." if denied else failure.message


def _detail(failure: Failure) -> str:
    request = f"{failure.request}: " if failure.request else ""
    policies = "".join(f" {each}" for each in policies_of(failure))
    answered = replace(failure, message=_message(failure))
    unit = " s" if failure.retry_after.isdecimal() else ""
    delay = f" Azure asks to wait {failure.retry_after}{unit}." if failure.retry_after else ""
    support = f" Correlation id for a support case: {failure.correlation_id}." if failure.correlation_id else ""
    return f"{request}{answered}{policies}{delay}{support}"
