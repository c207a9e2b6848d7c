"""Tags. Those of the profile are set on an existing resource, all others stay; a new one also has a mark of its creator.

For every step that creates a resource. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import AttributeChange, Json
from cmkctl.profile.model import Profile

TAGS_DIFFER: Final = "differs in tags"
MARK: Final = "cmkctl-workspace"
"""The tag of what cmkctl created: docs/adr/0028-mark-of-what-was-created.md."""
MOST_TAGS: Final = 50
"""The tags that a resource has at most."""


def merged_tags(profile: Profile, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags of one resource: those of the profile, and its own, which win where the names are the same."""
    own = own or {}
    replaced = {name.lower() for name in own}
    return {**{name: value for name, value in profile.tags.items() if name.lower() not in replaced}, **own}


def mark(profile: Profile) -> str:
    """Return the value of the tag `MARK`: the workspace that a resource was created for, as ``GROUP/NAME``."""
    return f"{profile.resource_group}/{profile.workspace.name}"


def new_tags(profile: Profile, own: Mapping[str, str] | None = None, most: int = MOST_TAGS) -> dict[str, str]:
    """Return the tags of a new resource that can have `most`: `merged_tags`, and the mark where there is room for it."""
    tags = merged_tags(profile, own)
    taken = len(tags) >= most or MARK in map(str.lower, tags)
    return tags if taken else {**tags, MARK: mark(profile)}


def is_marked(profile: Profile, found: Mapping[str, object]) -> bool:
    """Return True for a resource that cmkctl created for the profile's workspace, as far as its tags show."""
    held = {name.lower(): value for name, value in _tags(found).items()}
    return str(held.get(MARK, "")).lower() == mark(profile).lower()


def tag_drift(
    profile: Profile, found: Mapping[str, object], own: Mapping[str, str] | None = None
) -> list[AttributeChange]:
    """Return one attribute for each tag of the profile that is absent or has a different value; `own` are the resource's.

    Azure compares the names of tags without regard to case, their values exactly.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
    """
    held = {name.lower(): value for name, value in _tags(found).items()}
    return [
        AttributeChange(f"tags.{name}", held.get(name.lower()), value)
        for name, value in merged_tags(profile, own).items()
        if held.get(name.lower()) != value
    ]


def tag_body(profile: Profile, found: Mapping[str, object], own: Mapping[str, str] | None = None) -> dict[str, Json]:
    """Return the member `tags` for a PATCH, empty without drift. It holds every tag: a PATCH may replace them all."""
    if not tag_drift(profile, found, own):
        return {}
    wanted = {name.lower(): (name, value) for name, value in merged_tags(profile, own).items()}
    others = {name: value for name, value in _tags(found).items() if name.lower() not in wanted}
    return {"tags": {**others, **dict(wanted.values())}}


def _tags(found: Mapping[str, object]) -> Mapping[str, str]:
    tags = found.get("tags")
    return tags if isinstance(tags, Mapping) else {}
