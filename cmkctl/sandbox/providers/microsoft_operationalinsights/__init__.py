"""Microsoft.OperationalInsights: Log Analytics workspaces, dedicated clusters, and the links between them."""

from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_operationalinsights import clusters, links, workspaces

PROVIDER = Provider(
    namespace="Microsoft.OperationalInsights",
    coverage=(workspaces.COVERAGE, clusters.COVERAGE, links.COVERAGE),
    routes=(*workspaces.ROUTES, *clusters.ROUTES, *links.ROUTES),
    tables={"deleted_logs": dict, clusters.RESERVED: dict, links.SERVICES: dict, links.STORAGE: dict},
    on_deleted={
        workspaces.RESOURCE_TYPE.type.lower(): workspaces.keep_deleted,
        clusters.RESOURCE_TYPE.type.lower(): clusters.forget,
    },
    expire=workspaces.expire,
    durations=(
        Duration("logs.create", 10, GUESS),
        Duration("cluster.create", 7200, "documentation: typically two hours (logs-dedicated-clusters)"),
        Duration("cluster.key", 301, "recording 57: five minutes from start to end"),
        Duration("cluster.link", 5400, "documentation: up to 90 minutes (logs-dedicated-clusters)"),
    ),
    adapt={workspaces.RESOURCE_TYPE.type.lower(): workspaces.of_template},
    arrange=(workspaces.add_log_workspace, clusters.add_log_cluster, links.link_log_workspace),
)
