"""Everything found that uses the keys of the profile's vault, beside what a deletion takes away. For the steps of ``destroy``."""

from __future__ import annotations

from collections.abc import Iterable

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import subscription_id, within
from cmkctl.azure.snapshot import Snapshot
from cmkctl.consumers import Consumer, Consumers, Target, find
from cmkctl.posture import Unseen
from cmkctl.profile.model import Profile

_SHOWN = 3


def key_users(azure: Snapshot, profile: Profile, *, whole_vault: bool = True) -> Consumers:
    """Return what uses the key, or any key of the vault, in the profile's subscription. A failed search has seen nothing."""
    target = Target.of_profile(profile, whole_vault=whole_vault)
    try:
        return find(azure, target, (profile.subscription,), profile)
    except AzureFailed as error:
        if error.failure.kind in (FailureKind.NETWORK, FailureKind.THROTTLED, FailureKind.PASSING):
            raise
        unseen = Unseen(subscription_id(profile.subscription), f"the search failed: {error.failure}")
        return Consumers(target, (), (unseen,), (profile.subscription,))


def others(profile: Profile, users: Consumers, going: Iterable[str]) -> tuple[Consumer, ...]:
    """Return the users beside the workspace, the projects of its hub, and what is deleted as well.

    `going` are ids of resources, and that of the group which Microsoft manages: of a soft-deleted workspace it is still there.
    """
    projects = (profile.project_id(each) for each in profile.projects)
    ids = [each for each in going if each]
    found = users.beside(profile.workspace.resource_id, *projects, *ids)
    return tuple(each for each in found if not any(within(each.resource_id, one) for one in ids))


def users_beside(profile: Profile, users: Consumers, going: Iterable[str]) -> str:
    """Return for people what else uses the keys, or what could not be seen; empty where everything was seen and nothing does."""
    found = others(profile, users, going)
    if found:
        return f"{named(found)} may rely on it"
    return f"what relies on it cannot be seen: {users.unseen[0].reason}" if users.unseen else ""


def named(found: tuple[Consumer, ...]) -> str:
    """Return the consumers for people, at most three by name."""
    names = ", ".join(f"{each.title} {each.name}" for each in found[:_SHOWN])
    more = len(found) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names
