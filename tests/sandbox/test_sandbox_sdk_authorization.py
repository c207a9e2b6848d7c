"""azure-mgmt-authorization, through its public methods."""

import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.identity import ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.server import Running

ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
PRINCIPAL = "0b7e1c52-5d0e-4f0e-9a53-3e7f5b1f2c11"


@pytest.fixture
def client(running: Running, monkeypatch: pytest.MonkeyPatch) -> AuthorizationManagementClient:
    """Provide the SDK's client, which finds the sandbox through the environment alone."""
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    running.state.register_provider()
    running.state.add_resource_group("rg")
    running.state.add_vault("kv-roles", rbac=True)
    running.state.add_principal(PRINCIPAL, "worker")
    return AuthorizationManagementClient(ClientSecretCredential(TENANT_ID, CLIENT_ID, CLIENT_SECRET), SUBSCRIPTION_ID)


SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-roles"
ROLE = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}"
GRANT = {"role_definition_id": ROLE, "principal_id": PRINCIPAL, "principal_type": "ServicePrincipal"}


def test_a_role_is_found_by_its_name(client: AuthorizationManagementClient) -> None:
    """The encryption role of Microsoft's pages, with its data actions."""
    found = list(client.role_definitions.list(SCOPE, filter="roleName eq 'Key Vault Crypto Service Encryption User'"))

    assert [ENCRYPTION_USER] == [each.name for each in found]
    assert "Microsoft.KeyVault/vaults/keys/wrap/action" in found[0].permissions[0].data_actions


def test_a_role_assignment_is_made_listed_and_taken_away(client: AuthorizationManagementClient) -> None:
    """Made once, seen at its scope, refused under another name, gone after its deletion."""
    name = str(uuid.uuid4())

    made = client.role_assignments.create(SCOPE, name, GRANT)
    listed = list(client.role_assignments.list_for_scope(SCOPE, filter=f"principalId eq '{PRINCIPAL}'"))
    with pytest.raises(ResourceExistsError) as again:
        client.role_assignments.create(SCOPE, str(uuid.uuid4()), GRANT)
    client.role_assignments.delete(SCOPE, name)

    assert (name, [name]) == (made.name, [each.name for each in listed])
    assert again.value.error is not None
    assert "RoleAssignmentExists" == again.value.error.code
    assert [] == list(client.role_assignments.list_for_scope(SCOPE, filter=f"principalId eq '{PRINCIPAL}'"))


def test_an_unknown_principal_is_refused(client: AuthorizationManagementClient) -> None:
    """PrincipalNotFound, when no type of the principal is given."""
    unknown = {"role_definition_id": ROLE, "principal_id": str(uuid.uuid4())}

    with pytest.raises(HttpResponseError) as refused:
        client.role_assignments.create(SCOPE, str(uuid.uuid4()), unknown)

    assert refused.value.error is not None
    assert (400, "PrincipalNotFound") == (refused.value.status_code, refused.value.error.code)
