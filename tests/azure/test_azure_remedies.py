"""Every explanation, from the body that the service sends to the remedy that people read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Final

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError
from support.reference import RECORDINGS, needs_reference
from support.scripted import ARM, Answer, http_error

from cmkctl.azure.errors import classify, operation_failure
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.policy_remedies import _BY_ID, _OWN_VAULT, _SETTINGS
from cmkctl.azure.remedies import BY_KIND, EXPLANATIONS, WITHOUT_A_REASON, diagnose, explanation_of
from cmkctl.diagnostics import Diagnostic
from cmkctl.profile.fields import profile_fields

SUBSCRIPTION: Final = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP: Final = f"{SUBSCRIPTION}/resourceGroups/rg-ml"
ASSIGNMENT: Final = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/deny-shared-keys"
DEFINITION: Final = "/providers/Microsoft.Authorization/policyDefinitions/8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54"
OBJECT_ID: Final = "674368bb-7eaa-4100-aef7-138f65f50648"

VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml"
STORAGE: Final = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stml"
COMPONENT: Final = f"{GROUP}/providers/Microsoft.Insights/components/appi-ml"
WORKSPACE: Final = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"


def error(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an ARM error body."""
    return {"error": {"code": code, "message": message, **more}}


def failed(body: Any, *, status: int = 400, path: str = VAULT, method: str = "PUT", host: str = ARM) -> Failure:
    """Return the failure that a response is classified as."""
    return classify(http_error(Answer(status, body), method, f"{host}{path}?api-version=1"))


def denied_by_policy(
    resource_type: str, name: str, field: str, operator: str, target: Any, value: Any
) -> dict[str, Any]:
    """Return the body of a denial, in the form that Azure documents and issue threads quote (azure-sdk-for-java#45273)."""
    rows = [
        {
            "expression": "type",
            "path": "type",
            "expressionValue": resource_type,
            "targetValue": resource_type,
            "operator": "Equals",
        },
        {
            "expression": field,
            "path": "properties.x",
            "expressionValue": value,
            "targetValue": target,
            "operator": operator,
        },
    ]
    info = {
        "evaluationDetails": {
            "evaluatedExpressions": [{"result": "True", "expressionKind": "Field", **each} for each in rows]
        },
        "policyDefinitionId": DEFINITION,
        "policyDefinitionName": "8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54",
        "policyDefinitionDisplayName": "Storage accounts should prevent shared key access",
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": ASSIGNMENT,
        "policyAssignmentName": "deny-shared-keys",
        "policyAssignmentDisplayName": "No shared keys",
        "policyAssignmentScope": SUBSCRIPTION,
    }
    message = (
        f"Resource '{name}' was disallowed by policy. Reasons: 'This request was denied due to internal policy.'. See error "
        "details for policy resource IDs."
    )
    return error(
        "RequestDisallowedByPolicy", message, target=name, additionalInfo=[{"type": "PolicyViolation", "info": info}]
    )


# Policies (G6, G7, G8; P54, P55)


def shared_keys() -> Failure:
    """Return the denial of a storage account of ours (G7)."""
    field = "Microsoft.Storage/storageAccounts/allowSharedKeyAccess"
    body = denied_by_policy("Microsoft.Storage/storageAccounts", "stml", field, "NotEquals", "false", "true")
    return failed(body, status=403, path=STORAGE)


def test_a_policy_denial_names_resource_definition_assignment_and_condition() -> None:
    """The ids are those of additionalInfo, not guesses from the message."""
    diagnostic = diagnose(shared_keys())

    assert ("CMK313", "Denied by Azure Policy") == (diagnostic.code, diagnostic.summary)
    assert (
        "Denied Microsoft.Storage/storageAccounts 'stml': policy 'Storage accounts should prevent shared key access' "
        f"({DEFINITION}), assigned as 'No shared keys' ({ASSIGNMENT}), which requires "
        "Microsoft.Storage/storageAccounts/allowSharedKeyAccess = false, found true."
    ) in diagnostic.detail
    assert "See error details" not in diagnostic.detail


def test_a_denied_storage_account_of_ours_has_a_field() -> None:
    """The remedy fits the denied resource: service-side encryption would not help."""
    remedy = diagnose(shared_keys()).remedy

    assert "Set associated_resources.storage_account.shared_keys: disabled." in remedy
    assert f"--policy-assignment {ASSIGNMENT} --scope {GROUP}." in remedy
    assert "service-side" not in remedy


def test_a_missing_tag_is_a_field_of_the_profile() -> None:
    """A group without a required tag needs the tag, no exemption first (G8)."""
    group = "Microsoft.Resources/subscriptions/resourceGroups"
    body = denied_by_policy(group, "rg-ml", "tags[CostCenter]", "Exists", "false", None)

    diagnostic = diagnose(failed(body, status=403, path=f"{SUBSCRIPTION}/resourcegroups/rg-ml"))

    assert diagnostic.remedy.startswith("Add the tag to the profile: tags: {CostCenter: VALUE}.")
    assert "which requires tags[CostCenter]." in diagnostic.detail
    assert f"--scope {SUBSCRIPTION}." in diagnostic.remedy


@pytest.mark.parametrize("spelled", ["tags['CostCenter']", "tags.CostCenter", "tags[CostCenter]"])
def test_every_spelling_of_a_tag_is_read(spelled: str) -> None:
    """Policies write tags in three ways."""
    body = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", spelled, "Exists", "false", None)

    assert "{CostCenter: VALUE}" in diagnose(failed(body, status=403)).remedy


@pytest.mark.parametrize(
    ("resource_type", "field", "operator", "target", "remedy"),
    [
        ("Microsoft.KeyVault/vaults", "networkAcls.defaultAction", "NotEquals", "Deny", "Set key_vault.network.default_action: Deny if 'x' is"),
        ("Microsoft.KeyVault/vaults", "publicNetworkAccess", "NotEquals", "Disabled", "set associated_resources.key_vault.network.public_access: disabled."),
        ("Microsoft.KeyVault/vaults/keys", "keySize", "NotIn", ["3072", "4096"], "Set key.size to one of 3072, 4096."),
        ("Microsoft.Storage/storageAccounts", "sku.name", "Equals", "Standard_LRS", "Set associated_resources.storage_account.sku."),
        ("Microsoft.MachineLearningServices/workspaces", "publicNetworkAccess", "NotEquals", "Disabled", "workspace.public_network_access: disabled"),
        ("Microsoft.KeyVault/vaults", "enableRbacAuthorization", "Equals", "false", "Set key_vault.authorization: rbac if 'x' is"),
        ("Microsoft.KeyVault/vaults", "softDeleteRetentionInDays", "Less", "90", "Set key_vault.soft_delete_days: 90 if 'x' is"),
        ("Microsoft.MachineLearningServices/workspaces", "hbiWorkspace", "NotEquals", "true", "Set workspace.high_business_impact: true."),
        ("Microsoft.Insights/components", "DisableLocalAuth", "NotEquals", "true", "Set associated_resources.application_insights.local_authentication: disabled."),
        ("Microsoft.MachineLearningServices/workspaces", "managedNetwork.isolationMode", "NotIn", ["AllowOnlyApprovedOutbound", "AllowInternetOutbound"], "Set workspace.managed_network.isolation_mode to one of AllowOnlyApprovedOutbound, AllowInternetOutbound."),
        ("Microsoft.MachineLearningServices/workspaces", "managedNetwork.firewallSku", "NotEquals", "Standard", "Set workspace.managed_network.firewall_sku: Standard."),
        ("Microsoft.MachineLearningServices/workspaces", "v1LegacyMode", "NotEquals", "false", "Set workspace.v1_legacy_mode: false."),
        ("Microsoft.MachineLearningServices/workspaces", "imageBuildCompute", "Exists", "false", "Set workspace.image_build_compute."),
        ("Microsoft.MachineLearningServices/workspaces", "encryption.status", "NotEquals", "Disabled", "cmkctl creates no workspace without a customer-managed key."),
        ("Microsoft.Storage/storageAccounts", "encryption.keySource", "NotEquals", "Microsoft.Keyvault", "Set associated_resources.storage_account.encryption: customer."),
        ("Microsoft.Storage/storageAccounts", "encryption.keySource", "NotEquals", "Microsoft.Storage", "Have a storage account created that complies"),
        ("Microsoft.Storage/storageAccounts", "networkAcls.ipRules[*].value", "Exists", "false", "Set associated_resources.storage_account.network.ip_rules."),
        ("Microsoft.Storage/storageAccounts", "networkAcls.defaultAction", "Equals", "Allow", "Set associated_resources.storage_account.network.default_action: Deny."),
        ("Microsoft.ContainerRegistry/registries", "encryption.status", "NotEquals", "enabled", "Set associated_resources.container_registry.encryption: customer."),
        ("Microsoft.ContainerRegistry/registries", "anonymousPullEnabled", "NotEquals", "false", "Have a container registry created that complies"),
        ("Microsoft.KeyVault/vaults", "enablePurgeProtection", "NotEquals", "true", "set associated_resources.key_vault.purge_protection: true."),
        ("Microsoft.KeyVault/vaults", "enabledForDeployment", "Equals", "true", "Set key_vault.enabled_for_deployment: false if 'x' is"),
        ("Microsoft.KeyVault.Data/vaults/keys", "attributes.expiresOn", "Exists", "false", "Set key.expires."),
        ("Microsoft.KeyVault.Data/vaults/keys", "keyType", "NotIn", ["RSA-HSM", "EC-HSM"], "Set key.type to one of RSA-HSM, EC-HSM."),
    ],
)  # fmt: skip
def test_a_condition_leads_to_the_field_that_sets_it(
    resource_type: str, field: str, operator: str, target: Any, remedy: str
) -> None:
    """The field of the profile, with the value that the policy wants where it names one."""
    body = denied_by_policy(resource_type, "x", f"{resource_type}/{field}", operator, target, None)

    assert remedy in diagnose(failed(body, status=403, path=f"{GROUP}/providers/{resource_type}/x")).remedy


@pytest.mark.parametrize(
    ("resource_type", "remedy"),
    [
        (
            "Microsoft.Insights/components",
            "set associated_resources.application_insights.id to an Application Insights component that exists.",
        ),
        ("Microsoft.ContainerRegistry/registries", "set associated_resources.container_registry.id"),
        ("Microsoft.MachineLearningServices/workspaces", "No setting makes the policy allow this type. If"),
    ],
)
def test_a_type_that_a_policy_does_not_allow_has_no_complying_resource(resource_type: str, remedy: str) -> None:
    """The policies about allowed types have no other condition; "have one created that complies" cannot be followed."""
    body = denied_by_policy(resource_type, "x", "type", "NotIn", ["Microsoft.KeyVault/vaults"], resource_type)

    diagnostic = diagnose(failed(body, status=403, path=f"{GROUP}/providers/{resource_type}/x"))

    assert "which requires type to be one of Microsoft.KeyVault/vaults" in diagnostic.detail
    assert remedy in diagnostic.remedy
    assert "complies" not in diagnostic.remedy


def test_an_identity_of_the_wrong_kind_is_a_field_of_the_profile() -> None:
    """The field exists, so "no profile field sets that property" was wrong."""
    kind = "Microsoft.MachineLearningServices/workspaces"
    body = denied_by_policy(kind, "mlw", "identity.type", "NotEquals", "UserAssigned", "SystemAssigned")

    remedy = diagnose(failed(body, status=403, path=f"{GROUP}/providers/{kind}/mlw")).remedy

    assert "Set workspace.identity: {user_assigned: [ID]}." in remedy


def test_a_region_outside_the_allowed_ones_is_the_location() -> None:
    """The allowed regions stand in the condition."""
    body = denied_by_policy(
        "Microsoft.KeyVault/vaults", "kv-ml", "location", "NotIn", ["westeurope", "northeurope"], "eastus2"
    )

    assert (
        "Set location to a region that the policy allows: westeurope, northeurope."
        in diagnose(failed(body, status=403)).remedy
    )


@pytest.mark.parametrize(
    ("operator", "target", "remedy"),
    [
        ("NotEquals", "prod", "Add the tag to the profile: tags: {env: prod}."),
        (
            "NotIn",
            ["dev", "prod"],
            "Set the tag in the profile: tags: {env: VALUE}, with a value that is one of dev, prod.",
        ),
        ("NotMatch", "###", "Set the tag in the profile: tags: {env: VALUE}, with a value that is like ###."),
        ("Equals", "test", "Remove or change the tag env under tags in the profile."),
    ],
)
def test_a_tag_with_a_wrong_value_has_the_value_that_fits(operator: str, target: Any, remedy: str) -> None:
    """Policies require a tag, one of some values, or a form (G8)."""
    body = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", "tags['env']", operator, target, "x")

    assert diagnose(failed(body, status=403)).remedy.startswith(remedy)


def test_of_allowed_regions_the_list_counts_and_not_the_exception_for_global() -> None:
    """The built-in policy about allowed locations ends with a condition on ``global``."""
    body = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", "location", "NotIn", ["westeurope"], "eastus2")
    rows = body["error"]["additionalInfo"][0]["info"]["evaluationDetails"]["evaluatedExpressions"]
    rows.append({**rows[-1], "operator": "NotEquals", "targetValue": "global"})

    assert "Set location to a region that the policy allows: westeurope." in diagnose(failed(body, status=403)).remedy


@pytest.mark.parametrize(
    ("step", "remedy"),
    [
        ("key_vault", "Set key_vault.network.default_action: Deny. If"),
        (
            "associated_resources",
            "Set associated_resources.key_vault.network.default_action: Deny. If",
        ),
    ],
)
def test_the_step_distinguishes_the_two_vaults(step: str, remedy: str) -> None:
    """A field of the vault with the key does not change the workspace's own vault (G6)."""
    field = "Microsoft.KeyVault/vaults/networkAcls.defaultAction"
    body = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", field, "NotEquals", "Deny", None)

    assert diagnose(replace(failed(body, status=403), step=step)).remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("operator", "target", "words"),
    [
        ("Less", "90", "requires x >= 90, found 7."),
        ("Greater", "30", "requires x <= 30, found 7."),
        ("NotLike", "kv-*", "requires x to be like kv-*, found 7."),
        ("Exists", "true", "denies x."),
        ("Contains", "7", "denies x Contains 7, found 7."),
    ],
)
def test_the_condition_is_turned_into_what_the_policy_requires(operator: str, target: str, words: str) -> None:
    """Conditions describe what is denied; people need the opposite."""
    body = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", "x", operator, target, "7")

    assert f"which {words}" in diagnose(failed(body, status=403)).detail


IDENTIFIERS: Final = json.dumps(
    [
        {
            "policyAssignment": {"name": "No shared keys", "id": ASSIGNMENT},
            "policyDefinition": {"name": "shared-keys", "id": DEFINITION},
        }
    ]
)


def test_policies_that_only_the_message_names_are_read_there() -> None:
    """Azure puts the identifiers into the message when the assignment has no message of its own."""
    message = f"Resource 'stml' was disallowed by policy. Policy identifiers: '{IDENTIFIERS}'."

    diagnostic = diagnose(failed(error("RequestDisallowedByPolicy", message), status=403, path=STORAGE))

    assert (
        f"Denied 'stml': policy 'shared-keys' ({DEFINITION}), assigned as 'No shared keys' ({ASSIGNMENT})."
        in diagnostic.detail
    )
    assert "Policy identifiers" not in diagnostic.detail
    assert f"--policy-assignment {ASSIGNMENT} --scope {GROUP}." in diagnostic.remedy


def test_two_denied_resources_of_one_response_are_both_named() -> None:
    """As the validation of a template answers; each policy belongs to its own resource."""
    vault = denied_by_policy("Microsoft.KeyVault/vaults", "kv-ml", "tags.a", "Exists", "false", None)["error"]
    storage = denied_by_policy("Microsoft.Storage/storageAccounts", "stml", "tags.b", "Exists", "false", None)["error"]

    diagnostic = diagnose(failed(error("InvalidTemplateDeployment", "It failed.", details=[vault, storage])))

    assert ("CMK313", True, True) == (
        diagnostic.code,
        "Denied Microsoft.KeyVault/vaults 'kv-ml'" in diagnostic.detail,
        "Denied Microsoft.Storage/storageAccounts 'stml'" in diagnostic.detail,
    )
    assert diagnostic.remedy.startswith(
        "Add the tag to the profile: tags: {a: VALUE}. Add the tag to the profile: tags: {b: VALUE}."
    )


# Wherever a service nests the cause

LOCK_BODY: Final = {
    "code": "ScopeLocked",
    "message": f"The scope '{GROUP}' cannot perform write operation because following scope(s) are locked: '{GROUP}'.",
}


def _nested_in(form: str, cause: dict[str, Any]) -> Any:
    """Return an error document with the cause in it."""
    text = json.dumps({"error": cause})
    escaped = json.dumps(json.dumps(text))
    around = {
        "code": "ResourceDeploymentFailure",
        "message": "The resource operation completed with terminal state 'Failed'.",
    }
    return {
        "details": {"error": {**around, "details": [{"code": "Conflict", "message": ""}, cause]}},
        "Details of an old service": {"Code": "Conflict", "Message": "", "Details": [cause]},
        "innererror": {"error": {**around, "innererror": cause}},
        "innerError": {"error": {**around, "innerError": {"innerError": cause}}},
        "additionalInfo": {"error": {**around, "additionalInfo": [{"type": "Cause", "info": {"error": cause}}]}},
        "the status of an operation": {"status": "Failed", "properties": {"error": cause}},
        "the status message of a deployment": {"properties": {"statusMessage": {"status": "Failed", "error": cause}}},
        "a status message as text": {"properties": {"statusMessage": text}},
        "operations of a deployment": {"value": [{"properties": {"statusMessage": {"error": cause}}}]},
        "JSON in a message": {"error": {**around, "message": text}},
        "JSON between words": {"error": {**around, "message": f"It failed {{so}}: {text}. Contact support."}},
        "escaped JSON in a message": {"error": {**around, "message": f"It failed: {escaped}"}},
        "a list": {"error": {**around, "message": f"Errors: [{json.dumps(cause)}]"}},
        "words of the az CLI": {"error": {**around, "message": f"({cause['code']}) {cause['message']}"}},
        "words of another client": {"error": {**around, "message": f"Code: {cause['code']}\r\nMessage: {cause['message']}"}},
    }[form]  # fmt: skip


FORMS: Final = (
    *(
        "details",
        "Details of an old service",
        "innererror",
        "innerError",
        "additionalInfo",
        "the status of an operation",
    ),
    *(
        "the status message of a deployment",
        "a status message as text",
        "operations of a deployment",
        "JSON in a message",
    ),
    *("JSON between words", "escaped JSON in a message", "a list", "words of the az CLI", "words of another client"),
)


@pytest.mark.parametrize("form", FORMS)
def test_a_cause_is_found_wherever_a_service_nests_it(form: str) -> None:
    """In the response to a write and in the end of an operation, with the same diagnostic as without the nesting."""
    document = _nested_in(form, LOCK_BODY)

    found = [diagnose(failed(document, status=400)), diagnose(operation_failure(document, "workspace mlw", "failed"))]

    assert ["CMK327"] * 2 == [each.code for each in found]
    assert all(each.remedy.startswith(f"A lock on {GROUP} blocks it.") for each in found), found


@pytest.mark.parametrize("form", FORMS[:-2])
def test_the_details_of_a_policy_are_found_wherever_a_service_nests_them(form: str) -> None:
    """Assignment, definition and condition of the denied resource."""
    field = "Microsoft.Storage/storageAccounts/allowSharedKeyAccess"
    cause = denied_by_policy("Microsoft.Storage/storageAccounts", "stml", field, "NotEquals", "false", "true")["error"]

    diagnostic = diagnose(operation_failure(_nested_in(form, cause), "workspace mlw", "failed"))

    assert "CMK313" == diagnostic.code
    assert (
        f"Denied Microsoft.Storage/storageAccounts 'stml': policy 'Storage accounts should prevent shared key access' ({DEFINITION})"
        in diagnostic.detail
    )


def test_a_property_without_a_field_leads_to_an_exemption_only() -> None:
    """No field is invented."""
    body = denied_by_policy(
        "Microsoft.MachineLearningServices/workspaces", "mlw", "sku.name", "Equals", "Basic", "Basic"
    )

    assert diagnose(failed(body, status=403, path=WORKSPACE)).remedy.startswith("No profile field sets that property.")


@pytest.mark.parametrize(
    "resource_type", ["Microsoft.DocumentDB/databaseAccounts", "Microsoft.Storage/storageAccounts"]
)
def test_a_denied_resource_of_microsofts_needs_an_exemption_above_its_group(resource_type: str) -> None:
    """Nested in a failed operation of the workspace, as recordings have it; a storage account may be Microsoft's as well."""
    body = denied_by_policy(resource_type, "cosmos-x", f"{resource_type}/disableLocalAuth", "NotEquals", "true", None)
    nested = error("ResourceDeploymentFailure", f"It failed: {json.dumps(body)}")

    diagnostic = diagnose(operation_failure(nested, "workspace mlw", "failed", "c0ffee"))

    assert "workspace.encryption: service-side" in diagnostic.remedy
    assert f"--policy-assignment {ASSIGNMENT} --scope {SUBSCRIPTION}." in diagnostic.remedy
    assert f"Denied {resource_type} 'cosmos-x'" in diagnostic.detail
    assert diagnostic.detail.endswith("Correlation id for a support case: c0ffee.")


def test_a_denial_without_details_is_still_explained() -> None:
    """Older services send the message alone."""
    failure = failed(error("RequestDisallowedByPolicy", "Resource 'kv-ml' was disallowed by policy."), status=403)

    assert "ask the owner of the policy" in diagnose(failure).remedy.lower()


@pytest.mark.parametrize(
    "info",
    [None, "text", [1], [{"type": "PolicyViolation"}], [{"type": "PolicyViolation", "info": {"evaluationDetails": 5}}]],
)
def test_malformed_details_of_a_policy_do_no_harm(info: Any) -> None:
    """Whatever additionalInfo holds, there is a diagnostic."""
    failure = failed(error("RequestDisallowedByPolicy", "no", additionalInfo=info), status=403)

    assert "CMK313" == diagnose(failure).code


# What may be missing: P34, P37, G4

AUTHORIZATION: Final = (
    "The client 'user@example.com' with object id '{object_id}' does not have authorization to perform action '{action}' over "
    "scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
)


@pytest.mark.parametrize(
    ("action", "scope", "role", "at"),
    [
        ("Microsoft.Authorization/roleAssignments/write", f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/1", "Role Based Access Control Administrator", VAULT),
        ("Microsoft.KeyVault/vaults/write", VAULT, "Key Vault Contributor", VAULT),
        ("Microsoft.KeyVault/register/action", SUBSCRIPTION, "Contributor", SUBSCRIPTION),
        ("Microsoft.MachineLearningServices/workspaces/read", WORKSPACE, "Reader", WORKSPACE),
        ("Microsoft.Storage/storageAccounts/write", STORAGE, "Contributor", STORAGE),
    ],
)  # fmt: skip
def test_a_missing_permission_has_the_command_that_grants_it(action: str, scope: str, role: str, at: str) -> None:
    """The smallest built-in role with the action, for the principal and scope that Azure names."""
    message = AUTHORIZATION.format(object_id=OBJECT_ID, action=action, scope=scope)

    diagnostic = diagnose(failed(error("AuthorizationFailed", message), status=403))

    assert "CMK303" == diagnostic.code
    assert f"HTTP 403 AuthorizationFailed: no permission for {action} at {scope}." in diagnostic.detail
    assert f'az role assignment create --assignee {OBJECT_ID} --role "{role}" --scope {at}.' in diagnostic.remedy


def test_five_denied_registrations_share_one_remedy() -> None:
    """So that a view can show it once."""
    remedies = {
        diagnose(failed(error("AuthorizationFailed", AUTHORIZATION.format(object_id=OBJECT_ID, action=f"{each}/register/action", scope=SUBSCRIPTION)), status=403)).remedy
        for each in ("Microsoft.KeyVault", "Microsoft.Storage", "Microsoft.Search")
    }  # fmt: skip

    assert len(remedies) == 1


def test_of_a_linked_authorization_the_missing_action_is_named() -> None:
    """The first action is the one that the client has."""
    message = (
        "The client 'user@example.com' with object id '1' has permission to perform action "
        f"'Microsoft.MachineLearningServices/workspaces/write' on scope '{WORKSPACE}'; however, it does not have permission to "
        f"perform action(s) 'Microsoft.KeyVault/vaults/read' on the linked scope(s) '{VAULT}' or the linked scope(s) are invalid."
    )

    assert (
        f'--role "Key Vault Contributor" --scope {VAULT}.'
        in diagnose(failed(error("LinkedAuthorizationFailed", message), status=403)).remedy
    )


def test_graph_that_requires_more_claims_has_that_way_out_as_well() -> None:
    """Conditional Access answers 401 with a challenge (G4)."""
    answer = Answer(
        401,
        error("InvalidAuthenticationToken", "TokenIssuedBeforeRevocationTimestamp"),
        {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="e30="'},
    )
    failure = classify(http_error(answer, "GET", "https://graph.microsoft.com/v1.0/servicePrincipals(appId='1')"))

    assert (FailureKind.CLAIMS, "CMK231") == (failure.kind, diagnose(failure).code)


def test_graph_that_rejects_the_token_has_the_same_way_out_as_graph_that_denies() -> None:
    """A 401 of Microsoft Graph is no reason to sign in again (G4): the object id can be given."""
    body = error(
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired",
    )
    path = "/v1.0/servicePrincipals(appId='a232010e-820c-4083-83bb-3ace5fc29d0b')"

    diagnostic = diagnose(failed(body, status=401, path=path, method="GET", host="https://graph.microsoft.com"))

    assert ("CMK231", "Cannot read the directory") == (diagnostic.code, diagnostic.summary)
    assert "key_access.cosmos_db_object_id" in diagnostic.remedy


# The table: one body of the service for each further row

NAME_TAKEN: Final = "The vault name 'kv-ml' is already in use. Vault names are globally unique so it is possible that the name is already taken."
LOCKED: Final = (
    f"The scope '{GROUP}' cannot perform write operation because following scope(s) are locked: '{GROUP}'. Please remove the "
    "lock and try again."
)
GO_FORBIDDEN: Final = (
    'Status=403 Code="Forbidden" Message="Caller is not authorized to perform action on resource.\r\nIf role assignments, deny '
    'assignments or role definitions were changed recently, please observe propagation time." '
    'InnerError={"code":"ForbiddenByRbac"}'
)
POLICY_FORBIDDEN: Final = (
    "The user, group or application 'appid=1;oid=2;iss=https://sts.windows.net/3/' does not have keys get permission on key vault "
    "'kv-ml;location=westus'."
)
INNER: Final = {"innererror": {"code": "ForbiddenByConnection"}}
CASES: Final = {
    "graph without a readable subscription": (failed(error("BadRequest", "Please provide below info when asking for support", details=[{"code": "NoValidSubscriptionsInQueryRequest", "message": "There must be at least one subscription that is eligible to contain resources."}]), status=400, path="/providers/Microsoft.ResourceGraph/resources", method="POST"), "CMK303", "--role Reader"),
    "G16 lock": (failed(error("ScopeLocked", LOCKED), status=409), "CMK327", f"A lock on {GROUP} blocks it. Find its id (az lock list --resource-group rg-ml)"),
    "G17 access policy": (failed(error("BadRequest", "An invalid value was provided for 'accessPolicies'.")), "CMK311", "must be the object id of a service principal"),
    "G12 Application Insights": (failed(error("BadRequest", "Could not retrieve the Log Analytics workspace from ARM"), path=COMPONENT), "CMK317", "run the same command again in a minute"),
    "P01 purge protection": (operation_failure(error("BadRequest", "CMK workspaces should have purge protection enabled on their CMK keyvault."), "workspace mlw", "failed"), "CMK210", "--enable-purge-protection true"),
    "P06 soft-deleted vault": (failed(error("ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."), status=409), "CMK205", "key_vault.recover: true, or run az keyvault recover --name kv-ml"),
    "G10 vault name": (failed(error("VaultAlreadyExists", NAME_TAKEN), status=409), "CMK160", "choose another name: key_vault.name"),
    "G10 storage name": (failed(error("StorageAccountAlreadyTaken", "The storage account named stml is already taken."), status=409, path=STORAGE), "CMK160", "associated_resources.storage_account.name"),
    "unreadable subscription": (failed(error("BadRequest", "-", details=[{"code": "NoValidSubscriptionsInQueryRequest", "message": "There must be at least one subscription that is eligible to contain resources. Given: 's'."}]), path="/providers/Microsoft.ResourceGraph/resources", method="POST"), "CMK303", "az role assignment create --role Reader"),
    "registry name": (failed(error("AlreadyInUse", "The registry DNS name crml is already in use."), status=409, path=f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crml"), "CMK160", "associated_resources.container_registry.name"),
    "P12 vault name": (failed(error("VaultNameNotValid", "The vault name '1kv' is invalid.")), "CMK311", "3 to 24"),
    "P20 disabled key": (operation_failure(error("KeyDisabled", "Operation WrapKey is not allowed on a disabled key"), "workspace mlw", "failed"), "CMK224", "--enabled true"),
    "P22 soft-deleted key": (failed(error("Conflict", "Key cmk is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."), status=409, path=f"{VAULT}/keys/cmk"), "CMK220", "az keyvault key recover"),
    "P23 firewall": (failed(error("Forbidden", "Public network access is disabled and request is not from a trusted service nor via an approved private link.", **INNER), status=403), "CMK303", "firewall blocks this machine"),
    "P30 vault role": (failed(error("Forbidden", "Caller is not authorized to perform action on resource.", innererror={"code": "ForbiddenByRbac"}), status=403), "CMK303", "Key Vault Crypto Officer"),
    "P30 inside a text": (failed(error("BadRequest", "[ForbiddenByRbac (Forbidden)] Caller is not authorized")), "CMK303", "Key Vault Crypto Officer"),
    "P30 as another service passes it on": (failed(error("BadRequest", "Status Forbidden, ForbiddenByRbac: no access"), path=WORKSPACE), "CMK303", "Key Vault Crypto Officer"),
    "P30 as Go prints it": (failed(error("BadRequest", GO_FORBIDDEN), path=WORKSPACE), "CMK303", "Key Vault Crypto Officer"),
    "P03 purge protection": (failed(error("BadRequest", 'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.')), "CMK210", "irreversible"),
    "P07 recovery": (failed(error("SoftDeletedVaultDoesNotExist", "A soft deleted vault with the given name does not exist."), status=404), "CMK301", "someone else holds it"),
    "P11 tenant": (failed(error("BadRequest", "All identities in the array must use the same tenant ID as the key vault's tenant ID")), "CMK206", "use a vault of the subscription's tenant"),
    "P17 EC key": (failed(error("BadParameter", 'Unsupported key operation(s): "wrapKey", "unwrapKey". Supported values are "sign", "verify".'), path=f"{VAULT}/keys/cmk"), "CMK221", "key.type: RSA"),
    "P19 operations": (operation_failure(error("Forbidden", "Operation wrapKey is not permitted on this key.", innererror={"code": "KeyOperationForbidden"}), "workspace mlw", "failed"), "CMK223", "--ops wrapKey unwrapKey"),
    "P21 dates": (operation_failure(error("Forbidden", "Operation wrapKey is not allowed outside the key's validity period.", innererror={"code": "KeyNotYetValidOrExpired"}), "workspace mlw", "failed"), "CMK225", "--expires DATE"),
    "P32 access policy": (operation_failure(error("Forbidden", POLICY_FORBIDDEN), "workspace mlw", "failed"), "CMK315", "Do not widen the access"),
    "P95 dependent resources": (failed(error("ValidationError", "Missing dependent resources in workspace json"), path=WORKSPACE), "CMK311", "associated_resources"),
    "unknown type": (failed(error("NoRegisteredProviderFound", "No registered resource provider found for location 'chinanorth' and API version '2025-06-01' for type 'workspaces'. The supported api-versions are '2024-10-01'. The supported locations are 'chinanorth2, chinanorth3'."), path=WORKSPACE), "CMK311", "chinanorth2, chinanorth3"),
    "unknown role": (failed(error("RoleDefinitionDoesNotExist", "The specified role definition with ID '0' does not exist.")), "CMK311", "az role definition list"),
    "account elsewhere": (failed(error("StorageAccountInAnotherResourceGroup", "The account stml is already in another resource group in this subscription."), status=409, path=STORAGE), "CMK308", "storage_account.id"),
    "no tier": (failed(error("SkuNotAvailable", "The requested tier for resource is currently not available in location eastus2."), status=409), "CMK314", "another tier"),
    "P33 principal": (failed(error("PrincipalNotFound", "Principal 90cc53e8 does not exist in the directory 0.")), "CMK305", "never the application id"),
    "wrong kind of principal": (failed(error("UnmatchedPrincipalType", "The PrincipalId '1' has type 'ServicePrincipal' , which is different from specified PrinciaplType 'User'.")), "CMK311", "az ad sp show"),
    "P37 identity": (failed(error("BadRequest", "User assigned identity doesn't have enough permissions. The client '1' with object id '2' does not have authorization to perform action 'Microsoft.KeyVault/vaults/read' over scope 'x'."), path=WORKSPACE), "CMK303", "Missing now: Microsoft.KeyVault/vaults/read on x."),
    "P57 provider": (failed(error("MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.DocumentDB'."), status=409), "CMK304", "the first step registers"),
    "P58 search quota": (operation_failure(error("ServiceQuotaExceeded", "Operation would exceed 'standard' tier service quota."), "workspace mlw", "failed"), "CMK314", "az search service list"),
    "P59 capacity": (operation_failure(error("ServiceUnavailable", "Sorry, we are currently experiencing high demand in this region"), "workspace mlw", "failed"), "CMK314", "https://aka.ms/cosmosdbquota"),
    "P60 half-made account": (operation_failure(error("BadRequest", "DatabaseAccount x is in a failed provisioning state because the previous attempt failed"), "workspace mlw", "failed"), "CMK311", "choose another workspace.name"),
    "P62 throttled": (failed(error("TooManyRequests", "Too many requests."), status=429), "CMK306", "Wait a few minutes"),
    "P63 server error": (operation_failure(error("InternalServerError", "InternalServerError"), "workspace mlw", "failed"), "CMK311", "repeats a failed creation"),
    "P69 soft-deleted workspace": (failed(error("BadRequest", "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete"), path=WORKSPACE), "CMK162", "14 days"),
    "P73 deny assignment": (failed(error("DenyAssignmentAuthorizationFailed", "The client has permission to perform action; however, the access is denied because of the deny assignment with name 'System deny assignment created by Azure Databricks'."), status=403), "CMK303", "'System deny assignment created by Azure Databricks' overrides every role"),
    "unknown region": (failed(error("LocationNotAvailableForResourceGroup", "The provided location 'eastuss2' is not available for resource group. List of available regions is 'eastus,eastus2,westeurope'.")), "CMK311", "Did you mean location: eastus2?"),
    "closed region": (failed(error("RequestDisallowedByAzure", "Resource 'kv-ml' was disallowed by Azure."), status=403), "CMK303", "choose another location"),
    "other region": (failed(error("InvalidResourceLocation", "The resource 'kv-ml' already exists in location 'westeurope' in resource group 'rg-ml'. A resource with the same name cannot be created in location 'eastus2'."), status=409), "CMK308", "Set location: westeurope"),
    "group is deleted": (failed(error("ResourceGroupBeingDeleted", "The resource group 'rg-ml' is in deprovisioning state."), status=409), "CMK308", "Wait until the group is gone"),
    "subscription": (failed(error("SubscriptionNotFound", "The subscription '0' could not be found."), status=404), "CMK301", "az account list"),
    "disabled subscription": (failed(error("ReadOnlyDisabledSubscription", "The subscription '0' is disabled and therefore marked as read only."), status=409), "CMK308", "have it enabled"),
    "expired token": (failed(error("ExpiredAuthenticationToken", "The access token expiry UTC time '8/20/2024' is earlier than current UTC time."), status=401), "CMK302", "The token has expired"),
    "token of another tenant": (failed(error("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer."), status=401), "CMK302", "Set AZURE_TENANT_ID to the subscription's tenant"),
    "directory right": (failed(error("Authorization_RequestDenied", "Insufficient privileges to complete the operation."), status=403, path="/v1.0/servicePrincipals", method="POST"), "CMK303", "administrator of the tenant"),
    "fixed assignment": (failed(error("RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")), "CMK311", "delete it"),
    "no assignments left": (failed(error("RoleAssignmentLimitExceeded", "No more role assignments can be created."), status=400), "CMK314", "delete unused ones"),
    "no accounts left": (failed(error("MaxStorageAccountsCountPerSubscriptionExceeded", "Subscription already contains 250 storage accounts in location eastus2."), status=409), "CMK314", "associated_resources.storage_account.id"),
    "no reason": (Failure(FailureKind.TERMINAL, "", f"workspace mlw ended as Failed, {WITHOUT_A_REASON}."), "CMK311", "activity log"),
    "proxy in between": (failed(b"\xff{", status=200), "CMK316", "--record"),
    "no credential": (classify(CredentialUnavailableError("Please run 'az login' to set up an account")), "CMK319", "Run az login"),
    "federated login ended": (classify(ClientAuthenticationError("AADSTS700024: Client assertion is not within its valid time range.")), "CMK321", "Log in again"),
    "login ended": (classify(ClientAuthenticationError("AADSTS700082: The refresh token has expired due to inactivity.")), "CMK302", "The login has expired"),
    "wrong secret": (classify(ClientAuthenticationError("AADSTS7000215: Invalid client secret provided.")), "CMK302", "az ad app credential reset"),
    "wrong tenant": (classify(ClientAuthenticationError("AADSTS90002: Tenant 'x' not found.")), "CMK302", "check AZURE_TENANT_ID"),
    "conditional access": (classify(ClientAuthenticationError("AADSTS53003: Access has been blocked by Conditional Access policies.")), "CMK322", "sign in again interactively with --auth device from one that the policy accepts"),
    "az of another cloud": (classify(CredentialUnavailableError("The Azure CLI is set to AzureCloud, and the profile's cloud is AzureUSGovernment")), "CMK330", "az cloud set --name AzureUSGovernment"),
    "account of another cloud": (classify(ClientAuthenticationError("AADSTS900382: Confidential Client is not supported in Cross Cloud request.")), "CMK330", "correct cloud in the profile"),
    "federation": (classify(ClientAuthenticationError("AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:o/r:ref:refs/heads/main'.")), "CMK302", "federated-credential list"),
    "several identities": (classify(ClientAuthenticationError("ManagedIdentityCredential: Multiple user assigned identities exist, please specify the clientId")), "CMK302", "Set AZURE_CLIENT_ID"),
    "slow az": (classify(CredentialUnavailableError("The Azure CLI gave no token: az gave no token within 60 s")), "CMK320", "az account get-access-token"),
    "broken az": (classify(CredentialUnavailableError("The Azure CLI gave no token: it failed without a message")), "CMK319", "az upgrade"),
    "az without the subscription": (classify(CredentialUnavailableError("The Azure CLI gave no token: Subscription 'x' not found.")), "CMK319", "az login --tenant TENANT_ID"),
    "identity endpoint": (classify(CredentialUnavailableError("Token request error: (unknown) Failed to retrieve token from the Active directory")), "CMK302", "in a minute"),
    "token of a job": (classify(ClientAuthenticationError("AADSTS50027: JWT token is invalid or malformed.")), "CMK302", "AZURE_FEDERATED_TOKEN_FILE"),
    "job of GitHub": (classify(ClientAuthenticationError("GitHub gave no token of this job: HTTP 403")), "CMK302", "permissions: id-token: write"),
    "file is gone": (classify(ClientAuthenticationError("A file of the sign-in cannot be read: No such file or directory")), "CMK326", "AZURE_FEDERATED_TOKEN_FILE"),
    "certificate": (classify(ClientAuthenticationError("AADSTS700027: The certificate is expired on application.")), "CMK302", "AZURE_CLIENT_CERTIFICATE_PATH"),
    "password": (classify(ClientAuthenticationError("AADSTS50126: Error validating credentials due to invalid username or password.")), "CMK302", "wrong or expired"),
    "guest": (classify(ClientAuthenticationError("AADSTS50020: User account does not exist in tenant.")), "CMK302", "invited there first"),
    "consent": (classify(ClientAuthenticationError("AADSTS65001: The user or administrator has not consented.")), "CMK302", "consent to it"),
    "disabled application": (classify(ClientAuthenticationError("AADSTS7000112: Application is disabled.")), "CMK302", "enable it"),
    "another operation, in words": (failed(error("OperationNotAllowed", "Another operation is in progress on this resource."), status=409), "CMK307", "Wait until that operation has finished"),
    "identity operation": (failed(error("FailedIdentityOperation", "Identity operation failed with error 'Status: 'Conflict''."), status=409), "CMK307", "Wait until"),
    "a lock asks to try again, too": (failed(error("ScopeLocked", "The scope 'x' cannot perform write operation because following scope(s) are locked: '/subscriptions/S'. Please remove the lock and try again."), status=409), "CMK327", "az lock delete"),
    "soft-deleted vault": (failed(error("ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."), status=409), "CMK205", "recover"),
    "long delay": (Failure(FailureKind.THROTTLED, "TooManyRequests", "", 429, retry_after="86400"), "CMK306", "wait for 1440 minutes"),
    "new group": (Failure(FailureKind.PENDING, "ResourceGroupNotFound", "Resource group 'rg-ml' could not be found.", 404), "CMK301", "run the same command again"),
    "SOCKS": (classify(ServiceRequestError("Missing dependencies for SOCKS support.")), "CMK323", "PySocks"),
    "unknown authority": (classify(ServiceRequestError("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer")), "CMK324", "REQUESTS_CA_BUNDLE"),
    "proxy with password": (classify(ServiceRequestError("The proxy cannot be used: Tunnel connection failed: 407 Proxy Authentication Required")), "CMK323", "http://USER:PASSWORD@HOST:PORT"),
    "no az": (classify(CredentialUnavailableError("Azure CLI not found on path")), "CMK319", "Install the Azure CLI"),
    "no managed identity": (classify(CredentialUnavailableError("ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.")), "CMK319", "Assign one there"),
    "proxy": (classify(ServiceRequestError("ProxyError('Unable to connect to proxy')")), "CMK323", "HTTPS_PROXY"),
}  # fmt: skip


@pytest.mark.parametrize(("failure", "code", "words"), CASES.values(), ids=CASES)
def test_an_error_of_the_service_leads_to_its_code_and_remedy(failure: Failure, code: str, words: str) -> None:
    """The body of the service goes through classification, as every response does."""
    diagnostic = diagnose(failure)

    assert (code, True) == (diagnostic.code, words in diagnostic.remedy), diagnostic


def _diagnosed() -> list[Diagnostic]:
    return [diagnose(failure) for failure, _, _ in CASES.values()]


def test_every_row_explains_a_case() -> None:
    """A row that no body of a service reaches is dead: an earlier one shadows it, or no case is known."""
    failures = [failure for failure, _, _ in CASES.values()]
    failures += [shared_keys(), failed(error("AuthorizationFailed", "no"), status=403)]
    failures += [Failure(FailureKind.CLAIMS, "", "", 401)]
    failures += [failed({}, status=401, path="/v1.0/servicePrincipals(appId='1')", method="GET")]
    failures += [classify(ClientAuthenticationError("Unreadable response. It is not JSON."))]
    used = {id(found) for each in failures if (found := explanation_of(each))}

    assert [] == [each for each in EXPLANATIONS if id(each) not in used]


FIELD: Final = re.compile(r"\b(?:key_vault|key|workspace|associated_resources|key_access)\.[a-z_]+(?:\.[a-z_]+)*")


def test_a_remedy_names_fields_that_the_profile_has() -> None:
    """Also the table of policies: a field that does not exist would be refused as unknown."""
    settings = [*_SETTINGS.values(), _OWN_VAULT]
    named = {setting.field for each in settings for setting in each.values()} | set(_BY_ID.values())
    named |= {found for each in _diagnosed() for found in FIELD.findall(each.remedy)}

    assert set() == named - set(profile_fields())


def test_rows_on_structure_come_before_rows_on_words() -> None:
    """Azure changes its words more often than its codes."""
    order = [each.structural for each in EXPLANATIONS]

    assert sorted(order, reverse=True) == order


def test_no_remedy_sends_people_to_a_plan_that_shows_nothing_new() -> None:
    """What Azure refused at a write, plan did not foresee."""
    remedies = [each.remedy for each in _diagnosed()] + [remedy for _, remedy in BY_KIND.values()]

    assert [] == [each for each in remedies if "cmkctl plan" in each]


def test_every_kind_has_a_code_and_a_remedy_of_its_own() -> None:
    """The last resort for whatever the table does not know."""
    assert set(FailureKind) == set(BY_KIND)
    assert len({code.id for code, _ in BY_KIND.values()}) == len(BY_KIND)
    assert all(remedy.endswith((".", "microsoft.")) for _, remedy in BY_KIND.values())


def test_transient_explanations_are_retried() -> None:
    """Application Insights that does not see its new workspace yet is pending, so the write is sent again (G12)."""
    assert FailureKind.PENDING is CASES["G12 Application Insights"][0].kind


def test_a_lock_is_no_conflict_that_another_run_may_have_caused() -> None:
    """Reading again does not help against a lock."""
    assert FailureKind.LOCKED is CASES["G16 lock"][0].kind


@needs_reference
def test_the_recorded_lock_names_the_locked_resource() -> None:
    """Recorded on a group whose network is locked."""
    exchange = json.loads((RECORDINGS / "60-arm-errors.json").read_text("utf-8"))["interactions"][10]
    answer, request = exchange["response"], exchange["request"]

    diagnostic = diagnose(
        classify(http_error(Answer(answer["status"], answer["body"]), request["method"], request["uri"]))
    )

    assert "virtualNetworks/cli.lock.rsrc000002 blocks it." in diagnostic.remedy
    assert "az lock list --resource-group cli_test_cannotdelete_resource_lock000001" in diagnostic.remedy
