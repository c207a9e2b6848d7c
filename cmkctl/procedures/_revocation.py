"""The rules of ``revoke`` and ``restore``: what stops, what was not seen, and what a restored key does not bring back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl import codes
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.ids import ResourceId, resource_type
from cmkctl.checks.locks import no_lock_on_what_is_written
from cmkctl.checks.rights import CMK191, PERMISSIONS, lacking
from cmkctl.clock import date
from cmkctl.consumers import BLIND_SPOTS, Consumer
from cmkctl.diagnostics import Severity
from cmkctl.facts import PLANNED, Fact, Facts, Finding, rule
from cmkctl.services import service_of

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile
    from cmkctl.steps.key_consumers import ObservedConsumers
    from cmkctl.steps.key_status import ObservedStatus
    from cmkctl.steps.version_in_use import ObservedVersion

_UNKNOWN_EFFECT: Final = "what happens to it is not published"
_UNKNOWN_TIME: Final = "when is not published"
_TIMES: Final = ("within", "after", "next start", "once")
"""The words with which a service gives the time until it notices."""


CONSUMERS: Final[Fact[ObservedConsumers]] = Fact.provided("key_consumers")
VERSION: Final[Fact[ObservedVersion]] = Fact.provided("version_in_use")
STATUS: Final[Fact[ObservedStatus]] = Fact.provided("key_status")


@rule(codes.CMK620, severity=Severity.WARNING, needs=(CONSUMERS,))
def everything_that_stops(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """List everything found that stops, with what happens to it and when; what belongs to the workspace comes first."""
    observed, own = facts[CONSUMERS], profile.workspace.resource_id
    named = [_managed(each, own) for each in observed.unlisted]
    for each in sorted((*observed.stopping, *named), key=lambda one: _distance(one, own)):
        # The name is enough for people; scripts have the ids among the outputs.
        yield Finding(f"{each.name}: {_stops(own, each)}", codes.CMK620.remedy)


def _distance(consumer: Consumer, own: str) -> int:
    if same_resource_id(consumer.resource_id, own):
        return 0
    return 1 if same_resource_id(consumer.through, own) else 2


def _stops(own: str, consumer: Consumer) -> str:
    what = consumer.revoked or _UNKNOWN_EFFECT
    when = "" if any(each in what for each in _TIMES) else f"; {_UNKNOWN_TIME}"
    return f"{consumer.title} {_place(own, consumer)}. {what[0].upper()}{what[1:]}{when}."


def _managed(resource_id: str, own: str) -> Consumer:
    """Return a managed resource of a workspace that shows no key, as a consumer of the workspace's key."""
    kind = resource_type(resource_id)
    service = service_of(kind)
    title, revoked = (service.title, service.revoked) if service else (kind, "")
    return Consumer(resource_id, kind, title, "", revoked=revoked, through=own)


def _place(own: str, consumer: Consumer) -> str:
    if same_resource_id(consumer.resource_id, own):
        return "of this profile"
    if consumer.through:
        return f"of workspace {consumer.through.rpartition('/')[2]}"
    return f"in resource group {ResourceId.parse(consumer.resource_id).resource_group}"


@rule(codes.CMK621, severity=Severity.NOTE, needs=(CONSUMERS,))
def time_until_it_takes_effect(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Report how long it takes, what is seen meanwhile, and what keeps its access."""
    if not facts[CONSUMERS].stopping:
        return
    yield Finding(
        "It takes up to an hour. Until a service asks Key Vault again it uses the key from its cache, and work goes on; "
        "operations that need the key at once, such as a new key version, fail immediately. Then requests to data fail, and the "
        "workspace with them. Nothing is deleted: no data, no key, no key version.",
        codes.CMK621.remedy,
    )
    staying = facts[CONSUMERS].staying
    if staying:
        names = ", ".join(f"{each.title} {each.name}" for each in staying)
        yield Finding(
            f"Keeps its access, because it uses another version or another identity: {names}.", codes.CMK621.remedy
        )


@rule(codes.CMK622, severity=Severity.WARNING, needs=(CONSUMERS,))
def what_was_not_seen(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Count and list what may use the key and could not be seen."""
    found = facts[CONSUMERS].consumers
    if not found.subscriptions:
        return
    for each in found.unseen:
        yield Finding(f"{each.resource_id.rpartition('/')[2]}: {each.reason}.", codes.CMK622.remedy, each.resource_id)


@rule(codes.CMK622, severity=Severity.NOTE, needs=(CONSUMERS,))
def what_no_search_shows(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """List the uses that no search shows."""
    found = facts[CONSUMERS].consumers
    if found.subscriptions:
        searched = ", ".join(found.subscriptions)
        yield Finding(
            f"Searched: subscription {searched}. No search shows {len(BLIND_SPOTS)} kinds of use: {'; '.join(BLIND_SPOTS)}.",
            codes.CMK622.remedy,
        )


@rule(codes.CMK626, severity=Severity.NOTE, needs=(VERSION,))
def other_disabled_versions(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """List the other disabled versions of the key, which a restoration leaves alone."""
    others = facts[VERSION].others
    if others:
        key = facts[VERSION].identifier.rpartition("/")[0]
        yield Finding(f"Also disabled, and left so: {', '.join(others)}.", codes.CMK626.remedy, key)


@rule(codes.CMK627, severity=Severity.WARNING, needs=(VERSION,))
def unusable_for_another_reason(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of an enabled version that is still not usable, because of its dates."""
    observed = facts[VERSION]
    now, identifier = observed.at.timestamp(), observed.identifier
    set_attributes = f"az keyvault key set-attributes --id {identifier}"
    expiry, start = observed.attributes.get("exp"), observed.attributes.get("nbf")
    if expiry is not None and expiry <= now:
        yield Finding(f"It expired on {date(expiry)}.", f"Extend it: {set_attributes} --expires DATE.", identifier)
    if start is not None and start > now:
        yield Finding(
            f"It is not valid before {date(start)}.",
            f"Correct the date: {set_attributes} --not-before DATE.",
            identifier,
        )


@rule(codes.CMK628, severity=Severity.NOTE, needs=(STATUS,))
def return_that_cannot_be_seen(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Report why cmkctl does not wait for the effect."""
    unseen = facts[STATUS].unseen
    if unseen and profile.workspace.encryption == "in-subscription":
        yield Finding(f"{unseen[0].upper()}{unseen[1:]}.", codes.CMK628.remedy)
    elif unseen:
        yield Finding(
            "With service-side encryption, the services are in Microsoft's subscription.", codes.CMK628.remedy
        )


@rule(CMK191, severity=Severity.ERROR, needs=(PLANNED, PERMISSIONS))
def permissions_for_every_write(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require the action of every planned write at Azure Resource Manager."""
    return lacking(facts)


_WRITES: Final = (no_lock_on_what_is_written, permissions_for_every_write)
REVOKING: Final = (everything_that_stops, time_until_it_takes_effect, what_was_not_seen, what_no_search_shows, *_WRITES)
RESTORING: Final = (other_disabled_versions, unusable_for_another_reason, return_that_cannot_be_seen, *_WRITES)
