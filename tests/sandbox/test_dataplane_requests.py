"""The data plane, request by request: its door, its refusals, what it keeps and what it logs."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from support.dataplane import Vault, open_vault, refusal, version_of
from support.sandbox import Client, vault_path

from cmkctl.sandbox import CLIENT_OBJECT_ID, TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.planes import entra
from cmkctl.sandbox.planes.vault.material import decoded, encoded
from cmkctl.sandbox.planes.vault.redaction import HIDDEN
from cmkctl.sandbox.server import Running

EC = {"kty": "EC"}
READER = "21090545-7ca7-4776-b22c-e363652d74d2"
"""Key Vault Reader."""

RSA = {"kty": "RSA", "key_size": 2048}
VALUE = encoded(bytes(32))
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def web_key(private: rsa.RSAPrivateKey) -> dict[str, str]:
    """Return a private key as an import sends it."""
    numbers = private.private_numbers()
    parts = {
        "n": numbers.public_numbers.n,
        "e": numbers.public_numbers.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
    }
    return {"kty": "RSA", **{name: encoded(value.to_bytes(256, "big").lstrip(b"\0")) for name, value in parts.items()}}


# --- the door ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "login"),
    [
        ("vault.azure.net", "login.microsoftonline.com"),
        ("vault.usgovcloudapi.net", "login.microsoftonline.us"),
        ("vault.azure.cn", "login.chinacloudapi.cn"),
    ],
)
def test_a_request_without_a_token_gets_a_challenge(instant: Running, suffix: str, login: str) -> None:
    """The challenge as recorded, in each cloud; with a token of that cloud the identifiers are of that cloud."""
    open_vault(instant)
    vault = Vault(instant, suffix=suffix)
    answer = vault.without_token("POST", "/keys/k/create")

    challenge = f'Bearer authorization="https://{login}/{TENANT_ID}", resource="https://{suffix}"'
    assert challenge == answer.headers["WWW-Authenticate"]
    text = "AKV10000: Request is missing a Bearer or PoP token."
    assert answer.json() == {"error": {"code": "Unauthorized", "message": text}}
    assert vault("POST", "/keys/k/create", EC).json()["key"]["kid"].startswith(f"https://kv-one.{suffix}/keys/k/")


def test_a_token_for_another_audience_is_refused(instant: Running) -> None:
    """A token for ARM is none for Key Vault; the answer has the challenge again."""
    vault = open_vault(instant)
    vault.client.token = Client(instant).token

    answer = vault("GET", "/keys")

    text = "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com."
    assert (401, text) == (answer.status_code, answer.json()["error"]["message"])
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]


def test_a_token_of_another_tenant_is_refused(instant: Running) -> None:
    """The challenge names the vault's tenant, and the message the token's."""
    other = TENANT_ID.replace("7e", "7f")
    vault = open_vault(instant, tenantId=other)

    answer = vault("GET", "/keys")

    assert f'"https://login.microsoftonline.com/{other}"' in answer.headers["WWW-Authenticate"]
    issuers = f"Expected one of https://sts.windows.net/{other}/, found https://sts.windows.net/{TENANT_ID}/."
    assert answer.json()["error"]["message"] == f"AKV10032: Invalid issuer. {issuers}"


def test_forged_and_expired_tokens_are_refused(instant: Running) -> None:
    """401 both, with the challenge."""
    vault = open_vault(instant)
    tokens = (vault.client.token[:-4] + "AAAA", entra.issue("https://vault.azure.net", 1_000_000_000, "https://login"))

    for token in tokens:
        vault.client.token = token
        answer = vault("GET", "/keys")
        assert refusal(answer) == (401, "Unauthorized", "")
        assert "WWW-Authenticate" in answer.headers


def test_a_vault_that_is_not_there_does_not_resolve(running: Running) -> None:
    """In Azure a DNS failure; never a 404, which clients would take for a missing key."""
    absent = Vault(running, "kv-none")("GET", "/keys/k")
    running.state.add_vault("kv-gone")
    running.state.delete_vault("kv-gone")
    deleted = Vault(running, "kv-gone")("GET", "/keys/k")

    assert refusal(absent) == refusal(deleted) == (400, "NameDoesNotResolve", "")
    assert "there is no vault 'kv-none'" in absent.json()["error"]["message"]
    assert "is soft-deleted" in deleted.json()["error"]["message"]


def test_a_new_vault_resolves_once_its_dns_is_registered(running: Running) -> None:
    """Requests to the vault advance that as well as ARM's reads do."""
    running.state.add_resource_group("rg")
    entry = {"tenantId": TENANT_ID, "objectId": CLIENT_OBJECT_ID, "permissions": {"keys": ["list"]}}
    properties = {"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "accessPolicies": [entry]}
    Client(running)("PUT", vault_path(), {"location": "eastus2", "properties": properties})
    vault = Vault(running)

    assert [400, 400, 200] == [vault("GET", "/keys").status_code for _ in range(3)]


def test_the_api_version_is_required_and_checked(instant: Running) -> None:
    """The SDK's default and the recorded ones are taken; others are refused by name."""
    vault = open_vault(instant)

    statuses = {api: vault("GET", "/keys", api=api).status_code for api in ("7.0", "7.5-preview.1", "2025-07-01")}

    assert set(statuses.values()) == {200}
    assert refusal(vault("GET", "/keys", api="")) == (400, "BadParameter", "")
    assert refusal(vault("GET", "/keys", api="2024-11-01")) == (400, "SandboxNotModelled", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/secrets/one"),
        ("POST", "/certificates/one/create"),
        ("POST", "/keys/k/backup"),
        ("POST", "/keys/restore"),
        ("POST", "/rng"),
    ],
)
def test_what_is_not_modelled_is_refused_as_such(instant: Running, method: str, path: str) -> None:
    """Loudly, never with an empty answer."""
    assert refusal(open_vault(instant)(method, path, {})) == (400, "SandboxNotModelled", "")


def test_certificate_contacts_are_answered_for_terraform(instant: Running) -> None:
    """Terraform reads them with every vault: refused without the right, else not there."""
    vault = open_vault(instant)
    policies = instant.state.vault("kv-one")["doc"]["properties"]["accessPolicies"]

    assert refusal(vault("GET", "/certificates/contacts")) == (403, "Forbidden", "ForbiddenByPolicy")
    policies[0]["permissions"]["certificates"] = ["ManageContacts"]
    assert refusal(vault("GET", "/certificates/contacts"))[:2] == (404, "ContactsNotFound")


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_is_the_same_in_both_planes(instant: Running) -> None:
    """Made through ARM at once and without material; rotated here; read there with both versions."""
    vault, arm = open_vault(instant), Client(instant)
    path = f"{vault_path()}/keys/cmk"
    made = arm("PUT", path, {"properties": {"kty": "RSA", "keySize": 2048}}).json()["properties"]
    first = vault("GET", "/keys/cmk")
    second = vault("POST", "/keys/cmk/rotate")

    assert first.json()["key"]["kid"] == made["keyUriWithVersion"]
    assert second.json()["key"]["kid"] == arm("GET", path).json()["properties"]["keyUriWithVersion"]
    versions = [row["name"] for row in arm("GET", f"{path}/versions").json()["value"]]
    assert [version_of(first), version_of(second)] == versions
    assert first.json()["key"]["n"] == vault("GET", f"/keys/cmk/{versions[0]}").json()["key"]["n"]
    assert first.json()["key"]["n"] != second.json()["key"]["n"]


def test_a_version_keeps_its_own_kind_and_operations(instant: Running) -> None:
    """A second create may request another kind of key; ARM shows each version as it is, too."""
    vault, path = open_vault(instant), f"{vault_path()}/keys/k/versions"
    first = vault("POST", "/keys/k/create", {**RSA, "key_ops": ["sign"], "tags": {"a": "b"}})
    second = vault("POST", "/keys/K/create", EC)
    changed = vault(
        "PATCH", f"/keys/k/{version_of(first)}", {"key_ops": ["verify"], "attributes": {"exp": 4_000_000_000}}
    )

    assert ("EC", "k") == (second.json()["key"]["kty"], second.json()["key"]["kid"].split("/")[-2])
    shown = vault("GET", f"/keys/k/{version_of(first)}").json()
    assert shown == changed.json()
    assert ("RSA", ["verify"], {"a": "b"}) == (shown["key"]["kty"], shown["key"]["key_ops"], shown["tags"])
    in_arm = [row["properties"] for row in Client(instant)("GET", path).json()["value"]]
    assert [("RSA", ["verify"]), ("EC", ["sign", "verify"])] == [(row["kty"], row["keyOps"]) for row in in_arm]
    assert ["keySize", "curveName"] == [name for row in in_arm for name in ("keySize", "curveName") if name in row]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kty": "DSA"},
        {"kty": "oct-HSM"},
        {"kty": "RSA-HSM"},
        {"kty": "RSA", "key_size": 1024},
        {"kty": "EC", "key_size": 2048},
        {"kty": "EC", "crv": "P-192"},
        {"kty": "RSA", "crv": "P-256"},
        {"kty": "RSA", "public_exponent": 3},
        {"kty": "RSA", "colour": "red"},
        {"kty": "EC", "attributes": {"nbf": 2, "exp": 1}},
        {"kty": "EC", "attributes": {"exportable": True}},
    ],
)
def test_a_key_that_cannot_be_is_refused(instant: Running, body: dict[str, object]) -> None:
    """400 BadParameter; nothing is made."""
    vault = open_vault(instant)

    assert refusal(vault("POST", "/keys/k/create", body)) == (400, "BadParameter", "")
    assert vault("GET", "/keys").json()["value"] == []


def test_an_elliptic_key_cannot_wrap(instant: Running) -> None:
    """P17, in the words quoted for certificates."""
    answer = open_vault(instant)("POST", "/keys/k/create", {**EC, "key_ops": ["wrapKey", "sign", "unwrapKey"]})

    text = 'Unsupported key operation(s): "wrapKey", "unwrapKey". Supported values are "sign", "verify".'
    assert answer.json()["error"] == {"code": "BadParameter", "message": text}


def test_a_premium_vault_has_hardware_keys(instant: Running) -> None:
    """RSA-HSM can be for import, and the newest api-versions name the platform."""
    vault = open_vault(instant, sku="premium")

    made = vault("POST", "/keys/k/create", {"kty": "RSA-HSM", "key_size": 2048, "key_ops": ["import"]}, "7.6").json()

    assert ("RSA-HSM", "1") == (made["key"]["kty"], made["attributes"]["hsmPlatform"])


def test_an_imported_key_is_the_one_that_was_sent(instant: Running) -> None:
    """Wrapped by the vault, unwrapped here with the private key."""
    vault, private = open_vault(instant), rsa.generate_private_key(65537, 2048)
    made = vault("PUT", "/keys/mine", {"key": web_key(private)})
    wrapped = vault("POST", "/keys/mine/wrapkey", {"alg": "RSA-OAEP-256", "value": VALUE}).json()

    assert made.json()["key"]["n"] == web_key(private)["n"]
    assert bytes(32) == private.decrypt(decoded(wrapped["value"], "value"), OAEP)
    assert wrapped["kid"] == made.json()["key"]["kid"]


def test_a_key_that_is_not_there_is_not_found(instant: Running) -> None:
    """In Azure's words, with the version when one was requested."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", EC)

    for path, name in (("/keys/none", "none"), ("/keys/k/0", "k/0"), ("/keys/none/1", "none/1")):
        answer = vault("GET", path)
        assert refusal(answer) == (404, "KeyNotFound", "")
        assert f"A key with (name/id) {name} was not found in this key vault." in answer.json()["error"]["message"]


def test_pages_are_linked(instant: Running) -> None:
    """Three a page by default; a link is taken as it was handed out, and no number below 1 or above 25."""
    vault = open_vault(instant)
    for number in range(4):
        vault("POST", f"/keys/k{number}/create", EC)

    first = vault("GET", "/keys").json()
    second = vault("GET", first["nextLink"]).json()

    assert [3, 1] == [len(page["value"]) for page in (first, second)]
    assert first["nextLink"].startswith("https://kv-one.vault.azure.net:443/keys?api-version=7.4&$skiptoken=")
    assert second["nextLink"] is None
    assert {400} == {vault("GET", f"/keys?maxresults={size}").status_code for size in ("0", "26", "x", "²")}


# --- using a key ---------------------------------------------------------------------------------------------------


def test_a_disabled_key_does_nothing(instant: Running) -> None:
    """None of the six operations, wrapping included."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", {**RSA, "attributes": {"enabled": False}})

    for operation in ("encrypt", "decrypt", "sign", "verify", "wrapkey", "unwrapkey"):
        answer = vault("POST", f"/keys/k/{operation}", {"alg": "RSA-OAEP", "value": VALUE})
        assert refusal(answer) == (403, "Forbidden", "KeyDisabled")


@pytest.mark.parametrize(
    ("attributes", "inner"), [({"exp": 1}, "KeyExpired"), ({"nbf": 4_000_000_000}, "KeyNotYetValid")]
)
def test_outside_its_dates_a_key_only_gives_data_back(instant: Running, attributes: dict[str, int], inner: str) -> None:
    """Wrap, encrypt and sign are refused; unwrap, decrypt and verify are not (documented)."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", RSA)
    sent = {
        "alg": "RSA-OAEP",
        "value": vault("POST", "/keys/k/wrapkey", {"alg": "RSA-OAEP", "value": VALUE}).json()["value"],
    }
    vault("PATCH", "/keys/k", {"attributes": attributes})

    assert refusal(vault("POST", "/keys/k/wrapkey", {"alg": "RSA-OAEP", "value": VALUE})) == (403, "Forbidden", inner)
    assert refusal(vault("POST", "/keys/k/sign", {"alg": "RS256", "value": VALUE})) == (403, "Forbidden", inner)
    assert VALUE == vault("POST", "/keys/k/unwrapkey", sent).json()["value"]
    checked = vault("POST", "/keys/k/verify", {"alg": "RS256", "digest": VALUE, "value": VALUE})
    assert {"value": False} == checked.json()


def test_a_key_does_what_it_is_for(instant: Running) -> None:
    """In the words the SDKs' troubleshooting guides quote."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", {**RSA, "key_ops": ["sign", "verify"]})

    answer = vault("POST", "/keys/k/decrypt", {"alg": "RSA-OAEP", "value": VALUE})

    inner = {"code": "KeyOperationForbidden"}
    text = "Operation decrypt is not permitted on this key."
    assert answer.json()["error"] == {"code": "Forbidden", "message": text, "innererror": inner}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("wrapkey", {}),
        ("wrapkey", {"alg": "A256KW", "value": VALUE}),
        ("wrapkey", {"alg": "RSA-OAEP", "value": "not base64url!"}),
        ("wrapkey", {"alg": "RSA-OAEP", "value": encoded(bytes(300))}),
        ("unwrapkey", {"alg": "RSA-OAEP", "value": VALUE}),
        ("sign", {"alg": "ES256", "value": VALUE}),
        ("sign", {"alg": "RS512", "value": VALUE}),
    ],
)
def test_an_operation_that_cannot_be_is_refused(instant: Running, operation: str, body: dict[str, str]) -> None:
    """400 BadParameter."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", RSA)

    assert refusal(vault("POST", f"/keys/k/{operation}", body)) == (400, "BadParameter", "")


# --- rotation policy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expiry", "kind", "trigger"),
    [
        ("P20D", "Rotate", {"timeAfterCreate": "P8D"}),
        ("soon", "Rotate", {"timeAfterCreate": "P8D"}),
        ("P30D", "Rotate", {"timeAfterCreate": "P6D"}),
        ("P30D", "Rotate", {"timeAfterCreate": "P24D"}),
        ("P30D", "Rotate", {"timeAfterCreate": "P8D", "timeBeforeExpiry": "P8D"}),
        ("P30D", "Rotate", {}),
        ("P30D", "Notify", {"timeAfterCreate": "P8D"}),
        ("P30D", "Delete", {"timeAfterCreate": "P8D"}),
        (None, "Rotate", {"timeBeforeExpiry": "P8D"}),
    ],
)
def test_a_rotation_policy_has_rules(instant: Running, expiry: str | None, kind: str, trigger: dict[str, str]) -> None:
    """28 days to expiry, 7 from creation and to expiry, one trigger, and no notification counted from creation."""
    vault = open_vault(instant)
    vault("POST", "/keys/k/create", EC)
    attributes = {"expiryTime": expiry} if expiry else {}
    body = {"attributes": attributes, "lifetimeActions": [{"trigger": trigger, "action": {"type": kind}}]}

    assert refusal(vault("PUT", "/keys/k/rotationpolicy", body)) == (400, "BadParameter", "")


def test_a_policy_made_through_arm_is_the_keys_policy(instant: Running) -> None:
    """ARM writes its actions in lower case, the data plane does not; a rotation keeps the policy."""
    vault = open_vault(instant)
    actions = [{"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "rotate"}}]
    policy = {"attributes": {"expiryTime": "P1Y"}, "lifetimeActions": actions}
    Client(instant)("PUT", f"{vault_path()}/keys/k", {"properties": {"kty": "EC", "rotationPolicy": policy}})

    rotated = vault("POST", "/keys/k/rotate").json()["attributes"]

    assert rotated["exp"] - rotated["created"] == 365 * 86400
    shown = vault("GET", "/keys/k/rotationpolicy").json()
    assert ["Rotate", "Notify"] == [row["action"]["type"] for row in shown["lifetimeActions"]]


# --- soft-deleted keys ---------------------------------------------------------------------------------------------


def test_purge_protection_refuses_the_purge(instant: Running) -> None:
    """In the words quoted in Azure/sap-automation#200."""
    vault = open_vault(instant, purge_protection=True)
    vault("POST", "/keys/k/create", EC)
    vault("DELETE", "/keys/k")

    answer = vault("DELETE", "/deletedkeys/k")

    assert refusal(answer)[:2] == (403, "Forbidden")
    assert "because purge protection is enabled for this vault" in answer.json()["error"]["message"]


def test_deleting_takes_a_while(running: Running) -> None:
    """Until it is done the deleted key is 404, its name is taken, and a purge is a conflict (fact 27)."""
    vault = open_vault(running, purge_protection=False)
    vault("POST", "/keys/k/create", EC)
    vault("DELETE", "/keys/k")

    assert refusal(vault("GET", "/deletedkeys/k")) == (404, "KeyNotFound", "")
    assert refusal(vault("POST", "/keys/k/create", EC)) == (409, "Conflict", "ObjectIsBeingDeleted")
    assert vault("GET", "/deletedkeys/k").status_code == 200
    assert vault("DELETE", "/deletedkeys/k").status_code == 204


def test_arm_cannot_take_the_name_of_a_soft_deleted_key_either(instant: Running) -> None:
    """P22: recover it, or choose another name. A vault's recovery brings its deleted keys, too."""
    vault, arm, path = open_vault(instant), Client(instant), f"{vault_path()}/keys/k"
    vault("POST", "/keys/k/create", EC)
    vault("DELETE", "/keys/k")

    refused = arm("PUT", path, {"properties": {"kty": "EC"}})

    assert (409, "Conflict") == (refused.status_code, refused.json()["error"]["code"])
    assert arm("GET", path).status_code == 404
    assert vault("POST", "/deletedkeys/k/recover").status_code == 200
    assert arm("GET", path).status_code == 200


def test_a_deleted_key_is_gone_after_its_retention(instant: Running) -> None:
    """Its name is free again."""
    vault = open_vault(instant, softDeleteRetentionInDays=7)
    vault("POST", "/keys/k/create", EC)
    deleted = vault("DELETE", "/keys/k").json()
    instant.state.vault("kv-one")["deletedKeys"]["k"]["scheduledPurgeDate"] = 1

    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 7 * 86400
    assert refusal(vault("GET", "/deletedkeys/k")) == (404, "KeyNotFound", "")
    assert vault("POST", "/keys/k/create", EC).status_code == 200


# --- state and log -------------------------------------------------------------------------------------------------


def test_material_is_made_late_and_survives_a_restart(tmp_path: Path) -> None:
    """ARM's PUT makes none; the first answer that shows the public key does, and saves it."""
    state = tmp_path / "sandbox.json"
    with Sandbox(state, Pace.none()).serve() as running:
        vault = open_vault(running)
        running.state.add_key("kv-one", "cmk", size=2048)
        before = state.read_text()
        first = vault("GET", "/keys/cmk").json()["key"]["n"]
    with Sandbox(state, Pace.none()).serve() as running:
        second = Vault(running)("GET", "/keys/cmk").json()["key"]["n"]

    assert "PRIVATE KEY" not in before
    assert first == second


def test_the_log_has_no_plaintext_and_no_private_key(instant: Running) -> None:
    """Requests are logged like all others, with what is secret in them replaced."""
    vault, private = open_vault(instant), rsa.generate_private_key(65537, 2048)
    vault("PUT", "/keys/mine", {"key": web_key(private)})
    wrapped = vault("POST", "/keys/mine/wrapkey", {"alg": "RSA-OAEP", "value": VALUE}).json()["value"]
    vault("POST", "/keys/mine/unwrapkey", {"alg": "RSA-OAEP", "value": wrapped})
    vault("GET", "/keys")
    vault.client.session.post(f"{vault.url}/keys/mine/wrapkey", data=f'{{"value": "{VALUE}"')

    logged = [entry for entry in instant.requests if entry.service == "vault"]
    text = json.dumps([[entry.body, entry.response] for entry in logged])
    secrets = [VALUE, wrapped, *(web_key(private)[part] for part in ("d", "p", "q"))]
    assert [] == [secret for secret in secrets if secret in text]
    assert logged[0].body["key"] == {**web_key(private), "d": HIDDEN, "p": HIDDEN, "q": HIDDEN}
    assert logged[1].body == {"alg": "RSA-OAEP", "value": HIDDEN}
    assert len(logged[3].response["value"]) == 1


# --- what is not a key


@pytest.mark.parametrize(("kind", "word"), [("secrets", "SecretNotFound"), ("certificates", "CertificateNotFound")])
def test_what_the_sandbox_does_not_make_is_listed_as_empty(instant: Running, kind: str, word: str) -> None:
    """With the rights for it in both models; one of it is not found."""
    vault = open_vault(instant)
    policies = instant.state.vault("kv-one")["doc"]["properties"]["accessPolicies"]
    refused = refusal(vault("GET", f"/{kind}"))
    policies[0]["permissions"][kind] = ["list", "get"]

    assert refused == (403, "Forbidden", "ForbiddenByPolicy")
    assert vault("GET", f"/{kind}").json() == {"value": [], "nextLink": None}
    assert vault("GET", f"/deleted{kind}").json() == {"value": [], "nextLink": None}
    assert refusal(vault("GET", f"/{kind}/one"))[:2] == (404, word)


def test_listing_secrets_takes_a_role_on_an_rbac_vault(instant: Running) -> None:
    """A Key Vault Reader may see what there is, and not what it contains."""
    instant.state.add_vault("kv-one", rbac=True)
    instant.state.assign_role(vault_path("kv-one"), CLIENT_OBJECT_ID, READER)
    vault = Vault(instant)

    assert vault("GET", "/secrets").status_code == 200
    assert refusal(vault("GET", "/secrets/one")) == (403, "Forbidden", "ForbiddenByRbac")


def test_a_key_is_not_attested(instant: Running) -> None:
    """Only hardware could: a limit of the sandbox, and never a key version of that name."""
    vault = open_vault(instant)
    version = version_of(vault("POST", "/keys/cmk/create", RSA))

    for path in ("/keys/cmk/attestation", f"/keys/cmk/{version}/attestation"):
        assert refusal(vault("GET", path))[:2] == (400, "SandboxNotModelled")
    assert refusal(vault("GET", "/keys/none/attestation"))[:2] == (404, "KeyNotFound")
