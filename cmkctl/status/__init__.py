"""The status of a workspace and its key as values: `reading` reads the documents, `computing` makes the values, views show them.

A fact that could not be read is `Unseen`; it is never replaced by an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Unseen:
    """A fact that could not be read: its name, the resource, the reason, and the missing right where one is known."""

    fact: str
    resource_id: str
    reason: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a key. `enabled` is None, and a date is None, where Azure does not show it or there is none."""

    name: str
    enabled: bool | None = None
    created: datetime | None = None
    starts: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key: its identifier without a version, the version that the workspace uses, the latest one, and the rotation policy.

    `exists` is None where it may not be read. `identifier` is empty where Azure shows none. `rotation` lists the policy as
    action and trigger, in Azure's words.
    """

    resource_id: str
    exists: bool | None
    identifier: str = ""
    in_use: Version | None = None
    latest: Version | None = None
    older: tuple[Version, ...] = ()
    """The enabled versions that are older than the one in use."""
    rotation: tuple[str, ...] = ()

    @property
    def pending(self) -> bool:
        """True when the workspace uses an older version than the latest."""
        return bool(self.in_use and self.latest and self.in_use.name != self.latest.name)


@dataclass(frozen=True, slots=True)
class GrantStatus:
    """A principal that may use the key: by a role or an access policy, at a scope, since a moment that Azure may not show."""

    principal: str
    object_id: str
    principal_type: str
    form: str
    rights: str
    scope: str
    created: datetime | None = None
    conditional: bool = False


class DueKind(StrEnum):
    """The kinds of what is due."""

    NEW_VERSION = "new-version"
    ROTATION = "rotation"
    EXPIRY = "expiry"
    OLD_VERSION = "old-version"
    GRANT = "grant"


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due, at a date or (None) now. `subject` is a key identifier or the object id of a principal."""

    kind: DueKind
    date: datetime | None
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Leftover:
    """A soft-deleted resource of the profile's names, with the dates that Azure shows, and its effect."""

    kind: str
    resource_id: str
    deleted: datetime | None
    purged: datetime | None
    effect: str


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """A workspace. `exists` is None where it may not be read; every other field is then empty.

    `holder` is who holds the key: ``customer`` or ``microsoft``. A project has the key and everything else of its `hub`.
    `architecture` is empty for a workspace with Microsoft's key, and where Azure does not show it. `visible` is True where the
    managed resource group may be read, None without one. `key_access` is the state of the Azure Cosmos DB account's access to
    the key, in Azure's words.
    """

    resource_id: str
    exists: bool | None
    location: str = ""
    kind: str = ""
    state: str = ""
    hub: str = ""
    holder: str = ""
    architecture: str = ""
    high_business_impact: bool | None = None
    managed_group: str = ""
    visible: bool | None = None
    cosmos_db_account: str = ""
    key_access: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that ``cmkctl status`` shows. `grants` is None where they may not be read."""

    at: datetime
    workspace: WorkspaceStatus
    key: KeyStatus | None
    grants: tuple[GrantStatus, ...] | None
    due: tuple[Due, ...]
    leftovers: tuple[Leftover, ...]
    unseen: tuple[Unseen, ...]
