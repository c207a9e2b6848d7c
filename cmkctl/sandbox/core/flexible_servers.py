"""The common part of the flexible servers of Azure Database: writes as operations, the key, its loss, and configurations."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, key_loss, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.clouds import PUBLIC, Cloud
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.regions import LOCATIONS, normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

KEY_URI = re.compile(r"(https://[^/]+)/keys/([A-Za-z0-9-]+)(?:/([0-9a-fA-F]{32}))?/?")
DOMAINS = {
    "AzureCloud": "database.azure.com",
    "AzureUSGovernment": "database.usgovcloudapi.net",
    "AzureChinaCloud": "database.chinacloudapi.cn",
}
OPERATIONS = ("azureAsyncOperation", "operationResults")
ALSO = ("list",)
"""The permission that access policies need besides those of every service (the pages of both servers)."""
PARTS = {
    "primary": ("primaryKeyURI", "primaryUserAssignedIdentityId"),
    "geo": ("geoBackupKeyURI", "geoBackupUserAssignedIdentityId"),
}
"""The properties with key and reader, of the data and of the geo-redundant backups."""

_KNOWN = ours("that it is refused is documented; its wording is not")
server_key_incomplete = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "dataEncryption of the type AzureKeyVault needs '{name}' with a value that fits."
)
server_identity_missing = errors.ErrorRow(
    400,
    "BadRequest",
    _KNOWN,
    "The server does not have the user-assigned identity '{identity}' that is to read the key.",
)
parameter_value_invalid = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The value '{value}' of the server parameter '{name}' is not allowed."
)

ENCRYPTION = {
    **dict.fromkeys((name for part in PARTS.values() for name in part), str),
    "type": ("SystemManaged", "AzureKeyVault"),
    "primaryEncryptionKeyStatus": READ_ONLY,
    "geoBackupEncryptionKeyStatus": READ_ONLY,
}
CONFIGURATION = {
    **shapes.TOP,
    "location": READ_ONLY,
    "properties": Required(
        {
            "value": str,
            "source": str,
            "currentValue": READ_ONLY,
            **dict.fromkeys(
                (
                    "description",
                    "defaultValue",
                    "dataType",
                    "allowedValues",
                    "isDynamicConfig",
                    "isReadOnly",
                    "isConfigPendingRestart",
                    "unit",
                    "documentationLink",
                ),
                READ_ONLY,
            ),
        }
    ),
}

Identity = Callable[[Tenant, str, Json, Json | None, bool], Json]
"""Returns the ``identity`` of a resource as it is answered: tenant, id, as sent, as it was, and whether it is a PATCH."""
Check = Callable[[Tenant, Json | None, Json, Json], None]
"""Refuses an encryption that was sent: tenant, the one before (None for a new server), the new one, and the document."""


@dataclass(frozen=True)
class Parameter:
    """A server parameter: its default, and the pattern that a value has to match, whatever its case."""

    default: str
    allowed: str


@dataclass(frozen=True, kw_only=True)
class FlexibleServers:
    """One kind of flexible server.

    Attributes:
        resource: the type.
        host: the first label of the domain, such as ``postgres``.
        new: returns the properties of a new server from those that were sent.
        identity: shows identities.
        check: refuses what only this kind refuses.
        parameters: the server parameters that are modelled.
        shows_health: whether the encryption has the state of each key.
        unencrypted: the encryption that a server with Microsoft's key shows; None for none.

    """

    resource: resources.ResourceType
    host: str
    new: Callable[[Tenant, Json], Json]
    identity: Identity
    check: Check
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    shows_health: bool = False
    unencrypted: Json | None = None

    def view(self, tenant: Tenant, record: Json, call: Call) -> Json:
        """Show a server: without its key it is inaccessible."""
        document: Json = deepcopy(record["doc"])
        properties = document["properties"]
        encryption = properties.get("dataEncryption") or {}
        if not encryption.get("primaryKeyURI"):
            return document
        lost = key_loss.lost(tenant, call.cloud, record)
        if lost:
            properties["state"] = "Inaccessible"
        if self.shows_health:
            encryption["primaryEncryptionKeyStatus"] = "Invalid" if lost else "Valid"
            if encryption.get("geoBackupKeyURI"):
                encryption["geoBackupEncryptionKeyStatus"] = "Valid"
        return document

    def why_out_of_reach(self, tenant: Tenant, cloud: Cloud, record: Json) -> str:  # noqa: ARG002  every reader has this form
        """Return why a server cannot use its key now; empty when it can, or has none."""
        document = record["doc"]
        encryption = document["properties"].get("dataEncryption") or {}
        named = KEY_URI.fullmatch(encryption.get("primaryKeyURI") or "")
        if named is None:
            return ""
        reader = customer_keys.reader_of(
            tenant, document.get("identity"), encryption.get("primaryUserAssignedIdentityId")
        )
        return customer_keys.why_unusable(tenant, named[1], named[2], named[3] or "", reader, ALSO)

    # --- writes

    def put(self, tenant: Tenant, call: Call) -> Reply:
        """Create a server, or update one: 202 (recordings 53, 54)."""
        write = resources.begin_write(tenant, call, self.resource)
        sent = write.body.get("properties") or {}
        if str(sent.get("createMode") or "Default").lower() not in {"default", "create", "update"}:
            raise errors.not_modelled(f"createMode {sent['createMode']!r} of a flexible server")
        if write.existing is not None:
            return self._write(tenant, call, write.existing["doc"], write.body, new=False)
        document = self._new(tenant, call.cloud, write.id, write.name, write.location, write.body)
        return self._write(tenant, call, document, write.body, new=True)

    def patch(self, tenant: Tenant, call: Call) -> Reply:
        """Update a server: 202 (recordings 53, 54)."""
        record = resources.existing(tenant, call, self.resource)
        body = shapes.accept(self.resource.shape, call.json(), call.api_version, partial=True)
        return self._write(tenant, call, record["doc"], body, new=False)

    def _write(self, tenant: Tenant, call: Call, before: Json, body: Json, *, new: bool) -> Reply:
        document = deepcopy(before)
        sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
        for name in ("administratorLoginPassword", "createMode", "sourceServerResourceId", "pointInTimeUTC"):
            sent.pop(name, None)
        encryption = sent.pop("dataEncryption", None)
        document["properties"] = shapes.merge(document["properties"], _without_nulls(sent))
        if body.get("tags") is not None:
            document["tags"] = body["tags"]
        if body.get("sku"):
            document["sku"] = body["sku"]
        if (body.get("identity") or {}).get("type"):
            document["identity"] = self.identity(
                tenant, document["id"], body["identity"], before.get("identity"), call.method == "PATCH" and not new
            )
        self._encrypt(tenant, document, None if new else before["properties"].get("dataEncryption") or {}, encryption)
        return self.begin(tenant, call, "UpsertServerManagementOperationV2", document, "write")

    def _encrypt(self, tenant: Tenant, document: Json, before: Json | None, sent: Json | None) -> None:
        """Put the encryption that was sent into the document, once its keys were found usable."""
        held = before or {}
        wanted = shapes.merge(held, _without_nulls(sent or {}))
        self.check(tenant, before, wanted, document)
        if str(wanted.get("type") or "SystemManaged").lower() == "systemmanaged":
            document["properties"].pop("dataEncryption", None)
            if self.unencrypted is not None:
                document["properties"]["dataEncryption"] = {**self.unencrypted}
            return
        for part, (key, identity) in PARTS.items():
            given, reader = wanted.get(key), wanted.get(identity)
            changes = (given, reader) != (held.get(key), held.get(identity))
            if changes and (part == "primary" or given or reader):
                self._require_usable(tenant, document, key, str(given or ""), str(reader or ""))
        document["properties"]["dataEncryption"] = wanted

    def _require_usable(self, tenant: Tenant, document: Json, name: str, uri: str, identity: str) -> None:
        named = KEY_URI.fullmatch(uri)
        if named is None:
            raise server_key_incomplete(name)
        reader = customer_keys.reader_of(tenant, document.get("identity"), identity or "/")
        if reader is None:
            raise server_identity_missing(identity)
        customer_keys.require_usable_by_server(
            tenant, document["name"], named[1], named[2], named[3] or "", reader, ALSO
        )

    def delete(self, tenant: Tenant, call: Call) -> Reply:
        """Take a server away: 202, or 204 when it is not there."""
        record = tenant.resource(resources.address(tenant, call, self.resource))
        if record is None:
            return Reply(204)
        return self.begin(tenant, call, "DropServerManagementOperation", record["doc"], "delete")

    def _new(self, tenant: Tenant, cloud: Cloud, identifier: str, name: str, location: str, body: Json) -> Json:
        sent = body.get("properties") or {}
        return {
            "id": identifier,
            "name": name,
            "type": self.resource.type,
            "location": LOCATIONS.get(location, location),
            "sku": body.get("sku") or {"name": "Standard_D2s_v3", "tier": "GeneralPurpose"},
            "systemData": {"createdAt": tenant.timestamp()},
            "properties": {
                "fullyQualifiedDomainName": f"{name}.{self.host}.{DOMAINS.get(cloud.name, DOMAINS['AzureCloud'])}",
                **self.new(tenant, sent),
            },
        }

    # --- operations

    def begin(self, tenant: Tenant, call: Call, title: str, document: Json, what: str) -> Reply:
        """Begin an operation: 202 with both headers (recordings 53, 54)."""
        takes = f"{self.resource.namespace.lower()}.{what}"
        name = operations.start(tenant, f"flexible.{what}", document["id"], takes=takes, document=document)
        operations.settle(tenant)
        location = normal(document["location"])
        head = f"/subscriptions/{call['subscription']}/providers/{self.resource.namespace}/locations/{location}"
        headers = {
            "Azure-AsyncOperation": operations.link(call, f"{head}/azureAsyncOperation/{name}", name),
            "Location": operations.link(call, f"{head}/operationResults/{name}", name),
        }
        return Reply(202, {"operation": title, "startTime": tenant.timestamp()}, headers)

    def poll(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the operation (recordings 53, 54) or, at its Location once it is over, the server."""
        operations.require_verbatim(call, call["operation"])
        operation = operations.poll(tenant, call["operation"])
        if "/operationresults/" in call.path.lower():
            if not operation["finished"]:
                return Reply(202)
            record = tenant.resource(operation["target"])
            return Reply(204) if record is None else Reply(200, self.view(tenant, record, call))
        status = "Succeeded" if operation["finished"] else "InProgress"
        return Reply(200, {"name": call["operation"], "status": status, "startTime": operation["created"]})

    # --- server parameters

    def _configuration(self, record: Json, name: str) -> Json:
        parameter = self.parameters[name]
        value = record.get("parameters", {}).get(name, parameter.default)
        source = "system-default" if value == parameter.default else "user-override"
        return {
            "properties": {"value": value, "defaultValue": parameter.default, "source": source},
            "id": f"{record['doc']['id']}/configurations/{name}",
            "name": name,
            "type": f"{self.resource.type}/configurations",
        }

    def get_configuration(self, tenant: Tenant, call: Call) -> Reply:
        """Answer a server parameter."""
        record = resources.existing(tenant, call, self.resource)
        return Reply(200, self._configuration(record, self._parameter(call)))

    def _parameter(self, call: Call) -> str:
        name = call["parameter"].lower()
        if name not in self.parameters:
            raise errors.not_modelled(f"the server parameter {call['parameter']!r}")
        return name

    def list_configurations(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the server parameters that are modelled."""
        record = resources.existing(tenant, call, self.resource)
        return Reply(200, {"value": [self._configuration(record, each) for each in self.parameters]})

    def set_configuration(self, tenant: Tenant, call: Call) -> Reply:
        """Set a server parameter: 202."""
        record = resources.existing(tenant, call, self.resource)
        name = self._parameter(call)
        sent = shapes.accept(CONFIGURATION, call.json(), call.api_version, partial=True).get("properties") or {}
        value = sent.get("value")
        if value is not None:
            if re.fullmatch(self.parameters[name].allowed, value, re.IGNORECASE) is None:
                raise parameter_value_invalid(value, name)
            record.setdefault("parameters", {})[name] = value
            tenant.changed()
        return self.begin(tenant, call, "UpsertServerParameterManagementOperationV2", record["doc"], "parameter")

    # --- the provider's pieces

    def add(
        self,
        state: Arrangement,
        name: str,
        group: str,
        location: str,
        parameters: Mapping[str, str],
        properties: Mapping[str, Any],
    ) -> str:
        """Add a server to a sandbox, with properties and parameters as given; return its id.

        A user-assigned identity that its encryption names is assigned to it.
        """
        group_id = state.add_resource_group(group, location or LOCATION)
        state.register_provider(self.resource.namespace)
        identifier = f"{group_id}/providers/{self.resource.type}/{name}"
        encryption = properties.get("dataEncryption") or self.unencrypted
        identity = (encryption or {}).get("primaryUserAssignedIdentityId")
        with state.arranging():
            document = self._new(state.tenant, PUBLIC, identifier, name, normal(location), {"properties": {}})
            if identity:
                sent = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
                document["identity"] = self.identity(state.tenant, identifier, sent, None, False)
            document["properties"] |= {**properties} | ({"dataEncryption": {**encryption}} if encryption else {})
            resources.store(state.tenant, document, parameters={**parameters})
        return identifier

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of the servers, of their parameters, and of their operations."""
        served = resources.Resources(self.resource, self.view)
        parameters = f"{self.resource.path}/configurations"
        kind, versions = f"{self.resource.type}/configurations", self.resource.versions
        place = f"/subscriptions/{{subscription}}/providers/{self.resource.namespace}/locations/{{location}}"
        return (
            *served.routes(self.put, self.patch, self.delete),
            Route("GET", parameters, self.list_configurations, kind, versions),
            Route("GET", f"{parameters}/{{parameter}}", self.get_configuration, kind, versions),
            Route("PUT", f"{parameters}/{{parameter}}", self.set_configuration, kind, versions),
            Route("PATCH", f"{parameters}/{{parameter}}", self.set_configuration, kind, versions),
            *(Route("GET", f"{place}/{each}/{{operation}}", self.poll) for each in OPERATIONS),
        )


def _without_nulls(sent: Json) -> Json:
    """Return a body without the nulls in it: clients send them for what they leave as it is."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in sent.items()
        if value is not None
    }


@operations.finisher("flexible.write")
def finish(tenant: Tenant, operation: Json) -> None:
    """Put the server of a finished operation into the tenant."""
    record = tenant.resource(operation["target"])
    if record is None:
        resources.store(tenant, operation["document"])
    else:
        record["doc"] = operation["document"]


@operations.finisher("flexible.parameter")
def finish_parameter(tenant: Tenant, operation: Json) -> None:
    """Do nothing: the value is there already."""


@operations.finisher("flexible.delete")
def finish_deletion(tenant: Tenant, operation: Json) -> None:
    """Take a server away."""
    gone = tenant.table("resources").pop(ids.key(operation["target"]), None)
    if gone is not None:
        resources.end_identity(tenant, gone["doc"])
