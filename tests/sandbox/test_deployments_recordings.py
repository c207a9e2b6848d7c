"""Deployments and workspace actions held against what Azure really answered: status, headers, names, constant values.

The recorded requests are sent in their order, templates included. Left out, because no request of a client shows them:
the polls of other tests that ran at the same time (04, 05, 28), the token that expires in the middle (01, 68), which a
fault of its own shows, the repeated polls, and the change of identity (07, 32-39), which the sandbox's PATCH does not
model; the list of all workspaces (01, 81) was not kept. Regions of Azure's own
(``eastus2euap``, ``centraluseuap``) become public ones. Recordings 01 and 08 have masked addresses: their names are
those of the answers.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sandbox_support import REFERENCE, SUBSCRIPTION, Client
from test_sandbox_against_recordings import INTERNAL, constants, interactions, names, status

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.arm import resources
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="../shared/reference is not beside this checkout")
ZERO = re.compile(r"0{8}-0{4}-0{4}-0{4}-0{9}(000)?|0caf7ec9-615a-4491-bad8-64ce023324e1")
REGIONS = {"eastus2euap": "eastus2", "centraluseuap": "centralus"}
STATIC = "static_resources_cli_v2_e2e_tests_resources"
UNSHOWN = {f"properties.{name}" for name in INTERNAL}
IN_2023 = frozenset({"properties.dependencies"})
"""In 2023 resources whose condition is false were among the dependencies; in 2024 (01), as in the sandbox, no longer."""
Mask = Callable[[str], str]


@dataclass
class Replay:
    """Sends the requests of one recording, follows the sandbox's own operations, and compares."""

    arm: Client
    recording: str
    unmask: Mask = str
    links: dict[str, str] = field(default_factory=dict)
    answers: dict[int, Any] = field(default_factory=dict)

    def play(self, order: Iterable[int], *, allow: frozenset[str] = frozenset()) -> None:
        """Send these interactions in turn; `allow` are names of properties that the sandbox leaves out."""
        steps = interactions(self.recording)
        for index in order:
            recorded = steps[index]
            url = recorded["request"].get("uri") or recorded["request"]["url"]
            answer = self._poll(recorded, url) if "perationStatus" in url or "perationsStatus" in url else None
            answer = answer or self._send(recorded, self.unmask(url))
            self.answers[index] = answer
            self._compare(index, recorded, answer, allow | UNSHOWN)

    def _send(self, recorded: dict[str, Any], url: str) -> Any:
        body = recorded["request"].get("body")
        answer = self.arm(
            recorded["request"]["method"], ours(url), json.loads(ours(json.dumps(body))) if body else None
        )
        self.links |= {
            name: answer.headers[name] for name in ("Azure-AsyncOperation", "Location") if name in answer.headers
        }
        return answer

    def _poll(self, recorded: dict[str, Any], url: str) -> Any:
        """Poll the sandbox's operation once; to its end if that is what was recorded."""
        link = self.links["Location" if "type=location" in url else "Azure-AsyncOperation"]
        for _ in range(20):
            answer = self.arm("GET", link)
            if answer.status_code == 202 != status(recorded):
                continue
            expected = (recorded["response"].get("body") or {}).get("status")
            if expected != "Succeeded" or answer.json()["status"] == expected:
                break
        return answer

    def _compare(self, index: int, recorded: dict[str, Any], answer: Any, allow: frozenset[str] | set[str]) -> None:
        where = f"recording {self.recording}, {index}"
        assert answer.status_code == status(recorded), f"{where}: {answer.text}"
        headers = {name.lower() for name in recorded["response"].get("headers", {})}
        for name in ("azure-asyncoperation", "location"):
            assert (name in headers) == (name in answer.headers), f"{where}: {name}"
        body = recorded["response"].get("body")
        shown = answer.json() if answer.content else None
        assert (body is None or body == "") == (shown is None), where
        left_out = re.compile("|".join(f"{re.escape(name)}(\\..*)?" for name in allow))
        missing = known_names(body) - known_names(shown)
        assert [] == sorted(name for name in missing if not left_out.fullmatch(name)), where
        expected, found = constants(body), constants(shown)
        differing = {name: (value, found.get(name)) for name, value in expected.items() if found.get(name) != value}
        assert {} == {name: pair for name, pair in differing.items() if not left_out.fullmatch(name)}, where


def known_names(body: Any) -> set[str]:
    """Return the names in a body but for those that are free: parameters, tags, outputs, identities."""
    return {
        name
        for name in names(body)
        if not re.match(r"tags\.|properties\.(parameters|managedNetwork\.outboundRules)\.|identity\.user\w+\.", name)
    }


def ours(text: str) -> str:
    """Return a recorded text with the sandbox's subscription and public regions. Texts of templates stay as they are."""
    for theirs, public in REGIONS.items():
        text = text.replace(f'"value": "{theirs}"', f'"value": "{public}"')
    return ZERO.sub(SUBSCRIPTION_ID, text)


@pytest.fixture
def prepared(running: Running) -> Running:
    """Arrange what the recordings take for granted."""
    state = running.state
    state.register_provider()
    for group in ("00000", "joharrin-sdk-tests", STATIC):
        state.add_resource_group(group)
    return running


# The first and last of a run of equal polls (04 never saw Accepted); GET deployment, operations and workspace once each.
SDK_CREATE = {
    "04": [0, 1, 25, 26, 27, 29],
    "07": [0, 1, 2, 3, 4, 5, 27, 28, 29, 31],
    "28": [0, 1, 2, 3, 4, 5, 29, 30, 31, 33],
}
SDK_UPDATE = {"04": [32, 33, 34, 35, 38, 39, 40, 41, 44, 45, 46, 47, 50, 51, 52, 53], "07": [], "28": []}
SDK_DELETE = {"04": [55, 56, 57, 58, 59, 60], "07": [40, 41, 42, 43, 44], "28": [36, 37, 39, 40, 41]}


@pytest.mark.parametrize("recording", ["04", "07", "28"])
def test_azure_ai_ml_creates_updates_and_deletes(prepared: Running, recording: str) -> None:
    """Deployment with every dependent, its operations, PATCHes, deletes of the dependents, delete of the workspace."""
    arrange_attachments(prepared)
    replay = Replay(Client(prepared), recording)
    # The managed network's own rules and state are not modelled (28).
    network = {f"properties.managedNetwork.{name}" for name in ("networkId", "status", "outboundRules")}
    allow = IN_2023 | network

    replay.play([*SDK_CREATE[recording], *SDK_UPDATE[recording], *SDK_DELETE[recording]], allow=allow)

    deployment = replay.answers[SDK_CREATE[recording][-3]].json()["properties"]
    expected = body_of(recording, SDK_CREATE[recording][-3])["properties"]
    assert {name: row["type"] for name, row in expected["parameters"].items()} == {
        name: row["type"] for name, row in deployment["parameters"].items()
    }
    assert types_of(expected["outputResources"]) == types_of(deployment["outputResources"])
    assert [row["namespace"] for row in expected["providers"]] == [row["namespace"] for row in deployment["providers"]]
    operations = replay.answers[SDK_CREATE[recording][-2]].json()["value"]
    assert kinds(body_of(recording, SDK_CREATE[recording][-2])["value"]) == kinds(operations)


def arrange(running: Running, identifier: str, location: str, **properties: Any) -> None:
    """Put a resource into the tenant as it is, whatever its provider would say to it."""
    _, rest = identifier.split("/providers/")
    namespace, kind, name = rest.split("/")
    document = {"id": identifier, "name": name, "type": f"{namespace}/{kind}", "location": location, "tags": {}}
    with running.state.tenant.lock:
        resources.store(running.state.tenant, {**document, "properties": properties})


def arrange_attachments(running: Running) -> None:
    """Arrange what recording 04 attaches in its updates."""
    base = f"{running.state.add_resource_group('rg-other')}/providers"
    arrange(running, f"{base}/Microsoft.insights/components/aimhetest2", "eastus2")
    arrange(running, f"{base}/Microsoft.ContainerRegistry/registries/acrmhetest2", "eastus2")


def body_of(recording: str, index: int) -> Any:
    """Return the body of a recorded answer."""
    return interactions(recording)[index]["response"]["body"]


def types_of(rows: list[dict[str, str]]) -> list[str]:
    """Return the types of resources by id."""
    return sorted(row["id"].split("/")[-2].lower() for row in rows)


def kinds(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return what each operation of a deployment is: its kind, state and type of resource."""
    return sorted(
        (
            row["properties"]["provisioningOperation"],
            row["properties"]["provisioningState"],
            row["properties"].get("targetResource", {}).get("resourceType", ""),
        )
        for row in rows
    )


# --- the masked ones


def unmask(workspace: str, deployment: str, version: str) -> Mask:
    """Return what puts the names and api-versions of the answers back into masked addresses."""

    def put_back(url: str) -> str:
        masked = "0" * 15
        url = url.replace("deploy-0000000", deployment).replace(f"workspaces/{masked}", f"workspaces/{workspace}")
        kind = "2020-06-01" if "Microsoft.Resources" in url else "2019-06-01" if "Microsoft.Storage" in url else version
        return url.replace(f"/{masked}/", "/joharrin-sdk-tests/").replace(
            "api-version=0000-00-00", f"api-version={kind}"
        )

    return put_back


def test_azure_cli_creates_a_cmk_workspace_diagnoses_and_purges_it(prepared: Running) -> None:
    """Recording 01: the only creation with a key and hbi there is."""
    state = prepared.state
    arrange_static(prepared)
    state.add_vault("cmkkvclie2etest", STATIC)
    state.add_key("cmkkvclie2etest", "cmkkey1")
    state.add_access_policy("cmkkvclie2etest")
    vault = f"{SUBSCRIPTION}/resourceGroups/{STATIC}/providers/Microsoft.KeyVault/vaults/cmkkvclie2etest"
    state.tenant.resource(f"{vault}/keys/cmkkey1")["versions"][0]["version"] = "68867cab25424b39919128577eb2f804"
    replay = Replay(
        Client(prepared), "01", unmask("test-ws-000006_full", "test-ws-000006_full-6553921", "2024-07-01-preview")
    )

    replay.play([0, 1, 2, 3])
    while replay.arm("GET", replay.links["Azure-AsyncOperation"]).json()["status"] == "Running":
        continue
    replay.play([69, 70, 71])
    replay.play([76], allow=frozenset({"value.9"}))  # a list without a name, which no published type has
    replay.play([74, 75, 77, 80, 81, 82, 83, 84], allow=frozenset({"properties.provisioningState"}))

    shown, expected = replay.answers[69].json()["properties"], body_of("01", 69)["properties"]
    assert (shown["hbiWorkspace"], shown["enableDataIsolation"]) == (True, True)
    assert (
        shown["encryption"]["keyVaultProperties"]["keyIdentifier"]
        == (expected["encryption"]["keyVaultProperties"]["keyIdentifier"])
    )
    diagnosis, recorded = (
        body["value"]["containerRegistryResults"] for body in (replay.answers[76].json(), body_of("01", 76))
    )
    assert diagnosis == recorded


def arrange_static(running: Running) -> None:
    """Arrange the resources that the az ml tests share."""
    running.state.add_vault("kvclie2etest", STATIC)
    running.state.add_storage_account("saclie2etest2", STATIC)
    base = f"{SUBSCRIPTION}/resourceGroups/{STATIC}/providers"
    arrange(running, f"{base}/Microsoft.Insights/components/aiclie2etest", "eastus2")
    arrange(running, f"{base}/Microsoft.ContainerRegistry/registries/acrclie2etest2", "eastus2")


def test_azure_cli_creates_a_hub(prepared: Running) -> None:
    """Recording 08: kind Hub, without Application Insights, with one storage account that exists; no Azure OpenAI."""
    arrange_static(prepared)
    recorded = interactions("08")
    name = recorded[9]["response"]["body"]["name"]
    deployment = recorded[1]["response"]["body"]["name"]
    replay = Replay(Client(prepared), "08", unmask(name, deployment, "2023-06-01-preview"))

    replay.play([0, 1, 2, 3, 7, 8, 9, 13, 14, 15, 16, 21], allow=IN_2023 | {"properties.azureOpenAI"})

    assert replay.answers[9].json()["kind"] == "Hub"


def test_diagnose_of_a_workspace_whose_dependents_are_gone(prepared: Running) -> None:
    """Recording 05: 202 with Location only, 202 with both links, and the errors word for word."""
    replay = Replay(Client(prepared), "05")
    body = interactions("05")[3]["response"]["body"]["value"]
    text = ours(json.dumps(body))
    gone = {
        match[1].split("/")[-2].lower(): match[1] for match in re.finditer(r"Resource (/\S+) has been removed", text)
    }
    identifier = f"{SUBSCRIPTION}/resourceGroups/00000/providers/Microsoft.MachineLearningServices/workspaces/00000"
    properties = {
        "storageAccount": gone["storageaccounts"],
        "keyVault": gone["vaults"],
        "applicationInsights": gone["components"],
        "provisioningState": "Succeeded",
    }
    arrange(prepared, identifier, "westus3", **properties)

    replay.play([0, 1, 3])

    assert replay.answers[3].json()["value"] == json.loads(text)


def test_a_vault_made_by_a_template(prepared: Running) -> None:
    """Recording 26 without its PUT, which was not kept: the vault before and after a deployment of one like it."""
    state = prepared.state
    group = "cli_test_keyvault_mgmt000001"
    state.add_resource_group(group, "eastus")
    replay = Replay(Client(prepared), "26")
    replay.play([0])
    properties = {**body_of("26", 3)["properties"]}
    tenant = state.tenant.tenant_id
    policies = [{**row, "tenantId": tenant} for row in properties["accessPolicies"]]
    for name in ("vaultUri", "provisioningState", "publicNetworkAccess", "enabledForDeployment"):
        del properties[name]
    vault = {
        "type": "Microsoft.KeyVault/vaults",
        "apiVersion": "2023-02-01",
        "name": "cli-test-kv-mgmt-000002",
        "location": "eastus",
    }
    inner = {**vault, "properties": {**properties, "tenantId": tenant, "accessPolicies": policies}}
    form = {"$schema": "s", "contentVersion": "1.0.0.0", "resources": [inner]}
    path = f"/resourcegroups/{group}/providers/Microsoft.Resources/deployments/mock-deployment"
    body = {"properties": {"mode": "Incremental", "template": form}}
    put = replay.arm("PUT", path, body, "2022-09-01")
    replay.links["Azure-AsyncOperation"] = put.headers["Azure-AsyncOperation"]
    replay.arm("GET", put.headers["Azure-AsyncOperation"])  # Accepted

    replay.play([1, 2, 3])

    assert (put.status_code, put.json()["properties"]["provisioningState"]) == (201, "Accepted")
