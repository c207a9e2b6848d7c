"""The table of everything the sandbox answers. A new resource provider is one more module in one of these tuples."""

from cmkctl.sandbox import entra, graph
from cmkctl.sandbox.arm import (
    access_policies,
    authorization,
    deleted_vaults,
    groups,
    identities,
    keys,
    locations,
    monitor,
    providers,
    registries,
    storage,
    vaults,
    workspaces,
)
from cmkctl.sandbox.clouds import Service
from cmkctl.sandbox.routing import Route, Table

ARM_MODULES = (
    locations,
    groups,
    providers,
    authorization,
    identities,
    vaults,
    deleted_vaults,
    access_policies,
    keys,
    storage,
    monitor,
    registries,
    workspaces,
)
ARM_ROUTES: tuple[Route, ...] = tuple(route for module in ARM_MODULES for route in module.ROUTES)
TABLES = {Service.ARM: Table(ARM_ROUTES), Service.LOGIN: Table(entra.ROUTES), Service.GRAPH: Table(graph.ROUTES)}
VERSIONS = {route.type.lower(): route.versions for route in ARM_ROUTES if route.type}
"""The api-versions each modelled resource type has, by lower-case type."""
