"""Data factories: PUT replaces the whole factory, and a key can be set while the factory is empty, once and for all."""

import re
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "data factories",
    supported=(
        "factories: PUT (which replaces the whole factory), PATCH of tags, identity and public network access, GET, list, DELETE",
        "pipelines, linked services, data flows and managed virtual networks: list of arranged ones",
        "customer-managed keys: RSA of 2048 bits, set on an empty factory and never taken away; its identity is checked",
    ),
    not_modelled=("contents of a factory, runs, integration runtimes, Git; what a lost key does",),
    guesses=("whether a PUT without repoConfiguration clears it; here it does, as a PUT does",),
)
VERSIONS = ("2018-06-01",)
CONTENTS = ("pipelines", "linkedservices", "dataflows")
SIZE = 2048

_KNOWN = ours("that it is refused is documented; its wording is not")
factory_not_empty = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "A customer-managed key can be set on an empty factory only; this one has {contents}."
)
factory_key_stays = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The customer-managed key of a factory cannot be removed."
)
factory_key_size = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The key of a factory must be an RSA key of 2048 bits; '{key}' has {size}."
)
factory_needs_user_identity = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "A factory that is created with a customer-managed key needs a user-assigned identity."
)

FACTORY = resources.ResourceType(
    type="Microsoft.DataFactory/factories",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "eTag": READ_ONLY,
        "identity": {
            "type": Required(("SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": {
            "purviewConfiguration": dict,
            "repoConfiguration": dict,
            "globalParameters": dict,
            "publicNetworkAccess": ("Enabled", "Disabled"),
            "encryption": {
                "vaultBaseUrl": Required(str),
                "keyName": Required(str),
                "keyVersion": str,
                "identity": {"userAssignedIdentity": str},
            },
            **dict.fromkeys(("provisioningState", "createTime", "version"), READ_ONLY),
        },
    },
    name=re.compile(r"(?=.{3,63}$)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"),
    name_rule="3-63 letters, digits and single hyphens",
)
FACTORIES = resources.Resources(FACTORY)


def put_factory(tenant: Tenant, call: Call) -> Reply:
    """Create a factory or replace one, 200."""
    write = resources.begin_write(tenant, call, FACTORY)
    before = write.existing["doc"] if write.existing else None
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    identity = write.body.get("identity") or {}
    own = (
        microsoft_managedidentity.with_principal(tenant, write.id, identity, (before or {}).get("identity"))
        if identity.get("type")
        else (before or {}).get("identity")
    )
    _check_key(tenant, before, sent.get("encryption"), own, write.location)
    document = _factory(tenant, write.id, write.name, write.location, sent)
    if before:
        document["properties"]["createTime"] = before["properties"]["createTime"]
    document |= {"tags": write.body.get("tags") or {}} | ({"identity": own} if own else {})
    return Reply(200, resources.store(tenant, document)["doc"])


def _factory(tenant: Tenant, identifier: str, name: str, location: str, sent: Json) -> Json:
    return {
        "id": identifier,
        "name": name,
        "type": FACTORY.type,
        "location": location,
        "tags": {},
        "properties": {
            "publicNetworkAccess": "Enabled",
            **sent,
            "provisioningState": "Succeeded",
            "createTime": tenant.timestamp(),
            "version": "2018-06-01",
        },
    }


def _check_key(
    tenant: Tenant, before: Json | None, encryption: Json | None, identity: Json | None, region: str
) -> None:
    held = before is not None and before["properties"].get("encryption")
    if not encryption:
        if held:
            raise factory_key_stays()
        return
    user = (encryption.get("identity") or {}).get("userAssignedIdentity")
    if before is None and not user:
        raise factory_needs_user_identity()
    if before is not None and not held:
        found = [each for each in (*CONTENTS, "managedVirtualNetworks") if _children(tenant, before["id"], each)]
        if found:
            raise factory_not_empty(", ".join(found))
    record = customer_keys.require_usable(
        tenant,
        encryption["vaultBaseUrl"],
        encryption["keyName"],
        encryption.get("keyVersion") or "",
        customer_keys.reader_of(tenant, identity, user),
        region=region,
    )
    size = record["doc"]["properties"].get("keySize")
    if size != SIZE:
        raise factory_key_size(encryption["keyName"], size)


def patch_factory(tenant: Tenant, call: Call) -> Reply:
    """Update tags, identity or public network access, 200. PATCH has no other member."""
    record = resources.existing(tenant, call, FACTORY)
    names = ("tags", "identity")
    inner = {"publicNetworkAccess": FACTORY.shape["properties"]["publicNetworkAccess"]}
    shape = {**{name: FACTORY.shape[name] for name in names}, "properties": inner}
    body = shapes.accept(shape, call.json(), call.api_version, partial=True)
    document = record["doc"]
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    if (body.get("identity") or {}).get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, document["id"], body["identity"], document.get("identity"), partial=True
        )
    document["properties"].update({name: each for name, each in (body.get("properties") or {}).items() if each})
    tenant.changed()
    return Reply(200, document)


def _children(tenant: Tenant, factory: str, kind: str) -> list[Any]:
    wanted = f"{FACTORY.type}/{kind}"
    return [each["doc"] for each in tenant.resources_in(factory) if each["doc"]["type"] == wanted]


def list_children(tenant: Tenant, call: Call) -> Reply:
    """Answer one kind of a factory's contents."""
    factory = resources.existing(tenant, call, FACTORY)["doc"]["id"]
    wanted = call.path.rstrip("/").rpartition("/")[2].lower()
    kinds = {each.lower(): each for each in (*CONTENTS, "managedVirtualNetworks")}
    return Reply(200, {"value": _children(tenant, factory, kinds[wanted])})


def add_data_factory(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, **properties: Any
) -> str:
    """Add an empty factory with Microsoft's key and no identity; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.DataFactory")
    identifier = f"{group_id}/providers/{FACTORY.type}/{name}"
    with state.arranging():
        resources.store(state.tenant, _factory(state.tenant, identifier, name, location, properties))
    return identifier


def add_to_data_factory(state: Arrangement, factory: str, kind: str, name: str) -> str:
    """Add one of `CONTENTS`, or a managed virtual network, to a factory (by its id); return its id."""
    identifier = f"{factory}/{kind}/{name}"
    with state.arranging():
        document = {"id": identifier, "name": name, "type": f"{FACTORY.type}/{kind}", "properties": {}}
        resources.store(state.tenant, document)
    return identifier


ROUTES = (
    *FACTORIES.routes(put_factory, patch_factory),
    *(
        Route("GET", f"{FACTORY.path}/{each}", list_children, f"{FACTORY.type}/{each}", VERSIONS)
        for each in (*CONTENTS, "managedVirtualNetworks")
    ),
)

PROVIDER = Provider(
    namespace="Microsoft.DataFactory",
    coverage=(COVERAGE,),
    routes=ROUTES,
    arrange=(add_data_factory, add_to_data_factory),
)
