"""Faults of the connection: each shown through HTTP, in the shapes recorded from Azure."""

from typing import Any

import pytest
import requests
from support.faults import LOCATION, WORKSPACES, Ready
from support.reference import RECORDINGS, require_reference
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.core.faults import KINDS
from cmkctl.sandbox.server import Running

LOST = requests.exceptions.ConnectionError
GROUP = "/resourceGroups/rg"


def induce(client: Client, *faults: str) -> None:
    """Switch faults on."""
    for fault in faults:
        client.running.state.add_fault(fault)


def shape(value: Any) -> Any:
    """Return the names of a body, without its values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def recorded(index: int) -> dict[str, Any]:
    """Return an error body of recording 60."""
    path = RECORDINGS / "60-arm-errors.json"
    require_reference()
    import json  # noqa: PLC0415  used by nothing else

    found: dict[str, Any] = json.loads(path.read_text())["interactions"][index]["response"]["body"]
    return found


@pytest.mark.parametrize(
    ("fault", "index"),
    [("throttle-text", 18), ("throttle-bare", 20), ("throttle-retryable", 16)],
)
def test_throttling_without_a_header_has_the_recorded_shape(arm: Client, fault: str, index: int) -> None:
    """Fact 36: 429, no Retry-After; at most the text has the delay."""
    induce(arm, fault)

    answer = arm("GET", GROUP)

    assert (429, False) == (answer.status_code, "Retry-After" in answer.headers)
    assert shape(recorded(index)) == shape(answer.json())
    assert recorded(index)["error"]["code"] == answer.json()["error"]["code"]


def test_throttling_in_capitals_has_no_error_object(arm: Client) -> None:
    """Fact 36: Code, Message, Details with capitals; nothing a parser of error.code would find."""
    induce(arm, "throttle-capital")

    answer = arm("GET", GROUP)

    assert (429, "429") == (answer.status_code, answer.json()["Code"])
    assert set(recorded(19)) == set(answer.json())


def test_throttling_has_the_delay_in_its_message(arm: Client) -> None:
    """With the requested action."""
    induce(arm, "throttle-text")

    message = arm("GET", GROUP).json()["error"]["message"]

    assert "action 'Microsoft.Resources/subscriptions/resourceGroups/read' exceeded" in message
    assert message.endswith("Please try again after '2' seconds.")


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("error-500", 500, "InternalServerError"),
        ("error-502", 502, "BadGatewayConnection"),
        ("unavailable-once", 503, "ServerTimeout"),
        ("error-504", 504, "GatewayTimeout"),
    ],
)
def test_a_gateway_fails_and_nothing_is_done(arm: Client, fault: str, status: int, error: str) -> None:
    """Once; the same request then succeeds, as if the first had never been."""
    induce(arm, fault)

    first, second = arm("PUT", GROUP, LOCATION), arm("PUT", GROUP, LOCATION)

    assert (status, error) == code(first)
    assert second.status_code == 201


def test_a_vault_whose_put_timed_out_is_there(arm: Client) -> None:
    """Fact 22: 504 GatewayTimeout from Microsoft.KeyVault, and the vault exists all the same."""
    arm("PUT", GROUP, LOCATION)
    induce(arm, "timeout-after-write@PUT:vaults")

    lost = arm("PUT", vault_path(), vault_body())

    assert (504, "GatewayTimeout") == code(lost)
    assert "'Microsoft.KeyVault'" in lost.json()["error"]["message"]
    assert arm("GET", vault_path()).status_code == 200


def test_a_poll_answers_html_while_the_creation_goes_on(instant: Running) -> None:
    """Fact 4: HTTP 500 with nginx's page; the next poll is what it would have been."""
    ready = Ready(instant)
    ready.grant()
    put = ready.put()
    induce(ready.arm, "poll-html-500")

    polls = [ready.arm("GET", put.headers["Azure-AsyncOperation"]) for _ in range(2)]

    assert (500, "text/html") == (polls[0].status_code, polls[0].headers["Content-Type"])
    assert "<center>nginx</center>" in polls[0].text
    assert polls[1].json()["status"] == "Succeeded"


def test_the_recovery_of_a_vault_fails_once_without_an_error_object(arm: Client) -> None:
    """Fact 20: 500 {"Message": …}; the same PUT is 200. A PUT that recovers nothing is left alone."""
    arm.running.state.add_vault("kv-one")
    arm.running.state.delete_vault("kv-one")
    induce(arm, "recover-500")
    body = vault_body(createMode="recover", accessPolicies=None)

    usual = arm("PUT", GROUP, LOCATION)
    first, second = arm("PUT", vault_path(), body), arm("PUT", vault_path(), body)

    assert usual.status_code == 200
    assert (500, {"Message": "An error has occurred."}) == (first.status_code, first.json())
    assert second.status_code == 200


@pytest.mark.parametrize(("fault", "status"), [("reset-before-write", 404), ("reset-after-write", 200)])
def test_a_connection_is_reset_before_or_after_a_write(arm: Client, fault: str, status: int) -> None:
    """The client gets no response in either case; only a read shows which it was."""
    induce(arm, fault)

    with pytest.raises(LOST):
        arm("PUT", GROUP, LOCATION)

    assert arm("GET", GROUP).status_code == status


def test_a_token_expires_in_the_middle_of_a_creation(instant: Running) -> None:
    """Fact 8: 401 with its challenge on a poll; with a token that is taken for fresh the poll goes on."""
    ready = Ready(instant)
    ready.grant()
    induce(ready.arm, "token-expired")
    put = ready.put()

    refused = ready.arm("GET", put.headers["Azure-AsyncOperation"])

    assert (401, "ExpiredAuthenticationToken") == code(refused)
    assert (
        'error="invalid_token", error_description="The access token has expired."'
        in refused.headers["WWW-Authenticate"]
    )
    assert ready.arm("GET", put.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"


def test_short_tokens_state_their_lifetime_and_end(arm: Client) -> None:
    """A client that believes expires_in gets another one; one that does not meets 401."""
    induce(arm, "short-tokens")

    client = Client(arm.running)
    arm.running.state.advance(6)

    assert (401, "ExpiredAuthenticationToken") == code(client("GET", "/resourceGroups"))


# --- aim, count, chance


def test_a_fault_is_aimed_by_method_and_by_a_part_of_the_path(arm: Client) -> None:
    """METHOD:PART; everything else is left alone, and the count is not used up."""
    induce(arm, "throttle-seconds:2@PUT:resourceGroups/rg")

    statuses = [arm("GET", GROUP).status_code, *(arm("PUT", GROUP, LOCATION).status_code for _ in range(3))]

    assert [404, 429, 429, 201] == statuses


def test_unaimed_faults_leave_graph_alone_and_aimed_ones_reach_it(running: Running) -> None:
    """Faults are for Azure Resource Manager unless they name another host."""
    graph = Client(running, "graph.microsoft.com")
    induce(graph, "error-502:1", "throttle-bare@graph.microsoft.com")

    statuses = [graph("GET", "/v1.0/servicePrincipals").status_code for _ in range(2)]

    assert [429, 200] == statuses


def test_the_login_host_is_reached_by_its_name_only(running: Running) -> None:
    """So that a fault on everything does not keep everyone out."""
    client = Client(running)
    induce(client, "error-504@*", "unavailable-once@login.microsoftonline.com")
    login = "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration"

    answers = [client.session.get(login) for _ in range(2)]

    assert [503, 200] == [answer.status_code for answer in answers]


def test_faults_are_composed_one_a_request(arm: Client) -> None:
    """Two faults meet two requests."""
    induce(arm, "throttle-seconds", "error-502")

    assert [429, 502, 404] == [arm("GET", GROUP).status_code for _ in range(3)]


def weather(seed: str) -> list[str]:
    """Return what forty requests meet under one seed."""
    with Sandbox(pace=Pace.none(), faults=[f"random:0.3:{seed}"]).serve() as running:
        client, met = Client(running), []
        for _ in range(40):
            try:
                met.append(str(client("PUT", GROUP, LOCATION).status_code))
            except LOST:
                met.append("lost")
        return met


def test_chance_is_opt_in_and_repeats_itself() -> None:
    """The same seed, the same weather; another seed, another. About the rate, and of several kinds."""
    once = weather("7")

    assert once == weather("7")
    assert once != weather("8")
    assert 4 <= sum(status not in {"200", "201"} for status in once) <= 20
    assert len(set(once)) > 3


@pytest.mark.parametrize(
    "text",
    ["earthquake", "throttle-date:0", "throttle-date:x", "slow-grant~soon", "random:2", "random:x", "random"],
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    """ValueError, with what would be right."""
    with pytest.raises(ValueError, match=r".+"):
        Sandbox(faults=[text]).serve()


def test_every_fault_has_a_test() -> None:
    """The name of each stands in one of the test modules of faults."""
    from pathlib import Path  # noqa: PLC0415  used by nothing else

    modules = [
        *Path(__file__).parent.glob("test_*faults*.py"),
        Path(__file__).with_name("test_sandbox_resource_graph.py"),
    ]
    text = "".join(path.read_text() for path in modules)

    assert [] == [name for name in KINDS if f'"{name}' not in text]


def test_a_fault_during_a_run_shows_in_the_log(arm: Client) -> None:
    """The request was served, and the answer never arrived."""
    induce(arm, "reset-after-write")
    with pytest.raises(LOST):
        arm("PUT", GROUP, LOCATION)

    entry = arm.running.requests[-1]

    assert (201, True, f"{SUBSCRIPTION}{GROUP}") == (entry.status, entry.dropped, entry.path)
    assert WORKSPACES not in entry.path
