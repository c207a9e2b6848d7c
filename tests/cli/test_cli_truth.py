"""The output of verify is true: each test changes one field after an apply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

CHANGED: Final = {
    "location=westus": (2, "CMK260"),
    "key_vault.sku=premium": (2, "CMK213"),
    "key.expires=2040-01-01": (2, "CMK227"),
    "workspace.cosmos_db_throughput=800": (2, "4000 → 800"),
    "associated_resources.storage_account.sku=Standard_GRS": (2, "Standard_LRS → Standard_GRS"),
    "key.rotation_policy={rotate_after: P1Y}": (2, "its rotation policy differs"),
    "key_vault.allow_enabling_purge_protection=true": (
        0,
        "16 of 16 resources match the profile, apart from 1 note below.",
    ),
}
"""Exit code and words of verify, by the field that was changed."""


def test_verify_names_a_field_that_was_changed_alone(rehearse: Callable[..., Any], profiles: Path) -> None:
    """A difference is drift or a conflict; what is not compared is named in a note beside the count."""
    azure = rehearse()
    assert azure("apply", profiles / "quickstart.yaml", "--yes").code == 0

    found = {each: azure("verify", profiles / "quickstart.yaml", "--set", each) for each in CHANGED}

    results = {each: (ran.code, CHANGED[each][1] in ran.out + ran.err) for each, ran in found.items()}
    assert {each: (code, True) for each, (code, _) in CHANGED.items()} == results


def test_tags_and_replication_are_brought_in_line(rehearse: Callable[..., Any], profiles: Path) -> None:
    """Announced by plan, done by apply with one PATCH for each resource, and then up to date; other tags stay."""
    azure = rehearse()
    changed = ("--set", "tags.owner=me", "--set", "associated_resources.storage_account.sku=Standard_RAGRS")
    azure("apply", profiles / "quickstart.yaml", "--yes")
    before = len(azure.writes())
    for record in azure.running.state.tenant.data["resources"].values():
        record["doc"].setdefault("tags", {}).update({"team": "fraud"})

    plan = azure("plan", profiles / "quickstart.yaml", *changed)
    applied = azure("apply", profiles / "quickstart.yaml", *changed, "--yes")
    verified = azure("verify", profiles / "quickstart.yaml", *changed)

    assert (0, 0, 0) == (plan.code, applied.code, verified.code), applied.err
    assert "6 to update" in plan.out
    assert ["PATCH"] * 6 == [each.partition(" ")[0] for each in azure.writes()[before:]]
    tags = [
        record["doc"].get("tags")
        for address, record in azure.running.state.tenant.data["resources"].items()
        if address.endswith(("/workspaces/mlw-quickstart", "/vaults/kv-ml-quickstart"))
    ]
    mark = {"cmkctl-workspace": "rg-ml-quickstart/mlw-quickstart"}
    assert [{"team": "fraud", "owner": "me", **mark}] * 2 == tags
