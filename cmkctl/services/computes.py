"""Computes of a workspace: compute clusters, compute instances, and attached resources. Azure offers no key for them.

The OS disk of a cluster or an instance is in Microsoft's storage, with Microsoft's key. An attached compute stands for a
resource outside the workspace, such as a Kubernetes cluster, which has its own key.
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure.compare import same_word
from cmkctl.posture import IN_TRANSIT, Aspect, Evidence, Posture, State, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents, Reference

KIND: Final = "properties.computeType"
"""The path of the type of a compute."""

_ATTACHED: Final = "properties.resourceId"
_TLS: Final = "properties.properties.sslConfiguration.status"
_MANAGED: Final = {"amlcompute": "compute cluster", "computeinstance": "compute instance"}
"""The kinds of compute on machines of Microsoft's."""


class Computes(inside.Inside):
    """``…/workspaces/NAME/computes/NAME``: no member of its document is about keys."""

    name = "computes"
    title = "compute"
    resource_type = "Microsoft.MachineLearningServices/workspaces/computes"
    in_graph = False

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the resource that an attached compute stands for."""
        attached = documents.text("resource", _ATTACHED)
        return (Reference("attached resource", attached),) if attached else ()

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable` for a cluster or an instance, and `inherited` for an attached resource."""
        if hidden := documents.not_visible("resource"):
            return hidden
        kind = documents.text("resource", KIND)
        shown: tuple[Evidence, ...] = (documents.evidence("resource", KIND),)
        if reason := microsofts_disk(kind):
            return Posture(Verdict.NOT_CHOOSABLE, reason, shown)
        shown += (documents.evidence("resource", _ATTACHED),)
        attached = documents.text("resource", _ATTACHED)
        if not attached:
            reason = f"a compute of type {kind or 'that is not shown'} names no attached resource"
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        name = attached.rstrip("/").rpartition("/")[2]
        reason = (
            f"the compute is the attached resource {name} ({kind or 'its type is not shown'}), which has its own key"
        )
        return Posture(Verdict.INHERITED, reason, shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of temporary disks and of connections."""
        if documents.find("resource") is None:
            return ()
        kind = documents.text("resource", KIND)
        if kind.lower() in _MANAGED:
            reason = "connections to the services of the workspace use TLS 1.2 or newer; there is no setting"
            shown = (documents.evidence("resource", KIND),)
            transit = Aspect(IN_TRANSIT, State.PLATFORM, reason, shown, inside.TRANSIT_RULES)
            return (transit, inside.temporary_disks(documents))
        return (_inference(documents),) if same_word(kind, "AKS") else ()


def microsofts_disk(kind: str) -> str:
    """Return a sentence on the OS disk of a type of compute, on machines of Microsoft's; empty for another type."""
    machines = _MANAGED.get(kind.lower())
    return f"the OS disk of a {machines} has Microsoft's key; Azure offers no other" if machines else ""


def _inference(documents: Documents) -> Aspect:
    """Return the encryption of the connections to models on a Kubernetes cluster that was attached with SDK v1."""
    status, shown = documents.text("resource", _TLS), (documents.evidence("resource", _TLS),)
    if same_word(status, "Enabled") or same_word(status, "Auto"):
        reason = "models on the cluster are reached through https"
        return Aspect(IN_TRANSIT, State.ENFORCED, reason, shown, inside.TRANSIT_RULES)
    if same_word(status, "Disabled"):
        reason = "models on the cluster are reached through http: its TLS configuration is disabled"
        return Aspect(IN_TRANSIT, State.NOT_ENFORCED, reason, shown, inside.TRANSIT_RULES)
    if not status:
        reason = "the compute has no TLS configuration, so models on the cluster can be reached through http"
        return Aspect(IN_TRANSIT, State.NOT_SET, reason, shown, inside.TRANSIT_RULES)
    reason = f"the TLS configuration is {status}, which cmkctl does not know"
    return Aspect(IN_TRANSIT, State.NOT_KNOWABLE, reason, shown, inside.TRANSIT_RULES)


SERVICE: Final = Computes()
