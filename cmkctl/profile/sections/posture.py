"""Expectations of who holds the keys: of services, of single resources, and of protections beside the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from cmkctl.profile.field_types import Pattern, broken
from cmkctl.profile.section import Contradiction, Section
from cmkctl.services import services

Holder = Literal["customer", "microsoft"]
"""The expected holder of a key: `customer`, or `microsoft`, which allows Microsoft's key."""

_DAY: Final = r"\d{4}-\d\d-\d\d"
_DAY_WORDS: Final = "Expected a date, such as 2031-01-31."


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return _refuse_day()
    try:
        return date.fromisoformat(value) if re.fullmatch(_DAY, value) else _refuse_day()
    except ValueError:
        return _refuse_day()


def _refuse_day() -> object:
    raise broken(_DAY_WORDS)


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": f"^{_DAY}$"})]
"""A day of the calendar."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text must be one of `names`, which are sorted; a near one is suggested. `words` describe them in a sentence."""

    names: tuple[str, ...]
    words: str

    def check(self, value: str) -> str:
        """Return the value. Raises PydanticCustomError when it is not one of the names."""
        if value in self.names:
            return value
        between = "-" if "-" in "".join(self.names) else "_"
        near = get_close_matches(re.sub("[-_ ]+", between, value.lower()), self.names, n=1)
        raise broken(f"{self.words}{f' Did you mean {near[0]}?' if near else ''}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after pydantic has made sure that the value is text."""
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Show the names to editors."""
        return {**handler(schema), "pattern": f"^(?:{'|'.join(self.names)})$"}


ServiceName = Annotated[
    str,
    OneOf(
        tuple(sorted(each.name for each in services())),
        "Expected the name of a service, such as storage_accounts; docs/services.md lists them.",
    ),
]
ResourceName = Annotated[
    str,
    Pattern(
        r"/subscriptions/\S[^\x00-\x1f]*\S|[^/\s\x00-\x1f](?:[^/\x00-\x1f]*[^/\s\x00-\x1f])?",
        "Expected the ARM id of a resource, its name, or a host name.",
    ),
]
Topic = Annotated[
    str,
    OneOf(
        tuple(sorted({topic for each in services() for topic in each.protections})),
        "Expected the topic of a protection, such as in-transit; docs/services.md lists them.",
    ),
]


Reason = Annotated[str, Pattern(r"\s*\S[\s\S]*", "Expected a reason in words.")]
"""A sentence that is not empty."""


class ExpectedWaiver(Section):
    """A permitted exception from an expectation, until a day."""

    resource: ResourceName | None = Field(
        None,
        description="The resource, by its ARM id or its name. Give either resource or service.",
        examples=["stlegacy"],
    )
    service: ServiceName | None = Field(
        None,
        description="The service whose resources the waiver is for. Give either resource or service.",
        examples=["computes"],
    )
    protection: Topic | None = Field(
        None,
        description="The protection that the waiver is for, such as in-transit. Left out: the key.",
        examples=["in-transit"],
    )
    reason: Reason = Field(
        description="The reason, which reports show.",
        examples=["Is replaced in June, ticket 4711"],
    )
    until: Day = Field(
        description="The last day on which the waiver counts.",
        examples=["2031-01-31"],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a waiver for nothing, and one for a resource and a service."""
        if self.resource is None and self.service is None:
            yield Contradiction(
                "resource",
                "Neither resource nor service is given.",
                "Write the name or the ARM id of a resource as resource, or the name of a service as service.",
                missing=True,
            )
        if self.resource is not None and self.service is not None:
            yield Contradiction(
                "service", "Both resource and service are given.", "Write two waivers, or remove one of the two."
            )


class PostureSettings(Section):
    """The expectations that ``cmkctl posture`` compares with what it finds. No other command reads them."""

    default: Holder = Field(
        "microsoft",
        description=(
            "The expectation for every service that is not named. customer: each resource that can have a customer's key has "
            "one. microsoft: nothing is expected."
        ),
        examples=["customer"],
    )
    services: dict[ServiceName, Holder] = Field(
        default_factory=dict,
        description=(
            "The expectation for each resource of a service, by the service's name in docs/services.md. customer: the "
            "customer's key is required. microsoft: Microsoft's key is allowed."
        ),
        examples=[{"storage_accounts": "customer", "container_registries": "microsoft"}],
    )
    resources: dict[ResourceName, Holder] = Field(
        default_factory=dict,
        description=(
            "The expectation for single resources, by ARM id or by name. It counts instead of that for the service; the one "
            "by id counts instead of the one by name."
        ),
        examples=[{"stscratch": "microsoft"}],
    )
    protections: Annotated[tuple[Topic, ...], Field(strict=False)] = Field(
        (),
        description=(
            "The protections beside the key that must be enforced, by their topics in cmkctl posture, on every resource that "
            "has them."
        ),
        examples=[["in-transit"]],
    )
    waivers: Annotated[tuple[ExpectedWaiver, ...], Field(strict=False)] = Field(
        (),
        description="Permitted exceptions. A waiver counts until its last day; after it the expectation counts again.",
        examples=[[{"resource": "stlegacy", "reason": "Is replaced in June, ticket 4711", "until": "2031-01-31"}]],
    )
