"""Where what Azure answered becomes a document: the one boundary between whatever may come and what steps read.

    bytes ──parse──▶ JSON ──document──▶ without nulls, and of its kind ──▶ steps, rules, outputs

What cmkctl reads of each kind of document is declared here, once, with Azure's own names. Whatever else a document holds
stays as it is: unknown members, and unknown words where one of several is expected, are Azure's to add. A declared member
of another type, or one that everything rests on and that is missing, is an answer that cmkctl does not know (CMK316): to
guess on could take an encrypted workspace for one that is not, and a grant for one that is missing.

Sources: the resources' types, https://learn.microsoft.com/azure/templates; that a member which is null and one which is
absent mean the same: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#json-null-response-values
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Required

from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.rest import HttpResponse
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from cmkctl.azure.errors import AzureFailed, UndecodableResponse, exchange
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.redaction import shortened

ArmDocument = dict[str, Any]
"""A resource as Azure answered it: the JSON body, untouched but for members that are null, which are as good as absent."""

_START: Final = 100
_ANSWER: Final = "cmkctl.answer"
"""Under which name a pipeline's context keeps the answer, parsed."""

Seconds = Annotated[int, Field(ge=0, le=253_402_300_799)]
"""A date, in seconds since 1970; what is later than the year 9999 is none."""


class Subscription(TypedDict, total=False):
    """A subscription."""

    tenantId: Required[str]
    state: str


class Provider(TypedDict, total=False):
    """A resource provider in a subscription."""

    registrationState: Required[str]


class _State(TypedDict, total=False):
    provisioningState: str


class ResourceGroup(TypedDict, total=False):
    """A resource group."""

    location: Required[str]
    properties: _State


class _Permissions(TypedDict, total=False):
    keys: list[str]


class _AccessPolicy(TypedDict, total=False):
    objectId: Required[str]
    applicationId: str
    permissions: _Permissions


class _Address(TypedDict):
    value: str


class _Subnet(TypedDict):
    id: str


class _NetworkRules(TypedDict, total=False):
    defaultAction: str
    bypass: str
    ipRules: list[_Address]
    virtualNetworkRules: list[_Subnet]


class _Sku(TypedDict, total=False):
    name: str
    tier: str


class _VaultProperties(TypedDict, total=False):
    provisioningState: str
    tenantId: Required[str]
    vaultUri: str
    sku: _Sku
    accessPolicies: list[_AccessPolicy]
    enableSoftDelete: bool
    softDeleteRetentionInDays: int
    enablePurgeProtection: bool
    enableRbacAuthorization: bool
    publicNetworkAccess: str
    networkAcls: _NetworkRules


class Vault(TypedDict, total=False):
    """A key vault."""

    location: str
    systemData: dict[str, Any]
    properties: Required[_VaultProperties]


class _DeletedVaultProperties(TypedDict, total=False):
    vaultId: Required[str]
    scheduledPurgeDate: str


class DeletedVault(TypedDict, total=False):
    """A soft-deleted key vault."""

    properties: Required[_DeletedVaultProperties]


class _KeyAttributes(TypedDict, total=False):
    enabled: bool
    exp: Seconds
    nbf: Seconds


class _KeyProperties(TypedDict, total=False):
    kty: Required[str]
    keySize: int
    keyOps: list[str]
    keyUriWithVersion: Required[str]
    attributes: _KeyAttributes


class Key(TypedDict, total=False):
    """A key with its latest version, as Resource Manager shows it."""

    properties: Required[_KeyProperties]


class _AssignmentProperties(TypedDict, total=False):
    scope: Required[str]
    roleDefinitionId: Required[str]


class _Assignment(TypedDict, total=False):
    id: str
    properties: Required[_AssignmentProperties]


class RoleAssignments(TypedDict, total=False):
    """One page of role assignments."""

    value: Required[list[_Assignment]]
    nextLink: str


class Listing(TypedDict, total=False):
    """One page of any collection."""

    value: Required[list[Any]]
    nextLink: str


class _ServicePrincipal(TypedDict, total=False):
    id: Required[str]


class ServicePrincipals(TypedDict, total=False):
    """The service principals that Microsoft Graph found."""

    value: Required[list[_ServicePrincipal]]


class _IdentityProperties(TypedDict, total=False):
    principalId: Required[str]


class Identity(TypedDict, total=False):
    """A user-assigned identity."""

    properties: Required[_IdentityProperties]


class _KeyVaultProperties(TypedDict, total=False):
    keyVaultArmId: str
    keyIdentifier: str


class _EncryptionIdentity(TypedDict, total=False):
    userAssignedIdentity: str


class _Encryption(TypedDict, total=False):
    status: str
    keyVaultProperties: _KeyVaultProperties
    identity: _EncryptionIdentity


class _WorkspaceProperties(TypedDict, total=False):
    provisioningState: str
    friendlyName: str
    description: str
    storageAccount: str
    keyVault: str
    applicationInsights: str
    containerRegistry: str
    hbiWorkspace: bool
    publicNetworkAccess: str
    encryption: _Encryption
    enableServiceSideCMKEncryption: bool
    serviceProvisionedResourceGroup: str


class _WorkspaceIdentity(TypedDict, total=False):
    type: str
    principalId: str


class Workspace(TypedDict, total=False):
    """An Azure Machine Learning workspace."""

    identity: _WorkspaceIdentity
    systemData: dict[str, Any]
    properties: Required[_WorkspaceProperties]


class _ResourceProperties(TypedDict, total=False):
    provisioningState: str
    supportsHttpsTrafficOnly: bool
    minimumTlsVersion: str
    allowBlobPublicAccess: bool
    isHnsEnabled: bool


class Resource(TypedDict, total=False):
    """Any other resource, such as a storage account; what is not its own it does not have."""

    sku: _Sku
    properties: Required[_ResourceProperties]


_KINDS: Final[Mapping[str, Any]] = {
    "microsoft.keyvault/vaults": Vault,
    "microsoft.managedidentity/userassignedidentities": Identity,
    "microsoft.machinelearningservices/workspaces": Workspace,
}


def schema_of(resource_type: str) -> Any:
    """What is read of a resource of this type."""
    return _KINDS.get(resource_type.lower(), Resource)


def parse(body: bytes) -> Any:
    """The JSON in the body of an answer, whatever its Content-Type says. Raises ValueError when it is none."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def document(kind: Any, response: PipelineResponse[Any, Any]) -> ArmDocument:
    """The answer to a read as a document of its kind. Raises AzureFailed (CMK316) for one of another form."""
    answer = response.context.get(_ANSWER)
    try:
        found = without_nulls(answer)
        _adapter(kind).validate_python(found, strict=True)
    except ValidationError as error:
        raise _unexpected_shape(response.http_response, _first_error(error)) from error
    except RecursionError as error:
        raise _unexpected_shape(response.http_response, "It is nested too deeply.") from error
    whole: ArmDocument = found
    return whole


def moment(stamp: object) -> datetime | None:
    """A time as Azure stamps it (RFC 3339, with up to seven digits of a second), in UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def without_nulls(answer: Any) -> Any:
    """JSON without the members of objects that are null: a service may send them or leave them out."""
    if isinstance(answer, dict):
        return {name: without_nulls(each) for name, each in answer.items() if each is not None}
    return [without_nulls(each) for each in answer] if isinstance(answer, list) else answer


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    # Made when the first document of its kind comes: no command reads all of them.
    return TypeAdapter(kind)


def _unexpected_shape(response: Any, what: str) -> AzureFailed:
    message = f"The answer has a form that cmkctl does not know. {what}"
    return AzureFailed(Failure(FailureKind.UNREADABLE, "", message, response.status_code, *exchange(response)))


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the whole answer"
    said = first["msg"][:1].lower() + first["msg"][1:]
    return f"At {where}: {said}; what is there begins: {_start(json.dumps(first['input'], ensure_ascii=False))}"


class DecodePolicy(HTTPPolicy[Any, Any]):
    """Lets through what can be read, and keeps it parsed; whatever else comes is an `UndecodableResponse`.

    A proxy's page in Azure's place, a redirection, a body that breaks off or is not what its headers say. It stands inside
    the retry policy, which repeats a read that ended so; what a write did is looked at first, as with every lost answer.
    A refusal may have any form. `empty` says that an answer without a body is one: Azure ends an operation so.
    """

    def __init__(self, *, empty: bool = False) -> None:
        super().__init__()
        self._empty = empty

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request. Raises UndecodableResponse."""
        response = self.next.send(request)
        body = body_of(response.http_response)
        if response.http_response.status_code < 400:
            response.context[_ANSWER] = self._parsed(response.http_response, body)
        return response

    def _parsed(self, response: Any, body: bytes) -> Any:
        status, method = response.status_code, response.request.method
        if 300 <= status < 400:
            raise UndecodableResponse(f"It leads elsewhere: {response.headers.get('Location', '')}", response)
        if not body.strip() and (self._empty or method != "GET" or status != 200):
            return None
        try:
            return parse(body)
        except ValueError as error:
            begins = _start(body[: 4 * _START].decode("utf-8", "replace"))
            raise UndecodableResponse(f"It is no JSON; it begins: {begins or '(empty)'}", response) from error


def body_of(response: Any) -> bytes:
    """The body of an answer, of azure-core's older or newer kind, read to its end. Raises UndecodableResponse."""
    try:
        body: bytes = response.read() if isinstance(response, HttpResponse) else response.body()
    # azure-core has several names for a body that ends early, and takes any Content-Length for a number.
    except (AzureError, ValueError) as error:
        raise UndecodableResponse(f"Its body cannot be read: {error}", response) from error
    return body


def _start(text: str) -> str:
    return shortened(" ".join(text.split()), _START)
