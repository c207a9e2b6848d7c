"""The sandbox's own certificate authority: trusted only where it is installed, and kept across restarts."""

import contextlib
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from cmkctl.sandbox.core.clouds import Service, certificate_names, locate


def authority(certificate: Path, key: Path) -> trustme.CA:
    """Return the authority kept in two files, made and written if they are not there."""
    with contextlib.suppress(FileNotFoundError):
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name="cmkctl sandbox", organization_unit_name="not Azure")
    certificate.parent.mkdir(parents=True, exist_ok=True)
    key.touch(mode=0o600)
    made.private_key_pem.write_to_path(key)
    made.cert_pem.write_to_path(certificate)
    return made


def server_context(made: trustme.CA) -> ssl.SSLContext:
    """Return a TLS context for every host: one certificate for the known names, others issued when asked for."""
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
    issued = made.issue_cert(*names)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chain.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(path)
        context.load_cert_chain(path)
    return context
