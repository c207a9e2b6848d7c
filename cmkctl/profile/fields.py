"""The fields of a profile, by path: what the loader, the schema and the reference know about the model.

Everything here is read from the model. A section that is added to it needs no line in this package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args, get_origin

from pydantic import Discriminator
from pydantic.fields import FieldInfo

from cmkctl.profile.model import Profile, Section
from cmkctl.profile.section import Nameable
from cmkctl.profile.tree import Path

EXTENDS: Final = "extends"
"""The one key of a file that is no field of the model: the file to take inherited values from."""


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One field: its dotted path, what pydantic knows of it, and the section that its value is, if it is one.

    `free_names` is true for a mapping whose names the operator chooses, such as tags; `tagged` for a union that
    pydantic distinguishes by a tag, which it then adds to the place of an error; `listed` for a list of sections.
    """

    path: str
    info: FieldInfo
    section: type[Section] | None
    free_names: bool
    tagged: bool
    listed: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def example(self) -> Any:
        """A value that would be right."""
        return (self.info.examples or [None])[0]

    @property
    def takes_name_or_id(self) -> bool:
        """True for a section that needs one of ``name`` and ``id``, because no name is derived."""
        return self.section is not None and issubclass(self.section, Nameable) and self.section.derived is None


@cache
def profile_fields(model: type[Section] = Profile) -> dict[str, ProfileField]:
    """Return every field of `model` by its dotted path, in the order of the model."""
    return {each.path: each for each in _fields(model, "")}


def _fields(section: type[Section], prefix: str) -> Iterator[ProfileField]:
    for name, info in section.model_fields.items():
        inner = _section_in(info.annotation)
        tagged = any(isinstance(each, Discriminator) for each in (info.discriminator, *info.metadata))
        origin = get_origin(info.annotation)
        listed = origin is tuple and inner is not None
        yield ProfileField(prefix + name, info, inner, origin is dict, tagged, listed)
        if inner:
            yield from _fields(inner, f"{prefix}{name}.")


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Section) else None
    return next((found for each in get_args(annotation) if (found := _section_in(each))), None)


def field_name(path: Path) -> str:
    """Return the dotted path of the field at `path`, which is the same for every entry of a list."""
    return ".".join(each for each in path if isinstance(each, str))


def path_of(text: str, model: type[Section] = Profile) -> Path:
    """Return the path that people wrote, such as ``key_vault.network.ip_rules[0]``.

    Everything after the name of a field with free names is one name: a tag may have full stops in its own.
    """
    found = re.findall(r"\[(\d+)\]|([^.\[\]]+)", text)
    return free_name_in(text, model) or tuple(int(index) if index else name for index, name in found)


def free_name_in(text: str, model: type[Section] = Profile) -> tuple[str, ...] | None:
    """Return the path of a free name, such as ``tags.cost.center``; None for any other path."""
    around = [each.path for each in profile_fields(model).values() if each.free_names]
    found = next((each for each in around if text.startswith(f"{each}.")), None)
    return (*found.split("."), text.removeprefix(f"{found}.")) if found else None


def path_of_error(place: Iterable[str | int], model: type[Section] = Profile) -> Path:
    """Return the path of the field that an error of pydantic's is about.

    Pydantic adds the tag of a union's form, and its own mark for a free name: parts that are not in the file.
    """
    fields = profile_fields(model)
    path: Path = ()
    rest = list(place)
    while rest:
        path = (*path, rest.pop(0))
        known = fields.get(".".join(str(each) for each in path))
        if known and known.tagged:
            rest = rest[1:]
        if known and known.free_names:
            rest, path = [], (*path, *rest[:1])
    return path
