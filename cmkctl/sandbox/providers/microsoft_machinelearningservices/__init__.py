"""Microsoft.MachineLearningServices: workspaces with their actions, computes, datastores and endpoints."""

from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_machinelearningservices import (
    actions,
    computes,
    connections,
    datastores,
    deployments,
    endpoints,
    listings,
    outbound_rules,
    soft_delete,
    unpublished,
    workspace_cmk,
    workspace_faults,
    workspaces,
)
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE

PROVIDER = Provider(
    namespace="Microsoft.MachineLearningServices",
    coverage=tuple(
        each.COVERAGE
        for each in (
            workspaces,
            actions,
            computes,
            connections,
            outbound_rules,
            datastores,
            endpoints,
            deployments,
            listings,
        )
    ),
    routes=(
        *actions.ROUTES,
        *computes.ROUTES,
        *connections.ROUTES,
        *outbound_rules.ROUTES,
        *datastores.ROUTES,
        *endpoints.ROUTES,
        *deployments.ROUTES,
        *listings.ROUTES,
    ),
    durations=(
        Duration("workspace.create", 21, "recordings, fact 8: direct PUT without a key about 21 s"),
        Duration("workspace.create.cmk", 360, "recordings, fact 8: still running after 347 s, done within 20 minutes"),
        Duration("workspace.key", 3600, "learn.microsoft.com, concept-customer-managed-keys: usually within an hour"),
        Duration("workspace.update", 92, "recordings, fact 8: in progress for 92 s and more"),
        Duration("workspace.delete", 60, GUESS),
        Duration("workspace.diagnose", 15, GUESS),
        Duration("workspace.resyncKeys", 10, GUESS),
        Duration("workspace.provisionManagedNetwork", 60, GUESS),
        Duration("workspace.putOutboundRule", 10, GUESS),
        Duration("workspace.deleteOutboundRule", 10, GUESS),
        Duration("compute.create", 15, GUESS),
        Duration("compute.delete", 15, GUESS),
        Duration("endpoint.create", 60, GUESS),
        Duration("endpoint.delete", 60, GUESS),
        Duration("endpoint.deployment.create", 300, GUESS),
        Duration("endpoint.deployment.delete", 60, GUESS),
        Duration("workspace.failure", 1200, "field: the same failure for tens of minutes (fault failure-cached)"),
    ),
    tables={"deleted_workspaces": dict, "failed_names": dict, "half_made": dict},
    on_deleted={RESOURCE_TYPE.type.lower(): soft_delete.soft_delete},
    adapt={RESOURCE_TYPE.type.lower(): unpublished.workspace},
    expire=soft_delete.expire,
    spawn=workspace_faults.spawn,
    key_readers={RESOURCE_TYPE.type.lower(): workspace_cmk.why_out_of_reach},
)
