"""A session sends exactly the request it was given, and nothing that a library would add."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_plus

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from support.scripted import SUBSCRIPTION, Answer, FixedCredential, azure

from cmkctl.azure import versions
from cmkctl.azure.credentials import ReplayCredential, SharedCredential
from cmkctl.azure.errors import AzureFailed, UndecodableResponse, classify
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.retry import ATTEMPTS
from cmkctl.azure.send import RESPONSE_IGNORED
from cmkctl.azure.snapshot import Snapshot
from cmkctl.profile.model import Profile
from cmkctl.steps._principals import cosmos_db

VAULT = ResourceId.parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv")
NOT_REGISTERED = Answer(
    409,
    {
        "error": {
            "code": "MissingSubscriptionRegistration",
            "message": "The subscription is not registered to use namespace 'Microsoft.KeyVault'.",
            "details": [{"code": "MissingSubscriptionRegistration", "target": "Microsoft.KeyVault"}],
        }
    },
)
APP_ID = "a232010e-820c-4083-83bb-3ace5fc29d0b"


def test_a_provider_that_is_not_registered_has_no_resources_and_stays_so() -> None:
    """The SDK would register a provider because of a 409, even on a read; a session does not."""
    scripted = azure(NOT_REGISTERED)

    found = scripted.session.snapshot().vault(VAULT)

    assert (None, [f"GET https://management.azure.com{VAULT}"]) == (found, scripted.network.requested)


def test_a_write_to_a_provider_that_is_not_registered_registers_nothing() -> None:
    """Also a write is refused as it is: registering is a step of its own, and shown."""
    scripted = azure(NOT_REGISTERED)

    with pytest.raises(HttpResponseError):
        scripted.session.key_vault.vaults.update("rg", "kv", {"properties": {}})

    assert [f"PATCH https://management.azure.com{VAULT}"] == scripted.network.requested


def test_a_write_that_met_a_server_error_is_sent_once() -> None:
    """azure-core's own retry policy would send it again, without having looked."""
    scripted = azure(Answer(503))

    with pytest.raises(HttpResponseError):
        scripted.session.key_vault.vaults.update("rg", "kv", {"properties": {}})

    assert (1, []) == (len(scripted.network.sent), scripted.clock.waits)


def test_a_read_that_met_a_server_error_waits_by_the_clock_of_the_session() -> None:
    """There is one retry policy, and it waits by the injected clock: two would multiply the attempts."""
    scripted = azure(Answer(503))

    with pytest.raises(AzureFailed) as caught:
        scripted.session.snapshot().vault(VAULT)

    assert FailureKind.PASSING == caught.value.failure.kind
    assert (ATTEMPTS, ATTEMPTS - 1) == (len(scripted.network.sent), len(scripted.clock.waits))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}), FailureKind.DENIED),
        (Answer(200, b"<html>not JSON</html>"), FailureKind.PASSING),
        (Answer(400, {"error": {"code": "BadRequest", "message": "no"}}), FailureKind.TERMINAL),
    ],
)
def test_a_refused_read_is_never_taken_for_absence(answer: Answer, kind: FailureKind) -> None:
    """Only 404 means absent."""
    with pytest.raises(AzureFailed) as caught:
        azure(answer).session.snapshot().vault(VAULT)

    assert kind == caught.value.failure.kind


PAGE = Answer(200, b"<html><title>Sign in to the proxy</title></html>", {"Content-Type": "text/html"})
MOVED = Answer(302, b"", {"Location": "https://proxy.example.com/login"})
CUT = Answer(200, b'{"properties": {"tenan', {"Content-Type": "application/json"})
GZIPPED = Answer(200, b'{"properties": {"tenantId": "t"}}', {"Content-Encoding": "gzip"})
FINE = Answer(200, {"properties": {"tenantId": "t"}})


@pytest.mark.parametrize("answer", [PAGE, MOVED, CUT, GZIPPED, Answer(200, b""), Answer(200, b"\xff")])
def test_a_read_with_a_foreign_response_is_retried(answer: Answer) -> None:
    """A proxy's page, a redirection, a body that breaks off, none, or one unlike its headers: such failures are transient."""
    scripted = azure(answer, FINE)

    assert FINE.body == scripted.session.snapshot().vault(VAULT)

    assert 2 == len(scripted.network.sent)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PAGE, "begins: <html><title>Sign in to the proxy"),
        (MOVED, "redirects to https://proxy.example.com"),
        (CUT, 'begins: {"properties": {"tenan'),
        (Answer(200, b""), "(empty)"),
    ],
)
def test_a_persistent_foreign_response_is_reported_with_a_remedy(answer: Answer, words: str) -> None:
    """The start of the body distinguishes a proxy from Azure."""
    with pytest.raises(AzureFailed) as caught:
        azure(answer).session.snapshot().vault(VAULT)

    (diagnostic,) = caught.value.diagnostics
    kind = FailureKind.FOREIGN_HOST if answer is MOVED else FailureKind.PASSING
    assert (kind, True) == (caught.value.failure.kind, words in diagnostic.detail)
    assert "HTTPS_PROXY" in diagnostic.remedy


@pytest.mark.parametrize("answer", [PAGE, MOVED, CUT, GZIPPED])
def test_a_write_with_a_foreign_response_is_sent_once_and_counts_as_lost(answer: Answer) -> None:
    """Whether Azure carried it out is not known: the engine looks."""
    scripted = azure(answer)

    with pytest.raises(UndecodableResponse) as caught:
        scripted.session.key_vault.vaults.update("rg", "kv", {"properties": {}}, **RESPONSE_IGNORED)

    # A redirect out of the cloud stops the run; everything else the engine looks at and may send again.
    kind = FailureKind.FOREIGN_HOST if answer is MOVED else FailureKind.PASSING
    assert (kind, 1) == (classify(caught.value).kind, len(scripted.network.sent))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'{"properties": "text", "tags": 7, "location": {}}'])
def test_nothing_rests_on_the_answer_to_a_write(body: bytes) -> None:
    """What a write did is read back; the SDK's models would fall over an answer of another form."""
    scripted = azure(Answer(200, body))

    scripted.session.key_vault.vaults.update("rg", "kv", {"properties": {}}, **RESPONSE_IGNORED)
    scripted.session.resources.providers.register("Microsoft.Search", **RESPONSE_IGNORED)
    scripted.session.resources.resource_groups.create_or_update("rg", {"location": "westus"}, **RESPONSE_IGNORED)
    scripted.session.graph.create_service_principal({"appId": APP_ID})

    assert 4 == len(scripted.network.sent)


@pytest.mark.parametrize("answer", [PAGE, MOVED, CUT])
def test_a_poll_with_a_foreign_response_is_retried(answer: Answer) -> None:
    """An operation of half an hour is not given up for a gateway's page."""
    scripted = azure(answer, Answer(200, {"status": "Succeeded"}))

    assert {"status": "Succeeded"} == scripted.session.poll("https://management.azure.com/operation").json()


def test_members_that_are_null_are_as_good_as_absent() -> None:
    """A service may send a member that has no value, or leave it out; items of a list are no members."""
    body = {"location": None, "properties": {"tenantId": "t", "networkAcls": None, "new": [None, {"x": None, "y": 1}]}}

    found = azure(Answer(200, body)).session.snapshot().vault(VAULT)

    assert {"properties": {"tenantId": "t", "new": [None, {"y": 1}]}} == found


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "At the top level"),
        ([], "At the top level"),
        ({"properties": None}, "At properties: field required"),
        ({"properties": "text"}, 'At properties: input should be a valid dictionary; the value begins: "text"'),
        ({"properties": {"tenantId": "t", "accessPolicies": [None]}}, "At properties.accessPolicies.0"),
        ({"properties": {"tenantId": "t", "enablePurgeProtection": "true"}}, "At properties.enablePurgeProtection"),
        ({"properties": {"tenantId": "t", "softDeleteRetentionInDays": True}}, "softDeleteRetentionInDays"),
    ],
)
def test_an_unexpected_response_is_reported_with_the_place(body: Any, words: str) -> None:
    """Nothing is guessed: a vault without properties has neither purge protection nor none."""
    with pytest.raises(AzureFailed) as caught:
        azure(Answer(200, json.dumps(body).encode())).session.snapshot().vault(VAULT)

    (diagnostic,) = caught.value.diagnostics
    assert (FailureKind.UNREADABLE, "CMK316") == (caught.value.failure.kind, diagnostic.code)
    assert (words, True) == (words, words in diagnostic.detail), diagnostic.detail


def test_a_date_that_no_calendar_has_is_an_answer_of_another_form() -> None:
    """A key's expiry in the year 10000 cannot be represented."""
    attributes = {"enabled": True, "exp": 253_402_300_800}
    body = {"properties": {"kty": "RSA", "keyUriWithVersion": "https://kv/keys/k/1", "attributes": attributes}}

    with pytest.raises(AzureFailed) as caught:
        azure(Answer(200, body)).session.snapshot().key(VAULT, "k")

    assert (FailureKind.UNREADABLE, True) == (
        caught.value.failure.kind,
        "properties.attributes.exp" in str(caught.value),
    )


@pytest.mark.parametrize("body", [{}, {"error": {"code": "AuthorizationFailed", "message": "no"}}, {"properties": {}}])
@pytest.mark.parametrize(
    "look",
    [lambda azure: azure.resource_group("rg-ml"), lambda azure: azure.deleted_vault("kv-ml", "westeurope")],
    ids=["resource group", "deleted vault"],
)
def test_an_empty_response_is_not_a_resource(look: Callable[[Snapshot], Any], body: Any) -> None:
    """It would pass for a group to build in, or for a deleted vault that holds the name."""
    with pytest.raises(AzureFailed) as caught:
        look(azure(Answer(200, body)).session.snapshot())

    assert FailureKind.UNREADABLE == caught.value.failure.kind


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.W10.c", "a.bnVsbA.c", "ä.ä.ä", "a.eyJ0aWQiOiA3fQ.c"])
def test_a_token_without_a_tenant_is_accepted(token: str) -> None:
    """A principal that may not read the subscription has its tenant from the token; any text may be one."""
    scripted = azure(Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    scripted.session.credential = FixedCredential(token)

    assert scripted.session.snapshot().subscription()["tenantId"] in ("", "7")


def test_a_document_is_azures_own() -> None:
    """No model stands between Azure's words and the comparison: what it does not know would be lost."""
    body = {"id": str(VAULT), "properties": {"tenantId": "t", "provisioningState": "Fabulous", "brandNew": {"x": [1]}}}

    assert body == azure(Answer(200, body)).session.snapshot().vault(VAULT)


def test_a_read_is_sent_once_in_a_snapshot_and_again_in_the_next() -> None:
    """Steps share responses, also when they read at the same time; a new snapshot reads anew."""
    scripted = azure(Answer(200, {"properties": {"tenantId": "t"}}))
    snapshot = scripted.session.snapshot()

    snapshot.gather(*[lambda: snapshot.vault(VAULT)] * 8)
    scripted.session.snapshot().vault(VAULT)

    assert 2 == len(scripted.network.sent)


def test_an_absent_subscription_is_an_error() -> None:
    """A subscription that does not exist is not one without resources."""
    absent = {"error": {"code": "SubscriptionNotFound", "message": "The subscription could not be found."}}

    with pytest.raises(AzureFailed) as caught:
        azure(Answer(404, absent)).session.snapshot().subscription()

    assert (FailureKind.TERMINAL, "SubscriptionNotFound") == (caught.value.failure.kind, caught.value.failure.code)


def test_role_assignments_are_read_to_the_last_page() -> None:
    """A grant on the second page is a grant."""
    following = "https://management.azure.com/next?page=2"
    pages = [{"id": each, "properties": {"scope": str(VAULT), "roleDefinitionId": "r"}} for each in "12"]
    scripted = azure(
        Answer(200, {"value": pages[:1], "nextLink": following}), Answer(200, {"value": pages[1:], "nextLink": None})
    )

    found = scripted.session.snapshot().role_assignments(str(VAULT), "principal")

    assert pages == found
    first, second = [str(each.url) for each in scripted.network.sent]
    assert (True, following) == (f"api-version={versions.ROLE_ASSIGNMENTS}" in first, second)
    assert "principalId eq 'principal'" in unquote_plus(first)


def test_a_list_whose_pages_lead_back_comes_to_an_end() -> None:
    """Each link is followed once."""
    following = "https://management.azure.com/next?page=2"
    scripted = azure(Answer(200, {"value": [], "nextLink": following}))

    assert [] == scripted.session.snapshot().role_assignments(str(VAULT), "principal")

    assert 2 == len(scripted.network.sent)


def test_service_principal_is_found_by_its_application_id() -> None:
    """The object id of this tenant is looked up by the id that is the same in every tenant."""
    scripted = azure(Answer(200, {"value": [{"id": "object id", "displayName": "Azure Cosmos DB"}]}))

    found = scripted.session.graph.service_principal(APP_ID)

    assert "object id" == (found or {}).get("id")
    assert ["GET https://graph.microsoft.com/v1.0/servicePrincipals"] == scripted.network.requested
    assert APP_ID in str(scripted.network.sent[0].url)


def test_no_service_principal_is_an_empty_list() -> None:
    """Recorded: not found is HTTP 200 with an empty list."""
    assert None is azure(Answer(200, {"value": []})).session.graph.service_principal(APP_ID)


@pytest.mark.parametrize("body", [{}, [], None, {"value": None}, {"value": ["text"]}, {"value": [{"id": None}]}])
def test_what_is_no_list_of_service_principals_does_not_mean_that_there_is_none(body: Any) -> None:
    """One would be made, or a grant refused, because of a response that cannot be decoded."""
    with pytest.raises(AzureFailed) as caught:
        azure(Answer(200, json.dumps(body).encode())).session.snapshot().service_principal(APP_ID)

    assert FailureKind.UNREADABLE == caught.value.failure.kind


def test_a_directory_that_may_not_be_read_is_an_error() -> None:
    """Recorded: Authorization_RequestDenied. It does not mean that there is none."""
    denied = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges.", "innerError": {}}}

    with pytest.raises(AzureFailed) as caught:
        azure(Answer(403, denied)).session.snapshot().service_principal(APP_ID)

    assert FailureKind.DENIED == caught.value.failure.kind


PROFILE = Profile.model_validate(
    {
        "subscription": SUBSCRIPTION,
        "location": "eastus2",
        "resource_group": "rg",
        "key_vault": {"name": "kv-cmk"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": False, "encryption": "in-subscription"},
    }
)


@pytest.mark.parametrize(
    ("answer", "object_id", "denied"),
    [
        (Answer(200, {"value": [{"id": "object id"}]}), "object id", False),
        (Answer(200, {"value": []}), None, False),
        (Answer(403, {"error": {"code": "Authorization_RequestDenied", "message": "no"}}), None, True),
    ],
)
def test_denied_and_absent_principals_are_distinguished(answer: Answer, object_id: str | None, denied: bool) -> None:
    """A denied one is requested from the profile, an absent one is made."""
    found = cosmos_db(azure(answer).session.snapshot(), PROFILE)

    assert (object_id, denied) == (found.object_id, found.denied)


@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_an_unavailable_directory_is_neither_absent_nor_denied(status: int) -> None:
    """Nothing is concluded from it but that it failed."""
    with pytest.raises(AzureFailed):
        cosmos_db(azure(Answer(status)).session.snapshot(), PROFILE)


def test_service_principal_is_made_by_one_request_with_the_body_of_the_plan() -> None:
    """What the plan shows is what is sent."""
    scripted = azure(Answer(201, {"id": "object id"}))

    scripted.session.graph.create_service_principal({"appId": APP_ID})

    assert ["POST https://graph.microsoft.com/v1.0/servicePrincipals"] == scripted.network.requested
    body = scripted.network.sent[0].body
    assert isinstance(body, str | bytes)
    assert {"appId": APP_ID} == json.loads(body)


@pytest.mark.parametrize(("status", "error"), [(404, ResourceNotFoundError), (400, HttpResponseError)])
def test_graph_refuses_as_the_sdk_does(status: int, error: type[HttpResponseError]) -> None:
    """The directory's refusals are classified like all others."""
    with pytest.raises(error):
        azure(Answer(status)).session.graph.create_service_principal({})


class CountingCredential:
    """A credential that keeps no token, as that of the az CLI; slow enough for many requests at once."""

    def __init__(self, lifetime: float) -> None:
        self.requests: list[tuple[str, ...]] = []
        self._lifetime = lifetime

    def get_token(self, *scopes: str, **_kwargs: Any) -> AccessToken:
        """Another token each time."""
        time.sleep(0.01)
        self.requests.append(scopes)
        return AccessToken(f"token {len(self.requests)}", int(time.time() + self._lifetime))


def test_many_threads_request_one_token_once() -> None:
    """Sixteen reads at the same time start the az CLI once, not sixteen times."""
    counting = CountingCredential(3600)
    shared, together = SharedCredential(counting), threading.Barrier(16)

    def request(_number: int) -> str:
        together.wait()
        return shared.get_token("arm").token

    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(request, range(16)))

    assert ({"token 1"}, [("arm",)]) == (tokens, counting.requests)


def test_each_scope_has_its_own_token() -> None:
    """A token for Resource Manager is none for the directory."""
    counting = CountingCredential(3600)
    shared = SharedCredential(counting)

    tokens = [shared.get_token(scope).token for scope in ("arm", "graph", "arm")]

    assert ["token 1", "token 2", "token 1"] == tokens


def test_a_token_that_ends_soon_is_renewed() -> None:
    """Recorded: a creation outlives its token. A new one is requested before the old one ends."""
    shared = SharedCredential(CountingCredential(60))

    assert ["token 1", "token 2"] == [shared.get_token("arm").token for _ in range(2)]


def test_a_challenge_with_claims_requests_a_new_token() -> None:
    """A token that Azure refused is not handed out again."""
    shared = SharedCredential(CountingCredential(3600))

    tokens = [shared.get_token("arm", claims=claims).token for claims in (None, "claims", None)]

    assert ["token 1", "token 2", "token 2"] == tokens


def test_token_info_has_the_expiry() -> None:
    """Both methods of a credential return the same token."""
    shared = SharedCredential(CountingCredential(3600))

    token, info = shared.get_token("arm"), shared.get_token_info("arm", options={"enable_cae": False})

    assert (token.token, token.expires_on) == (info.token, info.expires_on)


def test_a_replay_needs_no_secret() -> None:
    """The token of a replay is a constant text that names it as such."""
    assert "replayed" == ReplayCredential().get_token("arm").token
