"""The sandbox's own certificate authority: trusted only where it is installed, and kept across restarts for 30 days."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cmkctl.sandbox.core.clouds import Service, certificate_names, locate
from cmkctl.sandbox.core.store import write_atomically

LIFE = timedelta(days=30)
"""The lifetime of an authority, limited because clients may install it."""

RENEWED_BEFORE = timedelta(days=7)
"""An authority with less left than this is replaced when the sandbox starts."""


def authority(certificate: Path, key: Path, now: datetime | None = None) -> trustme.CA:
    """Return the authority kept in two files; a new one, which is written there, if there is none or its life is over.

    Args:
        certificate: its certificate.
        key: its private key.
        now: the time; None is this machine's.

    """
    moment = now or datetime.now(UTC)
    with contextlib.suppress(FileNotFoundError):
        kept = certificate.read_bytes()
        left = x509.load_pem_x509_certificate(kept).not_valid_after_utc - moment
        if RENEWED_BEFORE <= left <= LIFE:
            return trustme.CA.from_pem(kept, key.read_bytes())
    made = trustme.CA(organization_name="cmkctl sandbox", organization_unit_name="not Azure")
    private = made.private_key_pem.bytes()
    public = _limited(made.cert_pem.bytes(), private, moment)
    write_atomically(key, private.decode())
    write_atomically(certificate, public.decode(), mode=0o644)
    return trustme.CA.from_pem(public, private)


def _limited(certificate: bytes, private: bytes, now: datetime) -> bytes:
    """Return a self-signed certificate that ends after `LIFE`; those of trustme are for ever."""
    made = x509.load_pem_x509_certificate(certificate)
    key = serialization.load_pem_private_key(private, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic curve key")
    builder = (
        x509.CertificateBuilder()
        .subject_name(made.subject)
        .issuer_name(made.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
    )
    for each in made.extensions:
        builder = builder.add_extension(each.value, each.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def server_context(made: trustme.CA) -> ssl.SSLContext:
    """Return a TLS context for every host: one certificate for the known names, others issued on demand."""
    context = _context(made, *certificate_names())
    others: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name is None or locate(name)[1] is not Service.UNKNOWN:
            return
        if name not in others:
            others[name] = _context(made, name)
        connection.context = others[name]

    context.sni_callback = choose
    return context


def _context(made: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = made.issue_cert(*names, not_after=datetime.now(UTC) + LIFE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chain.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(path)
        context.load_cert_chain(path)
    return context
