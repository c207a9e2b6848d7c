"""Fields that are each right and together wrong: CMK009."""

from __future__ import annotations

import pytest
from support.profiles import GOOD, SUBSCRIPTION, Files

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"

CONTRADICTIONS = [
    (["key_vault.sku=standard", "key.type=RSA-HSM"], "key_vault.sku", "'standard'", "premium"),
    ([f"key_vault.id={GROUP}/Microsoft.KeyVault/vaults/kv"], "key_vault.id", "vaults/kv", "key_vault.name"),
    (
        ["workspace.encryption=service-side", "workspace.cosmos_db_throughput=400"],
        "workspace.cosmos_db_throughput",
        "400",
        "in-subscription",
    ),
    (["location=usgovvirginia"], "location", "'usgovvirginia'", "cloud: AzureUSGovernment"),
    (["location=chinaeast2"], "location", "'chinaeast2'", "cloud: AzureChinaCloud"),
    (["cloud=AzureUSGovernment"], "location", "'eastus2'", "usgovvirginia"),
    (
        ["key.rotation_policy.rotate_before_expiry=P30D", "key.expires=2031-01-31"],
        "key.rotation_policy.rotate_before_expiry",
        "'P30D'",
        "expires_after",
    ),
    (
        ["key.rotation_policy={notify_before_expiry: P30D, expires_after: P1Y}"],
        "key.rotation_policy.notify_before_expiry",
        "'P30D'",
        "key.expires",
    ),
    (
        [
            "key.rotation_policy={rotate_after: P1Y, rotate_before_expiry: P30D, expires_after: P2Y}",
            "key.expires=2031-01-31",
        ],
        "key.rotation_policy.rotate_before_expiry",
        "'P30D'",
        "Keep one",
    ),
    (
        ["key.rotation_policy={rotate_after: P1Y, expires_after: P1Y}"],
        "key.rotation_policy.rotate_after",
        "'P1Y'",
        "expires_after longer",
    ),
    *[
        (
            [f"associated_resources.{section}={{encryption: customer}}"],
            f"associated_resources.{section}.encryption",
            "'customer'",
            "workspace.identity: {create: id-ml}",
        )
        for section in ("storage_account", "container_registry")
    ],
    (
        [
            "workspace.identity={create: id-ml}",
            "associated_resources.container_registry={encryption: customer, sku: Standard}",
        ],
        "associated_resources.container_registry.encryption",
        "'customer'",
        "sku: Premium",
    ),
    (
        [
            "workspace.identity={create: id-ml}",
            f"associated_resources.storage_account={{encryption: customer, id: {GROUP}/Microsoft.Storage/storageAccounts/st1}}",
        ],
        "associated_resources.storage_account.encryption",
        "'customer'",
        "services.storage_accounts",
    ),
    *[
        (
            [f"associated_resources.{section}={{name: {name}, id: {GROUP}/{kind}/{name}}}"],
            f"associated_resources.{section}.id",
            name,
            f"{section}.name",
        )
        for section, kind, name in [
            ("storage_account", "Microsoft.Storage/storageAccounts", "stml"),
            ("log_analytics", "Microsoft.OperationalInsights/workspaces", "log-ml"),
            ("application_insights", "Microsoft.Insights/components", "appi-ml"),
            ("key_vault", "Microsoft.KeyVault/vaults", "kv-own"),
            ("container_registry", "Microsoft.ContainerRegistry/registries", "crml5"),
        ]
    ],
]


@pytest.mark.parametrize(("overrides", "field", "value", "remedy"), CONTRADICTIONS, ids=lambda value: str(value)[:50])
def test_a_contradiction_is_one_diagnostic(
    files: Files, overrides: list[str], field: str, value: str, remedy: str
) -> None:
    """CMK009 at one of the fields, with its value and the ways out."""
    problem = files.the_problem(overrides=overrides)

    assert (problem.code, problem.subject) == ("CMK009", field)
    assert value in problem.detail
    assert remedy in problem.remedy
    assert problem.location is not None


def test_a_contradiction_in_a_file_points_at_the_field(files: Files) -> None:
    """The place is the field's, not the section's."""
    text = GOOD.replace("  name: kv-ml\n", "  name: kv-ml\n  sku: standard\n").replace(
        "cmk-ml\n", "cmk-ml\n  type: RSA-HSM\n"
    )

    assert files.place(files.the_problem(text)) == "profile.yaml:6:8"


def test_an_empty_rotation_policy_is_refused(files: Files) -> None:
    """A section without settings is a mistake, not a wish."""
    problem = files.the_problem(overrides=["key.rotation_policy={}"])

    assert (problem.code, problem.subject) == ("CMK005", "key.rotation_policy")


def test_two_contradictions_of_one_section_are_both_reported(files: Files) -> None:
    """Independent causes are not hidden behind each other."""
    found = files.problems(overrides=["key_vault.sku=standard", "key.type=RSA-HSM", "location=usgovvirginia"])

    assert [each.subject for each in found] == ["key_vault.sku", "location"]
