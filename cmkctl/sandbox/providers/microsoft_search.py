"""Microsoft.Search: usages of a region, and search services. Their objects, and the keys of these, are data plane."""

import re

from cmkctl.sandbox.core import errors, offers, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.regions import DISPLAY_NAMES, normal, require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import NOT_MODELLED, READ_ONLY, Since
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

PREVIEW = "2026-03-01-preview"
"""The api-version of the az CLI."""

VERSIONS = ("2022-09-01", "2023-11-01", "2025-05-01", PREVIEW)
USAGES = "Microsoft.Search/locations/usages"
NEVER = "9999-12-31"
"""An api-version that no stable one reaches: for what only preview versions have."""

search_authentication = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that the two exclude each other is documented"),
    "The property 'authOptions' cannot be set while 'disableLocalAuth' is true.",
)
SERVICE = resources.ResourceType(
    type="Microsoft.Search/searchServices",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "sku": {
            "name": (
                "free", "basic", "standard", "standard2", "standard3", "storage_optimized_l1", "storage_optimized_l2",
                "serverless",
            )
        },
        "identity": {
            "type": shapes.Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": {
            "replicaCount": int,
            "partitionCount": int,
            "hostingMode": ("Default", "HighDensity"),
            "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
            "networkRuleSet": {
                "ipRules": [{"value": str}],
                "bypass": ("None", "AzurePortal", "AzureServices"),
            },
            "encryptionWithCmk": {
                "enforcement": ("Disabled", "Enabled", "Unspecified"),
                "encryptionComplianceStatus": READ_ONLY,
                "serviceLevelEncryptionKey": Since(NEVER, PREVIEW, NOT_MODELLED),
            },
            "disableLocalAuth": bool,
            "authOptions": {
                "apiKeyOnly": shapes.IGNORED,
                "aadOrApiKey": {"aadAuthFailureMode": ("http403", "http401WithBearerChallenge")},
            },
            "semanticSearch": Since("2023-11-01", "2023-11-01-preview", ("disabled", "free", "standard")),
            "endpoint": Since("2025-05-01", "2025-02-01-preview", str),
            "computeType": Since("2025-05-01", "2025-02-01-preview", ("Default", "Confidential")),
            "dataExfiltrationProtections": Since("2025-05-01", "2025-02-01-preview", [("BlockAll",)]),
            "upgradeAvailable": Since("2025-05-01", "2025-02-01-preview", ("notAvailable", "available")),
            "knowledgeRetrieval": Since(NEVER, PREVIEW, ("free", "standard")),
            **dict.fromkeys(
                (
                    "status", "statusDetails", "provisioningState", "privateEndpointConnections", "sharedPrivateLinkResources",
                    "eTag", "serviceUpgradedAt",
                ),
                READ_ONLY,
            ),
        },
    },
    name=re.compile(r"(?=.{2,60}$)[a-z0-9][a-z0-9]+(?:-[a-z0-9]+)*"),
    name_rule="2-60 lower-case letters, digits and single hyphens",
)  # fmt: skip
ACCESS = {each.lower(): each for each in ("Enabled", "Disabled", "SecuredByPerimeter")}
"""The words of ``publicNetworkAccess`` as they are shown (recording 86)."""

YOUNGER = {"semanticSearch": "2023-11-01", "endpoint": "2025-05-01", "computeType": "2025-05-01"}
"""The first api-version that shows a property."""


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001 - every view has the same form
    """Show a service as an api-version does, with what it reports of its objects."""
    document = record["doc"]
    properties = {
        name: value for name, value in document["properties"].items() if call.api_version >= YOUNGER.get(name, "")
    }
    cmk = properties.get("encryptionWithCmk")
    if cmk is not None:
        plain = record.get("plain_objects", 0) and cmk["enforcement"].lower() == "enabled"
        properties["encryptionWithCmk"] = {
            "enforcement": cmk["enforcement"],
            "encryptionComplianceStatus": "NonCompliant" if plain else "Compliant",
        }
    return {**document, "properties": properties}


SERVICES = resources.Resources(SERVICE, view)


def get_service(tenant: Tenant, call: Call) -> Reply:
    """Answer a service; its states are in lower case (recording 86)."""
    record = resources.existing(tenant, call, SERVICE)
    _settle(tenant, record)
    return Reply(200, view(tenant, record, call))


def _settle(tenant: Tenant, record: Json) -> None:
    countdown = record.get("countdown")
    if countdown is not None and tenant.tick(countdown):
        record["doc"]["properties"] |= {"provisioningState": "succeeded", "status": "running"}
        del record["countdown"]


def put_service(tenant: Tenant, call: Call) -> Reply:
    """Create a service, 201, or update one, 200 (recording 86)."""
    write = resources.begin_write(tenant, call, SERVICE)
    if write.existing is not None:
        return _update(tenant, call, write.existing, write.body)
    tier = (write.body.get("sku") or {}).get("name")
    if not tier:
        raise errors.property_refused("sku.name", "is required")
    if tier.lower() == offers.SEARCH_SERVICES.name:
        offers.require_quota(tenant, offers.SEARCH_SERVICES, call["subscription"], write.location, errors.search_quota)
    document = _new(write.id, write.name, write.location, tier)
    document["properties"] |= {"status": "provisioning", "provisioningState": "provisioning"}
    _apply(tenant, document, write.body, partial=False)
    record = resources.store(tenant, document, countdown=tenant.begin("search.create"))
    if tenant.over(record["countdown"]):
        _settle(tenant, record)
    return Reply(201, view(tenant, record, call))


def patch_service(tenant: Tenant, call: Call) -> Reply:
    """Update a service, 200."""
    record = resources.existing(tenant, call, SERVICE)
    return _update(
        tenant, call, record, shapes.accept(SERVICE.shape, call.json(), call.api_version, partial=True), partial=True
    )


def _update(tenant: Tenant, call: Call, record: Json, body: Json, *, partial: bool = False) -> Reply:
    tier = (body.get("sku") or {}).get("name")
    if tier and tier.lower() != record["doc"].get("sku", {}).get("name", "").lower():
        raise errors.not_modelled("another tier for a search service")
    _apply(tenant, record["doc"], body, partial=partial)
    tenant.changed()
    return Reply(200, view(tenant, record, call))


def _new(identifier: str, name: str, location: str, tier: str) -> Json:
    """Return the document of a new service (recording 86)."""
    shown = {normal(each): each for each in DISPLAY_NAMES}
    return {
        "id": identifier,
        "name": name,
        "type": SERVICE.type,
        "location": shown.get(location, location),
        "tags": {},
        "properties": {
            "replicaCount": 1,
            "partitionCount": 1,
            "endpoint": f"https://{name}.search.windows.net",
            "status": "running",
            "statusDetails": "",
            "provisioningState": "succeeded",
            "hostingMode": "default",
            "computeType": "Default",
            "publicNetworkAccess": "Enabled",
            "networkRuleSet": {"ipRules": [], "bypass": "None"},
            "privateEndpointConnections": [],
            "sharedPrivateLinkResources": [],
            "encryptionWithCmk": {"enforcement": "Unspecified"},
            "disableLocalAuth": False,
            "authOptions": {"apiKeyOnly": {}},
            "semanticSearch": "disabled",
        },
        "sku": {"name": tier},
    }


def _apply(tenant: Tenant, document: Json, body: Json, *, partial: bool) -> None:
    """Put what was sent into a document."""
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    sent.pop("endpoint", None)
    if "publicNetworkAccess" in sent:
        sent["publicNetworkAccess"] = ACCESS[sent["publicNetworkAccess"].lower()]
    if sent.get("disableLocalAuth") and (sent.get("authOptions") or {}).get("aadOrApiKey"):
        raise search_authentication()
    options = sent.pop("authOptions", None)
    document["properties"] = shapes.merge(document["properties"], sent)
    if sent.get("disableLocalAuth"):
        document["properties"].pop("authOptions", None)
    elif options is not None:
        document["properties"]["authOptions"] = options or {"apiKeyOnly": {}}
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    if (body.get("identity") or {}).get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, document["id"], body["identity"], document.get("identity"), partial=partial
        )


def list_usages(tenant: Tenant, call: Call) -> Reply:
    """Answer how many services of the tier standard a region has, and the limit."""
    tenant.require_registered(call["subscription"], "Microsoft.Search")
    location = require_location(call["location"], USAGES)
    row = offers.usages(tenant, offers.SEARCH_SERVICES, call["subscription"], location)
    head = f"/subscriptions/{call['subscription']}/providers/Microsoft.Search/locations/{location}/usages"
    return Reply(200, {"value": [{"id": f"{head}/{row['name']['value']}", **row}]})


def add_search_service(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    enforcement: str = "Unspecified",
    plain_objects: int = 0,
) -> str:
    """Add a service of the tier standard, with so many objects that have Microsoft's key; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.Search")
    identifier = f"{group_id}/providers/{SERVICE.type}/{name}"
    with state.arranging():
        document = _new(identifier, name, location, "standard")
        document["properties"]["encryptionWithCmk"] = {"enforcement": enforcement}
        resources.store(state.tenant, document, plain_objects=plain_objects)
    return identifier


PROVIDER = Provider(
    namespace="Microsoft.Search",
    coverage=(
        Area(
            "Azure AI Search",
            supported=(
                "usages of AI Search in a region, for the tier standard; a service beyond the limit is refused",
                "services: PUT (201, then 200), PATCH, GET, list, DELETE; states in lower case (recording 86)",
                "enforcement of customer-managed keys, with NonCompliant for a service that has arranged objects without one",
            ),
            not_modelled=(
                "the data plane: indexes and other objects, and their keys; keys for clients; private endpoints",
                "serviceLevelEncryptionKey, which preview versions alone have; another tier for a service",
            ),
            guesses=(
                "one object without a customer's key makes a service NonCompliant; the type's text has 'more than one'",
            ),
        ),
    ),
    routes=(
        *SERVICES.routes(put_service, patch_service, get=get_service),
        Route(
            "GET",
            "/subscriptions/{subscription}/providers/Microsoft.Search/locations/{location}/usages",
            list_usages,
            USAGES,
            VERSIONS,
        ),
    ),
    durations=(Duration("search.create", 120, GUESS),),
    arrange=(add_search_service,),
)
