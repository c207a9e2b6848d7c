"""Rotate, step 5: what else uses the key, and what happens to each of it. Reads only.

A resource that names no version follows a new one by itself; one that names a version keeps it, and its owner has to change it.
Whether the services behind the workspace use the new version is seen where their Azure Cosmos DB account may be read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import group_id
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.workspaces import ACCOUNTS, KEY_IDENTIFIER, KEY_STATUS, managed_group
from cmkctl.consumers import Consumer, Consumers, Target
from cmkctl.plan import Change, Known, Output, Outputs
from cmkctl.posture import Follow
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._rotation import Aim, FirstSeen, ObservedRotation, RotationOptions, decide, observe
from cmkctl.steps.base import no_op
from cmkctl.steps.key_consumers import found_consumers

SERVICES_USE: Final[Output[str]] = Output("key_followers", "managed_services")
"""A sentence about the version that the services behind the workspace use."""

_WORKSPACES: Final = "microsoft.machinelearningservices/workspaces"
_WITHIN: Final = "usually within an hour"


class Found:
    """The consumers of a key, searched for once: a rotation does not add or remove one, and Resource Graph is minutes late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._consumers: Consumers | None = None

    def get(self, find: Callable[[], Consumers]) -> Consumers:
        """Return the consumers. The first call finds them."""
        with self._lock:
            if self._consumers is None:
                self._consumers = find()
            return self._consumers


@dataclass(frozen=True, slots=True)
class ObservedFollowers:
    """The rotation as observed, the consumers of the key that the workspace uses, and the Cosmos DB accounts behind it.

    `accounts` is None where they may not be read, and before the workspace has changed.
    """

    rotation: ObservedRotation
    consumers: Consumers
    accounts: tuple[ArmDocument, ...] | None = None


class KeyFollowers:
    """One no-op for each resource that uses the key, with the reason why this run leaves it as it is."""

    name = "key_followers"
    title = "other uses of the key"
    needs = ("workspace_key",)
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"

    def __init__(self, options: RotationOptions, first: FirstSeen, found: Found) -> None:
        self._options = options
        self._first = first
        self._found = found

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Create nothing."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedFollowers:
        """Find the consumers of the key; read the Cosmos DB accounts once the workspace uses its version."""
        rotation, consumers = azure.gather2(
            lambda: observe(azure, profile, self._first, policy=self._options.due),
            lambda: self._found.get(lambda: read_consumers(azure, profile)),
        )
        rotated = decide(profile, self._options, rotation).aim is Aim.STAY
        return ObservedFollowers(rotation, consumers, read_accounts(azure, profile, rotation) if rotated else None)

    def plan(self, profile: Profile, observed: ObservedFollowers, known: Known) -> list[Change]:  # noqa: ARG002
        """Return what happens to each consumer."""
        own = profile.workspace.resource_id
        changed = [each.resource_id(profile) for each in specs_of(profile) if each.encrypted(profile)]
        others = [
            each
            for each in observed.consumers.found
            if not any(same_resource_id(each.resource_id, one) for one in (own, *changed))
        ]
        return [
            no_op(self.name, each.resource_id, _title(each), each.name, _what_happens(profile, observed, each))
            for each in others
        ]

    def outputs(self, profile: Profile, observed: ObservedFollowers) -> Outputs:
        """Return `SERVICES_USE`."""
        if decide(profile, self._options, observed.rotation).aim is not Aim.STAY:
            return {SERVICES_USE: SERVICES_USE.unknown}
        return {SERVICES_USE: " ".join(_services(profile, observed))}


def read_consumers(azure: Snapshot, profile: Profile) -> Consumers:
    """Return the consumers of the key that the workspace uses; none for a workspace without a key."""
    workspace = azure.resource(profile.workspace.resource_id, versions.WORKSPACES)
    identifier = text_at(workspace, KEY_IDENTIFIER)
    try:
        return found_consumers(azure, Target.of_key(identifier), profile)
    except ValueError:  # no workspace, or one without a key
        return Consumers(Target.of_profile(profile), ())


def read_accounts(azure: Snapshot, profile: Profile, rotation: ObservedRotation) -> tuple[ArmDocument, ...] | None:
    """Return the Cosmos DB accounts behind the workspace; None where there is no managed group, or they may not be read."""
    group = managed_group(rotation.workspace).rpartition("/")[2]
    if not group:
        return None
    scope = group_id(profile.subscription, group)
    listed = unless_denied(lambda: azure.cosmos_db_accounts(scope, versions.COSMOS_DB_KEY_VERSION))
    return tuple(listed["value"]) if listed else None


def _title(consumer: Consumer) -> str:
    """Return the service for people, also of a type that is only read."""
    return "Azure Cosmos DB account" if same_word(consumer.resource_type, ACCOUNTS) else consumer.title


def _what_happens(profile: Profile, observed: ObservedFollowers, consumer: Consumer) -> str:
    key = consumer.key.rpartition("/")[2]
    if not same_word(key, profile.key.name) and not consumer.through:
        return f"not changed: it keeps key {key or 'of the vault'}"
    if same_resource_id(consumer.through, profile.workspace.resource_id):
        return f"follows the workspace, {_WITHIN}"
    if consumer.through:
        return f"not changed: it uses the key of {consumer.through.rpartition('/')[2]}"
    if consumer.follows is not None and consumer.follows.how is Follow.BY_ITSELF:
        within = f" within {consumer.follows.hours:g} h" if consumer.follows.hours is not None else ""
        return f"follows a new version by itself{within}"
    keeps = f"not changed: it keeps version {consumer.version}" if consumer.version else "not changed by this run"
    return f"{keeps}; {_owner(profile, observed, consumer)}"


def _owner(profile: Profile, observed: ObservedFollowers, consumer: Consumer) -> str:
    """Return what the owner of a resource does that keeps its version."""
    if any(same_resource_id(each.settings.id, consumer.resource_id) for each in profile.services.entries):
        return "change it afterwards: cmkctl encrypt PROFILE"
    if consumer.resource_type.lower() == _WORKSPACES:
        return "its owner changes it: cmkctl rotate with the profile of that workspace"
    if consumer.follows is None:
        return "whether it follows by itself is not known: ask its owner"
    version = observed.rotation.identifier.rpartition("/")[2]
    return f"its owner changes it before version {consumer.version or version} is disabled"


def _services(profile: Profile, observed: ObservedFollowers) -> Iterator[str]:
    """Yield what is known about the version that the services behind the workspace use."""
    wanted = observed.rotation.identifier.rpartition("/")[2]
    if profile.workspace.encryption == "service-side":
        yield f"In Microsoft's subscription, so their version cannot be seen; they follow {_WITHIN}."
        return
    if not observed.accounts:
        yield f"Their version cannot be seen: no Azure Cosmos DB account may be read. They follow {_WITHIN}."
        return
    for each in observed.accounts:
        name, version = text_at(each, "name"), text_at(each, "properties.keyVaultKeyUriVersion").rpartition("/")[2]
        status = text_at(each, KEY_STATUS).partition(";")[0].rstrip(".")
        if not version:
            yield f"Azure Cosmos DB account {name} does not show its version; it follows {_WITHIN}."
        elif same_word(version, wanted):
            yield f"Azure Cosmos DB account {name} uses version {version}."
        else:
            yield f"Azure Cosmos DB account {name} still uses version {version}, and follows {_WITHIN}."
        if status:
            yield f"It reports: {status}."
