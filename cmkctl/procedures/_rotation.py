"""The rules of ``rotate``: the way to the vault's endpoint, what was not seen, and what follows afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cmkctl import codes
from cmkctl.azure.ids import ResourceId
from cmkctl.checks.locks import no_lock_on_what_is_written
from cmkctl.consumers import BLIND_SPOTS
from cmkctl.diagnostics import Severity
from cmkctl.facts import PLANNED, Fact, Facts, Finding, PlannedFact, Rule, rule
from cmkctl.plan import Action, Change, Plane
from cmkctl.procedures._revocation import permissions_for_every_write
from cmkctl.steps._vault_entry import TO_ROTATE, TO_UPDATE, Entry, try_entry, ways_in

if TYPE_CHECKING:
    from cmkctl.azure.decoding import ArmDocument
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile
    from cmkctl.steps.key_followers import ObservedFollowers


def _at_the_vault(changes: Sequence[Change]) -> list[Change]:
    return [each for each in changes if each.request is not None and each.request.plane is Plane.VAULT]


def _entry(azure: Snapshot, profile: Profile, changes: Sequence[Change]) -> tuple[ArmDocument, Entry] | None:
    """Try the vault's endpoint where a change goes there; None otherwise."""
    sent = _at_the_vault(changes)
    vault = azure.vault(ResourceId.parse(profile.key_vault.resource_id)) if sent else None
    if vault is None:
        return None
    makes = sent[0].action is Action.CREATE
    version = str(sent[0].attributes[0].before) if makes else sent[0].name
    needed = TO_ROTATE if makes else TO_UPDATE
    return vault, try_entry(azure, vault, profile.key.resource_id, profile.key.name, version, needed)


ENTRY: Final = PlannedFact.of("vault_endpoint", _entry)
"""The vault and the try of its endpoint, None where no change goes there."""
FOLLOWERS: Final[Fact[ObservedFollowers]] = Fact.provided("key_followers")
RETIRED: Final[Fact[ObservedFollowers]] = Fact.provided("retired_versions")


@rule(codes.CMK600, severity=Severity.ERROR, needs=(ENTRY,))
def way_to_the_vault(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the vault's endpoint lets the caller make a version."""
    tried = facts[ENTRY]
    if tried is None or not tried[1].refused:
        return
    vault, entry = tried
    ways = [
        *ways_in(vault, profile.key_vault.resource_id, entry),
        "take another key, which Azure Resource Manager creates: cmkctl rotate PROFILE --key NEWNAME",
    ]
    yield Finding(
        f"{entry.refused[0].upper()}{entry.refused[1:]}, and Azure Resource Manager makes no second version of a key.",
        "; or ".join(ways),
        profile.key.resource_id,
    )


@rule(codes.CMK623, severity=Severity.ERROR, needs=(ENTRY,))
def way_to_the_versions(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the vault's endpoint lets the caller disable a version."""
    tried = facts[ENTRY]
    if tried is not None and tried[1].refused:
        vault, entry = tried
        yield Finding(
            f"{entry.refused[0].upper()}{entry.refused[1:]}, and Azure Resource Manager cannot change a key version.",
            "; or ".join(ways_in(vault, profile.key_vault.resource_id, entry)),
            profile.key.resource_id,
        )


@rule(codes.CMK605, severity=Severity.WARNING, needs=(PLANNED,))
def rotation_with_service_side_encryption(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn where Microsoft's pages contradict each other."""
    moves = any(each.step == "workspace_key" and each.action is Action.UPDATE for each in facts[PLANNED])
    if moves and profile.workspace.encryption == "service-side":
        yield Finding(
            "The note about the preview of service-side encryption said that key rotation is not supported. The page of "
            "28 January 2025 describes service-side encryption without that limit; the page about Foundry hubs still has it. "
            "cmkctl sends the change and reads the key identifier back.",
            "If Azure refuses it, the workspace keeps its version: nothing is lost.",
            profile.workspace.resource_id,
        )


@rule(codes.CMK622, severity=Severity.WARNING, needs=(FOLLOWERS,))
def uses_that_were_not_seen(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """List what may use the key and could not be read."""
    for each in facts[FOLLOWERS].consumers.unseen:
        yield Finding(f"{each.resource_id.rpartition('/')[2]}: {each.reason}.", codes.CMK622.remedy, each.resource_id)


@rule(codes.CMK622, severity=Severity.NOTE, needs=(FOLLOWERS, PLANNED))
def uses_that_no_search_shows(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """List the uses that no search shows, where something changes."""
    found = facts[FOLLOWERS].consumers
    if found.subscriptions and any(each.action.writes for each in facts[PLANNED]):
        searched = ", ".join(found.subscriptions)
        yield Finding(
            f"Searched: subscription {searched}. No search shows {len(BLIND_SPOTS)} kinds of use: {'; '.join(BLIND_SPOTS)}. The "
            "version before stays enabled for them.",
            codes.CMK622.remedy,
        )


@rule(codes.CMK610, severity=Severity.WARNING, needs=(RETIRED, PLANNED))
def backups_need_their_version(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of what disabling a version takes away, although nothing that was found uses it."""
    if any(each.action is Action.DISABLE for each in facts[PLANNED]):
        yield Finding(
            "A backup is restored with the key version of its time. Backups of before the rotation cannot be restored while that "
            f"version is disabled. Not searched: {'; '.join(BLIND_SPOTS)}.",
            "Enable a version again before you restore such a backup: az keyvault key set-attributes --id KEY_IDENTIFIER "
            "--enabled true. Never delete a version.",
        )


def line_to_write(name: str) -> Rule:
    """Return the rule that reports which line of the profile follows from ``--key``."""

    @rule(codes.CMK611, severity=Severity.WARNING)
    def key_of_the_profile(profile: Profile, _facts: Facts) -> Iterator[Finding]:
        yield Finding(
            f"The option --key moves workspace {profile.workspace.name} to key {name}. A profile that names another key does not "
            "match it afterwards.",
            f"Write key.name: {name} in the profile after the rotation.",
            profile.workspace.resource_id,
        )

    return key_of_the_profile


_WRITES: Final = (no_lock_on_what_is_written, permissions_for_every_write)
ROTATING: Final[tuple[Rule, ...]] = (
    way_to_the_vault,
    rotation_with_service_side_encryption,
    uses_that_were_not_seen,
    uses_that_no_search_shows,
    *_WRITES,
)
RETIRING: Final[tuple[Rule, ...]] = (way_to_the_versions, backups_need_their_version)


def rules_of(arguments: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules for the arguments of the procedure."""
    if "retire_old" in arguments:
        return RETIRING
    return (*ROTATING, *([line_to_write(arguments["key"])] if "key" in arguments else []))
