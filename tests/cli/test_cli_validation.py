"""Azure validates the plan before apply prompts; what it refuses stops the run before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cmkctl.sandbox import SUBSCRIPTION_ID

PROFILE = f"""
subscription: {SUBSCRIPTION_ID}
location: eastus2
resource_group: rg-ml
key_vault: {{name: kv-ml-validated, soft_delete_days: 7}}
key: {{name: cmk}}
workspace: {{name: mlw-validated, high_business_impact: true, encryption: in-subscription}}
associated_resources: {{storage_account: {{name: stvalidated}}}}
"""
VALIDATE = "POST /subscriptions/{}/providers/Microsoft.Resources/deployments/cmkctl-validation/validate"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Write a profile."""
    file = tmp_path / "profile.yaml"
    file.write_text(PROFILE, encoding="utf-8")
    return file


def validations(azure: Any) -> int:
    """Return how often the plan was validated."""
    request = VALIDATE.format(SUBSCRIPTION_ID)
    return sum(f"{each.method} {each.path}" == request for each in azure.running.requests)


def test_a_plan_that_azure_accepts_is_applied(rehearse: Any, profile: Path) -> None:
    """Validated once, and the validation is no write; a plan requests it only with --validate."""
    azure = rehearse()

    plain = azure("plan", profile)
    before = validations(azure)
    planned = azure("plan", profile, "--validate")
    written = azure.writes()
    applied = azure("apply", profile, "--yes")

    assert (0, 0, 0, 0) == (plain.code, before, planned.code, applied.code), applied.err
    assert "Azure validated the plan: 8 resources accepted." in planned.err
    assert [] == written
    assert 2 == validations(azure)
    assert 0 == azure("plan", profile, "--detailed-exitcode", "--validate").code
    assert 2 == validations(azure)


def test_what_only_a_provider_knows_is_refused_before_anything_is_written(rehearse: Any, profile: Path) -> None:
    """The vault's name is taken in the same subscription, in another group: the vault's provider refuses it (G10)."""
    azure = rehearse()
    azure.running.state.add_policy("short", "Microsoft.OperationalInsights/workspaces", "retentionInDays", allow=(30,))
    azure.running.state.add_storage_account("stvalidated", "rg-other")

    refused = azure("apply", profile, "--yes", "--json", "--ignore", "CMK194")
    planned = azure("plan", profile, "--validate")
    written = azure.writes()
    followed = azure("apply", profile, "--yes", "--set", "associated_resources.storage_account.name=stvalidated2")

    (error,) = [each for each in refused.of("diagnostic") if each["severity"] == "error"]
    assert (3, 3, []) == (refused.code, planned.code, written)
    assert "stvalidated" in error["detail"]
    assert 0 == followed.code, followed.err


def test_without_the_right_to_validate_apply_goes_on_with_a_note(rehearse: Any, profile: Path) -> None:
    """And --no-validate sends no validation."""
    azure = rehearse()
    environment = azure.running.environment() | azure.running.state.add_client("reader", "Reader")

    planned = azure.command.within(**environment)("plan", profile, "--validate", "--json", "--ignore", "CMK191")
    before = validations(azure)
    applied = azure("apply", profile, "--yes", "--no-validate", "--json")

    assert ["CMK197"] == [each["code"] for each in planned.of("diagnostic") if each["code"] in ("CMK196", "CMK197")]
    assert [] == [each for each in applied.of("diagnostic") if each["code"] == "CMK197"]
    assert (0, 0) == (planned.code, applied.code), planned.out
    assert (1, 1) == (before, validations(azure))
