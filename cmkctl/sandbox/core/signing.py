"""The key that signs the sandbox's access tokens. It is published at the ``jwks_uri``, and trusted by the sandbox alone."""

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.types import Options

from cmkctl.sandbox.core.store import SandboxError

Json = dict[str, Any]
ALGORITHM = "RS256"
UNCHECKED: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_nbf": False,
    "verify_sub": False,
}
_GENERATING = Lock()


@cache
def _generated() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def _of_this_process() -> RSAPrivateKey:
    """Return the key of sandboxes without a file: generated once, since that takes a tenth of a second."""
    with _GENERATING:
        return _generated()


class SigningKey:
    """An RSA key, in a file so that tokens outlive a restart, or that of this process. Loaded when it is first used."""

    def __init__(self, path: Path | None = None) -> None:
        """Use the key in `path`, which is written when there is none; None uses the key of this process."""
        self._path = path

    @cached_property
    def private(self) -> RSAPrivateKey:
        """The private key.

        Raises:
            SandboxError: the file does not hold an RSA key.

        """
        if self._path is None:
            return _of_this_process()
        try:
            pem = self._path.read_bytes()
        except FileNotFoundError:
            return self._written(_of_this_process())
        try:
            # The numbers are not checked again: the sandbox wrote them, and the check takes longer than a start.
            loaded = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        except ValueError as problem:
            raise SandboxError(
                f"the sandbox's key {self._path} is damaged: {problem}. Remove it; a new one is made."
            ) from problem
        if not isinstance(loaded, RSAPrivateKey):
            raise SandboxError(f"the sandbox's key {self._path} is no RSA key. Remove it; a new one is made.")
        return loaded

    def _written(self, key: RSAPrivateKey) -> RSAPrivateKey:
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(str(self._path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
        return key

    @cached_property
    def _public(self) -> Json:
        shown: Json = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {name: shown[name] for name in ("e", "kty", "n")}

    @cached_property
    def kid(self) -> str:
        """The key's id: its thumbprint (RFC 7638)."""
        canonical = json.dumps(self._public, separators=(",", ":"), sort_keys=True).encode()
        return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()

    def jwks(self) -> Json:
        """Return the public key as a JSON Web Key Set."""
        return {"keys": [{**self._public, "use": "sig", "alg": ALGORITHM, "kid": self.kid}]}

    def sign(self, claims: Json) -> str:
        """Return a signed JSON Web Token."""
        return jwt.encode(claims, self.private, algorithm=ALGORITHM, headers={"kid": self.kid})

    def verified(self, token: str) -> Json | None:
        """Return the claims of a token signed with this key; None for any other.

        Times and the audience are left to the caller, which holds them against the sandbox's clock and answers with
        the service's own errors.
        """
        try:
            claims: Json = jwt.decode(token, self.private.public_key(), algorithms=[ALGORITHM], options=UNCHECKED)
        except jwt.InvalidTokenError:
            return None
        return claims
