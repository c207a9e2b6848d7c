"""A Terraform state over azurerm's resources: create, refresh and diff, update, import, replace and destroy.

A resource is what the provider sends for it, in its order and with its api-versions, and the attributes it sets from what
is answered; a plan is what of the configuration these attributes differ from. Source: the resources' ``Create``, ``Read``,
``Update`` and ``Delete`` functions in hashicorp/terraform-provider-azurerm (``internal/services``).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from support.terraform import Terraform

Json = dict[str, Any]
Query = Mapping[str, str]
NOT_FOUND = 404


@dataclass(frozen=True)
class SideRequest:
    """A request beside those of the resource itself, and the statuses the provider goes on with.

    `path` is that of Resource Manager, or the whole URL of a data plane.
    """

    method: str
    path: str
    version: str
    body: Any = None
    query: Query = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({200})

    def send(self, terraform: Terraform) -> None:
        """Send it."""
        if self.path.startswith("https://"):
            answer = terraform.http.get(
                self.path, params=self.query, headers={"Authorization": "SharedKey any:signature"}
            )
        else:
            answer = terraform(self.method, self.path, self.version, self.body, **self.query)
        assert answer.status_code in self.statuses, f"{self.method} {self.path}: {answer.status_code} {answer.text}"


@dataclass(frozen=True)
class Resource:
    """One resource of a configuration.

    Attributes:
        kind: its type in Terraform.
        path: its id.
        version: the api-version of its requests.
        body: the body of the PUT that creates it.
        shown: the attributes that a read sets from an answer.
        wanted: the attributes of the configuration.
        before: requests between the look for an existing resource and the PUT.
        beside: requests of every read beside the GET.
        update: PATCH, or PUT of what was read with the changes in it.
        delete: the query of the DELETE.
        after: requests after the DELETE.

    """

    kind: str
    path: str
    version: str
    body: Json
    shown: Callable[[Json], Json]
    wanted: Json
    before: tuple[SideRequest, ...] = ()
    beside: tuple[SideRequest, ...] = ()
    update: str = "PUT"
    delete: Query = field(default_factory=dict)
    after: tuple[SideRequest, ...] = ()

    def tagged(self, **tags: str) -> "Resource":
        """Return the resource with other tags in its configuration."""
        return replace(self, body={**self.body, "tags": tags}, wanted={**self.wanted, "tags": tags})

    def changed(self, properties: Json, **wanted: Any) -> "Resource":
        """Return the resource with other properties in its configuration."""
        body = {**self.body, "properties": {**self.body.get("properties", {}), **properties}}
        return replace(self, body=body, wanted={**self.wanted, **wanted})


class State:
    """What Terraform remembers, and the commands over it."""

    def __init__(self, terraform: Terraform) -> None:
        """Begin with nothing."""
        self.terraform = terraform
        self.known: dict[str, Json] = {}

    def apply(self, resources: Iterable[Resource]) -> None:
        """Create what is new and update what differs, in the order given."""
        for resource in resources:
            if resource.path not in self.known:
                self._create(resource)
            elif self.differences(resource):
                self._update(resource)

    def plan(self, resources: Iterable[Resource]) -> Json:
        """Refresh, and return by type what would change; None stands for a creation."""
        found: Json = {}
        for resource in resources:
            if self._read(resource) is None:
                found[resource.kind] = None
            elif self.differences(resource):
                found[resource.kind] = self.differences(resource)
        return found

    def differences(self, resource: Resource) -> Json:
        """Return the attributes of the configuration that the state has otherwise: what it has, what is wanted."""
        known = self.known[resource.path]
        return {name: (known.get(name), want) for name, want in resource.wanted.items() if known.get(name) != want}

    def take(self, resource: Resource) -> None:
        """Import a resource."""
        assert self._read(resource) is not None, f"{resource.path} cannot be imported: it is not there"

    def destroy(self, resources: Iterable[Resource]) -> None:
        """Delete resources, the last first, and wait until each is gone."""
        for resource in reversed(list(resources)):
            gone = self.terraform("DELETE", resource.path, resource.version, **resource.delete)
            assert gone.status_code in {200, 202, 204}, f"DELETE {resource.path}: {gone.status_code} {gone.text}"
            if gone.status_code == 202:
                self.terraform.wait_for_operation(gone)
            self.terraform.wait_until_gone(resource.path, resource.version)
            for each in resource.after:
                each.send(self.terraform)
            del self.known[resource.path]

    def replace(self, resource: Resource) -> None:
        """Destroy a resource and create it again, as for an attribute that cannot be changed."""
        self.destroy([resource])
        self._create(resource)

    def _create(self, resource: Resource) -> None:
        absent = self.terraform("GET", resource.path, resource.version)
        assert absent.status_code == NOT_FOUND, f"{resource.path} has to be imported: {absent.text}"
        for each in resource.before:
            each.send(self.terraform)
        accepted = self.terraform("PUT", resource.path, resource.version, resource.body)
        self.terraform.wait_for_write(accepted, resource.path, resource.version)
        assert self._read(resource) is not None

    def _read(self, resource: Resource) -> Json | None:
        answer = self.terraform("GET", resource.path, resource.version)
        if answer.status_code == NOT_FOUND:
            self.known.pop(resource.path, None)
            return None
        assert answer.status_code == 200, answer.text
        for each in resource.beside:
            each.send(self.terraform)
        self.known[resource.path] = resource.shown(answer.json())
        return self.known[resource.path]

    def _update(self, resource: Resource) -> None:
        read: Json = self.terraform("GET", resource.path, resource.version).json()
        body = resource.body if resource.update == "PATCH" else _merged(read, resource.body)
        accepted = self.terraform(resource.update, resource.path, resource.version, body)
        self.terraform.wait_for_write(accepted, resource.path, resource.version)
        assert self._read(resource) is not None


def _merged(read: Json, body: Json) -> Json:
    """Return what was read with the configuration in it: the provider sends the whole model back."""
    properties = {**(read.get("properties") or {}), **(body.get("properties") or {})}
    whole = {**read, **body}
    return {**whole, "properties": properties} if "properties" in read else whole
