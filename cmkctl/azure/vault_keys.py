"""Keys through a vault's own endpoint, for what Resource Manager does not offer: deleted keys, rotation policies, attributes.

A vault firewall applies here, and rights on keys are needed: an access policy or a role on data. Owner is not enough.
Source: https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument, DeletedKey, VaultKey, document

DELETED_KEYS: Final = "/deletedkeys"


def version_path(name: str, version: str) -> str:
    """Return the path of one version of a key at the vault's own endpoint."""
    return f"/keys/{name}/{version}"


class VaultKeys:
    """The keys of vaults, through the SDK's pipeline."""

    def __init__(self, policies: list[Any], transport: HttpTransport[Any, Any]) -> None:
        self._pipeline: Pipeline[Any, Any] = Pipeline(transport, policies=policies)

    def deleted_key(self, vault_uri: str, name: str) -> ArmDocument:
        """Read a soft-deleted key with its latest version. Needs the permission get on keys.

        Raises HttpResponseError (ResourceNotFoundError for a key that is not deleted) and UndecodableResponse.
        """
        answer = self._run("GET", vault_uri, f"{DELETED_KEYS}/{name}", versions.VAULT_KEYS, None)
        found: ArmDocument = document(DeletedKey, answer)
        return found

    def key_version(self, vault_uri: str, name: str, version: str) -> ArmDocument:
        """Read one version of a key, also a disabled one. Needs the permission get on keys. Raises as `deleted_key` does."""
        answer = self._run("GET", vault_uri, version_path(name, version), versions.VAULT_KEYS, None)
        found: ArmDocument = document(VaultKey, answer)
        return found

    def send(self, method: str, host: str, path: str, api_version: str, body: Mapping[str, Any] | None) -> None:
        """Send one write. The response is ignored: the effect is read back. Raises HttpResponseError and UndecodableResponse."""
        self._run(method, host, path, api_version, body)

    def _run(
        self, method: str, host: str, path: str, api_version: str, body: Mapping[str, Any] | None
    ) -> PipelineResponse[Any, Any]:
        url = f"{host.rstrip('/')}{path}"
        content = None if body is None else dict(body)
        request = HttpRequest(method, url, params={"api-version": api_version}, json=content)
        answer = self._pipeline.run(request, stream=True)
        response = answer.http_response
        if response.status_code >= 400:
            raise (ResourceNotFoundError if response.status_code == 404 else HttpResponseError)(response=response)
        return answer
