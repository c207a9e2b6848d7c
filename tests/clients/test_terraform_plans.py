"""Terraform over everything a workspace with a customer-managed key has: after each apply the next plan is empty."""

from collections.abc import Callable, Iterator

import pytest
from support import terraform_resources as azurerm
from support.terraform import Terraform
from support.terraform_resources import GROUP, address
from support.terraform_state import Resource, State

from cmkctl.sandbox import Sandbox
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server import Running


@pytest.fixture
def running() -> Iterator[Running]:
    """Yield a sandbox at its default pace, every provider registered."""
    with Sandbox().serve() as server:
        server.state.register_provider()
        yield server


@pytest.fixture
def terraform(running: Running) -> Terraform:
    """Return a client that has discovered the public cloud and logged in."""
    return Terraform(running)


def foundation() -> list[Resource]:
    """Return the resources that everything else refers to."""
    return [azurerm.group(), azurerm.identity(), azurerm.vault(), azurerm.storage(), azurerm.logs(), azurerm.insights()]


def rest(running: Running, terraform: Terraform, *, purge: bool = False) -> list[Resource]:
    """Return the resources with a key, and the grants they need. The key is made beside Terraform's state."""
    key = running.state.add_key("kv-tf-cmk", "cmk")
    identity = address("Microsoft.ManagedIdentity/userAssignedIdentities", "id-tf")
    read = terraform("GET", identity, azurerm.IDENTITIES).json()["properties"]
    vault = address("Microsoft.KeyVault/vaults", "kv-tf-cmk")
    hub = azurerm.workspace("hub-tf", key, kind="Hub", purge=purge)
    return [
        azurerm.grant(vault, COSMOS_DB_OBJECT_ID, 1),
        azurerm.grant(vault, read["principalId"], 2),
        azurerm.registry(key, identity, read["clientId"]),
        azurerm.workspace("mlw-tf", key, purge=purge),
        hub,
        azurerm.project(hub.path, purge=purge),
    ]


@pytest.fixture
def applied(running: Running, terraform: Terraform) -> tuple[State, list[Resource]]:
    """Return the state after the first apply, with the configuration."""
    state = State(terraform)
    first = foundation()
    state.apply(first)
    resources = [*first, *rest(running, terraform, purge=True)]
    state.apply(resources)
    return state, resources


def test_the_second_plan_is_empty(applied: tuple[State, list[Resource]]) -> None:
    """Every value is read back as it was sent, with the same spelling."""
    state, resources = applied

    assert {} == state.plan(resources)


def test_tags_are_changed_on_everything_that_has_them(applied: tuple[State, list[Resource]]) -> None:
    """By PATCH, or by a PUT of all that was read; then the plan is empty again."""
    state, resources = applied
    tagged = [each if each.kind == "azurerm_role_assignment" else each.tagged(owner="ml") for each in resources]

    planned = state.plan(tagged)
    state.apply(tagged)

    assert {each.kind for each in tagged if "tags" in each.wanted} == set(planned)
    assert {} == state.plan(tagged)


CHANGES: dict[str, Callable[[Resource], Resource]] = {
    "azurerm_key_vault": lambda one: one.changed({"enabledForDeployment": True}, enabledForDeployment=True),
    "azurerm_storage_account": lambda one: one.changed({"allowSharedKeyAccess": False}, allowSharedKeyAccess=False),
    "azurerm_log_analytics_workspace": lambda one: one.changed({"retentionInDays": 60}, retention=60),
    "azurerm_application_insights": lambda one: one.changed({"DisableIpMasking": True}, DisableIpMasking=True),
    "azurerm_container_registry": lambda one: one.changed({"anonymousPullEnabled": True}, anonymousPullEnabled=True),
    "azurerm_machine_learning_workspace": lambda one: one.changed({"description": "Other"}, description="Other"),
    "azurerm_ai_foundry": lambda one: one.changed({"friendlyName": "Other"}, friendlyName="Other"),
    "azurerm_ai_foundry_project": lambda one: one.changed({"friendlyName": "Other"}, friendlyName="Other"),
}
"""One property of each type that is updated in place, by what is sent and what is compared."""


def test_properties_are_changed(applied: tuple[State, list[Resource]]) -> None:
    """One of each type that azurerm updates in place."""
    state, resources = applied
    changed = [CHANGES[each.kind](each) if each.kind in CHANGES else each for each in resources]

    planned = state.plan(changed)
    state.apply(changed)

    assert set(CHANGES) == set(planned)
    assert {} == state.plan(changed)


def test_everything_can_be_imported(applied: tuple[State, list[Resource]], terraform: Terraform) -> None:
    """Into a new state; the plan of the same configuration is empty."""
    state = State(terraform)
    for resource in applied[1]:
        state.take(resource)

    assert {} == state.plan(applied[1])


def test_everything_is_destroyed(applied: tuple[State, list[Resource]]) -> None:
    """The last first; a plan after it creates all, and the group is empty but for nothing."""
    state, resources = applied

    state.destroy(resources[1:])

    assert dict.fromkeys(each.kind for each in resources[1:]) == state.plan(resources[1:])
    assert [] == state.terraform("GET", f"{GROUP}/resources", azurerm.GROUPS).json()["value"]
    state.destroy(resources[:1])
    assert {"azurerm_resource_group": None} == state.plan(resources[:1])


@pytest.mark.parametrize(
    "kind", ["azurerm_container_registry", "azurerm_machine_learning_workspace", "azurerm_ai_foundry_project"]
)
def test_a_resource_is_replaced(applied: tuple[State, list[Resource]], kind: str) -> None:
    """Destroyed and created under the same name, for instance for another region; the plan is empty again."""
    state, resources = applied

    state.replace(next(each for each in resources if each.kind == kind))

    assert {} == state.plan(resources)


def test_a_change_made_elsewhere_is_planned(applied: tuple[State, list[Resource]], terraform: Terraform) -> None:
    """Drift: a change made outside Terraform is found by the next refresh."""
    state, resources = applied
    storage = next(each for each in resources if each.kind == "azurerm_storage_account")

    terraform("PATCH", storage.path, storage.version, {"properties": {"minimumTlsVersion": "TLS1_0"}})

    assert {storage.kind: {"minimumTlsVersion": ("TLS1_0", "TLS1_2")}} == state.plan(resources)
