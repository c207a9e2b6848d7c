"""Facts shared by what is inside a workspace: computes, endpoints and their deployments. Pure.

No api-version has a setting for the keys of their disks. The state follows from the workspace.
Source: https://learn.microsoft.com/azure/machine-learning/concept-data-encryption.
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import parents, resource_type
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Evidence, Rules, State
from cmkctl.services.base import Documents, NoReader, Read, Service, Verb

DOC: Final = "https://learn.microsoft.com/azure/machine-learning/concept-data-encryption"
REVOKED: Final = "nothing: the key of their disks is Microsoft's"
KEY_RULES: Final = Rules(("DP-5",), by_analogy=True)
TRANSIT_RULES: Final = Rules(("DP-3",), by_analogy=True)

DEPLOYMENTS: Final = "deployments"
"""The collection of the deployments of an endpoint, as paths name it and as its read is named."""

_WORKSPACE: Final = "Microsoft.MachineLearningServices/workspaces"

TEMPORARY_DISKS: Final = "temporary-disks"
"""The topic of the encryption of temporary disks, which never have a customer's key."""

HBI: Final = "properties.hbiWorkspace"


class Inside(Service):
    """Something inside a workspace. No member of its document is about keys."""

    api_version = versions.WORKSPACES
    verb = Verb.NONE
    reader = NoReader()
    follows = PINNED
    revoked = REVOKED
    doc = DOC
    protections = (IN_TRANSIT, TEMPORARY_DISKS)
    rules = KEY_RULES

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the workspace, which decides about temporary disks."""
        return the_workspace(documents)

    def owners(self, documents: Documents) -> tuple[str, ...]:
        """Return the workspace."""
        return tuple(each.path for each in the_workspace(documents))


class Endpoint(Inside):
    """An endpoint of a workspace, with its deployments."""

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the listing of the deployments, which belong to the survey of the workspace."""
        return (Read(DEPLOYMENTS, f"{resource_id}/{DEPLOYMENTS}", self.api_version, listing=True),)


def endpoint_of(deployment: str) -> str:
    """Return the ARM id of the endpoint of a deployment."""
    return next(parents(deployment), "")


def workspace_of(resource_id: str) -> str:
    """Return the ARM id of the workspace of something inside it, however deep; empty where there is none."""
    return next((each for each in parents(resource_id) if same_word(resource_type(each), _WORKSPACE)), "")


def the_workspace(documents: Documents) -> tuple[Read, ...]:
    """Return the read of the workspace of what `documents` describe."""
    above = workspace_of(documents.text("resource", "id"))
    return (Read("workspace", above, versions.WORKSPACES),) if above else ()


def temporary_disks(documents: Documents, name: str = "workspace") -> Aspect:
    """Return the encryption of the temporary disks of a workspace's computes. `name` is the read of the workspace."""
    if documents.unread(name):
        return Aspect(TEMPORARY_DISKS, State.NOT_READ, "the workspace was not read")
    if documents.find(name) is None:
        return Aspect(TEMPORARY_DISKS, State.NOT_VISIBLE, "the workspace, which decides it, is not visible to you")
    shown: tuple[Evidence, ...] = (documents.evidence(name, HBI),)
    match documents.value(name, HBI):
        case True:
            reason = (
                "temporary disks of computes are encrypted with Microsoft's key, because the workspace has high business "
                "impact; Azure guarantees it only where the subscription had no compute cluster before"
            )
            return Aspect(TEMPORARY_DISKS, State.ENFORCED, reason, shown)
        case False:
            reason = (
                "temporary disks of computes are not encrypted: the workspace was created without high business impact"
            )
            return Aspect(TEMPORARY_DISKS, State.NOT_ENFORCED, reason, shown)
        case None:
            reason = (
                "the workspace does not show hbiWorkspace; without it, temporary disks of computes are not encrypted"
            )
            return Aspect(TEMPORARY_DISKS, State.NOT_SET, reason, shown)
        case other:
            reason = f"hbiWorkspace is {other!r}, which cmkctl does not know"
            return Aspect(TEMPORARY_DISKS, State.NOT_KNOWABLE, reason, shown)


def scoring(documents: Documents) -> Aspect:
    """Return the encryption of the connections to an endpoint, by the scheme of its address."""
    path = "properties.scoringUri"
    address, shown = documents.text("resource", path), (documents.evidence("resource", path),)
    scheme = address.partition("://")[0].lower()
    if scheme == "https":
        return Aspect(IN_TRANSIT, State.ENFORCED, "clients reach the endpoint through https", shown, TRANSIT_RULES)
    if scheme == "http":
        reason = "clients reach the endpoint through http, without encryption"
        return Aspect(IN_TRANSIT, State.NOT_ENFORCED, reason, shown, TRANSIT_RULES)
    return Aspect(
        IN_TRANSIT, State.NOT_KNOWABLE, "the endpoint shows no address of http or https", shown, TRANSIT_RULES
    )
