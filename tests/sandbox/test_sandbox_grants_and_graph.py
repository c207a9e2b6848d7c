"""Role assignments, role definitions, Graph and managed identities."""

import uuid

import pytest
import requests
from support.sandbox import SUBSCRIPTION, Client, code

from cmkctl.sandbox import CLIENT_ID, CLIENT_OBJECT_ID, TENANT_ID
from cmkctl.sandbox.core import custom_roles
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID

ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
STRANGER = "5e5e5e5e-0000-4000-8000-00000000cafe"


@pytest.fixture
def vault(quick: Client) -> str:
    """Return the id of a vault with role-based access."""
    quick.running.state.register_provider("Microsoft.DocumentDB")
    return str(quick.running.state.add_vault("kv-one", rbac=True))


def assign(client: Client, scope: str, principal: str, name: str | None = None, **more: str) -> requests.Response:
    """Assign the encryption role at a scope."""
    role = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}"
    body = {"properties": {"roleDefinitionId": role, "principalId": principal, **more}}
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}"
    return client("PUT", path, body, "2022-04-01")


def test_an_assignment_is_201_and_a_second_one_exists(quick: Client, vault: str) -> None:
    """Assign the encryption role."""
    """Fact 32: again under another name is 409 RoleAssignmentExists; under its own name it is 201 again."""
    name = str(uuid.uuid4())

    first = assign(quick, vault, COSMOS_DB_OBJECT_ID, name)

    assert first.status_code == 201
    assert (first.json()["properties"]["scope"], first.json()["properties"]["principalType"]) == (
        vault,
        "ServicePrincipal",
    )
    assert code(assign(quick, vault, COSMOS_DB_OBJECT_ID)) == (409, "RoleAssignmentExists")
    assert assign(quick, vault, COSMOS_DB_OBJECT_ID, name).status_code == 201


def test_an_unknown_principal_is_refused_unless_its_type_is_given(quick: Client, vault: str) -> None:
    """Recorded: the id without dashes. With principalType the check is skipped: the trap of P28."""
    refused = assign(quick, vault, STRANGER)

    assert code(refused) == (400, "PrincipalNotFound")
    start = f"Principal {STRANGER.replace('-', '')} does not exist in the directory {TENANT_ID}."
    assert refused.json()["error"]["message"].startswith(start)
    assert assign(quick, vault, COSMOS_DB_APP_ID, principalType="ServicePrincipal").status_code == 201


def test_other_principals_that_cannot_be(quick: Client, vault: str) -> None:
    """The type has to match, and the id has to be a GUID."""
    assert code(assign(quick, vault, COSMOS_DB_OBJECT_ID, principalType="User")) == (400, "UnmatchedPrincipalType")
    assert code(assign(quick, vault, "wow")) == (400, "InvalidPrincipalId")


def test_assignments_are_found_by_principal_and_scope(quick: Client, vault: str) -> None:
    """At the key, the vault's assignment is listed, too; with atScope() nothing below is."""
    quick.running.state.add_key("kv-one", "cmk")
    assign(quick, vault, COSMOS_DB_OBJECT_ID)
    assign(quick, vault + "/keys/cmk", CLIENT_OBJECT_ID)
    listing = "/providers/Microsoft.Authorization/roleAssignments?$filter="

    def found(scope: str, wanted: str) -> list[str]:
        rows = quick("GET", scope + listing + wanted).json()["value"]
        return [row["properties"]["principalId"] for row in rows]

    assert found(vault, f"principalId eq '{COSMOS_DB_OBJECT_ID}'") == [COSMOS_DB_OBJECT_ID]
    assert found(vault, "atScope()") == [COSMOS_DB_OBJECT_ID]
    assert found(vault + "/keys/cmk", "atScope()") == [COSMOS_DB_OBJECT_ID, CLIENT_OBJECT_ID]
    assert found(vault, f"assignedTo('{CLIENT_OBJECT_ID}')") == [CLIENT_OBJECT_ID]


def test_deleting_an_assignment_answers_it_once(quick: Client, vault: str) -> None:
    """200 with what it was, 204 when it is not there; GET is 404 then."""
    path = assign(quick, vault, COSMOS_DB_OBJECT_ID).json()["id"]

    assert [quick("DELETE", path).status_code for _ in range(2)] == [200, 204]
    assert code(quick("GET", path)) == (404, "RoleAssignmentNotFound")


def test_a_role_is_found_by_name(quick: Client, vault: str) -> None:
    """With the data actions recorded for the encryption role."""
    path = vault + "/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq "

    rows = quick("GET", path + "'Key Vault Crypto Service Encryption User'").json()["value"]

    assert [row["name"] for row in rows] == [ENCRYPTION_USER]
    assert "Microsoft.KeyVault/vaults/keys/wrap/action" in rows[0]["properties"]["permissions"][0]["dataActions"]


def test_graph_answers_an_empty_list_for_an_unknown_application(quick: Client) -> None:
    """Fact 33: 200 with no value, in Graph's own content type."""
    graph = Client(quick.running, "graph.microsoft.com")

    answer = graph("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{COSMOS_DB_APP_ID}'")

    assert (answer.status_code, answer.json()["value"]) == (200, [])
    assert answer.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")


def test_graph_creates_a_service_principal(quick: Client) -> None:
    """201, with an object id that is not the application id; then it is found both ways."""
    graph = Client(quick.running, "graph.microsoft.com")

    made = graph("POST", "/v1.0/servicePrincipals", {"appId": COSMOS_DB_APP_ID})
    found = graph("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{COSMOS_DB_APP_ID}'&$select=id").json()["value"]

    assert (made.status_code, made.json()["id"]) == (201, COSMOS_DB_OBJECT_ID)
    assert found == [{"id": COSMOS_DB_OBJECT_ID}]
    assert graph("GET", "/v1.0/servicePrincipals/" + COSMOS_DB_OBJECT_ID).json()["appId"] == COSMOS_DB_APP_ID


def test_the_signed_in_principal_is_in_the_directory(quick: Client) -> None:
    """So that a client can find out who it is."""
    graph = Client(quick.running, "graph.microsoft.com")

    assert graph("GET", f"/v1.0/servicePrincipals(appId='{CLIENT_ID}')").json()["id"] == CLIENT_OBJECT_ID


def test_an_identity_has_a_principal_that_can_be_granted(quick: Client) -> None:
    """201, then 200; lower-case resourcegroups in its id, as recorded."""
    quick("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    path = "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai"

    made = quick("PUT", path, {"location": "eastus2"})
    again = quick("PUT", path, {"location": "eastus2"})
    vault = quick.running.state.add_vault("kv-one")

    assert [made.status_code, again.status_code] == [201, 200]
    assert "/resourcegroups/rg/" in made.json()["id"]
    assert assign(quick, vault, made.json()["properties"]["principalId"]).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("startswith(displayName,'azure cosmos')", ["Azure Cosmos DB"]),
        ("displayName eq 'AZURE COSMOS DB'", ["Azure Cosmos DB"]),
        (f"startswith(displayName,'Azure') and appId eq '{COSMOS_DB_APP_ID}'", ["Azure Cosmos DB"]),
        ("startswith(displayName,'Azure and others')", []),
        ("servicePrincipalType eq 'ManagedIdentity'", ["id-one"]),
    ],
)
def test_principals_are_found_as_people_type_them(quick: Client, wanted: str, found: list[str]) -> None:
    """``az ad sp list --display-name`` sends startswith; without case, joined by ``and``."""
    quick.running.state.register_provider()
    quick.running.state.add_identity("id-one")
    graph = Client(quick.running, "graph.microsoft.com")

    rows = graph("GET", f"/v1.0/servicePrincipals?$filter={wanted}").json()["value"]

    assert found == [row["displayName"] for row in rows]


def test_a_managed_identity_names_its_owner(quick: Client) -> None:
    """As recorded (40, 59): its type, its resource, and no application."""
    identity = quick.running.state.add_identity("id-one")
    principal = quick("GET", identity, api="2023-01-31").json()["properties"]["principalId"]
    graph = Client(quick.running, "graph.microsoft.com")

    row = graph("GET", f"/v1.0/servicePrincipals/{principal}").json()

    assert ("ManagedIdentity", ["isExplicit=True", identity]) == (row["servicePrincipalType"], row["alternativeNames"])
    assert [None, None, None] == [row[name] for name in ("appDisplayName", "appOwnerOrganizationId", "signInAudience")]


def test_a_principal_is_deleted_and_made_again(quick: Client) -> None:
    """``az ad sp create`` reads the application first; DELETE is 204, empty, then 404."""
    client_id = quick.running.state.add_client("pipeline")["AZURE_CLIENT_ID"]
    graph = Client(quick.running, "graph.microsoft.com")
    path = f"/v1.0/servicePrincipals?$filter=appId eq '{client_id}'"
    before = graph("GET", path).json()["value"][0]

    application = graph("GET", f"/v1.0/applications?$filter=appId eq '{client_id}'").json()["value"][0]
    gone = [graph("DELETE", f"/v1.0/servicePrincipals/{before['id']}") for _ in range(2)]
    made = graph("POST", "/v1.0/servicePrincipals", {"appId": client_id, "accountEnabled": True})

    assert ("pipeline", client_id) == (application["displayName"], application["appId"])
    assert ([204, 404], b"") == ([answer.status_code for answer in gone], gone[0].content)
    assert (201, before) == (made.status_code, graph("GET", path).json()["value"][0])


def test_a_custom_role_is_assignable_at_its_scopes_only(quick: Client, vault: str) -> None:
    """Its definition shows what it allows, and it is listed where it can be assigned."""
    group = vault.partition("/providers/")[0]
    role = quick.running.state.add_role("Reader of keys", data_actions=["Microsoft.KeyVault/vaults/*"], scopes=[vault])
    definition = {"roleDefinitionId": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"}
    listing = "/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'reader of keys'"

    shown = quick("GET", definition["roleDefinitionId"], None, "2022-04-01").json()

    assert ("CustomRole", [vault]) == (shown["properties"]["type"], shown["properties"]["assignableScopes"])
    assert 201 == assign(quick, vault, COSMOS_DB_OBJECT_ID, **definition).status_code
    assert (400, "RoleDefinitionNotAssignableAtScope") == code(assign(quick, group, COSMOS_DB_OBJECT_ID, **definition))
    assert [1, 0] == [
        len(quick("GET", scope + listing, None, "2022-04-01").json()["value"]) for scope in (vault, group)
    ]


def test_not_data_actions_take_a_right_away(quick: Client) -> None:
    """A role does not allow the actions in its notDataActions."""
    role = quick.running.state.add_role(
        "No unwrap",
        data_actions=["Microsoft.KeyVault/vaults/keys/*"],
        not_data_actions=["Microsoft.KeyVault/vaults/keys/unwrap/action"],
    )
    tenant = quick.running.state.tenant

    assert role in custom_roles.allowing_data(tenant, "Microsoft.KeyVault/vaults/keys/wrap/action")
    assert role not in custom_roles.allowing_data(tenant, "Microsoft.KeyVault/vaults/keys/unwrap/action")


def test_condition_and_description_change_under_the_same_name(quick: Client, vault: str) -> None:
    """A condition needs its version; a PUT over the assignment changes both texts."""
    name = str(uuid.uuid4())
    assign(quick, vault, COSMOS_DB_OBJECT_ID, name)

    refused = assign(quick, vault, COSMOS_DB_OBJECT_ID, name, condition="c")
    changed = assign(quick, vault, COSMOS_DB_OBJECT_ID, name, condition="c", conditionVersion="2.0", description="d")

    assert (400, "InvalidConditionVersion") == code(refused)
    assert ("c", "d") == tuple(changed.json()["properties"][each] for each in ("condition", "description"))


def test_a_policy_with_the_effect_modify_alters_a_new_resource(quick: Client) -> None:
    """The provider sees the altered body; a resource of another type and a read are left alone."""
    quick.running.state.add_modification("Microsoft.KeyVault/vaults", "properties.publicNetworkAccess", "Disabled")
    quick.running.state.add_resource_group("rg-altered")
    path = f"{SUBSCRIPTION}/resourceGroups/rg-altered/providers/Microsoft.KeyVault/vaults/kv-altered"
    sku = {"family": "A", "name": "standard"}
    body = {"location": "eastus2", "properties": {"tenantId": TENANT_ID, "sku": sku, "accessPolicies": []}}

    made = quick("PUT", path, body, "2023-07-01")

    assert (200, "Disabled") == (made.status_code, made.json()["properties"]["publicNetworkAccess"])
