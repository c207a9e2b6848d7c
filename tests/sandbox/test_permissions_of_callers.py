"""Who may do what on the management plane, in Microsoft Graph, and in the group that Azure ML manages."""

import pytest
import requests
from support.faults import LOCATION, WORKSPACES, Ready
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

from cmkctl.sandbox import CLIENT_OBJECT_ID
from cmkctl.sandbox.core import roles
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.clouds import CLOUDS, Service
from cmkctl.sandbox.core.ids import guid
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.permissions import action_of
from cmkctl.sandbox.server import Running

READER, CONTRIBUTOR = (found.id for name in ("Reader", "Contributor") if (found := roles.find(name)))
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"


def client(running: Running, role: str | None, scope: str = SUBSCRIPTION, host: str = "management.azure.com") -> Client:
    """Return a client that is logged in as a new service principal with a role."""
    environment = running.state.add_client("deployer", role, scope)
    return Client(running, host, client_id=environment["AZURE_CLIENT_ID"], secret=environment["AZURE_CLIENT_SECRET"])


def refusal(answer: requests.Response) -> str:
    """Return the message of a 403 AuthorizationFailed."""
    assert (403, "AuthorizationFailed") == code(answer)
    return str(answer.json()["error"]["message"])


def test_the_refusal_is_worded_as_azure_words_it(instant: Running) -> None:
    """Recordings 44 and 60: client, object id, action, scope, and the advice to refresh the credentials."""
    reader = client(instant, "Reader")
    who = instant.state.tenant.data["applications"]
    app_id, row = next(iter(who.items()))

    assert refusal(reader("PUT", GROUP, LOCATION)) == (
        f"The client '{app_id}' with object id '{row['objectId']}' does not have authorization to perform action "
        f"'Microsoft.Resources/subscriptions/resourceGroups/write' over scope '{GROUP}' or the scope is invalid. If access "
        "was recently granted, please refresh your credentials."
    )


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("POST", "/providers/Microsoft.DocumentDB/register", "Microsoft.DocumentDB/register/action", SUBSCRIPTION),
        ("PUT", f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv/keys/k", "Microsoft.KeyVault/vaults/keys/write", ""),
        ("PUT", f"{GROUP}{ASSIGNMENTS}/{guid('x')}", "Microsoft.Authorization/roleAssignments/write", ""),
        ("DELETE", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/delete", ""),
        ("POST", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st/listKeys",
         "Microsoft.Storage/storageAccounts/listKeys/action", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"),
    ],
)  # fmt: skip
def test_a_reader_may_change_nothing(instant: Running, method: str, path: str, action: str, scope: str) -> None:
    """Each refusal names the action and the scope, as the operator has to request them."""
    message = refusal(client(instant, "Reader")(method, path, {}))

    assert f"perform action '{action}' over scope '{scope or path}' " in message


def test_a_reader_may_read_and_a_principal_without_roles_may_not(instant: Running) -> None:
    """*/read allows it; without any assignment even a read is refused."""
    instant.state.add_resource_group("rg")

    assert client(instant, "Reader")("GET", GROUP).status_code == 200
    assert "resourceGroups/read'" in refusal(without_roles(instant)("GET", GROUP))


def without_roles(running: Running) -> Client:
    """Return a client without any right."""
    environment = running.state.add_client("without-roles")
    return Client(running, client_id=environment["AZURE_CLIENT_ID"], secret=environment["AZURE_CLIENT_SECRET"])


def test_a_contributor_may_do_everything_but_grant(instant: Running) -> None:
    """P34: notActions. The vault is made, the role is not assigned."""
    deployer = client(instant, "Contributor")
    deployer("PUT", GROUP, LOCATION)

    made = deployer("PUT", vault_path(), vault_body())
    message = refusal(deployer("PUT", f"{vault_path()}{ASSIGNMENTS}/{guid('x')}", {}))

    assert made.status_code == 200
    assert "'Microsoft.Authorization/roleAssignments/write'" in message


@pytest.mark.parametrize("role", ["User Access Administrator", "Role Based Access Control Administrator", "Owner"])
def test_those_who_may_grant(instant: Running, role: str) -> None:
    """P34: any of the three; two of them may do nothing else."""
    vault = instant.state.add_vault("kv-one")
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": CLIENT_OBJECT_ID}}
    admin = client(instant, role)

    granted = admin("PUT", f"{vault}{ASSIGNMENTS}/{guid('x')}", body)

    assert granted.status_code == 201
    assert (role == "Owner") == (admin("PUT", f"{GROUP}-two", LOCATION).status_code == 201)


def test_a_role_reaches_down_and_not_aside(instant: Running) -> None:
    """Contributor of one group has no rights in another, and cannot register a provider."""
    for name in ("rg", "other"):
        instant.state.add_resource_group(name)
    deployer = client(instant, "Contributor", GROUP)

    assert deployer("PUT", vault_path(), vault_body()).status_code == 200
    assert "over scope" in refusal(deployer("PUT", vault_path(group="other", name="kv-two"), vault_body()))
    assert "register/action" in refusal(deployer("POST", "/providers/Microsoft.Search/register"))


def test_a_grant_to_a_caller_may_be_slow(instant: Running) -> None:
    """A role that was just assigned counts after some reads, on the management plane, too."""
    instant.state.add_resource_group("rg")
    caller, owner = without_roles(instant), Client(instant)
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    row = next(iter(instant.state.tenant.data["applications"].values()))
    instant.state.add_fault("slow-grant")

    body = {"properties": {"roleDefinitionId": definition, "principalId": row["objectId"]}}
    owner("PUT", f"{GROUP}{ASSIGNMENTS}/{guid('x')}", body)

    assert [403, 200] == [caller("GET", GROUP).status_code for _ in range(2)]


def test_a_poll_needs_no_right(instant: Running) -> None:
    """The caller that started an operation can poll it, whatever the scope of its role."""
    ready = Ready(instant)
    ready.grant()
    deployer = client(instant, "Contributor", GROUP)

    put = deployer("PUT", f"{WORKSPACES}/mlw", ready.body())

    assert deployer("GET", put.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"


def test_key_vault_contributor_may_make_keys_but_not_purge(instant: Running) -> None:
    """A role of services: keys through ARM, no purge, nothing of storage."""
    vault = instant.state.add_vault("kv-one", purge_protection=False)
    keeper = client(instant, "Key Vault Contributor")

    key = keeper("PUT", f"{vault}/keys/cmk", {"properties": {"kty": "RSA"}})
    keeper("DELETE", vault)
    purge = keeper(
        "POST", "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-one/purge", api="2024-11-01"
    )

    assert key.status_code == 200
    assert "Microsoft.KeyVault/locations/deletedVaults/purge/action" in refusal(purge)


def test_the_usual_caller_is_owner_until_disowned(instant: Running) -> None:
    """Then it has what it is given, as everyone."""
    owner = Client(instant)
    instant.state.disown()

    refused = owner("PUT", GROUP, LOCATION)
    instant.state.assign_role(SUBSCRIPTION, CLIENT_OBJECT_ID, CONTRIBUTOR)

    assert "resourceGroups/write" in refusal(refused)
    assert owner("PUT", GROUP, LOCATION).status_code == 201


def test_the_managed_group_is_read_only(instant: Running) -> None:
    """P73: the deny assignment is above every role, for writes and deletes, of the group and in it; reads are free."""
    ready = Ready(instant)
    ready.grant()
    ready.create()
    shown = ready.arm("GET", f"{WORKSPACES}/mlw").json()["properties"]
    group, account = shown["serviceProvisionedResourceGroup"], shown["encryption"]["storageAccountResourceId"]

    tries = [
        ready.arm("DELETE", group),
        ready.arm("PUT", group, LOCATION),
        ready.arm("DELETE", account),
        ready.arm("PUT", f"{group}{ASSIGNMENTS}/{guid('x')}", {}),
    ]

    assert {(403, "DenyAssignmentAuthorizationFailed")} == {code(answer) for answer in tries}
    assert "has permission to perform action 'Microsoft.Storage/storageAccounts/delete' on scope" in tries[2].text
    assert "because of the deny assignment with name 'System deny assignment created by" in tries[2].text
    assert ready.arm("GET", group).status_code == 200


# --- Microsoft Graph


@pytest.mark.parametrize(
    ("permissions", "read", "write"),
    [([], 403, 403), (["Application.Read.All"], 200, 403), (["Application.ReadWrite.All"], 200, 201)],
)
def test_graph_requires_application_permissions(
    instant: Running, permissions: list[str], read: int, write: int
) -> None:
    """Recording 45: 403 Authorization_RequestDenied with innerError."""
    environment = instant.state.add_client("asker", graph=permissions)
    identity = {"client_id": environment["AZURE_CLIENT_ID"], "secret": environment["AZURE_CLIENT_SECRET"]}
    graph = Client(instant, "graph.microsoft.com", **identity)
    app = {"appId": "a232010e-820c-4083-83bb-3ace5fc29d0b"}

    found = graph("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{app['appId']}'")
    made = graph("POST", "/v1.0/servicePrincipals", app)

    assert (read, write) == (found.status_code, made.status_code)
    if read == 403:
        assert (403, "Authorization_RequestDenied") == code(found)
        assert found.json()["error"]["message"] == "Insufficient privileges to complete the operation."
        assert "innerError" in found.json()["error"]


def test_a_wrong_secret_of_an_added_principal_is_refused(instant: Running) -> None:
    """Each has its own."""
    environment = instant.state.add_client("asker")
    form = {
        "grant_type": "client_credentials",
        "client_id": environment["AZURE_CLIENT_ID"],
        "client_secret": "wrong",
        "scope": "https://management.azure.com/.default",
    }

    answer = Client(instant).session.post(
        "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", data=form
    )

    assert (401, "invalid_client") == (answer.status_code, answer.json()["error"])


def test_an_unknown_role_is_refused_with_the_known_ones(instant: Running) -> None:
    """Before anything is added."""
    with pytest.raises(ValueError, match="Key Vault Contributor"):
        instant.state.add_client("asker", "Wizard")

    assert instant.state.tenant.data["applications"] == {}


# --- the words of Azure RBAC


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/locations", "Microsoft.Resources/subscriptions/locations/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/resourcegroups", "Microsoft.Resources/subscriptions/resourceGroups/read", SUBSCRIPTION),
        ("HEAD", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/read", GROUP),
        ("GET", f"{GROUP}/resources", "Microsoft.Resources/subscriptions/resourceGroups/resources/read", GROUP),
        ("GET", f"{SUBSCRIPTION}/providers", "Microsoft.Resources/subscriptions/providers/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Search", "Microsoft.Resources/subscriptions/providers/read", SUBSCRIPTION),
        ("GET", f"{GROUP}/providers/Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/read", GROUP),
        ("PATCH", vault_path(), "Microsoft.KeyVault/vaults/write", vault_path()),
        ("PUT", f"{vault_path()}/accessPolicies/add", "Microsoft.KeyVault/vaults/accessPolicies/write",
         f"{vault_path()}/accessPolicies/add"),
        ("GET", f"{vault_path()}/keys/k/versions", "Microsoft.KeyVault/vaults/keys/versions/read", f"{vault_path()}/keys/k"),
        ("POST", f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability",
         "Microsoft.KeyVault/checkNameAvailability/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv",
         "Microsoft.KeyVault/locations/deletedVaults/read",
         f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv"),
        ("GET", f"{vault_path()}{ASSIGNMENTS}", "Microsoft.Authorization/roleAssignments/read", vault_path()),
        ("POST", f"{GROUP}/providers/Microsoft.Resources/deployments/d/validate",
         "Microsoft.Resources/deployments/validate/action", f"{GROUP}/providers/Microsoft.Resources/deployments/d"),
    ],
)  # fmt: skip
def test_the_action_of_a_request(method: str, path: str, action: str, scope: str) -> None:
    """Types make the action, the verb its end, and the scope is the resource or what it lies in."""
    call = Call(method, "management.azure.com", path, "", {}, b"", CLOUDS[0], Service.ARM, caller=Caller("o", "a"))

    found = action_of(call)

    assert found is not None
    assert (action, scope) == (found.name, found.scope)


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions",
        "/tenants",
        f"{SUBSCRIPTION}/operationresults/abc",
        f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/eastus2/workspaceOperationsStatus/x",
        f"{GROUP}/providers/Microsoft.Resources/deployments/d/operationStatuses/0858",
    ],
)
def test_what_needs_no_right(path: str) -> None:
    """Lists of what one has, and polls."""
    assert action_of(Call("GET", "management.azure.com", path, "", {}, b"", CLOUDS[0], Service.ARM)) is None


def test_a_role_is_found_by_name_id_and_definition() -> None:
    """As the command takes it."""
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"

    assert {READER} == {role.id for text in ("reader", READER, definition) if (role := roles.find(text))}
    assert roles.find("Wizard") is None
