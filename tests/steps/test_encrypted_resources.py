"""profiles/customer-key-everywhere.yaml in the sandbox: the order of the creations, the grant, and what changes afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from support.scenarios import Client, KeptOpen

from cmkctl.plan import Action, Plan
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID

pytestmark = pytest.mark.slow

FILE: Final = Path(__file__).parents[2] / "profiles" / "customer-key-everywhere.yaml"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
WAITING: Final = ("/storageAccounts/", "/registries/")
EARLY: Final = ("/Microsoft.OperationalInsights/workspaces/", "/Microsoft.Insights/components/", "/vaults/kv-mlw")


class Site:
    """A sandbox, the profile, and a client that waits for nothing."""

    def __init__(self, azure: Any, file: Path = FILE) -> None:
        self.azure = azure
        loaded = load_profile(file, environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}).profile
        self.profile: Profile = loaded.model_copy(
            update={"key_access": loaded.key_access.model_copy(update={"settle_seconds": 0})}
        )
        self.client = Client(azure.running, lambda: KeptOpen(azure.running.environment()))

    def document(self, resource: str) -> dict[str, Any]:
        """Return a resource as the sandbox has it, to look at or to change."""
        found: dict[str, Any] = self.azure.running.state.tenant.data["resources"][resource.lower()]["doc"]
        return found

    @property
    def account(self) -> str:
        """The id of the storage account."""
        return self.profile.associated_resources.storage_account.resource_id

    def puts(self) -> list[str]:
        """Return the paths of all creations, in order."""
        return [path for method, path in map(str.split, self.azure.writes()) if method == "PUT"]


@pytest.fixture
def site(rehearse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    """Return a function that starts a sandbox, with faults."""

    def start(*faults: str) -> Site:
        azure = rehearse(faults=faults)
        for name, value in azure.running.environment().items():
            monkeypatch.setenv(name, value)
        return Site(azure)

    return start


def places(puts: list[str], parts: tuple[str, ...]) -> list[int]:
    """Return where the creations are whose path has one of these parts, in any casing."""
    return [
        place
        for place, path in enumerate(puts)
        if any(part.lower() in path.lower() for part in parts) and "roleassignments" not in path.lower()
    ]


def conflicts(plan: Plan) -> dict[str, str]:
    """Return the codes of the conflicts by kind."""
    return {each.kind: each.code for each in plan.changes if each.action is Action.CONFLICT}


def test_only_what_has_the_key_waits_for_the_grant(site: Callable[..., Site]) -> None:
    """Account and registry come after the grant on the key's vault; the other resources do not wait for it."""
    at = site()

    at.client.apply(at.profile)

    puts = at.puts()
    grants = [
        place
        for place, path in enumerate(puts)
        if f"{at.profile.key_vault.resource_name}/providers/microsoft.authorization" in path.lower()
    ]
    assert len(grants) == 2
    assert len(places(puts, WAITING)) == 2
    assert max(grants) < min(places(puts, WAITING))
    assert min(places(puts, EARLY)) < max(grants)
    services = at.document(at.account)["properties"]["encryption"]["services"]
    assert {"blob": "Account", "file": "Account", "queue": "Account", "table": "Account"} == {
        name: each["keyType"] for name, each in services.items()
    }
    verdicts = {
        each["resource_id"].lower(): each["verdict"] for each in at.azure("posture", FILE, "--json").of("posture")
    }
    registry = str(at.profile.associated_resources.container_registry_id)
    assert ["customer", "customer"] == [verdicts[each.lower()] for each in (at.account, registry)]


def test_the_creation_is_sent_again_until_the_grant_takes_effect(site: Callable[..., Site]) -> None:
    """Azure refuses the key meanwhile, and no account is left by a refusal."""
    at = site("slow-grant~12")
    state = at.azure.running.state
    # An identity that acts already, so that the grant on the key is the only one that is slow.
    identity = state.add_identity("id-ml", at.profile.resource_group, at.profile.location)
    state.assign_role(at.profile.resource_group_id, state.resource(identity)["properties"]["principalId"], CONTRIBUTOR)
    acting = at.profile.workspace.model_copy(update={"identity": identity})

    at.client.apply(at.profile.model_copy(update={"workspace": acting}))

    assert len(places(at.puts(), ("/storageAccounts/",))) > 1
    assert "Microsoft.Keyvault" == at.document(at.account)["properties"]["encryption"]["keySource"]


def test_a_key_that_others_took_away_is_a_conflict_and_encrypt_sets_it_again(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    """The way out that CMK266 names works: after it the plan is all no-op."""
    at = site()
    at.client.apply(at.profile)
    encryption = at.document(at.account)["properties"]["encryption"]
    encryption["keySource"] = "Microsoft.Storage"
    del encryption["keyvaultproperties"], encryption["identity"]

    taken_away = at.client.plan(at.profile)
    (change,) = [each for each in taken_away.changes if each.action is Action.CONFLICT]
    section = change.ways_out[0].partition("services.storage_accounts: ")[2]
    file = tmp_path / "named.yaml"
    file.write_text(
        FILE.read_text(encoding="utf-8") + f"\nservices:\n  storage_accounts: {section}\n", encoding="utf-8"
    )
    encrypted = at.azure("encrypt", file, "--yes", "--json")
    afterwards = at.client.plan(at.profile)

    assert {"storage account": "CMK266"} == conflicts(taken_away)
    assert 0 == encrypted.code, encrypted
    assert {Action.NO_OP} == {each.action for each in afterwards.changes}


def test_a_registry_with_another_key_is_a_conflict(site: Callable[..., Site]) -> None:
    """The key that others chose is named, and stays."""
    at = site()
    at.client.apply(at.profile)
    registry = at.document(str(at.profile.associated_resources.container_registry_id))
    registry["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] += "/0a1b2c"

    assert {"container registry": "CMK267"} == conflicts(at.client.plan(at.profile))
