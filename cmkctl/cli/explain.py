"""``cmkctl explain``."""

from __future__ import annotations

import difflib
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from cmkctl.checks import CODES, explanation
from cmkctl.cli import complain
from cmkctl.cli.exits import DONE
from cmkctl.diagnostics import Code
from cmkctl.topics import TOPICS, topic_of
from cmkctl.views.shown import Explained, RunEnded
from cmkctl.views.streams import encodable


def command(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="WORD",
            help="A diagnostic code (CMK210), a code or message of Azure, a topic (`topics` lists them), a field (key.size), or "
            "a word to search. Default: list all codes.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON lines to standard output.")] = False,
) -> int:
    """Explain a code of cmkctl or Azure, a topic or a profile field, or list and search them."""
    found = _listed() if word is None else _explained(word)
    if not found and word is not None:
        near = _near(word)
        hint = (
            f"Did you mean {', '.join(near)}?"
            if near
            else "List all codes with: cmkctl explain, all topics with: cmkctl explain topics"
        )
        command_line = ["explain", word, *["--json"] * as_json]
        return complain(f"No code, topic, field or text matches {word!r}.", command_line, "cmkctl explain", hint)
    if as_json:
        _write_json(found)
    else:
        sys.stdout.write(encodable("".join(each.text for each in found), sys.stdout))
    return DONE


def _write_json(found: Sequence[Explained]) -> None:
    from cmkctl.views import make_view  # noqa: PLC0415 - plain text needs no view

    view = make_view(json=True, stdout=sys.stdout, stderr=sys.stderr)
    for each in found:
        view.show(each)
    view.show(RunEnded(DONE))


def _listed() -> list[Explained]:
    return [_line_of_code(each) for each in CODES.values()]


def _line_of_code(code: Code) -> Explained:
    return Explained("code", code.id, f"{code.id}  {code.title}\n")


def _explained(word: str) -> list[Explained]:
    """Return what a word means: exactly one thing where it names one, else everything that mentions it."""
    if (entry := CODES.get(word.upper())) is not None:
        return [Explained("code", entry.id, explanation(entry))]
    if word.casefold() == "topics":
        return [Explained("topic", each.name, f"{each.name}\n") for each in TOPICS]
    field, topic = _field(word), topic_of(word)
    if field or topic:
        fields = [Explained("field", word, field + "\n" * bool(topic))] if field else []
        return [
            *fields,
            *(
                [Explained("topic", topic.name, topic.text()), *(_fields_named(word) if "_" in word else [])]
                if topic
                else []
            ),
        ]
    return _from_azure(word) or list(_search(word))


def _from_azure(word: str) -> list[Explained]:
    """Return the explanation of an error code or a message of Azure, as a run would show it; empty for any other word."""
    from cmkctl.azure.errors import explained  # noqa: PLC0415 - imports the SDK, which the other words do not need

    diagnostic = explained(word)
    if diagnostic is None:
        return []
    remedy = _filled(f"→ {diagnostic.remedy}")
    text = f"{word}\n\nAzure's error. cmkctl reports it as {diagnostic.code}.\n\n{remedy}\n\n{explanation(diagnostic.declared)}"
    return [Explained("azure", word, text)]


def _filled(text: str) -> str:
    return textwrap.fill(text, 78, break_long_words=False, break_on_hyphens=False)


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
    from cmkctl.profile.validation_errors import as_yaml  # noqa: PLC0415 - see above

    fields = profile_fields()
    found = fields.get(word)
    if found is None:
        return ""
    lines = [word, "", _filled(found.info.description or "No description.")]
    if found.example is not None:
        lines += ["", f"Example: {as_yaml(found.example)}"]
    inner = [path for path in fields if path.startswith(f"{word}.")]
    if inner:
        lines += ["", "Fields:", *(f"  {each}" for each in inner)]
    return "\n".join(lines) + "\n"


def _fields_named(word: str) -> Iterator[Explained]:
    """Yield the fields that have the word in their path."""
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - codes need no profile

    found = [path for path in profile_fields() if word.casefold() in path and path != word]
    if found:
        yield Explained("field", word, "\n" + "\n".join(["Fields:", *(f"  {each}" for each in found)]) + "\n")


def _search(word: str) -> Iterator[Explained]:
    """List the codes, topics and fields with the word in their name or text, one line each."""
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - codes need no profile

    wanted = word.casefold()
    for code, entry in CODES.items():
        if wanted in f"{code} {entry.title} {entry.meaning} {entry.remedy}".casefold():
            yield _line_of_code(entry)
    for topic in TOPICS:
        if wanted in f"{' '.join(topic.words)} {topic.text()}".casefold():
            yield Explained("topic", topic.name, f"{topic.name}\n")
    for path, field in profile_fields().items():
        if wanted in f"{path} {field.info.description or ''}".casefold():
            yield Explained("field", path, f"{path}\n")
