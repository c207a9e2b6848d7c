"""Nested deployments, subscription scope, and the functions that read resources and surroundings from Azure."""

import pytest
from support.deployments import (
    API,
    IDENTITY_TYPE,
    STORAGE_TYPE,
    Deployer,
    identity,
    nested,
    path,
    storage,
    template,
)
from support.sandbox import SUBSCRIPTION, Client

from cmkctl.sandbox import SUBSCRIPTION_ID

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
OTHER = f"{SUBSCRIPTION}/resourceGroups/other"


@pytest.fixture
def deploy(quick: Client) -> Deployer:
    """Deploy into a sandbox in which everything is done at once."""
    return Deployer(quick)


def made(deploy: Deployer) -> list[str]:
    """Return the ids of what the last deployment made, from its ``outputResources``."""
    found = deploy.arm("GET", path(), api=API).json()["properties"]["outputResources"]
    return [row["id"].removeprefix(GROUP + "/providers/") for row in found]


# --- nested deployments


def test_a_nested_deployment_of_outer_scope_sees_the_outer_parameters(deploy: Deployer) -> None:
    """It is the default; what it made counts as made by the outer one."""
    form = template(
        nested("inner", template(identity("[parameters('name')]"))),
        parameters={"name": {"type": "string", "defaultValue": "outer"}},
    )

    found = deploy.run(form)

    assert found["provisioningState"] == "Succeeded", found.get("error")
    assert [f"{IDENTITY_TYPE}/outer"] == made(deploy)


def test_a_nested_deployment_of_inner_scope_has_its_own_and_outputs(deploy: Deployer) -> None:
    """A bicep module: parameters are handed in, outputs come back by reference."""
    inner = template(
        identity("[parameters('name')]"),
        parameters={"name": {"type": "string"}},
        outputs={"id": {"type": "string", "value": f"[resourceId('{IDENTITY_TYPE}', parameters('name'))]"}},
    )
    module = nested("module", inner)
    module["properties"] |= {
        "expressionEvaluationOptions": {"scope": "inner"},
        "parameters": {"name": {"value": "[concat('id-', parameters('tail'))]"}},
    }
    form = template(
        module,
        parameters={"tail": {"type": "string", "defaultValue": "x"}},
        outputs={"id": {"type": "string", "value": "[reference('module').outputs.id.value]"}},
    )

    found = deploy.run(form)

    assert found["outputs"]["id"]["value"] == f"{GROUP}/providers/{IDENTITY_TYPE}/id-x"


def test_a_subscription_deployment_makes_a_group_and_deploys_into_it(deploy: Deployer) -> None:
    """``az deployment sub create``: at subscription scope, with a location."""
    group = {
        "type": "Microsoft.Resources/resourceGroups",
        "apiVersion": "2022-09-01",
        "name": "new",
        "location": "westus3",
    }
    inner = nested(
        "inner", template(identity("user")), resourceGroup="new", dependsOn=["Microsoft.Resources/resourceGroups/new"]
    )
    inner["dependsOn"] = ["new"]

    found = deploy.run(template(group, inner), group="")

    assert found["provisioningState"] == "Succeeded", found.get("error")
    groups = deploy.arm("GET", "/resourceGroups").json()["value"]
    assert {row["name"]: row["location"] for row in groups}["new"] == "westus3"
    assert deploy.arm("GET", f"{SUBSCRIPTION}/resourceGroups/new/providers/{IDENTITY_TYPE}/user").status_code == 200


# --- functions that read from Azure


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("resourceId('Microsoft.A/b', 'x')", f"{GROUP}/providers/Microsoft.A/b/x"),
        ("resourceId('other', 'Microsoft.A/b/c', 'x', 'y')", f"{OTHER}/providers/Microsoft.A/b/x/c/y"),
        ("resourceId('s', 'g', 'Microsoft.A/b', 'x')", "/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b/x"),
        ("subscriptionResourceId('Microsoft.A/b', 'x')", f"{SUBSCRIPTION}/providers/Microsoft.A/b/x"),
        ("tenantResourceId('Microsoft.A/b', 'x')", "/providers/Microsoft.A/b/x"),
        ("extensionResourceId(resourceGroup().id, 'Microsoft.A/b', 'x')", f"{GROUP}/providers/Microsoft.A/b/x"),
        ("subscription().subscriptionId", SUBSCRIPTION_ID),
        ("resourceGroup().location", "eastus2"),
        ("deployment().name", "main"),
        ("environment().suffixes.keyvaultDns", ".vault.azure.net"),
        ("deployment().properties.template.contentVersion", "1.0.0.0"),
    ],
)  # fmt: skip
def test_functions_of_the_surroundings(deploy: Deployer, expression: str, expected: str) -> None:
    """Where the deployment is, and ids of things that need not be there."""
    assert expected == deploy.worth(f"[{expression}]")


def test_reference_and_list_read_the_resource_as_it_is_now(deploy: Deployer) -> None:
    """reference() gives the properties, with 'Full' everything; listKeys() posts."""
    outputs = {
        "state": {"type": "string", "value": "[reference('stone').provisioningState]"},
        "sku": {"type": "string", "value": f"[reference(resourceId('{STORAGE_TYPE}', 'stone'), '2023-05-01', 'Full').sku.name]"},
        "key": {"type": "string", "value": f"[listKeys(resourceId('{STORAGE_TYPE}', 'stone'), '2023-05-01').keys[0].keyName]"},
    }  # fmt: skip

    found = deploy.run(template(storage("stone"), outputs=outputs))

    values = {name: row["value"] for name, row in found["outputs"].items()}
    assert values == {"state": "Succeeded", "sku": "Standard_LRS", "key": "key1"}


def test_outputs_have_conditions_and_loops_and_types(deploy: Deployer) -> None:
    """One whose condition is false is not there."""
    outputs = {
        "no": {"type": "string", "value": "[reference('nothing').x]", "condition": False},
        "many": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
        "secret": {"type": "securestring", "value": "hush"},
    }

    found = deploy.run(template(outputs=outputs))

    assert found["outputs"] == {"many": {"type": "Array", "value": [0, 1]}, "secret": {"type": "SecureString"}}
