"""Equalities named after the quirk of Azure that makes them necessary.

What Azure answers is not what it was sent: ids come back in another casing, locations as display names, URIs with or
without a trailing slash. A naive comparison plans an update for ever. Every comparison a step makes is one of these.
"""

from __future__ import annotations

from collections.abc import Iterable


def same_location(one: str, other: str) -> bool:
    """``West US`` and ``westus`` are one location: ARM normalises display names.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-location
    """
    return _squeezed(one) == _squeezed(other)


def same_resource_id(one: str | None, other: str | None) -> bool:
    """ARM ids are case-insensitive: Azure ML answers ``Microsoft.Keyvault`` where ``Microsoft.KeyVault`` was sent."""
    return (one or "").rstrip("/").lower() == (other or "").rstrip("/").lower()


def same_uri(one: str | None, other: str | None) -> bool:
    """Compare two vault URIs. The trailing slash is missing while the vault is ``RegisteringDns``; host names have no case."""
    return (one or "").rstrip("/").lower() == (other or "").rstrip("/").lower()


def same_key_identifier(one: str | None, other: str | None) -> bool:
    """Key identifiers: the host has no case, and Key Vault treats names without case, too."""
    return same_uri(one, other)


def same_word(one: str | None, other: str | None) -> bool:
    """Azure's enumerations come back in another casing: ``Standard`` for ``standard``, ``Enabled`` for ``enabled``."""
    return (one or "").lower() == (other or "").lower()


def same_identity_type(one: str | None, other: str | None) -> bool:
    """``SystemAssigned, UserAssigned`` is spelled with or without the blank, by resource provider."""
    return _squeezed(one or "") == _squeezed(other or "")


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
