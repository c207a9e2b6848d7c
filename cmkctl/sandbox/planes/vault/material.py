"""Key material: real keys, made when first needed and kept in the state file, where everything of a sandbox is."""

import base64
import binascii
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.key_pairs import CURVES, PrivateKey
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant


def private_key(tenant: Tenant, version: Json, properties: Json) -> PrivateKey:
    """Return the private key of a version, made now if nothing has needed it before."""
    if "material" not in version:
        version["material"] = stored(tenant.key_pair(properties))
        tenant.changed()
    return _load(version["material"])


def stored(key: PrivateKey) -> str:
    """Return a private key as the state file keeps it."""
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, nothing).decode()


@lru_cache(maxsize=64)
def _load(text: str) -> PrivateKey:
    key = serialization.load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"the state file holds a key of another kind: {type(key).__name__}")
    return key


def public_parts(key: PrivateKey) -> Json:
    """Return the public members of the JSON Web Key: ``n`` and ``e``, or ``crv``, ``x`` and ``y``."""
    if isinstance(key, rsa.RSAPrivateKey):
        rsa_numbers = key.public_key().public_numbers()
        return {"n": _number(rsa_numbers.n), "e": _number(rsa_numbers.e)}
    numbers = key.public_key().public_numbers()
    length = (key.curve.key_size + 7) // 8
    return {"crv": curve_name(key), "x": _number(numbers.x, length), "y": _number(numbers.y, length)}


def curve_name(key: ec.EllipticCurvePrivateKey) -> str:
    """Return Key Vault's name of a key's curve."""
    return next(name for name, curve in CURVES.items() if curve.name == key.curve.name)


def imported(jwk: Json) -> PrivateKey:
    """Return the private key a JSON Web Key describes.

    Raises:
        AzureError: 400 `BadParameter` when it does not describe one.

    """
    try:
        return _rsa(jwk) if jwk["kty"].upper().startswith("RSA") else _elliptic(jwk)
    except (ArithmeticError, KeyError, ValueError) as problem:
        raise errors.private_key_invalid(problem) from problem


def _rsa(jwk: Json) -> PrivateKey:
    n, e, d = (_integer(jwk[part]) for part in ("n", "e", "d"))
    p, q = (_integer(jwk["p"]), _integer(jwk["q"])) if jwk.get("p") else rsa.rsa_recover_prime_factors(n, e, d)
    first, second = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q)
    public = rsa.RSAPublicNumbers(e, n)
    return rsa.RSAPrivateNumbers(p, q, d, first, second, rsa.rsa_crt_iqmp(p, q), public).private_key()


def _elliptic(jwk: Json) -> PrivateKey:
    x, y, d = (_integer(jwk[part]) for part in ("x", "y", "d"))
    public = ec.EllipticCurvePublicNumbers(x, y, CURVES[jwk["crv"]])
    return ec.EllipticCurvePrivateNumbers(d, public).private_key()


# --- base64url, without padding ------------------------------------------------------------------------------------


def encoded(raw: bytes) -> str:
    """Return bytes as the data plane writes them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: object, name: str) -> bytes:
    """Return the bytes a property of a request holds.

    Raises:
        AzureError: 400 `BadParameter` when it is not base64url.

    """
    try:
        return base64.b64decode(f"{text}{'=' * (-len(str(text)) % 4)}", altchars="-_", validate=True)
    except (ValueError, binascii.Error) as problem:
        raise errors.value_not_base64url(name) from problem


def _number(value: int, length: int = 0) -> str:
    return encoded(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def _integer(text: str) -> int:
    return int.from_bytes(decoded(text, "key"), "big")
