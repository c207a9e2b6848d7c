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
    do not show it.
    """

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()
    key: str = ""
    key_version: str = ""


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
