"""Equalities named after the quirk of Azure that makes them necessary.

Azure does not return what it was sent: ids come back in a different casing, locations as display names, URIs with or
without a trailing slash. A naive comparison would plan an update on every run. Steps compare only with these functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_TLS: Final = re.compile(r"(?:tls)?v?([0-9])[._]?([0-9]?)|tls")


def same_location(one: str, other: str) -> bool:
    """Compare two locations. ``West US`` equals ``westus``: ARM normalises display names.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-location
    """
    return _squeezed(one) == _squeezed(other)


def same_resource_id(one: str | None, other: str | None) -> bool:
    """Compare two ARM ids, ignoring case: Azure ML returns ``Microsoft.Keyvault`` for ``Microsoft.KeyVault``."""
    return (one or "").rstrip("/").lower() == (other or "").rstrip("/").lower()


def same_uri(one: str | None, other: str | None) -> bool:
    """Compare two vault URIs. The trailing slash is missing while the vault is ``RegisteringDns``; host names have no case."""
    return (one or "").rstrip("/").lower() == (other or "").rstrip("/").lower()


def same_key_identifier(one: str | None, other: str | None) -> bool:
    """Compare two key identifiers. Host names and Key Vault's names are case-insensitive."""
    return same_uri(one, other)


def same_word(one: str | None, other: str | None) -> bool:
    """Compare two enumeration values. Azure changes their casing: ``Standard`` for ``standard``."""
    return (one or "").lower() == (other or "").lower()


def same_identity_type(one: str | None, other: str | None) -> bool:
    """Compare two identity types. Some providers write ``SystemAssigned, UserAssigned`` without the space."""
    return _squeezed(one or "") == _squeezed(other or "")


def tls_version(text: str) -> tuple[int, int] | None:
    """Return a version of TLS in an order, from ``TLS1_2``, ``TLSv1.2``, ``Tls12`` or ``1.2``; None for another word.

    The bare ``Tls`` of Azure Cosmos DB and the ``TLSv1`` of MySQL are version 1.0.
    """
    match = _TLS.fullmatch(text.strip().lower())
    return None if match is None else (int(match[1] or 1), int(match[2] or 0))


def missing_permissions(granted: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted key permissions that are not granted. Azure returns the stored casing; ``all`` includes every one."""
    held = {each.lower() for each in granted}
    return () if "all" in held else tuple(each for each in wanted if each.lower() not in held)


def excess_permissions(granted: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the granted permissions beyond the wanted ones, as Azure spells them."""
    allowed = {each.lower() for each in wanted}
    return tuple(each for each in granted if each.lower() not in allowed)


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()
