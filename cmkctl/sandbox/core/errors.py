"""The table of errors: status, code, where the text comes from, text, and what else the response has.

A row is called with its values and gives the exception to raise: ``raise errors.group_not_found("rg-ml")``. The table of
unpublished texts in docs/sandbox.md is generated from the rows.
"""

from cmkctl.sandbox.core.refusal import (
    LIMIT,
    OWN,
    AzureError,
    ErrorRow,
    documented,
    ours,
    partly,
    quoted,
    recorded,
)

__all__ = ["OWN", "AzureError", "ErrorRow"]
# fmt: off  one row is one block
CODE_KNOWN = ours("code as the service sends it")

# --- limits of the sandbox ------------------------------------------------------------------------------------------

not_modelled = ErrorRow(
    400,
    "SandboxNotModelled",
    LIMIT,
    "The cmkctl sandbox does not model {what}. This is a limit of the sandbox, not an answer of Azure: see docs/sandbox.md.",
)
not_json = ErrorRow(
    400,
    "InvalidRequestContent",
    CODE_KNOWN,
    "The request content is not valid JSON: {problem}.",
)
body_too_large = ErrorRow(
    413,
    "RequestContentTooLarge",
    ours("a limit of 4 MB is documented for Azure Resource Manager"),
    "The request content is larger than 4 MB.",
)
property_refused = ErrorRow(
    400,
    "InvalidRequestContent",
    ours("Azure often ignores such a property; the sandbox never does"),
    "Property '{path}' {problem}.",
    target="{path}",
)

# --- authentication -------------------------------------------------------------------------------------------------

_CHALLENGE = 'Bearer authorization_uri="https://{{login}}/{{tenant}}", error="invalid_token", error_description="{}"'


def _challenge(reason: str) -> dict[str, str]:
    return {"WWW-Authenticate": _CHALLENGE.format(reason)}


_VAULT_CHALLENGE = {"WWW-Authenticate": 'Bearer authorization="https://{login}/{tenant}", resource="{resource}"'}

authorization_missing = ErrorRow(
    401,
    "AuthenticationFailed",
    recorded("60"),
    "Authentication failed. The 'Authorization' header is missing.",
    headers=_challenge("The authentication failed because of missing 'Authorization' header."),
)
token_invalid = ErrorRow(
    401,
    "InvalidAuthenticationToken",
    CODE_KNOWN,
    "The access token is invalid: it was not issued by this sandbox.",
    headers=_challenge("The token is invalid."),
)
token_audience = ErrorRow(
    401,
    "InvalidAuthenticationTokenAudience",
    CODE_KNOWN,
    "The access token was issued for the wrong audience '{audience}'.",
    headers=_challenge("The access token is from the wrong audience or resource."),
)
token_expired = ErrorRow(
    401,
    "ExpiredAuthenticationToken",
    recorded("01, 60"),
    "The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'.",
    headers=_challenge("The access token has expired."),
)
vault_token_missing = ErrorRow(
    401,
    "Unauthorized",
    recorded("62"),
    "AKV10000: Request is missing a Bearer or PoP token.",
    headers=_VAULT_CHALLENGE,
)

# --- Azure Resource Manager -----------------------------------------------------------------------------------------

api_version_missing = ErrorRow(
    400,
    "MissingApiVersionParameter",
    documented("Azure Resource Manager"),
    "The api-version query parameter (?api-version=) is required for all requests.",
)
api_version_invalid = ErrorRow(
    400,
    "InvalidApiVersionParameter",
    CODE_KNOWN,
    "The api-version '{version}' is invalid. The format is 'YYYY-MM-DD' or 'YYYY-MM-DD-preview'.",
)
subscription_not_found = ErrorRow(
    404,
    "SubscriptionNotFound",
    documented("Azure Resource Manager"),
    "The subscription '{subscription}' could not be found.",
)
namespace_not_found = ErrorRow(
    404,
    "InvalidResourceNamespace",
    documented("Azure Resource Manager"),
    "The resource namespace '{namespace}' is invalid.",
)
group_not_found = ErrorRow(
    404,
    "ResourceGroupNotFound",
    recorded("10, 60"),
    "Resource group '{group}' could not be found.",
)
group_location_conflict = ErrorRow(
    409,
    "InvalidResourceGroupLocation",
    documented("Azure Resource Manager"),
    "Invalid resource group location '{requested}'. The Resource group already exists in location '{existing}'.",
)
group_being_deleted = ErrorRow(
    409,
    "ResourceGroupBeingDeleted",
    documented("Azure Resource Manager"),
    "The resource group '{group}' is in deprovisioning state and cannot perform this operation.",
)
group_location_unavailable = ErrorRow(
    400,
    "LocationNotAvailableForResourceGroup",
    quoted("microsoft/vscode-azureresourcegroups#33; code recorded (fact 34)"),
    "The provided location '{location}' is not available for resource group. List of available regions is '{regions}'.",
)
location_required = ErrorRow(
    400,
    "LocationRequired",
    documented("Azure Resource Manager"),
    "The location property is required for this definition.",
)
location_unavailable = ErrorRow(
    400,
    "LocationNotAvailableForResourceType",
    quoted("Azure/azure-rest-api-specs#8347"),
    "The provided location '{location}' is not available for resource type '{resource_type}'. "
    "List of available regions for the resource type is '{regions}'.",
)
location_conflict = ErrorRow(
    409,
    "InvalidResourceLocation",
    quoted("MicrosoftDocs/azure-docs#70422; the status belongs to the code"),
    "The resource '{name}' already exists in location '{existing}' in resource group '{group}'. A resource with the same "
    "name cannot be created in location '{requested}'. Please select a new resource name.",
)
resource_not_found = ErrorRow(
    404,
    "ResourceNotFound",
    recorded("16, fact 19"),
    "The Resource '{resource_type}/{name}' under resource group '{group}' was not found. "
    "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
)
parent_not_found = ErrorRow(
    404,
    "ParentResourceNotFound",
    recorded("60"),
    "Failed to perform '{action}' on resource(s) of type '{child_type}', because the parent resource '{parent_id}' could "
    "not be found.",
)
not_registered = ErrorRow(
    409,
    "MissingSubscriptionRegistration",
    recorded("30, 31, 60"),
    "The subscription is not registered to use namespace '{namespace}'. "
    "See https://aka.ms/rps-not-found for how to register subscriptions.",
    details=({"code": "MissingSubscriptionRegistration", "target": "{namespace}", "message": "{text}"},),
)
name_invalid = ErrorRow(
    400,
    "InvalidResourceName",
    ours("each service has its own text"),
    "'{name}' is not a valid name for {resource_type}: {rule}.",
)
operation_not_found = ErrorRow(404, "OperationNotFound", ours(), "There is no operation '{operation}'.")
identity_not_found = ErrorRow(
    400,
    "FailedIdentityOperation",
    recorded("60, shortened"),
    "Identity operation for resource '{resource_id}' failed with error 'Failed to perform resource identity operation. "
    'Status: \'BadRequest\'. Response: \'{{"error":{{"code":"BadRequest","message":"Resource \'{identity_id}\' was not '
    "found.\"}}}}'.'.",
)

# --- permissions and policies ---------------------------------------------------------------------------------------

authorization_failed = ErrorRow(
    403,
    "AuthorizationFailed",
    recorded("44, 60; the client is an application id (P37)"),
    "The client '{client}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope "
    "'{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
)
deny_assignment = ErrorRow(
    403,
    "DenyAssignmentAuthorizationFailed",
    quoted("for managed applications and Databricks, which work alike (P73)"),
    "The client '{client}' with object id '{object_id}' has permission to perform action '{action}' on scope '{scope}'; "
    "however, the access is denied because of the deny assignment with name 'System deny assignment created by {owner}' "
    "and Id '{assignment}' at scope '{group}'.",
)
disallowed_by_policy = ErrorRow(
    403,
    "RequestDisallowedByPolicy",
    quoted("Azure/azure-sdk-for-java#45273; kubernetes-sigs (P54)"),
    "Resource '{name}' was disallowed by policy. {reason}",
    target="{name}",
)

# --- throttling and gateways ----------------------------------------------------------------------------------------

throttled = ErrorRow(
    429,
    "SubscriptionRequestsThrottled",
    ours("code and header recorded (60, fact 36)"),
    "Number of requests exceeded the limit. Please try again after the time in Retry-After.",
    headers={"Retry-After": "{retry_after}"},
)
throttled_bare = ErrorRow(
    429,
    "TooManyRequests",
    recorded("60, fact 36"),
    "Too many requests. Please try again after sometime.",
)
throttled_capital = ErrorRow(
    429,
    "429",
    ours("the form is recorded (60, fact 36)"),
    "Too many requests at once. Retry the request later.",
)
throttled_in_text = ErrorRow(
    429,
    "ResourceRequestsThrottled",
    recorded("60"),
    "Number of requests for action '{action}' exceeded the limit of '150' for time interval '01:00:00'. "
    "Please try again after '{seconds}' seconds.",
)
retryable = ErrorRow(
    429,
    "RetryableError",
    recorded("60; the detail is shortened"),
    "A retryable error occurred.",
    details=(
        {
            "code": "ReferencedResourceNotProvisioned",
            "message": "Cannot proceed with operation because resource {resource_id} is not in Succeeded state.",
        },
    ),
)
bad_gateway = ErrorRow(
    502,
    "BadGatewayConnection",
    recorded("60"),
    "The network connectivity issue encountered for '{namespace}'; cannot fulfill the request.",
)
server_timeout = ErrorRow(
    503,
    "ServerTimeout",
    recorded("60, at the poll of an operation"),
    "The request timed out. Diagnostic information: timestamp '{timestamp}', subscription id '{subscription}', tracking id "
    "'{subscription}', request correlation id '{subscription}'.",
)
gateway_timeout = ErrorRow(
    504,
    "GatewayTimeout",
    recorded("25, 60"),
    "The gateway did not receive a response from '{namespace}' within the specified time period.",
)
failed_late = ErrorRow(
    409,
    "ResourceDeploymentFailure",
    partly("the chain is recorded (61, fact 12)"),
    "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
    target="{resource_id}",
    details=({"code": "InternalServerError", "message": f"{OWN}The operation was made to fail (fault late-failure)."},),
)

# --- role assignments and Microsoft Graph ---------------------------------------------------------------------------

role_assignment_limit = ErrorRow(
    400,
    "RoleAssignmentLimitExceeded",
    CODE_KNOWN,
    "The maximum number of role assignments for the subscription, {limit}, is reached.",
)
scope_locked = ErrorRow(
    409,
    "ScopeLocked",
    recorded("60"),
    "The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: '{locked}'. "
    "Please remove the lock and try again.",
)
lock_not_found = ErrorRow(
    404,
    "LockNotFound",
    ours("the code is the service's"),
    "The lock '{name}' does not exist.",
)
policy_definition_not_found = ErrorRow(
    404,
    "PolicyDefinitionNotFound",
    ours("the code is the service's"),
    "The policy definition '{name}' does not exist.",
)
policy_assignment_not_found = ErrorRow(
    404,
    "PolicyAssignmentNotFound",
    ours("the code is the service's"),
    "The policy assignment '{name}' does not exist.",
)
resource_type_unsupported = ErrorRow(
    404,
    "ResourceTypeNotSupported",
    recorded("60"),
    "Unsupported resource type: '{type}'.",
)
role_assignment_exists = ErrorRow(
    409,
    "RoleAssignmentExists",
    recorded("44"),
    "The role assignment already exists.",
)
role_assignment_not_found = ErrorRow(
    404,
    "RoleAssignmentNotFound",
    ours("code recorded (fact 32)"),
    "The role assignment '{name}' is not found.",
)
role_assignment_fixed = ErrorRow(
    400,
    "RoleAssignmentUpdateNotPermitted",
    quoted("Azure/Enterprise-Scale#1747"),
    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
)
role_definition_not_found = ErrorRow(
    404,
    "RoleDefinitionDoesNotExist",
    CODE_KNOWN,
    "The specified role definition with ID '{name}' does not exist.",
)
role_not_assignable = ErrorRow(
    400,
    "RoleDefinitionNotAssignableAtScope",
    ours(
        "no published text; custom roles can be assigned at their assignable scopes only (Microsoft Learn, custom roles)"
    ),
    "The role definition '{name}' cannot be assigned at the scope '{scope}', which is not one of its assignable scopes.",
)
condition_version_missing = ErrorRow(
    400,
    "InvalidConditionVersion",
    ours("no published text; the published type has 2.0 as the only version"),
    "A role assignment with a condition needs the condition version '2.0'.",
)
principal_invalid = ErrorRow(
    400,
    "InvalidPrincipalId",
    recorded("44"),
    "The Principal ID '{principal}' is not valid. Principal ID must be a GUID.",
)
principal_not_found = ErrorRow(
    400,
    "PrincipalNotFound",
    recorded("44; the GUID without dashes"),
    "Principal {principal} does not exist in the directory {tenant}. Check that you have the correct principal ID. If you "
    "are creating this principal and then immediately assigning a role, this error might be related to a replication delay. "
    "In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  "
    "See https://aka.ms/docs-principaltype",
)
principal_type_differs = ErrorRow(
    400,
    "UnmatchedPrincipalType",
    recorded("44, misspelling included; the GUID without dashes"),
    "The PrincipalId '{principal}' has type '{actual}' , which is different from specified PrinciaplType '{requested}'.",
)
graph_denied = ErrorRow(
    403,
    "Authorization_RequestDenied",
    recorded("45"),
    "Insufficient privileges to complete the operation.",
)
graph_not_found = ErrorRow(
    404,
    "Request_ResourceNotFound",
    recorded("45"),
    "Resource '{principal}' does not exist or one of its queried reference-property objects are not present.",
)
graph_no_user = ErrorRow(
    400,
    "BadRequest",
    quoted("pnp/pnpcore#905: a service principal's token has no signed-in user"),
    "/me request is only valid with delegated authentication flow.",
)
graph_app_unknown = ErrorRow(
    400,
    "Request_BadRequest",
    CODE_KNOWN,
    "The appId '{app_id}' of the service principal does not reference a valid application object.",
)
graph_exists = ErrorRow(
    409,
    "Request_MultipleObjectsWithSameKeyValue",
    CODE_KNOWN,
    "The service principal cannot be created because one for appId '{app_id}' already exists.",
)

# --- Key Vault through ARM ------------------------------------------------------------------------------------------

vault_name_invalid = ErrorRow(
    400,
    "VaultNameNotValid",
    quoted("OfficeDev/microsoft-teams-apps-newemployeeonboarding#28"),
    "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin "
    "with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: "
    "https://go.microsoft.com/fwlink/?linkid=2147742",
)
vault_name_taken = ErrorRow(
    409,
    "VaultAlreadyExists",
    recorded("18, as the text of checkNameAvailability; the status is second-hand"),
    "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already "
    "taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was "
    "recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then "
    "the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete "
    "and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.",
)
vault_soft_deleted = ErrorRow(
    409,
    "ConflictError",
    quoted("Azure/azure-cli#29115; the status is second-hand"),
    "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault.",
)
vault_not_deleted = ErrorRow(
    404,
    "SoftDeletedVaultDoesNotExist",
    ours("code quoted (azurerm#12972)"),
    "A soft deleted vault with the name '{name}' does not exist in this subscription and location.",
)
deleted_vault_not_found = ErrorRow(
    404,
    "DeletedVaultNotFound",
    recorded("02, 12"),
    "The specified deleted vault '{name}' does not exist. Ensure that the vault was indeed deleted and that it is in "
    "recoverable state. If soft delete was not enabled then the vault is permanently deleted. Follow this link for more "
    "information: https://go.microsoft.com/fwlink/?linkid=2149745",
)
purge_protection_stays = ErrorRow(
    400,
    "BadRequest",
    quoted("Azure/azure-cli#29115, Azure/azure-rest-api-specs#18106"),
    'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an '
    "irreversible action.",
)
retention_stays = ErrorRow(
    400,
    "BadRequest",
    ours("that it cannot be modified is documented"),
    'The property "softDeleteRetentionInDays" has been set already ({existing}) and it cannot be modified.',
)
retention_out_of_range = ErrorRow(
    400,
    "BadRequest",
    ours("the range is documented"),
    "softDeleteRetentionInDays must be from 7 to 90, not {days}.",
)
vault_purge_refused = ErrorRow(
    405,
    "MethodNotAllowed",
    quoted("microsoft/AzureTRE#1446; the status belongs to the code, second-hand"),
    "Operation 'DeletedVaultPurge' is not allowed.",
)
policy_tenant_differs = ErrorRow(
    400,
    "BadRequest",
    documented("the published type of a vault"),
    "All identities in the array must use the same tenant ID as the key vault's tenant ID.",
)
policy_identity_invalid = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The objectId '{object_id}' of an access policy is not a GUID.",
)
key_permission_unknown = ErrorRow(400, "BadRequest", ours(), "The key permission '{word}' does not exist.")
policies_per_call = ErrorRow(
    400,
    "BadRequest",
    ours("the limit is documented"),
    "At most {most} access policies can be sent at once, not {sent}.",
)
policies_per_vault = ErrorRow(
    400,
    "BadRequest",
    ours("the limit is documented"),
    "A vault can have {most} access policies at most.",
)
key_not_found = ErrorRow(
    404,
    "KeyNotFound",
    ours("the recorded KeyNotFound is the data plane's"),
    "A key with (name/id) {name} was not found in this key vault.",
)
key_soft_deleted = ErrorRow(
    409,
    "Conflict",
    quoted("azure-sdk-for-cpp, for the data plane; code and status in ARM are unpublished"),
    "Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can "
    "only be recovered or purged.",
)
key_needs_premium = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "A key of type {kty} needs a vault of sku premium; this one is standard.",
)
key_size_unsupported = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "keySize {size} is not supported; use {supported}.",
)
key_operations_unsupported = ErrorRow(
    400,
    "BadRequest",
    ours("after the data plane's text for certificates, quoted in Azure/AzureKeyVault#22"),
    'Unsupported key operation(s): {operations}. Supported values are "sign", "verify".',
)
key_tags_exceeded = ErrorRow(
    400,
    "BadParameter",
    ours("the limit is documented"),
    "A key has {limit} tags at most, not {sent}.",
)
key_dates_reversed = ErrorRow(400, "BadRequest", ours(), "The attribute exp must be later than nbf.")

# --- associated resources -------------------------------------------------------------------------------------------

storage_name_taken = ErrorRow(
    409,
    "StorageAccountAlreadyTaken",
    documented("the storage provider"),
    "The storage account named {name} is already taken.",
)
storage_quota = ErrorRow(
    409,
    "MaxStorageAccountsCountPerSubscriptionExceeded",
    ours("that a region has a limit is documented"),
    "Subscription {subscription} already contains {used} storage accounts in location {location} and the maximum allowed is "
    "{limit}.",
)
storage_sku_unavailable = ErrorRow(
    400,
    "SkuNotAvailable",
    ours("that zone-redundant storage needs a region with zones is documented"),
    "The requested sku {sku} is not available in location {location}.",
)
storage_tag_too_long = ErrorRow(
    400,
    "InvalidTagNameLength",
    ours("the limit is documented"),
    "The name of the tag '{name}' has {length} characters; a tag's name on a storage account has {limit} at most.",
)
private_range = ErrorRow(
    400,
    "BadRequest",
    ours("that ranges of private networks are refused is documented"),
    "The IP rule '{value}' is refused: only public addresses and ranges are allowed.",
)
small_range = ErrorRow(
    400,
    "InvalidValuesForRequestParameters",
    ours("that small ranges are refused is documented"),
    "The IP rule '{value}' is refused: ranges with the prefixes /31 and /32 are not supported.",
)
storage_name_invalid = ErrorRow(
    400,
    "AccountNameInvalid",
    quoted("Azure/azure-rest-api-specs#4594, as the text of checkNameAvailability"),
    "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and "
    "use numbers and lower-case letters only.",
)
storage_hns_fixed = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "isHnsEnabled is set once, when the account is created.",
)
storage_double_encryption_fixed = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "requireInfrastructureEncryption is set once, when the account is created.",
)
storage_keys_not_permitted = ErrorRow(
    403,
    "KeyBasedAuthenticationNotPermitted",
    documented("Storage: common error codes"),
    "Key based authentication is not permitted on this storage account.",
)
container_not_found = ErrorRow(
    404,
    "ContainerNotFound",
    documented("Storage: Blob service error codes"),
    "The specified container does not exist.",
)
registry_name_taken = ErrorRow(
    409,
    "AlreadyInUse",
    CODE_KNOWN,
    "The registry DNS name {name} is already in use.",
)
registry_needs_premium = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "{feature} of a registry needs the sku Premium.",
)
retention_refused = ErrorRow(
    400,
    "BadRequest",
    ours("the values are documented"),
    "{property} is {days}; allowed are {allowed}.",
)
registry_without_admin = ErrorRow(
    400,
    "UnAuthorizedForCredentialOperations",
    ours("the code is the service's"),
    "The registry '{name}' has no admin user.",
)
registry_encryption_fixed = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "Encryption with a customer-managed key is chosen once, when the registry is created.",
)
diagnostic_setting_missing = ErrorRow(
    404,
    "ResourceNotFound",
    ours(),
    "The diagnostic setting {name} does not exist.",
)
diagnostic_sink_needed = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "A diagnostic setting needs a Log Analytics workspace, a storage account, an event hub or a partner to send to.",
)
diagnostic_nothing_sent = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "A diagnostic setting needs at least one log or metric.",
)
diagnostic_sink_missing = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The destination {sink} does not exist.",
)
diagnostic_sink_is_source = ErrorRow(
    400,
    "BadRequest",
    ours("the limit is documented: Monitor Azure Blob Storage, destination limitations"),
    "A storage account cannot receive its own logs.",
)
diagnostic_category_unknown = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "Category '{category}' is not supported.",
)
diagnostic_sink_used = ErrorRow(
    409,
    "Conflict",
    quoted("Azure/terraform-azurerm-avm-ptn-aiml-landing-zone#19"),
    "Data sink '{sink}' is already used in diagnostic setting '{setting}' for category '{category}'. Data sinks can't be "
    "reused in different settings on the same category for the same resource.",
)
log_workspace_recovered_elsewhere = ErrorRow(
    409,
    "Conflict",
    ours("that a recovery needs the same group, name and region is documented"),
    "The Log Analytics workspace '{name}' was deleted in location {existing} and can be recovered there; it cannot be created in "
    "{requested}.",
)
log_workspace_missing = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The Log Analytics workspace '{workspace}' does not exist.",
)
des_key_url_invalid = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The keyUrl '{url}' is not the address of a version of a key.",
)
des_key_elsewhere = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The keyUrl '{url}' is not in the vault '{vault}'.",
)
des_not_found = ErrorRow(
    404,
    "NotFound",
    recorded("74, 84: a set that was deleted"),
    "DiskEncryptionSet '{name}' was not found.",
)
des_key_missing = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The key '{url}' does not exist.",
)

# --- Azure Machine Learning workspaces ------------------------------------------------------------------------------

purge_protection_required = ErrorRow(
    400,
    "BadRequest",
    quoted("MicrosoftDocs/azure-docs#108584"),
    "CMK workspaces should have purge protection enabled on their CMK keyvault.",
)
dependents_missing = ErrorRow(
    400,
    "ValidationError",
    quoted("Azure/azure-rest-api-specs#15878"),
    "Missing dependent resources in workspace json",
)
identity_unauthorised = ErrorRow(
    400,
    "BadRequest",
    quoted("in a field report, about Microsoft.KeyVault/vaults/read; the parts it leaves out are filled in"),
    "User assigned identity doesn't have enough permissions. The client '{client_id}' with object id '{object_id}' does not "
    "have authorization to perform action '{action}' over scope '{scope}'.",
)
immutable_changed = ErrorRow(
    500,
    "InternalServerError",
    quoted("Azure/bicep-registry-modules#3849: the whole text"),
    "InternalServerError",
)
workspace_soft_deleted = ErrorRow(
    400,
    "BadRequest",
    quoted("Azure/ResourceModules#3596"),
    "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
)
key_identifier_invalid = ErrorRow(
    400, "BadRequest", ours(), "keyIdentifier '{identifier}' is not the address of a key."
)
key_version_missing = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "keyIdentifier '{identifier}' must include the version of the key.",
)
key_vault_id_invalid = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "keyVaultArmId '{vault}' is not the resource id of a key vault.",
)
key_vault_elsewhere = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The key vault is in subscription {vault}, the workspace in {workspace}.",
)
key_vault_missing = ErrorRow(400, "BadRequest", ours(), "The key vault '{vault}' does not exist.")
key_host_differs = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "keyIdentifier is at '{host}', but the key vault is at '{expected}'.",
)
workspace_key_missing = ErrorRow(400, "BadRequest", ours(), "The key '{identifier}' does not exist.")
workspace_key_disabled = ErrorRow(
    400,
    "KeyDisabled",
    quoted("the EKM proxy API, for the verb (P20)"),
    "Operation WrapKey is not allowed on a disabled key",
)
workspace_key_expired = ErrorRow(400, "BadRequest", ours(), "The key '{name}' has expired.")
workspace_key_not_yet_valid = ErrorRow(400, "BadRequest", ours(), "The key '{name}' is not valid yet.")
workspace_key_type = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The key '{name}' is of type {kty}; it must be RSA or RSA-HSM.",
)
workspace_key_operations = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The key '{name}' does not permit wrapKey and unwrapKey.",
)
workspace_without_key = ErrorRow(
    403,
    "Forbidden",
    ours("that the services behind the workspace fail is documented"),
    "The data of the workspace '{name}' is out of reach: the customer-managed key cannot be used.",
)
too_many_deployments = ErrorRow(
    400,
    "BadRequest",
    ours("the limit is documented"),
    "The endpoint '{name}' has {most} deployments, which is the limit.",
)
service_side_needs_policies = ErrorRow(
    400,
    "BadRequest",
    ours("one field report (P42)"),
    "With a system-assigned identity, service-side encryption needs a vault with access policies: the workspace's identity "
    "does not exist yet, so no role can have been assigned to it.",
)
identity_missing = ErrorRow(400, "BadRequest", ours(), "The user-assigned identity '{identity}' does not exist.")
identity_may_not_use_key = ErrorRow(
    403,
    "Forbidden",
    ours(),
    "The identity '{identity}' may not get, wrap and unwrap with the key.",
)
cosmos_may_not_use_key = ErrorRow(
    403,
    "Forbidden",
    ours(),
    "Azure Cosmos DB (application id {app_id}) may not get, wrapKey and unwrapKey with the key '{key}' of the vault "
    "'{vault}'. Grants count by object id, not by application id, and may take a while to take effect.",
)
GRANT_MISSING = frozenset({identity_unauthorised, identity_may_not_use_key, cosmos_may_not_use_key})
"""Rows about a missing permission on the vault or the key; Azure remembers these by the workspace's name (P38)."""

associated_id_invalid = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "{field} '{value}' is not the resource id of {resource_type}.",
)
associated_missing = ErrorRow(
    400,
    "BadRequest",
    ours("that the creation is accepted and goes on is recorded (02)"),
    "The resource '{resource_type}/{name}' under resource group '{group}', which the workspace refers to, was not found.",
)
compute_action_missing = ErrorRow(
    400,
    "BadRequest",
    ours("that the parameter is required is published"),
    "The query parameter underlyingResourceAction is required: Delete or Detach.",
)
hub_missing = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The hub '{hub}' of the project does not exist, or is not a workspace of kind Hub.",
)
project_encrypted = ErrorRow(
    400,
    "BadRequest",
    ours("that a project has the encryption of its hub is documented"),
    "A project has the encryption of its hub: 'encryption' must not be sent for '{name}'.",
)
project_elsewhere = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The project '{name}' must be in the region of its hub, '{location}'.",
)
hub_in_use = ErrorRow(
    409,
    "Conflict",
    ours("that a hub's projects are deleted before it is documented"),
    "The hub '{name}' has projects ({projects}) and cannot be deleted before them.",
)
reader_foreign = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The identity '{identity}' is to read the key, and is not one of the workspace's identities.",
)
settings_of_another_kind = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "'{field}' belongs to a workspace of kind {wanted}, and this one is of kind {kind}.",
)
storage_unsuitable = ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The storage account must not be Premium and must not have a hierarchical namespace.",
)
datastore_without_secrets = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The datastore '{name}' has no secrets: the workspace reads it with its identity.",
)
network_not_isolated = ErrorRow(
    400,
    "BadRequest",
    ours(),
    "The isolation mode of the managed network is Disabled: there is nothing to provision.",
)

# --- the managed resource group of a workspace ----------------------------------------------------------------------

no_capacity = ErrorRow(
    503,
    "ServiceUnavailable",
    quoted("microsoft/vscode-cosmosdb#1410, #1631 (P59)"),
    "Sorry, we are currently experiencing high demand in this region, and cannot fulfill your request at this time. We work "
    "continuously to bring more and more capacity online, and encourage you to try again shortly. Please do not hesitate to "
    "contact us via Azure support at any time or for any reason using this link http://aka.ms/azuresupport.\r\n"
    "ActivityId: {activity}, Microsoft.Azure.Documents.Common/2.14.0",
)
half_made = ErrorRow(
    400,
    "BadRequest",
    quoted("Azure/bicep#7316, Azure/azure-sdk-for-python#27024 (P60)"),
    "DatabaseAccount {account} is in a failed provisioning state because the previous attempt to create it was not "
    "successful. Please delete the previous instance before attempting to recreate this account.\r\n"
    "ActivityId: {activity}, Microsoft.Azure.Documents.Common/2.14.0",
)
search_quota = ErrorRow(
    409,
    "ServiceQuotaExceeded",
    quoted("Azure/azure-sdk-for-net#31546, as far as it goes (P58)"),
    "Operation would exceed 'standard' tier service quota. You are using {used} out of {limit} 'standard' tier service quota.",
)
cosmos_quota = ErrorRow(
    400,
    "BadRequest",
    quoted("OfficeDev/microsoft-teams-apps-askaway, wiki; code and status are the service's"),
    "The subscription is exceeding the maximum number of allowed DatabaseAccounts. The current DatabaseAccount count is {used} "
    "and maximum allowed DatabaseAccounts are {limit}",
)
managed_group_failed = ErrorRow(
    400,
    "BadRequest",
    ours("around the cause; how Azure ML wraps it is unpublished"),
    "The resources that Azure Machine Learning manages for the workspace could not be created.",
)

# --- deployments ----------------------------------------------------------------------------------------------------

template_invalid = ErrorRow(
    400,
    "InvalidTemplate",
    partly("the frame is documented (error-invalid-template)"),
    f"Deployment template validation failed: '{OWN}{{problem}}'.",
)
template_segments = ErrorRow(
    400,
    "InvalidTemplate",
    documented("error-invalid-template"),
    "Deployment template validation failed: 'The template resource '{name}' for type '{resource_type}' has incorrect "
    "segment lengths.'.",
)
template_value_not_allowed = ErrorRow(
    400,
    "InvalidTemplate",
    documented("error-invalid-template"),
    "Deployment template validation failed: 'The provided value {value} for the template parameter {parameter} is not "
    "valid. The parameter value is not part of the allowed values'.",
)
deployment_not_found = ErrorRow(404, "DeploymentNotFound", CODE_KNOWN, "Deployment '{name}' could not be found.")
deployment_active = ErrorRow(
    409,
    "DeploymentActive",
    CODE_KNOWN,
    "Unable to edit or replace deployment '{name}': the previous deployment from '{began}' is still active.",
)
deployment_failed = ErrorRow(
    409,
    "DeploymentFailed",
    recorded("61"),
    "At least one resource deployment operation failed. Please list deployment operations for details. "
    "Please see https://aka.ms/arm-deployment-operations for usage details.",
    target="{target}",
)
deployment_refused = ErrorRow(
    400,
    "InvalidTemplateDeployment",
    documented("error-invalid-template-deployment"),
    "The template deployment '{name}' is not valid according to the validation procedure. The tracking id is '{tracking}'. "
    "See inner errors for details.",
)
deployment_denied = ErrorRow(
    400,
    "InvalidTemplateDeployment",
    documented("error-policy-requestdisallowedbypolicy"),
    "The template deployment failed because of policy violation. Please see details for more information.",
)
deployment_resource_failed = ErrorRow(
    409,
    "ResourceDeploymentFailure",
    recorded("61"),
    "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
    target="{target}",
)
deployment_expression = ErrorRow(400, "InvalidTemplate", CODE_KNOWN, "{problem}.")
deployment_outputs = ErrorRow(
    409,
    "DeploymentOutputEvaluationFailed",
    CODE_KNOWN,
    "Unable to evaluate template outputs: {problem}",
)

# --- Key Vault's data plane -----------------------------------------------------------------------------------------

_FORBIDDEN = (403, "Forbidden")

host_unknown = ErrorRow(
    400,
    "NameDoesNotResolve",
    ours("in Azure the name does not resolve, so that there is no response"),
    "In Azure the host name '{host}' would not resolve: {why}. A client there sees a DNS failure.",
)
vault_wrong_audience = ErrorRow(
    401,
    "Unauthorized",
    quoted("several public walk-throughs; MicrosoftDocs/azure-docs#109562"),
    "AKV10022: Invalid audience. Expected {resource}, found: {audience}.",
    headers=_VAULT_CHALLENGE,
)
vault_wrong_tenant = ErrorRow(
    401,
    "Unauthorized",
    quoted("azure-sdk-for-net, sdk/keyvault/TROUBLESHOOTING.md"),
    "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/, found {issuer}.",
    headers=_VAULT_CHALLENGE,
)
vault_token_forged = ErrorRow(
    401,
    "Unauthorized",
    partly("the first sentence is quoted (hashicorp/terraform-provider-azurerm#30912)"),
    f"AKV10046: Unable to resolve the key used for signature validation. {OWN}Not a token of this sandbox.",
    headers=_VAULT_CHALLENGE,
)
vault_token_expired = ErrorRow(
    401,
    "Unauthorized",
    CODE_KNOWN,
    "The access token has expired.",
    headers=_VAULT_CHALLENGE,
)
value_not_encryptable = ErrorRow(400, "BadParameter", CODE_KNOWN, "The value cannot be encrypted: {problem}.")
value_not_decryptable = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "The value cannot be decrypted with this key and algorithm.",
)
digest_size_differs = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "A digest for {algorithm} has {expected} bytes, not {size}.",
)
algorithm_unsupported = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "The algorithm '{algorithm}' is not supported for this key. Supported: {supported}.",
)
duration_invalid = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "'{duration}' is not an ISO 8601 duration of years, months and days, such as P90D.",
)
expiry_too_short = ErrorRow(400, "BadParameter", CODE_KNOWN, "expiryTime must be at least {least} days, not {days}.")
lifetime_actions_repeated = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "lifetimeActions can have one Rotate and one Notify.",
)
trigger_ambiguous = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "A trigger has either timeAfterCreate or timeBeforeExpiry.",
)
notify_after_create = ErrorRow(400, "BadParameter", CODE_KNOWN, "A Notify action can only have timeBeforeExpiry.")
trigger_needs_expiry = ErrorRow(400, "BadParameter", CODE_KNOWN, "timeBeforeExpiry needs an expiryTime in the policy.")
trigger_too_close = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "A trigger is at least {least} days from creation and from expiry.",
)
exponent_fixed = ErrorRow(400, "BadParameter", CODE_KNOWN, "public_exponent can only be chosen in a managed HSM.")
vault_key_size_unsupported = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "key_size {size} is not supported for {kind}; RSA has 2048, 3072 and 4096.",
)
curve_of_rsa = ErrorRow(400, "BadParameter", CODE_KNOWN, "crv is for elliptic curve keys.")
imported_size_unsupported = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "A key of {size} bits is not supported; RSA has 2048, 3072 and 4096.",
)
key_name_invalid = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "'{name}' is not a name for a key: 1-127 letters, digits and hyphens.",
)
key_type_of_hsm = ErrorRow(400, "BadParameter", CODE_KNOWN, "Keys of type {kind} are for managed HSMs, not for vaults.")
vault_key_needs_premium = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "A key of type {kind} needs a vault of sku premium; this one is standard.",
)
release_policy_missing = ErrorRow(400, "BadParameter", CODE_KNOWN, "An exportable key needs a release_policy.")
vault_key_dates_reversed = ErrorRow(400, "BadParameter", CODE_KNOWN, "The attribute exp must be later than nbf.")
vault_version_missing = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "The api-version query parameter is required for all requests.",
)
skiptoken_invalid = ErrorRow(
    400,
    "BadParameter",
    CODE_KNOWN,
    "The $skiptoken is not one that was handed out: follow nextLink as it is.",
)
maxresults_out_of_range = ErrorRow(
    400, "BadParameter", CODE_KNOWN, "maxresults must be from 1 to {most}, not {requested}."
)
private_key_invalid = ErrorRow(400, "BadParameter", CODE_KNOWN, "The JSON Web Key is not a private key: {problem}.")
value_not_base64url = ErrorRow(400, "BadParameter", CODE_KNOWN, "Property {name} is not base64url.")
vault_body_invalid = ErrorRow(400, "BadParameter", CODE_KNOWN, "{problem}")
public_access_disabled = ErrorRow(
    *_FORBIDDEN,
    quoted("microsoft/multimodal-ai#171"),
    "Public network access is disabled and request is not from a trusted service nor via an approved private link."
    "\r\nCaller: {caller}\r\nVault: {vault}",
    inner="ForbiddenByConnection",
)
address_not_allowed = ErrorRow(
    *_FORBIDDEN,
    quoted("hashicorp/terraform-provider-azurerm#20742, Azure/sap-automation#245"),
    "Client address is not authorized and caller is not a trusted service."
    "\r\nClient address: {address}\r\nCaller: {caller}\r\nVault: {vault}",
    inner="ForbiddenByFirewall",
)
forbidden_by_policy = ErrorRow(
    *_FORBIDDEN,
    recorded("62"),
    "The user, group or application '{caller}' does not have {permission} permission on key vault '{vault}'. "
    "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
    inner="ForbiddenByPolicy",
)
forbidden_by_role = ErrorRow(
    *_FORBIDDEN,
    quoted("in full: hashicorp/terraform-provider-azurerm#27817 (P30, P31)"),
    "Caller is not authorized to perform action on resource.\r\n"
    "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time."
    "\r\nCaller: {caller}\r\nAction: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\n"
    "DenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: {vault}\r\n",
    inner="ForbiddenByRbac",
)
vault_secret_not_found = ErrorRow(
    404,
    "SecretNotFound",
    ours("the text for a key is quoted"),
    "A secret with (name/id) {name} was not found in this key vault.",
)
vault_certificate_not_found = ErrorRow(
    404,
    "CertificateNotFound",
    ours("the text for a key is quoted"),
    "A certificate with (name/id) {name} was not found in this key vault.",
)
vault_key_not_found = ErrorRow(
    404,
    "KeyNotFound",
    quoted("azure-sdk-for-js (recorded), azure-sdk-for-cpp (compared word for word)"),
    "A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you may be able to "
    "recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182",
)
vault_operations_unsupported = ErrorRow(
    400,
    "BadParameter",
    quoted("Azure/AzureKeyVault#22 for certificates (P17); assumed for keys"),
    "Unsupported key operation(s): {sent}. Supported values are {supported}.",
)
release_policy_refused = ErrorRow(
    400,
    "BadParameter",
    quoted("Azure/azure-cli#28288"),
    "AKV.SKR.1005: Non-exportable keys must not have release policy",
)
deleted_key_not_found = ErrorRow(404, "KeyNotFound", recorded("62"), "Deleted Key not found: {name}")
key_being_deleted = ErrorRow(
    409,
    "Conflict",
    recorded("62"),
    "Key {name} is currently being deleted.",
    inner="ObjectIsBeingDeleted",
)
key_name_being_deleted = ErrorRow(
    409,
    "Conflict",
    quoted("azure-sdk-for-cpp compares it word for word"),
    "Key {name} is currently being deleted and cannot be re-created; retry later.",
    inner="ObjectIsBeingDeleted",
)
key_name_soft_deleted = ErrorRow(
    409,
    "Conflict",
    quoted("azure-sdk-for-cpp compares it word for word (P22)"),
    key_soft_deleted.text,
    inner="ObjectIsDeletedButRecoverable",
)
key_purge_refused = ErrorRow(
    *_FORBIDDEN,
    quoted("Azure/sap-automation#200; the inner code is unpublished"),
    'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
    "automatically purge it after the retention period has passed.\r\nVault: {vault}",
)
vault_key_disabled = ErrorRow(
    *_FORBIDDEN,
    quoted("Azure/azure-sdk-for-python#45342 for decrypt, sign and unwrap; assumed for all six (P20)"),
    "Operation {operation} is not allowed on a disabled key.",
    inner="KeyDisabled",
)
vault_key_expired = ErrorRow(
    *_FORBIDDEN,
    ours("that it is refused with 403 is documented (P21)"),
    "Operation {operation} is not allowed on an expired key.",
    inner="KeyExpired",
)
vault_key_not_yet_valid = ErrorRow(
    *_FORBIDDEN,
    ours("that it is refused with 403 is documented (P21)"),
    "Operation {operation} is not allowed on a key that is not yet valid.",
    inner="KeyNotYetValid",
)
operation_not_permitted = ErrorRow(
    *_FORBIDDEN,
    quoted("azure-sdk-for-net, sdk/keyvault/TROUBLESHOOTING.md; Azure/azure-sdk-for-net#11518"),
    "Operation {operation} is not permitted on this key.",
    inner="KeyOperationForbidden",
)
contacts_not_found = ErrorRow(
    404,
    "ContactsNotFound",
    CODE_KNOWN,
    "The vault {vault} has no contacts.",
)
