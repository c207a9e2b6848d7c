"""Batch endpoints of a workspace: an https address that starts jobs on the workspace's computes."""

from __future__ import annotations

from typing import Final

from cmkctl.posture import Aspect, Posture, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents


class BatchEndpoints(inside.Endpoint):
    """``…/workspaces/NAME/batchEndpoints/NAME``: no member of its document is about keys."""

    name = "batch_endpoints"
    title = "batch endpoint"
    resource_type = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable`: the disks are those of the computes that run the jobs."""
        if hidden := documents.not_visible("resource"):
            return hidden
        reason = "it has no disks of its own: its jobs run on the computes that its deployments name"
        return Posture(Verdict.NOT_CHOOSABLE, reason, (documents.evidence("resource", "type"),))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections and of temporary disks."""
        if documents.find("resource") is None:
            return ()
        return (inside.scoring(documents), inside.temporary_disks(documents))


SERVICE: Final = BatchEndpoints()
