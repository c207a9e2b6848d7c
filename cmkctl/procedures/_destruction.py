"""The rules of ``destroy``: locks and rights, what soft delete keeps and costs, and what stops with the workspace. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl import codes
from cmkctl.azure.workspaces import managed_group
from cmkctl.checks.locks import no_lock_on_what_is_written
from cmkctl.checks.rights import permissions_for_every_write
from cmkctl.consumers import BLIND_SPOTS
from cmkctl.diagnostics import Severity
from cmkctl.facts import PLANNED, Fact, Facts, Finding, rule
from cmkctl.plan import Action

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile
    from cmkctl.steps.workspace_deletion import ObservedDeletion

_ENDPOINTS: Final = "endpoints"


DELETION: Final[Fact[ObservedDeletion]] = Fact.provided("workspace_deletion")


@rule(codes.CMK640, severity=Severity.NOTE, needs=(PLANNED, DELETION))
def what_soft_delete_keeps(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Report until when a deleted workspace keeps its name and costs, and how that ends earlier."""
    from cmkctl.steps._deletion import SOFT_DELETE, day  # noqa: PLC0415 - rules load without the Azure SDK
    from cmkctl.steps._workspaces import is_soft_deleted  # noqa: PLC0415 - see above

    found = facts[DELETION].workspaces
    change = next((each for each in facts[PLANNED] if each.resource_id == profile.workspace.resource_id), None)
    if change is None or change.action is Action.CONFLICT or (change.request and change.request.query):
        return
    document = found.own or found.deleted(profile)
    if document is None or (found.own is not None and not is_soft_deleted(found.own)):
        return
    group = managed_group(document).rpartition("/")[2]
    billed = (
        f"resource group {group}, which Microsoft manages, stays and is billed"
        if group
        else "what Microsoft keeps for it is billed"
    )
    yield Finding(
        f"Azure keeps the deleted workspace for 14 days, until {day(found.at + SOFT_DELETE)} at the latest. Until then its name "
        f"{profile.workspace.name} stays taken, {billed}, and it needs its key, its storage account and its vault to be "
        "recovered.",
        "--purge deletes it for good: the name is free and the costs end at once, and nothing can be recovered.",
        profile.workspace.resource_id,
    )


@rule(codes.CMK650, severity=Severity.WARNING, needs=(DELETION,))
def what_stops(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn about endpoints that serve requests: they end with the workspace."""
    serving = {words: count for words, count in facts[DELETION].contents.items() if _ENDPOINTS in words and count}
    if serving:
        listed = ", ".join(f"{count} {words}" for words, count in serving.items())
        yield Finding(
            f"The workspace holds {listed}. They stop with it, and calls of them fail.",
            codes.CMK650.remedy,
        )


@rule(codes.CMK651, severity=Severity.NOTE, needs=(PLANNED,))
def what_no_search_shows(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name what may need the key and is not found by any search, before key or vault are deleted."""
    keys = {profile.key.resource_id.lower(), profile.key_vault.resource_id.lower()}
    if any(each.action is Action.DELETE and each.resource_id.lower() in keys for each in facts[PLANNED]):
        listed = "; ".join(BLIND_SPOTS)
        yield Finding(f"Nothing found uses the key. No search shows: {listed}.", codes.CMK651.remedy)


RULES: Final = (
    no_lock_on_what_is_written,
    permissions_for_every_write,
    what_soft_delete_keeps,
    what_stops,
    what_no_search_shows,
)
