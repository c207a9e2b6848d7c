"""Shared by all resource types: addresses, checks before a write, get, list, delete, and provisioning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core import errors, ids, offers, operations, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import normal, require_location
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.state import Tenant

View = Callable[[Tenant, Json, Call], Json]
GLOBAL = "global"


@dataclass(frozen=True)
class ResourceType:
    """A resource type: what it is called, which api-versions are modelled, what a body may hold, how it is named."""

    type: str
    versions: tuple[str, ...]
    shape: Mapping[str, Any]
    name: re.Pattern[str]
    name_rule: str
    group_word: str = "resourceGroups"
    everywhere: bool = False
    """Its location is ``global``."""

    @property
    def namespace(self) -> str:
        """The resource provider's namespace."""
        return self.type.partition("/")[0]

    @property
    def path(self) -> str:
        """The route template of one resource."""
        return f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{self.type}/{{name}}"

    def route(self, method: str, template: str, handler: Handler) -> Route:
        """Return a route of this type."""
        return Route(method, template, handler, self.type, self.versions)


@dataclass
class Write:
    """A write that has passed the common checks. `existing` is the record that is there already."""

    id: str
    name: str
    body: Json
    existing: Json | None
    location: str


def plain_view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show the document as it is kept."""
    document: Json = record["doc"]
    return document


def address(tenant: Tenant, call: Call, resource_type: ResourceType) -> str:
    """Return the id Azure gives the resource: the group's own casing, the name as sent."""
    group = tenant.group(call["subscription"], call["group"])["doc"]["name"]
    head = f"/subscriptions/{call['subscription']}/{resource_type.group_word}/{group}"
    return f"{head}/providers/{resource_type.type}/{call['name']}"


def begin_write(tenant: Tenant, call: Call, resource_type: ResourceType) -> Write:
    """Make the checks every PUT passes, in ARM's order: group, registration, name, body, location."""
    resource_id = address(tenant, call, resource_type)
    if tenant.group(call["subscription"], call["group"])["doc"]["properties"]["provisioningState"] == "Deleting":
        raise errors.group_being_deleted(call["group"])
    tenant.require_registered(call["subscription"], resource_type.namespace)
    if not resource_type.name.fullmatch(call["name"]):
        raise errors.name_invalid(call["name"], resource_type.type, resource_type.name_rule)
    sent = call.json()
    require_own_address(sent, call["name"], resource_id)
    body = shapes.accept(resource_type.shape, sent, call.api_version)
    existing = tenant.resource(resource_id)
    location = _location(body, existing, resource_type, call["name"])
    if existing is None:
        offers.require_offered(tenant, location, resource_type.type)
    return Write(resource_id if existing is None else existing["doc"]["id"], call["name"], body, existing, location)


def require_own_address(sent: Json, name: str, resource_id: str) -> None:
    """Refuse a body that repeats another resource's name or id."""
    if sent.get("name") is not None and str(sent["name"]).lower() != name.lower():
        raise errors.property_refused("name", f"is {sent['name']!r}, but the URL has {name!r}")
    if sent.get("id") is not None and ids.key(str(sent["id"])) != ids.key(resource_id):
        raise errors.property_refused("id", "is not the id in the URL")


def _location(body: Json, existing: Json | None, resource_type: ResourceType, name: str) -> str:
    if not body.get("location"):
        raise errors.location_required()
    if resource_type.everywhere and normal(body["location"]) == GLOBAL:
        return GLOBAL
    location = require_location(body["location"], resource_type.type)
    if existing is not None and normal(existing["doc"]["location"]) != location:
        group = existing["doc"]["id"].split("/")[4]
        raise errors.location_conflict(name, existing["doc"]["location"], group=group, requested=location)
    return location


def store(tenant: Tenant, document: Json, **more: Any) -> Json:
    """Put a resource's document into the tenant and return its record."""
    record = {"doc": document, **more}
    tenant.table("resources")[ids.key(document["id"])] = record
    tenant.changed()
    return record


def update(tenant: Tenant, record: Json, body: Json) -> Reply:
    """Merge the properties of a body into a resource's, replace its tags if there are any, and answer 200 at once."""
    document = record["doc"]
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    document["properties"] = shapes.merge(document["properties"], sent)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, document)


def existing(tenant: Tenant, call: Call, resource_type: ResourceType) -> Json:
    """Return the record a call addresses.

    Raises:
        AzureError: 404 `ResourceGroupNotFound` or `ResourceNotFound`.

    """
    record = tenant.resource(address(tenant, call, resource_type))
    if record is None:
        raise errors.resource_not_found(resource_type.type, call["name"], call["group"])
    return record


def settle(tenant: Tenant, record: Json) -> None:
    """Count a read of a resource that is being provisioned; set ``Succeeded`` when that is over."""
    countdown = record.get("countdown")
    if countdown is not None and tenant.tick(countdown):
        record["doc"]["properties"]["provisioningState"] = "Succeeded"
        del record["countdown"]


def end_identity(tenant: Tenant, document: Json) -> None:
    """Take the principal of a system-assigned identity out of the directory: it ends with its resource."""
    principal = (document.get("identity") or {}).get("principalId")
    if principal:
        tenant.table("principals").pop(principal, None)


class Resources:
    """Get, list and delete for one type; its module adds PUT and whatever else it has."""

    def __init__(self, resource_type: ResourceType, view: View = plain_view) -> None:
        """Serve `resource_type`, showing records through `view`."""
        self.resource_type = resource_type
        self.view = view

    def get(self, tenant: Tenant, call: Call) -> Reply:
        """Answer one resource, 200."""
        record = existing(tenant, call, self.resource_type)
        settle(tenant, record)
        operations.look(tenant, record["doc"]["id"])
        return Reply(200, self.view(tenant, existing(tenant, call, self.resource_type), call))

    def delete(self, tenant: Tenant, call: Call) -> Reply:
        """Take the resource away: 200, or 204 when it is not there."""
        key = ids.key(address(tenant, call, self.resource_type))
        gone = tenant.table("resources").pop(key, None)
        if gone is not None:
            end_identity(tenant, gone["doc"])
        tenant.changed()
        return Reply(204) if gone is None else Reply(200)

    def list_in_group(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the resources of this type in one group."""
        group = tenant.group(call["subscription"], call["group"])["doc"]["id"]
        return self._listing(tenant, call, group)

    def list_in_subscription(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the resources of this type in the subscription."""
        return self._listing(tenant, call, f"/subscriptions/{call['subscription']}")

    def _listing(self, tenant: Tenant, call: Call, prefix: str) -> Reply:
        found = [
            self.view(tenant, record, call)
            for record in tenant.resources_in(prefix)
            if record["doc"]["type"].lower() == self.resource_type.type.lower()
        ]
        return Reply(200, {"value": found})

    def routes(
        self, put: Handler, patch: Handler | None = None, delete: Handler | None = None, get: Handler | None = None
    ) -> tuple[Route, ...]:
        """Return the usual routes of a type."""
        resource_type = self.resource_type
        listing = f"/providers/{resource_type.type}"
        rows = [
            resource_type.route("PUT", resource_type.path, put),
            resource_type.route("GET", resource_type.path, get or self.get),
            resource_type.route("DELETE", resource_type.path, delete or self.delete),
            resource_type.route(
                "GET", f"/subscriptions/{{subscription}}/resourceGroups/{{group}}{listing}", self.list_in_group
            ),
            resource_type.route("GET", f"/subscriptions/{{subscription}}{listing}", self.list_in_subscription),
        ]
        return (*rows, resource_type.route("PATCH", resource_type.path, patch)) if patch else tuple(rows)
