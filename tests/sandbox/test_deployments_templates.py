"""What a template does: its parameters, conditions, loops, order, scopes and outputs, deployed as a client deploys."""

from typing import Any

import pytest
from support.deployments import (
    API,
    IDENTITY_TYPE,
    VAULT_TYPE,
    Deployer,
    identity,
    nested,
    path,
    template,
    vault,
)
from support.sandbox import SUBSCRIPTION, Client

from cmkctl.sandbox import CLIENT_OBJECT_ID

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

    started = deploy.arm("GET", path() + "/operations", api=API).json()["value"]
    names = [
        row["properties"]["targetResource"]["resourceName"] for row in started if "targetResource" in row["properties"]
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
        ([identity("aaa", copy="many")], "'copy' of a resource is not an object"),
        ([identity("aaa", copy={"name": "many", "count": 801})], "cannot turn 801 times"),
        (["aaa"], "is not an object"),
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
    rules = {
        "copy": [{"name": "ipRules", "count": 2, "input": {"value": "[concat('203.0.113.', copyIndex('ipRules'))]"}}]
    }
    properties = {**vault()["properties"], "networkAcls": {**rules, "defaultAction": "Deny", "bypass": "AzureServices"}}

    deploy.run(template(vault(properties=properties)))

    shown = deploy.arm("GET", f"{GROUP}/providers/{VAULT_TYPE}/kv-one").json()["properties"]["networkAcls"]["ipRules"]
    assert [row["value"] for row in shown] == ["203.0.113.0", "203.0.113.1"]


def test_a_child_may_have_its_full_type_and_name(deploy: Deployer) -> None:
    """As a role assignment inside a workspace of recording 09; and an id stands once among what was made."""
    inner = vault("kv-one")
    name = "c0ffee00-0000-4000-8000-00000000f011"
    grant = {
        "type": "Microsoft.KeyVault/vaults/providers/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": f"kv-one/Microsoft.Authorization/{name}",
        "properties": {
            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{ENCRYPTION_USER}')]",
            "principalId": CLIENT_OBJECT_ID,
            "principalType": "ServicePrincipal",
        },
    }

    deploy.run(template({**inner, "resources": [grant]}, nested("again", template(inner))))

    assert [
        "Microsoft.KeyVault/vaults/kv-one",
        f"Microsoft.KeyVault/vaults/kv-one/providers/Microsoft.Authorization/roleAssignments/{name}",
    ] == made(deploy)


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
    listed = deploy.arm(
        "GET", f"{GROUP}/providers/{VAULT_TYPE}/kv-one/providers/Microsoft.Authorization/roleAssignments"
    )
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
