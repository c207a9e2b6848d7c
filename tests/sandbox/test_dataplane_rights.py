"""Who may use a vault: access policies, roles, the network. The caller is evaluated, and a vault begins closed."""

from collections.abc import Iterator

import pytest
from support.dataplane import CRYPTO_OFFICER, OWNER, Vault, open_vault, refusal
from support.sandbox import Client

from cmkctl.sandbox import CLIENT_ID, CLIENT_OBJECT_ID, TENANT_ID, Sandbox
from cmkctl.sandbox.core.roles import allowing_data
from cmkctl.sandbox.planes.vault.authentication import CALLER_ADDRESS
from cmkctl.sandbox.planes.vault.permissions import OPERATIONS
from cmkctl.sandbox.server import Running

ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
READER = "21090545-7ca7-4776-b22c-e363652d74d2"
CALLER = f"appid={CLIENT_ID};oid={CLIENT_OBJECT_ID};iss=https://sts.windows.net/{TENANT_ID}/"
EC = {"kty": "EC"}


def test_creating_a_vault_grants_no_data_plane_permission(instant: Running) -> None:
    """As in Azure: az adds an access policy for itself, ARM does not."""
    instant.state.add_vault("kv-one")

    answer = Vault(instant)("GET", "/keys/cmk")

    assert refusal(answer) == (403, "Forbidden", "ForbiddenByPolicy")
    expected = (
        f"The user, group or application '{CALLER}' does not have keys get permission on key vault "
        "'kv-one;location=eastus2'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287"
    )
    assert expected == answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("GET", "/keys", "list"),
        ("GET", "/keys/k", "get"),
        ("GET", "/keys/k/versions", "list"),
        ("POST", "/keys/k/create", "create"),
        ("PUT", "/keys/k", "import"),
        ("PATCH", "/keys/k/", "update"),
        ("DELETE", "/keys/k", "delete"),
        ("POST", "/keys/k/rotate", "rotate"),
        ("GET", "/keys/k/rotationpolicy", "getrotationpolicy"),
        ("PUT", "/keys/k/rotationpolicy", "setrotationpolicy"),
        ("GET", "/deletedkeys", "list"),
        ("GET", "/deletedkeys/k", "get"),
        ("POST", "/deletedkeys/k/recover", "recover"),
        ("DELETE", "/deletedkeys/k", "purge"),
        *[("POST", f"/keys/k/v/{name.lower()}", name) for name in OPERATIONS],
    ],
)
def test_each_request_takes_its_own_word(shared_vault: Vault, method: str, path: str, word: str) -> None:
    """The refusal of a caller without any permission names the missing one."""
    answer = shared_vault(method, path)

    assert refusal(answer) == (403, "Forbidden", "ForbiddenByPolicy")
    assert f"does not have keys {word} permission" in answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def shared_vault() -> Iterator[Vault]:
    """Yield a closed vault that no test changes."""
    with Sandbox().serve() as running:
        running.state.add_vault("kv-one")
        yield Vault(running)


def test_a_word_is_compared_without_case_and_all_is_every_word(instant: Running) -> None:
    """Portal and CLI write them differently; Azure echoes what was stored (fact 17)."""
    open_vault(instant, "Create", "GET", name="kv-words")
    open_vault(instant, "all", name="kv-all")

    assert Vault(instant, "kv-words")("POST", "/keys/k/create", EC).status_code == 200
    assert refusal(Vault(instant, "kv-words")("GET", "/keys"))[0] == 403
    assert Vault(instant, "kv-all")("GET", "/keys").status_code == 200


def test_an_access_policy_for_the_application_id_grants_nothing(instant: Running) -> None:
    """The usual mistake (P28, P32): the object id differs from it."""
    instant.state.add_vault("kv-one")
    instant.state.add_access_policy("kv-one", CLIENT_ID, ("all",))

    assert refusal(Vault(instant)("GET", "/keys")) == (403, "Forbidden", "ForbiddenByPolicy")


def test_owner_and_contributor_have_no_right_in_an_rbac_vault(instant: Running) -> None:
    """P24, in the words quoted for P30."""
    vault_id = instant.state.add_vault("kv-one", rbac=True)
    instant.state.assign_role(vault_id, CLIENT_OBJECT_ID, OWNER)
    instant.state.add_access_policy("kv-one", CLIENT_OBJECT_ID, ("all",))

    answer = Vault(instant)("GET", "/keys/cmk")

    assert refusal(answer) == (403, "Forbidden", "ForbiddenByRbac")
    expected = (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
        f"definitions were changed recently, please observe propagation time.\r\nCaller: {CALLER}\r\n"
        f"Action: 'Microsoft.KeyVault/vaults/keys/read'\r\nResource: '{vault_id.lower()}/keys/cmk'\r\n"
        "Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        "Vault: kv-one;location=eastus2\r\n"
    )
    assert expected == answer.json()["error"]["message"]


@pytest.mark.parametrize("level", ["key", "vault", "group", "subscription"])
def test_a_role_counts_at_every_scope_above(instant: Running, level: str) -> None:
    """A grant on one key reaches that key only."""
    vault_id = instant.state.add_vault("kv-one", rbac=True)
    instant.state.add_key("kv-one", "cmk", kty="EC")
    instant.state.add_key("kv-one", "other", kty="EC")
    parts = vault_id.split("/")
    scopes = {"key": f"{vault_id}/keys/cmk", "vault": vault_id, "group": "/".join(parts[:5])}
    instant.state.assign_role(scopes.get(level, "/".join(parts[:3])), CLIENT_OBJECT_ID, ENCRYPTION_USER)
    vault = Vault(instant)

    assert vault("GET", "/keys/cmk").status_code == 200
    assert vault("GET", "/keys/other").status_code == (403 if level == "key" else 200)


def test_the_built_in_roles_have_microsofts_data_actions() -> None:
    """Reader reads, the encryption role wraps, the user uses, the officer manages."""
    action = "Microsoft.KeyVault/vaults/{}".format

    assert {ENCRYPTION_USER, READER, CRYPTO_OFFICER} < set(allowing_data(action("keys/read")))
    assert READER not in allowing_data(action("keys/wrap/action"))
    assert ENCRYPTION_USER not in allowing_data(action("keys/sign/action"))
    creators = {CRYPTO_OFFICER, "00482a5a-887f-4fb3-b363-3b7fe8e74483"}
    assert creators == set(allowing_data(action("keys/create/action")))
    assert creators == set(allowing_data(action("keyrotationpolicies/write")))


def test_a_slow_grant_is_refused_until_it_has_propagated(running: Running) -> None:
    """The fault counts data-plane requests, too: a client that retries on the 403 succeeds (P30)."""
    vault_id = running.state.add_vault("kv-one", rbac=True)
    running.state.add_fault("slow-grant")
    path = f"{vault_id}/providers/Microsoft.Authorization/roleAssignments/{TENANT_ID}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{CRYPTO_OFFICER}"
    Client(running)("PUT", path, {"properties": {"principalId": CLIENT_OBJECT_ID, "roleDefinitionId": role}})
    vault = Vault(running)

    assert [403, 200, 200] == [vault("GET", "/keys").status_code for _ in range(3)]


def test_the_network_is_checked_before_the_rights(instant: Running) -> None:
    """ForbiddenByConnection and ForbiddenByFirewall, word for word (P23); an allowed address gets in."""
    closed = open_vault(instant, name="kv-closed", publicNetworkAccess="Disabled")
    deny = {"defaultAction": "Deny", "bypass": "AzureServices"}
    walled = open_vault(instant, name="kv-walled", networkAcls=deny)
    allowed = {**deny, "ipRules": [{"value": "203.0.113.0/24"}]}
    let_in = open_vault(instant, name="kv-let-in", networkAcls=allowed)

    answers = [vault("GET", "/keys") for vault in (closed, walled, let_in)]

    assert refusal(answers[0]) == (403, "Forbidden", "ForbiddenByConnection")
    assert refusal(answers[1]) == (403, "Forbidden", "ForbiddenByFirewall")
    expected = (
        f"Client address is not authorized and caller is not a trusted service.\r\nClient address: {CALLER_ADDRESS}"
        f"\r\nCaller: {CALLER}\r\nVault: kv-walled;location=eastus2"
    )
    assert expected == answers[1].json()["error"]["message"]
    assert answers[2].status_code == 200
