"""Every refusal the sandbox gives, as named constructors, each with the source of its words.

``recorded``   the text was recorded from Azure by a public test suite;
``quoted``     the text is quoted from Azure in a public issue thread or by its documentation;
``sandbox``    the words are the sandbox's own, because nobody has published what Azure says there. Such messages
               begin with ``[sandbox]``, so that no one takes them for Azure's.
"""

from typing import Any

OWN = "[sandbox] "
DOCS = "docs/sandbox.md"


class AzureError(Exception):
    """An ARM-shaped refusal: HTTP status, ``error.code``, ``error.message``, optional details and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[dict[str, Any]] | None = None,
        target: str | None = None,
        headers: dict[str, str] | None = None,
        additional_info: list[dict[str, Any]] | None = None,
    ) -> None:
        """Keep what is answered; `headers` are added to the reply."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.target = target
        self.headers = headers or {}
        self.additional_info = additional_info

    def error(self) -> dict[str, Any]:
        """Return the ``error`` object, as it also stands in a failed operation."""
        value: dict[str, Any] = {"code": self.code}
        if self.target is not None:
            value["target"] = self.target
        value["message"] = self.message
        if self.details is not None:
            value["details"] = self.details
        if self.additional_info is not None:
            value["additionalInfo"] = self.additional_info
        return value

    def body(self) -> dict[str, Any]:
        """Return the whole body of the answer."""
        return {"error": self.error()}


# --- the sandbox's own limits -------------------------------------------------------------------------------------


def not_modelled(what: str) -> AzureError:
    """Sandbox: the request is fine as far as anyone knows, but the sandbox has no such thing."""
    text = (
        f"The cmkctl sandbox does not model {what}. This is a limit of the sandbox, not an answer of Azure: see {DOCS}."
    )
    return AzureError(400, "SandboxNotModelled", text)


def not_json(problem: str) -> AzureError:
    """Sandbox's words; the code is ARM's."""
    return AzureError(400, "InvalidRequestContent", f"{OWN}The request content is not valid JSON: {problem}.")


def property_refused(path: str, why: str) -> AzureError:
    """Sandbox's words; the code is ARM's. Azure often ignores such a property; the sandbox never does."""
    return AzureError(400, "InvalidRequestContent", f"{OWN}Property '{path}' {why}.", target=path)


# --- authentication -----------------------------------------------------------------------------------------------


def _challenge(login: str, tenant: str, reason: str) -> dict[str, str]:
    head = f'Bearer authorization_uri="https://{login}/{tenant}", error="invalid_token", error_description='
    return {"WWW-Authenticate": f'{head}"{reason}"'}


def authorization_missing(login: str, tenant: str) -> AzureError:
    """From recordings (60)."""
    reason = "The authentication failed because of missing 'Authorization' header."
    text = "Authentication failed. The 'Authorization' header is missing."
    return AzureError(401, "AuthenticationFailed", text, headers=_challenge(login, tenant, reason))


def token_invalid(login: str, tenant: str) -> AzureError:
    """Code as ARM gives it; words of the sandbox."""
    text = f"{OWN}The access token is invalid: it was not issued by this sandbox."
    return AzureError(
        401, "InvalidAuthenticationToken", text, headers=_challenge(login, tenant, "The token is invalid.")
    )


def token_audience(login: str, tenant: str, audience: str) -> AzureError:
    """Code as ARM gives it; words of the sandbox."""
    text = f"{OWN}The access token was issued for the wrong audience '{audience}'."
    reason = "The access token is from the wrong audience or resource."
    return AzureError(401, "InvalidAuthenticationTokenAudience", text, headers=_challenge(login, tenant, reason))


def token_expired(login: str, tenant: str, expiry: str, now: str) -> AzureError:
    """From recordings (01, 60)."""
    text = f"The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
    headers = _challenge(login, tenant, "The access token has expired.")
    return AzureError(401, "ExpiredAuthenticationToken", text, headers=headers)


def vault_token_missing(login: str, tenant: str, resource: str) -> AzureError:
    """From recordings (62)."""
    headers = {"WWW-Authenticate": f'Bearer authorization="https://{login}/{tenant}", resource="{resource}"'}
    return AzureError(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", headers=headers)


# --- ARM in general -----------------------------------------------------------------------------------------------


def api_version_missing() -> AzureError:
    """Azure Resource Manager's documented text for a request without api-version."""
    text = "The api-version query parameter (?api-version=) is required for all requests."
    return AzureError(400, "MissingApiVersionParameter", text)


def api_version_invalid(version: str) -> AzureError:
    """Code as ARM gives it; words of the sandbox."""
    text = f"{OWN}The api-version '{version}' is invalid. The format is 'YYYY-MM-DD' or 'YYYY-MM-DD-preview'."
    return AzureError(400, "InvalidApiVersionParameter", text)


def api_version_unsupported(resource_type: str, version: str, supported: tuple[str, ...]) -> AzureError:
    """Code as ARM gives it; words of the sandbox."""
    namespace, _, kind = resource_type.partition("/")
    text = (
        f"{OWN}No registered resource provider found for API version '{version}' and type '{kind}' of namespace "
        f"'{namespace}'. The api-versions the sandbox models are '{', '.join(supported)}'."
    )
    return AzureError(400, "NoRegisteredProviderFound", text)


def subscription_not_found(subscription: str) -> AzureError:
    """Azure Resource Manager's well-known text."""
    return AzureError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def namespace_not_found(namespace: str) -> AzureError:
    """Azure Resource Manager's well-known text."""
    return AzureError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def group_not_found(group: str) -> AzureError:
    """From recordings (10, 60)."""
    return AzureError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def group_location_conflict(existing: str, asked: str) -> AzureError:
    """Azure Resource Manager's well-known text, for a group that exists elsewhere."""
    text = f"Invalid resource group location '{asked}'. The Resource group already exists in location '{existing}'."
    return AzureError(409, "InvalidResourceGroupLocation", text)


def group_being_deleted(group: str) -> AzureError:
    """Azure Resource Manager's well-known text."""
    text = f"The resource group '{group}' is in deprovisioning state and cannot perform this operation."
    return AzureError(409, "ResourceGroupBeingDeleted", text)


def group_location_unavailable(location: str) -> AzureError:
    """Code recorded (fact 34); words of the sandbox."""
    text = f"{OWN}The provided location '{location}' is not available for resource group."
    return AzureError(400, "LocationNotAvailableForResourceGroup", text)


def location_required() -> AzureError:
    """Azure Resource Manager's documented text."""
    return AzureError(400, "LocationRequired", "The location property is required for this definition.")


def location_unavailable(location: str, resource_type: str) -> AzureError:
    """Code as ARM gives it; words of the sandbox."""
    text = f"{OWN}The provided location '{location}' is not available for resource type '{resource_type}'."
    return AzureError(400, "LocationNotAvailableForResourceType", text)


def location_conflict(name: str, group: str, existing: str, asked: str) -> AzureError:
    """Quoted (MicrosoftDocs/azure-docs#70422); status 409 belongs to the code."""
    text = (
        f"The resource '{name}' already exists in location '{existing}' in resource group '{group}'. A resource with the "
        f"same name cannot be created in location '{asked}'. Please select a new resource name."
    )
    return AzureError(409, "InvalidResourceLocation", text)


def resource_not_found(resource_type: str, name: str, group: str) -> AzureError:
    """From recordings (16, fact 19)."""
    text = (
        f"The Resource '{resource_type}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return AzureError(404, "ResourceNotFound", text)


def parent_not_found(action: str, child_type: str, parent_id: str) -> AzureError:
    """From recordings (60)."""
    text = (
        f"Failed to perform '{action}' on resource(s) of type '{child_type}', because the parent resource "
        f"'{parent_id}' could not be found."
    )
    return AzureError(404, "ParentResourceNotFound", text)


def not_registered(namespace: str) -> AzureError:
    """From recordings (30, 31, 60)."""
    text = (
        f"The subscription is not registered to use namespace '{namespace}'. "
        "See https://aka.ms/rps-not-found for how to register subscriptions."
    )
    detail = {"code": "MissingSubscriptionRegistration", "target": namespace, "message": text}
    return AzureError(409, "MissingSubscriptionRegistration", text, details=[detail])


def name_invalid(resource_type: str, name: str, rule: str) -> AzureError:
    """Sandbox's words: services word their name rules differently."""
    return AzureError(400, "InvalidResourceName", f"{OWN}'{name}' is not a valid name for {resource_type}: {rule}.")


def operation_not_found(operation: str) -> AzureError:
    """Sandbox's words."""
    return AzureError(404, "OperationNotFound", f"{OWN}There is no operation '{operation}'.")


def identity_not_found(resource_id: str, identity_id: str) -> AzureError:
    """From recordings (60), shortened: the inner answer is quoted by Azure as escaped JSON."""
    inner = f'{{"error":{{"code":"BadRequest","message":"Resource \'{identity_id}\' was not found."}}}}'
    text = (
        f"Identity operation for resource '{resource_id}' failed with error 'Failed to perform resource identity "
        f"operation. Status: 'BadRequest'. Response: '{inner}'.'."
    )
    return AzureError(400, "FailedIdentityOperation", text)


# --- Key Vault ----------------------------------------------------------------------------------------------------


def vault_name_invalid(name: str) -> AzureError:
    """Code from a field report; words of the sandbox."""
    text = (
        f"{OWN}The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters and "
        "hyphens, begin with a letter, end with a letter or digit, and not contain consecutive hyphens."
    )
    return AzureError(400, "VaultNameNotValid", text)


def vault_name_taken_text(name: str) -> str:
    """From recordings (18): the text of checkNameAvailability and of `VaultAlreadyExists`."""
    return (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is "
        "already taken. If you are sure that the vault name was not taken then it is possible that a vault with the "
        "same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a "
        "recoverable state then the vault will need to be purged before reusing the name. For more information about "
        "VaultAlreadyExists, soft delete and purging a vault follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2147740."
    )


def vault_name_taken(name: str) -> AzureError:
    """Quoted; status 409 is second-hand."""
    return AzureError(409, "VaultAlreadyExists", vault_name_taken_text(name))


def vault_soft_deleted() -> AzureError:
    """Quoted (Azure/azure-cli#29115); status 409 is second-hand."""
    text = "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."
    return AzureError(409, "ConflictError", text)


def vault_not_deleted(name: str) -> AzureError:
    """Code quoted (azurerm#12972); words of the sandbox."""
    text = f"{OWN}A soft deleted vault with the name '{name}' does not exist in this subscription and location."
    return AzureError(404, "SoftDeletedVaultDoesNotExist", text)


def deleted_vault_not_found(name: str) -> AzureError:
    """From recordings (02, 12)."""
    text = (
        f"The specified deleted vault '{name}' does not exist. Ensure that the vault was indeed deleted and that it is in "
        "recoverable state. If soft delete was not enabled then the vault is permanently deleted. Follow this link for "
        "more information: https://go.microsoft.com/fwlink/?linkid=2149745"
    )
    return AzureError(404, "DeletedVaultNotFound", text)


def purge_protection_stays() -> AzureError:
    """Quoted (Azure/azure-cli#29115, Azure/azure-rest-api-specs#18106)."""
    text = (
        'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an '
        "irreversible action."
    )
    return AzureError(400, "BadRequest", text)


def retention_stays(existing: int) -> AzureError:
    """Sandbox's words; that it cannot be modified is documented."""
    text = f'{OWN}The property "softDeleteRetentionInDays" has been set already ({existing}) and it cannot be modified.'
    return AzureError(400, "BadRequest", text)


def vault_purge_refused() -> AzureError:
    """Quoted (microsoft/AzureTRE#1446); status 405 belongs to the code, second-hand."""
    return AzureError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")


def vault_value(message: str) -> AzureError:
    """Sandbox's words, for a value the vault's documentation rules out."""
    return AzureError(400, "BadRequest", OWN + message)


def key_not_found(name: str) -> AzureError:
    """Sandbox's words in ARM's code: the recorded `KeyNotFound` is the data plane's."""
    return AzureError(404, "KeyNotFound", f"{OWN}A key with (name/id) {name} was not found in this key vault.")


def key_soft_deleted(name: str) -> AzureError:
    """Quoted for the data plane (azure-sdk-for-cpp compares it word for word); code and status in ARM are not published."""
    text = (
        f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the "
        "key can only be recovered or purged."
    )
    return AzureError(409, "Conflict", text)


# --- role assignments and Graph -----------------------------------------------------------------------------------


def role_assignment_exists() -> AzureError:
    """From recordings (44)."""
    return AzureError(409, "RoleAssignmentExists", "The role assignment already exists.")


def role_assignment_not_found(name: str) -> AzureError:
    """Code recorded (fact 32); words of the sandbox."""
    return AzureError(404, "RoleAssignmentNotFound", f"{OWN}The role assignment '{name}' is not found.")


def role_assignment_fixed() -> AzureError:
    """Code as the service gives it; words of the sandbox."""
    text = f"{OWN}Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
    return AzureError(400, "RoleAssignmentUpdateNotPermitted", text)


def role_definition_not_found(name: str) -> AzureError:
    """Code as the service gives it; words of the sandbox."""
    return AzureError(
        404, "RoleDefinitionDoesNotExist", f"{OWN}The specified role definition with ID '{name}' does not exist."
    )


def principal_invalid(principal: str) -> AzureError:
    """From recordings (44)."""
    text = f"The Principal ID '{principal}' is not valid. Principal ID must be a GUID."
    return AzureError(400, "InvalidPrincipalId", text)


def principal_not_found(principal: str, tenant: str) -> AzureError:
    """From recordings (44): the GUID is printed without dashes."""
    text = (
        f"Principal {principal.replace('-', '')} does not exist in the directory {tenant}. Check that you have the correct "
        "principal ID. If you are creating this principal and then immediately assigning a role, this error might be "
        "related to a replication delay. In this case, set the role assignment principalType property to a value, such as "
        "ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype"
    )
    return AzureError(400, "PrincipalNotFound", text)


def principal_type_differs(principal: str, actual: str, asked: str) -> AzureError:
    """From recordings (44), misspelling included."""
    text = (
        f"The PrincipalId '{principal.replace('-', '')}' has type '{actual}' , which is different from specified "
        f"PrinciaplType '{asked}'."
    )
    return AzureError(400, "UnmatchedPrincipalType", text)


def graph_not_found(principal: str) -> AzureError:
    """From recordings (45)."""
    text = f"Resource '{principal}' does not exist or one of its queried reference-property objects are not present."
    return AzureError(404, "Request_ResourceNotFound", text)


def graph_no_user() -> AzureError:
    """Quoted (pnp/pnpcore#905): nobody is signed in with a service principal's token."""
    return AzureError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")


def graph_app_unknown(app_id: str) -> AzureError:
    """Code as Graph gives it; words of the sandbox."""
    text = f"{OWN}The appId '{app_id}' of the service principal does not reference a valid application object."
    return AzureError(400, "Request_BadRequest", text)


def graph_exists(app_id: str) -> AzureError:
    """Code as Graph gives it; words of the sandbox."""
    text = f"{OWN}The service principal cannot be created because one for appId '{app_id}' already exists."
    return AzureError(409, "Request_MultipleObjectsWithSameKeyValue", text)


# --- Azure Machine Learning workspace -----------------------------------------------------------------------------


def cmk(message: str) -> AzureError:
    """Sandbox's words: Azure's for this refusal have not been published."""
    return AzureError(400, "BadRequest", OWN + message)


def purge_protection_required() -> AzureError:
    """Quoted (MicrosoftDocs/azure-docs#108584)."""
    return AzureError(400, "BadRequest", "CMK workspaces should have purge protection enabled on their CMK keyvault.")


def dependents_missing() -> AzureError:
    """Quoted (Azure/azure-rest-api-specs#15878)."""
    return AzureError(400, "ValidationError", "Missing dependent resources in workspace json")


def identity_unauthorised(client_id: str, object_id: str, scope: str) -> AzureError:
    """Quoted in a field report, with the parts it leaves out filled in."""
    text = (
        "User assigned identity doesn't have enough permissions. "
        f"The client '{client_id}' with object id '{object_id}' does not have authorization to perform action "
        f"'Microsoft.KeyVault/vaults/read' over scope '{scope}'."
    )
    return AzureError(400, "BadRequest", text)


def immutable_changed() -> AzureError:
    """Quoted (Azure/bicep-registry-modules#3849): the service says no more than this."""
    return AzureError(500, "InternalServerError", "InternalServerError")


def workspace_soft_deleted() -> AzureError:
    """Quoted (Azure/ResourceModules#3596)."""
    text = "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete"
    return AzureError(400, "BadRequest", text)


def storage_name_taken(name: str) -> AzureError:
    """Documented by the storage provider."""
    return AzureError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")


def storage_name_invalid_text(name: str) -> str:
    """Quoted (Azure/azure-rest-api-specs#4594): checkNameAvailability's text."""
    return (
        f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length "
        "and use numbers and lower-case letters only."
    )


def registry_name_taken(name: str) -> AzureError:
    """Code as the registry gives it; words of the sandbox."""
    return AzureError(409, "AlreadyInUse", f"{OWN}The registry DNS name {name.lower()} is already in use.")
