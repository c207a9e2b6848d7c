"""Refusals of the platform around the services: throttling, gateways, permissions, deny assignments, capacity, quota.

Each says where its words come from, in the terms of `errors`.
"""

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.errors import OWN, AzureError

THROTTLED = f"{OWN}Number of requests exceeded the limit. Please try again after the time in Retry-After."


def throttled_in_text(action: str, seconds: int) -> AzureError:
    """From recordings (60): when to come back stands only in the text."""
    text = (
        f"Number of requests for action '{action}' exceeded the limit of '150' for time interval '01:00:00'. "
        f"Please try again after '{seconds}' seconds."
    )
    return AzureError(429, "ResourceRequestsThrottled", text)


def retryable(resource_id: str) -> AzureError:
    """From recordings (60); the detail's words are shortened."""
    text = f"Cannot proceed with operation because resource {resource_id} is not in Succeeded state."
    detail = {"code": "ReferencedResourceNotProvisioned", "message": text}
    return AzureError(429, "RetryableError", "A retryable error occurred.", details=[detail])


def bad_gateway(namespace: str) -> AzureError:
    """From recordings (60)."""
    text = f"The network connectivity issue encountered for '{namespace}'; cannot fulfill the request."
    return AzureError(502, "BadGatewayConnection", text)


def server_timeout(now: str, path: str) -> AzureError:
    """From recordings (60), on the poll of an operation."""
    parts = path.split("/")
    subscription = parts[2] if len(parts) > 2 else ""
    text = (
        f"The request timed out. Diagnostic information: timestamp '{now[:19].replace('-', '').replace(':', '')}Z', "
        f"subscription id '{subscription}', tracking id '{subscription}', request correlation id '{subscription}'."
    )
    return AzureError(503, "ServerTimeout", text)


def gateway_timeout(namespace: str) -> AzureError:
    """From recordings (25, 60)."""
    text = f"The gateway did not receive a response from '{namespace}' within the specified time period."
    return AzureError(504, "GatewayTimeout", text)


def authorization_failed(client: str, object_id: str, action: str, scope: str) -> AzureError:
    """From recordings (44, 60). For a service principal the client is its application id (P37)."""
    text = (
        f"The client '{client}' with object id '{object_id}' does not have authorization to perform action '{action}' "
        f"over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    )
    return AzureError(403, "AuthorizationFailed", text)


def deny_assignment(client: str, object_id: str, action: str, scope: str, owner: str, group: str) -> AzureError:
    """Quoted for managed applications and Databricks; the mechanism is the same (P73)."""
    text = (
        f"The client '{client}' with object id '{object_id}' has permission to perform action '{action}' on scope "
        f"'{scope}'; however, the access is denied because of the deny assignment with name 'System deny assignment "
        f"created by {owner}' and Id '{ids.hex_name(group)}' at scope '{group}'."
    )
    return AzureError(403, "DenyAssignmentAuthorizationFailed", text)


def graph_denied() -> AzureError:
    """From recordings (45)."""
    return AzureError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


# --- what fails in the managed resource group ----------------------------------------------------------------------


def no_capacity(account: str) -> AzureError:
    """Quoted (microsoft/vscode-cosmosdb#1410, #1631; P59)."""
    text = (
        "Sorry, we are currently experiencing high demand in this region, and cannot fulfill your request at this time. "
        "We work continuously to bring more and more capacity online, and encourage you to try again shortly. Please do "
        "not hesitate to contact us via Azure support at any time or for any reason using this link "
        f"http://aka.ms/azuresupport.\r\nActivityId: {_activity(account)}"
    )
    return AzureError(503, "ServiceUnavailable", text)


def half_made(account: str) -> AzureError:
    """Quoted (Azure/bicep#7316, Azure/azure-sdk-for-python#27024; P60)."""
    text = (
        f"DatabaseAccount {account} is in a failed provisioning state because the previous attempt to create it was not "
        "successful. Please delete the previous instance before attempting to recreate this account.\r\n"
        f"ActivityId: {_activity(account)}"
    )
    return AzureError(400, "BadRequest", text)


def _activity(account: str) -> str:
    return f"{ids.guid('activity', account)}, Microsoft.Azure.Documents.Common/2.14.0"


def search_quota() -> AzureError:
    """Quoted, as far as it is (Azure/azure-sdk-for-net#31546; P58)."""
    text = "Operation would exceed 'standard' tier service quota. You are using 12 out of 12 'standard' tier service quota."
    return AzureError(409, "ServiceQuotaExceeded", text)


def managed_group(cause: AzureError) -> AzureError:
    """Sandbox's words around the cause: how Azure ML wraps it is not published."""
    text = f"{OWN}The resources that Azure Machine Learning manages for the workspace could not be created."
    return AzureError(400, "BadRequest", text, details=[cause.error()])


def failed_late(resource_id: str) -> AzureError:
    """The chain as recorded (61, fact 12); the innermost words are the sandbox's."""
    text = (
        "The resource write operation failed to complete successfully, because it reached terminal provisioning state "
        "'Failed'."
    )
    inner = {"code": "InternalServerError", "message": f"{OWN}The operation was made to fail (fault late-failure)."}
    return AzureError(409, "ResourceDeploymentFailure", text, target=resource_id, details=[inner])
