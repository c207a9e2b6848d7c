"""Everything found that uses the key, for a procedure that takes the key away. Reads only, plans nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.documents import text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import subscription_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.workspaces import KEY_IDENTIFIER, KEY_VAULT_ID
from cmkctl.consumers import Consumer, Consumers, Target, find
from cmkctl.plan import Change, Known, Output, Outputs
from cmkctl.posture import Unseen
from cmkctl.profile.model import Profile

STOPPING: Final[Output[list[str]]] = Output("key_consumers", "stopping")
"""The ARM ids of the resources that stop, sorted."""

_MANAGED: Final = tuple(
    f"properties.encryption.{each}ResourceId" for each in ("cosmosDb", "searchAccount", "storageAccount")
)
_READ_BY_COSMOS_DB: Final = ("microsoft.machinelearningservices/workspaces", "microsoft.documentdb/databaseaccounts")
"""The types whose key Azure Cosmos DB reads."""


@dataclass(frozen=True, slots=True)
class ObservedConsumers:
    """The consumers of the key, or of the vault, and the version that the workspace uses (empty: unknown)."""

    consumers: Consumers
    version: str
    whole_vault: bool = False
    identity: bool = False
    """True where a user-assigned identity loses its access, and whatever reads a key with it."""
    managed: tuple[str, ...] = ()
    """The ARM ids of what Azure manages for the workspace, as the workspace names it."""

    @property
    def stopping(self) -> tuple[Consumer, ...]:
        """The consumers that stop, or may stop: also what belongs to a workspace that stops."""
        found = self.consumers.found
        own = {each.resource_id.lower() for each in found if self._stops(each)}
        return tuple(each for each in found if own.intersection((each.resource_id.lower(), each.through.lower())))

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The managed resources that the search does not list, by ARM id; empty where the workspace was not found."""
        listed = {each.resource_id.lower() for each in self.consumers.found}
        return tuple(each for each in self.managed if each.lower() not in listed)

    @property
    def staying(self) -> tuple[Consumer, ...]:
        """The consumers that keep their access."""
        stopping = self.stopping
        return tuple(each for each in self.consumers.found if each not in stopping)

    def _stops(self, consumer: Consumer) -> bool:
        if self.whole_vault:
            return bool(consumer.key) and (self.identity or consumer.resource_type.lower() in _READ_BY_COSMOS_DB)
        return consumer.needs(self.version)


class KeyConsumers:
    """One query of Resource Graph, and a ``GET`` of everything that it finds.

    With `whole_vault`, everything that uses a key of the vault counts: a policy or a role on the vault holds for all keys.
    """

    name = "key_consumers"
    title = "consumers of the key"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/azure/governance/resource-graph/overview"

    def __init__(self, *, whole_vault: bool) -> None:
        self._whole_vault = whole_vault

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedConsumers:
        """Find the consumers of the key that the workspace uses. A failed search finds nothing, and has its cause."""
        workspace = azure.resource(profile.workspace.resource_id, versions.WORKSPACES)
        identifier = text_at(workspace, KEY_IDENTIFIER)
        ours = same_resource_id(text_at(workspace, KEY_VAULT_ID), profile.key_vault.resource_id)
        try:
            target = Target.of_profile(profile, whole_vault=True) if self._whole_vault else Target.of_key(identifier)
        except ValueError:
            ours = False
        if not ours:
            return ObservedConsumers(Consumers(Target.of_profile(profile), ()), "")
        found = found_consumers(azure, target, profile)
        identity = profile.workspace.key_identity_id is not None
        version = identifier.rpartition("/")[2].lower()
        managed = tuple(filter(None, (text_at(workspace, each) for each in _MANAGED)))
        return ObservedConsumers(found, version, self._whole_vault, identity, managed)

    def plan(self, profile: Profile, observed: ObservedConsumers, known: Known) -> list[Change]:  # noqa: ARG002
        """Return nothing: a rule lists what was found."""
        return []

    def outputs(self, profile: Profile, observed: ObservedConsumers) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return `STOPPING`."""
        return {STOPPING: sorted((*(each.resource_id for each in observed.stopping), *observed.unlisted))}


def found_consumers(azure: Snapshot, target: Target, profile: Profile) -> Consumers:
    """Return the consumers in the subscription of a profile. A failed search finds nothing, and has its cause.

    Raises AzureFailed for a failure that passes.
    """
    subscriptions = (profile.subscription,)
    try:
        return find(azure, target, subscriptions, profile)
    except AzureFailed as error:
        if error.failure.kind in (FailureKind.NETWORK, FailureKind.THROTTLED, FailureKind.PASSING):
            raise
        unseen = Unseen(subscription_id(profile.subscription), f"the search failed: {error.failure}")
        return Consumers(target, (), (unseen,), subscriptions)
