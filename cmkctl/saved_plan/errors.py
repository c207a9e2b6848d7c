"""What is said when a plan cannot be saved, or a saved one not be used: one function a problem."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmkctl import __version__, codes
from cmkctl.diagnostics import CmkctlError, Code, Diagnostic, Location, ProfileError, RefusedError
from cmkctl.files import mend
from cmkctl.saved_plan.schema import MARKER, SCHEMA


def unwritable(path: Path, error: OSError) -> CmkctlError:
    """``--out`` names what cannot be written (CMK521)."""
    return CmkctlError(
        codes.CMK521.error(
            f"{path}: {error.strerror or error}.", mend("--out", path), subject=str(path), location=Location("--out")
        )
    )


def damaged(path: Path, detail: str, line: int | None = None, column: int | None = None) -> ProfileError:
    """It begins like a saved plan, and is none (CMK522)."""
    place = Location(str(path), line, column)
    return _unusable(codes.CMK522, detail, path, place)


def another_version(path: Path, document: dict[str, Any]) -> ProfileError:
    """The number of its form is not ours (CMK523)."""
    detail = (
        f"Its form has the number {document[MARKER]}, made by cmkctl {document.get('cmkctl')}; this cmkctl "
        f"({__version__}) reads number {SCHEMA}."
    )
    return _unusable(codes.CMK523, detail, path)


def edited(path: Path, changed: Sequence[str]) -> ProfileError:
    """It no longer matches its digests (CMK524)."""
    match = "matches its digest" if len(changed) == 1 else "match their digests"
    detail = f"Its {' and '.join(changed)} no longer {match}: what it says is not what was shown and approved."
    return _unusable(codes.CMK524, detail, path)


def no_profile(path: Path) -> ProfileError:
    """A saved plan where a profile is wanted (CMK525)."""
    return ProfileError(
        codes.CMK525.error(
            f"{path} is what a plan came to. plan and verify begin from the profile.",
            f"Name the profile; or apply what was saved: cmkctl apply {shlex.quote(str(path))}",
            subject=str(path),
            location=Location(str(path)),
        )
    )


def unnoted(path: Path, why: str) -> Diagnostic:
    """A warning: what is begun cannot be noted in the file (CMK526)."""
    return codes.CMK526.warning(
        f"{path}: {why}. If this apply is interrupted, it cannot go on: what it made would look like somebody else's doing.",
        "After an interruption plan again, and approve what is left.",
        subject=str(path),
    )


def not_as_approved(path: Path, origin: str, differences: Sequence[str], *, same_azure: bool) -> RefusedError:
    """What would be done is not what was approved (CMK527)."""
    since = "Azure answers as it did then; what follows from it is another plan now" if same_azure else "Since then"
    lines = "\n".join(f"- {each}" for each in differences)
    return RefusedError(
        codes.CMK527.error(
            f"The plan was made at {origin}. {since}:\n{lines}\nNothing was written.",
            f"Plan again and approve that: cmkctl plan PROFILE --out {shlex.quote(str(path))}",
            subject=str(path),
        )
    )


def not_saved(path: Path) -> Diagnostic:
    """A plan that cannot be applied is not saved (CMK528)."""
    return codes.CMK528.error(
        f"Nothing was written to {path}.", "Mend what the plan names, then plan again.", subject=str(path)
    )


def _unusable(code: Code, detail: str, path: Path, place: Location | None = None) -> ProfileError:
    remedy = f"Plan again and approve that: cmkctl plan PROFILE --out {shlex.quote(str(path))}"
    found = code.error(detail, remedy, subject=str(path), location=place or Location(str(path)))
    return ProfileError(found)
