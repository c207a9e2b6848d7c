"""A token goes to hosts of the profile's cloud, and nowhere else, whatever a response contains."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import AzureError
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import ARM, SUBSCRIPTION, Answer, azure

from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.errors import AzureFailed, ForeignHost, classify
from cmkctl.azure.policies import SANDBOX_HEADER
from cmkctl.azure.snapshot import LONGEST_LIST
from cmkctl.sandbox.core.constants import BANNER_HEADER

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
PATH = f"{SCOPE}/providers/Microsoft.Search/locations/eastus2/operations/1?api-version=2024-01-01"
FOREIGN = [
    f"https://evil.example{PATH}",
    f"https://management.azure.com.evil.example{PATH}",
    f"https://evilmanagement.azure.com{PATH}",
    f"https://evil.example/management.azure.com{PATH}",
    f"https://evil.example?https://management.azure.com{PATH}",
    f"https://evil.example#management.azure.com{PATH}",
    f"https://management.azure.com:8443{PATH}",
    f"https://management.azure.com:{PATH}",
    f"https://user:pw@management.azure.com{PATH}",
    f"https://management.azure.com@evil.example{PATH}",
    f"https://evil.example\\@management.azure.com{PATH}",
    f"https://evil.example\\.management.azure.com{PATH}",
    f"https://management.azure.com\\.evil.example{PATH}",
    f"https://evil.example%2f.management.azure.com{PATH}",
    f"https://evil.example\t.management.azure.com{PATH}",
    f"https://management.azure.com.{PATH}",
    f"https://management\u3002azure\u3002com{PATH}",
    f"http://management.azure.com{PATH}",
    f"//evil.example{PATH}",
    f"ftp://management.azure.com{PATH}",
    f"https://management.usgovcloudapi.net{PATH}",
    "https://[::1]/",
    "https://127.0.0.1/",
    "nowhere",
]
OWN = [
    f"{ARM}{PATH}",
    f"https://management.azure.com:443{PATH}",
    f"HTTPS://Management.Azure.com{PATH}",
    f"https://westeurope.management.azure.com{PATH}",
    "https://graph.microsoft.com/v1.0/servicePrincipals?$filter=appId eq 'x'",
    "https://kv-ml.vault.azure.net/keys?api-version=7.4",
    "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_an_operation_of_another_host_is_not_followed(url: str) -> None:
    """The address of an operation comes from a response, and the next request would carry the token to it."""
    scripted = azure(Answer(200, {"status": "Succeeded"}))

    with pytest.raises(ForeignHost) as caught:
        scripted.session.poll(url)

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK318", []) == (diagnostic.code, scripted.network.sent)
    assert "user:pw" not in diagnostic.detail


@pytest.mark.parametrize("url", OWN)
def test_an_operation_of_the_cloud_is_followed(url: str) -> None:
    """Regional hosts of Resource Manager are where operations are polled."""
    scripted = azure(Answer(200, {"status": "Succeeded"}))

    scripted.session.poll(url)

    assert [True] == ["Authorization" in each.headers for each in scripted.network.sent]


@pytest.mark.parametrize("cloud", list(Cloud))
def test_a_cloud_owns_its_own_endpoints_and_no_other_cloud_s(cloud: Cloud) -> None:
    """A profile for Azure Government sends nothing to the public cloud, and the other way round."""
    owned = {
        other
        for other in Cloud
        for url in (ENDPOINTS[other].arm, ENDPOINTS[other].graph, f"https://kv.{ENDPOINTS[other].vault_suffix}")
        if ENDPOINTS[cloud].owns(url)
    }

    assert {cloud} == owned
    assert ENDPOINTS[cloud].authority == f"https://{ENDPOINTS[cloud].login_hosts[0]}"


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_before_the_host_makes_it_ours(text: str) -> None:
    """Whatever stands between the scheme and a foreign host, the host decides."""
    assert not ENDPOINTS[Cloud.AZURE].owns(f"https://{text}.evil.example/")
    assert not ENDPOINTS[Cloud.AZURE].owns(f"https://{text}@management.azure.com/")


@pytest.mark.parametrize("url", ["https://evil.example/page2", "http://management.azure.com/page2"])
def test_a_next_page_of_another_host_is_not_read(url: str) -> None:
    """A list follows its nextLink only to hosts of the cloud."""
    scripted = azure(Answer(200, {"value": [], "nextLink": url}))

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().role_assignments(f"{SCOPE}/resourceGroups/rg", "p")

    assert ("CMK318", 1) == (caught.value.diagnostics[0].code, len(scripted.network.sent))


def test_a_list_whose_pages_never_end_is_given_up() -> None:
    """Every link is a new one, so a set of those that were followed does not help."""
    pages = [{"value": [], "nextLink": f"{ARM}/page?$skiptoken={page}"} for page in range(2 * LONGEST_LIST)]
    scripted = azure(*(Answer(200, page) for page in pages))

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().role_assignments(f"{SCOPE}/resourceGroups/rg", "p")

    assert ("CMK316", LONGEST_LIST + 1) == (caught.value.diagnostics[0].code, len(scripted.network.sent))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    """The token would go along: nothing is sent there, and the diagnostic states where it led."""
    scripted = azure(Answer(status, b"", {"Location": "https://evil.example/subscriptions"}))

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().resource_group("rg")

    hosts = {str(each.url).split("/")[2] for each in scripted.network.sent}
    assert ("CMK318", {"management.azure.com"}) == (caught.value.diagnostics[0].code, hosts)
    assert "https://evil.example" in caught.value.diagnostics[0].detail


RETRY_AFTER = [
    "Sat, 21 Nov 2026 12:00:07 GMT",
    "Saturday, 21-Nov-26 12:00:07 GMT",
    "1.5",
    "5, 7",
    "soon",
    "",
    "-3",
    "1e300",
    "nan",
    "inf",
    "0x10",
    "٣",
]


@pytest.mark.parametrize("header", RETRY_AFTER)
def test_a_retry_after_of_any_form_leaves_a_write_by_id_as_it_is(header: str) -> None:
    """The SDK parses the header as an integer, on the answer to a PUT that succeeded."""
    body = {"id": f"{SCOPE}/resourceGroups/rg", "properties": {"provisioningState": "Succeeded"}}
    scripted = azure(Answer(202, body, {"Retry-After": header}))

    answered = _put(scripted)

    assert (202, 1) == (answered.status_code, len(scripted.network.sent))
    assert answered.headers.get("Retry-After", "0").isdecimal()


def test_a_fraction_of_a_second_is_rounded_up_and_the_longest_of_two_counts() -> None:
    """The delay of Retry-After is never shortened."""
    answers = {header: _put(azure(Answer(202, {}, {"Retry-After": header}))) for header in ("1.5", "5, 7")}

    assert {"1.5": "2", "5, 7": "7"} == {header: each.headers["Retry-After"] for header, each in answers.items()}


def _put(scripted: Any) -> Any:
    return scripted.session.resources.resources.begin_create_or_update_by_id(
        f"{SCOPE}/resourceGroups/rg/providers/Microsoft.Search/searchServices/s",
        api_version="2024-01-01",
        parameters={"location": "westus"},
        polling=False,
        cls=lambda response, *_: response.http_response,
    ).result()


def test_a_session_learns_from_the_first_response_where_it_is() -> None:
    """Every response of the sandbox carries its header, also where only the environment leads there."""
    sandboxed, real = azure(Answer(200, {}, {SANDBOX_HEADER: "1"})), azure(Answer(404, {}))
    before = sandboxed.session.is_sandbox

    sandboxed.session.poll(ARM)
    with pytest.raises(AzureError):
        real.session.poll(ARM)

    assert (None, True, False) == (before, sandboxed.session.is_sandbox, real.session.is_sandbox)


def test_the_header_is_the_one_that_the_sandbox_sends() -> None:
    """The product does not import the sandbox, so the name is in two places."""
    assert BANNER_HEADER == SANDBOX_HEADER


def test_nothing_is_sent_after_the_deadline_of_the_run() -> None:
    """A run whose --timeout has passed ends at once, with the diagnostic of every other wait."""
    scripted = azure(Answer(200, {}))
    scripted.session.deadline = 5.0
    scripted.clock.sleep(5.0)

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().resource_group("rg")

    assert ("CMK312", []) == (caught.value.diagnostics[0].code, scripted.network.sent)


def test_a_request_may_take_what_is_left_of_the_run() -> None:
    """The transport gets the smaller of the two: the total of a request, and what --timeout leaves."""
    scripted = azure(Answer(200, {}))
    scripted.session.deadline = 30.0
    scripted.clock.sleep(12.0)

    scripted.session.poll(ARM)
    scripted.session.deadline = None
    scripted.session.poll(ARM)

    assert [18.0, 120.0] == [timeout[1] for timeout in scripted.network.timeouts]
