"""Wait until Azure Cosmos DB can use the key again. For ``restore``.

The Cosmos DB account of an in-subscription workspace reports ``customerManagedKeyStatus``. Azure manages its resource group, and
everyone with a role that reads the subscription can read it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import group_id
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.workspaces import ACCOUNTS, KEY_STATUS, managed_group
from cmkctl.plan import Change, Known, Outputs, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps.base import no_op, wait

CONFIRMED: Final = "Access to the configured customer managed key confirmed."
"""The status of an account that can use its key. The other published ones begin: Access to your account is currently revoked.

Source: https://learn.microsoft.com/azure/cosmos-db/cmk-troubleshooting-guide and the published values of the property.
"""
_NAMED: Final = "properties.encryption.cosmosDbResourceId"
_KIND: Final = "Azure Cosmos DB account"
_TIMEOUT: Final = 7200.0
"""Seconds. Microsoft's pages give an hour for the return; after two, something else is wrong (failures.md, P84)."""


@dataclass(frozen=True, slots=True)
class ObservedStatus:
    """The Cosmos DB accounts behind the workspace. `unseen` is the reason why there is none, empty where none is expected."""

    accounts: tuple[ArmDocument, ...] = ()
    unseen: str = ""


class KeyStatus:
    """``GET`` of the Cosmos DB account in the managed resource group until ``customerManagedKeyStatus`` confirms the access."""

    name = "key_status"
    title = "access to the key"
    needs = ("key_access", "version_in_use")
    doc = "https://learn.microsoft.com/azure/cosmos-db/cmk-troubleshooting-guide"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedStatus:
        """Read the accounts in the managed resource group, where there is one and it may be read."""
        workspace = azure.resource(profile.workspace.resource_id, versions.WORKSPACES)
        group = managed_group(workspace).rpartition("/")[2]
        if not group:
            return ObservedStatus(unseen="" if workspace is None else "the workspace shows no managed resource group")
        read = azure.gather(*(partial(_account, azure, each) for each in _named(azure, profile, workspace, group)))
        found = tuple(each for each in read if each is not None)
        return ObservedStatus(found, "" if found else f"resource group {group} shows no Azure Cosmos DB account")

    def plan(self, profile: Profile, observed: ObservedStatus, known: Known) -> list[Change]:  # noqa: ARG002
        """Wait for each account that reports no access; nothing where no account can be seen."""
        return [_change(each) for each in observed.accounts]

    def outputs(self, profile: Profile, observed: ObservedStatus) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no step comes after it."""
        return {}


def _named(azure: Snapshot, profile: Profile, workspace: ArmDocument | None, group: str) -> list[str]:
    """Return the ids of the accounts: the one that the workspace names, else those in the list of the group."""
    named = text_at(workspace, _NAMED)
    if named:
        return [named]
    resources = f"{group_id(profile.subscription, group)}/resources"
    listed = unless_denied(lambda: azure.listing(resources, versions.RESOURCES)) or {}
    return [text_at(each, "id") for each in listed.get("value", ()) if same_word(text_at(each, "type"), ACCOUNTS)]


def _account(azure: Snapshot, account: str) -> ArmDocument | None:
    return unless_denied(lambda: azure.resource(account, versions.COSMOS_DB))


def _change(account: ArmDocument) -> Change:
    identifier, status = str(account["id"]), text_at(account, KEY_STATUS)
    name = identifier.rpartition("/")[2]
    if not revoked([account]):
        return no_op(KeyStatus.name, identifier, _KIND, name, "up to date: it reports access to the key")
    settle = Settle(
        identifier,
        versions.COSMOS_DB,
        state_path=KEY_STATUS,
        ready=frozenset({CONFIRMED.lower()}),
        failed=frozenset(),
        without_state=CONFIRMED.lower(),
        timeout=_TIMEOUT,
        usual="up to 1 h",
    )
    return wait(KeyStatus.name, identifier, _KIND, name, f"it reports: {status.partition(';')[0]}", settle)


def revoked(accounts: Iterable[ArmDocument]) -> list[str]:
    """Return the statuses of the accounts that cannot use their key. One without a status counts as able to."""
    statuses = [text_at(each, KEY_STATUS) for each in accounts]
    return [each for each in statuses if each and not same_word(each, CONFIRMED)]
