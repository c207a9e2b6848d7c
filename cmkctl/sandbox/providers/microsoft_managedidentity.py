"""User-assigned managed identities: PUT 201 or 200, with a principal in the directory at once."""

import re

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "user-assigned identities",
    supported=("PUT, PATCH, GET, list, DELETE; a principal in the directory at once",),
    not_modelled=("federated credentials, assignment restrictions, logging in as one",),
)

RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.ManagedIdentity/userAssignedIdentities",
    versions=(
        "2018-11-30", "2021-09-30-preview", "2022-01-31-preview", "2023-01-31", "2023-07-31-preview", "2024-11-30",
        "2025-01-31-preview", "2025-05-31-preview",
    ),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "properties": {
            **dict.fromkeys(("tenantId", "principalId", "clientId"), shapes.READ_ONLY),
            "isolationScope": shapes.Since("2024-11-30", "2025-01-31-preview", ("None", "Regional")),
            "assignmentRestrictions": shapes.NOT_MODELLED,
        },
        "systemData": shapes.READ_ONLY,
    },
    name=re.compile(r"[A-Za-z0-9][\w-]{2,127}"),
    name_rule="3-128 letters, digits, - and _, beginning with a letter or digit",
    group_word="resourcegroups",  # as the service writes its own ids (recordings 07, 15)
)  # fmt: skip
IDENTITIES = resources.Resources(RESOURCE_TYPE)


def put_identity(tenant: Tenant, call: Call) -> Reply:
    """Create an identity, 201, or change its tags and isolation, 200."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    if write.existing is not None:
        write.existing["doc"]["tags"] = write.body.get("tags") or {}
        write.existing["doc"]["properties"].update(sent)
        tenant.changed()
        return Reply(200, write.existing["doc"])
    document = new_identity(tenant, write.id, write.name, write.location, write.body.get("tags"))
    document["properties"].update(sent)
    return Reply(201, resources.store(tenant, document)["doc"], {"Location": write.id})  # recordings 15, 41


def patch_identity(tenant: Tenant, call: Call) -> Reply:
    """Change an identity's tags or isolation, 200 (azurerm updates so)."""
    document = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    document["properties"].update(
        {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    )
    tenant.changed()
    return Reply(200, document)


def new_identity(tenant: Tenant, identifier: str, name: str, location: str, tags: Json | None = None) -> Json:
    """Return the document of a new identity, whose principal is put into the directory."""
    serial = tenant.serial()
    principal, client = ids.guid("principal", identifier, serial), ids.guid("client", identifier, serial)
    tenant.add_principal(principal, client, name, managed_by=identifier, user_assigned=True)
    return {
        "location": location,
        "tags": tags or {},
        "id": identifier,
        "name": name,
        "type": RESOURCE_TYPE.type,
        "properties": {"tenantId": tenant.tenant_id, "principalId": principal, "clientId": client},
    }


def delete_identity(tenant: Tenant, call: Call) -> Reply:
    """Take an identity and its principal away: 200, or 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is not None:
        tenant.table("principals").pop(record["doc"]["properties"]["principalId"], None)
    return IDENTITIES.delete(tenant, call)


def with_principal(
    tenant: Tenant, identifier: str, sent: Json, before: Json | None = None, *, partial: bool = False
) -> Json:
    """Return the ``identity`` of a resource as it is answered, and keep the directory in step with it.

    See `shown_identity` for the arguments and the error.
    """
    shown = shown_identity(tenant, identifier, sent, before, partial=partial)
    principal, old = shown.get("principalId"), (before or {}).get("principalId")
    if principal:
        client = ids.guid("client", principal)
        tenant.add_principal(principal, client, identifier.rsplit("/", 1)[-1], managed_by=identifier)
    elif old:
        tenant.table("principals").pop(old, None)
    return shown


def shown_identity(
    tenant: Tenant, identifier: str, sent: Json, before: Json | None = None, *, partial: bool = False
) -> Json:
    """Return the ``identity`` of a resource as it will be answered.

    A system-assigned identity has a principal of its own at once, which lives as long as it is assigned. Each
    user-assigned identity shows its principal and client id (recordings 06, 07, 09, 47, 71).

    Args:
        tenant: the state.
        identifier: the resource.
        sent: ``identity`` as it was sent.
        before: ``identity`` as it was answered before.
        partial: a PATCH, which adds identities to those there are; null takes one away (recording 47: 21, 53, 65).

    Raises:
        AzureError: 400 `FailedIdentityOperation` for a user-assigned identity that does not exist.

    """
    old = before or {}
    shown: Json = {"type": sent["type"]}
    words = [word.strip() for word in sent["type"].lower().split(",")]
    if "userassigned" in words:
        kept = (old.get("userAssignedIdentities") or {}) if partial else {}
        requested = sent.get("userAssignedIdentities")
        wanted = {**kept, **(requested or {})}
        removed = {ids.key(name) for name, value in (requested or {}).items() if value is None}
        shown["userAssignedIdentities"] = {
            name: _assigned(tenant, identifier, name) for name in wanted if ids.key(name) not in removed
        }
    if "systemassigned" in words:
        principal = old.get("principalId") or ids.guid("principal", identifier, tenant.serial())
        shown |= {"principalId": principal, "tenantId": tenant.tenant_id}
    return shown


def _assigned(tenant: Tenant, resource_id: str, identity_id: str) -> Json:
    record = tenant.resource(identity_id)
    if record is None or record["doc"]["type"] != RESOURCE_TYPE.type:
        raise errors.identity_not_found(resource_id, identity_id)
    properties = record["doc"]["properties"]
    return {name: properties[name] for name in ("principalId", "clientId")}


def add_identity(state: Arrangement, name: str, group: str = "rg", location: str = LOCATION) -> str:
    """Add a user-assigned identity; return its id."""
    group_id = state.add_resource_group(group, location)
    identifier = f"{group_id.replace('resourceGroups', 'resourcegroups')}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        resources.store(state.tenant, new_identity(state.tenant, identifier, name, location))
    return identifier


ROUTES = IDENTITIES.routes(put_identity, patch_identity, delete_identity)

PROVIDER = Provider(
    namespace="Microsoft.ManagedIdentity",
    coverage=(COVERAGE,),
    routes=ROUTES,
    registration=Registration.REGISTERED,
    arrange=(add_identity,),
)
