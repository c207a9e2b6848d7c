"""Batch endpoints of a workspace: an https address that starts jobs on the workspace's computes."""

from __future__ import annotations

from typing import Final

from cmkctl.posture import Aspect, Posture, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents


class BatchEndpoints(inside.Inside):
    """``…/workspaces/NAME/batchEndpoints/NAME``: no member of its document is about keys."""

    name = "batch_endpoints"
    title = "batch endpoint"
    resource_type = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable`: the disks are those of the computes that run the jobs."""
        if hidden := documents.not_visible("resource"):
            return hidden
        reason = "its jobs run on computes of the workspace, whose disks have Microsoft's key; Azure offers no other"
        return Posture(Verdict.NOT_CHOOSABLE, reason, (documents.evidence("resource", "type"),))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections and of temporary disks."""
        if documents.find("resource") is None:
            return ()
        return (inside.scoring(documents), inside.temporary_disks(documents))


SERVICE: Final = BatchEndpoints()
