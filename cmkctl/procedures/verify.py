"""Verify: the plan of the creation, judged by further rules that read what only a comparison needs. Sends reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cmkctl import codes
from cmkctl.azure import versions
from cmkctl.azure.documents import text_at
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.workspaces import KEY_STATUS, managed_group
from cmkctl.checks import RULES
from cmkctl.checks.documents import version_attributes
from cmkctl.checks.key import expires_within
from cmkctl.checks.observed import KEY_ACCESS, KEY_IN_USE, WORKSPACE
from cmkctl.diagnostics import Severity
from cmkctl.facts import Fact, Facts, Finding, Rule, rule
from cmkctl.procedures.base import Procedure
from cmkctl.procedures.create import CREATE
from cmkctl.profile.model import Profile
from cmkctl.steps._grants import effective_at

_REVOKED: Final = "revoked"
"""The word that every published text about lost access has, and the one about confirmed access has not."""


def _reported(azure: Snapshot, profile: Profile) -> str:
    """Return what the workspace's Azure Cosmos DB account reports about its access to the key; empty without an account."""
    group = managed_group(azure.resource(profile.workspace.resource_id, versions.WORKSPACES))
    listed = azure.cosmos_db_accounts(group) if group else None
    return next((text_at(each, KEY_STATUS) for each in (listed or {}).get("value", ())), "")


REPORTED: Final = Fact("Azure_Cosmos_DB_account", _reported)
"""The text of ``customerManagedKeyStatus``."""


@rule(codes.CMK690, severity=Severity.ERROR, needs=(WORKSPACE, REPORTED, KEY_IN_USE, KEY_ACCESS))
def azure_cosmos_db_uses_the_key(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the account has access, and name the cause where the key or the grant shows one."""
    reported = facts[REPORTED]
    if facts[WORKSPACE] is not None and _REVOKED in reported.lower():
        yield Finding(f"Azure Cosmos DB reports: {reported} {_cause(profile, facts)}", "", "key")


def _cause(profile: Profile, facts: Facts) -> str:
    used, access = facts[KEY_IN_USE], facts[KEY_ACCESS]
    if used is None or used.version is None:
        return "The key version in use does not exist, or may not be read."
    attributes = version_attributes(used.version)
    if attributes.get("enabled") is False:
        return f"The cause: key version {used.identifier} is disabled."
    if attributes.get("exp") is not None and attributes["exp"] <= used.at.timestamp():
        return f"The cause: key version {used.identifier} has expired."
    if effective_at(profile, access.vault, access.cosmos_db, access.at) is None:
        return "The cause: Azure Cosmos DB has no sufficient grant on the key."
    return "Its key version is enabled and its grant is there, so look at the vault's firewall; the report can be an hour old."


def verifying(expiry_days: int) -> Procedure:
    """Return the procedure of ``verify``, which warns of versions that expire within so many days."""
    expiring = expires_within(timedelta(days=expiry_days))
    names = {each.name for each in expiring}
    kept: tuple[Rule, ...] = tuple(each for each in RULES if each.name not in names)
    return replace(CREATE, rules=(*kept, *expiring, azure_cosmos_db_uses_the_key))
