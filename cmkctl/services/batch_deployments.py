"""Deployments of a batch endpoint: jobs on the compute that each deployment names."""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import resource_type
from cmkctl.posture import Aspect, Evidence, Posture, Verdict
from cmkctl.services import inside
from cmkctl.services.base import Documents, Read, Reference
from cmkctl.services.computes import KIND, microsofts_disk
from cmkctl.services.computes import SERVICE as COMPUTES

_COMPUTE: Final = "properties.compute"
_CONFIGURATION: Final = "properties.deploymentConfiguration.deploymentConfigurationType"


class BatchDeployments(inside.Inside):
    """``…/batchEndpoints/NAME/deployments/NAME``: no member of its document is about keys."""

    name = "batch_deployments"
    title = "batch deployment"
    resource_type = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments"
    in_graph = False

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the workspace, and the compute that runs the jobs."""
        compute = _compute(documents)
        return (*super().linked(documents), *((Read("compute", compute, versions.WORKSPACES),) if compute else ()))

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the compute that runs the jobs."""
        compute = _compute(documents)
        return (Reference("compute of the deployment", compute),) if compute else ()

    def posture(self, documents: Documents) -> Posture:
        """Return `not-choosable` for jobs on a compute cluster, and `inherited` for jobs on an attached compute."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _COMPUTE),)
        compute = _compute(documents)
        if not compute:
            return _without_compute(documents, shown)
        name = compute.rstrip("/").rpartition("/")[2]
        if documents.find("compute") is None:
            return Posture(Verdict.INHERITED, f"the key is that of compute {name}, which is not visible to you", shown)
        kind = documents.text("compute", KIND)
        shown += (documents.evidence("compute", KIND),)
        if disk := microsofts_disk(kind):
            return Posture(Verdict.NOT_CHOOSABLE, f"its jobs run on compute {name}: {disk}", shown)
        reason = f"its jobs run on compute {name} ({kind or 'its type is not shown'}), which has its own key"
        return Posture(Verdict.INHERITED, reason, shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of temporary disks, where the machines are Microsoft's."""
        return (inside.temporary_disks(documents),) if microsofts_disk(documents.text("compute", KIND)) else ()


def _without_compute(documents: Documents, shown: tuple[Evidence, ...]) -> Posture:
    """Return the posture of a deployment that does not name its compute by an ARM id."""
    if same_word(documents.text("resource", _CONFIGURATION), "PipelineComponent"):
        reason = "it runs a pipeline, and each step of it can name another compute"
        return Posture(Verdict.NOT_KNOWABLE, reason, (*shown, documents.evidence("resource", _CONFIGURATION)))
    named = documents.value("resource", _COMPUTE)
    reason = "it names no compute" if named is None else f"its compute is {named!r}, which is no ARM id of a compute"
    return Posture(Verdict.NOT_KNOWABLE, reason, shown)


def _compute(documents: Documents) -> str:
    """Return the ARM id of the compute that runs the jobs; empty where the deployment names none."""
    compute = documents.text("resource", _COMPUTE)
    whole = compute.startswith("/") and same_word(resource_type(compute), COMPUTES.resource_type)
    return compute if whole else ""


SERVICE: Final = BatchDeployments()
