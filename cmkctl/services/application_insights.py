"""Application Insights: its data lies in a Log Analytics workspace, and has the key of the cluster behind that.

    component ──WorkspaceResourceId──▶ workspace ──clusterResourceId──▶ cluster ──keyVaultProperties──▶ key

A component without a workspace is a classic one, which never has a customer's key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cmkctl.azure import versions
from cmkctl.posture import IN_TRANSIT, Aspect, Check, Evidence, Follow, Follows, Posture, Rules, State, Verdict
from cmkctl.services.base import PLATFORM_TRANSIT, Documents, OtherResource, Read, Reference, Service, Verb
from cmkctl.services.log_analytics_clusters import SERVICE as CLUSTERS
from cmkctl.services.log_analytics_workspaces import SERVICE as WORKSPACES
from cmkctl.services.log_analytics_workspaces import cluster_of, posture_through_cluster, workspace_read

_WORKSPACE: Final = "properties.WorkspaceResourceId"
_FORCE: Final = "properties.ForceCustomerStorageForProfiler"
_PROFILER: Final = "profiler_storage"
_ACCOUNT: Final = "properties.linkedStorageAccount"

_ONLY_LINKED: Final = "demands a linked workspace, and looks at no key"
_RULES: Final = Rules(
    ("DP-5",),
    (
        Check("Azure Policy", "d550e854-df1a-4de9-bf44-cd894b39a95e", _ONLY_LINKED),
        Check("PSRule", "AZR-000069", _ONLY_LINKED),
    ),
    by_analogy=True,
)
_PROFILER_RULES: Final = Rules(
    ("DP-5",),
    (
        Check(
            "Azure Policy",
            "0c4bd2e8-8872-4f37-a654-03f6f38ddc76",
            "does not see who holds the key of the storage account",
        ),
    ),
    by_analogy=True,
)


class ApplicationInsights(Service):
    """Read only: the key is set on the cluster of the workspace that holds the data."""

    name = "application_insights"
    title = "Application Insights"
    resource_type = "Microsoft.Insights/components"
    api_version = versions.APPLICATION_INSIGHTS
    verb = Verb.LINK
    reader = OtherResource("the identity of the cluster behind its workspace")
    follows = Follows(Follow.ON_REQUEST)
    revoked = CLUSTERS.revoked
    doc = CLUSTERS.doc
    protections = (IN_TRANSIT, "profiler-storage")
    rules = _RULES

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the workspace and, once that is known, its cluster."""
        workspace = documents.text("resource", _WORKSPACE)
        return (workspace_read(workspace), *cluster_of(documents, "workspace")) if workspace else ()

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the link to the storage account of the profiler."""
        path = f"{resource_id}/linkedStorageAccounts/ServiceProfiler"
        return (Read(_PROFILER, path, versions.APPLICATION_INSIGHTS_LINKED_STORAGE),)

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the workspace, and the storage account of the profiler."""
        named = (
            (WORKSPACES.title, documents.text("resource", _WORKSPACE)),
            ("storage account of the profiler", documents.text(_PROFILER, _ACCOUNT)),
        )
        return tuple(Reference(relation, each) for relation, each in named if each)

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the component's data."""
        if hidden := documents.not_visible("resource"):
            return hidden
        named = documents.value("resource", _WORKSPACE)
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _WORKSPACE),)
        if named in (None, ""):
            reason = (
                "a classic component, without a Log Analytics workspace: its data is encrypted with Microsoft's key"
            )
            return Posture(Verdict.MICROSOFT, reason, shown)
        if not isinstance(named, str):
            return Posture(Verdict.NOT_KNOWABLE, "the link to a workspace has another form than cmkctl knows", shown)
        where = f"its data lies in Log Analytics workspace {named.rpartition('/')[2]}"
        if documents.find("workspace") is None:
            return Posture(Verdict.NOT_VISIBLE, f"{where}, and {documents.obstacle('workspace')}", shown)
        found = posture_through_cluster(documents, "workspace")
        return replace(found, reason=f"{where}: {found.reason}", evidence=(*shown, *found.evidence))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, and where the profiler keeps its data."""
        return (PLATFORM_TRANSIT, _profiler(documents)) if documents.find("resource") else ()


def _profiler(documents: Documents) -> Aspect:
    shown: tuple[Evidence, ...] = (documents.evidence("resource", _FORCE),)
    account = documents.text(_PROFILER, _ACCOUNT)
    if account:
        shown += (documents.evidence(_PROFILER, _ACCOUNT),)
        where = f"they use storage account {account.rpartition('/')[2]}, with its key"
    elif documents.unread(_PROFILER):
        where = "whether one is linked was not read"
    elif documents.denied(_PROFILER):
        where = f"of the linked account: {documents.obstacle(_PROFILER)}"
    else:
        where = "none is linked"
    if documents.value("resource", _FORCE) is True:
        reason = f"profiler and snapshot debugger keep data only in a storage account of the customer's; {where}"
        return Aspect(_TOPIC, State.ENFORCED, reason, shown, _PROFILER_RULES)
    reason = f"profiler and snapshot debugger may keep data with Microsoft, without a storage account of the customer's; {where}"
    return Aspect(_TOPIC, State.NOT_ENFORCED, reason, shown, _PROFILER_RULES)


_TOPIC: Final = "profiler-storage"

SERVICE: Final = ApplicationInsights()
