"""Locks, policies, permissions, deny assignments, tags and features, as clients read and write them."""

from typing import Any

import pytest
from support.faults import Ready
from support.sandbox import SUBSCRIPTION, Client

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.server import Running

GROUP = "/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-cmk"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stmlw"
LOCKS = "/providers/Microsoft.Authorization/locks"
API = "2016-09-01"
ROLES = "2022-04-01"
TAGS = "2021-04-01"


@pytest.fixture
def ready(instant: Running) -> Ready:
    """Return a subscription with a group, a vault, a key and a storage account."""
    return Ready(instant)


def lock(level: str) -> dict[str, Any]:
    """Return the body of a lock."""
    return {"properties": {"level": level}}


def test_a_lock_is_written_read_and_deleted_as_recorded(ready: Ready) -> None:
    """201, then 200; GET and list; DELETE 200 without a body (83)."""
    path = f"{GROUP}{LOCKS}/one"

    made = ready.arm("PUT", path, lock("CanNotDelete"), API)
    changed = ready.arm("PUT", path, {"properties": {"level": "ReadOnly", "notes": "why"}}, API)
    read = ready.arm("GET", path, api=API).json()
    listed = ready.arm("GET", GROUP + LOCKS, api=API).json()["value"]
    young = ready.arm("GET", path, api="2020-05-01").json()
    gone = [ready.arm("DELETE", path, api=API) for _ in range(2)]
    absent = ready.arm("GET", path, api=API)

    assert (201, 200) == (made.status_code, changed.status_code)
    assert {"properties", "id", "type", "name"} == set(read)
    assert {"level": "ReadOnly", "notes": "why"} == read["properties"]
    assert [read] == listed
    assert set(young) - set(read) == {"systemData"}
    assert ([200, 204], b"") == ([answer.status_code for answer in gone], gone[0].content)
    assert (404, "LockNotFound") == (absent.status_code, absent.json()["error"]["code"])


@pytest.mark.parametrize("where", [GROUP, VAULT])
def test_a_lock_refuses_deletes_at_above_and_below(ready: Ready, where: str) -> None:
    """In the recorded words (60): a group is not deleted while anything in it is locked."""
    ready.arm("PUT", f"{where}{LOCKS}/one", lock("CanNotDelete"), API)

    refused = [ready.arm("DELETE", path) for path in (GROUP, VAULT)]
    written = ready.arm("PATCH", GROUP, {"tags": {"a": "b"}})
    ready.arm("DELETE", f"{where}{LOCKS}/one", api=API)
    after = ready.arm("DELETE", VAULT)

    assert [(409, "ScopeLocked")] * 2 == [(each.status_code, each.json()["error"]["code"]) for each in refused]
    assert refused[0].json()["error"]["message"] == (
        f"The scope '{SUBSCRIPTION}{GROUP}' cannot perform delete operation because following scope(s) are locked: "
        f"'{SUBSCRIPTION}{where}'. Please remove the lock and try again."
    )
    assert (200, 200) == (written.status_code, after.status_code)


def test_a_lock_beside_it_locks_nothing(ready: Ready) -> None:
    """A lock on one resource leaves its neighbours alone, and a name with the same beginning is a different name."""
    ready.state.add_storage_account("stmlw2")
    ready.state.add_lock(f"{SUBSCRIPTION}{STORAGE}")

    assert 200 == ready.arm("DELETE", f"{STORAGE}2").status_code
    assert 409 == ready.arm("DELETE", STORAGE).status_code


def test_a_read_only_lock_refuses_writes_and_lists_of_keys(ready: Ready) -> None:
    """As the page on locks describes it for storage accounts."""
    ready.state.add_lock(f"{SUBSCRIPTION}{STORAGE}", "ReadOnly")

    statuses = [
        ready.arm(method, path, {"tags": {}} if method == "PATCH" else None).status_code
        for method, path in (("GET", STORAGE), ("PATCH", STORAGE), ("POST", f"{STORAGE}/listKeys"), ("DELETE", STORAGE))
    ]

    assert [200, 409, 409, 409] == statuses


def test_policies_are_listed_where_they_hold(ready: Ready) -> None:
    """The definition in the subscription; the assignment at its scope and below it."""
    kind = "Microsoft.KeyVault/vaults"
    ready.state.add_policy("purge", kind, "enablePurgeProtection", allow=[True], reason="Ask the platform team.")
    head = "/providers/Microsoft.Authorization"
    version = "2023-04-01"

    definitions = ready.arm("GET", f"{head}/policyDefinitions", api=version).json()["value"]
    definition = ready.arm("GET", f"{head}/policyDefinitions/purge", api=version).json()
    below = ready.arm("GET", f"{VAULT}{head}/policyAssignments", api=version).json()["value"]
    at = ready.arm("GET", f"{head}/policyAssignments?$filter=atScope()", api=version).json()["value"]
    absent = ready.arm("GET", f"{head}/policyDefinitions/none", api=version)
    slash = ready.arm("GET", f"{head}/policyDefinitions/test%2Fone", api=version)
    initiatives = ready.arm("GET", f"{head}/policySetDefinitions", api=version).json()

    rule = definition["properties"]["policyRule"]
    assert ([definition], below, {"value": []}) == (definitions, at, initiatives)
    assert [{"field": "type", "equals": kind}, {"field": f"{kind}/enablePurgeProtection", "notEquals": "True"}] == (
        rule["if"]["allOf"]
    )
    assert definition["id"] == below[0]["properties"]["policyDefinitionId"]
    assert [{"message": "Ask the platform team."}] == below[0]["properties"]["nonComplianceMessages"]
    assert (404, "PolicyDefinitionNotFound") == (absent.status_code, absent.json()["error"]["code"])
    assert (404, "ResourceTypeNotSupported") == (slash.status_code, slash.json()["error"]["code"])


def test_a_caller_reads_its_permissions(ready: Ready) -> None:
    """The usual principal is Owner; another has what its roles give it, at the scope of the request."""
    path = "/providers/Microsoft.Authorization/permissions"
    environment = ready.state.add_client("reader", "Reader", f"{SUBSCRIPTION}{GROUP}")
    reader = Client(
        ready.arm.running, client_id=environment["AZURE_CLIENT_ID"], secret=environment["AZURE_CLIENT_SECRET"]
    )

    owner = ready.arm("GET", GROUP + path, api=ROLES).json()["value"]
    mine = reader("GET", GROUP + path, api=ROLES).json()["value"]

    assert [["*"]] == [row["actions"] for row in owner]
    assert [["*/read"]] == [row["actions"] for row in mine]


def test_the_managed_group_of_a_workspace_has_a_deny_assignment(ready: Ready) -> None:
    """And no other group has one."""
    ready.grant()
    ready.create()
    path = "/providers/Microsoft.Authorization/denyAssignments"

    everywhere = ready.arm("GET", path, api=ROLES).json()["value"]
    plain = ready.arm("GET", GROUP + path, api=ROLES).json()["value"]
    managed = everywhere[0]["properties"]["scope"].removeprefix(SUBSCRIPTION)
    there = ready.arm("GET", managed + path, api=ROLES).json()["value"]

    assert (1, [], everywhere) == (len(everywhere), plain, there)
    assert managed.startswith("/resourceGroups/azureml-rg-mlw_")


@pytest.mark.parametrize("scope", ["", GROUP, VAULT])
def test_tags_are_written_by_operation_and_seen_on_the_resource(ready: Ready, scope: str) -> None:
    """Replace by PUT; Merge, Delete and Replace by PATCH; DELETE takes all."""
    path = f"{scope}/providers/Microsoft.Resources/tags/default"

    def patch(operation: str, **tags: str) -> Any:
        body = {"operation": operation, "properties": {"tags": tags}}
        return ready.arm("PATCH", path, body, TAGS).json()["properties"]["tags"]

    put = ready.arm("PUT", path, {"properties": {"tags": {"a": "1", "b": "2"}}}, TAGS)
    merged = patch("Merge", b="3", c="4")
    seen = ready.arm("GET", scope).json()["tags"] if scope else merged
    fewer = patch("Delete", a="1", b="another value")
    replaced = patch("Replace", d="5")
    names = [row["tagName"] for row in ready.arm("GET", "/tagNames", api=TAGS).json()["value"]]
    ready.arm("DELETE", path, api=TAGS)

    assert (200, {"a": "1", "b": "2"}) == (put.status_code, put.json()["properties"]["tags"])
    assert ({"a": "1", "b": "3", "c": "4"}, merged) == (merged, seen)
    assert ({"b": "3", "c": "4"}, {"d": "5"}) == (fewer, replaced)
    assert (["d"] if scope else []) == names
    assert {} == ready.arm("GET", path, api=TAGS).json()["properties"]["tags"]


def test_tags_of_nothing_are_not_there(ready: Ready) -> None:
    """404 for a group and for a resource that do not exist."""
    for scope in ("/resourceGroups/none", f"{VAULT}-none"):
        assert 404 == ready.arm("GET", f"{scope}/providers/Microsoft.Resources/tags/default", api=TAGS).status_code


def test_a_feature_is_registered_by_itself_in_the_end() -> None:
    """POST 200 ``Registering``, then reads, as ``az feature register`` and ``show`` do."""
    with Sandbox(pace=Pace.reads(2)).serve() as running:
        arm = Client(running)
        path = "/providers/Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost"

        before = arm("GET", path, api="2021-07-01").json()
        after = arm("POST", f"{path}/register", api="2021-07-01").json()["properties"]["state"]
        states = [arm("GET", path, api="2021-07-01").json()["properties"]["state"] for _ in range(3)]
        listed = arm("GET", "/providers/Microsoft.Features/features", api="2021-07-01").json()["value"]

    assert ("NotRegistered", "Registering") == (before["properties"]["state"], after)
    assert ["Registering", "Registering", "Registered"] == states
    assert ["Microsoft.Compute/EncryptionAtHost"] == [row["name"] for row in listed]
