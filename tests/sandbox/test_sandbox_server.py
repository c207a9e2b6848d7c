"""The server itself: hosts, tokens, proxy, headers, and what it refuses."""

import json
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from support.sandbox import Client, code

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID, Sandbox, SandboxError
from cmkctl.sandbox.core.signing import SigningKey
from cmkctl.sandbox.server import Running

CLOUDS = {
    "management.azure.com": "https://management.azure.com/.default",
    "management.usgovcloudapi.net": "https://management.core.usgovcloudapi.net/.default",
    "management.chinacloudapi.cn": "https://management.chinacloudapi.cn/.default",
}


@pytest.mark.parametrize(("host", "scope"), CLOUDS.items())
def test_every_clouds_arm_host_answers_under_its_own_name(running: Running, host: str, scope: str) -> None:
    """A client needs no other URL than Azure's own, in each of the three clouds."""
    answer = Client(running, host, scope)("GET", "/subscriptions", api="2022-12-01")

    assert answer.status_code == 200
    assert [row["tenantId"] for row in answer.json()["value"]] == [TENANT_ID]


def test_a_request_without_a_token_is_refused_with_azures_challenge(running: Running) -> None:
    """As recorded: 401 AuthenticationFailed, and a challenge that names tenant and authority."""
    session = Client(running).session

    answer = session.get("https://management.azure.com/subscriptions?api-version=2022-12-01")

    assert code(answer) == (401, "AuthenticationFailed")
    assert f'authorization_uri="https://login.microsoftonline.com/{TENANT_ID}"' in answer.headers["WWW-Authenticate"]


def test_a_token_for_another_audience_is_refused(running: Running) -> None:
    """A token for Graph opens nothing in ARM."""
    client = Client(running)
    client.token = client.fetch_token("https://graph.microsoft.com/.default")

    assert code(client("GET", "")) == (401, "InvalidAuthenticationTokenAudience")


def test_a_forged_token_is_refused(arm: Client) -> None:
    """Only the sandbox's own tokens count, so a real one sent by mistake is refused, too."""
    arm.token = arm.token[:-4] + "AAAA"

    assert code(arm("GET", "")) == (401, "InvalidAuthenticationToken")


def test_a_vault_host_challenges_for_a_token_as_key_vault_does(running: Running) -> None:
    """The data plane is not modelled, but its challenge is: SDKs find out resource and tenant from it."""
    answer = Client(running).session.get("https://kv-one.vault.azure.net/keys?api-version=7.4")

    assert code(answer) == (401, "Unauthorized")
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]


def test_a_wrong_secret_is_refused_as_entra_does(running: Running) -> None:
    """401 invalid_client with AADSTS7000215, which azure-identity turns into ClientAuthenticationError."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "no", "scope": "x/.default"}

    answer = Client(running).session.post(f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"].startswith("AADSTS7000215")


def test_what_is_not_modelled_is_refused_loudly(arm: Client) -> None:
    """Never a quiet 200 or {}: the error names it as a limit of the sandbox."""
    answers = [
        arm("GET", "/providers/Microsoft.Compute/virtualMachines", api="2024-07-01"),
        arm("PUT", "/resourceGroups/rg/providers/Microsoft.Cdn/profiles/p", {}, api="2023-05-01"),
        arm.session.get("https://acc.blob.core.windows.net/c", headers={"Authorization": "Bearer x"}),
    ]

    assert [code(answer) for answer in answers] == [(400, "SandboxNotModelled")] * 3


def test_api_version_is_required_and_checked(arm: Client) -> None:
    """Missing, malformed and unsupported api-versions are three different refusals."""
    path = "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-one"

    assert code(arm("GET", path, api="")) == (400, "MissingApiVersionParameter")
    assert code(arm("GET", path, api="latest")) == (400, "InvalidApiVersionParameter")
    assert code(arm("GET", path, api="2012-01-01")) == (400, "SandboxNotModelled")


def test_every_response_has_the_sandbox_header(arm: Client) -> None:
    """A header no answer of Azure has, besides those every answer of Azure has."""
    headers = arm("GET", "").headers

    assert headers["x-cmkctl-sandbox"] == "1"
    assert {"x-ms-request-id", "x-ms-correlation-request-id", "x-ms-ratelimit-remaining-subscription-reads"} <= set(
        headers
    )


def test_an_unknown_subscription_is_not_found(arm: Client) -> None:
    """404 SubscriptionNotFound, as in a tenant that does not have it."""
    answer = arm("GET", "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups")

    assert code(answer) == (404, "SubscriptionNotFound")


def test_the_proxy_forwards_nothing_but_tunnels(running: Running) -> None:
    """Plain HTTP through the proxy is refused with a sentence, whatever the host; nothing can leave the machine."""
    session = requests.Session()
    session.trust_env = False

    answer = session.get("http://example.org/", proxies={"http": running.proxy})

    assert answer.status_code == 501
    assert "forwards nothing" in answer.text


def test_it_listens_on_this_machine_only(running: Running) -> None:
    """Both ports are bound to 127.0.0.1."""
    name = socket.gethostbyname(socket.gethostname())
    if name.startswith("127."):
        pytest.skip("this machine has no other address than loopback")
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
        socket.create_connection((name, running.port), timeout=1)


def test_clients_reject_its_certificate_by_default(running: Running) -> None:
    """Without the sandbox's own certificate a client refuses to talk to it."""
    session = requests.Session()
    session.trust_env = False

    with pytest.raises(requests.exceptions.SSLError):
        session.get("https://management.azure.com/", proxies={"https": running.proxy})


def test_one_connection_carries_many_requests(arm: Client) -> None:
    """Keep-alive works through the tunnel: no new TLS handshake for every read."""
    for _ in range(5):
        arm("GET", "")

    adapter = arm.session.get_adapter("https://")
    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    pools = adapter.proxy_manager[arm.running.proxy].pools
    assert sum(pool.num_connections for pool in (pools[key] for key in pools.keys())) == 2  # noqa: SIM118  login and ARM


def test_ids_are_case_insensitive_on_input(quick: Client) -> None:
    """A path in any casing finds the resource, which keeps the casing it was made with."""
    quick("PUT", "/resourceGroups/Rg-One", {"location": "eastus2"})

    answer = quick("GET", f"https://management.azure.com/SUBSCRIPTIONS/{SUBSCRIPTION_ID.upper()}/RESOURCEGROUPS/rg-one")

    assert answer.json()["name"] == "Rg-One"


def test_the_log_distinguishes_writes_from_reads_and_keeps_no_secret(arm: Client) -> None:
    """Token requests are not writes, their bodies are not kept, nor is any Authorization header."""
    arm("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    arm("GET", "/resourceGroups/rg")

    assert [(entry.method, entry.status) for entry in arm.running.writes] == [("PUT", 201)]
    kept = json.dumps([[entry.body, entry.response, entry.query, entry.path] for entry in arm.running.requests])
    assert CLIENT_SECRET not in kept
    assert arm.token not in kept


def test_curl_works_with_the_environment_alone(instant: Running) -> None:
    """The environment is all a client needs."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    url = f"https://login.microsoftonline.com/{TENANT_ID}/v2.0/.well-known/openid-configuration"

    done = subprocess.run(
        ["curl", "-sS", url], env={"PATH": "/usr/bin:/bin", **instant.environment()}, capture_output=True, check=True
    )

    assert json.loads(done.stdout)["issuer"] == f"https://login.microsoftonline.com/{TENANT_ID}/v2.0"


def test_a_host_it_does_not_know_still_gets_a_certificate() -> None:
    """So that the client sees the refusal, and not a TLS error that looks like something else."""
    with Sandbox().serve() as running, socket.create_connection(("127.0.0.1", running.port)) as plain:
        plain.sendall(b"CONNECT api.example.org:443 HTTP/1.1\r\nHost: api.example.org\r\n\r\n")
        plain.recv(4096)
        context = ssl.create_default_context(cafile=str(running.ca))
        with context.wrap_socket(plain, server_hostname="api.example.org") as tls:
            assert tls.getpeercert() is not None


def test_importing_the_package_stays_light() -> None:
    """Importing the sandbox alone does not load uvicorn, trustme and the routes."""
    program = "import sys, cmkctl.sandbox; print([m for m in ('uvicorn', 'trustme', 'starlette', 'asyncio') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_token_can_be_verified_by_the_published_key(running: Running) -> None:
    """As a resource server does: discovery, jwks_uri, RS256."""
    arm = Client(running)
    login = f"https://login.microsoftonline.com/{TENANT_ID}"
    discovery = arm.session.get(f"{login}/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(arm.session.get(discovery["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(arm.token)["kid"]]

    claims = jwt.decode(arm.token, key, algorithms=["RS256"], audience="https://management.azure.com")

    assert (claims["tid"], claims["appid"]) == (TENANT_ID, CLIENT_ID)


def test_a_token_signed_with_another_key_is_refused(arm: Client) -> None:
    """Also one that claims to be unsigned."""
    claims = jwt.decode(arm.token, options={"verify_signature": False})
    other = SigningKey()
    other.private = rsa.generate_private_key(65537, 2048)

    for token in (other.sign(claims), jwt.encode(claims, "", algorithm="none"), jwt.encode(claims, "x" * 32)):
        arm.token = token
        assert code(arm("GET", "")) == (401, "InvalidAuthenticationToken")


def test_a_token_outlives_a_restart(tmp_path: Path) -> None:
    """The key is kept beside the state file, for the user alone."""
    state = tmp_path / "sandbox.json"
    with Sandbox(state).serve() as running:
        token = Client(running).token
    kept = tmp_path / "sandbox.signing.key"

    with Sandbox(state).serve() as running:
        arm = Client(running)
        arm.token = token

        assert arm("GET", "").status_code == 200
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_damaged_key_ends_the_start_with_its_name(tmp_path: Path) -> None:
    """It is left as it is."""
    (tmp_path / "sandbox.signing.key").write_text("-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n")

    with pytest.raises(SandboxError, match=r"sandbox\.signing\.key is damaged"):
        Sandbox(tmp_path / "sandbox.json").serve()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /_sandbox/hello HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /_sandbox/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"no request at all\r\n\r\n", 400),
        (b"GET /_sandbox/hello HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000, 431),
        (b"GET /_sandbox/hello HTTP/1.1\r\nHost: x\r\nOrigin: https://example.com\r\n\r\n", 403),
        (b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", 501),
        (b"GET /_sandbox/hello HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ],
)
def test_the_proxy_answers_whatever_it_is_sent(running: Running, request_: bytes, status: int) -> None:
    """A malformed head is refused with its status; nothing raises, and the proxy goes on."""
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
            connection.sendall(request_)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))

        assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_control_request_may_come_in_pieces(running: Running) -> None:
    """Byte by byte, and its body chunked."""
    sent = b'POST /_sandbox/clock HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"advance": "1d"}\r\n0\r\n\r\n'
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        for byte in sent:
            connection.sendall(bytes([byte]))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert json.loads(answer.partition(b"\r\n\r\n")[2])["ahead"] == 86400


def test_another_tenant_is_not_found(arm: Client) -> None:
    """Neither its endpoints nor a token: azure-identity reads the first before it requests the second."""
    other = "https://login.microsoftonline.com/c0ffee00-0000-4000-8000-0000000000ff"
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scope": "x"}

    discovery = arm.session.get(f"{other}/v2.0/.well-known/openid-configuration")
    token = arm.session.post(f"{other}/oauth2/v2.0/token", data=form)

    assert [answer.status_code for answer in (discovery, token)] == [400, 400]
    assert [answer.json()["error"] for answer in (discovery, token)] == ["invalid_tenant", "invalid_request"]
    assert all(answer.json()["error_description"].startswith("AADSTS90002") for answer in (discovery, token))


def test_what_azure_words_itself_has_no_mark(arm: Client) -> None:
    """Quoted texts come as they are, so that clients match them."""
    nowhere = arm("PUT", "/resourceGroups/rg", {"location": "atlantis"}).json()["error"]["message"]
    arm("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    name = "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/1-wrong"
    vault = arm("PUT", name, {"location": "eastus2", "properties": {}}).json()["error"]["message"]

    assert nowhere.startswith("The provided location 'atlantis' is not available for resource group. List of available")
    assert vault.startswith("The vault name '1-wrong' is invalid. A vault's name must be between 3-24 alphanumeric")
