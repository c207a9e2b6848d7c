"""What a template does: its parameters, conditions, loops, order, scopes and outputs, deployed as a client deploys."""

from typing import Any

import pytest
from deployments_support import (
    API,
    IDENTITY_TYPE,
    STORAGE_TYPE,
    VAULT_TYPE,
    Deployer,
    identity,
    nested,
    path,
    storage,
    template,
    vault,
)
from sandbox_support import SUBSCRIPTION, Client

from cmkctl.sandbox import CLIENT_OBJECT_ID, SUBSCRIPTION_ID

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


@pytest.fixture
def deploy(quick: Client) -> Deployer:
    """Deploy into a sandbox in which everything is done at once."""
    return Deployer(quick)


def made(deploy: Deployer) -> list[str]:
    """Return the ids of what the last deployment made, from its ``outputResources``."""
    found = deploy.arm("GET", path(), api=API).json()["properties"]["outputResources"]
    return [row["id"].removeprefix(GROUP + "/providers/") for row in found]


# --- parameters


def parameters(**declared: Any) -> dict[str, Any]:
    """Return a template without resources that takes these parameters."""
    return template(parameters=declared)


def test_parameters_take_what_is_given_then_what_is_the_default(deploy: Deployer) -> None:
    """A default may refer to other parameters in any order; null means the default (recording 01)."""
    form = parameters(
        second={"type": "string", "defaultValue": "[concat(parameters('first'), '-2')]"},
        first={"type": "string", "defaultValue": "one"},
        number={"type": "int", "defaultValue": 7},
    )

    found = deploy.run(form, parameters={"first": {"value": "1"}, "number": {"value": None}})

    expected = {
        "second": {"type": "String", "value": "1-2"},
        "first": {"type": "String", "value": "1"},
        "number": {"type": "Int", "value": 7},
    }
    assert expected == found["parameters"]


@pytest.mark.parametrize(
    ("declaration", "value", "problem"),
    [
        ({"type": "string"}, None, "value for the template parameter 'it' is not provided"),
        ({"type": "string"}, 1, "not of type String"),
        ({"type": "int"}, True, "not of type Int"),
        ({"type": "bool"}, "true", "not of type Bool"),
        ({"type": "array"}, {}, "not of type Array"),
        ({"type": "string", "allowedValues": ["a"]}, "b", "provided value b for the template parameter it is not valid"),
        ({"type": "string", "minLength": 2}, "b", "outside its minLength 2"),
        ({"type": "array", "maxLength": 1}, [1, 2], "outside its maxLength 1"),
        ({"type": "int", "maxValue": 3}, 4, "outside its maxValue 3"),
        ({"type": "color"}, "red", "of no known type"),
        ({"type": "string", "defaultValue": "[parameters('it')]"}, None, "refers to itself"),
    ],
)
def test_parameters_are_checked(deploy: Deployer, declaration: dict[str, Any], value: Any, problem: str) -> None:
    """Before anything is deployed, with InvalidTemplate."""
    given = {} if value is None else {"it": {"value": value}}

    status, code, message = deploy.refusal(parameters(it=declaration), parameters=given)

    assert (status, code) == (400, "InvalidTemplate")
    assert problem in message


def test_a_parameter_the_template_has_not_is_refused(deploy: Deployer) -> None:
    """By name, with those it has."""
    _, code, message = deploy.refusal(
        parameters(it={"type": "string", "defaultValue": ""}), parameters={"other": {"value": 1}}
    )

    assert code == "InvalidTemplate"
    assert "'other' are not present" in message
    assert "'it'" in message


def test_new_guid_and_utc_now_stand_in_defaults_only(deploy: Deployer) -> None:
    """Each deployment has its own."""
    form = template(
        parameters={
            "guid": {"type": "string", "defaultValue": "[newGuid()]"},
            "day": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"},
        }
    )

    one, two = (deploy.run(form, name)["parameters"] for name in ("one", "two"))

    assert one["guid"]["value"] != two["guid"]["value"]
    assert len(one["day"]["value"]) == len("2026-01-31")


# --- resources


def test_a_condition_that_is_false_leaves_the_resource_and_the_dependency_out(deploy: Deployer) -> None:
    """What depends on it does not wait, and its own properties may refer to what is not there."""
    form = template(
        identity("no", condition="[equals(1, 2)]", tags={"a": "[reference('nothing').x]"}),
        identity("yes", dependsOn=["no"]),
    )

    found = deploy.run(form)

    assert [f"{IDENTITY_TYPE}/yes"] == made(deploy)
    assert found["dependencies"] == []


def test_dependencies_by_name_by_id_and_by_reference_give_the_order(deploy: Deployer) -> None:
    """The order in the template means nothing."""
    form = template(
        identity("third", tags={"uri": f"[reference(resourceId('{VAULT_TYPE}', 'kv-one')).vaultUri]"}),
        vault(dependsOn=[f"[resourceId('{IDENTITY_TYPE}', 'first')]"]),
        identity("first"),
        identity("fourth", dependsOn=["third", f"{IDENTITY_TYPE}/first"]),
    )

    found = deploy.run(form)

    begun = deploy.arm("GET", path() + "/operations", api=API).json()["value"]
    names = [
        row["properties"]["targetResource"]["resourceName"] for row in begun if "targetResource" in row["properties"]
    ]
    assert names == ["fourth", "third", "kv-one", "first"]
    assert [row["resourceName"] for row in found["dependencies"]] == ["third", "kv-one", "fourth"]
    tags = deploy.arm("GET", f"{GROUP}/providers/{IDENTITY_TYPE}/third").json()["tags"]
    assert tags == {"uri": "https://kv-one.vault.azure.net/"}


@pytest.mark.parametrize(
    ("resources", "problem"),
    [
        ([identity("aaa", dependsOn=["bbb"]), identity("bbb", dependsOn=["aaa"])], "Circular dependency detected"),
        ([identity("aaa", dependsOn=["zzz"])], "'zzz' is not defined in the template"),
        ([identity("aaa"), identity("AAA")], "is defined multiple times"),
        ([identity("aaa/bbb")], "'aaa/bbb' for type 'Microsoft.ManagedIdentity/userAssignedIdentities' has incorrect"),
        ([{"type": IDENTITY_TYPE, "name": "aaa"}], "no 'apiVersion'"),
        ([identity("[nope('a')]")], "the template function 'nope' is not valid"),
        ([identity("[parameters('a')]")], "parameter 'a' is not found"),
        ([identity("[concat('a']")], "where ',' or ')' was expected"),
    ],
)
def test_a_template_that_cannot_be_right_is_refused_at_once(
    deploy: Deployer, resources: list[dict[str, Any]], problem: str
) -> None:
    """InvalidTemplate, and nothing is written."""
    status, code, message = deploy.refusal(template(*resources))

    assert (status, code) == (400, "InvalidTemplate")
    assert problem in message
    assert deploy.arm("GET", path(), api=API).status_code == 404


@pytest.mark.parametrize(
    ("properties", "what"),
    [
        ({"mode": "Complete"}, "mode Complete"),
        ({"templateLink": {"uri": "https://example.com"}}, "templateLink"),
        ({"parameters": {"a": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}}}, "key vault's secret"),
    ],
)
def test_what_is_not_modelled_says_so(deploy: Deployer, properties: dict[str, Any], what: str) -> None:
    """Never a quiet 200."""
    _, code, message = deploy.refusal(parameters(a={"type": "string"}), **properties)

    assert code == "SandboxNotModelled"
    assert what in message


def test_a_copy_loop_makes_several_and_is_waited_for_by_its_name(deploy: Deployer) -> None:
    """The names come from copyIndex, the dependency on the loop is one on all of its turns."""
    form = template(
        identity("[concat('id-', copyIndex('ids', 1))]", copy={"name": "ids", "count": "[add(1, 2)]"}),
        identity("last", dependsOn=["ids"]),
    )

    found = deploy.run(form)

    assert [f"{IDENTITY_TYPE}/{name}" for name in ("id-1", "id-2", "id-3", "last")] == made(deploy)
    assert len(found["dependencies"][0]["dependsOn"]) == 3


def test_a_serial_loop_goes_one_by_one(deploy: Deployer) -> None:
    """Each turn waits for the one before it."""
    copy = {"name": "ids", "count": 3, "mode": "Serial", "batchSize": 1}

    found = deploy.run(template(identity("[concat('id-', copyIndex())]", copy=copy)))

    waits = [(row["resourceName"], row["dependsOn"][0]["resourceName"]) for row in found["dependencies"]]
    assert waits == [("id-1", "id-0"), ("id-2", "id-1")]


def test_a_property_loop_becomes_an_array(deploy: Deployer) -> None:
    """Here the network rules of a vault."""
    rules = {"copy": [{"name": "ipRules", "count": 2, "input": {"value": "[concat('10.0.0.', copyIndex('ipRules'))]"}}]}
    properties = {**vault()["properties"], "networkAcls": {**rules, "defaultAction": "Deny", "bypass": "AzureServices"}}

    deploy.run(template(vault(properties=properties)))

    shown = deploy.arm("GET", f"{GROUP}/providers/{VAULT_TYPE}/kv-one").json()["properties"]["networkAcls"]["ipRules"]
    assert [row["value"] for row in shown] == ["10.0.0.0", "10.0.0.1"]


def test_children_grants_and_policies_are_resources_like_any_other(deploy: Deployer) -> None:
    """A key inside its vault, one beside it, a role assignment by ``scope``, an access policy: a CMK vault in one go."""
    key = {"apiVersion": "2023-07-01", "properties": {"kty": "RSA", "keySize": 3072}}
    definition = f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{ENCRYPTION_USER}')]"
    grant = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid(resourceGroup().id, 'kv-one')]",
        "scope": f"[format('{VAULT_TYPE}/{{0}}', 'kv-one')]",
        "dependsOn": [f"[resourceId('{VAULT_TYPE}', 'kv-one')]"],
        "properties": {"roleDefinitionId": definition, "principalId": CLIENT_OBJECT_ID},
    }
    form = template(
        vault(resources=[{"type": "keys", "name": "inner", "dependsOn": ["kv-one"], **key}]),
        {"type": f"{VAULT_TYPE}/keys", "name": "kv-one/outer", "dependsOn": ["kv-one"], **key},
        grant,
    )

    found = deploy.run(form)

    assert found["provisioningState"] == "Succeeded", found.get("error")
    keys = deploy.arm("GET", f"{GROUP}/providers/{VAULT_TYPE}/kv-one/keys").json()["value"]
    assert [row["name"] for row in keys] == ["inner", "outer"]
    listed = deploy.arm("GET", f"{GROUP}/providers/{VAULT_TYPE}/kv-one/providers/Microsoft.Authorization/roleAssignments")
    assert [row["properties"]["principalId"] for row in listed.json()["value"]] == [CLIENT_OBJECT_ID]


def test_symbolic_names(deploy: Deployer) -> None:
    """What bicep makes of a file: resources by name, one that exists already, references by those names."""
    deploy.arm.running.state.add_vault("kv-old")
    resources = {
        "old": {"existing": True, "type": VAULT_TYPE, "apiVersion": "2023-07-01", "name": "kv-old"},
        "user": identity("user", tags={"uri": "[reference('old').vaultUri]"}),
        "last": identity("last", dependsOn=["user"]),
    }
    outputs = {"id": {"type": "string", "value": "[reference('user').principalId]"}}
    form = {**template(outputs=outputs), "languageVersion": "2.0", "resources": resources}

    found = deploy.run(form)

    user = deploy.arm("GET", f"{GROUP}/providers/{IDENTITY_TYPE}/user").json()
    assert user["tags"] == {"uri": "https://kv-old.vault.azure.net/"}
    assert found["outputs"]["id"]["value"] == user["properties"]["principalId"]
    assert [f"{IDENTITY_TYPE}/last", f"{IDENTITY_TYPE}/user"] == made(deploy)


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


# --- functions that ask Azure


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("resourceId('Microsoft.A/b', 'x')", f"{GROUP}/providers/Microsoft.A/b/x"),
        ("resourceId('other', 'Microsoft.A/b/c', 'x', 'y')", f"{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.A/b/x/c/y"),
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


def test_reference_and_list_ask_the_resource_as_it_is_now(deploy: Deployer) -> None:
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
