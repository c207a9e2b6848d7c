"""The addresses that network rules take: public ones only."""

from ipaddress import IPv4Network

from cmkctl.sandbox.core import errors

PRIVATE = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918: Key Vault and Storage document that their IP rules refuse these."""


def require_storage_ranges(values: object) -> None:
    """Raise the refusal of a range of two addresses or one: Storage documents that it takes single addresses instead."""
    for value in values if isinstance(values, list) else ():
        if value.endswith(("/31", "/32")):
            raise errors.small_range(value)


def require_public(values: object) -> None:
    """Raise the refusal of an IP rule with an address of a private network."""
    for value in values if isinstance(values, list) else ():
        if any(IPv4Network(value, strict=False).overlaps(each) for each in PRIVATE):
            raise errors.private_range(value)
