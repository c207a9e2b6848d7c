"""Workload identity: sign-in with a token of the system that runs cmkctl, without a secret.

| system | token from | variables beside AZURE_TENANT_ID and AZURE_CLIENT_ID |
|---|---|---|
| Kubernetes, GitLab, any other | a file | AZURE_FEDERATED_TOKEN_FILE |
| GitHub Actions | GitHub, a new one for each sign-in | ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN |
| Azure Pipelines | Azure DevOps, a new one for each sign-in | SYSTEM_OIDCREQUESTURI, SYSTEM_ACCESSTOKEN, and those of the task |

The tasks of Azure Pipelines set AZURESUBSCRIPTION_TENANT_ID, _CLIENT_ID and _SERVICE_CONNECTION_ID of their service connection.
A file with a token that its system renews, and a request for a new one, outlive the ten minutes that such a token is valid.

Sources: https://learn.microsoft.com/entra/workload-id/workload-identity-federation,
https://docs.github.com/actions/reference/security/oidc,
https://learn.microsoft.com/python/api/azure-identity/azure.identity.azurepipelinescredential
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from cmkctl.azure.clouds import CloudEndpoints
from cmkctl.azure.decoding import parse
from cmkctl.azure.failures import GITHUB_REFUSED

_TENANT: Final = ("AZURE_TENANT_ID", "AZURESUBSCRIPTION_TENANT_ID")
_CLIENT: Final = ("AZURE_CLIENT_ID", "AZURESUBSCRIPTION_CLIENT_ID")
_CONNECTION: Final = ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "AZURE_SERVICE_CONNECTION_ID")
"""The variables that hold a value, the first that is set. The tasks of Azure Pipelines set those of the service connection."""

FILE: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
GITHUB: Final = (
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    *("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
)
PIPELINES: Final = (
    *("AZURESUBSCRIPTION_TENANT_ID", "AZURESUBSCRIPTION_CLIENT_ID", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"),
    *("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
)
"""The variables that each system needs."""

_ISSUERS: Final = ("ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI")
"""The variables with the address that gives a token; a secret of the job is sent there."""


def issuers_in(environ: Mapping[str, str]) -> list[str]:
    """Return the addresses of the job's own token issuers that are https."""
    return [value for name in _ISSUERS if (value := environ.get(name, "")).lower().startswith("https://")]


def wanted_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that the system of this job needs."""
    if environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        return FILE
    if environ.get("GITHUB_ACTIONS") or environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        return GITHUB
    if environ.get("TF_BUILD") or environ.get("SYSTEM_OIDCREQUESTURI"):
        return PIPELINES
    return FILE


def missing_variables(environ: Mapping[str, str]) -> list[str]:
    """Return those of them that are not set; a variable with the same meaning counts."""
    return [name for name in wanted_variables(environ) if not _value(environ, name)]


def _value(environ: Mapping[str, str], name: str) -> str:
    alike = next((each for each in (_TENANT, _CLIENT, _CONNECTION) if name in each), (name,))
    return next((value for each in alike if (value := environ.get(each))), "")


def workload_credential(
    environ: Mapping[str, str],
    endpoints: CloudEndpoints,
    transport: HttpTransport[Any, Any],
    options: Mapping[str, Any],
) -> TokenCredential:
    """Return the credential for the system of this job. `options` are those of azure-identity. All variables are set."""
    from azure import identity  # noqa: PLC0415 - a replay needs no credential and should not pay for this import

    wanted = wanted_variables(environ)
    account: dict[str, Any] = {"tenant_id": _value(environ, _TENANT[0]), "client_id": _value(environ, _CLIENT[0])}
    credential: TokenCredential
    if wanted is GITHUB:
        credential = identity.ClientAssertionCredential(
            **account, func=lambda: _github_token(environ, endpoints, transport), transport=transport, **options
        )
    elif wanted is PIPELINES:
        credential = identity.AzurePipelinesCredential(
            **account,
            service_connection_id=_value(environ, _CONNECTION[0]),
            system_access_token=environ["SYSTEM_ACCESSTOKEN"],
            transport=transport,
            **options,
        )
    else:
        credential = identity.WorkloadIdentityCredential(transport=transport, **options)
    return credential


def _github_token(environ: Mapping[str, str], endpoints: CloudEndpoints, transport: HttpTransport[Any, Any]) -> str:
    """Request a token of this job from GitHub. Raises ClientAuthenticationError when GitHub gives none."""
    url = environ["ACTIONS_ID_TOKEN_REQUEST_URL"]
    request = HttpRequest(
        "GET",
        f"{url}{'&' if '?' in url else '?'}audience={endpoints.federation_audience}",
        headers={"Authorization": f"Bearer {environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    response = transport.send(request)
    answer = parse(response.body()) if response.status_code == 200 else {}
    token = answer.get("value", "") if isinstance(answer, dict) else ""
    if not token:
        down = "Error: " if response.status_code >= 500 else ""
        raise ClientAuthenticationError(f"{GITHUB_REFUSED}: HTTP {down}{response.status_code}")
    return str(token)
