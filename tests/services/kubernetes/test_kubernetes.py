"""Kubernetes clusters on the sandbox: the set is named at creation, and the disks of the nodes have its key."""

from __future__ import annotations

from typing import Any

from support.sandbox import Client
from support.services import VAULT, Services

API = "2025-05-01"


def test_a_cluster_without_a_set_is_a_conflict_and_one_whose_set_has_the_key_is_done(services: Services) -> None:
    """Nothing is sent for either; the posture of the second is that of its set."""
    encryption_set = services.state.add_disk_encryption_set("des", services.key, "rg-ml")
    plain = services.state.add_kubernetes_cluster("aks-plain", "rg-ml")
    keyed = services.state.add_kubernetes_cluster("aks-keyed", "rg-ml", encryption_set=encryption_set)
    services.name({"kubernetes_clusters": [{"id": plain}, {"id": keyed}]})

    ran = services.encrypt()

    assert 3 == ran.code, ran.err
    assert ["CMK273"] == [each["code"] for each in ran.of("diagnostic")]
    assert [] == services.writes()
    assert [("microsoft", None), ("customer", services.key.rpartition("/")[0])] == [
        (each["verdict"], each["key"]) for each in services.posture()
    ]


def test_the_sandbox_makes_the_disks_of_the_nodes_with_the_key_of_the_set(services: Services) -> None:
    """A set whose identity may not use its key fails the creation at its end; a set that is there cannot be changed."""
    encryption_set = services.state.add_disk_encryption_set("des", services.key, "rg-ml")
    services.state.register_provider("Microsoft.ContainerService")
    arm = Client(services.azure.running)
    head = f"{encryption_set.partition('/providers/')[0]}/providers/Microsoft.ContainerService/managedClusters"

    def put(name: str, **more: Any) -> Any:
        pools = [{"name": "system", "count": 2, "vmSize": "Standard_D2s_v5", "mode": "System"}]
        properties = {"dnsPrefix": name, "agentPoolProfiles": pools, **more}
        body = {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": properties}
        return arm("PUT", f"{head}/{name}", body, api=API)

    absent = put("aks", diskEncryptionSetID=f"{encryption_set}x")
    accepted = put("aks-failed", diskEncryptionSetID=encryption_set)
    failed = arm("GET", accepted.headers["Azure-AsyncOperation"]).json()
    services.state.add_access_policy(VAULT, services.document(encryption_set)["identity"]["principalId"])
    made = put("aks", diskEncryptionSetID=encryption_set)
    ended = arm("GET", made.headers["Azure-AsyncOperation"]).json()
    changed = put("aks")
    group = arm("GET", f"{head}/aks", api=API).json()["properties"]["nodeResourceGroup"]
    path = f"{head.partition('/resourceGroups/')[0]}/resourceGroups/{group}/providers/Microsoft.Compute/disks"
    disks = arm("GET", path, api="2023-04-02").json()["value"]

    assert (400, 201, 201, 400) == tuple(each.status_code for each in (absent, accepted, made, changed))
    assert ("Failed", "CreateVMSSAgentPoolFailed") == (failed["status"], failed["error"]["code"])
    assert "grant get, wrap and unwrap key permissions to disk encryption set 'des'" in failed["error"]["message"]
    assert "Succeeded" == ended["status"]
    assert "PropertyChangeNotAllowed" == changed.json()["error"]["code"]
    assert [encryption_set] * 2 == [each["properties"]["encryption"]["diskEncryptionSetId"] for each in disks]
