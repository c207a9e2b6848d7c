"""Kubernetes clusters (AKS): the key of their disks is that of a disk encryption set, named when the cluster is created.

The verdict is about the disks of the nodes and, by default, the data disks of workloads; a storage class can name another set, so
the disks of the node resource group are assessed one by one. Temporary disks and etcd are protections beside it: no disk
encryption set covers them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import Field

from cmkctl.azure.compare import same_key_identifier
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import ResourceId, group_id
from cmkctl.posture import IN_TRANSIT, Aspect, Check, Evidence, Follow, Follows, Posture, Rules, State, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    KeyReference,
    OtherResource,
    Read,
    Reference,
    ServiceSettings,
    Verb,
    Want,
    not_accepted,
    only_at_creation,
)
from cmkctl.services.disk_encryption_sets import HOURS, linked_set, of_linked_set

TEMPORARY_DISKS: Final = "temporary-disks"
ETCD: Final = "etcd"
INGRESS: Final = "in-transit-ingress"

_SET: Final = "properties.diskEncryptionSetID"
_POOLS: Final = "properties.agentPoolProfiles"
_KMS: Final = "properties.securityProfile.azureKeyVaultKms"
_VERSIONS: Final = ("properties.currentKubernetesVersion", "properties.kubernetesVersion")
_FIRST: Final = (1, 17)
"""The first Kubernetes version with customer-managed keys, as the pages about Azure Machine Learning have it."""
_DATA_DISKS: Final = (1, 24)
"""The first version with customer-managed keys for data disks, as the page of the service has it today."""


class EncryptedKubernetesCluster(ServiceSettings):
    """A cluster of Azure Kubernetes Service."""

    id: Annotated[str, field_types.ArmId("Microsoft.ContainerService/managedClusters")] = Field(
        description="The ARM id of the cluster.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.ContainerService"
                "/managedClusters/aks-scoring"
            )
        ],
    )


class KubernetesClusters(EncryptableService[EncryptedKubernetesCluster]):
    """``PUT …/managedClusters/NAME`` with ``properties.diskEncryptionSetID``, for a new cluster alone."""

    name = "kubernetes_clusters"
    title = "Kubernetes cluster"
    resource_type = "Microsoft.ContainerService/managedClusters"
    api_version = "2025-05-01"
    verb = Verb.CREATION
    reader = OtherResource("the identity of its disk encryption set; the cluster's identity needs Reader on the set")
    follows = Follows(Follow.ON_REQUEST, HOURS)
    revoked = "its nodes shut down within about an hour, and do not start until the key is back"
    doc = "https://learn.microsoft.com/azure/aks/azure-disk-customer-managed-keys"
    protections = (TEMPORARY_DISKS, ETCD, IN_TRANSIT, INGRESS)
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "7d7be79c-23ba-4033-84dd-45e2a5ccdd67"),
            Check("Checkov", "CKV_AZURE_117"),
            Check("Trivy", "AZU-0067"),
            Check("KICS", "b17d8bb8-4c08-4785-867e-cb9e62a622aa"),
            Check("Steampipe", "azure_compliance.control.kubernetes_cluster_os_and_data_disks_encrypted_with_cmk"),
            Check("CloudSploit", "aksEncryptionAtRestWithCMK"),
        ),
    )
    settings = EncryptedKubernetesCluster

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the disk encryption set."""
        return linked_set(documents.text("resource", _SET))

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the disk encryption set, the group with the disks of the nodes, and the vault with the key of etcd."""
        named = (
            ("disk encryption set", documents.text("resource", _SET)),
            ("disks of its nodes", _node_group(documents)),
            ("key vault of the key of etcd", documents.text("resource", f"{_KMS}.keyVaultResourceId")),
        )
        return tuple(Reference(relation, each) for relation, each in named if each)

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the hosts of the API server."""
        found = (documents.text("resource", f"properties.{each}").lower() for each in ("fqdn", "privateFQDN"))
        return tuple(each for each in found if each)

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the cluster's disks."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _SET),)
        value = documents.value("resource", _SET)
        if value in (None, ""):
            reason = "the disks of its nodes and, by default, its data disks are encrypted with Microsoft's key"
            return Posture(Verdict.MICROSOFT, reason, shown)
        if not isinstance(value, str):
            return Posture(
                Verdict.NOT_KNOWABLE, "the disk encryption set is named in a form that cmkctl does not know", shown
            )
        found, name = of_linked_set(documents), value.rstrip("/").rpartition("/")[2]
        shown += found.evidence
        reason = f"the disks of its nodes and, by default, its data disks use disk encryption set {name}"
        if found.verdict is not Verdict.CUSTOMER or not found.key:
            reason += f": {found.reason}"
        if note := _too_old(documents):
            shown += tuple(documents.evidence("resource", each) for each in _VERSIONS)
            reason += note
        return Posture(found.verdict, reason, shown, found.key, found.key_version, found.follows, found.reader)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the protection of temporary disks and of etcd, and what is known of the connections."""
        if documents.find("resource") is None:
            return ()
        shown = tuple(documents.evidence("resource", f"properties.{each}") for each in ("fqdn", "privateFQDN"))
        return (
            _temporary_disks(documents),
            _etcd(documents),
            Aspect(
                IN_TRANSIT,
                State.PLATFORM,
                "the API server takes TLS 1.2 and later alone, which is not configurable",
                shown,
                Rules(("DP-3",), by_analogy=True),
            ),
            Aspect(
                INGRESS,
                State.NOT_KNOWABLE,
                "Resource Manager does not show whether the ingresses of workloads take HTTPS alone",
                (),
                Rules(("DP-3",), (Check("Azure Policy", "1a5b4dca-0b6f-4cf5-907c-56316bc1bf3d"),)),
            ),
        )

    def want(self, settings: EncryptedKubernetesCluster, documents: Documents, key: KeyReference) -> Want:
        """Return nothing where the cluster's set has the key, and else what decides about it."""
        named = documents.text("resource", _SET)
        take_out = f"take {settings.id.rpartition('/')[2]} out of services.{self.name}"
        if not named:
            return only_at_creation(
                "it was created with Microsoft's key, and Kubernetes Service takes a disk encryption set for new clusters alone",
                f"create a cluster with a disk encryption set that has key {key.name} (az aks create "
                "--node-osdisk-diskencryptionset-id), and move the workloads to it",
                take_out,
            )
        found, name = of_linked_set(documents), named.rstrip("/").rpartition("/")[2]
        follows = found.follows is not None and found.follows.how is Follow.BY_ITSELF
        if same_key_identifier(found.key, key.versionless) and (follows or found.key_version == key.version):
            return ()
        if not found.key:
            return not_accepted(
                f"its disks have the key of disk encryption set {name}, and its key is not shown: {found.reason}",
                "request the role Reader on the disk encryption set",
                take_out,
            )
        return not_accepted(
            f"its disks have the key of disk encryption set {name}, which has another key or version",
            f"name the set in the place of the cluster: services.disk_encryption_sets, id: {named}",
            take_out,
        )


def _node_group(documents: Documents) -> str:
    group = documents.text("resource", "properties.nodeResourceGroup")
    return group_id(ResourceId.parse(documents.answers[0].read.path).subscription, group) if group else ""


def _too_old(documents: Documents) -> str:
    """Return a note about a version that is older than customer-managed keys; empty for a newer one, and for none."""
    shown = next((found for each in _VERSIONS if (found := documents.text("resource", each))), "")
    match = re.match(r"(\d+)\.(\d+)", shown)
    version = (int(match[1]), int(match[2])) if match else _DATA_DISKS
    if version < _FIRST:
        return f"; Kubernetes {shown} is older than 1.17, the first version with customer-managed keys"
    return (
        f"; for data disks the service asks for Kubernetes 1.24, and this is {shown}" if version < _DATA_DISKS else ""
    )


def _temporary_disks(documents: Documents) -> Aspect:
    shown: tuple[Evidence, ...] = (_encryption_at_host(documents),)
    rules = Rules(
        ("DP-4",),
        (Check("Azure Policy", "41425d9f-d1a5-499a-9932-f8ed8453932c"), Check("Checkov", "CKV_AZURE_227")),
    )
    pools = documents.value("resource", _POOLS)
    if not isinstance(pools, list) or not pools:
        return Aspect(TEMPORARY_DISKS, State.NOT_KNOWABLE, "the cluster shows no node pools", shown, rules)
    off = [_pool(each) for each in pools if (at_path(each, "enableEncryptionAtHost") or False) is False]
    if off:
        reason = f"the hosts of node pool{'s' if len(off) > 1 else ''} {', '.join(off)} do not encrypt temporary disks"
        return Aspect(TEMPORARY_DISKS, State.NOT_ENFORCED, reason, shown, rules)
    if any(at_path(each, "enableEncryptionAtHost") is not True for each in pools):
        reason = "a node pool shows encryption at host in a form that cmkctl does not know"
        return Aspect(TEMPORARY_DISKS, State.NOT_KNOWABLE, reason, shown, rules)
    reason = "the hosts of all nodes encrypt their temporary disks and caches, the temporary disks with Microsoft's key"
    return Aspect(TEMPORARY_DISKS, State.ENFORCED, reason, shown, rules)


def _encryption_at_host(documents: Documents) -> Evidence:
    """Return the setting of each node pool as evidence."""
    whole = documents.evidence("resource", _POOLS)
    pools = whole.value if isinstance(whole.value, list) else []
    path = f"{_POOLS}[*].enableEncryptionAtHost"
    return Evidence(
        whole.resource_id,
        whole.api_version,
        path,
        {_pool(each): at_path(each, "enableEncryptionAtHost") for each in pools},
    )


def _pool(pool: Any) -> str:
    return text_at(pool, "name") or "without a name"


def _etcd(documents: Documents) -> Aspect:
    shown = tuple(documents.evidence("resource", f"{_KMS}.{each}") for each in ("enabled", "keyId"))
    on, key = documents.value("resource", f"{_KMS}.enabled"), documents.text("resource", f"{_KMS}.keyId")
    rules = Rules(("DP-5",), by_analogy=True)
    if on is True:
        reason = f"secrets in etcd are encrypted with the customer's key{f' {key}' if key else ''}"
        return Aspect(ETCD, State.ENFORCED, reason, shown, rules)
    if on in (None, False):
        return Aspect(ETCD, State.NOT_ENFORCED, "etcd is encrypted with Microsoft's key", shown, rules)
    return Aspect(ETCD, State.NOT_KNOWABLE, "the setting has a form that cmkctl does not know", shown, rules)


SERVICE: Final = KubernetesClusters()
