"""Online endpoints of a workspace: models behind an https address, on machines of Microsoft's or on an attached cluster."""

from __future__ import annotations

from typing import Final

from cmkctl.posture import Aspect, Evidence, Posture, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents, Reference

_COMPUTE: Final = "properties.compute"


class OnlineEndpoints(inside.Endpoint):
    """``…/workspaces/NAME/onlineEndpoints/NAME``: no member of its document is about keys."""

    name = "online_endpoints"
    title = "online endpoint"
    resource_type = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the compute of an endpoint on an attached cluster."""
        compute = attached_compute(documents)
        return (Reference("compute of the endpoint", compute),) if compute else ()

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable`, and `inherited` for an endpoint on an attached cluster."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _COMPUTE),)
        if compute := attached_compute(documents):
            name = compute.rstrip("/").rpartition("/")[2]
            return Posture(Verdict.INHERITED, f"the deployments run on compute {name}, which has its own key", shown)
        reason = (
            "the deployments run on machines of Microsoft's, whose disks have Microsoft's key; Azure offers no other"
        )
        return Posture(Verdict.NOT_CHOOSABLE, reason, shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, and of temporary disks where the machines are Microsoft's."""
        if documents.find("resource") is None:
            return ()
        transit = inside.scoring(documents)
        return (transit,) if attached_compute(documents) else (transit, inside.temporary_disks(documents))


def attached_compute(documents: Documents, name: str = "resource") -> str:
    """Return the ARM id of the attached cluster under an endpoint; empty for a managed endpoint. `name` is its read."""
    compute = documents.text(name, _COMPUTE)
    return compute if compute.startswith("/") else ""


SERVICE: Final = OnlineEndpoints()
