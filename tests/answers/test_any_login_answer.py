"""Signing in ends in a token or in a diagnostic, whatever the login host or a proxy in its place returns."""

from __future__ import annotations

import json

import pytest
from azure.core.exceptions import AzureError
from hypothesis import given
from support.corrupted_responses import (
    PAGE,
    Body,
    Both,
    Cut,
    Header,
    Network,
    Scripted,
    Spoiler,
    Spoilt,
    Status,
    sampled,
    spoilt,
)

from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.credentials import SharedCredential, sign_in
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.diagnostics import Diagnostic

SCOPE = ENDPOINTS[Cloud.AZURE].arm_scope
DISCOVERY, TOKEN = 0, 1
"""The two requests of a sign-in to the login host: for the endpoints, and for a token."""

FOR_EVER = 1_000_000
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "issuer")


def signed_in(network: Network, way: str | None) -> str:
    """Sign in and get a token, as a run does."""
    return SharedCredential(sign_in(way, ENDPOINTS[Cloud.AZURE], network.transport())).get_token(SCOPE).token


def diagnosed(network: Network, way: str | None) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a failed sign-in; none for a successful one."""
    try:
        signed_in(network, way)
    except AzureError as error:
        return AzureFailed(classify(error)).diagnostics
    return ()


@pytest.fixture(scope="module")
def sent(network: Network) -> list[tuple[str, str]]:
    """Provide the requests of a sign-in."""
    network.quiet()
    signed_in(network, "environment")
    return network.requested


@pytest.mark.parametrize("way", ["environment", None])
@given(spoilt=spoilt())
@sampled(12)
def test_signing_in_ends_in_a_token_or_in_a_diagnostic(
    network: Network, sent: list[tuple[str, str]], way: str | None, spoilt: Spoilt
) -> None:
    """Any answer of the login host; and no part of a token is ever shown."""
    network.spoil(sent, spoilt)

    diagnostics = diagnosed(network, way)

    assert {each.code for each in diagnostics} <= {"CMK302", "CMK309", "CMK310", "CMK318"}
    assert [] == [each for each in diagnostics if "eyJ0" in each.detail]


@pytest.mark.parametrize(
    ("way", "request_", "how", "words"),
    [
        ("environment", DISCOVERY, Both(Body(PAGE), Header("Content-Type", "text/html")), "begins: <!DOCTYPE html>"),
        (None, TOKEN, Both(Body(PAGE), Header("Content-Type", "text/html")), "begins: <!DOCTYPE html>"),
        ("environment", TOKEN, Body(PAGE), "begins: <!DOCTYPE html>"),
        ("environment", TOKEN, Both(Body(PAGE), Status(403)), "begins: <!DOCTYPE html>"),
        (None, DISCOVERY, Both(Status(302), Header("Location", "https://proxy.example.com")), "proxy.example.com"),
        ("environment", TOKEN, Cut(60), "hidden, it may hold a token"),
        ("environment", DISCOVERY, Body(b""), "hidden, it may hold a token"),
        ("environment", TOKEN, Header("Content-Encoding", "gzip"), "failed to decode it"),
    ],
)
def test_a_page_in_the_place_of_the_login_host_is_no_wrong_credential(
    network: Network, sent: list[tuple[str, str]], way: str | None, request_: int, how: Spoiler, words: str
) -> None:
    """A corporate proxy that wants a sign-in of its own: the advice is about the proxy, not about the tenant."""
    network.spoil(sent, Spoilt(request_, 1, FOR_EVER, how))

    (diagnostic,) = diagnosed(network, way)

    assert ("CMK309", True) == (diagnostic.code, words in diagnostic.detail), diagnostic.detail
    assert "HTTPS_PROXY" in diagnostic.remedy


def test_the_device_code_goes_through_the_view(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for data: what a person has to do would be a line that is no JSON."""
    prompts: list[str] = []
    host = ENDPOINTS[Cloud.AZURE].authority
    discovered = {each: f"{host}/{each}" for each in _ENDPOINTS}
    started = {
        "device_code": "d",
        "user_code": "ABCDE",
        "verification_uri": "https://x/device",
        "expires_in": 9,
        "message": "m",
    }
    network = Scripted(json.dumps(discovered | started).encode())

    credential = sign_in("device", ENDPOINTS[Cloud.AZURE], network.transport(), prompts.append)
    with pytest.raises(AzureError):
        credential.get_token(SCOPE)

    assert ["To sign in, open https://x/device and enter the code ABCDE"] == prompts
    assert "" == capsys.readouterr().out
