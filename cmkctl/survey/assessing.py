"""Assessments of what a survey found, in the order in which people look at it: workspace by workspace, then the rest. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.ids import resource_type
from cmkctl.posture import Assessment, Belonging, KeyState, Posture, Rules, Seen, Survey, Unseen, Verdict
from cmkctl.services import service_at, service_of
from cmkctl.survey.keys import KeyAnswer, judged, keys_of, state_of, vault_of, versions_of
from cmkctl.survey.known import Known
from cmkctl.survey.scope import Scope
from cmkctl.survey.ties import Ties

_NO_RULES: Final = Rules(())


def shown_in(known: Known, scope: Scope, found: Ties) -> dict[str, tuple[Belonging, ...]]:
    """Return the ARM ids of the resources that a survey shows, with their ties: those of the workspaces first.

    Around some workspaces nothing else is shown; in a resource group or subscription also what belongs to no workspace.
    """
    shown = {each.lower(): (each, tuple(ties)) for each, ties in found.belonging.items()}
    for each in scope.named:
        shown.setdefault(each.lower(), (each, ()))
    for row in known.rows if not scope.workspaces else ():
        inside = scope.whole or f"{row['id']}/".lower().startswith(f"{scope.resource_group}/".lower())
        if inside and service_of(str(row["type"])) is not None:
            shown.setdefault(str(row["id"]).lower(), (str(row["id"]), ()))
    return dict(shown.values())


def postures(known: Known, shown: Iterable[str]) -> dict[str, Posture]:
    """Return the posture of each resource that is known completely."""
    found = ((each, known.resource(each)) for each in shown)
    return {
        each: resource.service.posture(resource.documents)
        for each, resource in found
        if resource is not None and not resource.missing
    }


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps of a survey: what may not be read, and sentences about what was left unread."""

    unseen: tuple[Unseen, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The findings of a wave: the ties, the resources to show with their own, and the postures that are known, by ARM id."""

    ties: Ties
    shown: Mapping[str, tuple[Belonging, ...]]
    postures: Mapping[str, Posture]

    @property
    def keys(self) -> Collection[str]:
        """The identifiers of the keys that the postures name."""
        return keys_of(self.postures.values())

    @property
    def versions(self) -> Collection[str]:
        """The identifiers of the versions that the postures name."""
        return versions_of(self.postures.values())


def survey_of(
    known: Known,
    scope: Scope,
    found: Found,
    workspaces: tuple[str, ...],
    keys: Mapping[str, KeyAnswer],
    at: datetime,
    gaps: Gaps,
) -> Survey:
    """Return the survey of everything that was found. `keys` has keys and versions by their identifiers."""
    used: dict[str, list[str]] = {}
    for each in found.versions:
        used.setdefault(each.rpartition("/")[0], []).append(each)
    states = {
        key: state_of(key, vault_of(known, key, found.ties.vaults), keys, used.get(key, ())) for key in found.keys
    }
    assessed = (
        _assessment(known, each, ties, found.postures.get(each), states, managed=found.ties.managed(each))
        for each, ties in found.shown.items()
    )
    return Survey(
        (*assessed, *_empty_groups(known, found.ties), *_unknown_hosts(found.ties)),
        workspaces,
        scope.subscriptions,
        at,
        gaps.unseen,
        gaps.left_out,
    )


def _assessment(
    known: Known,
    resource_id: str,
    ties: tuple[Belonging, ...],
    posture: Posture | None,
    states: Mapping[str, KeyState],
    *,
    managed: bool,
) -> Assessment:
    resource = known.resource(resource_id)
    if resource is None or posture is None:
        kind = resource_type(resource_id)
        reason = f"cmkctl knows nothing of the keys of {kind}"
        return _without_service(resource_id, kind, ties, Posture(Verdict.NOT_KNOWABLE, reason))
    service = resource.service
    return Assessment(
        service.title,
        service.name,
        service.resource_type,
        resource_id,
        judged(posture, states, versions.KEY_VAULT),
        "managed by Azure" if managed else service.verb.value,
        str(service.follows),
        service.revoked,
        service.rules,
        resource.seen,
        service.aspects(resource.documents),
        ties,
        managed,
        states.get(posture.key.lower()),
    )


def _empty_groups(known: Known, found: Ties) -> Iterator[Assessment]:
    """Yield an assessment for each resource group of Azure's in which nothing is visible."""
    for group, ties in found.groups.items():
        if not known.inside(group):
            reason = "nothing in the resource group is visible to you in Resource Graph"
            posture = Posture(Verdict.NOT_VISIBLE, reason)
            yield _without_service(known.spelled(group), "Microsoft.Resources/resourceGroups", tuple(ties), posture)


def _unknown_hosts(found: Ties) -> Iterator[Assessment]:
    """Yield an assessment for each host name that leads to no resource which is visible.

    The end of the name can show the service, so that what is expected of it is expected here as well.
    """
    for host, ties in found.hosts.items():
        reason = (
            "no Azure resource with this host name is visible to you in these subscriptions; it may be outside Azure"
        )
        shown = _without_service(host, "", tuple(ties), Posture(Verdict.NOT_VISIBLE, reason))
        service = service_at(host)
        yield replace(shown, name_of_service=service.name, rules=service.rules) if service else shown


def _without_service(resource_id: str, kind: str, ties: tuple[Belonging, ...], posture: Posture) -> Assessment:
    relation = ties[0].relation if ties else kind
    return Assessment(relation, "", kind, resource_id, posture, "", "", "", _NO_RULES, Seen.GRAPH, belongs=ties)
