"""Container registries on the sandbox: the profile can name one, and its key is never changed."""

from __future__ import annotations

from support.sandbox import Client
from support.services import Services


def test_a_registry_with_microsofts_key_is_a_conflict_and_gen1_is_retired(services: Services) -> None:
    """No identity, no grant and no key is sent; an account of Data Lake Storage Gen1 in the group is reported as retired."""
    registry = f"{services.vault.partition('/providers/')[0]}/providers/Microsoft.ContainerRegistry/registries/crdata"
    services.state.register_provider("Microsoft.ContainerRegistry")
    created = Client(services.azure.running)(
        "PUT", registry, {"location": "eastus2", "sku": {"name": "Basic"}}, api="2025-11-01"
    )
    services.state.add_data_lake_gen1("lakeold", "rg-ml")
    services.name({"container_registries": [{"id": registry}]})

    ran = services.encrypt()
    posture = services.azure("posture", "--resource-group", "rg-ml", "--json")

    assert (201, 3) == (created.status_code, ran.code), created.text
    (problem,) = ran.of("diagnostic")
    assert "CMK273" == problem["code"]
    assert "has to be of tier Premium and is Basic" in problem["detail"]
    assert ["PUT registries/crdata"] == services.writes()
    assert {"crdata": "microsoft", "lakeold": "retired"}.items() <= {
        each["resource_id"].rpartition("/")[2]: each["verdict"] for each in posture.of("posture")
    }.items(), posture
