"""The file: written atomically, validated when read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from cmkctl import codes
from cmkctl.diagnostics import Location, ProfileError
from cmkctl.files import try_out, write_whole
from cmkctl.plan import Change, Plan
from cmkctl.procedures.base import Procedure
from cmkctl.profile.load import LoadedProfile, load_profile
from cmkctl.profile.model import Profile
from cmkctl.profile.tree import Branch
from cmkctl.saved_plan.errors import another_version, damaged, edited, no_profile, unwritable
from cmkctl.saved_plan.schema import MARKER, SCHEMA, PlanDocument, check, content, digests, document_of

_MOST_COMPLAINTS: Final = 5


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """The content of a file: its document, the procedure that made the plan, and the approved changes."""

    path: Path
    document: PlanDocument
    procedure: Procedure
    changes: tuple[Change, ...]

    @property
    def origin(self) -> str:
        """Time and cmkctl version of the plan."""
        return f"{self.document['made_at']} by cmkctl {self.document['cmkctl']}"

    @property
    def observed(self) -> str:
        """The digest of the observations that the plan rests on."""
        return str(self.document["digests"]["observations"])

    @property
    def sandbox(self) -> bool:
        """True when it was made against the sandbox."""
        return bool(self.document["sandbox"])


@dataclass(frozen=True)
class LoadedPlan(LoadedProfile):
    """The profile of a saved plan, with the plan. Its values have no place in a profile file."""

    saved: SavedPlan


def try_saving(path: Path) -> None:
    """Test that a plan can be saved at `path`. Raises CmkctlError CMK521."""
    try:
        try_out(path)
    except OSError as error:
        raise unwritable(path, error) from error


def save(
    path: Path, plan: Plan, profile: Profile, procedure: Procedure, made_at: datetime, *, sandbox: bool
) -> Mapping[str, str]:
    """Write a plan to a file and return its digests by name. Raises CmkctlError CMK521.

    `sandbox` is true when the plan was made against the sandbox.
    """
    document = document_of(plan, profile, procedure, made_at, sandbox=sandbox)
    try:
        write(path, document)
    except OSError as error:
        raise unwritable(path, error) from error
    written: Mapping[str, str] = document["digests"]
    return written


def write(path: Path, document: PlanDocument) -> None:
    """Write a document atomically. Raises OSError."""
    write_whole(path, json.dumps(document, indent=2) + "\n")


def load(path: Path, *, overrides: Sequence[str] = (), environ: Mapping[str, str]) -> LoadedProfile:
    """Load the argument of `apply`: a saved plan as `LoadedPlan`, anything else as a profile.

    Raises ProfileError: CMK522 for a damaged file, CMK523 for an unsupported version, CMK524 for an edited file, CMK008
    for a saved plan with overrides.
    """
    document = read(path)
    if document is None:
        return load_profile(path, overrides=overrides, environ=environ)
    if overrides:
        detail = f"{path} is a saved plan, and --set {overrides[0]} would change it."
        remedy = "Plan again with --set, and save and approve the new plan: cmkctl plan PROFILE --set … --out FILE"
        raise ProfileError(codes.CMK008.error(detail, remedy))
    try:
        return _loaded(path, document)
    except RecursionError:
        raise damaged(path, "It is nested too deeply for a saved plan.") from None


def load_only_profile(path: Path, *, overrides: Sequence[str] = (), environ: Mapping[str, str]) -> LoadedProfile:
    """Load a profile. Raises ProfileError CMK525 for a saved plan."""
    if read(path) is not None:
        raise no_profile(path)
    return load_profile(path, overrides=overrides, environ=environ)


def read(path: Path) -> PlanDocument | None:
    """Read a saved plan; None for anything else, such as a profile, or a pipe, which can be read only once.

    Raises ProfileError CMK522 for a file that begins like a saved plan and is not JSON.
    """
    try:
        raw = path.read_bytes() if path.is_file() else b""
    except OSError:
        return None
    if not raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") or MARKER.encode() not in raw:
        return None
    document = _parsed(path, raw)
    return document if isinstance(document, dict) and MARKER in document else None


def _parsed(path: Path, raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise damaged(path, f"It is not JSON: {error.msg}.", error.lineno, error.colno) from None
    except ValueError as error:
        raise damaged(path, f"It is not JSON: {error}.") from None
    except RecursionError:
        raise damaged(path, "It is nested too deeply for a saved plan.") from None


def _each_once(pairs: list[tuple[str, Any]]) -> PlanDocument:
    """Refuse a duplicate name in an object: the approver may have read the other value."""
    names = [name for name, _ in pairs]
    document = dict(pairs)
    if len(document) != len(names):
        raise ValueError(f"{next(each for each in names if names.count(each) > 1)!r} occurs twice in one object")
    return document


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _loaded(path: Path, document: PlanDocument) -> LoadedPlan:
    if type(document[MARKER]) is int and document[MARKER] != SCHEMA:
        raise another_version(path, document)
    try:
        check(document)
        changed = [name for name, now in digests(document).items() if document["digests"][name] != now]
        if changed:
            raise edited(path, changed)
        found = content(document)
    except ValidationError as error:
        raise damaged(path, "\n".join(_complaints(error))) from None
    except ValueError as error:
        raise damaged(path, f"{error}.") from None
    return LoadedPlan(
        found.profile, Branch(Location(str(path)), {}), SavedPlan(path, document, found.procedure, found.changes)
    )


def _complaints(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False)[:_MOST_COMPLAINTS]:
        yield f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
