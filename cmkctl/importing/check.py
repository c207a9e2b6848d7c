"""Makes the text of a profile right: it is loaded as every command loads one, planned, and what differs is written into it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure.compare import same_resource_id
from cmkctl.diagnostics import CmkctlError, Diagnostic, Location, ProfileError, Severity
from cmkctl.importing import associated
from cmkctl.importing.fields import VAULT_WITH_KEY, draft_of, notes_of
from cmkctl.importing.found import Found
from cmkctl.plan import Action, Change, Plan
from cmkctl.profile import writing
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.profile.writing import Draft, Variable

Planner = Callable[[Profile], Plan]

_STAND_INS: Final = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
    "AZURE_LOCATION": "eastus2",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "mlw",
    "HIGH_BUSINESS_IMPACT": "true",
    "WORKSPACE_ENCRYPTION": "in-subscription",
}
"""Values for the variables of values that a file does not have, while the profile is checked."""
_ROUNDS: Final = 50


@dataclass(frozen=True, slots=True)
class Imported:
    """A profile as text, the workspace that it describes, its notes, and its plan; None where none was made."""

    text: str
    workspace: str
    notes: tuple[Diagnostic, ...]
    plan: Plan | None = None


def imported(found: Found, planner: Planner | None, today: date, source: str) -> Imported:
    """Return the profile of what was found. `planner` makes its plan, None without Azure; `source` names the profile's file.

    Raises CmkctlError (CMK671) where no profile describes it.
    """
    draft, profile = _valid(found, frozenset())
    if found.new:
        planner = None
    made = planner(profile) if planner else None
    if made is not None and planner is not None and (changed := _would_change(found, draft, made)):
        other, by_id = _valid(found, frozenset(changed))
        again = planner(by_id)
        if again.count(Action.NO_OP) - len(again.changes) > made.count(Action.NO_OP) - len(made.changes):
            draft, profile, made = other, by_id, again
            for section, reason in changed.items():
                draft.comment(_section(section), f"By id, so that cmkctl leaves it as it is. By name: {reason}.")
    differing = _differences(draft, profile, made) if made else ()
    for path, words in differing:
        draft.comment(path, words)
    notes = list(notes_of(draft))
    draft.top = _top(found, made, len(notes), today)
    text = draft.text()
    return Imported(text.text, str(found.workspace.get("id") or ""), tuple(_diagnostics(notes, text, source)), made)


def _valid(found: Found, by_id: frozenset[str]) -> tuple[Draft, Profile]:
    """Return a draft that the loader takes, and its profile. A value that a profile refuses becomes a comment."""
    draft = draft_of(found, by_id)
    for _ in range(_ROUNDS):
        text = draft.text()
        try:
            return draft, _load(text.text)
        except ProfileError as error:
            if not _left_out(draft, text, error.diagnostics):
                raise CmkctlError(*(_refused(each) for each in error.diagnostics)) from error
    raise CmkctlError(codes.CMK671.error("Too many of its settings are refused by a profile."))


def _load(text: str) -> Profile:
    with tempfile.TemporaryDirectory(prefix="cmkctl-") as folder:
        path = Path(folder, "profile.yaml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return load_profile(path, environ=_STAND_INS).profile


def _left_out(draft: Draft, text: writing.Text, refused: Iterable[Diagnostic]) -> bool:
    """Turn each refused value into a comment. False where one of them is required, or has no line."""
    changed = False
    for each in refused:
        line = each.location.line if each.location else None
        path = text.fields.get(line or 0)
        if path is None:
            continue
        why = f"{codes.CMK672.id}: a profile cannot hold this value. {each.detail}"
        changed = draft.leave_out(_optional(path), why) or changed
    return changed


_REQUIRED: Final = (
    ("subscription",),
    ("location",),
    ("resource_group",),
    ("key_vault",),
    ("key",),
    ("workspace",),
    ("key_vault", "name"),
    ("key_vault", "id"),
    ("key", "name"),
    ("workspace", "name"),
    ("workspace", "high_business_impact"),
    ("workspace", "encryption"),
)


def _optional(path: writing.Path) -> writing.Path:
    """Return the path itself, or of the entry in a list that a value belongs to: an entry is whole or left out."""
    if path in _REQUIRED:
        return ("",)
    places = [index for index, part in enumerate(path) if isinstance(part, int)]
    return path[: places[0] + 1] if places else path


def _refused(diagnostic: Diagnostic) -> Diagnostic:
    return codes.CMK671.error(f"{diagnostic.subject or 'A required field'}: {diagnostic.detail}")


def _would_change(found: Found, draft: Draft, made: Plan) -> dict[str, str]:
    """Return the named resources that cmkctl would change, each with the reason: those may be given by id instead."""
    sections = draft.fields[associated.SECTION]
    ids = associated.ids_of(found)
    named = {
        each: ids[each] for each, settings in sections.items() if isinstance(settings, dict) and "name" in settings
    }
    if "name" in draft.fields["key_vault"]:
        named[VAULT_WITH_KEY] = str(found.key.get("keyVaultArmId") or "")
    changed = {
        word: change.reason
        for change in made.changes
        if change.action is not Action.NO_OP and change.step in _BY_RESOURCE
        for word, resource in named.items()
        if same_resource_id(change.resource_id, resource)
    }
    if "log_analytics" in changed:  # what Application Insights feeds is compared only where it is named itself
        changed.setdefault("application_insights", "its Log Analytics workspace would change")
    return changed


def _section(word: str) -> writing.Path:
    return ("key_vault",) if word == VAULT_WITH_KEY else (associated.SECTION, word)


_BY_RESOURCE: Final = ("key_vault", "associated_resources", "encrypted_resources")
_PLACES: Final[Mapping[str, writing.Path]] = {
    "resource_providers": ("subscription",),
    "resource_group": ("resource_group",),
    "managed_identity": ("workspace", "identity"),
    "identity_roles": ("workspace", "identity"),
    "key_vault": ("key_vault",),
    "key": ("key",),
    "key_access": ("key_vault",),
    "associated_resources": (associated.SECTION,),
    "encrypted_resources": (associated.SECTION,),
    "private_dns": ("private_network",),
    "private_endpoints": ("private_network",),
    "workspace_endpoint": ("private_network",),
    "workspace": ("workspace",),
    "managed_network": ("workspace", "managed_network"),
    "projects": ("projects",),
    "role_assignments": ("grants",),
}
"""The section that a step's differences are written above."""


def _differences(draft: Draft, profile: Profile, made: Plan) -> Iterator[tuple[writing.Path, str]]:
    """Yield what the plan of the profile would change or cannot, and what stops it, each with its place in the profile."""
    for each in made.changes:
        if each.action is not Action.NO_OP:
            yield _near(draft, _place(profile, each)), f"{codes.CMK674.id}: {_words(each)}"
    for diagnostic in made.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            path: writing.Path = tuple(diagnostic.subject.split(".")) if "/" not in diagnostic.subject else ()
            yield _near(draft, path), f"{codes.CMK674.id}: {diagnostic.code} {diagnostic.summary}: {diagnostic.detail}"


def _place(profile: Profile, change: Change) -> writing.Path:
    for section in ("storage_account", "log_analytics", "application_insights", "key_vault", "container_registry"):
        resource = profile.grant_scopes.get("workspace_key_vault" if section == "key_vault" else section)
        if (
            change.step in _BY_RESOURCE
            and change.step != "key_vault"
            and same_resource_id(change.resource_id, resource)
        ):
            return (associated.SECTION, section)
    return _PLACES.get(change.step, ())


def _near(draft: Draft, path: writing.Path) -> writing.Path:
    """Return the path of the field, or of the nearest one around it that the draft has."""
    holder: Any = draft.fields
    for length, part in enumerate(path):
        inner = holder.get(part) if isinstance(holder, dict) else None
        if inner is None or isinstance(inner, Variable):
            return path[:length] or ("workspace",)
        holder = inner
    return path or ("workspace",)


def _words(change: Change) -> str:
    code = f"{change.code} " if change.code else ""
    ways = f" Ways out: {'; '.join(change.ways_out)}." if change.ways_out else ""
    return f"the plan is not all up to date: {change.title}, {change.action.value}: {code}{change.reason}.{ways}"


def _top(found: Found, made: Plan | None, notes: int, today: date) -> list[str]:
    lines = [f"A profile for cmkctl, written by cmkctl import on {today.isoformat()} from", found.origin]
    if made is not None and not notes:
        lines.append(f"cmkctl plan at that time: no changes, {len(made.changes)} resources are up to date.")
    elif notes:
        lines.append(
            f"See the {notes} {'comment' if notes == 1 else 'comments'} with a code; cmkctl explain CODE explains one."
        )
    if made is None and not found.new:
        lines.append("It was written without Azure. Compare it: cmkctl plan FILE")
    return lines


def _diagnostics(notes: Iterable[tuple[writing.Path, str]], text: writing.Text, source: str) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each note, with its line in the file."""
    lines = {path: number for number, path in sorted(text.fields.items(), key=lambda pair: -pair[0])}
    for path, note in notes:
        code, _, detail = note.partition(": ")
        declared = codes.declared(code)
        severity = Severity.NOTE if code == codes.CMK672.id else Severity.WARNING
        place = Location(source, lines.get(path)) if source else None
        yield declared.diagnostic(severity, detail, subject=writing.dotted(path), location=place)
