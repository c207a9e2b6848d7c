"""The JSON of ``terraform show -json``: workspaces of the azurerm provider, with the vault and the key that they use.

Sources: https://developer.hashicorp.com/terraform/internals/json-format and
https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/machine_learning_workspace
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.diagnostics import CmkctlError, Location
from cmkctl.importing.found import Found
from cmkctl.importing.words import given, parsed
from cmkctl.profile import writing

_WORKSPACES: Final = {
    "azurerm_machine_learning_workspace": "Default",
    "azurerm_ai_foundry": "Hub",
}
_DEEPEST: Final = 50
"""Levels of modules in modules."""


def read(path: Path, document: Any, cloud: Cloud) -> list[Found]:
    """Return the workspaces with a customer-managed key. Raises CmkctlError (CMK676) where there is none."""
    resources = list(_resources(document))
    found = [_found(path, each, resources, cloud) for each in resources if each.get("type") in _WORKSPACES]
    if not found:
        kinds = " or ".join(_WORKSPACES)
        detail = f"It is JSON without a resource of type {kinds} under values or planned_values."
        raise CmkctlError(codes.CMK676.error(detail, location=Location(str(path))))
    with_key = [each for each in found if each is not None]
    if not with_key:
        detail = "Its workspaces have no encryption block with the ids of a vault and a key, or are not created yet."
        raise CmkctlError(codes.CMK676.error(detail, location=Location(str(path))))
    return with_key


def _resources(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the managed resources of all modules, from a state or from a plan."""
    for name in ("values", "planned_values"):
        root = _mapping(_mapping(document).get(name)).get("root_module")
        yield from _of_module(_mapping(root), 0)


def _of_module(module: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    for each in _rows(module.get("resources")):
        if each.get("mode", "managed") == "managed" and isinstance(each.get("values"), Mapping):
            yield each
    for each in _rows(module.get("child_modules")) if depth < _DEEPEST else ():
        yield from _of_module(each, depth + 1)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _block(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a nested block, of which Terraform writes a list with one entry."""
    return next(iter(_rows(values.get(name))), {})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _found(path: Path, resource: Mapping[str, Any], resources: list[Mapping[str, Any]], cloud: Cloud) -> Found | None:
    """Return one workspace; None for one without a customer-managed key, or whose ids are not known before an apply."""
    values = resource["values"]
    place, encryption = parsed(_text(values.get("id"))), _block(values, "encryption")
    vault, key = _text(encryption.get("key_vault_id")), _text(encryption.get("key_id"))
    if place is None or parsed(vault) is None or not key:
        return None
    documents = {vault.lower(): _vault(each["values"]) for each in _of_type(resources, "azurerm_key_vault", id=vault)}
    name = key.partition("/keys/")[2].partition("/")[0]
    keys = list(_of_type(resources, "azurerm_key_vault_key", key_vault_id=vault, name=name))
    documents |= {f"{vault}/keys/{name}".lower(): _key(each["values"], key) for each in keys}
    unread = list(_unread(vault in {_text(each["values"].get("id")) for each in resources}, bool(keys)))
    tenant = next(
        (_text(each["values"].get("tenant_id")) for each in _of_type(resources, "azurerm_key_vault", id=vault)), ""
    )
    document = {
        "id": str(place),
        "name": place.name,
        "kind": _text(values.get("kind")) or _WORKSPACES[str(resource["type"])],
        "location": _text(values.get("location")),
        "tags": {str(tag): _text(value) for tag, value in _mapping(values.get("tags")).items()},
        "sku": given(name=_text(values.get("sku_name"))),
        "identity": _identity(_block(values, "identity")),
        "properties": _properties(values, encryption),
    }
    origin = f"{path} ({resource.get('address') or place.name})"
    return Found(
        cloud,
        place.subscription.lower(),
        place.resource_group,
        document,
        origin,
        tenant=tenant,
        documents=documents,
        offline=True,
        unread=tuple(unread),
    )


def _of_type(resources: list[Mapping[str, Any]], kind: str, **wanted: str) -> Iterator[Mapping[str, Any]]:
    for each in resources:
        same = all(_text(each["values"].get(name)).lower() == value.lower() for name, value in wanted.items())
        if each.get("type") == kind and same:
            yield each


def _identity(block: Mapping[str, Any]) -> Mapping[str, Any]:
    users: dict[str, Any] = {each: {} for each in _texts(block.get("identity_ids"))}
    kind = _text(block.get("type")).replace(" ", "") or "SystemAssigned"
    return {"type": kind} | given(userAssignedIdentities=users, principalId=_text(block.get("principal_id")))


def _properties(values: Mapping[str, Any], encryption: Mapping[str, Any]) -> Mapping[str, Any]:
    serverless, network = _block(values, "serverless_compute"), _block(values, "managed_network")
    store = _block(values, "feature_store")
    access = values.get("public_network_access_enabled")
    properties = given(
        friendlyName=_text(values.get("friendly_name")),
        description=_text(values.get("description")),
        storageAccount=_text(values.get("storage_account_id")),
        keyVault=_text(values.get("key_vault_id")),
        applicationInsights=_text(values.get("application_insights_id")),
        containerRegistry=_text(values.get("container_registry_id")),
        imageBuildCompute=_text(values.get("image_build_compute_name")),
        primaryUserAssignedIdentity=_text(values.get("primary_user_assigned_identity")),
        systemDatastoresAuthMode=_text(values.get("storage_account_access_type")),
        publicNetworkAccess=_text(values.get("public_network_access"))
        or (None if access is None else "Enabled" if access else "Disabled"),
        managedNetwork=given(isolationMode=_text(network.get("isolation_mode"))),
        serverlessComputeSettings=given(
            serverlessComputeCustomSubnet=_text(serverless.get("subnet_id")),
            serverlessComputeNoPublicIP=True if serverless and not serverless.get("public_ip_enabled") else None,
        ),
        featureStoreSettings=given(
            computeRuntime=given(sparkRuntimeVersion=_text(store.get("computer_spark_runtime_version"))),
            offlineStoreConnectionName=_text(store.get("offline_connection_name")),
            onlineStoreConnectionName=_text(store.get("online_connection_name")),
        ),
        v1LegacyMode=values.get("v1_legacy_mode_enabled") is True or None,
    )
    hbi = values.get("high_business_impact", values.get("high_business_impact_enabled"))
    properties["hbiWorkspace"] = hbi is True
    properties["enableServiceSideCMKEncryption"] = values.get("service_side_encryption_enabled") is True
    properties["encryption"] = {
        "status": "Enabled",
        "keyVaultProperties": {
            "keyVaultArmId": _text(encryption.get("key_vault_id")),
            "keyIdentifier": _text(encryption.get("key_id")),
        },
    } | given(identity=given(userAssignedIdentity=_text(encryption.get("user_assigned_identity_id"))))
    return properties


def _vault(values: Mapping[str, Any]) -> ArmDocument:
    acls, access = _block(values, "network_acls"), values.get("public_network_access_enabled")
    roles = values.get("rbac_authorization_enabled", values.get("enable_rbac_authorization"))
    return {
        "location": _text(values.get("location")),
        "properties": {
            "enableRbacAuthorization": roles is True,
            "sku": {"name": _text(values.get("sku_name"))},
            "publicNetworkAccess": "Disabled" if access is False else "Enabled",
            "networkAcls": {
                "defaultAction": _text(acls.get("default_action")) or "Allow",
                "bypass": _text(acls.get("bypass")) or "AzureServices",
                "ipRules": [{"value": each} for each in _texts(acls.get("ip_rules"))],
                "virtualNetworkRules": [{"id": each} for each in _texts(acls.get("virtual_network_subnet_ids"))],
            },
        }
        | _number(softDeleteRetentionInDays=values.get("soft_delete_retention_days")),
    }


def _number(**values: Any) -> dict[str, int]:
    return {name: int(value) for name, value in values.items() if isinstance(value, int | float)}


def _key(values: Mapping[str, Any], used: str) -> ArmDocument:
    """Return the key as Azure shows it, with the version that the workspace uses where Terraform does not have the newest."""
    dates = {"exp": moment(values.get("expiration_date")), "nbf": moment(values.get("not_before_date"))}
    policy = _block(values, "rotation_policy")
    automatic = _block(policy, "automatic")
    triggers = (
        ("rotate", "timeAfterCreate", automatic.get("time_after_creation")),
        ("rotate", "timeBeforeExpiry", automatic.get("time_before_expiry")),
        ("notify", "timeBeforeExpiry", policy.get("notify_before_expiry")),
    )
    newest = _text(values.get("id"))
    return {
        "properties": {
            **given(kty=_text(values.get("key_type"))),
            **_number(keySize=values.get("key_size")),
            "keyUriWithVersion": newest if newest.startswith("https://") else used,
            "attributes": {name: int(each.timestamp()) for name, each in dates.items() if each is not None},
            "rotationPolicy": {
                "attributes": given(expiryTime=_text(policy.get("expire_after"))),
                "lifetimeActions": [
                    {"action": {"type": action}, "trigger": {trigger: _text(duration)}}
                    for action, trigger, duration in triggers
                    if _text(duration)
                ],
            },
        }
    }


def _unread(vault: bool, key: bool) -> Iterator[tuple[writing.Path, str]]:
    """Yield what Terraform's state does not have."""
    if not vault:
        yield ("key_vault",), "the file does not have the vault, so its settings are left out; it keeps what it has."
    if not key:
        yield (
            ("key",),
            "the file does not have the key, so its type and size are not known; left out, they are RSA and 3072.",
        )
