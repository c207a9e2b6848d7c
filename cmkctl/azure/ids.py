"""Azure Resource Manager ids: the only place that puts ``/providers/`` into a string.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules and
https://learn.microsoft.com/rest/api/resources/resources/get-by-id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

LIST_WORKSPACES: Final = (
    "az resource list --resource-type Microsoft.MachineLearningServices/workspaces --query '[].id' --output tsv"
)
"""The command for the ARM ids of workspaces, in the current subscription. It needs no extension of the az CLI."""

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[^/?#%\\\x00-\x1f\x7f]+"
"""A segment of an ARM id. No name has the other characters, and in a URL they, or a segment of dots, would lead elsewhere."""

_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_SEGMENT})/resourceGroups/(?P<group>{_SEGMENT})"
    rf"/providers/(?P<provider>{_SEGMENT})(?P<rest>(?:/{_SEGMENT}/{_SEGMENT})+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of a resource's ARM id inside a resource group.

    `types` and `names` run in parallel, parent first: ``("vaults", "keys")`` and ``("kv1", "cmk")``.
    """

    subscription: str
    resource_group: str
    provider: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """Take an ARM id apart. Raises ValueError for anything that is not the id of a resource in a resource group."""
        found = _ID.fullmatch(text)
        if found is None:
            raise ValueError(f"not an ARM resource id: {text!r}")
        segments = found["rest"].strip("/").split("/")
        return cls(
            found["subscription"], found["group"], found["provider"], tuple(segments[::2]), tuple(segments[1::2])
        )

    def __str__(self) -> str:
        pairs = "".join(f"/{kind}/{name}" for kind, name in zip(self.types, self.names, strict=True))
        return f"{group_id(self.subscription, self.resource_group)}/providers/{self.provider}{pairs}"

    @property
    def name(self) -> str:
        """The resource's own name: the last segment."""
        return self.names[-1]

    @property
    def type(self) -> str:
        """The resource type with its namespace, such as ``Microsoft.KeyVault/vaults/keys``."""
        return "/".join((self.provider, *self.types))

    def child(self, kind: str, name: str) -> ResourceId:
        """Return the id of a child resource, such as a key of a vault."""
        return replace(self, types=(*self.types, kind), names=(*self.names, name))


def resource_type(resource: str) -> str:
    """Return the resource type of an ARM id: ``Microsoft.KeyVault/vaults/keys``, ``Microsoft.Resources/providers``.

    Source: https://learn.microsoft.com/azure/templates/microsoft.resources/allversions
    """
    above, _, own = resource.strip("/").rpartition("providers/")
    if not above:
        return "Microsoft.Resources/resourceGroups"
    namespace, *segments = own.split("/")
    return "/".join((namespace, *segments[::2])) if segments else "Microsoft.Resources/providers"


def parents(scope: str) -> Iterator[str]:
    """Yield the scopes above an ARM id, nearest first: resource, resource group, subscription."""
    above = scope.rstrip("/")
    while above.count("/") > 2:
        above = above.rsplit("/", 2)[0]
        above = re.sub(r"/providers/[^/]+$|/providers$", "", above, flags=re.IGNORECASE)
        yield above


def within(scope: str, above: str) -> bool:
    """Return True when an ARM id is `above` or below it, in any casing."""
    return f"{scope.rstrip('/')}/".lower().startswith(f"{above.rstrip('/')}/".lower())


def subscription_id(subscription: str) -> str:
    """Return the ARM id of a subscription."""
    return f"/subscriptions/{subscription}"


def group_id(subscription: str, resource_group: str) -> str:
    """Return the ARM id of a resource group."""
    return f"{subscription_id(subscription)}/resourceGroups/{resource_group}"


def resource_id(subscription: str, resource_group: str, resource_type: str, name: str) -> str:
    """Return the ARM id of a top-level resource of `resource_type` (``Microsoft.KeyVault/vaults``)."""
    provider, kind = resource_type.split("/")
    return str(ResourceId(subscription, resource_group, provider, (kind,), (name,)))


def provider_id(subscription: str, namespace: str) -> str:
    """Return the ARM id of a resource provider in a subscription."""
    return f"{subscription_id(subscription)}/providers/{namespace}"


def deleted_vault_id(subscription: str, location: str, name: str) -> str:
    """Return the ARM id of a soft-deleted vault."""
    return f"{provider_id(subscription, 'Microsoft.KeyVault')}/locations/{location}/deletedVaults/{name}"


def role_definitions_id(scope: str) -> str:
    """Return the ARM id of the collection of role definitions at `scope`."""
    return f"{scope}/providers/Microsoft.Authorization/roleDefinitions"


def role_definition_id(subscription: str, role: str) -> str:
    """Return the ARM id of a role in a subscription, given the role's GUID."""
    return f"{role_definitions_id(subscription_id(subscription))}/{role}"


def role_assignments_id(scope: str) -> str:
    """Return the ARM id of the collection of role assignments at `scope`."""
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments"


def role_assignment_id(scope: str, name: str) -> str:
    """Return the ARM id of the role assignment `name` at `scope`."""
    return f"{role_assignments_id(scope)}/{name}"


@dataclass(frozen=True, slots=True)
class KeyIdentifier:
    """A Key Vault key identifier, ``https://VAULT/keys/NAME/VERSION``. `version` is None for a versionless one.

    Source: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
    """

    host: str
    name: str
    version: str | None

    @classmethod
    def parse(cls, text: str) -> KeyIdentifier:
        """Take a key identifier apart. Raises ValueError for anything else."""
        found = re.match(r"^https://([^/:]+)(?::443)?/keys/([0-9A-Za-z-]{1,127})(?:/([0-9A-Za-z]+))?/?$", text)
        if found is None:
            raise ValueError(f"not a key identifier: {text!r}")
        return cls(found[1].lower(), found[2], found[3])


def key_parts(text: str) -> tuple[str, str]:
    """Return a key identifier without its version, and the version, empty for a versionless one.

    Both are empty for a text that is no key identifier. The host is in lower case.
    """
    try:
        found = KeyIdentifier.parse(text)
    except ValueError:
        return "", ""
    return f"https://{found.host}/keys/{found.name}", found.version or ""
