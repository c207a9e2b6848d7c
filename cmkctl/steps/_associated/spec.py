"""The description of one kind of associated resource. For `associated_resources`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cmkctl.azure.decoding import ArmDocument
from cmkctl.plan import AttributeChange, Json
from cmkctl.profile.model import Profile
from cmkctl.steps._associated.customer_key import KeyInUse
from cmkctl.steps._associated.values import Compared, written


@dataclass(frozen=True, slots=True)
class Supplied:
    """The values of a body that are not in the profile: the tenant of the subscription, and what earlier steps supply."""

    tenant: str = ""
    vault_uri: Json = None
    key_uri: Json = None
    """The key identifier without a version."""
    client_id: Json = None
    """The client id of the identity that reads the key."""


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One kind of associated resource: its name for people, its id, its body, and how an existing one is compared.

    `compared` lists the values of the body that an existing resource is compared in; `unfit` lists values that no workspace
    accepts, with the reason; `shown` lists further attributes of a new one for the plan.
    """

    kind: str
    field: str
    """The section of the profile."""
    type: str
    api_version: str
    resource_id: Callable[[Profile], str | None]
    given: Callable[[Profile], bool]
    body: Callable[[Profile, Supplied], dict[str, Json]]
    """The body of a new one: one literal, for comparison with the resource's page."""
    compared: tuple[Compared, ...] = ()
    unfit: tuple[tuple[str, Json, str], ...] = ()
    shown: Callable[[Profile], tuple[AttributeChange, ...]] = lambda _profile: ()
    depends_on: Callable[[Profile], tuple[str, ...]] = lambda _profile: ()
    feeds_only_the_workspace: bool = True
    """True when no other associated resource depends on it; such waits take turns, for the workspace needs all of them."""
    sku: Callable[[Profile], str | None] = lambda _profile: None
    """The tier that the profile names, None where it names none: then an existing resource keeps its own."""
    fixed: Callable[[Profile, ArmDocument, Supplied], tuple[str, ...]] = lambda _profile, _found, _supplied: ()
    """Code, reason and ways out where one of ours differs in what no update changes; empty without."""
    irreversible: Callable[[Profile], tuple[str, ...]] = lambda _profile: ()
    """The effects of a creation that cannot be undone."""
    key_in_use: Callable[[ArmDocument], KeyInUse | None] = lambda _found: None
    """The customer's key of an existing resource; None for one with Microsoft's key."""
    with_key: Callable[[ArmDocument, str], dict[str, Json]] = lambda _found, _key: {}
    """The body that sets a key, given without a version, on a resource that has a customer's key already."""
    sent_back: tuple[str, ...] = ()
    """The properties that an update sends back as they are, where a PATCH changes tags only and all else needs a PUT."""

    def settings(self, profile: Profile) -> Any:
        """Return the section of the profile."""
        return getattr(profile.associated_resources, self.field.rpartition(".")[2])

    def encrypted(self, profile: Profile) -> bool:
        """Return True where the resource is made with the customer's key, so that it waits for key and grant."""
        return getattr(self.settings(profile), "encryption", None) == "customer"

    def tags(self, profile: Profile) -> Mapping[str, str]:
        """Return the tags of this resource alone."""
        return getattr(self.settings(profile), "tags", None) or {}

    def compared_for(self, profile: Profile) -> list[Compared]:
        """Return the values that the profile sets, and those that every resource of ours has."""
        settings = self.settings(profile)
        return [each for each in self.compared if not each.field or written(settings, each.field)]


def has_id(settings: object) -> bool:
    """Return True when the profile gives the resource by id: then it is not ours, and only read."""
    return getattr(settings, "id", None) is not None


def named(settings: object, field: str) -> str | None:
    """Return the value of a field that the profile names, None for a default."""
    return getattr(settings, field) if field in getattr(settings, "model_fields_set", ()) else None


def switched(value: str | None) -> str:
    """Return ``Enabled``, ``Disabled`` or ``SecuredByPerimeter``, as Azure writes a switch of the profile."""
    return "".join(part.capitalize() for part in (value or "enabled").split("-"))


def given_values(**values: Json) -> dict[str, Json]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}
