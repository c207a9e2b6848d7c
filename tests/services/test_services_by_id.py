"""Resources that ``encrypt --resource`` names by their ids, beside those of the profile."""

from __future__ import annotations

from pathlib import Path

from support.services import Services


def test_a_resource_is_named_by_its_id_alone(services: Services, tmp_path: Path) -> None:
    """A plan that was saved has it as well; a resource that the profile names too is planned once, as the profile has it."""
    by_id = services.state.add_storage_account("stbyid", "rg-ml")
    named = services.state.add_storage_account("stnamed", "rg-ml")
    services.name({"storage_accounts": [{"id": named, "key_version": "fixed"}]})
    saved = tmp_path / "plan.json"

    planned = services.encrypt("--resource", by_id, "--resource", named.replace("rg-ml", "RG-ML"), "--out", str(saved))
    assert [] == services.writes()
    applied = services.azure("apply", saved, "--yes", "--json")

    assert (0, 0) == (planned.code, applied.code), applied.err
    keyed = [services.document(each)["properties"]["encryption"]["keyvaultproperties"] for each in (by_id, named)]
    assert ["", services.key.rpartition("/")[2]] == [each["keyversion"] for each in keyed]
    assert 2 == len([each for each in services.writes() if "accessPolicies" in each])


def test_a_resource_of_another_type_is_refused_before_the_first_request(services: Services) -> None:
    """The message has the types that a key can be put on."""
    ran = services.encrypt("--resource", services.vault)

    assert 64 == ran.code
    assert "CMK008" in ran.out
    assert "Microsoft.Storage/storageAccounts" in ran.out
    assert [] == [*services.azure.running.requests]
