"""A profile as text: fields in order, with comments above them, and a way back from a line to its field.

YAML libraries write values but no comments, so the lines are composed here; PyYAML quotes every string that is not plainly one.
The result is for the loader of profiles: ``${`` is escaped, and a name that YAML would take for a boolean or a number is quoted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, Final, TypeAlias

import yaml

from cmkctl.foreign_text import Channel, safe
from cmkctl.profile.parse import resolve

Path: TypeAlias = tuple[str | int, ...]
"""The way to a field: names of fields, and places in lists."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@-]*")
_COLUMNS: Final = 100
"""Columns of a comment. A longer word, such as an id, is not broken."""


class LeftOut:
    """The place of a field that is not written: its comments are."""

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT: Final = LeftOut()


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the reader of the profile has to set: the name of an environment variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A written profile, and the field of each line, which is counted from 1."""

    text: str
    fields: Mapping[int, Path]


@dataclass
class Draft:
    """The fields of a profile in order, with comments: those at the top, and those above a field, by its path."""

    fields: dict[str, Any] = field(default_factory=dict)
    top: list[str] = field(default_factory=list)
    comments: dict[Path, list[str]] = field(default_factory=dict)
    remarks: Mapping[Path, str] = field(default_factory=dict)
    """Short comments at the end of a field's line."""

    def comment(self, path: Path, *texts: str) -> None:
        """Add comments above a field; one that is already there is not repeated."""
        above = self.comments.setdefault(path, [])
        above += [each for each in texts if each not in above]

    def leave_out(self, path: Path, why: str) -> bool:
        """Replace a field by a comment with its value and the reason. False where there is no such field."""
        *around, name = path
        holder: Any = self.fields
        for part in around:
            holder = _member(holder, part)
        value = _member(holder, name)
        if value is None or isinstance(value, LeftOut):
            return False
        shown = f"{_name(name)}: {_inline(value)}" if isinstance(name, str) else _inline(value)
        self.comment(path, f"{why} It is: {shown}")
        holder[name] = LEFT_OUT
        return True

    def text(self) -> Text:
        """Return the profile as text."""
        lines = list(_Lines(self.comments, self.remarks).document(self.top, self.fields))
        places = {number: path for number, (_, path) in enumerate(lines, start=1) if path}
        return Text("".join(f"{line}\n" for line, _ in lines), places)


def _member(holder: Any, part: str | int) -> Any:
    if isinstance(holder, dict):
        return holder.get(part)
    if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
        return holder[part]
    return None


_Line: TypeAlias = tuple[str, Path]


class _Lines:
    """Makes the lines of a draft, each with the path of its field."""

    def __init__(self, comments: Mapping[Path, Sequence[str]], remarks: Mapping[Path, str]) -> None:
        self._comments = comments
        self._remarks = remarks

    def document(self, top: Iterable[str], fields: Mapping[str, Any]) -> Iterator[_Line]:
        for text in top:
            yield from ((line, ()) for line in _comment(text, 0))
        apart = bool(fields)
        for name, value in fields.items():
            section = isinstance(value, Mapping | list) and bool(value)
            if apart or section or (name,) in self._comments:
                yield "", ()
            apart = section
            yield from self._field((name,), name, value, 0)

    def _field(self, path: Path, name: str, value: Any, indent: int) -> Iterator[_Line]:
        yield from self._above(path, indent)
        space = " " * indent
        match value:
            case LeftOut():
                return
            case Mapping() if value:
                yield f"{space}{_name(name)}:", path
                yield from self._mapping(path, value, indent + 2)
            case list() if value:
                yield f"{space}{_name(name)}:", path
                yield from self._list(path, value, indent + 2)
            case _:
                remark = f"  # {self._remarks[path]}" if path in self._remarks else ""
                yield f"{space}{_name(name)}: {_inline(value)}{remark}", path

    def _mapping(self, path: Path, fields: Mapping[str, Any], indent: int) -> Iterator[_Line]:
        for name, value in fields.items():
            yield from self._field((*path, name), name, value, indent)

    def _list(self, path: Path, items: Sequence[Any], indent: int) -> Iterator[_Line]:
        for place, item in enumerate(items):
            own = (*path, place)
            yield from self._above(own, indent)
            if isinstance(item, LeftOut):
                continue
            if isinstance(item, Mapping) and item:
                lines = list(self._mapping(own, item, indent + 2))
                yield from _bulleted(lines, indent)
            else:
                yield f"{' ' * indent}- {_inline(item)}", own

    def _above(self, path: Path, indent: int) -> Iterator[_Line]:
        for text in self._comments.get(path, ()):
            yield from ((line, path) for line in _comment(text, indent))


def _bulleted(lines: list[_Line], indent: int) -> Iterator[_Line]:
    """Yield the lines of a mapping in a list; the first one that is a field gets the dash."""
    bullet = f"{' ' * indent}- "
    first = next((place for place, (line, _) in enumerate(lines) if not line.lstrip().startswith("#")), None)
    if first is None:
        yield f"{bullet}{{}}", ()
    for place, (line, path) in enumerate(lines):
        yield (bullet + line[len(bullet) :] if place == first else line), path


def _comment(text: str, indent: int) -> Iterator[str]:
    space = " " * indent
    words = safe(text, Channel.TERMINAL, one_line=True)
    width = max(_COLUMNS - indent, 40)
    lines = wrap(words, width, break_long_words=False, break_on_hyphens=False) or [""]
    yield from (f"{space}# {line}".rstrip() for line in lines)


def _inline(value: Any) -> str:
    """Return a value on one line: a scalar, or a list or mapping in brackets."""
    if isinstance(value, Variable):
        return f"${{{value.name}}}"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_name(name)}: {_inline(each)}" for name, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    return _scalar(value)


def _name(text: object) -> str:
    """Return the name of a field. Variables are not filled in there, so nothing is escaped."""
    return _quoted(str(text))


def _scalar(value: object) -> str:
    """Return a scalar as YAML: quoted unless it is plainly a string, with ``${`` escaped."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value.replace("${", "$${")) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and resolve(text) == text and yaml.safe_load(text) == text:
        return text
    visible = safe(text, Channel.JSON) == text
    dumped: str = yaml.dump(text, default_style='"', allow_unicode=visible, width=sys.maxsize)
    if safe(text) != text:  # a command to a CI system, whose log the profile may become part of
        for mark, escaped in _MARKS:
            dumped = dumped.replace(mark, escaped)
    return dumped.strip()


_MARKS: Final = (("##", "#\\x23"), ("::", ":\\x3A"), ("section_", "section\\x5F"))


def dotted(path: Path) -> str:
    """Return a path in the words of diagnostics: ``key_vault.name``, ``grants[0].role``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
