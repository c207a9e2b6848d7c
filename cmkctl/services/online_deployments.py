"""Deployments of an online endpoint: models on machines of Microsoft's, or on the attached cluster of their endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import text_at
from cmkctl.posture import Aspect, Evidence, Posture, State, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents, Read
from cmkctl.services.online_endpoints import attached_compute

_KIND: Final = "properties.endpointComputeType"
_COLLECTIONS: Final = "properties.dataCollector.collections"

COLLECTED: Final = "collected-data"
"""The topic of requests and responses that a deployment keeps."""


class OnlineDeployments(inside.Inside):
    """``…/onlineEndpoints/NAME/deployments/NAME``: no member of its document is about keys."""

    name = "online_deployments"
    title = "online deployment"
    resource_type = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
    in_graph = False

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the workspace, and the endpoint, which names the attached cluster."""
        endpoint = inside.endpoint_of(documents.text("resource", "id"))
        return (*super().linked(documents), *((Read("endpoint", endpoint, versions.WORKSPACES),) if endpoint else ()))

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable`, and `inherited` for a deployment on an attached cluster."""
        if hidden := documents.not_visible("resource"):
            return hidden
        kind = documents.text("resource", _KIND)
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _KIND),)
        if same_word(kind, "Managed"):
            reason = "it runs on machines of Microsoft's, whose disks have Microsoft's key; Azure offers no other"
            return Posture(Verdict.NOT_CHOOSABLE, reason, shown)
        if not same_word(kind, "Kubernetes"):
            reason = f"a deployment on compute of type {kind or 'that is not shown'} is not known to cmkctl"
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        compute = attached_compute(documents, "endpoint")
        if not compute:
            reason = "it runs on an attached cluster, which has its own key; its endpoint does not show which"
            return Posture(Verdict.INHERITED, reason, shown)
        shown += (documents.evidence("endpoint", "properties.compute"),)
        name = compute.rstrip("/").rpartition("/")[2]
        return Posture(Verdict.INHERITED, f"it runs on compute {name}, which has its own key", shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of temporary disks where the machines are Microsoft's, and data that is collected."""
        managed = same_word(documents.text("resource", _KIND), "Managed")
        collected = _collected(documents)
        return (*((inside.temporary_disks(documents),) if managed else ()), *((collected,) if collected else ()))


def _collected(documents: Documents) -> Aspect | None:
    """Return the collection of production data, such as requests and responses; None where it is off.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data.
    """
    found = documents.value("resource", _COLLECTIONS)
    names = [str(name) for name, each in (found.items() if isinstance(found, Mapping) else ()) if _enabled(each)]
    if not names:
        return None
    reason = (
        f"collects {', '.join(names)} in blob storage, the workspace's or another, whose key encrypts what is collected"
    )
    return Aspect(COLLECTED, State.INFORMATION, reason, (documents.evidence("resource", _COLLECTIONS),))


def _enabled(collection: Any) -> bool:
    return isinstance(collection, Mapping) and same_word(text_at(collection, "dataCollectionMode"), "Enabled")


SERVICE: Final = OnlineDeployments()
