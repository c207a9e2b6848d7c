"""What is in a workspace: computes, connections, outbound rules, keys, and lists of what the sandbox does not make."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox import Client, code

from cmkctl.sandbox.providers.microsoft_machinelearningservices import listings
from cmkctl.sandbox.server import Running

WORKSPACE = "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw"
CLUSTER = {"computeType": "AmlCompute", "properties": {"vmSize": "STANDARD_DS3_V2"}}


def _workspace(running: Running, **properties: Any) -> Client:
    arm = Client(running)
    running.state.register_provider()
    stores = {
        "keyVault": running.state.add_vault("kv-one"),
        "storageAccount": running.state.add_storage_account("stone"),
    }
    assert arm("PUT", WORKSPACE, {"location": "eastus2", "properties": {**stores, **properties}}).status_code == 202
    for _ in range(6):
        arm("GET", WORKSPACE)
    return arm


@pytest.fixture
def ready(instant: Running) -> Client:
    """Provide a workspace with a managed network, in a sandbox in which everything is done at once."""
    return _workspace(instant, managedNetwork={"isolationMode": "AllowOnlyApprovedOutbound"})


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        (CLUSTER, {"allocationState": "Steady", "currentNodeCount": 0}),
        ({**CLUSTER, "computeType": "computeinstance"}, {"state": "Running", "errors": []}),
        (
            {
                "computeType": "VirtualMachine",
                "resourceId": "/subscriptions/x/vm",
                "properties": {"sshPort": 22, "administratorAccount": {"username": "u", "password": "p"}},
            },
            {"sshPort": 22, "administratorAccount": None},
        ),
    ],
)
def test_a_compute_is_made_read_and_deleted(
    running: Running, properties: dict[str, Any], shown: dict[str, Any]
) -> None:
    """201 with one link, Creating then Succeeded (recording 10); 202 with both links, then 404; the action is required."""
    arm, path = _workspace(running), f"{WORKSPACE}/computes/one"

    made = arm("PUT", path, {"location": "eastus2", "properties": properties})
    states = [arm("GET", path).json()["properties"]["provisioningState"] for _ in range(4)]
    inner = arm("GET", path).json()["properties"]["properties"]
    poll = arm("GET", made.headers["Azure-AsyncOperation"]).json()
    unclear = arm("DELETE", path)
    gone = arm("DELETE", path + "?underlyingResourceAction=Detach")
    polls = [arm("GET", gone.headers["Azure-AsyncOperation"]).json()["status"] for _ in range(4)]

    assert (made.status_code, states[0], states[-1]) == (201, "Creating", "Succeeded")
    assert shown == {name: inner[name] for name in shown}
    assert poll == {"status": "Succeeded", "percentComplete": 100.0}
    assert code(unclear) == (400, "BadRequest")
    assert (gone.status_code, polls[0], polls[-1]) == (202, "InProgress", "Succeeded")
    assert code(arm("GET", path)) == (404, "ResourceNotFound")
    assert code(arm("DELETE", path + "?underlyingResourceAction=Detach")) == (404, "ResourceNotFound")


def test_other_computes_are_not_modelled(ready: Client) -> None:
    """Refused as a limit of the sandbox; what a compute of that kind has not is refused by name."""
    other = ready("PUT", f"{WORKSPACE}/computes/one", {"properties": {"computeType": "HDInsight"}})
    wrong = {"computeType": "AmlCompute", "properties": {"vmSize": "s", "sshPort": 22}}

    assert code(other) == (400, "SandboxNotModelled")
    assert "properties.properties.sshPort" in ready("PUT", f"{WORKSPACE}/computes/one", {"properties": wrong}).text


def test_an_attached_cluster_shows_its_tls_and_not_its_certificate(ready: Client) -> None:
    """A compute that is backed by another resource names it."""
    tls = {"status": "Enabled", "cert": "c", "key": "hush", "cname": "score.example"}
    cluster = {"computeType": "AKS", "resourceId": "/subscriptions/x/aks", "properties": {"sslConfiguration": tls}}

    made = ready("PUT", f"{WORKSPACE}/computes/aks", {"properties": cluster}).json()["properties"]
    nameless = ready("PUT", f"{WORKSPACE}/computes/other", {"properties": {"computeType": "Kubernetes"}})

    assert (made["isAttachedCompute"], made["resourceId"]) == (True, "/subscriptions/x/aks")
    assert made["properties"] == {"sslConfiguration": {"status": "Enabled", "cname": "score.example"}}
    assert code(nameless) == (400, "InvalidRequestContent")


@pytest.mark.parametrize(("kind", "end"), [("onlineEndpoints", "/score"), ("batchEndpoints", "/jobs")])
def test_an_endpoint_comes_and_goes(running: Running, kind: str, end: str) -> None:
    """201 with one link, Creating then Succeeded, listed, with an address of https; 202 with both links, then 204."""
    arm, path = _workspace(running), f"{WORKSPACE}/{kind}/one"
    body = {"location": "eastus2", "properties": {"authMode": "AADToken"}}

    made = arm("PUT", path, body)
    states = [arm("GET", path).json()["properties"]["provisioningState"] for _ in range(4)]
    poll = arm("GET", made.headers["Azure-AsyncOperation"]).json()
    listed = arm("GET", f"{WORKSPACE}/{kind}").json()["value"]
    again = arm("PUT", path, {**body, "tags": {"a": "b"}})
    gone = arm("DELETE", path)
    polls = [arm("GET", gone.headers["Azure-AsyncOperation"]).json()["status"] for _ in range(4)]

    assert (made.status_code, states[0], states[-1], poll) == (201, "Creating", "Succeeded", {"status": "Succeeded"})
    assert [each["properties"]["scoringUri"] for each in listed] == [f"https://one.eastus2.inference.ml.azure.com{end}"]
    assert (again.status_code, again.json()["tags"], again.json()["properties"]["provisioningState"]) == (
        200,
        {"a": "b"},
        "Succeeded",
    )
    assert (gone.status_code, polls[0], polls[-1]) == (202, "InProgress", "Succeeded")
    assert code(arm("GET", path)) == (404, "ResourceNotFound")
    assert arm("DELETE", path).status_code == 204
    assert code(arm("PUT", path, {"location": "eastus2", "properties": {"authMode": "None"}}))[0] == 400


def test_an_endpoint_on_a_compute_needs_the_compute(ready: Client) -> None:
    """On a cluster its address is one of http."""
    cluster = {"computeType": "Kubernetes", "resourceId": "/subscriptions/x/k8s"}
    compute = ready("PUT", f"{WORKSPACE}/computes/k8s", {"properties": cluster}).json()["id"]
    path, mode = f"{WORKSPACE}/onlineEndpoints/one", {"authMode": "Key"}

    refused = ready("PUT", path, {"location": "eastus2", "properties": {**mode, "compute": compute + "x"}})
    made = ready("PUT", path, {"location": "eastus2", "properties": {**mode, "compute": compute}}).json()

    assert code(refused) == (400, "InvalidRequestContent")
    assert (made["kind"], made["properties"]["scoringUri"].partition("://")[0]) == ("K8S", "http")


def _endpoint(arm: Client, kind: str = "onlineEndpoints", **properties: str) -> str:
    """Create an endpoint, and return the path of its deployments."""
    body = {"location": "eastus2", "properties": {"authMode": "AADToken", **properties}}
    assert arm("PUT", f"{WORKSPACE}/{kind}/one", body).status_code == 201
    return f"{WORKSPACE}/{kind}/one/deployments"


def test_a_deployment_comes_and_goes(running: Running) -> None:
    """201 with one link, Creating then Succeeded, listed; 202 with both links. It is no endpoint, and goes with its own."""
    arm = _workspace(running)
    path = _endpoint(arm)
    body = {"location": "eastus2", "properties": {"endpointComputeType": "Managed", "instanceType": "Standard_DS3_v2"}}

    made = arm("PUT", f"{path}/blue", body)
    states = [arm("GET", f"{path}/blue").json()["properties"]["provisioningState"] for _ in range(4)]
    poll = arm("GET", made.headers["Azure-AsyncOperation"]).json()
    again = arm("PUT", f"{path}/blue", {**body, "tags": {"a": "b"}})
    listed = [each["name"] for each in arm("GET", path).json()["value"]]
    endpoints = [each["name"] for each in arm("GET", f"{WORKSPACE}/onlineEndpoints").json()["value"]]
    gone = arm("DELETE", f"{path}/blue")
    polls = [arm("GET", gone.headers["Azure-AsyncOperation"]).json()["status"] for _ in range(4)]
    after = code(arm("GET", f"{path}/blue"))

    assert (made.status_code, states[0], states[-1], poll) == (201, "Creating", "Succeeded", {"status": "Succeeded"})
    assert (again.status_code, again.json()["tags"]) == (200, {"a": "b"})
    assert (listed, endpoints) == (["blue"], ["one"])
    assert (gone.status_code, polls[0], polls[-1], after) == (202, "InProgress", "Succeeded", (404, "ResourceNotFound"))
    assert arm("DELETE", f"{path}/blue").status_code == 204


def test_deployments_go_with_their_endpoint(ready: Client) -> None:
    """An endpoint of the same name begins without any; before, there is no place for one."""
    path, body = f"{WORKSPACE}/batchEndpoints/one/deployments", {"location": "eastus2", "properties": {}}
    homeless = [code(ready("PUT", f"{path}/nightly", body)), code(ready("GET", path))]
    assert _endpoint(ready, "batchEndpoints") == path
    assert ready("PUT", f"{path}/nightly", body).status_code == 201

    assert ready("DELETE", path.removesuffix("/deployments")).status_code == 202
    assert code(ready("GET", path.removesuffix("/deployments"))) == (404, "ResourceNotFound")
    _endpoint(ready, "batchEndpoints")

    assert ready("GET", path).json()["value"] == []
    assert homeless == [(404, "ParentResourceNotFound")] * 2


def test_a_deployment_that_does_not_fit_is_refused(ready: Client) -> None:
    """Another kind of compute than the endpoint's, a compute that is not there, a wrong name, and one too many."""
    online, batch = _endpoint(ready), _endpoint(ready, "batchEndpoints")
    managed = {"location": "eastus2", "properties": {"endpointComputeType": "Managed"}}
    other = {"location": "eastus2", "properties": {"endpointComputeType": "Kubernetes"}}
    nowhere = {"location": "eastus2", "properties": {"compute": f"{WORKSPACE}/computes/none"}}

    refused = [
        code(ready("PUT", f"{online}/green", other)),
        code(ready("PUT", f"{batch}/nightly", nowhere)),
        code(ready("PUT", f"{online}/1st", managed)),
        code(ready("PUT", f"{online}/blue", {"location": "eastus2", "properties": {}})),
    ]
    made = [ready("PUT", f"{online}/number-{each:02}", managed).status_code for each in range(20)]

    assert refused == [
        (400, "InvalidRequestContent"),
        (400, "InvalidRequestContent"),
        (400, "InvalidResourceName"),
        (400, "InvalidRequestContent"),
    ]
    assert made == [201] * 20
    assert code(ready("PUT", f"{online}/number-20", managed)) == (400, "BadRequest")
    assert ready("PUT", f"{online}/number-00", managed).status_code == 200


def test_a_connection_never_shows_what_opens_it(ready: Client) -> None:
    """Recordings 09 and 10: answered at once, without credentials; older api-versions show less."""
    path = f"{WORKSPACE}/connections/one"
    secret = {"authType": "PAT", "category": "Git", "target": "https://example.invalid", "credentials": {"pat": "hush"}}

    made = ready("PUT", path, {"properties": secret})
    old = ready("GET", path, api="2023-06-01-preview").json()["properties"]
    listed = ready("GET", f"{WORKSPACE}/connections").json()["value"]
    other = ready("GET", f"{WORKSPACE}/connections?category=Snowflake").json()["value"]
    logged = "".join(entry.line() for entry in ready.running.requests)

    assert made.status_code == 200
    assert made.json()["properties"]["credentials"] is None
    assert (made.json()["properties"]["peStatus"], "peStatus" in old) == ("NotApplicable", False)
    assert (listed, other) == ([made.json()], [])
    assert [ready("DELETE", path).status_code for _ in range(2)] == [200, 204]
    assert code(ready("GET", path)) == (404, "ResourceNotFound")
    assert "hush" not in logged


def test_an_outbound_rule_comes_and_goes(running: Running) -> None:
    """Recording 29: 202 with both links; the end of a PUT is the rule, with what the service adds; of a DELETE the workspace."""
    arm = _workspace(running, managedNetwork={"isolationMode": "AllowOnlyApprovedOutbound"})
    path = f"{WORKSPACE}/outboundRules/one"
    destination = {"serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80"}
    rule = {"type": "ServiceTag", "destination": destination}

    put = arm("PUT", path, {"properties": rule})
    states = [arm("GET", put.headers["Azure-AsyncOperation"]).json()["status"] for _ in range(4)]
    made = arm("GET", put.headers["Location"]).json()
    listed = {row["name"]: row["properties"] for row in arm("GET", f"{WORKSPACE}/outboundRules").json()["value"]}
    kept = arm("GET", WORKSPACE).json()["properties"]["managedNetwork"]["outboundRules"]
    delete = arm("DELETE", path)
    for _ in range(4):
        arm("GET", delete.headers["Azure-AsyncOperation"])
    end = arm("GET", delete.headers["Location"]).json()

    assert (put.status_code, states[0], states[-1]) == (202, "InProgress", "Succeeded")
    assert made["properties"] == {
        "type": "ServiceTag",
        "destination": {**destination, "action": "Allow", "addressPrefixes": []},
        "status": "Inactive",
        "category": "UserDefined",
    }
    assert listed["one"] == made["properties"]
    assert listed == kept
    left = end["properties"]["managedNetwork"]["outboundRules"]
    assert (delete.status_code, end["name"], left) == (202, "mlw", {name: kept[name] for name in kept if name != "one"})
    assert code(arm("GET", path)) == (404, "ResourceNotFound")


def test_an_outbound_rule_needs_a_managed_network(instant: Running) -> None:
    """Of its type, too: a rule for a service tag has no resource to reach."""
    arm = _workspace(instant)
    path = f"{WORKSPACE}/outboundRules/one"
    rule = {"type": "FQDN", "destination": "example.invalid"}

    assert code(arm("PUT", path, {"properties": rule})) == (400, "BadRequest")
    assert "properties.destination" in arm("PUT", path, {"properties": {**rule, "type": "ServiceTag"}}).text


def test_keys_are_answered_and_never_logged(ready: Client) -> None:
    """Two actions answer parts of what listKeys answers."""
    every = ready("POST", f"{WORKSPACE}/listKeys").json()
    notebook = ready("POST", f"{WORKSPACE}/listNotebookKeys").json()
    storage = ready("POST", f"{WORKSPACE}/listStorageAccountKeys").json()
    logged = "".join(entry.line() for entry in ready.running.requests)

    assert notebook == every["notebookAccessKeys"]
    assert storage == {"userStorageKey": every["userStorageKey"]}
    assert notebook["primaryAccessKey"] not in logged
    assert every["userStorageKey"] not in logged


@pytest.mark.parametrize("kind", listings.EMPTY)
def test_what_is_never_made_is_listed_as_empty(ready: Client, kind: str) -> None:
    """One of it is not found, and without the workspace neither is."""
    path = f"{WORKSPACE}/{kind}"

    assert ready("GET", path).json()["value"] == []
    assert code(ready("GET", f"{path}/one")) == (404, "ResourceNotFound")
    assert code(ready("GET", path.replace("mlw", "none"))) == (404, "ParentResourceNotFound")


def test_a_private_endpoint_of_a_workspace_has_one_group(ready: Client) -> None:
    """The documented group id and zones."""
    rows = ready("GET", f"{WORKSPACE}/privateLinkResources").json()["value"]

    assert [row["properties"]["groupId"] for row in rows] == ["amlworkspace"]


def test_a_network_with_approved_traffic_has_rules_of_its_own(ready: Client) -> None:
    """Recording 29: nine for service tags, four private endpoints; a network that is open to the internet has none."""
    network = ready("GET", WORKSPACE).json()["properties"]["managedNetwork"]
    shown = ready("GET", WORKSPACE).json()["properties"]
    stores = {name: shown[name] for name in ("keyVault", "storageAccount")}
    body = {**stores, "managedNetwork": {"isolationMode": "AllowInternetOutbound"}}
    ready("PUT", WORKSPACE + "2", {"location": "eastus2", "properties": body})
    other = ready("GET", WORKSPACE + "2").json()["properties"]["managedNetwork"]

    kinds = [rule["type"] for rule in network["outboundRules"].values()]
    assert (kinds.count("ServiceTag"), kinds.count("PrivateEndpoint")) == (9, 4)
    assert {rule["category"] for rule in network["outboundRules"].values()} == {"Required"}
    assert (network["status"], other["outboundRules"]) == ({"status": "Inactive", "sparkReady": False}, {})


def test_what_is_in_a_workspace_is_not_found_when_its_group_is_gone(ready: Client) -> None:
    """Recording 10: a compute has no parent, and of a connection the workspace is not found."""
    ready("DELETE", "/resourceGroups/rg")

    assert code(ready("DELETE", f"{WORKSPACE}/computes/one")) == (404, "ParentResourceNotFound")
    assert code(ready("DELETE", f"{WORKSPACE}/connections/one")) == (404, "ResourceNotFound")
