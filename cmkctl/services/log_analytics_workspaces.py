"""Log Analytics workspaces: their data has Microsoft's key, or that of the dedicated cluster that they are linked to.

A workspace has no key of its own. Saved queries and the queries of alerts lie with Microsoft, or in a linked storage account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.documents import at_path, text_at
from cmkctl.posture import IN_TRANSIT, Aspect, Check, Evidence, Follow, Follows, Posture, Rules, State, Verdict
from cmkctl.services.base import PLATFORM_TRANSIT, Documents, OtherResource, Read, Reference, Service, Verb
from cmkctl.services.log_analytics_clusters import SERVICE as CLUSTERS
from cmkctl.services.log_analytics_clusters import cluster_read, posture_of

RESOURCE_TYPE: Final = "Microsoft.OperationalInsights/workspaces"
CLUSTER: Final = "properties.features.clusterResourceId"
_LINKED: Final = "properties.associatedWorkspaces"
_TOPIC: Final = "saved-queries"
_FORCE: Final = "properties.forceCmkForQuery"
_ACCOUNTS: Final = "linked_accounts"
_QUERIES: Final = {"query": "saved queries", "alerts": "queries of alerts"}
"""The data sources that can lie in a storage account of the customer's, as Azure names them."""

_QUERY_RULES: Final = Rules(
    ("LT-5",),
    (
        Check(
            "Azure Policy",
            "fa298e57-9444-42ba-bf04-86e8470e32c7",
            "sees no linked storage account, nor who holds its key",
        ),
        Check("Azure Policy", "94c1f94d-33b0-4062-bd04-1cdc3e7eece2", "looks at alert rules, and not at the workspace"),
    ),
)


class LogAnalyticsWorkspaces(Service):
    """``PUT …/workspaces/NAME/linkedServices/Cluster`` links a workspace; the key is set on the cluster."""

    name = "log_analytics_workspaces"
    title = "Log Analytics workspace"
    resource_type = RESOURCE_TYPE
    api_version = versions.LOG_ANALYTICS
    verb = Verb.LINK
    reader = OtherResource("the identity of the cluster")
    follows = Follows(Follow.ON_REQUEST)
    revoked = CLUSTERS.revoked
    doc = CLUSTERS.doc
    protections = (IN_TRANSIT, _TOPIC)
    rules = Rules(("DP-5",), by_analogy=True)

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the cluster."""
        return cluster_of(documents, "resource")

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the linked storage accounts."""
        path = f"{resource_id}/linkedStorageAccounts"
        return (Read(_ACCOUNTS, path, versions.LOG_ANALYTICS_LINKED_STORAGE, listing=True),)

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the cluster, and the storage accounts that hold queries."""
        cluster = documents.text("resource", CLUSTER)
        named = ((f"storage account of {words}", each) for words, each in _accounts(documents))
        return (
            *((Reference(CLUSTERS.title, cluster),) if cluster else ()),
            *(Reference(relation, each) for relation, each in dict.fromkeys(named)),
        )

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the workspace's data."""
        return documents.not_visible("resource") or posture_through_cluster(documents, "resource")

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, and where queries are kept."""
        return (PLATFORM_TRANSIT, _queries(documents)) if documents.find("resource") else ()


def workspace_read(workspace_id: str) -> Read:
    """Return the read of the workspace that holds the data of a component, named ``workspace``."""
    return Read("workspace", workspace_id.rstrip("/"), versions.LOG_ANALYTICS)


def cluster_of(documents: Documents, name: str) -> tuple[Read, ...]:
    """Return the read of the cluster of the workspace in the document `name`; nothing for one without a cluster."""
    cluster = documents.text(name, CLUSTER)
    return (cluster_read(cluster),) if cluster else ()


def posture_through_cluster(documents: Documents, name: str) -> Posture:
    """Return who holds the key of the workspace in the document `name`, which was read.

    Data from before the link, and from before the cluster had its key, keeps Microsoft's key for as long as it is kept. No
    document shows whether there is any, so the verdict is the cluster's.
    """
    shown: tuple[Evidence, ...] = (documents.evidence(name, CLUSTER),)
    named = documents.value(name, CLUSTER)
    if named in (None, ""):
        reason = "the workspace is linked to no cluster, so that its data is encrypted with Microsoft's key"
        return Posture(Verdict.MICROSOFT, reason, shown)
    if not isinstance(named, str):
        return Posture(Verdict.NOT_KNOWABLE, "the link to a cluster has another form than cmkctl knows", shown)
    cluster = f"cluster {named.rstrip('/').rpartition('/')[2]}"
    if hidden := documents.not_visible("cluster"):
        return Posture(Verdict.INHERITED, f"the key is that of {cluster}, and {hidden.reason}", shown)
    found = posture_of(documents, "cluster")
    shown += found.evidence
    if found.verdict is not Verdict.CUSTOMER:
        return Posture(found.verdict, f"linked to {cluster}: {found.reason}", shown)
    since, entry = _linked_since(documents, documents.text(name, "id"))
    shown += entry
    reason = (
        f"the key is that of {cluster}, linked {since}: logs that arrived since then, with the key set, are encrypted with the "
        "customer's key; earlier ones keep Microsoft's, and no document shows whether there are any"
    )
    return Posture(
        Verdict.INHERITED,
        reason,
        shown,
        found.key,
        found.key_version,
        found.follows,
        found.reader,
        source=found.verdict,
    )


def _linked_since(documents: Documents, workspace_id: str) -> tuple[str, tuple[Evidence, ...]]:
    """Return the words for the time of the link, with the cluster's entry of it as evidence where it shows one."""
    listed = documents.value("cluster", _LINKED)
    for each in listed if isinstance(listed, list) else ():
        date = text_at(each, "associateDate") if isinstance(each, Mapping) else ""
        if date and workspace_id and same_resource_id(text_at(each, "resourceId"), workspace_id):
            return f"on {date}", (replace(documents.evidence("cluster", _LINKED), value=each),)
    return "at a time that is not shown", ()


def _accounts(documents: Documents) -> Iterator[tuple[str, str]]:
    """Yield what lies in a linked storage account, and the account's id."""
    for each in documents.items(_ACCOUNTS):
        properties = at_path(each, "properties") if isinstance(each, Mapping) else None
        words = _QUERIES.get(text_at(properties, "dataSourceType").lower(), "")
        ids = at_path(properties, "storageAccountIds")
        for account in ids if words and isinstance(ids, list) else ():
            if isinstance(account, str):
                yield words, account


def _queries(documents: Documents) -> Aspect:
    """Return where queries are kept: they can name people and secrets, and have Microsoft's key unless they are elsewhere."""
    shown: tuple[Evidence, ...] = (documents.evidence("resource", _FORCE),)
    forced = documents.value("resource", _FORCE) is True
    if documents.unread(_ACCOUNTS):
        state, where = State.NOT_READ, "the linked storage accounts were not read"
    elif documents.find(_ACCOUNTS) is None:
        state, where = State.NOT_VISIBLE, f"of the linked storage accounts: {documents.obstacle(_ACCOUNTS)}"
    else:
        kept = {words: account.rpartition("/")[2] for words, account in _accounts(documents)}
        state = State.NOT_ENFORCED
        where = "; ".join(
            f"{words} are in storage account {kept[words]}, with its key"
            if words in kept
            else f"for {words} none is linked"
            if forced
            else f"{words} are with Microsoft, with Microsoft's key"
            for words in _QUERIES.values()
        )
        shown += (documents.evidence(_ACCOUNTS, "value"),)
    if forced:
        return Aspect(
            _TOPIC,
            State.ENFORCED,
            f"queries are kept only in a storage account of the customer's; {where}",
            shown,
            _QUERY_RULES,
        )
    return Aspect(_TOPIC, state, f"queries may be kept with Microsoft; {where}", shown, _QUERY_RULES)


SERVICE: Final = LogAnalyticsWorkspaces()
