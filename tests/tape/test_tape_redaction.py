"""No secret is ever put on a tape, wherever in an exchange it was; and what is no secret stays."""

from __future__ import annotations

import base64
import json
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tapes import GROUP, always, network, send

from cmkctl.azure.redaction import (
    CLIENT_ID,
    PUBLIC_APPLICATION_IDS,
    REDACTED,
    USER,
    Redactor,
    redact,
    scrub,
    secrets_of,
    shortened,
)
from cmkctl.azure.tape import RecordingTransport, TapeWriter

CALM = settings(deadline=None)
"""A busy machine is no defect."""

JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQifQ.c2lnbmF0dXJl-_x"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----"
MINE = "5b3c9df4-1111-4222-8333-123456789abc"
OTHER = "0f1e2d3c-4b5a-4678-9abc-def012345678"
COSMOS_DB = "a232010e-820c-4083-83bb-3ace5fc29d0b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token {JWT}.", f"token {REDACTED}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {REDACTED}"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {REDACTED}"),
        ("SharedKey account:c2lnbmF0dXJl=", f"SharedKey {REDACTED}"),
        ("grant_type=x&client_secret=s3cr~t%21&scope=y", f"grant_type=x&client_secret={REDACTED}&scope=y"),
        ("client_assertion=abc&client_assertion_type=urn", f"client_assertion={REDACTED}&client_assertion_type=urn"),
        ("AZURE_CLIENT_SECRET=abc def", f"AZURE_CLIENT_SECRET={REDACTED} def"),
        (
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9v+/==;EndpointSuffix=x",
            f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={REDACTED};EndpointSuffix=x",
        ),
        (
            f"InstrumentationKey={OTHER};IngestionEndpoint=https://x/",
            f"InstrumentationKey={REDACTED};IngestionEndpoint=https://x/",
        ),
        ("/x?a=%7B%22password%22%3A%22s%22%7D&b=%20", f"/x?a=%7B%22password%22%3A%20%22{REDACTED}%22%7D&b=%20"),
        ('password="two words", x', f'password="{REDACTED}", x'),
        (f"a\n{PEM}\nb", f"a\n{REDACTED}\nb"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", REDACTED),
        ("http://user:pass@proxy:3128/", f"http://{REDACTED}@proxy:3128/"),
        ('failed: {"client_secret": "a\\"b", "x": 1}', f'failed: {{"client_secret": "{REDACTED}", "x": 1}}'),
        ('log: {\\"accessToken\\": \\"opaque\\"}', f'log: {{\\"accessToken\\": \\"{REDACTED}\\"}}'),
        (
            f"The client '{OTHER}' with object id '{OTHER}' does",
            f"The client '{CLIENT_ID}' with object id '{OTHER}' does",
        ),
        ("The client 'jo@contoso.com' with object id", f"The client '{USER}' with object id"),
        (
            f"Caller: appid={OTHER};oid={OTHER};iss=https://sts",
            f"Caller: appid={CLIENT_ID};oid={OTHER};iss=https://sts",
        ),
    ],
)
def test_a_secret_in_a_text_is_taken_out(text: str, expected: str) -> None:
    """And the text around it stays, for it is what the reader needs."""
    assert expected == redact(text)


HIDDEN = "pLanTed0123456789abcdefGHIJ"


@pytest.mark.parametrize(
    "text",
    [
        "Server=tcp:x;User ID=sa;Password=two pLanTed words;Encrypt=True",
        f"Server=x;Pwd={{a;{HIDDEN}}};Encrypt=yes",
        f"Endpoint=sb://x/;SharedSecretIssuer=o;SharedSecretValue={HIDDEN}",
        f'password="{HIDDEN}',
        f"password='{HIDDEN}",
        f'password="a\\"{HIDDEN}"',
        f'password="a""{HIDDEN}"',
        f"password=true-{HIDDEN}",
        f"password  =  {HIDDEN}",
        f"ValueError: {{'client_secret': '{HIDDEN}'}}",
        f"password: {HIDDEN}",
        f"x-api-key: {HIDDEN}",
        f"Ocp-Apim-Subscription-Key: {HIDDEN}",
        f"az login --service-principal --password {HIDDEN}",
        f"<Password>{HIDDEN}</Password>",
        f'<input name="password" value="{HIDDEN}">',
        f"&quot;password&quot;:&quot;{HIDDEN}&quot;",
        f"\\u0022password\\u0022:\\u0022{HIDDEN}\\u0022",
        f'{{\\"password\\":\\"a\\\\\\"{HIDDEN}\\"}}',
        f'{{"x":1,"token":"{HIDDEN}',
        f'{{"keys":[{{"keyName":"key1","value":"{HIDDEN}',
        f'{{"username":"u","passwords":[{{"name":"password","value":"{HIDDEN}',
        f"Authorization:\\nBearer {HIDDEN}",
        f"said\\neyJhbGciOi.eyJ{HIDDEN}.{HIDDEN}",
        f"redis://:{HIDDEN}@host/0",
        f"https://{HIDDEN}@dev.azure.com/x",
        quote(f"AccountKey=ab/{HIDDEN}=="),
        f"grant_type=authorization_code&code=0.{HIDDEN}&code_verifier={HIDDEN}",
        f"https://x.azurewebsites.net/api/f?code={HIDDEN}==",
        f"https://x/operations/1?api-version=1&s={HIDDEN}…",
        quote_plus(f"-----BEGIN PRIVATE KEY-----\n{HIDDEN}\n-----END PRIVATE KEY-----"),
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{HIDDEN}",
        base64.b64encode(b"-----BEGIN PRIVATE KEY-----\n").decode() + HIDDEN,
        f"pfx: MIIKOQIBAzCC{HIDDEN}",
    ],
)
def test_no_form_of_a_text_hides_a_secret(text: str) -> None:
    """Connection strings, logs, pages, command lines, what was cut off, escaped or encoded."""
    assert "pLanTed" not in redact(text)


@pytest.mark.parametrize(
    "document",
    [
        {"name": "DB_PASSWORD", "value": HIDDEN},
        {"username": "u", "passwords": [{"name": "password", "value": HIDDEN}]},
        {"query": {"sig": HIDDEN}},
        {"device_code": HIDDEN, "user_code": "ABC"},
        {"X-IDENTITY-HEADER": HIDDEN},
        {"passphrase": HIDDEN, "Set-Cookie": HIDDEN},
    ],
)
def test_a_place_of_a_secret_is_known(document: Any) -> None:
    """Settings in a list, a signature taken out of its URL, headers, and a sign-in on another device."""
    assert HIDDEN not in json.dumps(redact(document))


@pytest.mark.parametrize(
    "text",
    [
        "Request is missing a Bearer or PoP token.",
        "Bearer authentication is needed; Basic authentication is off",
        'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"',
        'Bearer authorization_uri="https://login.windows.net/t", error="invalid_token"',
        CERTIFICATE,
        "https://management.azure.com/operationresults/eyJqb2JJZCI6IlJFU09VUkNF?api-version=2020-06-01",
        "https://kv.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef",
        "allow_password=false; c=short&s=short&h=short",
        f"appid={COSMOS_DB};oid={OTHER}",
        "owner jo@contoso.com",
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value.",
        "password: must have eight characters",
        "abfss://container@account.dfs.core.windows.net/folder",
        "https://management.azure.com/subscriptions/x?$skiptoken=abcdefghijklmnopqrstuvwxyz",
        '{"nextPageToken": "abc", "partitionKey1": "id", "keyUri": "https://kv/keys/k/1", "sasDefinition": "no"}',
        "/subscriptions/x/providers/Microsoft.KeyVault/vaults/kv/secrets: 3 of them",
        "the workspace's tags: {owner: ml-platform}; status code=403&x=1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Challenges, certificates, identifiers and prose: without them a tape or a report is useless."""
    assert text == redact(text)


@pytest.mark.parametrize(
    "name",
    [
        *("access_token", "refresh_token", "id_token", "accessToken", "token", "client_assertion", "client_secret"),
        *(
            "clientSecret",
            "secretText",
            "password",
            "administratorLoginPassword",
            "adminPasswords",
            "sharedKey",
            "accountKey",
            "api-key",
        ),
        *("primaryKey", "secondaryKey", "primaryMasterKey", "secondaryReadonlyMasterKey", "primaryAccessKey", "key1"),
        *(
            "InstrumentationKey",
            "sdkTelemetryAppInsightsKey",
            "ConnectionString",
            "primaryConnectionString",
            "userStorageKey",
            "sasToken",
            "privateKey",
        ),
    ],
)
def test_a_secret_field_loses_its_value(name: str) -> None:
    """A string, a number, and all that is below it; true, false, null and the empty string reveal nothing and stay."""
    value = ["x", 7, {"value": "y"}, True, None, ""]

    assert {name: [REDACTED, REDACTED, {"value": REDACTED}, True, None, ""], "z": "x"} == redact(
        {name: value, "z": "x"}
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {
                "kty": "RSA",
                "n": "AQAB",
                "e": "AQ",
                "d": "x",
                "p": "x",
                "q": "x",
                "dp": "x",
                "dq": "x",
                "qi": "x",
                "k": "x",
            },
            {"kty": "RSA", "n": "AQAB", "e": "AQ"} | dict.fromkeys(("d", "p", "q", "dp", "dq", "qi", "k"), REDACTED),
        ),
        ({"keyName": "key1", "value": "x"}, {"keyName": "key1", "value": REDACTED}),
        ({"keyId": "i", "hint": "abc"}, {"keyId": "i", "hint": REDACTED}),
        (
            {"systemData": {"createdBy": "jo@contoso.com", "createdByType": "User", "lastModifiedBy": OTHER}},
            {"systemData": {"createdBy": USER, "createdByType": "User", "lastModifiedBy": CLIENT_ID}},
        ),
        ({"clientId": OTHER, "principalId": OTHER}, {"clientId": CLIENT_ID, "principalId": OTHER}),
        ({"clientId": COSMOS_DB, "appId": COSMOS_DB}, {"clientId": COSMOS_DB, "appId": COSMOS_DB}),
        ({"userPrincipalName": "jo@contoso.com"}, {"userPrincipalName": USER}),
        ({"message": '{"error": {"password": "x"}}'}, {"message": f'{{"error": {{"password": "{REDACTED}"}}}}'}),
        ({"d": "x", "value": "y", "hint": "z", "k": 1}, {"d": "x", "value": "y", "hint": "z", "k": 1}),
        (
            {"permissions": {"secrets": ["get"], "keys": ["all"]}},
            {"permissions": {"secrets": ["get"], "keys": ["all"]}},
        ),
        ({"keyIdentifier": "https://kv/keys/k/1"}, {"keyIdentifier": "https://kv/keys/k/1"}),
        ({"authorization": "rbac", "key": {"name": "k"}}, {"authorization": "rbac", "key": {"name": "k"}}),
    ],
)
def test_a_field_name_marks_a_secret(document: Any, expected: Any) -> None:
    """Some fields are secret only beside others, or name a person; the rest are what cmkctl works with."""
    assert expected == redact(document)


@pytest.mark.parametrize("public", sorted(PUBLIC_APPLICATION_IDS))
def test_published_application_ids_stay_even_when_given_as_client_ids(public: str) -> None:
    """Without them the lookup in Graph could not be replayed."""
    assert f"appId eq '{public}'" == redact(f"appId eq '{public}'", client_ids=[public.upper()])


@pytest.mark.parametrize("name", ["c", "s", "h", "sig"])
def test_the_signature_of_a_polling_url_becomes_a_digest(name: str) -> None:
    """Of 43 characters, as recorded: two operations stay two URLs, and neither can be requested."""
    signatures = ["Zx-" + letter * 40 for letter in "AB"]

    found = [redact(f"https://x/operations/1?t=638&{name}={each}&x=1") for each in signatures]

    assert 2 == len({*found})
    assert [] == [each for each in found if "Zx-" in each or not each.endswith("&x=1") or REDACTED not in each]


def test_the_callers_client_id_is_found_in_any_case_and_without_dashes() -> None:
    """Azure prints ids in several ways."""
    text = f"{MINE} {MINE.upper()} {MINE.replace('-', '')} {OTHER}"

    assert f"{CLIENT_ID} {CLIENT_ID} {CLIENT_ID.replace('-', '')} {OTHER}" == redact(text, client_ids=[MINE])


def test_a_known_secret_is_found_in_every_spelling() -> None:
    """In a URL, inside JSON text and in base64 it looks different and is the same."""
    secret = 'a/b "c"+d?e\\f'
    spelt = [secret, quote(secret, safe=""), json.dumps(secret), base64.b64encode(secret.encode()).decode()]

    assert [REDACTED, REDACTED, f'"{REDACTED}"', REDACTED] == [redact(each, secrets=[secret]) for each in spelt]


def test_a_known_secret_may_be_any_text() -> None:
    """JSON is written with and without escapes; a byte that is no text comes out of the environment as half a character."""
    secret = 'pä"ßwörd'
    spelt = [json.dumps(secret), json.dumps(secret, ensure_ascii=False), quote(secret)]

    assert [f'"{REDACTED}"', f'"{REDACTED}"', REDACTED] == [redact(f" {each}", secrets=[secret])[1:] for each in spelt]
    assert f"x {REDACTED}" == redact("x \udce4bcd", secrets=["\udce4bcd"])


@pytest.mark.parametrize(
    "written",
    [
        quote("ab/c+d <e>&f"),
        json.dumps(json.dumps('a/b "c"+d'))[1:-1],
        base64.b64encode(b'user:a/b "c"+d').decode(),
        base64.urlsafe_b64encode(b'??>a/b "c"+d').decode(),
        "ab/c+d &lt;e&gt;&amp;f",
        "ab/c+d <e…",
        'Azure says: a/b "c…',
    ],
)
def test_a_known_secret_is_found_in_what_was_encoded_twice_or_cut_off(written: str) -> None:
    """A path that leaves slashes as they are, JSON in JSON, a header with a name before it, a page, a shortened text."""
    assert written != redact(written, secrets=["ab/c+d <e>&f", 'a/b "c"+d'])


def test_the_longer_of_two_secrets_is_taken_out_whole() -> None:
    """One secret may be the beginning of another."""
    assert f"x {REDACTED}" == redact("x secret-one", secrets=["secret", "secret-one"])


def test_a_redactor_does_not_show_what_it_knows() -> None:
    """It may end up in a traceback or a debug log."""
    assert "hunter" not in repr(Redactor(["hunter2-hunter2"], [MINE])) + str(Redactor(["hunter2-hunter2"]))


def test_a_scrubbed_document_keeps_its_form() -> None:
    """So that code which reads it goes on working."""
    assert {"a": [REDACTED, {"b": REDACTED}], "c": None, "d": False} == scrub(
        {"a": ["x", {"b": 1}], "c": None, "d": False}
    )


def test_a_text_is_shortened_after_it_has_lost_its_secrets() -> None:
    """The row of a listKeys answer whose name comes last is recognised only as a whole."""
    answer = json.dumps({"keys": [{"value": HIDDEN, "keyName": "key1", "more": "x" * 99}]})

    assert f'{{"keys": [{{"value": "{REDACTED}",…' == shortened(answer, 33)
    assert "short" == shortened("short", 5)


def test_variables_that_are_called_like_a_secret_hold_one() -> None:
    """A profile may take any of them; PWD is a folder, and a flag is no secret."""
    environ = {
        "AZURE_CLIENT_SECRET": "one",
        "ARM_CLIENT_SECRET": "two-two-two",
        "DB_PASSWORD": "three-three",
        "SYSTEM_ACCESSTOKEN": "four-four-four",
        "HTTPS_PROXY": "user:fi%40ve@proxy:3128",
        "http_proxy": "http://[nonsense:six@",
        "PWD": "a folder, and its name",
        "USE_SECRET": "true",
        "NO_PROXY": "localhost",
        "HOME": "another folder",
    }

    assert {"one", "two-two-two", "three-three", "four-four-four", "fi%40ve", "fi@ve", "six"} == {*secrets_of(environ)}


@pytest.mark.parametrize(
    "text",
    ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "%" + "25" * 5000, json.dumps({"a": "%" + "25" * 5000})],
    ids=["a list", "an object", "an encoding", "an encoding in an object"],
)
def test_what_is_nested_too_deeply_is_lost(text: str) -> None:
    """Hostile input of this kind is replaced, and nothing fails."""
    assert REDACTED in redact(text)


@pytest.mark.parametrize(
    "piece",
    [
        'password\\":\\"',
        "password=a ",
        "--",
        "eyJ",
        "%25",
        "://a:b@",
        "sig=a",
        "Bearer ",
        "-----BEGIN PRIVATE KEY",
        "…",
        'name:"',
    ],
)
@pytest.mark.slow
@pytest.mark.parametrize("tail", ["", "\\", " ", "a"])
def test_no_text_takes_long(piece: str, tail: str) -> None:
    """Time grows with the length of a text, and not with its square: this would take minutes then."""
    text = piece * (30_000 // len(piece)) + tail * 100_000

    began = time.process_time()
    redact(text, secrets=[HIDDEN])

    assert time.process_time() - began < 20


SECRET = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=20, max_size=40).map(
    "S3".__add__
)
ANYTHING = st.one_of(
    st.text(), st.sampled_from([JWT, PEM, f"appid={MINE}", "Bearer x1.y2z3", "sig=abc", f"The client '{MINE}'"])
)
NAMES = st.one_of(
    st.text(max_size=8), st.sampled_from(["password", "kty", "k", "d", "clientId", "systemData", "createdBy"])
)
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), ANYTHING),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@CALM
@given(DOCUMENTS | DOCUMENTS.map(json.dumps) | st.lists(ANYTHING).map("&x=".join) | st.lists(ANYTHING).map("".join))
def test_redacting_twice_is_redacting_once(document: Any) -> None:
    """Redacting again is safe; and a request to a tape is compared with one that was redacted before."""
    redactor = Redactor(["known-secret-value"], [MINE])

    once = redactor.redact(document)

    assert once == redactor.redact(once)


def planted_by_shape(secret: str) -> dict[str, str]:
    """Return texts that carry a secret without a known name, in the shapes in which secrets travel."""
    return {
        "jwt": f"eyJ0eXAi{secret}.{secret}.{secret}",
        "bearer": f"Bearer 1{secret}",
        "sas": f"https://s.blob.core.windows.net/c?sv=1&sig={secret}&se=2",
        "storage": f"AccountName=a;AccountKey={secret}==;x=y",
        "form": f"client_id=x&client_secret={secret}&a=b",
        "pem": f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----",
        "json": json.dumps({"x": [{"clientSecret": secret}]}),
        "json in json": json.dumps({"x": json.dumps({"password": secret})}),
        "json in prose": "it said " + json.dumps({"access_token": secret}) + " and stopped",
    }


def written(url: str, sent: Any, answer: Any, header: str, redactor: Redactor) -> str:
    """Record one exchange, and return the text of the tape."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        with TapeWriter(path, cloud="AzureCloud", redactor=redactor) as writer:
            azure = always(200, answer, Location=header, Content_Type=header, Set_Cookie=header)
            send(RecordingTransport(network(azure), writer), "POST", url, sent)
        return path.read_text(encoding="utf-8")


@CALM
@given(SECRET, st.sampled_from(sorted(planted_by_shape(""))), st.lists(NAMES.filter(str.isalpha), max_size=3))
def test_a_secret_that_looks_like_one_is_nowhere_on_the_tape(secret: str, shape: str, nesting: list[str]) -> None:
    """In the URL, in a header, in a value at any depth, in a body that is text: its shape is enough."""
    text = planted_by_shape(secret)[shape]
    body: Any = text
    for name in nesting:
        body = [{name: body}]

    tape = written(f"{GROUP}&x={quote(text, '')}&sig={secret}", {"x": body}, body, quote(text, ""), Redactor())
    tape += written(GROUP, text.encode(), text.encode(), f"https://x/?a=1&sig={secret}", Redactor())

    assert secret not in tape


@CALM
@given(SECRET, st.text(max_size=10), st.text(max_size=10))
def test_a_secret_that_is_known_is_nowhere_on_the_tape(secret: str, before: str, after: str) -> None:
    """Whatever it looks like and whatever is around it."""
    text = before + secret + after
    redactor = Redactor([secret])

    tape = written(
        f"{GROUP}/{secret}?x={quote(text)}", {text: [text]}, text.encode(), f"https://x/?y={secret}", redactor
    )
    tape += written(GROUP, text.encode(), b"\xff\xfe" + secret.encode() + b"\xff", "x", redactor)

    assert secret not in tape
    assert base64.b64encode(secret.encode()).decode()[:-4] not in tape


@CALM
@given(st.uuids(), st.text(max_size=10))
def test_the_callers_client_id_is_nowhere_on_the_tape(client: Any, around: str) -> None:
    """Not in a filter of Graph, not in a claim, not as the name of a field."""
    text = f"{around}{client}{around}"

    tape = written(
        f"{GROUP}&$filter=appId eq '{client}'",
        {text: str(client).upper()},
        {"appId": text, "value": [text]},
        f"https://x/{client}",
        Redactor(client_ids=[str(client)]),
    )

    assert str(client) not in tape.lower()
