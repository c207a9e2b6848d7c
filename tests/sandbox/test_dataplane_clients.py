"""azure-keyvault-keys, unchanged, on the data plane of the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import ApiVersion, KeyClient, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from support.dataplane import open_vault

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, TENANT_ID
from cmkctl.sandbox.server import Running

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
DATA_KEY = bytes(range(32))


@pytest.fixture
def credential(instant: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientSecretCredential]:
    """Yield a credential in the sandbox's environment, which has one open vault."""
    for name, value in instant.environment().items():
        monkeypatch.setenv(name, value)
    open_vault(instant, purge_protection=False)
    with ClientSecretCredential(TENANT_ID, CLIENT_ID, CLIENT_SECRET) as made:
        yield made


@pytest.fixture
def keys(credential: ClientSecretCredential) -> Iterator[KeyClient]:
    """Yield a client of the vault."""
    with KeyClient("https://kv-one.vault.azure.net", credential) as made:
        yield made


def test_a_key_is_created_read_and_rotated(keys: KeyClient) -> None:
    """The first request goes out without body and token, to get the challenge; versions are those of one key."""
    made = keys.create_rsa_key("cmk", size=2048, tags={"a": "b"})
    rotated = keys.rotate_key("cmk")

    assert ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"] == made.key_operations
    assert keys.get_key("cmk").id == rotated.id != made.id
    assert keys.get_key("cmk", made.properties.version).properties.tags == {"a": "b"}


@pytest.mark.parametrize("version", [ApiVersion.V7_0, ApiVersion.V7_3, ApiVersion.V7_6])
def test_older_api_versions_show_fewer_attributes(credential: ClientSecretCredential, version: ApiVersion) -> None:
    """Recoverable days come with 7.1, exportable with 7.3, the HSM platform with 7.5."""
    with KeyClient("https://kv-one.vault.azure.net", credential, api_version=version) as client:
        shown = client.create_ec_key("ec").properties

    expected = {
        ApiVersion.V7_0: (None, None, None),
        ApiVersion.V7_3: (90, False, None),
        ApiVersion.V7_6: (90, False, "0"),
    }
    assert expected[version] == (shown.recoverable_days, shown.exportable, shown.hsm_platform)


def test_lists_are_read_over_several_pages(keys: KeyClient) -> None:
    """Keys come by name, versions by their id."""
    for number in range(5):
        keys.create_ec_key(f"ec-{number}")
    versions = [keys.create_ec_key("ec-0").properties.version for _ in range(4)]

    assert [f"ec-{number}" for number in range(5)] == [row.name for row in keys.list_properties_of_keys()]
    listed = [str(row.version) for row in keys.list_properties_of_key_versions("ec-0")]
    assert listed == sorted(listed)
    assert set(versions) < set(listed)


def test_wrapped_here_is_unwrapped_there(keys: KeyClient, credential: ClientSecretCredential) -> None:
    """The public key is a real one: what the cryptography library wraps with it, the vault unwraps."""
    made = keys.create_rsa_key("cmk", size=2048)
    public: Any = made.key  # its attributes are set at run time
    numbers = RSAPublicNumbers(int.from_bytes(public.e, "big"), int.from_bytes(public.n, "big"))
    with CryptographyClient(made, credential) as client:
        wrapped = client.wrap_key(KeyWrapAlgorithm.rsa_oaep, DATA_KEY)

        there_and_back = client.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped.encrypted_key)
        from_here = client.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, numbers.public_key().encrypt(DATA_KEY, OAEP))
        cipher = client.encrypt(EncryptionAlgorithm.rsa1_5, b"abc").ciphertext
        plain = client.decrypt(EncryptionAlgorithm.rsa1_5, cipher).plaintext

    assert (DATA_KEY, DATA_KEY, b"abc") == (there_and_back.key, from_here.key, plain)


def test_an_old_version_goes_on_unwrapping_after_a_rotation(
    keys: KeyClient, credential: ClientSecretCredential
) -> None:
    """A rotation adds a version; data wrapped with the one before is not lost."""
    first = keys.create_rsa_key("cmk", size=2048)
    with CryptographyClient(first, credential) as client:
        wrapped = client.wrap_key(KeyWrapAlgorithm.rsa_oaep, DATA_KEY).encrypted_key
        keys.rotate_key("cmk")

        assert DATA_KEY == client.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped).key


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.rs256, SignatureAlgorithm.ps384, SignatureAlgorithm.rs512])
def test_rsa_signatures(keys: KeyClient, credential: ClientSecretCredential, algorithm: SignatureAlgorithm) -> None:
    """Signed by the vault, verified by the SDK on this side."""
    digest = bytes(int(algorithm.value[2:]) // 8)
    with CryptographyClient(keys.create_rsa_key("rsa", size=2048), credential) as client:
        signature = client.sign(algorithm, digest).signature

        assert client.verify(algorithm, digest, signature).is_valid
        assert not client.verify(algorithm, digest, signature[:-1] + bytes([signature[-1] ^ 1])).is_valid


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
def test_elliptic_signatures(keys: KeyClient, credential: ClientSecretCredential, curve: str) -> None:
    """Each curve has one algorithm, and its signature is two numbers of the curve's length."""
    algorithm = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}[curve]
    digest = bytes(int(algorithm[2:5]) // 8)
    with CryptographyClient(keys.create_ec_key("ec", curve=curve), credential) as client:
        signature = client.sign(SignatureAlgorithm(algorithm), digest).signature

        assert client.verify(SignatureAlgorithm(algorithm), digest, signature).is_valid


def test_a_disabled_key_is_shown_and_not_used(keys: KeyClient, credential: ClientSecretCredential) -> None:
    """Disabling is how access is revoked (P20); enabling gives it back."""
    made = keys.create_rsa_key("cmk", size=2048)
    with CryptographyClient(made, credential) as client:
        wrapped = client.wrap_key(KeyWrapAlgorithm.rsa_oaep, DATA_KEY).encrypted_key
        keys.update_key_properties("cmk", enabled=False)
        with pytest.raises(HttpResponseError, match="Operation unwrapKey is not allowed on a disabled key"):
            client.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped)
        assert keys.get_key("cmk").properties.enabled is False
        keys.update_key_properties("cmk", enabled=True)

        assert DATA_KEY == client.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped).key


def test_a_key_is_deleted_recovered_and_purged(keys: KeyClient) -> None:
    """With the SDK's pollers; the name is taken until the key is purged."""
    made = keys.create_ec_key("ec")
    deleted = keys.begin_delete_key("ec", _polling_interval=0)
    deleted.wait()
    assert deleted.result().recovery_id == "https://kv-one.vault.azure.net/deletedkeys/ec"
    assert ["ec"] == [row.name for row in keys.list_deleted_keys()]
    with pytest.raises(ResourceNotFoundError, match="was not found in this key vault"):
        keys.get_key("ec")
    with pytest.raises(ResourceExistsError, match="its name cannot be reused"):
        keys.create_ec_key("ec")

    keys.begin_recover_deleted_key("ec", _polling_interval=0).wait()
    assert keys.get_key("ec").id == made.id
    keys.begin_delete_key("ec", _polling_interval=0).wait()
    keys.purge_deleted_key("ec")

    assert keys.create_ec_key("ec").id != made.id


def test_a_rotation_policy_dates_the_next_version(keys: KeyClient) -> None:
    """The policy's expiry goes into the version a rotation makes; a key without a policy shows the default one."""
    keys.create_ec_key("ec")
    default = keys.get_key_rotation_policy("ec")
    actions = [KeyRotationLifetimeAction("Rotate", time_after_create="P60D")]
    policy = keys.update_key_rotation_policy("ec", KeyRotationPolicy(), lifetime_actions=actions, expires_in="P90D")
    rotated = keys.rotate_key("ec").properties

    assert [("Notify", "P30D")] == [(row.action, row.time_before_expiry) for row in default.lifetime_actions]
    assert ("P90D", "P60D") == (policy.expires_in, policy.lifetime_actions[0].time_after_create)
    assert rotated.expires_on is not None
    assert rotated.created_on is not None
    assert (rotated.expires_on - rotated.created_on).days == 90
