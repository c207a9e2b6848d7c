"""Microsoft Graph: service principals only.

Source: https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from cmkctl.azure.decoding import ArmDocument, ServicePrincipals, document
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.failures import FailureKind

SERVICE_PRINCIPALS: Final = "/v1.0/servicePrincipals"


class Graph:
    """The directory of the tenant, through the SDK's pipeline. `endpoint` has no trailing slash."""

    def __init__(self, endpoint: str, policies: list[Any], transport: HttpTransport[Any, Any]) -> None:
        self._endpoint = endpoint
        self._pipeline: Pipeline[Any, Any] = Pipeline(transport, policies=policies)

    def service_principal(self, app_id: str) -> ArmDocument | None:
        """Read the service principal of an application in this tenant; None if it does not exist.

        Needs Application.Read.All. "None" is an empty list, never an HTTP 404. Raises HttpResponseError, UndecodableResponse,
        and AzureFailed for an unexpected response and, as denied, for a directory that rejects this sign-in: Conditional Access
        may require more than a pipeline can prove.
        """
        filtered = HttpRequest("GET", self._endpoint + SERVICE_PRINCIPALS, params={"$filter": f"appId eq '{app_id}'"})
        try:
            found: list[ArmDocument] = document(ServicePrincipals, self._run(filtered))["value"]
        except AzureError as error:
            failure = classify(error)
            if failure.kind is not FailureKind.CLAIMS:
                raise
            raise AzureFailed(replace(failure, kind=FailureKind.DENIED)) from error
        return found[0] if found else None

    def create_service_principal(self, body: Mapping[str, Any]) -> None:
        """Create the service principal of an existing application in this tenant, unless another client just did.

        Registering Microsoft.DocumentDB may create the one of Azure Cosmos DB at the same time. The response is ignored.
        Needs Application.ReadWrite.All. Raises HttpResponseError and UndecodableResponse.
        """
        try:
            self._run(HttpRequest("POST", self._endpoint + SERVICE_PRINCIPALS, json=body))
        except HttpResponseError as error:
            if error.status_code != 409 or "MultipleObjectsWithSameKeyValue" not in str(error.message):
                raise

    def _run(self, request: HttpRequest) -> PipelineResponse[Any, Any]:
        answer = self._pipeline.run(request, stream=True)
        response = answer.http_response
        if response.status_code == 404:
            raise ResourceNotFoundError(response=response)
        if response.status_code >= 400:
            raise HttpResponseError(response=response)
        return answer
