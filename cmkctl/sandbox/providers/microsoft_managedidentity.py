"""User-assigned managed identities: PUT 201 or 200, with a principal in the directory at once."""

import re

from cmkctl.sandbox.core import ids, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "user-assigned identities",
    supported=("PUT, GET, list, DELETE; a principal in the directory at once",),
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


def new_identity(tenant: Tenant, identifier: str, name: str, location: str, tags: Json | None = None) -> Json:
    """Return the document of a new identity, whose principal is put into the directory."""
    serial = tenant.serial()
    principal, client = ids.guid("principal", identifier, serial), ids.guid("client", identifier, serial)
    tenant.add_principal(principal, client, name)
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


def with_principal(tenant: Tenant, identifier: str, sent: Json) -> Json:
    """Return the ``identity`` of a resource as it is answered: a system-assigned one has a principal of its own at once."""
    if "systemassigned" not in sent["type"].lower():
        return sent
    principal = ids.guid("principal", identifier)
    tenant.add_principal(principal, ids.guid("client", identifier), identifier.rsplit("/", 1)[-1])
    return {**sent, "principalId": principal, "tenantId": tenant.tenant_id}


def add_identity(state: Arrangement, name: str, group: str = "rg", location: str = LOCATION) -> str:
    """Add a user-assigned identity; return its id."""
    group_id = state.add_resource_group(group, location)
    identifier = f"{group_id.replace('resourceGroups', 'resourcegroups')}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        resources.store(state.tenant, new_identity(state.tenant, identifier, name, location))
    return identifier


ROUTES = IDENTITIES.routes(put_identity, delete=delete_identity)

PROVIDER = Provider(
    namespace="Microsoft.ManagedIdentity",
    coverage=(COVERAGE,),
    routes=ROUTES,
    registration=Registration.REGISTERED,
    arrange=(add_identity,),
)
