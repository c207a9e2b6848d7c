"""The container registry of a workspace.

Source: https://learn.microsoft.com/rest/api/container-registry/registries/create
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.steps._associated.spec import ResourceSpec, has_id, named


def _sku(profile: Profile) -> str:
    registry = profile.associated_resources.container_registry
    return registry.sku if registry else "Premium"


def _body(profile: Profile, _tenant: str) -> dict[str, Json]:
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": _sku(profile)},
        # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
        "properties": {"adminUserEnabled": profile.workspace.identity_id is None},
    }


REGISTRY: Final = ResourceSpec(
    kind="container registry",
    field="associated_resources.container_registry",
    type="Microsoft.ContainerRegistry/registries",
    shown=lambda profile: (AttributeChange("sku", None, _sku(profile), phrase=Phrase()),),
    api_version=versions.CONTAINER_REGISTRY,
    resource_id=lambda profile: profile.associated_resources.container_registry_id,
    given=lambda profile: has_id(profile.associated_resources.container_registry),
    body=_body,
    sku=lambda profile: named(profile.associated_resources.container_registry, "sku"),
)
