"""Parses and validates responses. Nothing unvalidated reaches a step.

    bytes ──parse──▶ JSON ──document──▶ without nulls, validated ──▶ steps, rules, outputs

The members that cmkctl reads of each resource type are declared here, once, with Azure's own names. All other members and
unknown enumeration values pass unchanged: Azure may add them at any time. A declared member of the wrong type, or a missing
required one, is an unexpected response (CMK316): guessing could take an encrypted workspace for an unencrypted one, or a
grant for an absent one.

Sources: the resources' types, https://learn.microsoft.com/azure/templates; null and absent members are
equivalent: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#json-null-response-values
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
"""A resource as Azure returned it: the JSON body without null members, which are equivalent to absent ones."""

_START: Final = 100
_ANSWER: Final = "cmkctl.answer"
"""The key of the parsed response in a pipeline's context."""

Seconds = Annotated[int, Field(ge=0, le=253_402_300_799)]
"""A date in seconds since 1970, up to the year 9999."""


class Subscription(TypedDict, total=False):
    """A subscription."""

    tenantId: Required[str]
    state: str


class _ResourceType(TypedDict, total=False):
    resourceType: Required[str]
    locations: list[str]


class Provider(TypedDict, total=False):
    """A resource provider in a subscription."""

    registrationState: Required[str]
    resourceTypes: list[_ResourceType]


class NameAvailability(TypedDict, total=False):
    """The response of ``checkNameAvailability``."""

    nameAvailable: Required[bool]
    reason: str
    message: str


class _UsageName(TypedDict, total=False):
    value: Required[str]


class _Usage(TypedDict, total=False):
    name: Required[_UsageName]
    currentValue: Required[int]
    limit: Required[int]


class Usages(TypedDict, total=False):
    """One page of the usages of a provider in a region, with their limits."""

    value: Required[list[_Usage]]
    nextLink: str


class _CosmosDbRegion(TypedDict, total=False):
    status: str
    isSubscriptionRegionAccessAllowedForRegular: bool


class CosmosDbLocation(TypedDict, total=False):
    """A region of Azure Cosmos DB, and the subscription's access to it."""

    properties: Required[_CosmosDbRegion]


class _Restriction(TypedDict, total=False):
    type: str
    values: list[str]
    reasonCode: str


class _OfferedSku(TypedDict, total=False):
    name: Required[str]
    resourceType: str
    kind: str
    locations: list[str]
    restrictions: list[_Restriction]


class Skus(TypedDict, total=False):
    """The tiers that a provider offers, one row per kind and region."""

    value: Required[list[_OfferedSku]]
    nextLink: str


class _State(TypedDict, total=False):
    provisioningState: str


class ResourceGroup(TypedDict, total=False):
    """A resource group."""

    location: Required[str]
    tags: dict[str, str]
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


class _ResourceAccess(TypedDict, total=False):
    resourceId: Required[str]


class _NetworkRules(TypedDict, total=False):
    defaultAction: str
    bypass: str
    ipRules: list[_Address]
    virtualNetworkRules: list[_Subnet]
    resourceAccessRules: list[_ResourceAccess]


class _Sku(TypedDict, total=False):
    name: str
    tier: str


class _ConnectionState(TypedDict, total=False):
    status: str


class _Reference(TypedDict, total=False):
    id: Required[str]


class _ConnectionProperties(TypedDict, total=False):
    privateEndpoint: _Reference
    privateLinkServiceConnectionState: _ConnectionState


class _EndpointConnection(TypedDict, total=False):
    properties: _ConnectionProperties


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
    enabledForDeployment: bool
    enabledForTemplateDeployment: bool
    enabledForDiskEncryption: bool
    publicNetworkAccess: str
    networkAcls: _NetworkRules
    privateEndpointConnections: list[_EndpointConnection]


class Vault(TypedDict, total=False):
    """A key vault."""

    location: str
    tags: dict[str, str]
    systemData: dict[str, Any]
    properties: Required[_VaultProperties]


class _DeletedVaultProperties(TypedDict, total=False):
    vaultId: Required[str]
    location: str
    tags: dict[str, str]
    deletionDate: str
    scheduledPurgeDate: str
    purgeProtectionEnabled: bool


class DeletedVault(TypedDict, total=False):
    """A soft-deleted key vault."""

    properties: Required[_DeletedVaultProperties]


class _KeyAttributes(TypedDict, total=False):
    enabled: bool
    exp: Seconds
    nbf: Seconds
    created: Seconds


class _PolicyAttributes(TypedDict, total=False):
    expiryTime: str


class _Trigger(TypedDict, total=False):
    timeAfterCreate: str
    timeBeforeExpiry: str


class _ActionType(TypedDict, total=False):
    type: str


class _LifetimeAction(TypedDict, total=False):
    trigger: _Trigger
    action: _ActionType


class _RotationPolicy(TypedDict, total=False):
    attributes: _PolicyAttributes
    lifetimeActions: list[_LifetimeAction]


class _KeyProperties(TypedDict, total=False):
    kty: Required[str]
    keySize: int
    keyOps: list[str]
    keyUriWithVersion: Required[str]
    attributes: _KeyAttributes
    rotationPolicy: _RotationPolicy


class Key(TypedDict, total=False):
    """A key with its latest version, as Resource Manager shows it."""

    tags: dict[str, str]
    properties: Required[_KeyProperties]


class KeyVersions(TypedDict, total=False):
    """One page of the versions of a key, each as a key."""

    value: Required[list[Key]]
    nextLink: str


class _CosmosDbProperties(TypedDict, total=False):
    customerManagedKeyStatus: str


class _CosmosDbAccount(TypedDict, total=False):
    id: Required[str]
    properties: Required[_CosmosDbProperties]


class CosmosDbAccounts(TypedDict, total=False):
    """One page of Azure Cosmos DB accounts."""

    value: Required[list[_CosmosDbAccount]]
    nextLink: str


class _JsonWebKey(TypedDict, total=False):
    kid: Required[str]


class DeletedKey(TypedDict, total=False):
    """A soft-deleted key with its latest version, as the vault's own endpoint shows it. Dates are in seconds since 1970."""

    key: Required[_JsonWebKey]
    deletedDate: int
    scheduledPurgeDate: int


class _VaultKeyAttributes(TypedDict, total=False):
    enabled: bool
    exp: int
    nbf: int


class VaultKey(TypedDict, total=False):
    """One version of a key, as the vault's own endpoint shows it. Dates are in seconds since 1970."""

    key: Required[_JsonWebKey]
    attributes: _VaultKeyAttributes


class _AssignmentProperties(TypedDict, total=False):
    scope: Required[str]
    roleDefinitionId: Required[str]
    principalId: str
    principalType: str
    condition: str
    description: str


class RoleAssignment(TypedDict, total=False):
    """A role assignment."""

    id: str
    properties: Required[_AssignmentProperties]


class RoleAssignments(TypedDict, total=False):
    """One page of role assignments."""

    value: Required[list[RoleAssignment]]
    nextLink: str


class _RolePermissions(TypedDict, total=False):
    dataActions: list[str]
    notDataActions: list[str]


class _DefinitionProperties(TypedDict, total=False):
    roleName: str
    assignableScopes: list[str]
    permissions: list[_RolePermissions]


class RoleDefinition(TypedDict, total=False):
    """A role definition."""

    id: str
    properties: Required[_DefinitionProperties]


class RoleDefinitions(TypedDict, total=False):
    """The role definitions of a scope that a filter selects: one page."""

    value: Required[list[RoleDefinition]]


AnyDocument = dict[str, Any]
"""Any document, of which no member is validated: for readers that take each value as it is."""


class Listing(TypedDict, total=False):
    """One page of any collection."""

    value: Required[list[Any]]
    nextLink: str


class _Category(TypedDict, total=False):
    category: str
    categoryGroup: str
    enabled: bool


class _DiagnosticProperties(TypedDict, total=False):
    workspaceId: str
    storageAccountId: str
    eventHubAuthorizationRuleId: str
    eventHubName: str
    logs: list[_Category]
    metrics: list[_Category]


class _DiagnosticSetting(TypedDict, total=False):
    name: Required[str]
    properties: _DiagnosticProperties


class DiagnosticSettings(TypedDict, total=False):
    """The diagnostic settings of a resource."""

    value: Required[list[_DiagnosticSetting]]
    nextLink: str


class _ServicePrincipal(TypedDict, total=False):
    id: Required[str]


class ServicePrincipals(TypedDict, total=False):
    """The service principals that Microsoft Graph found."""

    value: Required[list[_ServicePrincipal]]


class _IdentityProperties(TypedDict, total=False):
    principalId: Required[str]
    clientId: str


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


class _CosmosDb(TypedDict, total=False):
    collectionsThroughput: int


class _ServiceManagedResources(TypedDict, total=False):
    cosmosDb: _CosmosDb


class _OutboundDestination(TypedDict, total=False):
    serviceResourceId: str
    subresourceTarget: str
    sparkEnabled: bool
    serviceTag: str
    protocol: str
    portRanges: str


class _OutboundRule(TypedDict, total=False):
    type: str
    category: str
    status: str
    destination: str | _OutboundDestination


class _NetworkStatus(TypedDict, total=False):
    status: str
    sparkReady: bool


class _ManagedNetwork(TypedDict, total=False):
    isolationMode: str
    changeableIsolationModes: list[str]
    firewallSku: str
    outboundRules: dict[str, _OutboundRule]
    status: _NetworkStatus


class _Serverless(TypedDict, total=False):
    serverlessComputeCustomSubnet: str
    serverlessComputeNoPublicIP: bool


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
    primaryUserAssignedIdentity: str
    systemDatastoresAuthMode: str
    serviceManagedResourcesSettings: _ServiceManagedResources
    managedNetwork: _ManagedNetwork
    serverlessComputeSettings: _Serverless
    imageBuildCompute: str
    privateEndpointConnections: list[_EndpointConnection]


class _WorkspaceIdentity(TypedDict, total=False):
    type: str
    principalId: str
    userAssignedIdentities: dict[str, Any]


class Workspace(TypedDict, total=False):
    """An Azure Machine Learning workspace."""

    location: str
    tags: dict[str, str]
    identity: _WorkspaceIdentity
    systemData: dict[str, Any]
    properties: Required[_WorkspaceProperties]


class _ResourceProperties(TypedDict, total=False):
    provisioningState: str
    supportsHttpsTrafficOnly: bool
    minimumTlsVersion: str
    allowBlobPublicAccess: bool
    isHnsEnabled: bool
    allowSharedKeyAccess: bool
    publicNetworkAccess: str
    networkAcls: _NetworkRules
    networkRuleSet: _NetworkRules
    networkRuleBypassOptions: str
    adminUserEnabled: bool
    retentionInDays: int
    RetentionInDays: int
    Application_Type: str
    DisableLocalAuth: bool
    publicNetworkAccessForIngestion: str
    publicNetworkAccessForQuery: str
    encryption: dict[str, Any]
    features: dict[str, Any]
    workspaceCapping: dict[str, Any]
    WorkspaceResourceId: str
    privateEndpointConnections: list[_EndpointConnection]


class Resource(TypedDict, total=False):
    """Any other resource, such as a storage account. Members of other types are absent."""

    location: str
    tags: dict[str, str]
    sku: _Sku
    properties: Required[_ResourceProperties]


class _SubnetProperties(TypedDict, total=False):
    addressPrefix: str
    privateEndpointNetworkPolicies: str


class _NamedSubnet(TypedDict, total=False):
    name: Required[str]
    properties: _SubnetProperties


class _NetworkProperties(TypedDict, total=False):
    subnets: list[_NamedSubnet]


class VirtualNetwork(TypedDict, total=False):
    """A virtual network with its subnets."""

    location: Required[str]
    properties: Required[_NetworkProperties]


class _LinkConnectionProperties(TypedDict, total=False):
    privateLinkServiceId: str
    groupIds: list[str]
    privateLinkServiceConnectionState: _ConnectionState


class _LinkConnection(TypedDict, total=False):
    name: str
    properties: Required[_LinkConnectionProperties]


class _EndpointProperties(TypedDict, total=False):
    provisioningState: str
    subnet: _Reference
    privateLinkServiceConnections: list[_LinkConnection]
    manualPrivateLinkServiceConnections: list[_LinkConnection]


class PrivateEndpoint(TypedDict, total=False):
    """A private endpoint."""

    location: str
    tags: dict[str, str]
    properties: Required[_EndpointProperties]


class _ZoneConfigProperties(TypedDict, total=False):
    privateDnsZoneId: str


class _ZoneConfig(TypedDict, total=False):
    name: Required[str]
    properties: _ZoneConfigProperties


class _ZoneGroupProperties(TypedDict, total=False):
    provisioningState: str
    privateDnsZoneConfigs: list[_ZoneConfig]


class ZoneGroup(TypedDict, total=False):
    """A zone group of a private endpoint: the zones in which it is registered."""

    name: str
    id: str
    properties: Required[_ZoneGroupProperties]


class ZoneGroups(TypedDict, total=False):
    """The zone groups of a private endpoint."""

    value: Required[list[ZoneGroup]]
    nextLink: str


class _DnsLinkProperties(TypedDict, total=False):
    provisioningState: str
    virtualNetwork: _Reference


class DnsLink(TypedDict, total=False):
    """A link from a private DNS zone to a virtual network."""

    id: str
    properties: Required[_DnsLinkProperties]


class DnsLinks(TypedDict, total=False):
    """The links of a private DNS zone."""

    value: Required[list[DnsLink]]
    nextLink: str


class _DnsZone(TypedDict, total=False):
    id: Required[str]
    name: Required[str]


class DnsZones(TypedDict, total=False):
    """The private DNS zones of a subscription."""

    value: Required[list[_DnsZone]]
    nextLink: str


_SCHEMAS: Final[Mapping[str, Any]] = {
    "microsoft.keyvault/vaults": Vault,
    "microsoft.managedidentity/userassignedidentities": Identity,
    "microsoft.machinelearningservices/workspaces": Workspace,
    "microsoft.network/virtualnetworks": VirtualNetwork,
    "microsoft.network/privateendpoints": PrivateEndpoint,
    "microsoft.network/privateendpoints/privatednszonegroups": ZoneGroup,
    "microsoft.network/privatednszones/virtualnetworklinks": DnsLink,
}


def schema_of(resource_type: str) -> Any:
    """Return the fields that cmkctl reads from a resource of this type."""
    return _SCHEMAS.get(resource_type.lower(), Resource)


def parse(body: bytes) -> Any:
    """Return the JSON body of a response and ignore its Content-Type. Raises ValueError for invalid JSON."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def document(schema: Any, response: PipelineResponse[Any, Any]) -> ArmDocument:
    """Return the response to a read as a validated document. Raises AzureFailed (CMK316) for an unexpected shape."""
    answer = response.context.get(_ANSWER)
    try:
        found = without_nulls(answer)
        _adapter(schema).validate_python(found, strict=True)
    except ValidationError as error:
        raise _unexpected_shape(response.http_response, _first_error(error)) from error
    except RecursionError as error:
        raise _unexpected_shape(response.http_response, "It is nested too deeply.") from error
    whole: ArmDocument = found
    return whole


def moment(stamp: object) -> datetime | None:
    """Parse a timestamp (RFC 3339, up to seven fractional digits) to UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def without_nulls(answer: Any) -> Any:
    """Return JSON without null members, which a service may send or omit."""
    if isinstance(answer, dict):
        return {name: without_nulls(each) for name, each in answer.items() if each is not None}
    return [without_nulls(each) for each in answer] if isinstance(answer, list) else answer


@cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    # Created on first use: no command reads every type.
    return TypeAdapter(schema)


def _unexpected_shape(response: Any, what: str) -> AzureFailed:
    message = f"Unexpected response. {what}"
    return AzureFailed(Failure(FailureKind.UNREADABLE, "", message, response.status_code, *exchange(response)))


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the top level"
    problem = first["msg"][:1].lower() + first["msg"][1:]
    return f"At {where}: {problem}; the value begins: {_start(json.dumps(first['input'], ensure_ascii=False))}"


class DecodePolicy(HTTPPolicy[Any, Any]):
    """Parses response bodies and keeps the result. Raises UndecodableResponse for everything else.

    That covers a proxy's page in place of Azure's response, a redirect, and a body that is truncated or contradicts its
    headers. It comes after the retry policy, which retries such a read; after such a write the engine reads first, as after
    a lost response. An error response may have any body. `empty` allows a 200 without a body, which can end an operation.
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
            raise UndecodableResponse(f"It redirects to {response.headers.get('Location', '')}", response)
        if not body.strip() and (self._empty or method != "GET" or status != 200):
            return None
        try:
            return parse(body)
        except ValueError as error:
            begins = _start(body[: 4 * _START].decode("utf-8", "replace"))
            raise UndecodableResponse(f"It is not JSON; it begins: {begins or '(empty)'}", response) from error


def body_of(response: Any) -> bytes:
    """Read the body of a response (legacy or rest) to its end. Raises UndecodableResponse."""
    try:
        body: bytes = response.read() if isinstance(response, HttpResponse) else response.body()
    # azure-core raises several errors for a truncated body, and parses any Content-Length as a number.
    except (AzureError, ValueError) as error:
        raise UndecodableResponse(f"Cannot read its body: {error}", response) from error
    return body


def _start(text: str) -> str:
    return shortened(" ".join(text.split()), _START)
