"""Azure Machine Learning workspaces: the operation, the shape, and every reason to refuse a customer-managed key."""

from collections.abc import Callable
from typing import Any

import pytest
from support.sandbox import Client, code

from cmkctl.sandbox import SUBSCRIPTION_ID, TENANT_ID, Pace
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID
from cmkctl.sandbox.server import Running

PATH = "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw"
GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg/providers"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


class World:
    """A subscription in which everything a CMK workspace needs is right, until a test spoils something."""

    def __init__(self, running: Running, *, rbac: bool = False, **vault: Any) -> None:
        self.state = running.state
        self.arm = Client(running)
        self.state.register_provider()
        self.vault = self.state.add_vault("kv-cmk", rbac=rbac, **vault)
        self.key = self.state.add_key("kv-cmk", "cmk")
        self.storage = self.state.add_storage_account("stmlw")
        if rbac:
            self.state.assign_role(self.vault)
        else:
            self.state.add_access_policy("kv-cmk")

    def body(self, key: str | None = None, **properties: Any) -> dict[str, Any]:
        """Return the body of a workspace PUT; None leaves a property out."""
        vault = {"keyVaultArmId": self.vault, "keyIdentifier": key or self.key}
        base = {
            "keyVault": self.vault,
            "storageAccount": self.storage,
            "encryption": {"status": "Enabled", "keyVaultProperties": vault},
        }
        merged = {name: value for name, value in {**base, **properties}.items() if value is not None}
        return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": merged}

    def identity(self, name: str) -> tuple[str, str]:
        """Add a user-assigned identity; return its id and its principal."""
        identifier = self.state.add_identity(name)
        return identifier, (self.state.resource(identifier) or {})["properties"]["principalId"]

    def create(self, body: dict[str, Any] | None = None, api: str | None = None) -> dict[str, Any]:
        """PUT, poll to the end, and return the operation's last body."""
        answer = self.arm("PUT", PATH, body or self.body(), api)
        assert answer.status_code == 202, answer.text
        return self.poll(answer.headers["Azure-AsyncOperation"])

    def poll(self, url: str) -> dict[str, Any]:
        """Read an operation to its end."""
        for _ in range(20):
            last: dict[str, Any] = self.arm("GET", url).json()
            if last["status"] != "InProgress":
                return last
        raise AssertionError("the operation does not end")

    def get(self, api: str | None = None) -> dict[str, Any]:
        """Return the workspace."""
        found: dict[str, Any] = self.arm("GET", PATH, api=api).json()
        return found


@pytest.fixture
def world(instant: Running) -> World:
    """Return a subscription in which everything is right."""
    return World(instant)


def test_a_workspace_put_is_202_empty_with_two_long_links(running: Running) -> None:
    """Facts 1-3: no body, no Retry-After; about 3,200 characters of URL; InProgress, then Succeeded."""
    world = World(running)

    put = world.arm("PUT", PATH, world.body())
    polls = [world.arm("GET", put.headers["Azure-AsyncOperation"]).json() for _ in range(3)]

    assert (put.status_code, put.content, "Retry-After" in put.headers) == (202, b"", False)
    assert len(put.headers["Azure-AsyncOperation"]) > 3000
    assert "type=location" in put.headers["Location"]
    assert polls == [{"status": "InProgress"}] * 2 + [{"status": "Succeeded", "percentComplete": 100.0}]


def test_a_rebuilt_operation_url_is_refused(world: World) -> None:
    """The links have to be used verbatim."""
    put = world.arm("PUT", PATH, world.body())

    assert code(world.arm("GET", put.headers["Azure-AsyncOperation"].split("&t=")[0]))[0] == 400


def test_a_cmk_workspace_shows_its_encryption_and_its_managed_group(world: World) -> None:
    """Fact 5, with the inner nulls, the three managed resources, and a group only Microsoft may delete."""
    assert world.create(world.body(hbiWorkspace=True))["status"] == "Succeeded"

    shown = world.get()["properties"]
    group = shown["serviceProvisionedResourceGroup"]

    assert shown["hbiWorkspace"] is True
    assert shown["encryption"]["status"] == "Enabled"
    assert shown["encryption"]["identity"] == {"userAssignedIdentity": None}
    assert shown["encryption"]["keyVaultProperties"]["keyIdentifier"] == world.key
    assert shown["encryption"]["cosmosDbResourceId"].startswith(group)
    assert code(world.arm("DELETE", group)) == (403, "DenyAssignmentAuthorizationFailed")


def test_the_service_rewrites_what_was_sent(world: World) -> None:
    """Fact 6: another casing of ids, sku Basic, kind Default, an empty friendlyName."""
    world.create({**world.body(encryption=None), "sku": {"name": "Standard_S1", "tier": "Free"}, "kind": "default"})

    shown = world.get()

    assert "/Microsoft.Keyvault/" in shown["properties"]["keyVault"]
    assert (shown["sku"], shown["kind"]) == ({"name": "Basic", "tier": "Basic"}, "Default")
    assert shown["properties"]["friendlyName"] == ""
    assert not {"encryption", "serviceProvisionedResourceGroup"} & set(shown["properties"])


@pytest.mark.parametrize(
    ("api", "stored"),
    [("2024-10-01", False), ("2025-04-01", False), ("2025-06-01", True), ("2024-07-01-preview", True)],
)
def test_an_older_api_version_drops_the_service_side_flag(world: World, api: str, stored: bool) -> None:
    """P92: silently, and an older GET does not show it either."""
    world.create(world.body(enableServiceSideCMKEncryption=True), api)

    assert world.get()["properties"]["enableServiceSideCMKEncryption"] is stored
    assert "enableServiceSideCMKEncryption" not in world.get("2024-10-01")["properties"]


def test_service_side_has_no_managed_group(world: World) -> None:
    """The data lies in Microsoft's subscription."""
    world.create(world.body(enableServiceSideCMKEncryption=True))

    assert "serviceProvisionedResourceGroup" not in world.get()["properties"]


def test_a_vault_without_purge_protection_fails_the_operation(instant: Running) -> None:
    """P01, quoted: accepted with 202, then HTTP 200 with status Failed."""
    world = World(instant, purge_protection=False)

    failed = world.create()

    assert failed["status"] == "Failed"
    assert failed["error"] == {
        "code": "BadRequest",
        "message": "CMK workspaces should have purge protection enabled on their CMK keyvault.",
    }
    assert world.get()["properties"]["provisioningState"] == "Failed"


def _spoil_grant(world: World) -> None:
    world.state.vault("kv-cmk")["doc"]["properties"]["accessPolicies"] = []


def _grant_application_id(world: World) -> None:
    _spoil_grant(world)
    world.state.add_access_policy("kv-cmk", COSMOS_DB_APP_ID)


def _grant_too_little(world: World) -> None:
    _spoil_grant(world)
    world.state.add_access_policy("kv-cmk", permissions=["get", "wrapKey"])


SPOILERS: dict[str, Callable[[World], object]] = {
    "no grant": _spoil_grant,
    "grant to the application id": _grant_application_id,
    "grant without unwrapKey": _grant_too_little,
    "key disabled": lambda world: world.state.set_key_attributes("kv-cmk", "cmk", enabled=False),
    "key expired": lambda world: world.state.set_key_attributes("kv-cmk", "cmk", exp=1),
    "key not valid yet": lambda world: world.state.set_key_attributes("kv-cmk", "cmk", nbf=4102444800),
    "Cosmos DB not registered": lambda world: world.state.unregister_provider("Microsoft.DocumentDB"),
    "vault deleted and another used as workspace vault": lambda world: world.state.delete_vault("kv-cmk"),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_workspace_whose_key_cannot_be_used_fails(world: World, spoiler: str) -> None:
    """Each of these is accepted with 202 and fails in the operation, as in Azure, where it takes minutes."""
    SPOILERS[spoiler](world)
    body = world.body()
    if spoiler.startswith("vault deleted"):
        world.state.add_vault("kv-other")
        body["properties"]["keyVault"] = world.vault.replace("kv-cmk", "kv-other")

    assert world.create(body)["status"] == "Failed"


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "EC"},
        {"keyOps": ["encrypt", "decrypt"]},
    ],
)
def test_a_key_that_cannot_wrap_fails(world: World, key: dict[str, Any]) -> None:
    """P17 and P19."""
    identifier = world.state.add_key("kv-cmk", "other", **key)

    assert world.create(world.body(identifier))["status"] == "Failed"


def test_an_identifier_at_another_vault_fails(world: World) -> None:
    """P16: the vault's id and the key's host are two inputs; the sandbox compares them."""
    world.state.add_vault("kv-other")
    identifier = world.state.add_key("kv-other", "cmk")

    assert world.create(world.body(identifier))["status"] == "Failed"


def test_an_identifier_without_a_version_is_refused_at_once(world: World) -> None:
    """P15; the words are the sandbox's own, and marked as such."""
    answer = world.arm("PUT", PATH, world.body(world.key.rsplit("/", 1)[0]))

    assert code(answer) == (400, "BadRequest")
    assert answer.json()["error"]["message"].startswith("[sandbox] ")


def test_a_vault_in_another_subscription_is_refused_at_once(world: World) -> None:
    """P09."""
    body = world.body()
    other = "c0ffee00-0000-4000-8000-000000000002"
    inner = body["properties"]["encryption"]["keyVaultProperties"]
    inner["keyVaultArmId"] = inner["keyVaultArmId"].replace(SUBSCRIPTION_ID, other)

    assert code(world.arm("PUT", PATH, body)) == (400, "BadRequest")


def test_a_body_without_associated_resources_is_refused(world: World) -> None:
    """P95, quoted."""
    missing = world.arm("PUT", PATH, world.body(keyVault=None))

    assert missing.json()["error"] == {
        "code": "ValidationError",
        "message": "Missing dependent resources in workspace json",
    }


def test_an_associated_resource_that_stays_away_fails_the_operation(world: World) -> None:
    """The PUT is accepted (recording 02), and the end of the operation names what was not found."""
    ended = world.create(world.body(storageAccount=world.storage + "x"))

    assert (ended["status"], ended["error"]["code"]) == ("Failed", "BadRequest")
    assert "Microsoft.Storage/storageAccounts/stmlwx" in ended["error"]["message"]
    assert world.get()["properties"]["provisioningState"] == "Failed"


def test_a_workspace_waits_for_its_vault_and_account(running: Running) -> None:
    """Recording 02: the workspace is requested first, and gets its access policy on the vault that comes after it."""
    arm = Client(running)
    running.state.register_provider()
    running.state.add_resource_group("rg")
    stores = {
        "keyVault": f"{GROUP}/Microsoft.KeyVault/vaults/kv-late",
        "storageAccount": f"{GROUP}/Microsoft.Storage/storageAccounts/stlate",
    }

    put = arm("PUT", PATH, {"location": "eastus2", "properties": stores})
    vault = running.state.add_vault("kv-late")
    running.state.add_storage_account("stlate")
    link = put.headers["Azure-AsyncOperation"]
    arm("GET", link)
    policies = arm("GET", vault).json()["properties"]["accessPolicies"]
    ended = [arm("GET", link).json() for _ in range(5)][-1]

    assert (put.status_code, ended["status"]) == (202, "Succeeded")
    principal = arm("GET", PATH).json()["identity"]["principalId"]
    assert [(row["objectId"], row["permissions"]["keys"]) for row in policies] == [(principal, ["all"])]


def test_a_workspace_gets_an_access_policy_on_its_vault(world: World) -> None:
    """Recordings 02 and 10: keys, secrets and certificates, once; a vault with Azure RBAC is left alone."""
    world.create()
    world.create()

    principal = world.get()["identity"]["principalId"]
    policies = world.arm("GET", world.vault).json()["properties"]["accessPolicies"]
    own = [row["permissions"] for row in policies if row["objectId"] == principal]
    assert own == [{"keys": ["all"], "secrets": ["all"], "certificates": ["all"], "storage": []}]
    assert len(policies) == 2


def test_a_vault_with_azure_rbac_keeps_its_policies(instant: Running) -> None:
    """What Azure does there is unpublished; nothing is added."""
    world = World(instant, rbac=True)
    world.create()

    assert world.arm("GET", world.vault).json()["properties"]["accessPolicies"] == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({}, None),
        (
            {"serverlessComputeSettings": {}},
            {"serverlessComputeCustomSubnet": None, "serverlessComputeNoPublicIP": False},
        ),
    ],
)
def test_serverless_settings_are_null_unless_they_were_sent(world: World, sent: dict[str, Any], shown: object) -> None:
    """Recordings 02 and 10; recording 01."""
    world.create(world.body(**sent))

    assert world.get()["properties"]["serverlessComputeSettings"] == shown


def test_a_workspace_with_a_user_assigned_identity_alone_has_no_principal(world: World) -> None:
    """Recording 06: null, and the tenant; the ids of its identities have resourceGroups, and their principals."""
    identity = world.state.add_identity("id-one")
    principal = world.arm("GET", identity).json()["properties"]
    assigned = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}

    world.create({**world.body(primaryUserAssignedIdentity=identity), "identity": assigned})

    shown = world.get()["identity"]
    assert (shown["principalId"], shown["tenantId"]) == (None, TENANT_ID)
    assert shown["userAssignedIdentities"] == {
        identity.replace("/resourcegroups/", "/resourceGroups/"): {
            "principalId": principal["principalId"],
            "clientId": principal["clientId"],
        }
    }


def test_a_change_of_identity_keeps_what_it_does_not_name(world: World) -> None:
    """A PATCH without the map keeps the identities (recording 47); null takes one away; unknown ones are refused."""
    one, two = world.state.add_identity("id-one"), world.state.add_identity("id-two")
    world.create({**world.body(), "identity": {"type": "UserAssigned", "userAssignedIdentities": {one: {}}}})
    both = "SystemAssigned,UserAssigned"

    world.arm("PATCH", PATH, {"identity": {"type": both}})
    kept = world.get()["identity"]
    world.arm("PATCH", PATH, {"identity": {"type": both, "userAssignedIdentities": {two: {}, one: None}}})
    changed = world.get()["identity"]
    refused = world.arm("PATCH", PATH, {"identity": {"type": both, "userAssignedIdentities": {one + "x": {}}}})

    assert [name.rpartition("/")[2] for name in kept["userAssignedIdentities"]] == ["id-one"]
    assert [name.rpartition("/")[2] for name in changed["userAssignedIdentities"]] == ["id-two"]
    assert kept["principalId"] == changed["principalId"]
    assert code(refused) == (400, "FailedIdentityOperation")


def test_a_hub_shares_its_stores_with_its_projects(world: World) -> None:
    """A hub's vault comes back as Microsoft.KeyVault (recording 08), a default workspace's as Microsoft.Keyvault (01)."""
    hub, project = PATH.replace("mlw", "hub"), PATH.replace("mlw", "project")
    world.arm("PUT", hub, {**world.body(encryption=None), "kind": "hub"})
    world.arm("PUT", PATH, world.body(encryption=None))
    shown = world.arm("GET", hub).json()
    body = {"location": "eastus2", "kind": "Project", "properties": {"hubResourceId": shown["id"]}}

    made = world.arm("PUT", project, body)
    orphan = world.arm("PUT", project + "2", {**body, "properties": {"hubResourceId": shown["id"] + "x"}})

    stores = ("keyVault", "storageAccount", "hubResourceId")
    properties = world.arm("GET", project).json()["properties"]
    assert made.status_code == 202
    assert [properties[name] for name in stores] == [
        shown["properties"]["keyVault"],
        shown["properties"]["storageAccount"],
        shown["id"],
    ]
    assert "Microsoft.KeyVault" in shown["properties"]["keyVault"]
    assert "Microsoft.Keyvault" in world.get()["properties"]["keyVault"]
    assert code(orphan) == (400, "BadRequest")


def test_a_role_counts_on_an_rbac_vault_and_a_policy_does_not(instant: Running) -> None:
    """P36: on an RBAC vault access policies are ignored."""
    world = World(instant, rbac=True)
    assert world.create()["status"] == "Succeeded"
    world.state.tenant.table("assignments").clear()
    world.state.add_access_policy("kv-cmk")
    world.arm("DELETE", PATH + "?forceToPurge=true")

    assert world.create()["status"] == "Failed"


def test_a_role_on_the_key_alone_is_enough(instant: Running) -> None:
    """The scope of a grant may be one key."""
    world = World(instant, rbac=True)
    world.state.tenant.table("assignments").clear()
    world.state.assign_role(world.vault + "/keys/cmk")

    assert world.create()["status"] == "Succeeded"


def test_a_user_assigned_identity_needs_to_read_the_vault(instant: Running) -> None:
    """P37, quoted: crypto rights alone are not enough to read the key."""
    world = World(instant)
    identity, principal = world.identity("uai")
    world.state.add_access_policy("kv-cmk", principal)
    body = world.body()
    body["identity"] = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {identity: {}}}
    body["properties"]["encryption"]["identity"] = {"userAssignedIdentity": identity}

    first = world.create(body)
    world.state.assign_role(world.vault, principal, READER)
    second = world.create(body)

    assert "'Microsoft.KeyVault/vaults/read'" in first["error"]["message"]
    assert second["status"] == "Succeeded"


def test_an_acting_identity_fails_for_one_missing_right_at_a_time(instant: Running) -> None:
    """P37: each failure names one action and its scope; Contributor on the group has them all."""
    world = World(instant)
    identity, principal = world.identity("uai")
    world.state.add_access_policy("kv-cmk", principal)
    world.state.assign_role(world.vault, principal, READER)
    body = {**world.body(), "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}}
    body["properties"]["encryption"]["identity"] = {"userAssignedIdentity": identity}

    first = world.create(body)
    world.state.assign_role(world.storage, principal, CONTRIBUTOR)
    second = world.create(body)
    world.state.assign_role(world.vault.split("/providers/")[0], principal, CONTRIBUTOR)
    third = world.create(body)

    assert f"'Microsoft.Storage/storageAccounts/write' over scope '{world.storage}'" in first["error"]["message"]
    assert "'Microsoft.DocumentDB/databaseAccounts/write' over scope" in second["error"]["message"]
    assert third["status"] == "Succeeded"


def test_the_reader_of_the_key_is_one_of_the_identities(instant: Running) -> None:
    """An identity that the workspace does not have cannot read the key for it."""
    world = World(instant)
    identity, _ = world.identity("uai")
    body = world.body()
    body["properties"]["encryption"]["identity"] = {"userAssignedIdentity": identity}

    assert world.arm("PUT", PATH, body).status_code == 400


def test_what_hubs_and_projects_refuse(world: World) -> None:
    """A project has no encryption of its own, no other region, and keeps its hub alive; a kind never changes."""
    hub, project = PATH.replace("mlw", "hub"), PATH.replace("mlw", "project")
    world.poll(world.arm("PUT", hub, {**world.body(), "kind": "Hub"}).headers["Azure-AsyncOperation"])
    identifier = world.arm("GET", hub).json()["id"]
    properties = {"hubResourceId": identifier}
    body = {"location": "eastus2", "kind": "Project", "properties": properties}
    encryption = world.body()["properties"]["encryption"]
    made = world.arm("PUT", project, body)

    encrypted = world.arm("PUT", project + "2", {**body, "properties": {**properties, "encryption": encryption}})
    elsewhere = world.arm("PUT", project + "3", {**body, "location": "westus"})
    deleted = world.arm("DELETE", hub)
    changed = world.arm("PATCH", hub, {"kind": "Default"})
    settings = world.arm("PUT", PATH, world.body(workspaceHubConfig={"defaultWorkspaceResourceGroup": "/x"}))

    assert world.arm("GET", hub).json()["properties"]["hbiWorkspace"]
    assert (202, 400, 400, 409, 500, 400) == (
        *(made.status_code, encrypted.status_code, elsewhere.status_code),
        *(deleted.status_code, changed.status_code, settings.status_code),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"hbiWorkspace": True},
        {"enableServiceSideCMKEncryption": True},
        {"encryption": {"status": "Disabled"}},
    ],
)
def test_what_is_fixed_at_creation_answers_a_bare_500(world: World, change: dict[str, Any]) -> None:
    """P63 and P67, quoted: the service returns no more than InternalServerError."""
    world.create()

    answer = world.arm("PATCH", PATH, {"properties": change})

    assert answer.status_code in {400, 500}
    if "encryption" not in change:
        assert answer.json() == {"error": {"code": "InternalServerError", "message": "InternalServerError"}}


def test_encryption_cannot_be_added_later(world: World) -> None:
    """P64."""
    world.create(world.body(encryption=None))

    assert code(world.arm("PUT", PATH, world.body())) == (500, "InternalServerError")


def test_the_key_can_change_within_its_vault(world: World) -> None:
    """Rotation: PATCH of keyIdentifier alone; another vault's key is not taken."""
    world.create()
    newer = world.state.add_key("kv-cmk", "cmk")
    patch = {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": newer}}}}

    accepted = world.arm("PATCH", PATH, patch)

    assert accepted.status_code == 202
    assert world.poll(accepted.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert world.get()["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] == newer


def _disabled(world: World) -> str:
    return str(world.state.add_key("kv-cmk", "cmk", attributes={"enabled": False}))


def _expired(world: World) -> str:
    return str(world.state.add_key("kv-cmk", "cmk", attributes={"exp": 1_000_000_000}))


def _absent(world: World) -> str:
    return str(world.state.add_key("kv-cmk", "cmk")).rpartition("/")[0] + "/" + "0" * 32


def _without_grant(world: World) -> str:
    newer = str(world.state.add_key("kv-cmk", "cmk-2"))
    _spoil_grant(world)
    return newer


@pytest.mark.parametrize("newer", [_disabled, _expired, _absent, _without_grant])
def test_a_rotation_to_a_key_that_cannot_be_used_fails_and_leaves_the_key(
    world: World, newer: Callable[[World], str]
) -> None:
    """The operation ends as Failed, and the workspace keeps the version it had."""
    world.create()
    before = world.get()["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    patch = {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": newer(world)}}}}

    accepted = world.arm("PATCH", PATH, patch)

    assert "Failed" == world.poll(accepted.headers["Azure-AsyncOperation"])["status"]
    assert before == world.get()["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]


def test_the_managed_resources_follow_a_rotation(world: World) -> None:
    """The storage account at once; the Cosmos DB account shows the version before for a while, in new api-versions only."""
    world.create()
    before = world.get()["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"].rpartition("/")[2]
    newer = str(world.state.add_key("kv-cmk", "cmk"))
    patch = {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": newer}}}}
    pace, world.state.tenant.pace = world.state.tenant.pace, Pace.reads(2)
    world.arm("PATCH", PATH, patch)
    encryption = world.get()["properties"]["encryption"]
    account, cosmos = encryption["storageAccountResourceId"], encryption["cosmosDbResourceId"]

    def shown(api: str) -> Any:
        return world.arm("GET", f"{cosmos}?api-version={api}").json()["properties"].get("keyVaultKeyUriVersion")

    seen = [shown("2024-11-15"), shown("2025-10-15"), shown("2025-10-15")]
    world.state.tenant.pace = pace
    held = world.arm("GET", account).json()["properties"]["encryption"]["keyvaultproperties"]
    assert newer == held["currentVersionedKeyIdentifier"]
    assert [None, before, newer.rpartition("/")[2]] == seen


def test_the_same_put_again_changes_nothing(world: World) -> None:
    """An update with what is there already succeeds."""
    world.create()
    before = world.get()["properties"]

    assert world.create()["status"] == "Succeeded"
    assert world.get()["properties"] == before


def test_a_soft_deleted_workspace_keeps_its_name_and_its_managed_group(world: World) -> None:
    """P69 (quoted) and P71; forceToPurge ends both."""
    world.create()
    group = world.get()["properties"]["serviceProvisionedResourceGroup"]
    world.arm("DELETE", PATH)

    again = world.arm("PUT", PATH, world.body())
    kept = world.arm("GET", group).status_code
    world.arm("DELETE", PATH + "?forceToPurge=true")

    assert again.json()["error"]["message"].startswith("Soft-deleted workspace exists.")
    assert (kept, world.arm("GET", group).status_code) == (200, 404)
    assert world.create()["status"] == "Succeeded"


def test_a_slow_grant_makes_a_create_straight_after_it_fail(running: Running) -> None:
    """The fault slow-grant: a grant takes effect only after some reads; a later create works."""
    world = World(running)
    _spoil_grant(world)
    world.state.add_fault("slow-grant")
    principal = next(
        key for key, row in world.state.tenant.table("principals").items() if row["appId"] == COSMOS_DB_APP_ID
    )
    tenant = world.state.tenant.tenant_id
    policy = {"tenantId": tenant, "objectId": principal, "permissions": {"keys": ["get", "wrapKey", "unwrapKey"]}}
    world.arm("PUT", world.vault + "/accessPolicies/add", {"properties": {"accessPolicies": [policy]}})

    assert world.create()["status"] == "Failed"
    assert world.create()["status"] == "Succeeded"


def test_a_read_only_property_is_ignored(world: World) -> None:
    """What belongs to the service is dropped, as in Azure."""
    world.create(world.body(workspaceId="x"))

    assert world.get()["properties"]["workspaceId"] != "x"


def test_the_managed_storage_account_is_encrypted_with_the_key(world: World) -> None:
    """Documented; it can be read, and its keys cannot: the group has a deny assignment."""
    world.create()
    account = world.get()["properties"]["encryption"]["storageAccountResourceId"]

    shown = world.arm("GET", account).json()
    keys = world.arm("POST", account + "/listKeys")

    assert shown["properties"]["encryption"]["keySource"] == "Microsoft.Keyvault"
    held = shown["properties"]["encryption"]["keyvaultproperties"]
    assert (held["keyname"], held["keyvaulturi"]) == ("cmk", "https://kv-cmk.vault.azure.net/")
    assert held["currentVersionedKeyIdentifier"].startswith("https://kv-cmk.vault.azure.net/keys/cmk/")
    assert code(keys) == (403, "DenyAssignmentAuthorizationFailed")
