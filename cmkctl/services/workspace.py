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
from cmkctl.azure.workspaces import KEY_IDENTIFIER, MANAGED_GROUP, OWN_STORES
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Check, Evidence, Posture, Rules, State, Verdict
from cmkctl.services import inside
from cmkctl.services.around import around, not_followed
from cmkctl.services.base import PLATFORM_TRANSIT, Documents, FirstParty, Read, Reference, Service, Verb

_STATUS: Final = "properties.encryption.status"
_FLAG: Final = "properties.enableServiceSideCMKEncryption"
_HUB: Final = "properties.hubResourceId"
_READER: Final = "properties.encryption.identity.userAssignedIdentity"
_PUBLIC: Final = "properties.publicNetworkAccess"
_ISOLATION: Final = "properties.managedNetwork.isolationMode"

DIAGNOSTIC_DATA: Final = "diagnostic-data"
"""The topic of the data that Microsoft collects."""

NETWORK: Final = "network"
"""The topic of the networks that reach a resource."""

MANAGED_RESOURCES: Final = "managed-resources"
"""The topic of what Microsoft keeps in the customer's subscription."""

ELSEWHERE: Final = "data-elsewhere"
"""The topic of datastores and connections that lead out of Azure, or to what cmkctl cannot find."""

_STATUS_ONLY: Final = (
    "looks at the status alone: a disabled key, the managed resource group and the associated resources stay unseen"
)
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
    protections = (IN_TRANSIT, DIAGNOSTIC_DATA, inside.TEMPORARY_DISKS, NETWORK)
    rules = Rules(
        ("DP-5",),
        (
            Check(
                "Azure Policy",
                "ba769a63-b8cc-4b2d-abf6-ac33c7204be8",
                f"{_STATUS_ONLY}; before version 1.1.0 it flagged projects, which have no key of their own",
            ),
            Check("Azure Policy", "7f40cee6-e933-4d0f-a782-b96615e0f4a6", _STATUS_ONLY),
            Check("Steampipe", "azure_compliance.control.machine_learning_workspace_encrypted_with_cmk", _STATUS_ONLY),
            Check("CloudSploit", "mlWorkspaceCMKEncrypted", _STATUS_ONLY),
        ),
    )

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
        name = hub_of(documents.find("resource")).rpartition("/")[2]
        if documents.find("hub") is None:
            return Posture(Verdict.INHERITED, f"the key is that of hub {name or 'which is not shown'}", shown)
        hub = _own(documents, "hub")
        reason = f"the key is that of hub {name}: {hub.reason}"
        return Posture(
            Verdict.INHERITED,
            reason,
            (*shown, *hub.evidence),
            hub.key,
            hub.key_version,
            hub.follows,
            hub.reader,
            source=hub.verdict,
        )

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return what high business impact decides, and the encryption of connections."""
        if documents.find("resource") is None:
            return ()
        kept, elsewhere = _kept_by_microsoft(documents), _elsewhere(documents)
        return (
            PLATFORM_TRANSIT,
            _diagnostic_data(documents),
            inside.temporary_disks(documents, "resource"),
            _network(documents),
            *((kept,) if kept else ()),
            *((elsewhere,) if elsewhere else ()),
        )


def is_project(document: Mapping[str, Any] | None) -> bool:
    """Return True for a project, which has no key of its own."""
    return same_word(text_at(document, "kind"), "project")


def hub_of(document: Mapping[str, Any] | None) -> str:
    """Return the ARM id of a project's hub; empty for a workspace of another kind."""
    return text_at(document, _HUB).rstrip("/") if is_project(document) else ""


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
    if unknown := documents.unknown_form(name, _STATUS):
        return unknown
    status = documents.value(name, _STATUS)
    shown: tuple[Evidence, ...] = (documents.evidence(name, _STATUS),)
    if status is None and documents.value(name, KEY_IDENTIFIER) is not None:
        shown += (documents.evidence(name, KEY_IDENTIFIER),)
        return Posture(Verdict.NOT_KNOWABLE, "a key is named, but the encryption status is not shown", shown)
    if status in (None, "") or _is(status, "disabled"):
        return Posture(Verdict.MICROSOFT, "the workspace is encrypted with Microsoft's key", shown)
    if not _is(status, "enabled"):
        return Posture(Verdict.NOT_KNOWABLE, f"the encryption status is {status}, which cmkctl does not know", shown)
    shown += tuple(documents.evidence(name, each) for each in (KEY_IDENTIFIER, _FLAG))
    key, version = key_parts(documents.text(name, KEY_IDENTIFIER))
    if not key:
        return Posture(Verdict.NOT_KNOWABLE, "encryption is enabled, but no key is named", shown)
    where = architecture(documents.find(name))
    reason = f"the workspace is encrypted with the customer's key{f' ({where})' if where else ''}"
    if where == "service-side":
        reason += "; pipeline metadata is in its storage account, which needs a customer's key itself"
    if where == "in-subscription" and not any(documents.text(name, each) for each in (MANAGED_GROUP, *OWN_STORES)):
        reason += "; it shows neither a managed resource group nor stores of its own for metadata"
    return Posture(Verdict.CUSTOMER, reason, shown, key, version, PINNED, _reader(documents, name))


def _is(value: Any, word: str) -> bool:
    return isinstance(value, str) and same_word(value, word)


def _reader(documents: Documents, name: str) -> str:
    """Return the identity of the workspace that reads the key; empty where none is shown."""
    named = documents.text(name, _READER)
    return named or ("system-assigned" if documents.text(name, "identity.principalId") else "")


def _diagnostic_data(documents: Documents) -> Aspect:
    """Return the collection of diagnostic data by Microsoft, which a workspace refuses only when it is created.

    Source: https://learn.microsoft.com/azure/machine-learning/concept-data-encryption#data-collection.
    """
    shown = (documents.evidence("resource", inside.HBI),)
    rules = Rules((), (Check("CloudSploit", "mlWorkspaceHBI"),), by_analogy=True)
    collects = (
        "Microsoft may collect diagnostic data, such as names of data sets and environment variables of jobs, and keeps it "
        "under its own key"
    )
    always = "names of jobs can still be in telemetry, under Microsoft's key"
    match documents.value("resource", inside.HBI):
        case True:
            reason = f"high business impact: the workspace refuses the collection of diagnostic data; {always}"
            return Aspect(DIAGNOSTIC_DATA, State.ENFORCED, reason, shown, rules)
        case False:
            reason = f"no high business impact: {collects}; only a new workspace can refuse it"
            return Aspect(DIAGNOSTIC_DATA, State.NOT_ENFORCED, reason, shown, rules)
        case None:
            return Aspect(DIAGNOSTIC_DATA, State.NOT_SET, f"hbiWorkspace is not shown: {collects}", shown, rules)
        case other:
            reason = f"hbiWorkspace is {other!r}, which cmkctl does not know"
            return Aspect(DIAGNOSTIC_DATA, State.NOT_KNOWABLE, reason, shown, rules)


def _network(documents: Documents) -> Aspect:
    shown = (documents.evidence("resource", _PUBLIC), documents.evidence("resource", _ISOLATION))
    isolation = documents.text("resource", _ISOLATION)
    isolated = f"; its managed network is isolated ({isolation})" if isolation.lower() not in {"", "disabled"} else ""
    checks = tuple(Check("Checkov", each) for each in ("CKV2_AZURE_49", "CKV2_AZURE_50", "CKV_AZURE_243"))
    rules = Rules(("NS-2",), checks, by_analogy=True)
    public = documents.value("resource", _PUBLIC)
    match str("" if public is None else public).lower():
        case "disabled":
            return Aspect(NETWORK, State.ENFORCED, f"private endpoints only{isolated}", shown, rules)
        case "enabled":
            return Aspect(NETWORK, State.NOT_ENFORCED, f"any network can reach the workspace{isolated}", shown, rules)
        case "":
            return Aspect(NETWORK, State.NOT_SET, f"publicNetworkAccess is not shown{isolated}", shown, rules)
        case other:
            return Aspect(NETWORK, State.NOT_KNOWABLE, f"cmkctl does not know the access {other}", shown, rules)


def _kept_by_microsoft(documents: Documents) -> Aspect | None:
    """Return what Microsoft keeps in a managed resource group; None for a workspace without one."""
    if architecture(documents.find("resource")) != "in-subscription" or not documents.text("resource", MANAGED_GROUP):
        return None
    reason = (
        "Azure Cosmos DB, AI Search and storage of the workspace are in a resource group that only Microsoft may change; "
        "policies that flag them cannot be exempted there"
    )
    shown = (documents.evidence("resource", MANAGED_GROUP),)
    return Aspect(MANAGED_RESOURCES, State.INFORMATION, reason, shown)


def _elsewhere(documents: Documents) -> Aspect | None:
    """Return the datastores and connections that lead to no resource in Azure; None without one."""
    names = not_followed(documents)
    if not names:
        return None
    reason = f"not followed, because no Azure resource is named: {', '.join(names)}"
    return Aspect(ELSEWHERE, State.INFORMATION, reason)


SERVICE: Final = Workspaces()
