"""Addresses: the scope of a deployment, and the ids of the resources in its template."""

from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core import errors

DEPLOYMENTS = "Microsoft.Resources/deployments"
GROUPS = "Microsoft.Resources/resourceGroups"


@dataclass(frozen=True)
class Place:
    """A deployment's own address. `group` is empty at subscription scope; `location` is empty in a group."""

    subscription: str
    group: str
    name: str
    location: str = ""

    @property
    def base(self) -> str:
        """The id of the scope: a resource group's or a subscription's."""
        group = f"/resourceGroups/{self.group}" if self.group else ""
        return f"/subscriptions/{self.subscription}{group}"

    @property
    def id(self) -> str:
        """The deployment's id."""
        return f"{self.base}/providers/{DEPLOYMENTS}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Return what the state file keeps."""
        return {"subscription": self.subscription, "group": self.group, "name": self.name, "location": self.location}


def resource_id(base: str, resource_type: str, name: str) -> str:
    """Return the id of a resource of a template.

    Args:
        base: the scope's id, without a trailing slash.
        resource_type: ``Microsoft.KeyVault/vaults/keys``.
        name: ``vault/key``, a segment for each segment of the type.

    Raises:
        AzureError: 400 `InvalidTemplate` when they are not as many.

    """
    if resource_type.lower() == GROUPS.lower():
        return f"{'/'.join(base.split('/')[:3])}/resourceGroups/{name}"
    namespace, *types = resource_type.split("/")
    names = name.split("/")
    if len(types) != len(names) or not types or not all(names):
        raise errors.template_segments(name, resource_type)
    path = "/".join(f"{kind}/{one}" for kind, one in zip(types, names, strict=True))
    return f"{base}/providers/{namespace}/{path}"
