"""An ``az ml`` workspace file (YAML), read by azure-ai-ml itself.

Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-workspace
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.ids import resource_id
from cmkctl.diagnostics import CmkctlError, Location
from cmkctl.importing.found import UNKNOWN, Found
from cmkctl.importing.words import given, parsed
from cmkctl.profile import writing

_KINDS: Final = {"default": "Default", "hub": "Hub", "featurestore": "FeatureStore", "project": "Project"}
_LONGEST: Final = 600


def read(path: Path, text: str, cloud: Cloud, subscription: str, resource_group: str) -> Found:
    """Return the workspace of a file. Raises CmkctlError (CMK676) where azure-ai-ml refuses the file or it has no key."""
    workspace = _load(path, text)
    key = workspace.customer_managed_key
    if key is None or not key.key_vault or not key.key_uri:
        detail = f"The workspace {workspace.name} has no customer_managed_key with key_vault and key_uri."
        raise CmkctlError(codes.CMK676.error(detail, location=Location(str(path))))
    vault = parsed(key.key_vault)
    subscription = (vault.subscription.lower() if vault else "") or subscription or UNKNOWN
    group = workspace.resource_group or resource_group or UNKNOWN
    name = str(workspace.name or UNKNOWN)
    identifier = resource_id(subscription, group, "Microsoft.MachineLearningServices/workspaces", name)
    document = {
        "id": identifier,
        "name": name,
        "kind": _KINDS.get(str(getattr(workspace, "_kind", "default")).lower(), "Default"),
        "location": workspace.location or UNKNOWN,
        "tags": dict(workspace.tags or {}),
        "identity": _identity(workspace),
        "properties": _properties(workspace),
    }
    return Found(
        cloud,
        subscription,
        group,
        document,
        str(path),
        offline=True,
        unread=tuple(_unread(workspace, subscription, group)),
    )


def _load(path: Path, text: str) -> Any:
    """Load the file as ``az ml workspace create --file`` does, without what the library prints and logs."""
    logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # those of the library are about itself
        return _loaded(path, text)


def _loaded(path: Path, text: str) -> Any:
    from azure.ai.ml import load_workspace  # noqa: PLC0415 - takes a second to import
    from marshmallow import ValidationError  # noqa: PLC0415 - what azure-ai-ml raises for an unknown field

    source = io.StringIO(text)
    source.name = str(path)
    try:
        return load_workspace(source)
    except (AzureError, ValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # The library raises the latter ones for values of an unexpected form.
        reason = " ".join(str(error).partition("Visit this link")[0].split())[:_LONGEST] or type(error).__name__
        detail = f"azure-ai-ml does not take it for a workspace: {reason}"
        raise CmkctlError(codes.CMK676.error(detail, location=Location(str(path)))) from None


def _identity(workspace: Any) -> Mapping[str, Any]:
    identity = workspace.identity
    if identity is None:
        return {"type": "SystemAssigned"}
    users = [str(each.resource_id) for each in identity.user_assigned_identities or []]
    kind = "".join(part[:1].upper() + part[1:] for part in str(identity.type).replace(" ", "").split(","))
    kind = kind.replace("SystemAssignedUser", "SystemAssigned,User")
    return {"type": kind} | given(userAssignedIdentities={each: {} for each in users})


def _properties(workspace: Any) -> Mapping[str, Any]:
    key = workspace.customer_managed_key
    properties: dict[str, Any] = given(
        friendlyName=workspace.display_name,
        description=workspace.description,
        storageAccount=workspace.storage_account,
        keyVault=workspace.key_vault,
        applicationInsights=workspace.application_insights,
        containerRegistry=workspace.container_registry,
        publicNetworkAccess=workspace.public_network_access,
        imageBuildCompute=workspace.image_build_compute,
        primaryUserAssignedIdentity=workspace.primary_user_assigned_identity,
        systemDatastoresAuthMode=workspace.system_datastores_auth_mode,
        enableDataIsolation=workspace.enable_data_isolation or None,
        managedNetwork=_network(workspace.managed_network),
        serverlessComputeSettings=_serverless(workspace.serverless_compute),
        featureStoreSettings=_feature_store(getattr(workspace, "_feature_store_settings", None)),
        hubResourceId=getattr(workspace, "hub_id", None) or getattr(workspace, "_hub_id", None),
    )
    acting = workspace.primary_user_assigned_identity
    properties["hbiWorkspace"] = bool(workspace.hbi_workspace)
    properties["encryption"] = {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": key.key_vault, "keyIdentifier": key.key_uri},
    } | given(
        identity=given(userAssignedIdentity=acting),
        cosmosDbResourceId=key.cosmosdb_id,
        storageAccountResourceId=key.storage_id,
        searchAccountResourceId=key.search_id,
    )
    return properties


def _network(network: Any) -> Mapping[str, Any]:
    if network is None:
        return {}
    rules = {str(rule.name): _rule(rule) for rule in network.outbound_rules or []}
    return given(isolationMode=network.isolation_mode, outboundRules=rules)


def _rule(rule: Any) -> Mapping[str, Any]:
    destination: Any = getattr(rule, "destination", None)
    if hasattr(rule, "service_resource_id"):
        destination = {
            "serviceResourceId": rule.service_resource_id,
            "subresourceTarget": rule.subresource_target,
            "sparkEnabled": bool(rule.spark_enabled),
        }
    elif hasattr(rule, "service_tag"):
        destination = {"serviceTag": rule.service_tag, "protocol": rule.protocol, "portRanges": rule.port_ranges}
    return {"type": str(rule.type), "category": "UserDefined", "destination": destination}


def _serverless(settings: Any) -> Mapping[str, Any]:
    if settings is None:
        return {}
    return given(serverlessComputeCustomSubnet=settings.custom_subnet) | {
        "serverlessComputeNoPublicIP": bool(settings.no_public_ip)
    }


def _feature_store(settings: Any) -> Mapping[str, Any]:
    if settings is None:
        return {}
    runtime = getattr(settings, "compute_runtime", None)
    return given(
        computeRuntime=given(sparkRuntimeVersion=getattr(runtime, "spark_runtime_version", None)),
        offlineStoreConnectionName=getattr(settings, "offline_store_connection_name", None),
        onlineStoreConnectionName=getattr(settings, "online_store_connection_name", None),
    )


def _unread(workspace: Any, subscription: str, group: str) -> Iterator[tuple[writing.Path, str]]:
    """Yield what an ``az ml`` file does not contain, each at the field that it concerns."""
    if subscription == UNKNOWN:
        yield ("subscription",), "the file does not name it. Set the variable, or import with --subscription ID."
    if group == UNKNOWN:
        yield ("resource_group",), "the file does not name it. Set the variable, or import with --resource-group NAME."
    if not workspace.location:
        yield ("location",), "the file does not name it. Set the variable, or write the region here."
    yield ("key",), "the file has neither the type nor the size of the key; left out, they are RSA and 3072."
    yield (
        ("workspace", "encryption"),
        "the file does not name the architecture; az ml creates an in-subscription workspace from it.",
    )
    names = ("storage_account", "key_vault", "application_insights")
    left = [each for each in names if not getattr(workspace, each)]
    if left:
        text = f"the file does not name {', '.join(left)}, and az ml makes up names. Without an id a profile derives a name."
        yield ("associated_resources",), text
