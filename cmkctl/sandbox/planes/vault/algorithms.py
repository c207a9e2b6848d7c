"""The algorithms of Key Vault (RFC 7518 names) over real keys. Values in and out are bytes."""

import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.key_pairs import PrivateKey
from cmkctl.sandbox.planes.vault.material import curve_name

ENCRYPTION: Mapping[str, padding.AsymmetricPadding] = {
    "RSA1_5": padding.PKCS1v15(),
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303  the algorithm is what it is
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}
HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "P-256K"}
SIGNATURE = re.compile(r"(RS|PS)(256|384|512)|ES(256|384|512)|ES256K")


def encrypt(key: PrivateKey, algorithm: str, plain: bytes) -> bytes:
    """Encrypt or wrap with an RSA key."""
    try:
        return _rsa(key, algorithm).public_key().encrypt(plain, ENCRYPTION[algorithm])
    except ValueError as problem:
        raise errors.value_not_encryptable(problem) from problem


def decrypt(key: PrivateKey, algorithm: str, cipher: bytes) -> bytes:
    """Decrypt or unwrap with an RSA key."""
    try:
        return _rsa(key, algorithm).decrypt(cipher, ENCRYPTION[algorithm])
    except ValueError as problem:
        raise errors.value_not_decryptable() from problem


def _rsa(key: PrivateKey, algorithm: str) -> rsa.RSAPrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey) or algorithm not in ENCRYPTION:
        raise _unsupported(algorithm, ", ".join(ENCRYPTION) if isinstance(key, rsa.RSAPrivateKey) else "none")
    return key


def sign(key: PrivateKey, algorithm: str, digest: bytes) -> bytes:
    """Sign a digest; signatures of elliptic curves are the two numbers, side by side."""
    hashed = _hash(key, algorithm, digest)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, _padding(algorithm, hashed), utils.Prehashed(hashed))
    length = (key.curve.key_size + 7) // 8
    numbers = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(hashed))))
    return b"".join(number.to_bytes(length, "big") for number in numbers)


def verify(key: PrivateKey, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Return whether a signature is this key's over a digest."""
    hashed = _hash(key, algorithm, digest)
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(signature, digest, _padding(algorithm, hashed), utils.Prehashed(hashed))
        else:
            key.public_key().verify(_der(signature), digest, ec.ECDSA(utils.Prehashed(hashed)))
    except InvalidSignature:
        return False
    return True


def _der(signature: bytes) -> bytes:
    half = len(signature) // 2
    return utils.encode_dss_signature(*(int.from_bytes(part, "big") for part in (signature[:half], signature[half:])))


def _hash(key: PrivateKey, algorithm: str, digest: bytes) -> hashes.HashAlgorithm:
    if not SIGNATURE.fullmatch(algorithm) or not _fits(key, algorithm):
        raise _unsupported(algorithm, "RS and PS 256/384/512 for RSA; ES256, ES384, ES512, ES256K by the curve for EC")
    hashed = HASHES[algorithm[2:5]]
    if len(digest) != hashed.digest_size:
        raise errors.digest_size_differs(algorithm, hashed.digest_size, len(digest))
    return hashed


def _fits(key: PrivateKey, algorithm: str) -> bool:
    if isinstance(key, rsa.RSAPrivateKey):
        return algorithm not in CURVE_OF
    return CURVE_OF.get(algorithm) == curve_name(key)


def _padding(algorithm: str, hashed: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.startswith("RS"):
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hashed), hashed.digest_size)


def _unsupported(algorithm: str, supported: str) -> errors.AzureError:
    return errors.algorithm_unsupported(algorithm, supported)
