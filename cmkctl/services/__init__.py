"""One module per Azure service that can hold a customer-managed key. Each has a value ``SERVICE``; nothing lists them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, create_model

from cmkctl.profile.section import Section
from cmkctl.services.base import EncryptableService, Entry, Service

_OTHERS: Final = frozenset({"around", "base", "inside", "reading", "reference", "rows"})


@cache
def services() -> tuple[Service, ...]:
    """Return every service, in the order of the modules' names."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name not in _OTHERS)
    return tuple(importlib.import_module(f"{__name__}.{each}").SERVICE for each in names)


def encryptable() -> tuple[EncryptableService[Any], ...]:
    """Return the services whose resources a profile can name."""
    return tuple(each for each in services() if isinstance(each, EncryptableService))


@cache
def _by_type() -> dict[str, Service]:
    return {each.resource_type.lower(): each for each in services()}


def service_of(resource_type: str) -> Service | None:
    """Return the service of a resource type, in any casing; None for a type that no service has."""
    return _by_type().get(resource_type.lower())


class ServiceEntries(Section):
    """The resources around the workspace that ``cmkctl encrypt`` puts the key on; no other command changes them."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every resource that is named, service by service."""
        return tuple(self._entries())

    def _entries(self) -> Iterator[Entry]:
        for service in encryptable():
            for index, settings in enumerate(getattr(self, service.name)):
                yield Entry(service, settings, f"services.{service.name}[{index}]")


def _fields() -> dict[str, Any]:
    """Return the fields of the section: a list of entries for each service."""
    return {
        each.name: (
            Annotated[tuple.__class_getitem__((each.settings, ...)), Field(strict=False)],
            Field((), description=f"Each {each.title} to encrypt with the key.", examples=[[{"id": _example(each)}]]),
        )
        for each in encryptable()
    }


def _example(service: EncryptableService[Any]) -> str:
    return str((service.settings.model_fields["id"].examples or [""])[0])


if TYPE_CHECKING:
    ServicesSettings = ServiceEntries
else:
    ServicesSettings = create_model(
        "ServicesSettings", __base__=ServiceEntries, __doc__=ServiceEntries.__doc__, **_fields()
    )
