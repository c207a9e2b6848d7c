"""A plan as an ARM template: deployed, it makes what apply makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World, served

from cmkctl.azure.waiting import InitialResponseOnly
from cmkctl.export.arm import arm_template
from cmkctl.plan import Action, Change, Known, Output, Plan, Request, Subject

GROUP: Final = "/subscriptions/s/resourceGroups/g"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
KEY_ID: Final[Output[str]] = Output("key", "identifier", "properties.keyUri")
PRINCIPAL: Final[Output[str]] = Output("access", "object_id", "id")
OWN: Final[Output[str]] = Output("workspace", "identity", "identity.principalId")


def created(step: str, resource_id: str, body: dict[str, Any], path: str = "") -> Change:
    """Return the creation of a resource."""
    request = Request("PUT", path or resource_id, "2026-01-01", body)
    return Change(step, Action.CREATE, resource_id, step, "", "does not exist", request=request)


def exported(*changes: Change) -> list[dict[str, Any]]:
    """Return the resources of the nested deployments of a plan with these changes."""
    known = Known({each: each.unknown for each in (KEY_ID, PRINCIPAL, OWN)})
    template = arm_template(Plan(Subject("AzureCloud", "s", "eastus2", ""), changes, known=known)).template
    return [inner for outer in template["resources"] for inner in outer["properties"]["template"]["resources"]]


KEY: Final = created("key", f"{VAULT}/keys/k", {})


def test_a_value_of_an_earlier_step_is_a_reference_to_its_resource() -> None:
    """A property by its path; what is outside the properties needs the full document."""
    workspace = created(
        "workspace", f"{GROUP}/providers/Microsoft.X/w/w", {"key": KEY_ID.unknown, "text": "[as it is]"}
    )
    reader = created("reader", f"{GROUP}/providers/Microsoft.X/r/r", {"id": OWN.unknown})

    found = exported(KEY, workspace, reader)

    assert f"[reference('{VAULT}/keys/k', '2026-01-01').keyUri]" == found[1]["key"]
    assert "[[as it is]" == found[1]["text"]
    assert f"[reference('{workspace.resource_id}', '2026-01-01', 'full').identity.principalId]" == found[2]["id"]
    assert [KEY.resource_id, workspace.resource_id] == found[2]["dependsOn"]


def test_what_needs_a_value_from_another_api_is_left_out_with_what_needs_it() -> None:
    """The object id of a principal that the directory creates is in no template; updates are not, either."""
    grant = created(
        "access", f"{VAULT}/accessPolicies/a", {"objectId": PRINCIPAL.unknown}, f"{VAULT}/accessPolicies/add"
    )
    update = replace(KEY, action=Action.UPDATE)

    found = arm_template(Plan(Subject("AzureCloud", "s", "eastus2", ""), (grant, update)))

    assert [] == found.template["resources"]
    assert (grant, update) == found.left_out


def test_two_policies_of_a_vault_are_one_resource() -> None:
    """Two requests add to one path, which a template may define once."""
    policies = [
        created(
            "access",
            f"{VAULT}/accessPolicies/{each}",
            {"properties": {"accessPolicies": [each]}},
            f"{VAULT}/accessPolicies/add",
        )
        for each in ("a", "b")
    ]

    (found,) = exported(*policies)

    assert ("kv/add", ["a", "b"]) == (found["name"], found["properties"]["accessPolicies"])


def test_a_role_assignment_has_the_scope_of_what_it_extends() -> None:
    """The name is its own, and the scope is relative to the group."""
    (found,) = exported(created("access", f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/r", {}))

    assert ("Microsoft.Authorization/roleAssignments", "r", "Microsoft.KeyVault/vaults/kv") == (
        found["type"],
        found["name"],
        found["scope"],
    )


@pytest.fixture
def builder() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox in this process, and the environment that leads to it."""
    with served() as builder:
        yield builder


@pytest.mark.slow
@pytest.mark.parametrize("authorization", ["access-policy", "rbac"])
def test_a_deployed_template_makes_what_apply_makes(builder: ScenarioBuilder, authorization: Any) -> None:
    """In the sandbox, with another vault's group than the workspace's: then the plan has nothing left of it."""
    profile = builder.make(ProfileVariant(authorization=authorization, elsewhere=True), World("new"))
    # A template registers only the providers of its own resources.
    builder.running.state.register_provider()
    found = arm_template(builder.client().plan(profile))
    session = builder.client().session(profile)
    deployment = f"/subscriptions/{profile.subscription}/providers/Microsoft.Resources/deployments/plan"

    body: Any = {"location": profile.location, "properties": {"mode": "Incremental", "template": found.template}}
    session.resources.resources.begin_create_or_update_by_id(
        deployment.lstrip("/"), body, api_version="2022-09-01", polling=InitialResponseOnly()
    )
    for _ in range(30):
        state = session.poll(f"https://management.azure.com{deployment}?api-version=2022-09-01")
    after = builder.client().plan(profile)

    assert "Succeeded" == state.json()["properties"]["provisioningState"], str(state.json()["properties"].get("error"))
    assert not {each.resource_id for each in found.contained} & {each.resource_id for each in after.pending}
    assert len(found.contained) > 6
