"""A deployment from 201 to its outcome: polls, operations, failures, pages, secrets, and what it leaves behind."""

import json
from pathlib import Path
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
    storage,
    template,
    vault,
)
from support.sandbox import SUBSCRIPTION, Client, code

from cmkctl.sandbox import CLIENT_OBJECT_ID, Pace, Sandbox

ML_TYPE = "Microsoft.MachineLearningServices/workspaces"


@pytest.fixture
def deploy(arm: Client) -> Deployer:
    """Deploy into a sandbox at its default pace."""
    return Deployer(arm)


def operations(deploy: Deployer, name: str = "main") -> list[dict[str, Any]]:
    """Return a deployment's operations, from the path without the provider's name, as the SDKs request them."""
    listed = deploy.arm("GET", f"{SUBSCRIPTION}/resourcegroups/rg/deployments/{name}/operations", api="2020-06-01")
    return [row["properties"] for row in listed.json()["value"]]


def test_put_is_201_accepted_then_running_then_succeeded(deploy: Deployer) -> None:
    """Azure-AsyncOperation and no Location (fact 11); while it runs its operations show how far it is."""
    put = deploy.put(template(vault(), identity("user", dependsOn=["kv-one"])))

    first = deploy.arm("GET", put.headers["Azure-AsyncOperation"]).json()
    running = operations(deploy)
    second = deploy.arm("GET", put.headers["Azure-AsyncOperation"]).json()
    last = deploy.statuses(put)[-1]

    assert (put.status_code, put.json()["properties"]["provisioningState"]) == (201, "Accepted")
    assert "Location" not in put.headers
    assert [first, second, last] == [{"status": "Accepted"}, {"status": "Running"}, {"status": "Succeeded"}]
    assert [
        (row["targetResource"]["resourceName"], row["provisioningState"], row["statusCode"]) for row in running
    ] == [("kv-one", "Running", "OK")]
    assert [row["provisioningOperation"] for row in operations(deploy)] == [
        "Create",
        "Create",
        "EvaluateDeploymentOutput",
    ]
    assert {row["provisioningState"] for row in operations(deploy)} == {"Succeeded"}


def test_providers_are_registered_because_the_template_names_them(quick: Client) -> None:
    """As Azure does for templates; one that only a service needs is not (docs, resource-providers-and-types)."""
    deploy = Deployer(quick)
    logs = {"type": "Microsoft.OperationalInsights/workspaces", "apiVersion": "2022-10-01", "name": "logs-one"}

    found = deploy.run(template({**logs, "location": "eastus2"}))

    assert found["provisioningState"] == "Succeeded"
    states = {row["namespace"]: row["registrationState"] for row in quick("GET", "/providers").json()["value"]}
    assert states["Microsoft.OperationalInsights"] == "Registered"
    assert states["Microsoft.DocumentDB"] == "NotRegistered"


def test_a_resource_that_is_refused_fails_the_deployment_with_its_answer_as_text(quick: Client) -> None:
    """HTTP 200, Failed, and the whole answer in the message (recording 61); what depends on it is never started."""
    deploy = Deployer(quick)
    bad = {**vault()["properties"], "softDeleteRetentionInDays": 3}

    put = deploy.put(template(vault(properties=bad), identity("waits", dependsOn=["kv-one"]), identity("goes")))
    last = deploy.statuses(put)[-1]

    assert last["status"] == "Failed"
    assert last["error"]["code"] == "DeploymentFailed"
    (detail,) = last["error"]["details"]
    assert detail["code"] == "BadRequest"
    assert "softDeleteRetentionInDays" in json.loads(detail["message"])["error"]["message"]
    assert "\r\n" in detail["message"]
    failed, *_ = (row for row in operations(deploy) if row["provisioningState"] == "Failed")
    assert (failed["statusCode"], failed["statusMessage"]["error"]) == ("BadRequest", detail)
    assert sorted(row["targetResource"]["resourceName"] for row in operations(deploy)) == ["goes", "kv-one"]
    assert deploy.arm("GET", path(), api=API).json()["properties"]["error"] == last["error"]


def test_an_operation_that_fails_later_is_nested_once_more(quick: Client) -> None:
    """ResourceDeploymentFailure around the cause (recording 61); here a CMK vault without purge protection."""
    deploy, state = Deployer(quick), quick.running.state
    state.register_provider()
    bad = state.add_vault("kv-cmk", purge_protection=False)
    encryption = {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": bad, "keyIdentifier": state.add_key("kv-cmk", "cmk")},
    }
    properties = {"keyVault": bad, "storageAccount": state.add_storage_account("stone"), "encryption": encryption}
    workspace = {"type": ML_TYPE, "apiVersion": "2025-06-01", "name": "mlw", "location": "eastus2"}

    error = deploy.run(template({**workspace, "properties": properties}))["error"]

    (detail,) = error["details"]
    assert detail["code"] == "ResourceDeploymentFailure"
    assert detail["target"].endswith("/workspaces/mlw")
    assert "reached terminal provisioning state 'Failed'" in detail["message"]
    assert detail["details"] == [
        {"code": "BadRequest", "message": "CMK workspaces should have purge protection enabled on their CMK keyvault."}
    ]


def test_a_nested_deployment_that_fails_is_the_cause_of_the_outer(quick: Client) -> None:
    """DeploymentFailed in ResourceDeploymentFailure in DeploymentFailed."""
    error = Deployer(quick).run(template(nested("inner", template(storage("NO")))))["error"]

    inner = error["details"][0]["details"][0]
    assert [error["code"], error["details"][0]["code"], inner["code"]] == [
        "DeploymentFailed",
        "ResourceDeploymentFailure",
        "DeploymentFailed",
    ]
    assert "InvalidResourceName" in inner["details"][0]["message"]


def test_a_property_that_has_no_value_fails_its_resource_and_an_output_the_deployment(quick: Client) -> None:
    """What can only be known while it runs."""
    deploy = Deployer(quick)

    late = deploy.run(template(identity("user", tags={"a": "[reference('other').nothing]"}), identity("other")), "late")
    out = deploy.run(
        template(identity("user"), outputs={"a": {"type": "int", "value": "[reference('user').x]"}}), "out"
    )

    assert late["error"]["details"][0]["code"] == "InvalidTemplate"
    assert out["error"]["details"][0]["code"] == "DeploymentOutputEvaluationFailed"
    assert "property 'x' doesn't exist" in out["error"]["details"][0]["message"]


def test_a_policy_holds_for_what_a_template_makes(quick: Client) -> None:
    """As for any direct request; what it does not concern goes on."""
    deploy = Deployer(quick)
    quick.running.state.add_policy("regions", IDENTITY_TYPE, "location", allow=["westus3"])

    error = deploy.run(template(identity("here"), identity("there", location="westus3")))["error"]

    assert [json.loads(row["message"])["error"]["code"] for row in error["details"]] == ["RequestDisallowedByPolicy"]
    assert len(quick("GET", f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITY_TYPE}").json()["value"]) == 1


def test_a_template_can_do_nothing_that_its_deployer_may_not_do(quick: Client) -> None:
    """A Contributor deploys resources, and its role assignments are refused."""
    deploy = Deployer(quick)
    contributor = quick.running.state.add_client("deployer", "Contributor")
    form = {
        "grant_type": "client_credentials",
        "client_id": contributor["AZURE_CLIENT_ID"],
        "client_secret": contributor["AZURE_CLIENT_SECRET"],
        "scope": "https://management.azure.com/.default",
    }
    login = f"https://login.microsoftonline.com/{contributor['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    quick.token = quick.session.post(login, data=form).json()["access_token"]
    role = "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')]"
    grant = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid('grant')]",
        "properties": {"roleDefinitionId": role, "principalId": CLIENT_OBJECT_ID},
    }

    error = deploy.run(template(identity("user"), grant))["error"]

    assert [row["code"] for row in error["details"]] == ["Forbidden"]
    assert "Microsoft.Authorization/roleAssignments/write" in error["details"][0]["message"]
    assert operations(deploy)[0]["provisioningState"] == "Failed"


def test_the_same_name_again_is_200_but_not_while_it_runs(deploy: Deployer) -> None:
    """A second deployment of a template that is there changes nothing: Incremental."""
    form = template(identity("user"))
    first = deploy.put(form)

    meanwhile = deploy.put(form)
    deploy.statuses(first)
    again = deploy.put(form)

    assert code(meanwhile) == (409, "DeploymentActive")
    assert again.status_code == 200
    assert deploy.statuses(again)[-1]["status"] == "Succeeded"


def test_validate_returns_the_result_and_deploys_nothing(quick: Client) -> None:
    """Nothing is kept of it, either."""
    Deployer(quick)
    body = {"properties": {"mode": "Incremental", "template": template(identity("user"))}}
    wrong = {"properties": {"mode": "Incremental", "template": template(identity("[nope()]"))}}

    right = quick("POST", path() + "/validate", body, API)

    assert right.status_code == 200
    ids = [row["id"].rsplit("/", 1)[-1] for row in right.json()["properties"]["validatedResources"]]
    assert ids == ["user"]
    assert code(quick("POST", path() + "/validate", wrong, API)) == (400, "InvalidTemplate")
    assert quick("GET", f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITY_TYPE}").json()["value"] == []
    assert code(quick("GET", path(), api=API)) == (404, "DeploymentNotFound")


def foretell(client: Client, *resources: Any, result: str = "FullResourcePayloads") -> dict[str, Any]:
    """Return the changes that the what-if operation names, by the last part of their id."""
    settings = {"mode": "Incremental", "template": template(*resources), "whatIfSettings": {"resultFormat": result}}
    accepted = client("POST", path() + "/whatIf", {"properties": settings}, API)
    assert (accepted.status_code, accepted.content) == (202, b"")
    ended = client("GET", accepted.headers["Location"])
    assert (ended.status_code, ended.json()["status"]) == (200, "Succeeded")
    return {row["resourceId"].rsplit("/", 1)[-1]: row for row in ended.json()["properties"]["changes"]}


def test_what_if_names_what_would_change_and_changes_nothing(quick: Client) -> None:
    """Created, changed with the properties that differ, unchanged, and left alone."""
    deploy = Deployer(quick)
    deploy.run(template(identity("same"), identity("other"), storage("stone")), "first")
    changed = storage("stone")
    changed["properties"] = {"allowSharedKeyAccess": False}
    before = quick("GET", f"{SUBSCRIPTION}/resourceGroups/rg/resources", api=API).json()

    found = foretell(quick, identity("same"), changed, identity("new"))
    short = foretell(quick, identity("same"), changed, result="ResourceIdOnly")

    assert {"same": "NoChange", "other": "Ignore", "stone": "Modify", "new": "Create"} == {
        name: row["changeType"] for name, row in found.items()
    }
    assert [("properties.allowSharedKeyAccess", "Create", False)] == [
        (row["path"], row["propertyChangeType"], row["after"]) for row in found["stone"]["delta"]
    ]
    assert "before" not in found["new"]
    assert {"resourceId", "changeType"} == set(short["stone"])
    assert before == quick("GET", f"{SUBSCRIPTION}/resourceGroups/rg/resources", api=API).json()
    assert code(quick("GET", path(), api=API)) == (404, "DeploymentNotFound")


def test_what_if_is_polled(arm: Client) -> None:
    """202 with the Location until it is known; a template that is wrong is refused at once."""
    Deployer(arm)
    body = {"properties": {"mode": "Incremental", "template": template(identity("new"))}}

    accepted = arm("POST", path() + "/whatIf", body, API)
    polls = [arm("GET", accepted.headers["Location"]).status_code for _ in range(3)]
    wrong = {"properties": {"mode": "Incremental", "template": template(identity("[nope()]"))}}

    assert [202, 202, 200] == polls
    assert code(arm("POST", path() + "/whatIf", wrong, API)) == (400, "InvalidTemplate")


def test_a_deployment_gives_its_template_back(quick: Client) -> None:
    """Expressions and all: ``az deployment group export``."""
    sent = template(identity("user"))
    Deployer(quick).run(sent, "first")

    assert {"template": sent} == quick("POST", path("first") + "/exportTemplate", api=API).json()
    assert code(quick("POST", path("none") + "/exportTemplate", api=API)) == (404, "DeploymentNotFound")


def test_a_reference_in_an_api_version_is_a_dependency_of_its_own(quick: Client) -> None:
    """Recording 09: a declared dependency is listed without the api-version, a reference with it."""
    referring = identity("referring")
    target = f"resourceId('{IDENTITY_TYPE}', 'first')"
    referring["dependsOn"] = [f"[{target}]"]
    referring["tags"] = {"a": f"[reference({target}, '2023-01-31').clientId]", "b": f"[reference({target}).clientId]"}

    deployed = Deployer(quick).run(template(identity("first"), referring), "first")
    rows = quick("GET", path("first"), api=API).json()["properties"]["dependencies"][0]["dependsOn"]

    assert deployed is not None
    assert [None, "2023-01-31"] == [row.get("apiVersion") for row in rows]
    assert {"first"} == {row["resourceName"] for row in rows}


def test_lists_are_paged_and_filtered(quick: Client) -> None:
    """The link to the next page is followed verbatim."""
    deploy = Deployer(quick)
    deploy.run(template(*(identity(f"id-{number}") for number in range(4))), "good")
    deploy.run(template(storage("NO")), "bad")

    first = quick("GET", path("good") + "/operations?$top=3", api=API).json()
    second = quick("GET", first["nextLink"]).json()
    every = quick("GET", path("")[:-1], api=API).json()["value"]
    failed = quick("GET", path("")[:-1] + "?$filter=provisioningState eq 'Failed'", api=API).json()["value"]

    assert [len(first["value"]), len(second["value"]), "nextLink" in second] == [3, 2, False]
    assert [row["name"] for row in every] == ["bad", "good"]
    assert [row["name"] for row in failed] == ["bad"]
    one = quick("GET", f"{path('good')}/operations/{first['value'][0]['operationId']}", api=API)
    assert one.json() == first["value"][0]


def test_deleting_a_deployment_leaves_its_resources(deploy: Deployer) -> None:
    """202 with a Location, 202 polls, 204; deleting its group takes it with it, too."""
    deploy.run(template(identity("user")))

    accepted = deploy.arm("DELETE", path(), api=API)
    polls = [deploy.arm("GET", accepted.headers["Location"]).status_code for _ in range(3)]

    assert (accepted.status_code, polls) == (202, [202, 202, 204])
    assert deploy.arm("HEAD", path(), api=API).status_code == 404
    assert deploy.arm("DELETE", path(), api=API).status_code == 204
    assert deploy.arm("GET", f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITY_TYPE}/user").status_code == 200


def test_a_group_takes_its_deployments_with_it(quick: Client) -> None:
    """A new group of the same name does not show them."""
    deploy = Deployer(quick)
    deploy.run(template(identity("user")))
    polled = quick("DELETE", "/resourceGroups/rg").headers["Location"]
    quick("GET", polled)

    gone = quick("GET", path(), api=API)
    quick("PUT", "/resourceGroups/rg", {"location": "eastus2"})

    assert code(gone) == (404, "ResourceGroupNotFound")
    assert code(quick("GET", path(), api=API)) == (404, "DeploymentNotFound")


def test_secure_parameters_are_nowhere_to_be_seen(tmp_path: Path) -> None:
    """Not in the log, not in an answer, not in the state once the deployment is over."""
    form = template(
        identity("user", tags={"length": "[string(length(parameters('Secret')))]"}),
        parameters={
            "secret": {"type": "securestring"},
            "object": {"type": "secureObject", "defaultValue": {}},
            "size": {"type": "string", "allowedValues": ["s"]},
        },
    )
    given = {"SECRET": {"value": "hunter2hunter2"}, "object": {"value": {"a": "hunter2"}}, "size": {"value": "s"}}
    with Sandbox(tmp_path / "state.json", Pace.none()).serve() as running:
        deploy = Deployer(Client(running))

        found = deploy.run(form, parameters=given)

        assert found["parameters"] == {
            "secret": {"type": "SecureString"},
            "object": {"type": "SecureObject"},
            "size": {"type": "String", "value": "s"},
        }
        shown = running.state.resource(f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITY_TYPE}/user")
        assert shown is not None
        assert shown["tags"] == {"length": "14"}
        assert "hunter2" not in repr(list(running.requests))
        sent = next(row.body for row in running.writes if row.method == "PUT")
        assert sent["properties"]["parameters"]["size"] == {"value": "s"}
    assert [name.name for name in tmp_path.iterdir() if b"hunter2" in name.read_bytes()] == []


def test_a_deployment_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Its whole state is in the state file."""
    state = tmp_path / "state.json"
    with Sandbox(state).serve() as running:
        put = Deployer(Client(running)).put(template(vault(), identity("user", dependsOn=["kv-one"])))

    with Sandbox(state).serve() as running:
        deploy = Deployer(Client(running))
        last = deploy.statuses(put)[-1]

        assert last == {"status": "Succeeded"}
        assert deploy.arm("GET", f"{SUBSCRIPTION}/resourceGroups/rg/providers/{VAULT_TYPE}/kv-one").status_code == 200


def test_in_time_a_deployment_goes_on_without_a_poll() -> None:
    """Where the pace is seconds, any request finds it as far as the time has brought it."""
    with Sandbox(pace=Pace.seconds(10)).serve() as running:
        now = [1_700_000_000.0]
        running.state.tenant.wall = lambda: now[0]
        deploy = Deployer(Client(running))
        put = deploy.put(template(identity("user")))
        early = deploy.arm("GET", put.headers["Azure-AsyncOperation"]).json()
        now[0] += 6

        shown = deploy.arm("GET", f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITY_TYPE}/user")

        assert early == {"status": "Accepted"}
        assert shown.status_code == 200
        assert deploy.arm("GET", path(), api=API).json()["properties"]["duration"] == "PT6.0000000S"


@pytest.mark.parametrize(
    ("name", "group", "expected"),
    [
        ("main", "nowhere", (404, "ResourceGroupNotFound")),
        ("a b", "rg", (400, "InvalidResourceName")),
    ],
)
def test_a_deployment_needs_a_group_and_a_name(quick: Client, name: str, group: str, expected: tuple[int, str]) -> None:
    """As any resource does."""
    assert expected == code(Deployer(quick).put(template(), name, group))


def test_a_subscription_deployment_needs_a_location(quick: Client) -> None:
    """Its record has to be kept somewhere."""
    body = {"properties": {"mode": "Incremental", "template": template()}}

    assert code(quick("PUT", path(group=""), body, API)) == (400, "LocationRequired")
