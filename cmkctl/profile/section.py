"""The parts that sections of a profile are made of.

A section is an immutable mapping of fields. One for a resource in Azure has the resource's type, name
and ARM id, so that no step derives them again. The values that it needs for that from the rest of the profile are its
`Placement`, which the profile gives to its sections once, when it is validated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from cmkctl.azure.ids import ResourceId, resource_id
from cmkctl.profile import derived_names
from cmkctl.profile.derived_names import DerivedName

CONTRADICTION: Final = "contradiction"
"""The error type of fields that contradict each other; its context holds `Contradiction` values under ``found``."""

SECTION: Final = "{section}"
"""In a contradiction's remedy: the dotted path of the section that found it."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Fields that are right alone and wrong together.

    `field` is the one to point at, relative to its section; `detail` and `remedy` are sentences. `missing` is true
    where the fault is that none of several fields is given.
    """

    field: str
    detail: str
    remedy: str
    missing: bool = False


def contradictory(found: Iterable[Contradiction]) -> PydanticCustomError:
    """Return the error of fields that contradict each other."""
    several = tuple(found)
    return PydanticCustomError(CONTRADICTION, "{text}", {"text": several[0].detail, "found": several})


@dataclass(frozen=True, slots=True)
class Placement:
    """The values of a profile from which its sections derive names and ids.

    `key_vault` is the ARM id of the vault that holds the key. Two placements are always equal: a section is compared by
    its fields, and the placement follows from the profile.
    """

    subscription: str = field(compare=False)
    resource_group: str = field(compare=False)
    workspace: str = field(compare=False)
    key_vault: str = field(compare=False)

    def resource_id(self, resource_type: str, name: str) -> str:
        """Return the ARM id of a resource in the profile's resource group."""
        return resource_id(self.subscription, self.resource_group, resource_type, name)

    def derived(self, name: DerivedName) -> str:
        """Return the derived name of a resource of this workspace."""
        return name.of(self.workspace, derived_names.digest(self.subscription, self.resource_group, self.workspace))


_NOWHERE: Final = Placement("", "", "", "")


class Section(BaseModel):
    """A part of a profile. `contradictions` finds fields that are right alone and wrong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    _placement: Placement = PrivateAttr(default=_NOWHERE)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield the contradictions between fields that are each valid; none by default."""
        yield from ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.place_sections()
        found = tuple(self.contradictions())
        if found:
            raise contradictory(found)
        return self

    def place_sections(self) -> None:
        """Prepare derived state before contradictions are looked for."""

    def place(self, placement: Placement) -> None:
        """Give this section and copies of the sections in it their placement; a section may be shared by profiles."""
        self._placement = placement
        for name in type(self).model_fields:
            inner = getattr(self, name)
            if isinstance(inner, Section):
                own = inner.model_copy()
                own.place(placement)
                object.__setattr__(self, name, own)  # frozen for users, as in a frozen dataclass's __post_init__

    @property
    def placement(self) -> Placement:
        """The values that the profile around this section gives it. Raises LookupError for a section outside a profile."""
        if not self._placement.subscription:
            raise LookupError(f"{type(self).__name__} is not part of a profile, so it has no name and no id")
        return self._placement


class Nameable(Section):
    """A section for a resource that is given by `name`, in the profile's resource group, or by `id`, anywhere.

    With neither, the name is derived by `derived`; where that is None, one of the two is required. A resource that takes tags
    of its own has the field `tags`.
    """

    resource_type: ClassVar[str]
    derived: ClassVar[DerivedName | None] = None

    name: str | None = None
    id: str | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong with the pair of name and id, and tags of a resource that is not ours."""
        if self.name is not None and self.id is not None:
            yield Contradiction(
                "id",
                "Both are given: a name, for a resource in the profile's resource group, and an id, for one that exists.",
                f"Keep either {SECTION}.name or {SECTION}.id.",
            )
        if self.name is None and self.id is None and self.derived is None:
            yield Contradiction(
                "name",
                "Neither name nor id is given.",
                f"Write {SECTION}.name to create or adopt one in the profile's resource group, or {SECTION}.id for one "
                "elsewhere.",
                missing=True,
            )
        if self.id is not None and getattr(self, "tags", None):
            yield Contradiction(
                "tags",
                "The resource is given by id, and cmkctl never changes such a resource.",
                "Leave the tags out, and set them where the resource is managed.",
            )

    @property
    def resource_name(self) -> str:
        """The resource's name: given, taken from the id, or derived."""
        if self.id is not None:
            return ResourceId.parse(self.id).name
        if self.name is not None or self.derived is None:
            return self.name or ""
        return self.placement.derived(self.derived)

    @property
    def resource_id(self) -> str:
        """The resource's ARM id."""
        return self.id or self.placement.resource_id(self.resource_type, self.resource_name)


def key_of_a_given_resource(section: Nameable, encryption: str, way_out: str) -> Iterator[Contradiction]:
    """Yield the customer's key for a resource that is given by id: it is set when cmkctl creates one."""
    if encryption == "customer" and section.id is not None:
        yield Contradiction(
            "encryption",
            "The resource is given by id, and the customer's key is set only when cmkctl creates the resource.",
            f"Leave encryption out, and {way_out}.",
        )
