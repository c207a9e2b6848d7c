"""Tags of an existing resource: those of the profile are set, all others stay. For every step that creates a resource. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import AttributeChange, Json
from cmkctl.profile.model import Profile

TAGS_DIFFER: Final = "differs in tags"


def merged_tags(profile: Profile, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags of one resource: those of the profile, and its own, which win where the names are the same."""
    own = own or {}
    replaced = {name.lower() for name in own}
    return {**{name: value for name, value in profile.tags.items() if name.lower() not in replaced}, **own}


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
