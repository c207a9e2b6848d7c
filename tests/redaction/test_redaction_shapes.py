"""Secrets of every published shape are found in a service's message, and what a reader needs stays."""

from __future__ import annotations

import json
import string
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmkctl.azure.redaction import REDACTED, Redactor, weak_secrets

ALNUM: Final = string.ascii_letters + string.digits
B64: Final = ALNUM + "+/"
URL: Final = ALNUM + "-_"
HEX: Final = "0123456789abcdef"
UPPER: Final = string.ascii_uppercase + "234567"


def of(alphabet: str, length: int, most: int | None = None) -> st.SearchStrategy[str]:
    """Texts of so many characters; they begin and end with a letter or digit, as issued tokens do."""
    inner = st.text(alphabet, min_size=length - 2, max_size=(most or length) - 2)
    edge = st.sampled_from([each for each in alphabet if each.isalnum()])
    return st.tuples(edge, inner, edge).map("".join)


def shape(before: str, middle: st.SearchStrategy[str], after: str = "") -> st.SearchStrategy[str]:
    """Return a token in the format of an issuer."""
    return middle.map(lambda text: before + text + after)


SHAPES: Final[dict[str, st.SearchStrategy[str]]] = {
    **{f"GitHub {each}": shape(f"gh{each}_", of(ALNUM, 36)) for each in "pousr"},
    "GitHub fine-grained": shape("github_pat_", of(ALNUM + "_", 82)),
    "GitLab": shape("glpat-", of(URL, 20)),
    "GitLab runner": shape("glrt-", of(URL, 20)),
    "Slack bot": shape("xoxb-123456789012-123456789012-", of(ALNUM, 24)),
    "Slack app": shape("xapp-1-A0123456789-1234567890123-", of(HEX, 64)),
    "Slack hook": shape("https://hooks.slack.com/services/T00000000/B00000000/", of(ALNUM, 24)),
    "AWS": shape("AKIA", of(UPPER, 16)),
    "Google key": shape("AIza", of(URL, 35)),
    "Google token": shape("ya29.", of(URL, 60)),
    "npm": shape("npm_", of(ALNUM, 36)),
    "PyPI": shape("pypi-AgEIcHlwaS5vcmc", of(URL, 80)),
    "Stripe": shape("sk_live_", of(ALNUM, 24)),
    "SendGrid": st.builds("SG.{}.{}".format, of(URL, 22), of(URL, 43)),
    "Hugging Face": shape("hf_", of(string.ascii_letters, 34)),
    "OpenAI": shape("sk-proj-", of(URL, 80)),
    "Anthropic": shape("sk-ant-api03-", of(URL, 93)),
    "HashiCorp Vault": shape("hvs.", of(URL, 90)),
    "Databricks": shape("dapi", of(HEX, 32)),
    "DigitalOcean": shape("dop_v1_", of(HEX, 64)),
    "Entra client secret": st.builds("{}8Q~{}".format, of(ALNUM, 3), of(ALNUM + "_~.-", 34)),
    "Entra refresh token": st.builds("0.A{}.{}".format, of(URL, 40), of(URL, 200, 300)),
    "Microsoft account refresh token": shape("M.C529_BAY.0.U.-", of(ALNUM + "*!$", 60)),
    "storage key": shape("", of(B64, 86), "=="),
    "Cosmos DB key": shape("", of(ALNUM, 76), "ACDbabcdeQ=="),
    "search key": shape("", of(ALNUM, 42), "AzSeAabcde"),
    "function key": shape("", of(ALNUM, 44), "AzFuabcdeQ=="),
    "registry password": shape("", of(ALNUM, 42), "+ACRAabcde"),
    "Azure DevOps": shape("", of(ALNUM, 76), "AZDOabcd"),
    "Azure AI key": shape("", of(ALNUM, 52), "JQQJ99" + "A" * 26),
}
MESSAGES: Final = (
    "{}",
    "The value {} cannot be used.",
    "token={}",
    '{{"message": "got {}"}}',
    "url: https://x.example/a?b={}&c=d",
    "'{}'",
    "<a>{}</a>",
    "first line\n{}\n",
    "({})",
    "{}, and more",
)


@pytest.mark.parametrize("name", sorted(SHAPES))
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_token_of_a_published_shape_is_taken_out(name: str, data: st.DataObject) -> None:
    """Wherever in a message it stands, and without its name beside it."""
    secret = data.draw(SHAPES[name])
    message = data.draw(st.sampled_from(MESSAGES)).format(secret)

    shown = Redactor(identities=False).text(message)

    assert secret not in shown
    part = secret[12:-6]
    assert len(part) < 8 or part not in shown


H: Final = "pLanTed0123456789abcdefGHIJ"
LONG: Final = f"{H}{H}"


@pytest.mark.parametrize(
    "text",
    [
        f"the password is {H}",
        f"The password was: '{H}'",
        "the password is hunter2",
        "with the password 'correct horse'",
        f"its client secret value is {H}, which has expired",
        f"the token is {LONG}",
        f"account key is: {H}==",
        f"mysql -u root -p{H} db",
        f"az login --service-principal -u app -p {H} --tenant t",
        f"docker login -u x -p {H} registry",
        f"sqlcmd -S host -U sa -P '{H}'",
        f"sshpass -p {H} ssh host",
        f"curl -u user:{H} https://x",
        f"curl --user 'user:{H}' https://x",
        f"curl -uuser:{H} https://x",
        f"Cookie: a=b; ESTSAUTHPERSISTENT={H}",
        f"Set-Cookie: session={H}; Path=/; HttpOnly",
        f"got ESTSAUTH={H}; more",
        f'the key {{"kty":"RSA","n":"abc","e":"AQAB","d":"{LONG}"',
        f"'kty': 'EC', 'd': '{LONG}'",
        f'\\"d\\": \\"{LONG}\\"',
        f'<add key="Password" value="{H}"/>',
        f'<user name="sa" password="{H}"/>',
        f"<Password type='PasswordText'>{H}</Password>",
        f"<Password><![CDATA[{H}]]></Password>",
        f"Authorization: Token {H}",
        f"Authorization: Negotiate {H}",
        f'Authorization: Digest username="u", response="{H}"',
        f"Private-Lines: 8\n{H}\n{H}\nPrivate-MAC: 1",
        f"https://x.example/api?key={H}",
        f"https://x.example/api?x-functions-key={H}==",
    ],
)
def test_a_secret_in_words_is_taken_out(text: str) -> None:
    """Prose, command lines, cookies, keys as JSON, XML, and schemes of authorization."""
    shown = Redactor(identities=False).text(text)

    assert not [each for each in ("pLanTed", "hunter2", "correct horse") if each in shown], shown
    assert REDACTED in shown


GUID: Final = "0f1e2d3c-4b5a-4678-9abc-def012345678"
VAULT: Final = f"/subscriptions/{GUID}/resourceGroups/rg-secret-prod/providers/Microsoft.KeyVault/vaults/kv-password-1"


@pytest.mark.parametrize(
    "text",
    [
        VAULT,
        f"{VAULT}/keys/cmk-token-signing",
        f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Search/searchServices/sk-prod-eastus2-ml01",
        "https://kv-ml-prod.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef",
        "https://kv.vault.azure.net/keys/dapi/0123456789abcdef0123456789abcdef",
        f"correlation id {GUID}, request id {GUID}",
        f"AADSTS7000215: Invalid client secret provided. Trace ID: {GUID} Correlation ID: {GUID} Timestamp: 2026-11-21",
        "AADSTS700024: Client assertion is not within its valid time range.",
        "The access token is from the wrong issuer 'https://sts.windows.net/0f1e2d3c/'.",
        "The access token has expired. The token is not valid before 2026-11-21T12:00:00Z",
        "the password is not given, the secret is required",
        "your password is too short",
        "The client secret is expired",
        "the token is used to its end",
        "The account key is disabled for this storage account",
        "mkdir -p /a/b, ssh -p 2222 host, docker run -p 8080:80 image",
        "docker run -u 1000:1000 image",
        f"sha256 {'0123456789abcdef' * 4}",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        'authorization: access-policy\nkey: {name: cmk, type: RSA}\n"authorization": "rbac"',
        "W/\"datetime'2026-11-21T12%3A00%3A00.0000000Z'\"",
        "Microsoft.KeyVault/vaults/accessPolicies/add, az keyvault key show --id https://kv.vault.azure.net/keys/k",
        "plan.json of the profile profiles/quickstart.yaml, run with --set key.size=3072 --timeout 45m",
        "mlw-quickstart is encrypted with kv-ml-quickstart/cmk-ml",
        "The value of parameter storageAccountKeySource is Microsoft.Storage",
        "id: hf_short, npm_install, ghp_x, xoxo-1, AKIA, sk-learn",
    ],
)
def test_what_a_reader_needs_stays(text: str) -> None:
    """Resource ids, key identifiers, correlation ids, GUIDs, digests, and prose about passwords."""
    assert text == Redactor(identities=False).text(text)


OUTPUTS: Final = {
    "workspace_id": f"/subscriptions/{GUID}/resourceGroups/rg-ml-prod/providers/Microsoft.X/workspaces/prod",
    "key_identifier": "https://kv-ml-prod.vault.azure.net/keys/cmk-prod/0123456789abcdef0123456789abcdef",
    "key_vault_id": f"/subscriptions/{GUID}/resourceGroups/rg-ml-prod/providers/Microsoft.KeyVault/vaults/prod",
    "principal_object_id": GUID,
}


@pytest.mark.parametrize(
    "secret", ["prod", "rg-ml-prod", "keys", "0123", "vault", "kv-ml-prod", "Microsoft", "workspaces"]
)
def test_a_secret_that_is_part_of_a_name_leaves_ids_as_they_are(secret: str) -> None:
    """A workspace id with REDACTED in it names another workspace; alone the value is a secret all the same."""
    redactor = Redactor.for_display({"AZURE_CLIENT_SECRET": secret})

    assert OUTPUTS == redactor.redact(OUTPUTS)
    assert OUTPUTS == json.loads(redactor.text(json.dumps(OUTPUTS)))
    assert [f"sent {REDACTED}.", f'{{"x": "{REDACTED}"}}'] == [
        redactor.text(f"sent {secret}."),
        redactor.text(json.dumps({"x": secret})),
    ]


def test_weak_secrets_are_known_by_their_variables() -> None:
    """So that a run can name the one to replace."""
    environ = {"AZURE_CLIENT_SECRET": "prod", "DB_PASSWORD": "kV9~longer-and-random_x", "HOME": "prod"}

    assert {"AZURE_CLIENT_SECRET": "prod"} == weak_secrets(environ)
