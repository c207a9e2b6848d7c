"""Key pairs of keys in vaults: RSA and elliptic curves."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cmkctl.sandbox.core.messages import Json

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}
EXPONENT = 65537


def generate(properties: Json) -> PrivateKey:
    """Return a new key pair for a key's properties: `kty`, with `keySize` or `curveName`."""
    if properties["kty"].upper().startswith("RSA"):
        return rsa.generate_private_key(EXPONENT, properties["keySize"])
    return ec.generate_private_key(CURVES[properties["curveName"]])
