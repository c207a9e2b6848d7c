"""Deny policies: what a write meets, what checkPolicyRestrictions returns beforehand, what fails in the managed group."""

import json
from typing import Any

import pytest
from support.faults import LOCATION, Ready
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

from cmkctl.sandbox.server import Running

ACCOUNT = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone"
STORAGE = "Microsoft.Storage/storageAccounts"
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
BODY: dict[str, Any] = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
CHECK = "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions?api-version=2023-03-01"


@pytest.fixture
def arm(instant: Running) -> Client:
    """Return a client of a subscription with one group."""
    instant.state.add_resource_group("rg")
    return Client(instant)


def no_keys(arm: Client, **more: Any) -> str:
    """Want storage accounts without shared keys."""
    return arm.running.state.add_policy("no-keys", STORAGE, "allowSharedKeyAccess", allow=[False], **more)


def test_a_write_that_a_policy_denies_has_the_quoted_form(arm: Client) -> None:
    """P54: 403, target, the reason, and every id in additionalInfo."""
    assignment = no_keys(arm, reason="Shared keys are not allowed.")

    answer = arm("PUT", ACCOUNT, BODY)
    error = answer.json()["error"]
    info = error["additionalInfo"][0]["info"]

    assert (403, "RequestDisallowedByPolicy") == code(answer)
    assert error["target"] == "stone"
    assert error["message"] == (
        "Resource 'stone' was disallowed by policy. Reasons: 'Shared keys are not allowed.'. "
        "See error details for policy resource IDs."
    )
    assert (assignment, "deny", SUBSCRIPTION) == (
        info["policyAssignmentId"], info["policyDefinitionEffect"], info["policyAssignmentScope"],
    )  # fmt: skip
    assert [row["expression"] for row in info["evaluationDetails"]["evaluatedExpressions"]] == [
        "type",
        f"{STORAGE}/allowSharedKeyAccess",
    ]


def test_without_a_reason_the_message_quotes_the_policies(arm: Client) -> None:
    """The other quoted form: Policy identifiers, as JSON in the text."""
    assignment = no_keys(arm)

    message = arm("PUT", ACCOUNT, BODY).json()["error"]["message"]
    quoted = json.loads(message.partition("Policy identifiers: '")[2].removesuffix("'."))

    assert [assignment] == [row["policyAssignment"]["id"] for row in quoted]


def test_what_complies_is_let_through(arm: Client) -> None:
    """The value it wants; another type; and everything once the policies are gone."""
    no_keys(arm)

    complying = arm("PUT", ACCOUNT, {**BODY, "properties": {"allowSharedKeyAccess": False}})
    other = arm("PUT", vault_path(), vault_body())
    arm.running.state.clear_policies()

    assert [200, 200, 200] == [answer.status_code for answer in (complying, other, arm("PUT", ACCOUNT, BODY))]


def test_a_patch_is_judged_by_what_would_be(arm: Client) -> None:
    """A PATCH that leaves the property alone passes; one that spoils it does not."""
    arm("PUT", ACCOUNT, {**BODY, "properties": {"allowSharedKeyAccess": False}})
    no_keys(arm)

    tags = arm("PATCH", ACCOUNT, {"tags": {"a": "b"}})
    spoilt = arm("PATCH", ACCOUNT, {"properties": {"allowSharedKeyAccess": True}})

    assert (200, 403) == (tags.status_code, spoilt.status_code)


@pytest.mark.parametrize(
    ("policy", "body", "status"),
    [
        ({"type": "*", "field": "location", "allow": ["westus3"]}, LOCATION, 403),
        ({"type": "*", "field": "location", "allow": ["East US 2"]}, LOCATION, 201),
        ({"type": GROUPS, "field": "location", "deny": ["eastus2"]}, LOCATION, 403),
        ({"type": GROUPS, "field": "tags.owner"}, LOCATION, 403),
        ({"type": GROUPS, "field": "tags.owner"}, {**LOCATION, "tags": {"Owner": "me"}}, 201),
        ({"type": GROUPS, "field": "tags.owner", "allow": ["a", "b"]}, {**LOCATION, "tags": {"owner": "c"}}, 403),
        ({"type": STORAGE, "field": "tags.owner"}, LOCATION, 201),
    ],
)
def test_location_and_tags(arm: Client, policy: dict[str, Any], body: dict[str, Any], status: int) -> None:
    """Allowed and denied values, and what must be there; regions compare without case and spaces."""
    arm.running.state.add_policy("rule", **policy)

    assert status == arm("PUT", "/resourceGroups/another", body).status_code


def test_a_policy_reaches_as_far_as_its_scope(arm: Client) -> None:
    """Assigned at a group, it leaves the others alone."""
    arm.running.state.add_resource_group("other")
    no_keys(arm, scope=f"{SUBSCRIPTION}/resourceGroups/other")

    here, there = (
        arm("PUT", ACCOUNT, BODY),
        arm("PUT", ACCOUNT.replace("/rg/", "/other/").replace("stone", "sttwo"), BODY),
    )

    assert (200, 403) == (here.status_code, there.status_code)


def test_an_arranged_policy_reaches_what_azure_ml_makes(instant: Running) -> None:
    """P54 without a fault: the caller cannot shape the managed Cosmos DB account; service-side there is none."""
    ready = Ready(instant)
    ready.grant()
    ready.state.add_policy("no-local", "Microsoft.DocumentDB/databaseAccounts", "disableLocalAuth", allow=[True])

    failed = ready.create()
    side = ready.create("mlw-side", enableServiceSideCMKEncryption=True)

    assert failed["error"]["details"][0]["code"] == "RequestDisallowedByPolicy"
    assert side["status"] == "Succeeded"


# --- checks beforehand


def restrictions(arm: Client, content: dict[str, Any], *pending: dict[str, Any], group: str = "") -> dict[str, Any]:
    """Return the response of checkPolicyRestrictions."""
    details = {"resourceContent": content, "apiVersion": "2023-05-01"}
    answer = arm("POST", f"{group}{CHECK}", {"resourceDetails": details, "pendingFields": list(pending)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_without_policies_nothing_is_restricted(arm: Client) -> None:
    """Two empty lists, at either scope."""
    empty = {"fieldRestrictions": [], "contentEvaluationResult": {"policyEvaluations": []}}

    assert [empty, empty] == [restrictions(arm, {"type": STORAGE}, group=group) for group in ("", "/resourceGroups/rg")]


def test_content_is_judged_as_a_write_would_be(arm: Client) -> None:
    """NonCompliant with effect Deny for what a PUT would be refused for, and nothing for the rest."""
    assignment = no_keys(arm)

    denied = restrictions(arm, {"type": STORAGE, "properties": {}})["contentEvaluationResult"]["policyEvaluations"]
    passed = restrictions(arm, {"type": STORAGE, "properties": {"allowSharedKeyAccess": False}})
    other = restrictions(arm, {"type": "Microsoft.KeyVault/vaults"})

    assert [(assignment, "NonCompliant", {"policyEffect": "Deny"})] == [
        (row["policyInfo"]["policyAssignmentId"], row["evaluationResult"], row["effectDetails"]) for row in denied
    ]
    assert [[], []] == [answer["contentEvaluationResult"]["policyEvaluations"] for answer in (passed, other)]


def test_pending_fields_report_future_denials(arm: Client) -> None:
    """The values that would be denied, or those that are wanted."""
    arm.running.state.add_policy("regions", "*", "location", allow=["eastus2"])
    arm.running.state.add_policy("owner", "*", "tags.owner")

    pending = ({"field": "location", "values": ["eastus2", "westus3"]}, {"field": "tags.owner"})
    rows = {
        row["field"]: row["restrictions"][0]
        for row in restrictions(arm, {"type": STORAGE}, *pending)["fieldRestrictions"]
    }

    assert ("Deny", ["westus3"]) == (rows["location"]["result"], rows["location"]["values"])
    assert rows["tags.owner"]["result"] == "Required"


def test_policies_are_kept_with_the_state(instant: Running) -> None:
    """They are part of the tenant, as is everything else arranged."""
    instant.state.add_policy("regions", "*", "location", allow=["eastus2"])

    assert ["regions"] == list(instant.state.tenant.data["policies"])
