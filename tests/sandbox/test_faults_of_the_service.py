"""Faults of the services: grants and principals that are slow, creations that fail, what lies soft-deleted."""

from typing import Any

import pytest
from support.faults import LOCATION, WORKSPACES, Ready
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.core.ids import guid
from cmkctl.sandbox.server import Running

ROLE = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6"
POLICY = {"objectId": COSMOS_DB_OBJECT_ID, "permissions": {"keys": ["get", "wrapKey", "unwrapKey"]}}


@pytest.fixture
def ready(instant: Running) -> Ready:
    """Return a subscription in which a CMK workspace can be created at once."""
    found = Ready(instant)
    found.grant()
    return found


def cause(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the innermost error of a failed operation."""
    error: dict[str, Any] = operation["error"]
    while error.get("details"):
        error = error["details"][0]
    return error


def grant_over_http(ready: Ready) -> None:
    """Give Azure Cosmos DB its access policy by a request, which is when faults can strike."""
    policy = {**POLICY, "tenantId": ready.state.tenant.tenant_id}
    answer = ready.arm("PUT", f"{ready.vault}/accessPolicies/add", {"properties": {"accessPolicies": [policy]}})
    assert answer.status_code == 200


# --- slow things


@pytest.mark.parametrize(("fault", "reads"), [("slow-grant", 2), ("slow-grant~4", 4)])
def test_a_grant_takes_effect_after_some_reads(instant: Running, fault: str, reads: int) -> None:
    """By the pace, two where the pace is none; or as many as the fault sets."""
    ready = Ready(instant)
    ready.state.add_fault(fault)
    grant_over_http(ready)

    for _ in range(reads - 1):
        ready.arm("GET", "/resourceGroups")
    early = ready.create()

    assert ("Failed", "Succeeded") == (early["status"], ready.create()["status"])


def test_a_grant_takes_effect_after_some_time(instant: Running) -> None:
    """~LENGTH with a unit is time, however many requests come."""
    ready = Ready(instant)
    ready.state.add_fault("slow-grant~70s")
    grant_over_http(ready)

    early = ready.create()
    ready.state.advance("71s")

    assert ("Failed", "Succeeded") == (early["status"], ready.create()["status"])


def test_a_new_principal_is_not_found_for_a_while(running: Running) -> None:
    """Fact 32: 400 PrincipalNotFound with the id without dashes, for a caller that does not name the type."""
    ready = Ready(running)
    running.state.add_fault("slow-principal~3@uai-one")
    ready.arm("PUT", "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai-one", LOCATION)
    table = running.state.tenant.table("principals")
    principal = next(key for key, row in table.items() if row["displayName"] == "uai-one")

    def assign(name: str, **more: str) -> Any:
        body = {"properties": {"roleDefinitionId": ROLE, "principalId": principal, **more}}
        return ready.arm("PUT", f"{ready.vault}/providers/Microsoft.Authorization/roleAssignments/{guid(name)}", body)

    refused = assign("one")
    accepted = assign("two", principalType="ServicePrincipal")
    ready.arm("DELETE", f"{ready.vault}/providers/Microsoft.Authorization/roleAssignments/{guid('two')}")

    assert (400, "PrincipalNotFound") == code(refused)
    assert f"Principal {principal.replace('-', '')} does not exist" in refused.json()["error"]["message"]
    assert accepted.status_code == 201
    assert [400, 201] == [assign("three").status_code for _ in range(2)]


# --- creations that fail


def test_a_creation_fails_late_with_a_nested_cause(ready: Ready) -> None:
    """Fact 12: HTTP 200, Failed, ResourceDeploymentFailure, and the cause in its details."""
    ready.state.add_fault("late-failure")

    failed = ready.create()

    assert ("Failed", "ResourceDeploymentFailure") == (failed["status"], failed["error"]["code"])
    assert "terminal provisioning state 'Failed'" in failed["error"]["message"]
    assert cause(failed)["code"] == "InternalServerError"
    assert ready.create()["status"] == "Succeeded"


def test_a_failure_is_remembered_by_the_name(instant: Running) -> None:
    """P38: the grant is right now and the name fails on, word for word; another name works, and in the end this one."""
    ready = Ready(instant)
    ready.state.add_fault("failure-cached")
    first = ready.create()
    ready.grant()

    again = ready.create()
    other = ready.create("mlw-two")
    later = [ready.create()["status"] for _ in range(2)]

    assert (first["status"], first["error"]) == (again["status"], again["error"])
    assert other["status"] == "Succeeded"
    assert ["Failed", "Succeeded"] == later


def test_without_the_fault_a_failure_is_not_remembered(instant: Running) -> None:
    """One field report is no rule."""
    ready = Ready(instant)
    first = ready.create()
    ready.grant()

    assert ("Failed", "Succeeded") == (first["status"], ready.create()["status"])


def test_a_policy_denies_the_managed_cosmos_db(ready: Ready) -> None:
    """P54: RequestDisallowedByPolicy inside the failed operation, with the policy's ids in additionalInfo."""
    ready.state.add_fault("policy-managed-group")

    denied = cause(ready.create())
    info = denied["additionalInfo"][0]

    assert denied["code"] == "RequestDisallowedByPolicy"
    assert denied["message"].startswith(
        f"Resource '{denied['target']}' was disallowed by policy. Reasons: 'This request was"
    )
    assert info["type"] == "PolicyViolation"
    assert "/policyAssignments/" in info["info"]["policyAssignmentId"]
    assert info["info"]["evaluationDetails"]["evaluatedExpressions"][1] == {
        "result": "True",
        "expressionKind": "Field",
        "expression": "Microsoft.DocumentDB/databaseAccounts/disableLocalAuth",
        "path": "properties.disableLocalAuth",
        "targetValue": "True",
        "operator": "NotEquals",
    }


def test_cosmos_db_has_no_capacity_and_then_is_half_made(ready: Ready) -> None:
    """P59, then P60 as long as the failed workspace stays; deleted for good, the name works again."""
    ready.state.add_fault("no-capacity")

    causes = [cause(ready.create()) for _ in range(2)]
    ready.arm("DELETE", f"{WORKSPACES}/mlw?forceToPurge=true")

    assert ["ServiceUnavailable", "BadRequest"] == [error["code"] for error in causes]
    assert causes[0]["message"].startswith("Sorry, we are currently experiencing high demand in this region")
    assert "is in a failed provisioning state because the previous attempt" in causes[1]["message"]
    assert ready.create()["status"] == "Succeeded"


def test_the_search_quota_is_used_up(ready: Ready) -> None:
    """P58; service-side encryption needs no search service of one's own quota."""
    ready.state.add_fault("search-quota")

    side = ready.create("mlw-side", enableServiceSideCMKEncryption=True)
    failed = cause(ready.create())

    assert side["status"] == "Succeeded"
    assert failed["code"] == "ServiceQuotaExceeded"
    assert "You are using 12 out of 12 'standard' tier service quota." in failed["message"]


# --- what turns up


def test_a_vault_of_the_name_turns_out_to_be_soft_deleted(arm: Client) -> None:
    """Not there, not free, found among the deleted ones where it is looked for, and recoverable."""
    arm("PUT", "/resourceGroups/rg", {"location": "westus3"})
    arm.running.state.add_fault("vault-soft-deleted")

    missing = arm("GET", vault_path())
    deleted = arm("GET", "/providers/Microsoft.KeyVault/locations/westus3/deletedVaults/kv-one", api="2024-11-01")
    taken = arm("PUT", vault_path(), {**vault_body(), "location": "westus3"})
    back = arm("PUT", vault_path(), {**vault_body(createMode="recover"), "location": "westus3"})

    assert (404, "ResourceNotFound") == code(missing)
    assert deleted.json()["properties"]["vaultId"] == vault_path()
    assert (409, "ConflictError") == code(taken)
    assert back.status_code == 200


def test_a_workspace_of_the_name_turns_out_to_be_soft_deleted(ready: Ready) -> None:
    """P69: refused until it is purged, which works without a GET of it."""
    ready.state.add_fault("workspace-soft-deleted")

    refused = ready.put()
    purged = ready.arm("DELETE", f"{WORKSPACES}/mlw?forceToPurge=true")

    assert refused.json()["error"]["message"].startswith("Soft-deleted workspace exists.")
    assert purged.status_code == 202
    assert ready.create()["status"] == "Succeeded"


def test_a_disk_encryption_set_fails_late(ready: Ready) -> None:
    """HTTP 200, Failed; the set stays as it is."""
    ready.state.add_fault("late-failure@diskEncryptionSets")
    path = "/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/des-one"
    key = {"sourceVault": {"id": ready.vault}, "keyUrl": ready.key}

    put = ready.arm("PUT", path, {**LOCATION, "properties": {"activeKey": key}}, api="2023-04-02")
    polled = ready.arm("GET", put.headers["Azure-AsyncOperation"]).json()

    assert ("Failed", "ResourceDeploymentFailure") == (polled["status"], polled["error"]["code"])
    assert ready.arm("GET", path, api="2023-04-02").json()["properties"]["provisioningState"] == "Failed"


def test_faults_are_named_when_the_sandbox_is_started() -> None:
    """What --fault gives; they are counted from the start."""
    with Sandbox(pace=Pace.none(), faults=["throttle-seconds:2@workspaces", "late-failure"]).serve() as running:
        assert ["throttle-seconds:2@workspaces", "late-failure:1"] == running.state.faults()
