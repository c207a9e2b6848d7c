"""The commands of az for disks and Kubernetes clusters with a customer-managed key, unchanged, and what posture reads then."""

from __future__ import annotations

import pytest
from support.clients import SUBSCRIPTION, Program
from support.sandbox import Client

from cmkctl.posture import Verdict
from cmkctl.sandbox.server import Running
from cmkctl.services import service_of
from cmkctl.services.base import Answer, Documents, Read, with_linked

pytestmark = pytest.mark.az
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"


def verdict(running: Running, resource_type: str, name: str) -> tuple[Verdict, str]:
    """Return the verdict and the key that the service makes of the resource as the sandbox answers it."""
    service = service_of(resource_type)
    assert service is not None
    arm = Client(running)

    def find(reads: tuple[Read, ...]) -> list[Answer]:
        return [Answer(each, arm("GET", each.path, api=each.api_version).json()) for each in reads]

    documents = Documents(find(service.reads(f"{GROUP}/providers/{resource_type}/{name}")))
    found = service.posture(with_linked(service, documents, find))
    return found.verdict, found.key


def test_a_set_its_disk_and_a_cluster_have_the_key(az: Program, running: Running) -> None:
    """``az disk-encryption-set create`` and ``update``, ``az disk create``, ``az aks create -d``."""
    running.state.add_vault("kv-az-des", rbac=False)
    first, second = (running.state.add_key("kv-az-des", each) for each in ("one", "two"))
    named = ("-g", "rg", "-n", "des-az")
    az("disk-encryption-set", "create", *named, "-l", "eastus2", "--key-url", first, "--source-vault", "kv-az-des")
    made = az("disk-encryption-set", "show", *named).json
    running.state.add_access_policy("kv-az-des", made["identity"]["principalId"])
    customer = ("--encryption-type", "EncryptionAtRestWithCustomerKey", "--disk-encryption-set", "des-az")
    disk = az("disk", "create", "-g", "rg", "-n", "disk-az", "-l", "eastus2", "--size-gb", "4", *customer)
    cluster = az("aks", "create", "-g", "rg", "-n", "aks-az", "-l", "eastus2", "-d", made["id"], "--no-ssh-key")
    updated = az("disk-encryption-set", "update", *named, "--key-url", second, "--enable-auto-key-rotation", "true")

    assert (0, 0, 0) == (disk.code, cluster.code, updated.code), disk.err + cluster.err + updated.err
    key = second.rpartition("/")[0]
    assert [(Verdict.CUSTOMER, key)] * 3 == [
        verdict(running, "Microsoft.Compute/diskEncryptionSets", "des-az"),
        verdict(running, "Microsoft.Compute/disks", "disk-az"),
        verdict(running, "Microsoft.ContainerService/managedClusters", "aks-az"),
    ]
