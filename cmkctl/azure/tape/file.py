"""The file of a tape: its schema, and the errors of reading and writing it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NoReturn

from pydantic import ConfigDict, TypeAdapter, ValidationError

from cmkctl import __version__, codes
from cmkctl.azure.tape.exchange import SCHEMA, Exchange
from cmkctl.diagnostics import CmkctlError, Location, ProfileError
from cmkctl.files import unwritable_remedy


@dataclass(frozen=True, slots=True)
class TapeFile:
    """The content of a tape's file."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    schema: Literal[1]
    cmkctl: str
    cloud: str
    recorded_at: str
    exchanges: list[Exchange]


DOCUMENT = TypeAdapter(TapeFile)


def check_head(path: Path, text: str) -> None:
    """Refuse a file that is not a tape, or has an unsupported schema, before its content is read (CMK502)."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        unreadable(path, f"It is not JSON: {error.msg}.", error.lineno, error.colno)
    except RecursionError:
        unreadable(path, "It is nested too deeply to be a tape.")
    if not isinstance(document, dict) or not {"schema", "exchanges"} <= document.keys():
        unreadable(path, "It is JSON but not a tape: a tape is an object with `schema` and `exchanges`.")
    if document["schema"] != SCHEMA:
        unreadable(path, f"Its schema is {document['schema']!r}; this cmkctl ({__version__}) reads schema {SCHEMA}.")


def complaints(error: ValidationError) -> Iterator[str]:
    """List the problems of a tape, one line each."""
    for each in error.errors(include_url=False, include_input=False):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"])
        yield f"{place.lstrip('.')}: {each['msg']}"


def unreadable(path: Path, detail: str, line: int | None = None, column: int | None = None) -> NoReturn:
    """Raise the diagnostic for a file that cannot be replayed (CMK502)."""
    raise ProfileError(
        codes.CMK502.error(
            detail,
            "Give --replay a file that --record wrote, or record the run again: cmkctl … --record FILE",
            subject=str(path),
            location=Location(str(path), line, column),
        )
    )


def unwritable(path: Path, error: OSError) -> CmkctlError:
    """Return the diagnostic for a file that cannot be written (CMK501)."""
    return CmkctlError(
        codes.CMK501.error(
            f"{path}: {error.strerror or error}. The run is not recorded.",
            unwritable_remedy("--record", path),
            subject=str(path),
            location=Location("--record"),
        )
    )
