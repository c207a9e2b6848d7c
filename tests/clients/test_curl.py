"""curl, a client that is not Python, through the proxy with the sandbox's certificate and nothing else."""

import json
from typing import Any

import pytest
from support.clients import SUBSCRIPTION, Program

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, TENANT_ID

ARM = "https://management.azure.com"
LOGIN = f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
GROUP = f"{ARM}{SUBSCRIPTION}/resourcegroups/rg-curl?api-version=2024-11-01"
STATUS = ("-sS", "-w", "\n%{http_code}")


def send(curl: Program, *arguments: str) -> tuple[int, Any]:
    """Send a request and return its status and its body."""
    done = curl(*STATUS, *arguments)
    assert done.code == 0, done.err
    body, _, status = done.out.rpartition("\n")
    return int(status), json.loads(body) if body else None


@pytest.fixture
def token(curl: Program) -> str:
    """Return a token for ARM, requested as a shell script does."""
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": f"{ARM}/.default",
    }
    fields = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}")]
    status, answer = send(curl, LOGIN, *fields)
    assert (200, "Bearer") == (status, answer["token_type"])
    return f"Authorization: Bearer {answer['access_token']}"


def test_a_group_is_put_and_read(curl: Program, token: str) -> None:
    """A token, a PUT and a GET: 201, 200 the second time, and the same body."""
    put = ("-X", "PUT", GROUP, "-H", token, "-H", "Content-Type: application/json", "-d", '{"location": "eastus2"}')
    first, second, read = send(curl, *put), send(curl, *put), send(curl, GROUP, "-H", token)

    assert (201, 200, 200) == (first[0], second[0], read[0])
    assert first[1] == second[1] == read[1]
    assert ("rg-curl", "eastus2") == (read[1]["name"], read[1]["location"])


def test_a_missing_api_version_is_refused(curl: Program, token: str) -> None:
    """400 MissingApiVersionParameter, in Azure Resource Manager's words."""
    status, answer = send(curl, GROUP.partition("?")[0], "-H", token)

    assert (400, "MissingApiVersionParameter") == (status, answer["error"]["code"])
    assert answer["error"]["message"] == "The api-version query parameter (?api-version=) is required for all requests."


def test_a_missing_token_is_refused_with_a_challenge(curl: Program) -> None:
    """401 AuthenticationFailed, as recorded."""
    done = curl("-sS", "-i", "--suppress-connect-headers", GROUP)

    head, _, body = done.out.partition("\n\n")
    assert head.splitlines()[0].startswith("HTTP/1.1 401")
    assert f'bearer authorization_uri="https://login.microsoftonline.com/{TENANT_ID}"' in head.lower()
    assert json.loads(body)["error"]["code"] == "AuthenticationFailed"


def test_plain_http_is_refused_by_the_proxy(curl: Program) -> None:
    """Whatever the host: nothing that is not a tunnel to the sandbox goes through."""
    done = curl("-sS", "-i", "--proxy", curl.running.proxy, "http://example.org/")

    assert done.out.splitlines()[0] == "HTTP/1.1 501 Not Implemented"
    assert "forwards nothing" in done.out


def test_without_the_sandboxs_certificate_no_request_succeeds(curl: Program) -> None:
    """The exit codes are curl's own for a certificate that no known authority signed."""
    done = curl("-sS", "--cacert", "/dev/null", GROUP)

    assert (done.code in {60, 77}, done.out) == (True, "")
