"""Azure Machine Learning workspaces: default, hub, project and feature store. Read only: `cmkctl apply` and `rotate` set the key.

A workspace gets its key when it is created; later only the key identifier can change, within its vault. A project has no key of
its own: its data lies in the stores of its hub. In-subscription encryption puts data into resources of a managed resource group,
service-side encryption into Microsoft's subscription.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import key_parts
from cmkctl.azure.workspaces import KEY_IDENTIFIER, MANAGED_GROUP
from cmkctl.posture import PINNED, Evidence, Posture, Verdict
from cmkctl.services.around import around
from cmkctl.services.base import Documents, FirstParty, Read, Reference, Service, Verb

_STATUS: Final = "properties.encryption.status"
_FLAG: Final = "properties.enableServiceSideCMKEncryption"
_HUB: Final = "properties.hubResourceId"
LISTINGS: Final = ("computes", "datastores", "connections", "outboundRules", "onlineEndpoints", "batchEndpoints")
"""The collections inside a workspace, as paths name them and as its reads are named."""


class Workspaces(Service):
    """``PUT …/workspaces/NAME`` with ``properties.encryption``; later ``PATCH`` of the key identifier alone."""

    name = "workspaces"
    title = "workspace"
    resource_type = "Microsoft.MachineLearningServices/workspaces"
    api_version = versions.WORKSPACES
    verb = Verb.CREATION
    reader = FirstParty(
        "Azure Cosmos DB, beside the workspace's own identity",
        {cloud: each.cosmos_db_app_id for cloud, each in ENDPOINTS.items() if each.cosmos_db_app_id_confirmed},
    )
    follows = PINNED
    revoked = "the services behind the workspace lose their data within about an hour, and the workspace fails"
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the hub of a project."""
        hub = hub_of(documents.find("resource"))
        return (Read("hub", hub, self.api_version),) if hub else ()

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the listings of what is inside the workspace, which no row of Resource Graph has in full."""
        return tuple(Read(each, f"{resource_id}/{each}", self.api_version, listing=True) for each in LISTINGS)

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the resources that the workspace and what is inside it name. A listing that was not read adds none."""
        return around(documents)

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the workspace's key; of a project, its hub's."""
        if hidden := documents.not_visible("resource"):
            return hidden
        if not is_project(documents.find("resource")):
            return _own(documents, "resource")
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _HUB),)
        name = documents.text("resource", _HUB).rpartition("/")[2]
        if documents.find("hub") is None:
            return Posture(Verdict.INHERITED, f"the key is that of hub {name or 'which is not shown'}", shown)
        hub = _own(documents, "hub")
        reason = f"the key is that of hub {name}: {hub.reason}"
        return Posture(Verdict.INHERITED, reason, (*shown, *hub.evidence), hub.key, hub.key_version, hub.follows)


def is_project(document: Mapping[str, Any] | None) -> bool:
    """Return True for a project, which has no key of its own."""
    return same_word(text_at(document, "kind"), "project")


def hub_of(document: Mapping[str, Any] | None) -> str:
    """Return the ARM id of a project's hub; empty for a workspace of another kind."""
    return text_at(document, _HUB) if is_project(document) else ""


def architecture(document: Mapping[str, Any] | None) -> str:
    """Return ``in-subscription`` or ``service-side`` for a workspace with a customer's key; empty where neither is shown.

    An api-version before 2025-06-01 does not show the flag, and a workspace in creation shows no managed resource group yet.
    """
    if not same_word(text_at(document, _STATUS), "enabled"):
        return ""
    if at_path(document, _FLAG) is True:
        return "service-side"
    return "in-subscription" if text_at(document, MANAGED_GROUP) or at_path(document, _FLAG) is False else ""


def _own(documents: Documents, name: str) -> Posture:
    """Return who holds the key that a workspace itself has."""
    status = documents.text(name, _STATUS)
    shown: tuple[Evidence, ...] = (documents.evidence(name, _STATUS),)
    if not status or same_word(status, "disabled"):
        return Posture(Verdict.MICROSOFT, "the workspace is encrypted with Microsoft's key", shown)
    if not same_word(status, "enabled"):
        return Posture(Verdict.NOT_KNOWABLE, f"the encryption status is {status}, which cmkctl does not know", shown)
    shown += tuple(documents.evidence(name, each) for each in (KEY_IDENTIFIER, _FLAG))
    key, version = key_parts(documents.text(name, KEY_IDENTIFIER))
    if not key:
        return Posture(Verdict.NOT_KNOWABLE, "encryption is enabled, but no key is named", shown)
    where = architecture(documents.find(name))
    reason = f"the workspace is encrypted with the customer's key{f' ({where})' if where else ''}"
    return Posture(Verdict.CUSTOMER, reason, shown, key, version, PINNED)


SERVICE: Final = Workspaces()
