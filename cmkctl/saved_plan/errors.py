"""The diagnostics of plans that cannot be saved, and of saved plans that cannot be used: one function per problem."""

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
    """Make the error for a file of ``--out`` that cannot be written (CMK521)."""
    return CmkctlError(
        codes.CMK521.error(
            f"{path}: {error.strerror or error}.",
            unwritable_remedy("--out", path),
            subject=str(path),
            location=Location("--out"),
        )
    )


def damaged(path: Path, detail: str, line: int | None = None, column: int | None = None) -> ProfileError:
    """Make the error for a file that begins like a saved plan and is not a complete one (CMK522)."""
    place = Location(str(path), line, column)
    return _unusable(codes.CMK522, detail, path, place)


def another_version(path: Path, document: dict[str, Any]) -> ProfileError:
    """Make the error for a file whose format has another number (CMK523)."""
    detail = (
        f"Its format has the number {document[MARKER]}, made by cmkctl {document.get('cmkctl')}; this cmkctl "
        f"({__version__}) reads number {SCHEMA}."
    )
    return _unusable(codes.CMK523, detail, path)


def edited(path: Path, changed: Sequence[str]) -> ProfileError:
    """Make the error for a file that does not match its digests (CMK524)."""
    match = "matches its digest" if len(changed) == 1 else "match their digests"
    detail = f"Its {' and '.join(changed)} no longer {match}: it differs from what was shown and approved."
    return _unusable(codes.CMK524, detail, path)


def no_profile(path: Path) -> ProfileError:
    """Make the error for a saved plan in place of a profile (CMK525)."""
    return ProfileError(
        codes.CMK525.error(
            f"{path} is a saved plan. plan and verify start from a profile.",
            f"Pass the profile, or apply the saved plan: cmkctl apply {shlex.quote(str(path))}",
            subject=str(path),
            location=Location(str(path)),
        )
    )


def not_recorded(path: Path, why: str) -> Diagnostic:
    """Make the warning for a file in which progress cannot be recorded (CMK526)."""
    return codes.CMK526.warning(
        f"{path}: {why}. If this apply is interrupted, it cannot be resumed with this file: its resources would look like those "
        "of another run.",
        "After an interruption plan again, and approve the remaining changes.",
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
    """Make the error for a plan that cannot be applied and therefore is not saved (CMK528)."""
    return codes.CMK528.error(
        f"Nothing was written to {path}.", "Fix what the plan names, then plan again.", subject=str(path)
    )


def _unusable(code: Code, detail: str, path: Path, place: Location | None = None) -> ProfileError:
    remedy = f"Plan again and approve the new plan: cmkctl plan PROFILE --out {shlex.quote(str(path))}"
    found = code.error(detail, remedy, subject=str(path), location=place or Location(str(path)))
    return ProfileError(found)
