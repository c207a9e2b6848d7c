"""Starts that recordings do not show, each with the reason. All else is derived (`contract_derive`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from contract_makers import Step, after, done, exists, group_id, time_passes
from contract_recordings import Rename
from contract_start import Start
from support.sandbox import Client

from cmkctl.sandbox import CLIENT_OBJECT_ID
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.providers import microsoft_containerinstance
from cmkctl.sandbox.server import Running


def _masked(
    group: str, deployment: str, workspace: str, version: str, more: Mapping[str, str] = MappingProxyType({})
) -> Rename:
    """Undo the masks of azext_mlv2's recorder: names and api-versions in URLs (INDEX.md)."""
    versions = {
        "/providers/Microsoft.Resources/": "2020-06-01",
        "/providers/Microsoft.insights/": "2015-05-01",
        "/providers/Microsoft.Storage/": "2019-06-01",
        "/providers/Microsoft.Keyvault/": "2019-09-01",
        r"/resourcegroups/[^/]*\?": "2020-06-01",
        "": version,
    }
    urls = {rf"({mark}.*api-version=)0000-00-00": rf"\g<1>{real}" for mark, real in versions.items()}
    names = {
        r"/workspaces/0{12,}": f"/workspaces/{workspace}",
        r"/deployments/deploy-0+": f"/deployments/{deployment}",
        r"/(resource[gG]roups)/0{15}": rf"/\g<1>/{group}",
    }
    return Rename({**urls, **names, **more})


MASKED = "the recorder masks names and api-versions in URLs; the bodies have them"
PERSON = "the recorded caller is a person, the sandbox's a service principal"


def _person(object_id: str) -> Rename:
    """Make the recorded person the sandbox's service principal."""
    theirs = f'"{object_id}", "principalType": "User"'
    return Rename(
        anywhere={theirs: f'"{CLIENT_OBJECT_ID}", "principalType": "ServicePrincipal"', object_id: CLIENT_OBJECT_ID}
    )


def _grant_to_cosmos_db(vault: str) -> Step:
    return lambda running, _client: running.state.add_access_policy(vault)


def _recover_key(_running: Running, client: Client) -> None:
    """Recover the key that a request which was not recorded recovered."""
    session, token = client.session, client.fetch_token("https://vault.azure.net/.default")
    url = "https://cli-test-kv-key-000002.vault.azure.net/deletedkeys/key1-000004"
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(10):
        if session.get(f"{url}?api-version=7.5", headers=headers).status_code == 200:
            break
    done(session.post(f"{url}/recover?api-version=7.5", headers=headers))
    for _ in range(10):
        if session.get(f"{url.replace('deletedkeys', 'keys')}?api-version=7.5", headers=headers).status_code == 200:
            break


def _being_deleted(running: Running, client: Client) -> None:
    """Add a key whose deletion has just started."""
    running.state.add_key("cli-test-kv-sd-000002", "key1")
    running.state.add_access_policy("cli-test-kv-sd-000002", CLIENT_OBJECT_ID, ["all", "purge"])
    token = client.fetch_token("https://vault.azure.net/.default")
    url = "https://cli-test-kv-sd-000002.vault.azure.net/keys/key1?api-version=7.5"
    done(client.session.delete(url, headers={"Authorization": f"Bearer {token}"}))


STATIC = group_id("static_resources_cli_v2_e2e_tests_resources") + "/providers"
STATIC_RESOURCES = (
    f"{STATIC}/Microsoft.Storage/storageAccounts/saclie2etest2",
    f"{STATIC}/Microsoft.KeyVault/vaults/kvclie2etest",
    f"{STATIC}/Microsoft.Insights/components/aiclie2etest",
    f"{STATIC}/Microsoft.ContainerRegistry/registries/acrclie2etest2",
)
"""Resources that the tests of azext_mlv2 share; the parameters name it in parts, and the answers mask its group."""
STORES = "; and the stores of the workspace existed, whose group the answers mask"


DEFAULT_LOGS = (
    group_id("DefaultResourceGroup-southcentralus")
    + "/providers/Microsoft.OperationalInsights/workspaces/DefaultWorkspace-southcentralus"
)


def _default_logs(running: Running, client: Client) -> None:
    """Make the Log Analytics workspace as the list shows it: in its region, never tagged."""
    location = "southcentralus"
    running.state.add_resource_group("DefaultResourceGroup-southcentralus", location)
    done(client("PUT", DEFAULT_LOGS, {"location": location}, "2022-10-01"))
    time_passes(running, client)
    with running.state.tenant.lock:
        record = running.state.tenant.resource(DEFAULT_LOGS)
        if record is not None:
            record["doc"].pop("tags", None)


def _key_of_containers(running: Running, _client: Client) -> None:
    """Make the vault and the key version that the body of the container group names, and the application that reads it."""
    vault, key = "cloudaci-cloudtest", "testencryptionkey"
    running.state.add_vault(vault, "another-group")
    running.state.add_key(vault, key)
    with running.state.tenant.lock:
        record = running.state.tenant.resource(f"{running.state.vault(vault)['doc']['id']}/keys/{key}")
        assert record is not None
        record["versions"][-1]["version"] = "804d3f1d5ce2456b9bc3dc9e35aaa67e"
    reader = running.state.add_principal(microsoft_containerinstance.APP_ID, "Azure Container Instance Service")
    running.state.add_access_policy(vault, reader)


def _log_cluster(running: Running, _client: Client) -> None:
    """Make the cluster that is read first, with the key that it has, and the grant of its identity."""
    vault, key = "azure-cli-test-scus", "log-analytics-cluster"
    running.state.add_vault(vault, "another-group", location="westus")
    running.state.add_key(vault, key)
    with running.state.tenant.lock:
        record = running.state.tenant.resource(f"{running.state.vault(vault)['doc']['id']}/keys/{key}")
        assert record is not None
        record["versions"][-1]["version"] = "5f37dcb0f24642c3ab800ab845acde4f"
    named = {
        "keyVaultUri": f"https://{vault}.vault.azure.net/",
        "keyName": key,
        "keyVersion": "5f37dcb0f24642c3ab800ab845acde4f",
    }
    cluster = running.state.add_log_cluster("test-cluster", "azure-cli-test-scus", "westus", 1000, named)
    found = running.state.resource(cluster)
    assert found is not None
    running.state.add_access_policy(vault, found["identity"]["principalId"])


def _readers_by_role(*names: str) -> Step:
    """Give the identities of recording 53 the role on the keys by which they read them: most of its vaults are not shown."""

    def arrange(running: Running, _client: Client) -> None:
        for vault in ("rdbmsvault000002", "rdbmsvault000003"):
            with running.state.tenant.lock:
                document = running.state.vault(vault)["doc"]
                document["properties"]["enableRbacAuthorization"] = True
            for name in names:
                found = running.state.resource(f"{IDENTITIES}/{name}")
                if found is not None:
                    running.state.assign_role(document["id"], found["properties"]["principalId"], ENCRYPTION_USER)

    return arrange


ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
IDENTITIES = group_id("clitest.rg000001") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
LISTED = "the Log Analytics workspace that a list names existed"

STARTS: Mapping[str, Start] = {
    "01": Start(
        MASKED + STORES + "; and the vault of the key, which is not shown, had the grant to Azure Cosmos DB",
        rename=_masked(
            "joharrin-sdk-tests", "test-ws-000006_full-6553921", "test-ws-000006_full", "2024-07-01-preview"
        ),
        before={1: after(exists(*STATIC_RESOURCES), _grant_to_cosmos_db("cmkkvclie2etest"))},
    ),
    "06": Start(LISTED, before={0: _default_logs}),
    "08": Start(
        MASKED + STORES,
        rename=_masked("zhili-sdk-rg", "test-ws-000006-8923482", "test-ws-000006", "2023-06-01-preview"),
        before={1: exists(*STATIC_RESOURCES)},
    ),
    "09": Start(
        MASKED,
        rename=_masked(
            "alanpoblette",
            "test-ws-000006-3509018",
            "test-ws-000006",
            "2023-06-01-preview",
            {"/components/0{12,}": "/components/testws00insights812ee7af"},
        ),
    ),
    "24": Start("the recovery of a deleted key was not recorded", before={34: _recover_key}),
    "27": Start(
        "the polls of the group's deletion were left out; the group was gone when the vault was deleted",
        before={20: time_passes},
    ),
    "29": Start(MASKED, rename=_masked("joharrin-sdk-tests", "", "test-ws-000006_mvnet", "2024-07-01-preview")),
    "40": Start(PERSON, rename=_person("12f8ea5c-1212-449e-b31c-0a574f43076e")),
    "44": Start(PERSON, rename=_person("12f8ea5c-1212-449e-b31c-0a574f43076e")),
    "53": Start(
        "the vaults, and the roles of all identities but one, were left out",
        before={8: _readers_by_role("identity000005", "identity000007", "identity000013")},
    ),
    "70": Start(
        "the directory was read through a service that Azure has retired; Azure Cosmos DB has another object id there",
        rename=Rename(anywhere={"e5007d2c-4b13-4a74-9b6a-605d99f03501": COSMOS_DB_OBJECT_ID}),
    ),
    "88": Start(LISTED, before={0: _default_logs}),
    "96": Start("the key of the group, and the application that reads it, existed", before={0: _key_of_containers}),
    "57": Start("the cluster and its key existed", before={0: _log_cluster}),
    "62": Start("the key whose deletion is refused as too early", before={4: _being_deleted}),
}
