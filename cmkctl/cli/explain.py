"""``cmkctl explain``."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from cmkctl.checks import CODES, explanation
from cmkctl.cli import complain
from cmkctl.cli.exits import DONE


def command(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="WORD",
            help="A diagnostic code (CMK210), a field (key.size), or a word to search. Default: list all.",
        ),
    ] = None,
) -> int:
    """Explain a diagnostic code or a profile field, or list and search them."""
    if word is None:
        sys.stdout.writelines(f"{code}  {entry.title}\n" for code, entry in CODES.items())
        return DONE
    if (entry := CODES.get(word.upper())) is not None:
        sys.stdout.write(explanation(entry))
        return DONE
    if field := _field(word):
        sys.stdout.write(field)
        return DONE
    found = list(_search(word))
    if found:
        sys.stdout.writelines(found)
        return DONE
    near = _near(word)
    hint = f"Did you mean {', '.join(near)}?" if near else "List all codes with: cmkctl explain"
    return complain(f"No code, field or text matches {word!r}.", ["explain", word], "cmkctl explain", hint)


def _near(word: str) -> list[str]:
    if word.upper().startswith("CMK"):
        misread = word.upper().replace("O", "0").replace("I", "1").replace("L", "1")
        if misread in CODES:
            return [misread]
        near = difflib.get_close_matches(word.upper(), CODES, n=len(CODES), cutoff=0.8)
        # Codes of one group have the same first digit, those of one subject often the second as well.
        alike = [each for each in near if each[:4] == word.upper()[:4]]
        return sorted(alike, key=lambda each: each[:5] != word.upper()[:5])[:3]
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - codes need no profile

    return difflib.get_close_matches(word.lower(), profile_fields(), n=3, cutoff=0.75)


def _field(word: str) -> str:
    """Return the explanation of a field of the profile, empty for any other word."""
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - codes need no profile

    fields = profile_fields()
    found = fields.get(word)
    if found is None:
        return ""
    lines = [word, "", found.info.description or "No description."]
    if found.example is not None:
        lines += ["", f"Example: {found.example}"]
    inner = [path for path in fields if path.startswith(f"{word}.")]
    if inner:
        lines += ["", "Fields:", *(f"  {each}" for each in inner)]
    return "\n".join(lines) + "\n"


def _search(word: str) -> Iterator[str]:
    """List the codes and fields with the word in their name or text, one line each."""
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - codes need no profile

    wanted = word.casefold()
    for code, entry in CODES.items():
        if wanted in f"{code} {entry.title} {entry.meaning} {entry.remedy}".casefold():
            yield f"{code}  {entry.title}\n"
    for path, field in profile_fields().items():
        if wanted in f"{path} {field.info.description or ''}".casefold():
            yield f"{path}\n"
