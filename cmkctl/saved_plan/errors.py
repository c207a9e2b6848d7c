"""The errors of saving and loading plans, one function each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmkctl import __version__, codes
from cmkctl.diagnostics import CmkctlError, Code, Diagnostic, Location, ProfileError, RefusedError
from cmkctl.files import unwritable_remedy
from cmkctl.saved_plan.schema import MARKER, SCHEMA


def unwritable(path: Path, error: OSError) -> CmkctlError:
    """Return the error for an unwritable ``--out`` (CMK521)."""
    return CmkctlError(
        codes.CMK521.error(
            f"{path}: {error.strerror or error}.",
            unwritable_remedy("--out", path),
            subject=str(path),
            location=Location("--out"),
        )
    )


def damaged(path: Path, detail: str, line: int | None = None, column: int | None = None) -> ProfileError:
    """Return the error for a damaged saved plan (CMK522)."""
    place = Location(str(path), line, column)
    return _unusable(codes.CMK522, detail, path, place)


def another_version(path: Path, document: dict[str, Any]) -> ProfileError:
    """Return the error for a saved plan of an unsupported version (CMK523)."""
    detail = (
        f"The file has version {document[MARKER]}, written by cmkctl {document.get('cmkctl')}; this cmkctl "
        f"({__version__}) reads version {SCHEMA}."
    )
    return _unusable(codes.CMK523, detail, path)


def edited(path: Path, changed: Sequence[str]) -> ProfileError:
    """Return the error for a saved plan that does not match its digests (CMK524)."""
    match = "matches its digest" if len(changed) == 1 else "match their digests"
    detail = (
        f"Its {' and '.join(changed)} no longer {match}: the file was edited after the plan was shown and approved."
    )
    return _unusable(codes.CMK524, detail, path)


def no_profile(path: Path) -> ProfileError:
    """Return the error for a saved plan in place of a profile (CMK525)."""
    return ProfileError(
        codes.CMK525.error(
            f"{path} is a saved plan; plan and verify need the profile.",
            f"Name the profile, or apply the saved plan: cmkctl apply {shlex.quote(str(path))}",
            subject=str(path),
            location=Location(str(path)),
        )
    )


def not_recorded(path: Path, why: str) -> Diagnostic:
    """Return the warning that progress cannot be recorded in the file (CMK526)."""
    return codes.CMK526.warning(
        f"{path}: {why}. If this apply is interrupted, it cannot be continued: its changes would look like changes by others.",
        "After an interruption, plan again and approve the remaining changes.",
        subject=str(path),
    )


def not_as_approved(
    path: Path, origin: str, differences: Sequence[str], *, same_azure: bool, plan_again: str
) -> RefusedError:
    """Make the error for a plan that differs from the approved one (CMK527)."""
    since = "Azure is unchanged, but the plan that follows from it has changed" if same_azure else "Since then"
    lines = "\n".join(f"- {each}" for each in differences)
    return RefusedError(
        codes.CMK527.error(
            f"The plan was made at {origin}. {since}:\n{lines}\nNothing was written.",
            f"Plan again and approve the new plan: {plan_again}",
            subject=str(path),
        )
    )


def other_target(path: Path, *, sandbox: bool, remedy: str) -> RefusedError:
    """Make the error for a plan of the sandbox that would be applied to Azure, or the other way round (CMK529)."""
    made, here = ("the sandbox", "Azure") if sandbox else ("Azure", "the sandbox")
    detail = f"The plan was made against {made}, and this command goes to {here}. Nothing was written."
    return RefusedError(codes.CMK529.error(detail, remedy, subject=str(path)))


def not_saved(path: Path) -> Diagnostic:
    """Return the error for an attempt to save an errored plan (CMK528)."""
    return codes.CMK528.error(
        f"Nothing was written to {path}.", "Fix the errors in the plan, then plan again.", subject=str(path)
    )


def _unusable(code: Code, detail: str, path: Path, place: Location | None = None) -> ProfileError:
    remedy = f"Plan again and approve the new plan: cmkctl plan PROFILE --out {shlex.quote(str(path))}"
    found = code.error(detail, remedy, subject=str(path), location=place or Location(str(path)))
    return ProfileError(found)
