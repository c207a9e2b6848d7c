"""Exchanges recorded from the real Azure are tapes, too: the SDKs' clients run over them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core.pipeline import Pipeline
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from support.tapes import (
    SUBSCRIPTION,
    FixedCredential,
    from_recording,
    is_planned,
    recorded_writes,
    reference,
    sent_again,
)

from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape import ReplayTransport, Tape, TapeMiss
from cmkctl.plan import Request, Unknown

SINGLE_SOURCE = [
    "01-ws-cmk-hbi-arm-deployment.json",
    "02-ws-direct-put-2024-04-01.json",
    "05-ws-diagnose.json",
    "11-kv-recover-createmode.json",
    "12-kv-purge.json",
    "21-key-rotation-dataplane.json",
    "22-arm-key-put.json",
    "27-ws-lro-poll-500-then-reput.json",
    "30-provider-missing-then-register-keyvault.json",
    "32-provider-register-unregister.json",
    "40-kv-rbac-crypto-service-encryption-user.json",
    "45-graph-serviceprincipals.json",
    "60-arm-errors.json",
]
WORKSPACE_PUT = "02-ws-direct-put-2024-04-01.json"


def replayed(tape: Tape) -> list[tuple[int, bytes]]:
    """Send every request of a tape again, in order; the answers."""
    with Pipeline(ReplayTransport(tape)) as pipeline:
        answers = [pipeline.run(sent_again(each)).http_response for each in tape.exchanges]
    return [(each.status_code, each.content) for each in answers]


def as_recorded(tape: Tape) -> list[tuple[int, bytes]]:
    """Return the answers of a tape as they must come back."""
    bodies = (each.response.body for each in tape.exchanges)
    contents = ["" if body is None else body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return [(each.response.status, content.encode()) for each, content in zip(tape.exchanges, contents, strict=True)]


@pytest.mark.parametrize("name", SINGLE_SOURCE)
def test_a_recording_of_the_real_azure_replays_in_its_order(name: str) -> None:
    """Every answer comes back to its own request, repeated requests in recorded order, and nothing is left over."""
    tape = from_recording(reference(name))

    assert (as_recorded(tape), ()) == (replayed(tape), tape.unused())


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE_SOURCE)
def test_redacting_responses_is_idempotent(name: str) -> None:
    """And the responses of the real Azure stay readable: no id, state or key identifier is lost."""
    redactor = Redactor()
    recording: Any = reference(name)["interactions"]

    once = redactor.redact(recording)

    assert once == redactor.redact(once)


def test_the_polling_urls_of_the_real_azure_lose_their_signatures() -> None:
    """They have some 3,275 characters, of which a certificate and a signature are the most."""
    redactor = Redactor()
    headers = [each["response"]["headers"] for each in reference(WORKSPACE_PUT)["interactions"]]
    urls = [header["Azure-AsyncOperation"] for header in headers if "Azure-AsyncOperation" in header]

    redacted = [redactor.text(url) for url in urls]

    assert [4] * len(urls) == [url.count("REDACTED-") + 1 for url in redacted]
    assert max(map(len, redacted)) < 400 < min(map(len, urls))


def test_the_resource_client_creates_a_workspace_over_the_recording() -> None:
    """A PUT answered 202, signed polling URLs, a final GET: what ASO recorded is found by azure-mgmt-resource."""
    tape = from_recording(reference(WORKSPACE_PUT))
    put = recorded_writes(tape, "/workspaces/[^/]+")[0].request
    workspace = put.url.partition("?")[0].partition(".com/")[2]
    transport = ReplayTransport(tape)
    client = ResourceManagementClient(FixedCredential(), SUBSCRIPTION, transport=transport, polling_interval=0)

    made = client.resources.begin_create_or_update_by_id(workspace, put.body, api_version="2024-04-01").result()

    assert made.properties is not None
    assert made.properties["provisioningState"] == "Succeeded"


def test_the_vault_client_sees_the_vault_grow_up() -> None:
    """Repeated reads of one vault walk through the recorded states."""
    tape = from_recording(reference("12-kv-purge.json"))
    client = KeyVaultManagementClient(
        FixedCredential(), SUBSCRIPTION, transport=ReplayTransport(tape), api_version="2023-07-01"
    )

    vaults = [client.vaults.get("asotest-rg-xkjygv", "aso-kv-purge") for _ in range(6)]
    states = [str(getattr(vault.properties.provisioning_state, "value", None)) for vault in vaults]

    assert ["RegisteringDns", "Succeeded"] == sorted(set(states))
    assert states[-1] == "Succeeded"


def test_a_workspace_with_one_other_setting_is_a_miss_that_names_it() -> None:
    """The diff of a real body shows the one line, not the document."""
    tape = from_recording(reference(WORKSPACE_PUT))
    put = sent_again(recorded_writes(tape, "/workspaces/[^/]+")[0])
    body = json.loads(put.content)
    body["location"] = "eastus2"
    put._data = json.dumps(body)

    with pytest.raises(TapeMiss) as miss:
        Pipeline(ReplayTransport(tape)).run(put)

    changed = [line for line in miss.value.diff.splitlines() if line[0] in "+-"]
    assert ["--- recorded", "+++ requested", '-  "location": "westus3",', '+  "location": "eastus2",'] == changed


def test_a_planned_request_is_compared_with_a_recorded_write() -> None:
    """The helper of the dry-run tests: the URL is the same, and unknown values may have become anything."""
    tape = from_recording(reference("32-provider-register-unregister.json"))
    (recorded,) = recorded_writes(tape, "/register")
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ClassicInfrastructureMigrate/register"

    planned = [
        Request("POST", path, "2022-09-01"),
        Request("POST", path, "2021-04-01"),
        Request("POST", path, "2022-09-01", {"x": Unknown("key", "uri")}),
    ]

    assert [True, False, False] == [is_planned(each, recorded) for each in planned]
