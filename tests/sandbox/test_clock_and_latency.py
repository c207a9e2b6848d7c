"""The sandbox's own time: what ends when it is put forward; and how long things take with a latency profile."""

from pathlib import Path
from typing import Any

import pytest
from support.faults import LOCATION, WORKSPACES, Ready
from support.sandbox import Client, code, vault_body, vault_path

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.core import operations
from cmkctl.sandbox.core.latency import OTHERWISE, durations, seconds
from cmkctl.sandbox.core.pace import parse_span
from cmkctl.sandbox.core.registry import providers
from cmkctl.sandbox.server import Running

DELETED = "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-one?api-version=2024-11-01"
REGISTER = "/providers/Microsoft.Search"


def later(client: Client, span: str) -> Client:
    """Put the clock forward, and return a client whose token is young again."""
    client.running.state.advance(span)
    return Client(client.running)


# --- soft deletes, keys, tokens


def test_a_soft_deleted_vault_goes_when_its_retention_ends(quick: Client) -> None:
    """Not a day before; then the name is free again."""
    quick.running.state.add_vault("kv-one", softDeleteRetentionInDays=7)
    quick("DELETE", vault_path())

    quick = later(quick, "6d")
    kept = quick("GET", DELETED).status_code
    quick = later(quick, "2d")

    assert (200, 404) == (kept, quick("GET", DELETED).status_code)
    assert quick("PUT", vault_path(), vault_body()).status_code == 200


def test_a_soft_deleted_workspace_goes_after_14_days_with_its_group(instant: Running) -> None:
    """P69 and P71: until then the name is blocked and the managed group stays."""
    ready = Ready(instant)
    ready.grant()
    ready.create()
    group = ready.arm("GET", f"{WORKSPACES}/mlw").json()["properties"]["serviceProvisionedResourceGroup"]
    ready.arm("DELETE", f"{WORKSPACES}/mlw")

    ready.arm = later(ready.arm, "13d")
    blocked = ready.put()
    ready.arm = later(ready.arm, "1d1h")

    assert blocked.status_code == 400
    assert ready.arm("GET", group).status_code == 404
    assert ready.create()["status"] == "Succeeded"


@pytest.mark.parametrize(("attribute", "works"), [("exp", (True, False)), ("nbf", (False, True))])
def test_keys_expire_and_become_valid(instant: Running, attribute: str, works: tuple[bool, bool]) -> None:
    """A workspace can be created with the key on one side of its date only."""
    ready = Ready(instant)
    ready.grant()
    in_ten_days = int(instant.state.tenant.clock()) + 864000
    ready.state.set_key_attributes("kv-cmk", "cmk", **{attribute: in_ten_days})

    early = ready.create("mlw-early")["status"] == "Succeeded"
    ready.arm = later(ready.arm, "11d")

    assert works == (early, ready.create("mlw-late")["status"] == "Succeeded")


def test_a_deleted_key_goes_when_its_retention_ends(instant: Running) -> None:
    """In the data plane; until then its name is taken on the management plane."""
    vault = instant.state.add_vault("kv-one", softDeleteRetentionInDays=7)
    instant.state.add_key("kv-one", "cmk")
    instant.state.add_access_policy("kv-one", "c0ffee00-0000-4000-8000-000000000b1d", ["delete", "get"])
    data = Client(instant, "kv-one.vault.azure.net", "https://vault.azure.net/.default")
    data("DELETE", "https://kv-one.vault.azure.net/keys/cmk?api-version=7.5")
    body = {"properties": {"kty": "RSA"}}

    taken = Client(instant)("PUT", f"{vault}/keys/cmk", body)
    free = later(Client(instant), "8d")("PUT", f"{vault}/keys/cmk", body)

    assert (409, 200) == (taken.status_code, free.status_code)


def test_tokens_expire(quick: Client) -> None:
    """An hour later the old one is refused, and a new one is good."""
    quick.running.state.advance("2h")

    assert (401, "ExpiredAuthenticationToken") == code(quick("GET", "/resourceGroups"))
    assert Client(quick.running)("GET", "/resourceGroups").status_code == 200


def test_the_clock_is_kept_in_the_state_and_reset_takes_it_back(tmp_path: Path) -> None:
    """Fourteen days ahead today are fourteen days ahead tomorrow."""
    state = tmp_path / "sandbox.json"
    with Sandbox(state).serve() as first:
        first.state.advance("14d")
    with Sandbox(state).serve() as second:
        tenant = second.state.tenant
        ahead = tenant.clock() - tenant.wall()
        second.reset()

        assert (14, 0) == (round(ahead / 86400), round(tenant.clock() - tenant.wall()))


def test_a_state_file_from_before_there_was_a_clock_is_taken(tmp_path: Path) -> None:
    """What schema 1 got later begins as it does in a new file."""
    import json  # noqa: PLC0415  used by nothing else

    state = tmp_path / "sandbox.json"
    with Sandbox(state).serve():
        pass
    document = json.loads(state.read_text())
    for name in ("ahead", "policies", "applications", "caller_owns", "failed_names", "half_made"):
        del document[name]
    state.write_text(json.dumps(document))

    with Sandbox(state).serve() as running:
        assert Client(running)("PUT", "/resourceGroups/rg", LOCATION).status_code == 201


@pytest.mark.parametrize("span", ["-1d", "x", "14", "", "1d-2h"])
def test_the_clock_only_goes_forward_by_a_span(quick: Client, span: str) -> None:
    """ValueError for anything else."""
    with pytest.raises(ValueError, match=r".+"):
        quick.running.state.advance(span)


def test_spans() -> None:
    """A number and a unit, as many as wanted."""
    assert [14 * 86400, 129600, 90, 0.5] == [parse_span(text) for text in ("14d", "1d12h", "1m30s", "0.5s")]


def test_waiting_for_an_http_date_is_not_fourteen_days_long(quick: Client) -> None:
    """Retry-After's date is by the machine's clock, which the client compares it with."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  used by nothing else

    quick = later(quick, "14d")
    quick.running.state.add_fault("throttle-date")

    date = parsedate_to_datetime(quick("GET", "/resourceGroups").headers["Retry-After"])

    assert 0 <= date.timestamp() - quick.running.state.tenant.wall() <= 3


# --- operations that are over


def test_finished_operations_are_forgotten_after_an_hour(quick: Client) -> None:
    """Their poll is 404 then; what goes on is kept."""
    poll = "/providers/Microsoft.Storage/locations/eastus2/asyncoperations/"
    tenant = quick.running.state.tenant
    with tenant.lock:
        old = operations.start(tenant, "storage.create", "/subscriptions/x")
        operations.settle(tenant)
        tenant.table("operations")["goes-on"] = {**tenant.table("operations")[old], "finished": False}
        tenant.table("operations")["goes-on"]["countdown"] = {"reads": 99}
    known = old in tenant.table("operations")

    later(quick, "61m")("GET", "/resourceGroups")

    assert (True, ["goes-on"]) == (known, list(tenant.table("operations")))
    assert poll


def test_never_more_than_some_hundred_operations_are_kept(quick: Client) -> None:
    """However fast they come."""
    tenant = quick.running.state.tenant
    with tenant.lock:
        for number in range(700):
            operations.start(tenant, "storage.create", f"/subscriptions/{number}")
        operations.settle(tenant)
        tenant.swept = 0

    quick("GET", "/resourceGroups")

    assert 500 == len(tenant.table("operations"))


# --- latency


def running_at(scale: float) -> Running:
    """Return a sandbox that takes a part of Azure's time."""
    return Sandbox(pace=Pace.azure(scale)).serve()


def test_each_kind_takes_its_own_time() -> None:
    """Registration takes 72 s in Azure, the creation of a workspace with a key 360 s."""
    with running_at(1) as running:
        client = Client(running)
        client("POST", f"{REGISTER}/register")
        client.running.state.advance("71s")
        early = client("GET", REGISTER).json()["registrationState"]
        client.running.state.advance("2s")

        assert ("Registering", "Registered") == (early, client("GET", REGISTER).json()["registrationState"])


def test_a_workspace_with_a_key_takes_longer_than_one_without() -> None:
    """Fact 8: 21 s and some six minutes."""
    with running_at(1) as running:
        ready = Ready(running)
        ready.grant()
        polls = {}
        for name, more in (("plain", {"encryption": None}), ("locked", {})):
            body = ready.body(**more)
            body["properties"] = {key: value for key, value in body["properties"].items() if value is not None}
            answer = ready.arm("PUT", f"{WORKSPACES}/{name}", body)
            polls[name] = answer.headers["Azure-AsyncOperation"]

        def seen() -> dict[str, Any]:
            return {name: ready.arm("GET", url).json()["status"] for name, url in polls.items()}

        running.state.advance("22s")
        soon = seen()
        running.state.advance("340s")

        assert {"plain": "Succeeded", "locked": "InProgress"} == soon
        assert {"plain": "Succeeded", "locked": "Succeeded"} == seen()


def test_a_role_takes_its_time_without_any_fault() -> None:
    """The profile has grants wait, as Azure does."""
    with running_at(1) as running:
        vault = running.state.add_vault("kv-one")
        environment = running.state.add_client("reader")
        reader = Client(running, client_id=environment["AZURE_CLIENT_ID"], secret=environment["AZURE_CLIENT_SECRET"])
        row = next(iter(running.state.tenant.data["applications"].values()))
        role = f"{vault.partition('/resourceGroups')[0]}/providers/Microsoft.Authorization/roleDefinitions/"
        body = {"properties": {"roleDefinitionId": role + "acdd72a7-3385-48ef-bd42-f606fba81ae7"}}
        body["properties"]["principalId"] = row["objectId"]
        name = "c0ffee00-0000-4000-8000-00000000abcd"
        Client(running)("PUT", f"{vault}/providers/Microsoft.Authorization/roleAssignments/{name}", body)

        early = reader("GET", vault).status_code
        running.state.advance("75s")

        assert (403, 200) == (early, reader("GET", vault).status_code)


@pytest.mark.parametrize(("scale", "expected"), [(1, "17"), (0.1, "2"), (0.01, "1")])
def test_retry_after_is_scaled_and_never_zero(scale: float, expected: str) -> None:
    """Azure's own number, times the factor."""
    assert expected == Pace.azure(scale).retry_after(17)


def test_the_table_has_a_source_for_every_figure() -> None:
    """And no kind twice."""
    kinds = [row.kind for row in durations()]

    assert sorted(set(kinds)) == sorted(kinds)
    assert all(row.source and row.seconds > 0 for row in durations())
    assert seconds("whatever") == OTHERWISE


def test_every_kind_of_operation_is_in_the_table() -> None:
    """A forgotten one would take the default."""
    assert providers() != ()
    # Flexible servers share their operations; how long these take is with each provider.
    shared = {each for each in operations.FINISHERS if each.startswith("flexible.")}
    assert set() == operations.FINISHERS.keys() - shared - {row.kind for row in durations()}


@pytest.mark.parametrize(
    ("text", "unit", "amount"), [("none", "none", 0), ("azure", "azure", 1), ("azure:0.01", "azure", 0.01)]
)
def test_profiles(text: str, unit: str, amount: float) -> None:
    """What --latency takes."""
    assert (unit, amount) == (Pace.profile(text).unit, Pace.profile(text).amount)


@pytest.mark.parametrize("text", ["fast", "azure:0", "azure:-1", "azure:x", "azure:inf", "none:1"])
def test_a_profile_that_is_none_is_refused(text: str) -> None:
    """ValueError, which the command line turns into a usage error."""
    with pytest.raises(ValueError, match=r".+"):
        Pace.profile(text)
