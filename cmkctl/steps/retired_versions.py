"""Rotate, later: the versions of the key that are older than the one in use are disabled. Nothing is deleted.

Azure Cosmos DB may use the version before for up to 24 hours after a rotation, and backups need the version of their time.
Disabling can be undone; a deleted version cannot be restored alone.
Source: https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import moment
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import KeyIdentifier
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.vault_keys import version_path
from cmkctl.clock import date
from cmkctl.consumers import Consumer
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Outputs, Phrase, Plane, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._rotation import FirstSeen, Version, observe, unfit_workspace
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key_followers import Found, ObservedFollowers, read_accounts, read_consumers

RETIRED: Final[Output[list[str]]] = Output("retired_versions", "disabled")
"""The versions older than the one in use that are disabled."""

NEEDED_FOR: Final = timedelta(hours=24)
"""The time for which the version before may still be used.

Source: https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys#key-rotation
"""
_KIND: Final = "key version"


class RetiredVersions:
    """``PATCH {vault}/keys/NAME/VERSION`` with ``attributes.enabled: false``, through the vault's own endpoint."""

    name = "retired_versions"
    title = "older versions of the key"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

    def __init__(self, first: FirstSeen, found: Found) -> None:
        self._first = first
        self._found = found

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Create nothing."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedFollowers:
        """Read the workspace, the versions, everything that uses the key, and the Cosmos DB accounts of the workspace."""
        rotation, consumers = azure.gather2(
            lambda: observe(azure, profile, self._first),
            lambda: self._found.get(lambda: read_consumers(azure, profile)),
        )
        return ObservedFollowers(rotation, consumers, read_accounts(azure, profile, rotation))

    def plan(self, profile: Profile, observed: ObservedFollowers, known: Known) -> list[Change]:  # noqa: ARG002
        """Disable each older version, find none, or return the conflicts: too early, still named, or not seen."""
        key, name = profile.key.resource_id, profile.key.name
        unfit = unfit_workspace(profile, observed.rotation)
        if unfit is not None:
            workspace = profile.workspace
            ways = unfit.ways_out
            return [
                conflict(self.name, workspace.resource_id, "workspace", workspace.name, unfit.code, unfit.reason, *ways)
            ]
        used = observed.rotation.in_use
        if used is None:
            reason = f"the workspace uses {observed.rotation.identifier}, which is no version of it"
            return [conflict(self.name, key, "key", name, "CMK604", reason, "rotate first: cmkctl rotate PROFILE")]
        old = [each for each in _older(observed, used) if each.enabled]
        if not old:
            return [
                no_op(self.name, key, "key", name, f"no version older than {used.name}, which is in use, is enabled")
            ]
        problems = [conflict(self.name, key, "key", name, *each) for each in _problems(profile, observed, old)]
        return problems or [_disable(profile, each) for each in old]

    def outputs(self, profile: Profile, observed: ObservedFollowers) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return `RETIRED`."""
        used = observed.rotation.in_use
        old = _older(observed, used) if used is not None else ()
        return {RETIRED: [each.name for each in old if not each.enabled]}


def _older(observed: ObservedFollowers, used: Version) -> tuple[Version, ...]:
    listed = observed.rotation.versions or ()
    return listed[: listed.index(used)]


def _disable(profile: Profile, version: Version) -> Change:
    """Source: https://learn.microsoft.com/rest/api/keyvault/keys/update-key/update-key."""
    return Change(
        RetiredVersions.name,
        Action.DISABLE,
        f"{profile.key.resource_id}/versions/{version.name}",
        _KIND,
        version.name,
        f"of {date(version.created)}, older than the version in use",
        attributes=(AttributeChange("attributes.enabled", True, False, phrase=Phrase("enabled", "disabled")),),
        request=Request(
            "PATCH",
            version_path(profile.key.name, version.name),
            versions.VAULT_KEYS,
            {"attributes": {"enabled": False}},
            host=f"https://{KeyIdentifier.parse(version.identifier).host}",
            plane=Plane.VAULT,
        ),
    )


def _problems(profile: Profile, observed: ObservedFollowers, old: list[Version]) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for each reason why the versions have to stay."""
    yield from _too_early(observed)
    for consumer in observed.consumers.found:
        needed = next((each for each in old if _may_use(profile, consumer, each)), None)
        if needed is not None:
            uses = "uses" if needed.name in (consumer.version, consumer.version_in_use) else "may use"
            yield (
                "CMK607",
                f"{consumer.title} {consumer.name} {uses} version {needed.name}",
                f"move it to a newer version: {consumer.resource_id}",
                "wait, where it follows new versions by itself",
            )
    for account in observed.accounts or ():
        version = text_at(account, "properties.keyVaultKeyUriVersion").rpartition("/")[2]
        if any(same_word(each.name, version) for each in old):
            name = text_at(account, "name")
            yield "CMK607", f"Azure Cosmos DB account {name} still uses version {version}", "wait until it has followed"
    for gap in observed.consumers.unseen:
        yield (
            "CMK607",
            f"{gap.resource_id} could not be read ({gap.reason}), and may name an older version",
            "have the command run with an account that may read the whole subscription",
        )


def _too_early(observed: ObservedFollowers) -> Iterator[tuple[str, ...]]:
    changed = moment(at_path(observed.rotation.workspace, "systemData.lastModifiedAt"))
    if changed is None:
        yield (
            "CMK606",
            "Azure does not show when the workspace was changed last, so the time of its rotation is not known",
            (
                "disable a version by hand, 24 hours after its rotation at the earliest: az keyvault key set-attributes --id "
                "KEY_IDENTIFIER --enabled false"
            ),
        )
    elif observed.rotation.at - changed < NEEDED_FOR:
        yield (
            "CMK606",
            (
                f"the workspace was changed last on {date(changed.timestamp())}, perhaps by its rotation, and Azure Cosmos DB "
                "may use the version before for 24 hours"
            ),
            f"run the same command again after {date((changed + NEEDED_FOR).timestamp())}",
        )


def _may_use(profile: Profile, consumer: Consumer, version: Version) -> bool:
    """Return True unless it is certain that a consumer does not use a version.

    What belongs to the workspace and shows no version is covered by the 24 hours.
    """
    if same_resource_id(consumer.resource_id, profile.workspace.resource_id):
        return False
    inside = same_resource_id(consumer.through, profile.workspace.resource_id)
    if inside and not (consumer.version or consumer.version_in_use):
        return False
    return bool(consumer.key) and consumer.needs(version.name)
