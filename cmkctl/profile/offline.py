"""Findings about a profile whose values are all valid, as far as they need no Azure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cmkctl.diagnostics import Diagnostic
from cmkctl.profile import regions
from cmkctl.profile.errors import caution, problem
from cmkctl.profile.model import Profile
from cmkctl.profile.tree import Branch, dotted, place_of, scalars
from cmkctl.profile.validation_errors import example_of, shown

_SECRETS: Final = (
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "CREDENTIAL",
    "API_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "CONNECTION_STRING",
)


def findings(profile: Profile, root: Branch, now: datetime) -> Iterator[Diagnostic]:
    """Yield errors and warnings about `profile`, which was made of the document `root`, at the moment `now`."""
    yield from _region(profile, root)
    yield from _expiry(profile, root, now)
    yield from _not_before(profile, root, now)
    yield from _secrets(root)


def _region(profile: Profile, root: Branch) -> Iterator[Diagnostic]:
    found, nearest = regions.match(profile.location, profile.cloud)
    path = ("location",)
    place = place_of(root, path)
    if found is regions.Match.MISSPELT:
        detail = f"location is {shown(root, path)}, which is not an Azure region of {profile.cloud}."
        remedy = f"Did you mean {nearest}? List them with: az account list-locations -o table"
        yield problem("CMK004", detail, remedy, place, "location")
    if found is regions.Match.UNKNOWN:
        detail = (
            f"location is {shown(root, path)}, which is not in cmkctl's list of the regions of {profile.cloud}. It may "
            "be newer than the list, so cmkctl continues."
        )
        near = f"Did you mean {nearest}? " if nearest else ""
        yield caution(
            "CMK011", detail, f"{near}Check it against: az account list-locations -o table", place, "location"
        )


def _expiry(profile: Profile, root: Branch, now: datetime) -> Iterator[Diagnostic]:
    path = ("key", "expires")
    if profile.key.expires is not None and profile.key.expires <= now:
        detail = (
            f"key.expires is {shown(root, path)}, which is in the past. An expired key can neither encrypt nor decrypt: "
            "the workspace would not work."
        )
        place = place_of(root, path)
        remedy = (
            f"Set a later date, or remove the field for a key that never expires. {example_of('key.expires', place)}"
        )
        yield problem("CMK004", detail, remedy, place, "key.expires")


def _not_before(profile: Profile, root: Branch, now: datetime) -> Iterator[Diagnostic]:
    path = ("key", "not_before")
    if profile.key.not_before is not None and profile.key.not_before > now:
        detail = (
            f"key.not_before is {shown(root, path)}, which is in the future. The workspace could not use the key before that "
            "moment, and its creation would fail."
        )
        place = place_of(root, path)
        remedy = f"Set an earlier date, or remove the field. {example_of('key.not_before', place)}"
        yield problem("CMK004", detail, remedy, place, "key.not_before")


def _secrets(root: Branch) -> Iterator[Diagnostic]:
    for path, scalar in scalars(root):
        names = [name for name in scalar.variables if any(each in name.upper() for each in _SECRETS)]
        if names:
            detail = (
                f"{dotted(path)} takes its value from ${{{names[0]}}}, which looks like a secret. Azure shows it to "
                "everyone who may read the resource."
            )
            remedy = "Use a value that may be read by others, or rename the variable when it holds no secret."
            yield caution("CMK012", detail, remedy, scalar.location, dotted(path))
