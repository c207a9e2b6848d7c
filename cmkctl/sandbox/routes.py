"""The table of everything the sandbox answers. A new resource provider is one more module in one of these tuples."""

from cmkctl.sandbox import entra, graph
from cmkctl.sandbox.arm import (
    access_policies,
    authorization,
    billing_features,
    deleted_vaults,
    disk_encryption_sets,
    groups,
    identities,
    keys,
    locations,
    managed_hsms,
    monitor,
    policy_restrictions,
    providers,
    registries,
    resource_lists,
    storage,
    vaults,
    workspace_actions,
    workspace_computes,
    workspace_datastores,
    workspaces,
)
from cmkctl.sandbox.clouds import Service
from cmkctl.sandbox.deployments import handlers as deployments
from cmkctl.sandbox.routing import TABLES, install

ARM_MODULES = (
    locations,
    groups,
    resource_lists,
    providers,
    authorization,
    identities,
    vaults,
    deleted_vaults,
    disk_encryption_sets,
    access_policies,
    managed_hsms,
    keys,
    storage,
    monitor,
    billing_features,
    policy_restrictions,
    registries,
    workspace_actions,
    workspace_computes,
    workspace_datastores,
    workspaces,
    deployments,
)
install(
    {
        Service.ARM: (route for module in ARM_MODULES for route in module.ROUTES),
        Service.LOGIN: entra.ROUTES,
        Service.GRAPH: graph.ROUTES,
    }
)

__all__ = ["ARM_MODULES", "TABLES"]
