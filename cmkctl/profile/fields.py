"""The fields of a profile, by path: what the loader, the schema and the reference know about the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic.fields import FieldInfo

from cmkctl.profile.model import Profile, Section


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One field: its dotted path, what pydantic knows of it, and the section that its value is, if it is one."""

    path: str
    info: FieldInfo
    section: type[Section] | None

    @property
    def example(self) -> Any:
        """A value that would be right."""
        return (self.info.examples or [None])[0]


@cache
def profile_fields() -> dict[str, ProfileField]:
    """Every field of the profile by its dotted path, in the order of the model."""
    return {each.path: each for each in _fields(Profile, "")}


def _fields(section: type[Section], prefix: str) -> Iterator[ProfileField]:
    for name, info in section.model_fields.items():
        inner = _section_in(info.annotation)
        yield ProfileField(prefix + name, info, inner)
        if inner:
            yield from _fields(inner, f"{prefix}{name}.")


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Section) else None
    return next((found for each in get_args(annotation) if (found := _section_in(each))), None)
