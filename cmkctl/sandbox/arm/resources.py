"""What all resource types have in common: addresses, checks before a write, get, list, delete, and provisioning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox import errors, ids, shapes
from cmkctl.sandbox.arm import operations
from cmkctl.sandbox.arm.locations import normal, require_location
from cmkctl.sandbox.messages import Call, Json, Reply
from cmkctl.sandbox.routing import Handler, Route
from cmkctl.sandbox.state import Tenant

View = Callable[[Tenant, Json, Call], Json]


@dataclass(frozen=True)
class Kind:
    """A resource type: what it is called, which api-versions are modelled, what a body may hold, how it is named."""

    type: str
    versions: tuple[str, ...]
    shape: Mapping[str, Any]
    name: re.Pattern[str]
    name_rule: str
    group_word: str = "resourceGroups"

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


def address(tenant: Tenant, call: Call, kind: Kind) -> str:
    """Return the id Azure gives the resource: the group's own casing, the name as sent."""
    group = tenant.group(call["subscription"], call["group"])["doc"]["name"]
    return f"/subscriptions/{call['subscription']}/{kind.group_word}/{group}/providers/{kind.type}/{call['name']}"


def begin_write(tenant: Tenant, call: Call, kind: Kind) -> Write:
    """Make the checks every PUT passes, in ARM's order: group, registration, name, body, location."""
    resource_id = address(tenant, call, kind)
    if tenant.group(call["subscription"], call["group"])["doc"]["properties"]["provisioningState"] == "Deleting":
        raise errors.group_being_deleted(call["group"])
    tenant.require_registered(call["subscription"], kind.namespace)
    if not kind.name.fullmatch(call["name"]):
        raise errors.name_invalid(kind.type, call["name"], kind.name_rule)
    sent = call.json()
    require_own_address(sent, call["name"], resource_id)
    body = shapes.accept(kind.shape, sent, call.api_version)
    existing = tenant.resource(resource_id)
    location = _location(body, existing, kind, call["name"])
    return Write(resource_id if existing is None else existing["doc"]["id"], call["name"], body, existing, location)


def require_own_address(sent: Json, name: str, resource_id: str) -> None:
    """Refuse a body that repeats another resource's name or id."""
    if sent.get("name") is not None and str(sent["name"]).lower() != name.lower():
        raise errors.property_refused("name", f"is {sent['name']!r}, but the URL says {name!r}")
    if sent.get("id") is not None and ids.key(str(sent["id"])) != ids.key(resource_id):
        raise errors.property_refused("id", "is not the id in the URL")


def _location(body: Json, existing: Json | None, kind: Kind, name: str) -> str:
    if not body.get("location"):
        raise errors.location_required()
    location = require_location(body["location"], kind.type)
    if existing is not None and normal(existing["doc"]["location"]) != location:
        group = existing["doc"]["id"].split("/")[4]
        raise errors.location_conflict(name, group, existing["doc"]["location"], location)
    return location


def store(tenant: Tenant, document: Json, **more: Any) -> Json:
    """Put a resource's document into the tenant and return its record."""
    record = {"doc": document, **more}
    tenant.table("resources")[ids.key(document["id"])] = record
    tenant.changed()
    return record


def existing(tenant: Tenant, call: Call, kind: Kind) -> Json:
    """Return the record a call addresses.

    Raises:
        AzureError: 404 `ResourceGroupNotFound` or `ResourceNotFound`.

    """
    record = tenant.resource(address(tenant, call, kind))
    if record is None:
        raise errors.resource_not_found(kind.type, call["name"], call["group"])
    return record


def settle(tenant: Tenant, record: Json) -> None:
    """Count a read of a resource that is being provisioned; set ``Succeeded`` when that is over."""
    countdown = record.get("countdown")
    if countdown is not None and tenant.tick(countdown):
        record["doc"]["properties"]["provisioningState"] = "Succeeded"
        del record["countdown"]


class Resources:
    """Get, list and delete for one type; its module adds PUT and whatever else it has."""

    def __init__(self, kind: Kind, view: View = plain_view) -> None:
        """Serve `kind`, showing records through `view`."""
        self.kind = kind
        self.view = view

    def get(self, tenant: Tenant, call: Call) -> Reply:
        """Answer one resource, 200."""
        record = existing(tenant, call, self.kind)
        settle(tenant, record)
        operations.look(tenant, record["doc"]["id"])
        return Reply(200, self.view(tenant, existing(tenant, call, self.kind), call))

    def delete(self, tenant: Tenant, call: Call) -> Reply:
        """Take the resource away: 200, or 204 when it is not there."""
        key = ids.key(address(tenant, call, self.kind))
        gone = tenant.table("resources").pop(key, None)
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
            if record["doc"]["type"].lower() == self.kind.type.lower()
        ]
        return Reply(200, {"value": found})

    def routes(self, put: Handler, patch: Handler | None = None, delete: Handler | None = None) -> tuple[Route, ...]:
        """Return the usual routes of a type."""
        kind = self.kind
        listing = f"/providers/{kind.type}"
        rows = [
            kind.route("PUT", kind.path, put),
            kind.route("GET", kind.path, self.get),
            kind.route("DELETE", kind.path, delete or self.delete),
            kind.route("GET", f"/subscriptions/{{subscription}}/resourceGroups/{{group}}{listing}", self.list_in_group),
            kind.route("GET", f"/subscriptions/{{subscription}}{listing}", self.list_in_subscription),
        ]
        return (*rows, kind.route("PATCH", kind.path, patch)) if patch else tuple(rows)
