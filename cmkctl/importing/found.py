"""The documents that a profile is written from, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.decoding import ArmDocument
from cmkctl.profile.writing import Path


@dataclass(frozen=True, slots=True)
class Found:
    """A workspace and what is around it, in the form in which Azure shows it.

    `documents` are the other resources by id in lower case; `missing` names the reason for each one that could not be read.
    `projects` are the projects of a hub, `endpoints` the private endpoints with their zone groups (under ``zoneGroups``),
    `assignments` the role assignments at the workspace and its resources, by the id of the scope in lower case.
    """

    cloud: Cloud
    subscription: str
    resource_group: str
    workspace: ArmDocument
    origin: str
    """The source, for the first line of the profile."""
    tenant: str = ""
    documents: Mapping[str, ArmDocument] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    key_version: ArmDocument | None = None
    """The version that the workspace uses, where it is not the newest."""
    projects: tuple[ArmDocument, ...] = ()
    endpoints: tuple[ArmDocument, ...] = ()
    assignments: tuple[ArmDocument, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    """The names of roles by GUID."""
    settings: tuple[str, ...] = ()
    """The names of the workspace's diagnostic settings."""
    new: bool = False
    """True where no workspace uses the key yet: the profile is for a new one, whose fields the operator chooses."""
    offline: bool = False
    """True for a file: no plan follows, so resources are given by id, which cmkctl never changes."""
    unread: tuple[tuple[Path, str], ...] = ()
    """The fields that could not be known, each with the reason."""

    def document(self, resource: str | None) -> ArmDocument:
        """Return the document of a resource, empty where it is absent or was not read."""
        return self.documents.get((resource or "").lower().rstrip("/"), {})

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of the workspace."""
        properties: Mapping[str, Any] = self.workspace.get("properties") or {}
        return properties

    @property
    def key(self) -> Mapping[str, Any]:
        """The vault and the identifier of the key, as the workspace names them; empty without a customer-managed key."""
        key: Mapping[str, Any] = (self.properties.get("encryption") or {}).get("keyVaultProperties") or {}
        return key


UNKNOWN: Final = "?"
"""Takes the place of a required value that a file does not have; the profile then names a variable."""
