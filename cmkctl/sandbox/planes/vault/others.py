"""Secrets and certificates of a vault: the sandbox makes none, so their lists are empty and one of them is not found."""

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Reply
from cmkctl.sandbox.planes.vault import records
from cmkctl.sandbox.planes.vault.context import Context


def list_none(context: Context) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer an empty page."""
    return Reply(200, {"value": [], "nextLink": None})


def get_secret(context: Context) -> Reply:
    """Refuse a secret: 404."""
    raise errors.vault_secret_not_found(context.name)


def get_certificate(context: Context) -> Reply:
    """Refuse a certificate: 404."""
    raise errors.vault_certificate_not_found(context.name)


def attestation(context: Context) -> Reply:
    """Refuse to attest a key that is there: only hardware could."""
    records.existing(context)
    raise errors.not_modelled("the attestation of keys")
