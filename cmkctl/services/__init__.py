"""One module per Azure service that can hold a customer-managed key. Each has a value ``SERVICE``; nothing lists them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, ValidationError, create_model

from cmkctl.azure.ids import resource_type
from cmkctl.profile.section import Section
from cmkctl.services.base import EncryptableService, Entry, Service, ServiceSettings

_OTHERS: Final = frozenset(
    {"around", "base", "flexible_server", "inside", "reading", "reference", "rows", "single_server"}
)


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


class SettingsNeededError(ValueError):
    """A resource given by its id alone, whose service has settings without a default."""


def service_at(host: str) -> Service | None:
    """Return the service whose resources alone have a host name that ends like this; None where no service is known."""
    ends = (
        (each, suffix) for each in services() for suffix in each.host_suffixes if host.lower().endswith(f".{suffix}")
    )
    return max(ends, key=lambda found: len(found[1]), default=(None, ""))[0]


class ServiceEntries(Section):
    """The resources around the workspace that ``cmkctl encrypt`` puts the key on; no other command changes them."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every resource that is named, service by service."""
        return tuple(self._entries())

    def with_resources(self, resource_ids: Iterable[str]) -> Self:
        """Return the section with further resources, each with the defaults of its service. One that is named stays as it is.

        Raises ValueError for an id of a type that takes no key from cmkctl, and SettingsNeededError for one whose service has
        settings without a default; the messages are sentences.
        """
        added: dict[str, tuple[ServiceSettings, ...]] = {}
        named = {each.settings.id.lower() for each in self.entries}
        takers = {each.resource_type.lower(): each for each in encryptable()}
        for each in resource_ids:
            service = takers.get(resource_type(each).lower())
            if service is None:
                kinds = ", ".join(known.resource_type for known in encryptable())
                raise ValueError(f"{each!r} is not the ARM id of a resource that cmkctl puts a key on: {kinds}.")
            if each.lower() not in named:
                named.add(each.lower())
                try:
                    entry: ServiceSettings = service.settings.model_validate({"id": each})
                except ValidationError:
                    message = f"{each!r} needs settings: name it in the profile, under services.{service.name}."
                    raise SettingsNeededError(message) from None
                added[service.name] = (*added.get(service.name, ()), entry)
        return self.model_copy(update={name: (*getattr(self, name), *each) for name, each in added.items()})

    def _entries(self) -> Iterator[Entry]:
        for service in encryptable():
            for index, settings in enumerate(getattr(self, service.name)):
                yield Entry(service, settings, f"services.{service.name}[{index}]")


def _fields() -> dict[str, Any]:
    """Return the fields of the section: a list of entries for each service."""
    return {
        each.name: (
            Annotated[tuple.__class_getitem__((each.settings, ...)), Field(strict=False)],
            Field((), description=f"Each {each.title} to encrypt with the key.", examples=[[_example(each)]]),
        )
        for each in encryptable()
    }


def _example(service: EncryptableService[Any]) -> dict[str, Any]:
    """Return an entry with the fields that have no default."""
    fields = service.settings.model_fields.items()
    return {name: (each.examples or [""])[0] for name, each in fields if each.is_required()}


if TYPE_CHECKING:
    ServicesSettings = ServiceEntries
else:
    ServicesSettings = create_model(
        "ServicesSettings", __base__=ServiceEntries, __doc__=ServiceEntries.__doc__, **_fields()
    )
