"""The container registry of a workspace.

Source: https://learn.microsoft.com/rest/api/container-registry/registries/create
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.associated.registry import ContainerRegistrySettings, RegistryNetworkSettings
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, has_id, named, switched
from cmkctl.steps._associated.values import OPEN_CLOSED, Compared
from cmkctl.steps._tags import merged_tags


def _sku(profile: Profile) -> str:
    registry = profile.associated_resources.container_registry
    return registry.sku if registry else "Premium"


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:  # noqa: ARG001 - the signature of every body
    settings = profile.associated_resources.container_registry or ContainerRegistrySettings()
    # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
    admin = profile.workspace.identity_id is None
    if settings.admin_user is not None:
        admin = settings.admin_user == "enabled"
    return {
        "location": profile.location,
        "tags": merged_tags(profile, settings.tags),
        "sku": {"name": _sku(profile)},
        "properties": {"adminUserEnabled": admin, **_network(settings.network)},
    }


def _network(network: RegistryNetworkSettings | None) -> dict[str, Json]:
    if network is None:
        return {}
    rules: Json = {
        "defaultAction": network.default_action or "Allow",
        "ipRules": [{"action": "Allow", "value": each} for each in network.ip_rules],
    }
    return {
        **({"publicNetworkAccess": switched(network.public_access)} if network.public_access else {}),
        **({"networkRuleBypassOptions": network.bypass} if network.bypass else {}),
        **({"networkRuleSet": rules} if network.default_action else {}),
    }


_RULES: Final = "properties.networkRuleSet"

REGISTRY: Final = ResourceSpec(
    kind="container registry",
    field="associated_resources.container_registry",
    type="Microsoft.ContainerRegistry/registries",
    shown=lambda profile: (AttributeChange("sku", None, _sku(profile), phrase=Phrase()),),
    api_version=versions.CONTAINER_REGISTRY,
    resource_id=lambda profile: profile.associated_resources.container_registry_id,
    given=lambda profile: has_id(profile.associated_resources.container_registry),
    body=_body,
    compared=(
        Compared(
            "properties.adminUserEnabled",
            Phrase("admin user", "no admin user"),
            (True, False),
            absent=False,
            field="admin_user",
        ),
        Compared(
            "properties.publicNetworkAccess",
            Phrase("public access {}"),
            OPEN_CLOSED,
            absent="Enabled",
            field="network.public_access",
        ),
        Compared(
            "properties.networkRuleBypassOptions",
            Phrase("bypass {}"),
            order=("AzureServices", "None"),
            absent="AzureServices",
            field="network.bypass",
        ),
        Compared(
            f"{_RULES}.defaultAction",
            Phrase("default action {}"),
            ("Allow", "Deny"),
            absent="Allow",
            field="network.default_action",
            whole=_RULES,
        ),
        Compared(f"{_RULES}.ipRules", Phrase("open for {}"), field="network.ip_rules", key="value", whole=_RULES),
    ),
    sku=lambda profile: named(profile.associated_resources.container_registry, "sku"),
)
