"""The request log in its forms, and the commands that control a running sandbox, or arrange a stopped one."""

import contextlib
import http.client
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.sandbox import SUBSCRIPTION, Client, code

from cmkctl.cli import main
from cmkctl.cli.exits import USAGE
from cmkctl.sandbox import CLIENT_SECRET, Sandbox, SandboxError, find_running
from cmkctl.sandbox.core.requestlog import KEPT, LARGE, LoggedRequest, RequestLog, read_file
from cmkctl.sandbox.server import Running

LOCATION = {"location": "eastus2"}
ACCOUNT = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where the state is kept."""
    return tmp_path / "sandbox.json"


@pytest.fixture
def used(state: Path) -> tuple[Path, Client]:
    """Return the state file of a sandbox that was used, and the client that did."""
    with Sandbox(state).serve() as running:
        running.state.add_storage_account("stone")
        client = Client(running)
        client("PUT", "/resourceGroups/rg", {**LOCATION, "tags": {"a": "1"}})
        client("PATCH", "/resourceGroups/rg", {"tags": {"a": "2"}})
        client("POST", f"{ACCOUNT}/listKeys")
        client("GET", "/resourceGroups/missing")
        running.state.add_fault("reset-after-write")
        with pytest.raises(Exception, match=r"."):
            client("PUT", "/resourceGroups/two", LOCATION)
    return state, client


def invoke(*arguments: str) -> tuple[int, str, str]:
    """Run a command of the sandbox as users do; return exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        exit_code = main(["sandbox", *arguments])
    return exit_code, out.getvalue(), err.getvalue()


# --- the log


def test_what_is_logged_stays_as_it_was(arm: Client) -> None:
    """An answer in the log does not change when the resource does."""
    arm("PUT", "/resourceGroups/rg", {**LOCATION, "tags": {"a": "1"}})
    arm("PATCH", "/resourceGroups/rg", {"tags": {"a": "2"}})

    assert [{"a": "1"}, {"a": "2"}] == [entry.response["tags"] for entry in arm.running.writes]


def test_the_log_in_memory_is_bounded() -> None:
    """The older half goes; the newest is always there."""
    log = RequestLog()
    for number in range(KEPT + 1):
        log.add(LoggedRequest("GET", "h", f"/{number}", "", "", 200, 0.0, "arm"))

    assert (KEPT // 2 + 1, f"/{KEPT}") == (len(log), log[-1].path)


def test_a_large_body_is_in_the_file_only(tmp_path: Path) -> None:
    """A list of a full sandbox is megabytes; a thousand of them are not kept in memory."""
    log = RequestLog(tmp_path / "log.jsonl")
    large = json.dumps({"value": "x" * LARGE})
    log.add(LoggedRequest("GET", "h", "/p", "", "", 200, 0.0, "arm", body_text="{}", response_text=large))
    log.close()

    (kept,), (written,) = log, read_file(tmp_path / "log.jsonl")
    assert (None, {}, large) == (kept.response, kept.body, json.dumps(written.response))


def test_a_line_of_the_log_is_read_as_it_was_written() -> None:
    """With headers, bodies and all."""
    entry = LoggedRequest(
        "PUT", "h", "/p", "q=1", "2024-01-01", 201, 0.25, "arm", 1.5, dropped=True, sent={"accept": "*/*"},
        body_text='{"a":1}', response_text='"text"',
    )  # fmt: skip
    again = LoggedRequest.of_line(entry.line())

    assert (entry.body, entry.response) == (again.body, again.response)
    assert (entry.started, entry.dropped, entry.sent) == (again.started, again.dropped, again.sent)


def test_the_log_is_a_table(used: tuple[Path, Client]) -> None:
    """One row a request, no heading in a pipe; what never arrived is lost."""
    exit_code, out, err = invoke("log", "--state", str(used[0]))
    rows = [line.split() for line in out.splitlines()]

    assert (0, "") == (exit_code, err)
    assert ["200", "200", "200", "200", "404", "lost"] == [row[0] for row in rows]
    assert rows[1][3:] == ["PUT", f"management.azure.com{SUBSCRIPTION}/resourceGroups/rg", "2021-04-01"]


def test_the_log_shows_writes_and_the_last_ones(used: tuple[Path, Client]) -> None:
    """--writes and --last narrow it down, together, too."""
    state = str(used[0])
    writes = invoke("log", "--state", state, "--writes")[1].splitlines()
    last = invoke("log", "--state", state, "--writes", "--last", "2")[1].splitlines()

    assert (4, writes[-2:]) == (len(writes), last)


def test_the_log_as_json_has_headers_and_bodies(used: tuple[Path, Client]) -> None:
    """One object a line."""
    rows = [json.loads(line) for line in invoke("log", "--state", str(used[0]), "--json")[1].splitlines()]

    assert rows[1]["body"] == {**LOCATION, "tags": {"a": "1"}}
    assert "user-agent" in rows[1]["sent"]
    assert "x-ms-request-id" in rows[1]["answered"]


def test_har_is_what_viewers_read(used: tuple[Path, Client], tmp_path: Path) -> None:
    """HAR 1.2: the required names in every entry, bodies as text, a lost answer as status 0."""
    target = tmp_path / "requests.har"

    exit_code = invoke("log", "--state", str(used[0]), "--har", str(target))[0]
    log = json.loads(target.read_text())["log"]
    entries = log["entries"]

    assert (0, "1.2", 6) == (exit_code, log["version"], len(entries))
    assert all({"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(row) for row in entries)
    request, response = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}, {
        "status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize",
    }  # fmt: skip
    assert all(request <= set(row["request"]) and response <= set(row["response"]) for row in entries)
    assert json.loads(entries[1]["request"]["postData"]["text"])["location"] == "eastus2"
    assert [200, 200, 200, 200, 404, 0] == [row["response"]["status"] for row in entries]
    assert entries[1]["startedDateTime"][:2] == "20"


def test_an_unwritable_file_is_reported(used: tuple[Path, Client], tmp_path: Path) -> None:
    """A HAR in no folder; a state in a folder without write access."""
    exit_code, _, err = invoke("log", "--state", str(used[0]), "--har", str(tmp_path / "no" / "requests.har"))

    assert (1, True) == (exit_code, "requests.har: No such file or directory" in err)
    with pytest.raises(SandboxError, match=r"files cannot be written: .*: "):
        Sandbox(Path("/proc/sandbox.json")).serve()


def test_nothing_that_is_written_has_a_secret(used: tuple[Path, Client], tmp_path: Path) -> None:
    """No token, no Authorization, no client secret, no account key, in none of the forms."""
    state, client = used
    target = tmp_path / "requests.har"
    invoke("log", "--state", str(state), "--har", str(target))
    texts = [
        target.read_text(),
        invoke("log", "--state", str(state), "--json")[1],
        state.with_suffix(".log.jsonl").read_text(),
    ]

    for text in texts:
        assert client.token not in text
        assert CLIENT_SECRET not in text
        assert "authorization" not in text.lower().replace("microsoft.authorization", "")
        assert "keyName" not in text


# --- a server that is running


def test_faults_are_set_and_cleared_while_it_runs(state: Path) -> None:
    """Without a restart, and without changing anything else."""
    with Sandbox(state).serve() as running:
        client = Client(running)
        shown = invoke("faults", "--state", str(state), "--set", "error-502:2@PUT", "--set", "throttle-seconds")[1]
        met = [client("GET", "/resourceGroups").status_code, client("PUT", "/resourceGroups/rg", LOCATION).status_code]
        left = invoke("faults", "--state", str(state), "--active")[1]
        cleared = invoke("faults", "--state", str(state), "--clear")

        assert ["error-502:2@PUT", "throttle-seconds:1"] == shown.splitlines()
        assert ([429, 502], ["error-502:1@PUT"]) == (met, left.splitlines())
        assert (0, "") == cleared[:2]
        assert client("PUT", "/resourceGroups/rg", LOCATION).status_code == 201


def test_a_fault_that_does_not_exist_is_refused_by_the_server(state: Path) -> None:
    """A usage error with the names of those that do, with a server and without."""
    absent = invoke("faults", "--state", str(state), "--set", "earthquake")
    with Sandbox(state).serve():
        refused = invoke("faults", "--state", str(state), "--set", "earthquake")

    assert (USAGE, USAGE) == (absent[0], refused[0])
    assert all("throttle-seconds" in err for err in (absent[2], refused[2]))


def test_faults_are_listed_without_a_server() -> None:
    """Name, how often, what happens."""
    lines = invoke("faults")[1].splitlines()

    assert "throttle-date" in {line.split()[0] for line in lines}
    assert all(len(line) <= 120 for line in lines)


@pytest.mark.parametrize("serving", [True, False])
def test_the_clock_is_put_forward_running_or_not(state: Path, serving: bool) -> None:
    """The new time on stdout; it is kept."""
    if serving:
        with Sandbox(state).serve():
            done = invoke("clock", "--state", str(state), "--advance", "14d")
    else:
        done = invoke("clock", "--state", str(state), "--advance", "14d")
    shown = invoke("clock", "--state", str(state))

    assert (0, 0) == (done[0], shown[0])
    assert done[1][:10] == shown[1][:10]
    assert "14 days ahead" in shown[2]
    assert invoke("clock", "--state", str(state), "--advance", "soon")[0] == USAGE


def test_a_principal_is_added_and_logs_in(state: Path) -> None:
    """The printed environment is all a client needs; a Reader reads."""
    exit_code, out, _ = invoke("principal", "add", "viewer", "--state", str(state), "--role", "Reader", "--no-graph")
    values = dict(line.removeprefix("export ").split("=", 1) for line in out.splitlines())

    with Sandbox(state).serve() as running:
        identity = {"client_id": values["AZURE_CLIENT_ID"], "secret": values["AZURE_CLIENT_SECRET"]}
        viewer = Client(running, **identity)
        graph = Client(running, "graph.microsoft.com", **identity)

        assert exit_code == 0
        assert values["AZURE_CLIENT_ID"].startswith("c0ffee")
        assert viewer("GET", "/resourceGroups").status_code == 200
        assert (403, "AuthorizationFailed") == code(viewer("PUT", "/resourceGroups/rg", LOCATION))
        assert graph("GET", "/v1.0/servicePrincipals").status_code == 403


def test_an_unknown_role_is_a_clear_error(state: Path) -> None:
    """Exit 1, with the roles there are."""
    exit_code, _, err = invoke("principal", "add", "viewer", "--state", str(state), "--role", "Wizard")

    assert (1, True) == (exit_code, "Key Vault Contributor" in err)


def test_a_policy_is_added_listed_and_cleared(state: Path) -> None:
    """As the arranging API does it."""
    command = ("--type", "*", "--property", "location", "--allow", "westus3", "--reason", "Only there.")
    added = invoke("policy", "add", "regions", "--state", str(state), *command)
    with Sandbox(state).serve() as running:
        refused = Client(running)("PUT", "/resourceGroups/rg", LOCATION)
        listed = invoke("policy", "list", "--state", str(state))[1]
        cleared = invoke("policy", "clear", "--state", str(state))[1]

    assert (0, added[1]) == (added[0], listed)
    assert json.loads(listed)["allow"] == ["westus3"]
    assert (403, "RequestDisallowedByPolicy") == code(refused)
    assert cleared == ""


def test_latency_is_an_option_and_a_wrong_one_a_usage_error(state: Path) -> None:
    """As --pace is."""
    assert invoke("serve", "--state", str(state), "--latency", "fast")[0] == USAGE
    assert invoke("run", "--state", str(state), "--latency", "azure:0.001", "--", "true")[0] == 0


def test_the_control_endpoint_answers_no_web_page(running: Running) -> None:
    """A request with an Origin comes from a browser; it arranges nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    connection.request("POST", "/_sandbox/faults", '{"set": ["error-500"]}', {"Origin": "https://example.com"})
    status = connection.getresponse().status
    connection.close()

    assert (403, []) == (status, running.state.faults())


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("POST", "clock", {}),
        ("POST", "clock", {"advance": -1}),
        ("POST", "policies", {"set": [{"name": "x"}]}),
        ("GET", "x", {}),
    ],
)
def test_what_makes_no_sense_is_refused(state: Path, method: str, what: str, body: dict[str, Any]) -> None:
    """With the reason, and nothing changes."""
    with Sandbox(state).serve() as running:
        found = find_running(state)
        assert found is not None
        before = json.dumps(running.state.tenant.data)
        with pytest.raises(Exception, match=r".+"):
            found.call_control(method, what, body)

        assert before == json.dumps(running.state.tenant.data)
