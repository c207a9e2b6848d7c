"""The holder of a resource's key as values: a verdict and its evidence. Services return them, views show them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cmkctl.plan import Json


class Verdict(StrEnum):
    """The answer to the question who holds the key."""

    CUSTOMER = "customer"
    MICROSOFT = "microsoft"
    MIXED = "mixed"
    INHERITED = "inherited"
    CUSTOMER_UNUSABLE = "customer-unusable"
    NOT_CHOOSABLE = "not-choosable"
    NOT_KNOWABLE = "not-knowable"
    NOT_VISIBLE = "not-visible"
    RETIRED = "retired"


class Follow(StrEnum):
    """The reaction of a service, or of one of its resources, to a new version of its key."""

    NEVER = "never"
    BY_ITSELF = "by itself"
    WHEN_TOLD = "if asked to"


@dataclass(frozen=True, slots=True)
class Follows:
    """The way in which new key versions are followed, with the longest delay in hours where a source gives one."""

    how: Follow
    hours: float | None = None

    def __str__(self) -> str:
        return self.how.value if self.hours is None else f"{self.how.value}, within {self.hours:g} h"


PINNED = Follows(Follow.NEVER)
"""The reaction of a resource that names a version of its key."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value that a verdict rests on, as Azure answered it: the resource, api-version, JSON path, and the value."""

    resource_id: str
    api_version: str
    path: str
    value: Json


@dataclass(frozen=True, slots=True)
class Posture:
    """The key of one resource: the verdict, a sentence that explains it, and the evidence.

    `key` is the key identifier without a version, and `key_version` the version in use. Each is empty where the documents
    do not show it. `follows` is the reaction of this resource to a new version; None where the documents do not show it.
    """

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()
    key: str = ""
    key_version: str = ""
    follows: Follows | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The posture of one resource, with facts about its service.

    `service` is the title of the service, `set_by` the way in which the key is set on such a resource, and `follows` its
    reaction to a new version of the key.
    """

    service: str
    resource_type: str
    resource_id: str
    posture: Posture
    set_by: str
    follows: str

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource_id.rpartition("/")[2]
