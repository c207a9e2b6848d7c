"""The table of everything the sandbox answers. A new resource provider is one more module in one of these tuples."""

from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.routing import TABLES, install
from cmkctl.sandbox.deployments import handlers
from cmkctl.sandbox.planes import entra, graph
from cmkctl.sandbox.providers import (
    _billing_features,
    microsoft_authorization,
    microsoft_compute,
    microsoft_containerregistry,
    microsoft_insights,
    microsoft_managedidentity,
    microsoft_policyinsights,
    microsoft_storage,
)
from cmkctl.sandbox.providers.microsoft_keyvault import access_policies, deleted_vaults, keys, managed_hsms, vaults
from cmkctl.sandbox.providers.microsoft_machinelearningservices import actions, computes, datastores, workspaces
from cmkctl.sandbox.providers.microsoft_resources import groups, resource_lists, resource_providers, subscriptions

ARM_MODULES = (
    subscriptions,
    groups,
    resource_lists,
    resource_providers,
    microsoft_authorization,
    microsoft_managedidentity,
    vaults,
    deleted_vaults,
    microsoft_compute,
    access_policies,
    managed_hsms,
    keys,
    microsoft_storage,
    microsoft_insights,
    _billing_features,
    microsoft_policyinsights,
    microsoft_containerregistry,
    actions,
    computes,
    datastores,
    workspaces,
    handlers,
)
install(
    {
        Service.ARM: (route for module in ARM_MODULES for route in module.ROUTES),
        Service.LOGIN: entra.ROUTES,
        Service.GRAPH: graph.ROUTES,
    }
)

__all__ = ["ARM_MODULES", "TABLES"]
