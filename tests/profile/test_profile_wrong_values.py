"""Every kind of wrong value: exact code, place, the value and a remedy."""

from __future__ import annotations

import pytest
from support.profiles import GOOD, SUBSCRIPTION, Files

VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
STORAGE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"

WRONG = [
    # field, value as written, words of the detail, words of the remedy
    ("cloud", "AzureGermany", "AzureCloud, AzureUSGovernment or AzureChinaCloud", "cloud: AzureCloud"),
    ("subscription", "my-subscription", "Expected a subscription GUID", "${AZURE_SUBSCRIPTION_ID}"),
    ("subscription", "00001111-aaaa-2222-bbbb-3333cccc4444", "placeholder", "${AZURE_SUBSCRIPTION_ID}"),
    ("tenant", "11112222-bbbb-3333-cccc-4444dddd5555", "placeholder", "${AZURE_TENANT_ID}"),
    ("location", "east-us", "name of an Azure region", "location: eastus2"),
    ("location", "7", "Expected text", 'location: "7"'),
    ("resource_group", "rg.", "does not end with a full stop", "rg-ml-prod"),
    ("resource_group", "a" * 91, "1 to 90", "rg-ml-prod"),
    ("resource_group", "rg ml", "1 to 90 letters", "rg-ml-prod"),
    ("key_vault.name", "1kv", "begins with a letter", "kv-ml-prod-cmk"),
    ("key_vault.name", "kv--ml", "no two hyphens in a row", "kv-ml-prod-cmk"),
    ("key_vault.name", "kv-ml-", "ends with a letter or digit", "kv-ml-prod-cmk"),
    ("key_vault.name", "k" * 25, "3 to 24", "kv-ml-prod-cmk"),
    ("key_vault.name", "kv", "3 to 24", "kv-ml-prod-cmk"),
    ("key_vault.authorization", "acl", "access-policy or rbac", "authorization: rbac"),
    ("key_vault.soft_delete_days", "6", "whole number from 7 to 90", "soft_delete_days: 90"),
    ("key_vault.soft_delete_days", "91", "whole number from 7 to 90", "soft_delete_days: 90"),
    ("key_vault.soft_delete_days", "90.0", "whole number from 7 to 90", "soft_delete_days: 90"),
    ("key_vault.soft_delete_days", '"30"', "whole number from 7 to 90", "without quotes: soft_delete_days: 30"),
    ("key_vault.soft_delete_days", "true", "whole number from 7 to 90", "soft_delete_days: 90"),
    ("key_vault.sku", "basic", "standard or premium", "sku: premium"),
    ("key_vault.allow_enabling_purge_protection", "yes", "true or false", "without quotes"),
    ("key_vault.network.bypass", "none", "AzureServices or None", "Did you mean bypass: None?"),
    ("key_vault.network.default_action", "deny", "Allow or Deny", "Did you mean default_action: Deny?"),
    ("key_vault.network.public_access", "true", "enabled or disabled", "public_access: enabled"),
    ("key_vault.network.ip_rules", "203.0.113.7", "Expected a list", 'ip_rules: ["203.0.113.0/24"]'),
    ("key.name", "cmk_ml", "letters, digits and hyphens", "cmk-ml-prod"),
    ("key.type", "EC", "RSA or RSA-HSM", "type: RSA"),
    ("key.size", "1024", "2048, 3072 or 4096", "size: 3072"),
    ("key.size", "3072.0", "2048, 3072 or 4096", "size: 3072"),
    ("key.size", '"3072"', "2048, 3072 or 4096", "without quotes: size: 3072"),
    ("key.size", '"RSA"', "2048, 3072 or 4096", "size: 3072"),
    ("key.size", "true", "2048, 3072 or 4096", "size: 3072"),
    ("key.expires", "tomorrow", "Expected a date", "expires: 2031-01-31"),
    ("key.expires", "2031-02-30", "Expected a date", "expires: 2031-01-31"),
    ("key.expires", "2031-01-31T12:00:00", "with a zone", "expires: 2031-01-31"),
    ("key.rotation_policy.rotate_after", "1 year", "ISO 8601 duration", "rotate_after: P1Y"),
    ("key.rotation_policy.rotate_after", "P", "ISO 8601 duration", "rotate_after: P1Y"),
    ("key.rotation_policy.rotate_after", "P6D", "P7D to P100Y", "rotate_after: P1Y"),
    ("key.rotation_policy.expires_after", "P27D", "P28D to P100Y", "expires_after: P2Y"),
    (
        "key_access.cosmos_db_object_id",
        "a232010e-820c-4083-83bb-3ace5fc29d0b",
        "application id of Azure Cosmos DB",
        "id",
    ),
    (
        "key_access.cosmos_db_object_id",
        "57506A73-e302-42a9-b869-6f12d9ec29e9",
        "application id of Azure Cosmos DB",
        "id",
    ),
    ("key_access.cosmos_db_object_id", "00001111-aaaa-2222-bbbb-3333cccc4444", "placeholder", "cosmos_db_object_id"),
    ("workspace.name", "-mlw", "begins with a letter or digit", "mlw-prod"),
    ("workspace.name", "m" * 34, "3 to 33", "mlw-prod"),
    ("workspace.high_business_impact", '"true"', "true or false", "without quotes"),
    ("workspace.high_business_impact", "on", "true or false", "without quotes"),
    ("workspace.high_business_impact", "1", "true or false", "without quotes"),
    (
        "workspace.encryption",
        "serviceside",
        "in-subscription or service-side",
        "Did you mean encryption: service-side?",
    ),
    (
        "workspace.identity",
        "SystemAssigned",
        "system-assigned, or a user-assigned identity",
        "identity: system-assigned",
    ),
    ("workspace.cosmos_db_throughput", "100", "whole number of at least 400", "cosmos_db_throughput: 400"),
    ("associated_resources.key_vault", "other", "Expected same", "key_vault: same"),
    ("associated_resources.storage_account.name", "St-1", "lower-case letters and digits", "stmlprod"),
    ("associated_resources.storage_account.sku", "Premium_LRS", "Standard_LRS", "sku: Standard_ZRS"),
    ("associated_resources.storage_account", "stml", "mapping of fields", "storage_account: {sku: Standard_ZRS}"),
    ("associated_resources.log_analytics.name", "log", "4 to 63", "log-ml-prod"),
    ("associated_resources.application_insights.name", "a/b", "1 to 260", "appi-ml-prod"),
    ("associated_resources.container_registry.name", "cr-1", "5 to 50 letters and digits", "crmlprod"),
    ("tags.owner", "7", "Expected text", 'owner: "7"'),
    ("tags.owner", "true", "Expected text", 'owner: "true"'),
    ("tags.owner", "x" * 257, "1 character too long", "Change it as described"),
    ("workspace", "mlw", "mapping of fields", "workspace: {name: mlw-prod"),
]


@pytest.mark.parametrize(("field", "value", "right", "remedy"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_value_has_an_example(files: Files, field: str, value: str, right: str, remedy: str) -> None:
    """One diagnostic: CMK004, where it was given, with the value, the rule in words and something to write instead."""
    files.write(GOOD, "good.yaml")
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(field.split("."))]
    problem = files.the_problem("extends: good.yaml\n" + "\n".join(lines) + f" {value}\n")

    assert (problem.code, problem.subject) == ("CMK004", field)
    assert files.place(problem) == f"profile.yaml:{1 + len(lines)}:{len(lines[-1]) + 2}"
    assert value.strip('"')[:100] in problem.detail
    assert right in problem.detail
    assert remedy in problem.remedy
    assert "Input should" not in problem.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [("key_vault.id", STORAGE), ("associated_resources.storage_account.id", VAULT), ("workspace.identity", VAULT)],
)
def test_an_arm_id_must_be_of_the_right_type(files: Files, field: str, value: str) -> None:
    """The id of something else is refused, with the shape of the right id."""
    problem = files.the_problem(overrides=[f"{field}={value}", "key_vault.name=null"][: 1 + (field == "key_vault.id")])

    assert problem.code == "CMK004"
    assert "/subscriptions/GUID/resourceGroups/GROUP/providers/" in problem.detail
    assert value in problem.detail


@pytest.mark.parametrize(
    "value", ["not-an-id", "/subscriptions/x/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"]
)
def test_an_arm_id_that_is_none_is_refused(files: Files, value: str) -> None:
    """Neither any text nor an id with a subscription that is no GUID will do."""
    assert files.the_problem(overrides=["key_vault.name=", f"key_vault.id={value}"]).code == "CMK004"


def test_the_place_is_that_of_the_value_in_the_file(files: Files) -> None:
    """File, line and column of the value, counted from 1."""
    problem = files.the_problem(GOOD.replace("name: kv-ml", "name:   9-kv"))

    assert files.place(problem) == "profile.yaml:5:11"
    assert "'9-kv'" in problem.detail


def test_a_value_inside_a_list_has_its_own_place(files: Files) -> None:
    """The third address is pointed at, not the list."""
    text = GOOD.replace(
        "name: kv-ml",
        "name: kv-ml\n  network:\n    ip_rules:\n      - 9.0.0.1\n      - 9.0.0.0/8\n      - 9.0.0.1/8",
    )
    problem = files.the_problem(text)

    assert files.place(problem) == "profile.yaml:10:9"
    assert (problem.code, problem.subject) == ("CMK004", "key_vault.network.ip_rules[2]")
    assert "CIDR" in problem.detail


def test_independent_mistakes_are_all_reported_once(files: Files) -> None:
    """Three causes, three diagnostics."""
    text = (
        GOOD.replace("eastus2", "x!")
        .replace("name: kv-ml", "nam: kv-ml")
        .replace("  encryption: in-subscription\n", "")
    )

    found = [(each.code, each.subject) for each in files.problems(text)]

    assert found == [("CMK004", "location"), ("CMK003", "key_vault.nam"), ("CMK005", "workspace.encryption")]


def test_too_many_tags_are_refused(files: Files) -> None:
    """Azure takes fifty."""
    problem = files.the_problem(GOOD + "tags:\n" + "".join(f"  t{n}: x\n" for n in range(51)))

    assert (problem.code, files.place(problem)) == ("CMK004", "profile.yaml:12:1")
    assert "at most 50" in problem.detail


@pytest.mark.parametrize("name", ["a<b", "a%b", "a\\b", "a?b", "a/b", "x" * 513])
def test_a_tag_name_that_azure_refuses_is_refused(files: Files, name: str) -> None:
    """A tag's name has no < > % & backslash ? / and at most 512 characters."""
    problem = files.the_problem(f"{GOOD}tags:\n  '{name}': x\n")

    assert (problem.code, files.place(problem)[:15]) == ("CMK004", "profile.yaml:13")
    assert "A tag's name" in problem.detail
