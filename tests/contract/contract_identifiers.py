"""Pairs what Azure generated in a recording with what the sandbox generated in its place.

GUIDs and key versions are chosen by the service, so their values differ between a recording and a replay. They differ
consistently: the same recorded identifier stands for the same one of the sandbox, and two for two. `Pairs` learns the
first pair it sees and reports every later use that contradicts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_recordings import MASKED_GROUP

GUID = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-zA-Z])|8{8}-[0-]+\d*")
_PARTS = (GUID.pattern, r"(?<![0-9a-zA-Z])(?:[0-9a-f]{32}|[0-9A-F]{16}|[0-9]{20})(?![0-9a-zA-Z])")
GENERATED = re.compile("|".join(_PARTS))
"""GUIDs, key versions, and the ids of deployment operations."""
MASK = re.compile(r"[08]{8}-[0-]+\d*|0{32}")
"""Masks that some recorders write in place of every GUID: they identify nothing."""
_MOMENTS = (
    r"PT(?:[0-9]+H)?(?:[0-9]+M)?[0-9.]+S",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?",
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    r"\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d(?: [AP]M)?",
)
MOMENT = re.compile("|".join(_MOMENTS))
"""Moments, and durations in seconds, as services write them."""

CALLERS = frozenset({"createdBy", "lastModifiedBy", "updatedBy"})
"""Properties that name the caller: a person in recordings, the sandbox's service principal in a replay."""


@dataclass
class Pairs:
    """Generated identifiers: those of a recording, and those of the sandbox that stand in their place."""

    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)

    def learn(self, theirs: str, ours: str) -> None:
        """Pair two identifiers unless one of them has a partner already, or is a mask."""
        old, new = theirs.lower(), ours.lower()
        if not MASK.fullmatch(old) and old not in self.ours and new not in self.theirs:
            self.ours[old] = new
            self.theirs[new] = old

    def learn_texts(self, theirs: str, ours: str) -> None:
        """Pair the identifiers of two texts that are alike but for these."""
        if GENERATED.sub("…", theirs) == GENERATED.sub("…", ours):
            for old, new in zip(GENERATED.findall(theirs), GENERATED.findall(ours), strict=True):
                self.learn(old, new)

    def learn_bodies(self, theirs: Any, ours: Any) -> None:
        """Pair the identifiers of two bodies, wherever both have a text at the same place; lists have no fixed order."""
        for name, old, new in _texts(theirs, ours):
            if name not in CALLERS:
                self.learn_texts(old, new)

    def translated(self, text: str) -> str:
        """Return a recorded text with the sandbox's identifiers in place of the recorded ones."""
        return GENERATED.sub(lambda found: self.ours.get(found[0].lower(), found[0]), text)

    def agree(self, theirs: str, ours: str) -> bool:
        """Return True unless one identifier has a partner and it is not the other one."""
        old, new = theirs.lower(), ours.lower()
        if MASK.fullmatch(old) or old == new:
            return True
        return self.ours.get(old, new) == new and self.theirs.get(new, old) == old


def unmasked(name: str, ours: Iterable[str]) -> str:
    """Return the sandbox's name of a property in place of a recorded one whose group is masked; other names as they are."""
    if MASKED_GROUP not in name:
        return name
    wanted = without_group(name)
    return next((each for each in ours if without_group(each) == wanted), name)


def without_group(text: str) -> str:
    """Return a text without the names of resource groups."""
    return re.sub(r"/resourceGroups/[^/]+", "/…", text, flags=re.IGNORECASE)


def _texts(theirs: Any, ours: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for inner, value in theirs.items():
            own = unmasked(inner, ours)
            if own in ours:
                yield from _texts(value, ours[own], own)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours) == 1:
        yield from _texts(theirs[0], ours[0], name)
    elif isinstance(theirs, str) and isinstance(ours, str):
        yield name, theirs, ours
