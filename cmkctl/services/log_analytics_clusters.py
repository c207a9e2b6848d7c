"""Dedicated Log Analytics clusters: the key of the workspaces that are linked to one, and of Application Insights behind them.

Azure Monitor has no other place for a customer's key. A cluster has one identity, and takes identity and key in two updates.
Facts: Microsoft's pages on dedicated clusters and their keys, of 2026, and recording 57.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.azure import versions
from cmkctl.azure.compare import same_uri, same_word
from cmkctl.azure.documents import at_path, text_at
from cmkctl.plan import AttributeChange
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Check, Evidence, Follow, Follows, Posture, Rules, State, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    PLATFORM_TRANSIT,
    ArmDocument,
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    OwnIdentitySettings,
    Read,
    Refusal,
    Verb,
    Want,
    Write,
    another_region,
    not_accepted,
)

RESOURCE_TYPE: Final = "Microsoft.OperationalInsights/clusters"
_KEY: Final = "properties.keyVaultProperties"
_MEMBERS: Final = ("keyVaultUri", "keyName", "keyVersion")
_ABSENT: Final = (None, "")
_STATE: Final = "properties.provisioningState"
_DOUBLE: Final = "properties.isDoubleEncryptionEnabled"
_LATEST: Final = "latest"
_DEFAULT: Final = "is the default of a new cluster"

_RULES: Final = Rules(
    ("DP-5",),
    (
        Check(
            "Azure Policy",
            "1f68a601-6e6d-4e42-babf-3f643a047ea2",
            "demands that keyVersion exists: a cluster that follows new versions fails where the answer leaves it out",
        ),
    ),
)
_DOUBLE_RULES: Final = Rules(("DP-4",), (Check("Azure Policy", "ea0dfaed-95fb-448c-934e-d6e713ce393d"),))


class EncryptedLogAnalyticsCluster(OwnIdentitySettings):
    """A dedicated Log Analytics cluster."""

    id: Annotated[str, field_types.ArmId(RESOURCE_TYPE)] = Field(
        description="The ARM id of the cluster.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.OperationalInsights"
                "/clusters/logs"
            )
        ],
    )
    identity: field_types.Identity = Field(
        "system-assigned",
        description=(
            "The identity that reads the key: system-assigned, or the ARM id of a user-assigned identity that exists. A cluster "
            "has one identity; cmkctl adds it to a cluster without one, and takes none away."
        ),
        examples=["system-assigned"],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the cluster uses the latest version of the key. fixed: it keeps the version that was the latest when "
            "cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class LogAnalyticsClusters(EncryptableService[EncryptedLogAnalyticsCluster]):
    """``PATCH …/clusters/NAME`` with ``properties.keyVaultProperties``."""

    name = "log_analytics_clusters"
    title = "Log Analytics cluster"
    resource_type = RESOURCE_TYPE
    api_version = versions.LOG_ANALYTICS
    verb = Verb.PATCH
    reader = OwnIdentity()
    follows = Follows(Follow.ON_REQUEST)
    revoked = (
        "within an hour queries fail, and new logs of the linked workspaces are lost for good; both work again within 30 "
        "minutes of the key's return"
    )
    doc = "https://learn.microsoft.com/azure/azure-monitor/logs/customer-managed-keys"
    protections = (IN_TRANSIT, "double-encryption")
    rules = _RULES
    settings = EncryptedLogAnalyticsCluster

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the cluster's key."""
        return documents.not_visible("resource") or posture_of(documents, "resource")

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, the second layer, the fast copies, and the commitment that is billed."""
        if documents.find("resource") is None:
            return ()
        return (PLATFORM_TRANSIT, _double(documents), *_cache(documents), *_commitment(documents))

    def want(self, settings: EncryptedLogAnalyticsCluster, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of the cluster, nothing where it has the key already."""
        version = "" if settings.key_version == _LATEST else key.version
        document = documents.find("resource")
        if _has_another_identity(document):
            return not_accepted(
                "it has another identity already, and a cluster has one only",
                "write the identity that it has as identity",
                "change its identity first: az monitor log-analytics cluster update --identity-type",
            )
        if _is_set(documents, key, version):
            return ()
        if refusal := _refusal(document, key):
            return refusal
        before = posture_of(documents, "resource")
        shown = {each: at_path(document, f"{_KEY}.{each}") for each in _MEMBERS}
        held = (documents.text("resource", f"{_KEY}.keyVersion") or _LATEST) if before.key else None
        named = {"keyVaultUri": key.vault_uri, "keyName": key.name, "keyVersion": version}
        return (
            Write(
                settings.id,
                self.verb.value,
                self.api_version,
                {"properties": {"keyVaultProperties": named}},
                self.title,
                documents.text("resource", "name"),
                f"{_uses(before, key)}; logs from before keep the key that they have",
                attributes=(
                    AttributeChange("keyVaultProperties.keyVaultUri", shown["keyVaultUri"] or None, key.vault_uri),
                    AttributeChange("keyVaultProperties.keyName", shown["keyName"] or None, key.name),
                    AttributeChange("keyVaultProperties.keyVersion", held, version or _LATEST),
                ),
                costs=(_costs(documents),),
            ),
        )


def _uses(before: Posture, key: KeyReference) -> str:
    """Return what a cluster uses that does not use the key like this."""
    if before.verdict is Verdict.MICROSOFT:
        return "uses Microsoft's key"
    same = not before.key or same_uri(before.key, key.versionless)
    return "does not use the key like this yet" if same else "uses another key of a customer's"


def cluster_read(cluster_id: str) -> Read:
    """Return the read of a cluster that a workspace is linked to, named ``cluster``."""
    return Read("cluster", cluster_id.rstrip("/"), versions.LOG_ANALYTICS)


def posture_of(documents: Documents, name: str) -> Posture:
    """Return who holds the key of the cluster in the document `name`, which was read."""
    vault, key_name, version = (documents.value(name, f"{_KEY}.{each}") for each in _MEMBERS)
    shown: tuple[Evidence, ...] = tuple(documents.evidence(name, f"{_KEY}.{each}") for each in _MEMBERS)
    block = documents.value(name, _KEY)
    if (block is None or isinstance(block, Mapping)) and vault in _ABSENT and key_name in _ABSENT:
        return Posture(Verdict.MICROSOFT, "the cluster is encrypted with Microsoft's key", shown)
    if not isinstance(vault, str) or not isinstance(key_name, str) or not vault or not key_name:
        return Posture(Verdict.NOT_KNOWABLE, "the key properties do not name both a vault and a key", shown)
    state = documents.text(name, _STATE)
    unfinished = f"; its provisioning state is {state}" if state and not same_word(state, "Succeeded") else ""
    return Posture(
        Verdict.CUSTOMER,
        "logs that arrived since the key was set are encrypted with the customer's key; earlier ones keep Microsoft's, and no "
        f"document shows since when the key is set{unfinished}",
        (*shown, documents.evidence(name, _STATE)),
        f"{vault.rstrip('/')}/keys/{key_name}",
        version if isinstance(version, str) else "",
        Follows(Follow.BY_ITSELF) if version in _ABSENT else PINNED if isinstance(version, str) else None,
        _reader(documents.find(name)),
    )


def _reader(document: ArmDocument | None) -> str:
    """Return the one identity of a cluster; empty where it shows none, or several."""
    held = at_path(document, "identity.userAssignedIdentities")
    users = [*held] if isinstance(held, Mapping) else []
    system = bool(text_at(document, "identity.principalId"))
    if len(users) + system != 1:
        return ""
    return "system-assigned" if system else str(users[0])


def _double(documents: Documents) -> Aspect:
    value, shown = documents.value("resource", _DOUBLE), (documents.evidence("resource", _DOUBLE),)
    topic = "double-encryption"
    if value is True:
        return Aspect(
            topic, State.ENFORCED, "a second layer with Microsoft's key, set at creation", shown, _DOUBLE_RULES
        )
    if value is False:
        reason = "one layer; the second can be chosen only when a cluster is created"
        return Aspect(topic, State.NOT_ENFORCED, reason, shown, _DOUBLE_RULES)
    if value is None:
        return Aspect(topic, State.NOT_SET, f"not shown; a second layer {_DEFAULT}", shown, _DOUBLE_RULES)
    return Aspect(topic, State.NOT_KNOWABLE, "the setting has another form than cmkctl knows", shown, _DOUBLE_RULES)


def _cache(documents: Documents) -> tuple[Aspect, ...]:
    """Return the limit of a customer's key; nothing for a cluster with Microsoft's."""
    if posture_of(documents, "resource").verdict is Verdict.MICROSOFT:
        return ()
    reason = (
        "copies in fast storage, of the last 14 days and of what was queried recently, are encrypted with Microsoft's key; they "
        "are deleted when the customer's key is revoked. Tables of the plan Auxiliary never have the customer's key"
    )
    return (Aspect("fast-copies", State.INFORMATION, reason),)


def _commitment(documents: Documents) -> tuple[Aspect, ...]:
    capacity = documents.value("resource", "sku.capacity")
    if not isinstance(capacity, int):
        return ()
    return (
        Aspect("commitment", State.INFORMATION, _costs(documents), (documents.evidence("resource", "sku.capacity"),)),
    )


def _costs(documents: Documents) -> str:
    capacity = documents.value("resource", "sku.capacity")
    tier = f"{capacity:,} GB a day" if isinstance(capacity, int) else "its commitment tier, 100 GB a day at least"
    return f"the cluster is billed for {tier} from its creation on, with or without data, and with either key"


def _is_set(documents: Documents, key: KeyReference, version: str) -> bool:
    return (
        same_uri(documents.text("resource", f"{_KEY}.keyVaultUri"), key.vault_uri)
        and same_word(documents.text("resource", f"{_KEY}.keyName"), key.name)
        and same_word(documents.text("resource", f"{_KEY}.keyVersion"), version)
    )


def _has_another_identity(document: ArmDocument | None) -> bool:
    """Return True for a cluster that would have two identities after the profile's was added."""
    held = at_path(document, "identity.userAssignedIdentities")
    return "," in text_at(document, "identity.type") or (isinstance(held, Mapping) and len(held) > 1)


def _refusal(document: ArmDocument | None, key: KeyReference) -> Refusal | None:
    """Return why the cluster does not take the key; None where it does."""
    state, name = text_at(document, _STATE), text_at(document, "name")
    if state and not same_word(state, "Succeeded"):
        return not_accepted(
            f"its provisioning state is {state}, and Azure changes a cluster only when that is Succeeded; creation takes about "
            "two hours",
            f"wait for it: az monitor log-analytics cluster wait --created -g RESOURCE_GROUP -n {name}",
        )
    return another_region(document, key, "Azure Monitor")


SERVICE: Final = LogAnalyticsClusters()
