"""Words and counts of a survey that several renderings share. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from cmkctl.plan import Json
from cmkctl.posture import (
    IN_TRANSIT,
    Aspect,
    Assessment,
    Evidence,
    KeyState,
    KeyVersion,
    Met,
    Posture,
    Seen,
    State,
    Survey,
    Verdict,
)
from cmkctl.views.json_objects import plain

SHORT_VERSION: Final = 8
"""Characters of a key version that identify it among the versions of one key."""

SOON: Final = timedelta(days=30)
"""The time before an expiry in which it is marked."""

_WEAKEST_FIRST: Final = (
    State.NOT_ENFORCED,
    State.NOT_VISIBLE,
    State.NOT_KNOWABLE,
    State.NOT_READ,
    State.NOT_SET,
    State.INFORMATION,
    State.PLATFORM,
    State.ENFORCED,
)


def effective(posture: Posture) -> Verdict:
    """Return the verdict; of an inherited key that of the resource it belongs to, not-knowable where that is not shown."""
    if posture.verdict is not Verdict.INHERITED:
        return posture.verdict
    return Verdict.NOT_KNOWABLE if posture.source in (None, Verdict.INHERITED) else posture.source


def sign(posture: Posture) -> str:
    """Return the sign of a verdict. A new verdict without one is a type error."""
    match effective(posture):
        case Verdict.CUSTOMER:
            return "✓"
        case Verdict.MIXED | Verdict.MICROSOFT | Verdict.RETIRED:
            return "!"
        case Verdict.CUSTOMER_UNUSABLE:
            return "✗"
        case Verdict.NOT_CHOOSABLE:
            return "-"
        case Verdict.NOT_KNOWABLE | Verdict.NOT_VISIBLE | Verdict.INHERITED:
            return "?"
        case never:
            assert_never(never)


def in_transit(aspects: Iterable[Aspect]) -> Aspect | None:
    """Return the weakest of the aspects about connections; None without one."""
    found = [each for each in aspects if each.topic == IN_TRANSIT]
    return min(found, key=lambda each: _WEAKEST_FIRST.index(each.state), default=None)


def transit_word(aspect: Aspect | None) -> str:
    """Return a short word for the state of connections. A new state without one is a type error."""
    word = "-"
    match None if aspect is None else aspect.state:
        case State.ENFORCED:
            word = "yes"
        case State.NOT_ENFORCED:
            word = "no"
        case State.PLATFORM:
            word = "platform"
        case State.NOT_SET:
            word = "not set"
        case State.NOT_READ:
            word = "not read"
        case State.NOT_KNOWABLE | State.NOT_VISIBLE:
            word = "?"
        case State.INFORMATION | None:
            pass
        case never:
            assert_never(never)
    return word


@dataclass(frozen=True, slots=True)
class KeyName:
    """The parts of a key identifier without a version: the host of the vault, and the name."""

    host: str
    name: str

    @property
    def vault(self) -> str:
        """The name of the vault."""
        return self.host.partition(".")[0]


def key_name(identifier: str) -> KeyName:
    """Take a key identifier apart. What is no identifier is a name without a host."""
    host, found, name = identifier.removeprefix("https://").partition("/keys/")
    return KeyName(host.rstrip("/"), name.strip("/")) if found else KeyName("", identifier)


class KeyLabels:
    """Short names of the keys of a survey: the name, with its vault where two vaults have a key of that name."""

    def __init__(self, identifiers: Iterable[str]) -> None:
        keys = {each.lower(): key_name(each) for each in identifiers if each}
        names = Counter(each.name.lower() for each in keys.values())
        self._labels = {
            identifier: f"{key.vault}/{key.name}" if names[key.name.lower()] > 1 and key.vault else key.name
            for identifier, key in keys.items()
        }

    def __getitem__(self, identifier: str) -> str:
        return self._labels[identifier.lower()]


def postures(assessment: Assessment) -> Iterator[Posture]:
    """Yield the posture of a resource, then those of its parts."""
    yield assessment.posture
    yield from (each.posture for each in assessment.posture.parts)


def keys_in_use(survey: Survey) -> dict[str, dict[str, None]]:
    """Return the versions in use, in the order in which they are found, by key identifier in lower case."""
    found: dict[str, dict[str, None]] = {}
    for each in survey.assessments:
        for posture in postures(each):
            if posture.key:
                found.setdefault(posture.key.lower(), {})
                if posture.key_version:
                    found[posture.key.lower()][posture.key_version] = None
    return found


def key_states(survey: Survey) -> dict[str, KeyState]:
    """Return the state of each key by its identifier in lower case; a key whose state is unknown is not there."""
    return {each.key.identifier.lower(): each.key for each in survey.assessments if each.key is not None}


def expiry_words(expires: datetime | None, at: datetime) -> str:
    """Return the expiry of a version in words; empty where it is not known."""
    if expires is None:
        return ""
    return f"{'EXPIRED' if expires <= at else 'expires'} {expires:%Y-%m-%d}"


def expires_soon(version: KeyVersion | None, at: datetime) -> bool:
    """Return True for a version that has expired, or does so within `SOON`."""
    return version is not None and version.expires is not None and version.expires <= at + SOON


def version_of(assessment: Assessment, posture: Posture) -> KeyVersion | None:
    """Return the state of the version that a resource or a part of it uses; None where it is not known."""
    state = assessment.key
    return state.of(posture.key_version) if state and posture.key.lower() == state.identifier.lower() else None


def differing_parts(posture: Posture) -> dict[Verdict, list[str]]:
    """Return the names of the parts by verdict; nothing where all have the verdict and the key of the resource."""
    same = all(
        each.posture.verdict is posture.verdict
        and each.posture.key.lower() in ("", posture.key.lower())
        and each.posture.key_version.lower() in ("", posture.key_version.lower())
        for each in posture.parts
    )
    found: dict[Verdict, list[str]] = {}
    for each in () if same else posture.parts:
        found.setdefault(each.posture.verdict, []).append(each.name)
    return found


def verdict_counts(assessments: Iterable[Assessment]) -> dict[Verdict, int]:
    """Return the number of resources by verdict, in the order of the verdicts; also those without any."""
    counts = Counter(each.posture.verdict for each in assessments)
    return {each: counts[each] for each in Verdict}


def met_counts(assessments: Iterable[Assessment]) -> dict[Met, int]:
    """Return the number of resources by the result of the comparison with what was expected."""
    counts = Counter(met_of(each) for each in assessments)
    return {each: counts[each] for each in Met}


def met_of(assessment: Assessment) -> Met:
    """Return the result of the comparison; without one, nothing was expected."""
    return Met.NOT_EXPECTED if assessment.outcome is None else assessment.outcome.met


def counts_text(counts: Mapping[Verdict, int]) -> str:
    """Format counts: ``3 customer, 1 microsoft``; those of zero are left out."""
    return ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items() if count)


def from_graph(survey: Survey) -> bool:
    """Return True where a row of Resource Graph is all that is known about a resource."""
    return any(each.seen is Seen.GRAPH for each in survey.assessments)


def evidence_text(evidence: Evidence) -> str:
    """Format a value as Azure answered it, with its path and api-version."""
    return f"{evidence.path} = {value_text(evidence.value)} (api-version {evidence.api_version})"


def value_text(value: Json) -> str:
    """Format a value as Azure answered it: as JSON, or ``absent``."""
    return "absent" if value is None else json.dumps(value, ensure_ascii=False, default=plain)


def number(count: int, noun: str = "resource") -> str:
    """Format a count with its noun: ``1 resource``, ``9,000 resources``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def names_text(names: Sequence[str], most: int = 6) -> str:
    """Format names: all of a few, the first ones of many with the number of the others."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def scope_text(resource_id: str) -> str:
    """Return the resource group of an ARM id, else the subscription; empty for another text."""
    parts = resource_id.split("/")
    if len(parts) > 4 and parts[1].lower() == "subscriptions" and parts[3].lower() == "resourcegroups":
        return parts[4]
    return parts[2] if len(parts) > 2 and parts[1].lower() == "subscriptions" else ""


def by_workspace(survey: Survey) -> dict[str, list[Assessment]]:
    """Return the resources by the ARM id of the workspace around which they were found, the workspace first.

    The ids are those of `Survey.workspaces`, in their order. A resource that belongs to several is in the list of each. Those
    that belong to none are under the empty id, which is left out where there are none.
    """
    ids = {each.lower(): each for each in survey.workspaces}
    found: dict[str, list[Assessment]] = {each: [] for each in survey.workspaces}
    alone: list[Assessment] = []
    for each in survey.assessments:
        own = ids.get(each.resource_id.lower())
        if own is not None:
            found[own].insert(0, each)
        owners = [ids[tie.workspace_id.lower()] for tie in each.belongs if tie.workspace_id.lower() in ids]
        for owner in dict.fromkeys(owners):
            if owner != own:
                found[owner].append(each)
        if own is None and not owners:
            alone.append(each)
    return found | ({"": alone} if alone else {})
