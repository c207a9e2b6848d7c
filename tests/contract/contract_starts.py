"""The starting state of each recording, as far as it does not follow from the recording itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from contract_arrange import Start, Step, after, as_shown, done, exists, group_id, time_passes
from contract_recordings import RECORDINGS, Rename, read
from support.sandbox import Client

from cmkctl.sandbox import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from cmkctl.sandbox.server import Running


def _caller(object_id: str, kind: str = "") -> Rename:
    """Make the recorded caller, by object id, the sandbox's; `kind` is what the recording calls such a principal."""
    return Rename(anywhere={object_id: CLIENT_OBJECT_ID, **({kind: '"ServicePrincipal"'} if kind else {})})


def _masked(workspace: str, version: str, more: Mapping[str, str] = MappingProxyType({})) -> Rename:
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
    return Rename({**urls, r"/workspaces/0{12,}": f"/workspaces/{workspace}", **more})


STATIC = group_id("static_resources_cli_v2_e2e_tests_resources") + "/providers"
STATIC_RESOURCES = (
    f"{STATIC}/Microsoft.Storage/storageAccounts/saclie2etest2",
    f"{STATIC}/Microsoft.KeyVault/vaults/kvclie2etest",
    f"{STATIC}/Microsoft.Insights/components/aiclie2etest",
    f"{STATIC}/Microsoft.ContainerRegistry/registries/acrclie2etest2",
)
"""What the tests of azext_mlv2 have in common and do not create."""


def _cmk_key(running: Running, _client: Client) -> None:
    """Add the vault and the key of recording 01, with the version it names, and the grant to Azure Cosmos DB."""
    state = running.state
    state.add_vault("cmkkvclie2etest", "static_resources_cli_v2_e2e_tests_resources")
    state.add_key("cmkkvclie2etest", "cmkkey1")
    state.add_access_policy("cmkkvclie2etest")
    with state.tenant.lock:
        key = state.tenant.resource(f"{STATIC}/Microsoft.KeyVault/vaults/cmkkvclie2etest/keys/cmkkey1")
        assert key is not None
        key["versions"][-1]["version"] = "68867cab25424b39919128577eb2f804"


def _vault(name: str, group: str, *, location: str = "eastus2", **properties: Any) -> Step:
    return lambda running, _client: running.state.add_vault(name, group, location=location, **properties)


def _key_vaults() -> dict[int, Step]:
    """Return the vaults of recording 22, whose PUTs of keys are all it has."""
    plain = {"purge_protection": False}
    return {
        0: _vault("asotest-kv2-bwmgyc", "asotest-rg-eiaqie", **plain, **WEEK),
        1: _vault("asotest-kv2-nlezra", "asotest-rg-vhoszi", **plain, **WEEK),
        2: _vault("aso-kv-differentrg", "asotest-rg-lttcte", **plain),
        3: _vault("aso-kv-gs2", "asotest-rg-lqxexq", **plain),
        4: _vault("aso-kv-purge", "asotest-rg-xkjygv", **plain),
        5: _vault("aso-kv-gs", "asotest-rg-bmhvxo", **plain),
        6: _vault("asotest-sqlkv-zlkwhm", "asotest-rg-eflnff", **WEEK),
        7: _vault("asotest-sqlkv-qajbbs", "asotest-rg-wuqokh", **WEEK),
    }


ACCOUNTS = "providers/Microsoft.Storage/storageAccounts"
WEEK: Mapping[str, Any] = {"softDeleteRetentionInDays": 7}


def _plain_workspace(name: str, group: str) -> Mapping[str, Any]:
    """Return a workspace in the form of an answer, for recordings that use one and do not show it."""
    providers = f"{group_id(group)}/providers"
    stores = {
        "storageAccount": f"{providers}/Microsoft.Storage/storageAccounts/itsstorage",
        "keyVault": f"{providers}/Microsoft.KeyVault/vaults/itsvault",
    }
    identifier = f"{providers}/Microsoft.MachineLearningServices/workspaces/{name}"
    kind = "Microsoft.MachineLearningServices/workspaces"
    shown = {"id": identifier, "name": name, "type": kind, "location": "westus3", "kind": "Default", "tags": {}}
    return {**shown, "properties": stores}


def _open_to_caller(running: Running, _client: Client) -> None:
    """Let the caller do everything with the keys of every vault."""
    with running.state.tenant.lock:
        records = list(running.state.tenant.table("resources").values())
    for record in records:
        if record["doc"]["type"] == "Microsoft.KeyVault/vaults":
            running.state.add_access_policy(record["doc"]["id"], CLIENT_OBJECT_ID, ["all", "purge"])


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


def _administrator(group: str, vault: str) -> Step:
    """Make the caller Key Vault Administrator of a vault, as it was before the recording began."""
    scope = f"{group_id(group)}/providers/Microsoft.KeyVault/vaults/{vault}"
    role = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
    return lambda running, _client: running.state.assign_role(scope, CLIENT_OBJECT_ID, role)


_AS_APPLICATION = '"12f8ea5c-1212-449e-b31c-0a574f43076e", "principalType": "ServicePrincipal"'
"""The recorded caller is a person, the sandbox's directory has none."""

PRINCIPALS = (
    "015b491c-8f8c-4766-a213-a92de897a415",
    "00000000-0000-0000-0000-000000000001",
    "12f8ea5c-1212-449e-b31c-0a574f43076e",
    "31f1f858-b279-49fa-a599-b8d146b8d5be",
)
"""The principals of recording 44 that the directory knew."""


def _role_worlds() -> dict[int, Step]:
    """Return what the single exchanges of recording 44 found there."""
    contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
    account = f"{group_id('asotest-rg-myngbn')}/{ACCOUNTS}/asoteststorsbkvnx"
    return {
        0: lambda running, _client: running.state.assign_role(
            f"/subscriptions/{SUBSCRIPTION_ID}", "db5b81e8-3587-4464-ba05-1b39adbfa3ca", contributor
        ),
        10: after(exists(account), _assigned(account, "aab463b4-d1c7-43d2-ab6f", contributor)),
        11: _vault("cliakstestkv000002", "clitest000001", rbac=True),
        12: _vault("cliakstestkv000002", "clitest000001", rbac=True),
        13: _vault("clitest000004", "clitest.rg000001", rbac=True),
    }


def _assigned(scope: str, name: str, role: str) -> Step:
    """Return what assigns a role under the name a recording deletes: the one that begins with `name`."""

    def make(_running: Running, client: Client) -> None:
        (full,) = re.findall(
            rf"{name}[0-9a-f-]*", (RECORDINGS / "44-role-assignment-outcomes.json").read_text("utf-8")
        )[:1]
        definition = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        properties = {
            "roleDefinitionId": definition,
            "principalId": PRINCIPALS[-1],
            "principalType": "ServicePrincipal",
        }
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{full}"
        done(client("PUT", path, {"properties": properties}))

    return make


def fault(text: str) -> Step:
    """Return what switches a fault on: the recording met the disturbance that the fault makes."""
    return lambda running, _client: running.state.add_fault(text)


def _recoverable_vault(running: Running, _client: Client) -> None:
    """Add the soft-deleted vault whose recovery recording 60 begins."""
    running.state.add_vault("cli-test-kv-sd-000002", "cli_test_keyvault_sd000001")
    running.state.delete_vault("cli-test-kv-sd-000002")


def _unregister_vaults(running: Running, _client: Client) -> None:
    running.state.unregister_provider("Microsoft.KeyVault")


def _readable_vault(running: Running, _client: Client) -> None:
    """Add the vault of recording 62; the caller may not read its keys, and may see what is deleted."""
    running.state.add_vault("vaultname", location="westus")
    running.state.add_key("vaultname", "keycrypt899e11dd")


def _being_deleted(running: Running, client: Client) -> None:
    """Add a vault with a key whose deletion has just begun."""
    running.state.add_vault("cli-test-kv-sd-000002")
    running.state.add_key("cli-test-kv-sd-000002", "key1")
    _open_to_caller(running, client)
    token = client.fetch_token("https://vault.azure.net/.default")
    url = "https://cli-test-kv-sd-000002.vault.azure.net/keys/key1?api-version=7.5"
    done(client.session.delete(url, headers={"Authorization": f"Bearer {token}"}))


def shown_by(name: str, number: int) -> Step:
    """Return what makes a resource as an exchange of a recording shows it, for what came of something not modelled."""

    def make(running: Running, client: Client) -> None:
        as_shown(read(name, STARTS[name[:2]].rename).exchanges[number].answer)(running, client)

    return make


STARTS: Mapping[str, Start] = {
    "01": Start(
        rename=_masked("test-ws-000006_full", "2024-07-01-preview"),
        before={1: after(exists(*STATIC_RESOURCES), _cmk_key)},
    ),
    # the client sent the three PUTs at the same time; which answer came first is chance
    "02": Start(order=(*range(4), 5, 6, 4, *range(7, 34))),
    "08": Start(rename=_masked("test-ws-000006", "2023-06-01-preview"), before={1: exists(*STATIC_RESOURCES)}),
    "09": Start(
        rename=replace(
            _masked(
                "test-ws-000006", "2023-06-01-preview", {"/components/0{12,}": "/components/testws00insights812ee7af"}
            ),
            anywhere={"resourceGroups/alanpoblette": "resourceGroups/000000000000000"},
        ),
        before={22: shown_by("09-ws-featurestore", 22)},
    ),
    "05": Start(before={0: as_shown(_plain_workspace("00000", "00000"))}),
    "10": Start(
        before={5: exists(f"{group_id('asotest-rg-zzrjtb')}/{ACCOUNTS}/asoworkspacestorageacct1", location="westus3")}
    ),
    "18": Start(before={6: _vault("sample-vault", "somebody-elses")}),
    "21": Start(rename=_caller("3707fb2f-ac10-4591-a04f-8b0d786ea37d")),
    "22": Start(apart=True, before=_key_vaults()),
    "24": Start(
        rename=_caller("3707fb2f-ac10-4591-a04f-8b0d786ea37d"),
        before={
            34: _recover_key,
            39: after(
                _vault("cli-test-kv-key-000003", "rg", sku="premium", purge_protection=False, **WEEK), _open_to_caller
            ),
        },
    ),
    "26": Start(
        before={
            3: _vault("cli-test-kv-mgmt-000002", "cli_test_keyvault_mgmt000001", enableRbacAuthorization=None, **WEEK)
        }
    ),
    "27": Start(
        before={
            5: exists(f"{group_id('asotest-rg-xwbthg')}/{ACCOUNTS}/asoworkspacestorageacct", location="westus3"),
            10: fault("poll-html-500"),
            12: fault("poll-html-500"),
            20: time_passes,
        }
    ),
    "29": Start(rename=_masked("test-ws-000006_mvnet", "2024-07-01-preview")),
    "30": Start(rename=_caller("d186af52-b4be-48d9-9bae-1757adadc29f"), unregistered=("Microsoft.KeyVault",)),
    # the recorded caller is a person, the sandbox's a service principal
    "40": Start(rename=_caller("12f8ea5c-1212-449e-b31c-0a574f43076e", '"User"')),
    "41": Start(before={6: _administrator("adp_cli000001", "clitest000002")}),
    "44": Start(
        apart=True,
        rename=Rename(anywhere={'"12f8ea5c-1212-449e-b31c-0a574f43076e", "principalType": "User"': _AS_APPLICATION}),
        principals=("db5b81e8-3587-4464-ba05-1b39adbfa3ca", *PRINCIPALS),
        before=_role_worlds(),
    ),
    "45": Start(apart=True, without_rights=(13,)),
    "60": Start(apart=True, before={8: _unregister_vaults, 27: after(_recoverable_vault, fault("recover-500"))}),
    "61": Start(apart=True),
    "62": Start(
        apart=True,
        before=dict.fromkeys((2, 3, 5), _readable_vault)
        | dict.fromkeys((6, 7), after(_readable_vault, _open_to_caller))
        | {4: _being_deleted},
    ),
    "70": Start(rename=_caller("27f82b5d-ce19-4257-a337-dabea1926ae2")),
    "72": Start(rename=_caller("a7250e3a-0e5e-48e2-9a34-45f1f5e1a91e")),
    "73": Start(
        rename=_caller("9ac02ab3-5061-4ec6-a3d8-2cdaa5f29efa"), principals=("aa665096-1ece-4c75-b519-050365fc5224",)
    ),
}
