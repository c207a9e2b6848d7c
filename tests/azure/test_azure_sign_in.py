"""Each way in which signing in fails has a diagnostic of its own, with the library's reason in one line."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.rest import HttpRequest
from support.scripted import Answer, ScriptedNetwork, azure, response_to, scripted_response, transport_to

from cmkctl.azure.az_cli import Account
from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.credentials import LoginTransport, SharedCredential, sign_in
from cmkctl.azure.errors import AzureFailed, ForeignHost, classify
from cmkctl.azure.failures import CLI_TIMEOUT, FailureKind
from cmkctl.diagnostics import CmkctlError, Diagnostic

PUBLIC = ENDPOINTS[Cloud.AZURE]
TENANT = "10000000-0000-4000-8000-000000000001"
IDENTITY_VARIABLES = (
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME"),
    *("AZURE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"),
    *("ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI", "AZURE_CLOUD_NAME", "AZURE_CONFIG_DIR"),
)


@pytest.fixture(autouse=True)
def signed_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Provide a machine without a sign-in of any kind."""
    for name in IDENTITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def az(folder: Path, script: str) -> None:
    """Put an az on the path."""
    path = folder / "az"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def failed(way: str | None, *replies: Any) -> Diagnostic:
    """Return the diagnostics of a run that gets no token this way, with this response of the login host."""
    credential = sign_in(way, PUBLIC, transport_to(ScriptedNetwork(replies)))
    with pytest.raises(AzureError) as caught:
        SharedCredential(credential).get_token(PUBLIC.arm_scope)
    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert "…" not in diagnostic.detail
    return diagnostic


def test_without_az_sign_in_fails() -> None:
    """Nothing was sent, so nothing was rejected."""
    diagnostic = failed("cli")

    assert ("CMK319", "Azure CLI not found on path") == (diagnostic.code, diagnostic.detail)


def test_an_az_without_a_login_is_no_rejected_credential(tmp_path: Path) -> None:
    """Az is installed, and reports that a login is required."""
    az(tmp_path, "echo \"Please run 'az login' to setup account.\" >&2; exit 1")

    diagnostic = failed("cli")

    assert ("CMK319", "Please run 'az login' to set up an account") == (diagnostic.code, diagnostic.detail)


def test_an_az_that_is_slow_has_a_minute_and_a_diagnostic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity gives it ten seconds, which a first call after an update takes longer than."""
    monkeypatch.setattr("cmkctl.azure.credentials.CLI_TIMEOUT", 0.1)
    az(tmp_path, "exec /bin/sleep 5")

    diagnostic = failed("cli")

    assert (60, "CMK320", "The Azure CLI did not answer in time") == (CLI_TIMEOUT, diagnostic.code, diagnostic.summary)


def test_a_chain_without_any_credential_lists_what_was_tried() -> None:
    """Every reason is there in full, with the name of its credential and without the library's links."""
    imds = Answer(400, {"error": "invalid_request", "error_description": "Identity not found"})

    diagnostic = failed(None, imds)

    assert "CMK319" == diagnostic.code
    assert "EnvironmentCredential: Environment variables are not fully configured" in diagnostic.detail
    assert "AzureCliCredential: Azure CLI not found on path" in diagnostic.detail
    assert not [each for each in ("aka.ms", "Attempted", "unavailable. ") if each in diagnostic.detail]


def test_a_wrong_secret_is_a_rejected_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign-in was tried, and Entra returned the cause."""
    _service_principal(monkeypatch)
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}

    for way in ("environment", None):
        # The third answer is to msal's own question whether the host is one that it knows.
        diagnostic = failed(way, _discovery(), Answer(401, refusal), Answer(200, {"metadata": []}))

        assert ("CMK302", "Azure rejected the credential") == (diagnostic.code, diagnostic.summary)
        assert "AADSTS7000215: Invalid client secret provided" in diagnostic.detail


def test_a_login_endpoint_of_another_host_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the secret goes is in a response, too: the one of OpenID discovery."""
    _service_principal(monkeypatch)
    network = ScriptedNetwork(
        [_discovery("https://evil.example"), Answer(200, {"access_token": "t", "expires_in": 3600})]
    )

    with pytest.raises(AzureError) as caught:
        sign_in("environment", PUBLIC, transport_to(network)).get_token(PUBLIC.arm_scope)

    assert "CMK318" == AzureFailed(classify(caught.value)).diagnostics[0].code
    assert {"login.microsoftonline.com"} == {str(each.url).split("/")[2] for each in network.sent}


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://169.254.169.254/metadata/identity/oauth2/token", 1),
        ("http://localhost:42356/msi/token", 1),
        ("http://localhost:1/msi/token", 0),
        ("https://evil.example/token", 0),
        ("http://login.microsoftonline.com/token", 0),
    ],
)
def test_a_managed_identity_uses_the_endpoint_of_the_environment(url: str, sent: int) -> None:
    """Its endpoints are plain http and local; the machine names them, not a response."""
    network = ScriptedNetwork([Answer(200, {})])
    login = LoginTransport(transport_to(network), PUBLIC, {"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token"})

    with suppress(ForeignHost):
        login.send(HttpRequest("GET", url))

    assert sent == len(network.sent)


def test_a_managed_identity_is_requested_by_its_client_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two identities gives no token to a request that does not choose."""
    monkeypatch.setenv("AZURE_CLIENT_ID", "c0000000-0000-4000-8000-000000000001")
    expires = str(int(time.time()) + 3600)
    network = ScriptedNetwork(
        [Answer(200, {"access_token": "t", "expires_in": "3600", "expires_on": expires, "resource": "r"})]
    )

    sign_in("managed-identity", PUBLIC, transport_to(network)).get_token(PUBLIC.arm_scope)

    assert "client_id=c0000000-0000-4000-8000-000000000001" in str(network.sent[-1].url)


@pytest.mark.parametrize(
    ("way", "environ", "missing"),
    [
        ("environment", {}, "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"),
        ("environment", {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT}, "AZURE_CLIENT_SECRET"),
        ("workload", {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT}, "AZURE_FEDERATED_TOKEN_FILE"),
    ],
)
def test_the_variables_that_are_missing_are_named(way: str, environ: Mapping[str, str], missing: str) -> None:
    """Not which ones there could be, but which ones to set."""
    with pytest.raises(CmkctlError) as caught:
        sign_in(way, PUBLIC, transport_to(ScriptedNetwork([])), environ=environ)

    (diagnostic,) = caught.value.diagnostics
    assert "CMK319" == diagnostic.code
    assert diagnostic.detail.endswith(f"not set: {missing}.")


@pytest.mark.parametrize("way", [None, "environment", "cli", "managed-identity"])
@pytest.mark.parametrize("tenant", ["foo/bar", "a b", "-x", "https://login.microsoftonline.com/x"])
def test_a_tenant_that_cannot_be_one_is_named(way: str | None, tenant: str) -> None:
    """The variable is what is wrong, whatever the way of signing in."""
    with pytest.raises(CmkctlError) as caught:
        sign_in(way, PUBLIC, transport_to(ScriptedNetwork([])), environ={"AZURE_TENANT_ID": tenant})

    (diagnostic,) = caught.value.diagnostics
    assert ("CMK326", True) == (diagnostic.code, f"AZURE_TENANT_ID is '{tenant}'" in diagnostic.detail)
    assert "None" not in diagnostic.detail


SUBSCRIPTION = "10000000-0000-4000-8000-000000000009"
OTHER_TENANT = "10000000-0000-4000-8000-00000000000f"
ACCOUNT = Account(Cloud.AZURE, SUBSCRIPTION, TENANT)
UNKNOWN = f"ERROR: Subscription '{SUBSCRIPTION}' not found. Check the spelling and casing and try again."


def jwt(tenant: str) -> str:
    """Return a token of a tenant, as far as anybody reads it."""
    claims = base64.urlsafe_b64encode(json.dumps({"tid": tenant}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def az_that(folder: Path, *cases: tuple[str, str]) -> Path:
    """Put an az on the path that notes its arguments, and for the first pattern that fits them gives a token or an error."""
    lines = [f'echo "$*" >> {folder}/calls', 'case "$*" in']
    for pattern, answer in cases:
        given = json.dumps({"accessToken": answer, "expires_on": 4_102_444_800})
        reply = f"echo '{given}'" if "ERROR" not in answer else f'echo "{answer}" >&2; exit 1'
        lines.append(f'*"{pattern}"*) {reply};;')
    az(folder, "\n".join([*lines, "esac"]))
    return folder / "calls"


def token_of(account: Account = ACCOUNT, environ: Mapping[str, str] | None = None) -> str:
    """Return the token that az gives for an account."""
    home = environ if environ is not None else {"HOME": "/nowhere"}
    credential = sign_in("cli", PUBLIC, transport_to(ScriptedNetwork([])), environ=home, account=account)
    return SharedCredential(credential).get_token(PUBLIC.arm_scope).token


def test_az_is_called_for_the_account_of_the_subscription(tmp_path: Path) -> None:
    """Its current account may be one of a different tenant."""
    calls = az_that(tmp_path, (f"--subscription {SUBSCRIPTION}", jwt(TENANT)), ("", jwt(OTHER_TENANT)))

    assert jwt(TENANT) == token_of()
    assert [True] == [f"--subscription {SUBSCRIPTION}" in each for each in calls.read_text().splitlines()]
    assert "--tenant" not in calls.read_text()


@pytest.mark.parametrize("first", [UNKNOWN, jwt(OTHER_TENANT)], ids=["unknown subscription", "other tenant"])
def test_az_is_called_for_the_tenant_where_the_subscription_does_not_lead_to_it(tmp_path: Path, first: str) -> None:
    """A subscription may be newer than the login; az takes one of the two options at a time."""
    calls = az_that(tmp_path, ("--subscription", first), (f"--tenant {TENANT}", jwt(TENANT)))

    assert jwt(TENANT) == token_of()
    assert [1, 1] == [each.count("--subscription") + each.count("--tenant") for each in calls.read_text().splitlines()]


def test_without_a_tenant_in_the_profile_the_current_account_of_az_is_used(tmp_path: Path) -> None:
    """Az is called without a subscription and without a tenant."""
    az_that(tmp_path, ("--subscription", UNKNOWN), ("", jwt(OTHER_TENANT)))

    assert jwt(OTHER_TENANT) == token_of(Account(Cloud.AZURE, SUBSCRIPTION))


def test_the_default_chain_uses_the_same_account_of_az(tmp_path: Path) -> None:
    """It is azure-identity's own chain with this one credential replaced."""
    calls = az_that(tmp_path, (f"--subscription {SUBSCRIPTION}", jwt(TENANT)))
    network = ScriptedNetwork([ConnectionError("no identity here")])
    credential = sign_in(None, PUBLIC, transport_to(network), environ={"HOME": str(tmp_path)}, account=ACCOUNT)

    assert jwt(TENANT) == credential.get_token(PUBLIC.arm_scope).token
    assert f"--subscription {SUBSCRIPTION}" in calls.read_text()


@pytest.mark.parametrize("by", ["AZURE_CLOUD_NAME", "config", "AZURE_CONFIG_DIR"])
def test_an_az_that_is_set_to_a_different_cloud_is_not_called(tmp_path: Path, by: str) -> None:
    """A token for another cloud would be refused, with an error about an unknown resource principal."""
    calls = az_that(tmp_path, ("", jwt(TENANT)))
    folder = tmp_path / ("elsewhere" if by == "AZURE_CONFIG_DIR" else ".azure")
    folder.mkdir()
    (folder / "config").write_text("[cloud]\nname = AzureUSGovernment\n" if by != "AZURE_CLOUD_NAME" else "")
    environ = {"HOME": str(tmp_path), "AZURE_CONFIG_DIR": str(folder), "AZURE_CLOUD_NAME": "AzureUSGovernment"}
    kept = {name: value for name, value in environ.items() if name in ("HOME", by)}

    with pytest.raises(AzureError) as caught:
        token_of(environ=kept)

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK330", False) == (diagnostic.code, calls.exists())
    assert diagnostic.remedy.startswith("Run az cloud set --name AzureCloud, then az login.")


def test_a_slow_az_is_reported_as_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time that it had; azure-identity calls that a failure to invoke it (G2)."""
    monkeypatch.setattr("cmkctl.azure.credentials.CLI_TIMEOUT", 0.1)
    az(tmp_path, "exec /bin/sleep 5")

    with pytest.raises(AzureError) as caught:
        token_of()

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK320", True) == (diagnostic.code, "az gave no token within 0.1 s" in diagnostic.detail)


WORKLOAD = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT}
GITHUB = {
    **WORKLOAD,
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.actions.example/token?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job-secret-of-github",
}
PIPELINES = {
    "AZURESUBSCRIPTION_TENANT_ID": TENANT,
    "AZURESUBSCRIPTION_CLIENT_ID": TENANT,
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": SUBSCRIPTION,
    "SYSTEM_OIDCREQUESTURI": "https://dev.azure.example/org/oidctoken",
    "SYSTEM_ACCESSTOKEN": "job-secret-of-pipelines",
}


class Login(ScriptedNetwork):
    """A CI system that gives tokens of the job, and an Entra that exchanges them; `exchanged` are the tokens that it got."""

    def __init__(self) -> None:
        super().__init__([])
        self.exchanged: list[str] = []

    def send(self, request: Any, *_arguments: Any, **_options: Any) -> Any:
        """Answer by the host."""
        self.sent.append(request)
        host = urlsplit(str(request.url)).netloc
        if not host.startswith("login."):
            answer = Answer(200, {"value": "job-token", "oidcToken": "job-token"})
        elif request.method == "GET":
            answer = _discovery()
        else:
            self.exchanged += parse_qs(str(request.body))["client_assertion"]
            answer = Answer(200, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        return scripted_response(request, answer)


@pytest.mark.parametrize(
    ("environ", "url", "secret"),
    [
        (GITHUB, "&audience=api://AzureADTokenExchange", "job-secret-of-github"),
        (PIPELINES, f"?api-version=7.1&serviceConnectionId={SUBSCRIPTION}", "job-secret-of-pipelines"),
    ],
    ids=["GitHub", "Azure Pipelines"],
)
def test_a_job_signs_in_with_its_own_identity(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str], url: str, secret: str
) -> None:
    """A new token of the job is exchanged at each sign-in, so a run may last longer than one is valid."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    network = Login()

    token = sign_in("workload", PUBLIC, transport_to(network), environ=environ).get_token(PUBLIC.arm_scope)

    (issuing,) = [each for each in network.sent if not urlsplit(str(each.url)).netloc.startswith("login.")]
    assert ("t", ["job-token"]) == (token.token, network.exchanged)
    issuer = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") or environ["SYSTEM_OIDCREQUESTURI"]
    assert issuer + url == unquote(str(issuing.url))
    assert f"Bearer {secret}" == issuing.headers["Authorization"]


def test_a_file_with_a_token_signs_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Kubernetes mounts it; the file is read again when the token is renewed."""
    (tmp_path / "token").write_text("file-token")
    environ = {**WORKLOAD, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    network = Login()

    sign_in("workload", PUBLIC, transport_to(network), environ=environ).get_token(PUBLIC.arm_scope)

    assert ["file-token"] == network.exchanged


def test_the_token_of_a_job_goes_nowhere_but_to_its_issuer() -> None:
    """Neither to plain http nor to a host that a response names."""
    environ = {**GITHUB, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://pipelines.actions.example/token"}

    with pytest.raises(ForeignHost):
        sign_in("workload", PUBLIC, transport_to(Login()), environ=environ).get_token(PUBLIC.arm_scope)


@pytest.mark.parametrize(
    ("environ", "missing", "remedy"),
    [
        (
            {**WORKLOAD, "GITHUB_ACTIONS": "true"},
            "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "permissions: id-token: write",
        ),
        (
            {**PIPELINES, "SYSTEM_ACCESSTOKEN": ""},
            "SYSTEM_ACCESSTOKEN",
            "env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
        ),
        (
            {**WORKLOAD, "TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "t"},
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID and SYSTEM_OIDCREQUESTURI",
            "service connection",
        ),
    ],
)
def test_what_a_job_lacks_is_named_as_its_system_sets_it(environ: Mapping[str, str], missing: str, remedy: str) -> None:
    """These variables are set by the system of the job, not by hand."""
    with pytest.raises(CmkctlError) as caught:
        sign_in("workload", PUBLIC, transport_to(ScriptedNetwork([])), environ=environ)

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.detail.endswith(f"not set: {missing}.")
    assert remedy in diagnostic.remedy


def test_a_rejection_precedes_the_credentials_that_are_not_set_up(tmp_path: Path) -> None:
    """The chain goes on after az: its reason stood in the middle, and was cut."""
    reason = "AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1 Correlation ID: 2"
    az(tmp_path, f'echo "ERROR: {reason}" >&2; exit 1')

    first, *others = failed(None, ConnectionError("no identity here")).detail.splitlines()

    assert f"AzureCliCredential: {reason}" == first
    assert "AzurePowerShellCredential: PowerShell is not installed" in others


def test_without_az_no_remedy_proposes_it() -> None:
    """A remedy proposes only what exists on this machine."""
    diagnostic = failed(None, ConnectionError("no identity here"))

    assert ("CMK319", False) == (diagnostic.code, "az login" in diagnostic.remedy)
    assert "AZURE_CLIENT_SECRET" in diagnostic.remedy
    assert "--auth device" in diagnostic.remedy


class Renewing:
    """A credential that gives one token of some seconds, and then refuses as a federated login does that has ended."""

    def __init__(self, seconds: float) -> None:
        self.requests = 0
        self._seconds = seconds

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Give the token the first time."""
        self.requests += 1
        if self.requests > 1:
            raise ClientAuthenticationError(
                message="AADSTS700024: Client assertion is not within its valid time range. Trace ID: 1"
            )
        return AccessToken("first", int(time.time() + self._seconds))


def test_a_token_is_used_to_its_end_when_no_other_is_to_be_had() -> None:
    """In CI the federated login lasts ten minutes, the token over an hour: a workspace takes longer than ten."""
    credential = Renewing(200)
    shared = SharedCredential(credential)

    tokens = {shared.get_token(PUBLIC.arm_scope).token for _ in range(5)}

    assert ({"first"}, 2) == (tokens, credential.requests)


def test_an_expired_token_names_the_federated_login() -> None:
    """Then there is no way but another login, and the same command goes on."""
    shared = SharedCredential(Renewing(-1))
    shared.get_token(PUBLIC.arm_scope)

    with pytest.raises(AzureError) as caught:
        shared.get_token(PUBLIC.arm_scope)

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK321", "The federated sign-in has expired") == (diagnostic.code, diagnostic.summary)


CLAIMS = Answer(
    401,
    {"error": {"code": "InvalidAuthenticationToken", "message": "Continuous access evaluation resulted in challenge."}},
    {"WWW-Authenticate": 'Bearer authorization_uri="https://x", error="insufficient_claims", claims="eyJhIjoxfQ=="'},
)


def test_a_directory_that_requires_more_claims_may_not_be_read() -> None:
    """After one more try with the claims it is as with any directory that may not be read: the object id can be given by hand."""
    scripted = azure(CLAIMS)

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().service_principal("a232010e-820c-4083-83bb-3ace5fc29d0b")

    assert (FailureKind.DENIED, 2) == (caught.value.failure.kind, len(scripted.network.sent))


def test_a_claims_challenge_of_resource_manager_is_reported() -> None:
    """To sign in again in the same way would change nothing."""
    with pytest.raises(AzureFailed) as caught:
        azure(CLAIMS).session.snapshot().resource_group("rg")

    assert ("CMK322", FailureKind.CLAIMS) == (caught.value.diagnostics[0].code, caught.value.failure.kind)
    assert "--auth browser" in caught.value.diagnostics[0].remedy


def test_with_az_the_sign_in_has_the_claims_that_azure_requires(tmp_path: Path) -> None:
    """A command to paste: az takes them as Azure sent them."""
    az_that(tmp_path)

    with pytest.raises(AzureFailed) as caught:
        azure(CLAIMS).session.snapshot().resource_group("rg")

    assert "az login --claims-challenge eyJhIjoxfQ==," in caught.value.diagnostics[0].remedy


def test_a_credential_that_cannot_answer_a_claims_challenge_is_one_that_does_not_satisfy_it() -> None:
    """The az CLI refuses to request claims: the cause stays the challenge, and not the CLI."""
    refused = ClientAuthenticationError(message="This credential doesn't support claims challenges.")
    try:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - as azure-core chains them

        raise refused from HttpResponseError(response=response_to("GET", "https://graph.microsoft.com/v1.0/x", CLAIMS))
    except ClientAuthenticationError as error:
        failure = classify(error)

    assert FailureKind.CLAIMS == failure.kind


def _service_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "a-secret-of-mine")


def _discovery(host: str = "https://login.microsoftonline.com") -> Answer:
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    endpoints = {name: f"{host}/{TENANT}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
    return Answer(200, {"issuer": issuer, **endpoints})
