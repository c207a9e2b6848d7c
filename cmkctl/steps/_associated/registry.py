"""The container registry of a workspace.

Source: https://learn.microsoft.com/rest/api/container-registry/registries/create
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.associated.registry import ContainerRegistrySettings, RegistryNetworkSettings
from cmkctl.steps._associated.customer_key import KeyInUse, another_key, encrypted_with, user_assigned_identity
from cmkctl.steps._associated.shared import PUBLIC_ACCESS, bypass, default_action, ip_rules
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, has_id, named, switched
from cmkctl.steps._associated.values import Compared, at
from cmkctl.steps._tags import new_tags


def _sku(profile: Profile) -> str:
    registry = profile.associated_resources.container_registry
    return registry.sku if registry else "Premium"


def _encryption_of(profile: Profile) -> str | None:
    registry = profile.associated_resources.container_registry
    return registry.encryption if registry else None


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:
    settings = profile.associated_resources.container_registry or ContainerRegistrySettings()
    # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
    admin = profile.workspace.identity_id is None
    if settings.admin_user is not None:
        admin = settings.admin_user == "enabled"
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "sku": {"name": _sku(profile)},
        **(user_assigned_identity(profile) if settings.encryption == "customer" else {}),
        "properties": {
            "adminUserEnabled": admin,
            **_network(settings.network),
            **(_encryption(supplied) if settings.encryption == "customer" else {}),
        },
    }


def _encryption(supplied: Supplied) -> dict[str, Json]:
    # The identity is its client id here, neither its resource id nor its object id. Without a version the registry uses a new
    # one within an hour.
    key: Json = {"keyIdentifier": supplied.key_uri, "identity": supplied.client_id}
    return {"encryption": {"status": "enabled", "keyVaultProperties": key}}


_WITH_NAME: Final = 5
"""The parts of a key identifier up to its name: ``https:``, nothing, host, ``keys``, name."""


def _other_key(profile: Profile, found: ArmDocument, supplied: Supplied) -> tuple[str, ...]:
    """Return the conflict with a registry that lacks the key which the profile requests; empty without."""
    settings = profile.associated_resources.container_registry
    if settings is None or settings.encryption != "customer":
        return ()
    has = at(found, "properties.encryption") or {}
    if not same_word(has.get("status"), "enabled"):
        return (
            "CMK262",
            f"properties.encryption.status is {has.get('status') or 'disabled'}, not enabled, and is fixed at creation",
            f"leave {REGISTRY.field}.encryption out",
            f"choose another {REGISTRY.field}.name for a new one",
        )
    used = _key_in_use(found) or KeyInUse("", "", "")
    return another_key(REGISTRY.field, used, supplied.key_uri, supplied.client_id)


def _key_in_use(found: ArmDocument) -> KeyInUse | None:
    """Return the customer's key of a registry; None for one with Microsoft's key."""
    has = at(found, "properties.encryption") or {}
    if not same_word(has.get("status"), "enabled"):
        return None
    key = has.get("keyVaultProperties") or {}
    parts = str(key.get("keyIdentifier") or "").rstrip("/").split("/")
    return KeyInUse("/".join(parts[:_WITH_NAME]), "".join(parts[_WITH_NAME:]), str(key.get("identity") or ""))


def _with_key(found: ArmDocument, key: str) -> dict[str, Json]:
    """Return the body that sets a key without a version; its reader stays.

    Source: https://learn.microsoft.com/azure/container-registry/tutorial-rotate-revoke-customer-managed-keys
    """
    reader = at(found, "properties.encryption.keyVaultProperties.identity")
    named = {"keyIdentifier": key, **({"identity": reader} if reader else {})}
    return {"properties": {"encryption": {"status": "enabled", "keyVaultProperties": named}}}


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
    shown=lambda profile: (
        AttributeChange("sku", None, _sku(profile), phrase=Phrase()),
        *encrypted_with(profile, _encryption_of(profile), irreversible=True),
    ),
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
        PUBLIC_ACCESS,
        bypass("properties.networkRuleBypassOptions"),
        default_action(_RULES),
        ip_rules(_RULES),
    ),
    sku=lambda profile: named(profile.associated_resources.container_registry, "sku"),
    fixed=_other_key,
    key_in_use=_key_in_use,
    with_key=_with_key,
    irreversible=lambda profile: (
        ("the registry's encryption with the customer's key",) if _encryption_of(profile) == "customer" else ()
    ),
)
