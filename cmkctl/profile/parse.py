"""YAML text to a tree with places. Stricter than YAML: ambiguous, hidden and unbounded content is refused.

Scalars have their meaning in YAML 1.2's core schema, as in editors: ``yes`` and ``on`` are texts, only ``true`` and ``false``
are booleans, and dates are texts that the field itself reads. Source:
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

import yaml

from cmkctl.azure.redaction import shortened
from cmkctl.diagnostics import Location, ProfileError
from cmkctl.profile.errors import problem
from cmkctl.profile.tree import Branch, Entry, Items, Node, Scalar

_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_DEPTH: Final = 32
_SHOWN: Final = 100
_NODES: Final = 10_000
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_STANDARD: Final = "tag:yaml.org,2002:"
_UNPRINTABLE: Final = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INVISIBLE: Final = re.compile(
    r"^[ \t]*(?:[\w.-]+:[ \t]*|-[ ]+)?([\u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff])", re.MULTILINE
)
"""A character that looks like a space, where a line is indented or a value begins: YAML takes it for a part of the text."""
# Longer numbers are no setting of Azure's, and Python refuses to convert very long ones.
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


WRITE_PROFILE: Final = "Write a profile, or start with: cmkctl init."
FIRST_LINES: Final = "Begin with lines such as: location: eastus2"
"""The remedies of a file without fields, where it is to be a profile."""


def parse_document(text: str, source: str) -> Branch:
    """Return the one mapping that `text` holds. Raises ProfileError (CMK002) for anything else."""
    _refuse_unprintable(text, source)
    _refuse_invisible(text, source)
    lines = _LINE_BREAK.split(text)

    def at(line: int, column: int) -> Location:
        return Location(source, line + 1, column + 1, lines[line] if line < len(lines) else "")

    builder = _Builder(text, at)
    root = builder.document()
    if root is None:
        builder.refuse(_emptiness(text), WRITE_PROFILE, Location(source, 1, 1))
    if not isinstance(root, Branch):
        builder.refuse(
            "Expected a mapping of fields at the top level.",
            FIRST_LINES,
            root.location,
        )
    return root


def _emptiness(text: str) -> str:
    if not text.strip():
        return "The file is empty."
    only_comments = all(not each.strip() or each.lstrip().startswith("#") for each in text.splitlines())
    return "The file contains only comments." if only_comments else "The file contains no fields."


def parse_value(text: str, location: Location) -> Node:
    """Return the value of `text`, as after ``--set a.b=``: a flow mapping or list, a quoted text or a plain scalar.

    Raises ProfileError (CMK002) for a broken one.
    """
    if not text.startswith(("{", "[", '"', "'")):
        return Scalar(location, text, plain=True, value=resolve(text))
    _refuse_unprintable(text, location.source)
    return _Builder(text, lambda *_: location).document() or Scalar(location, text, plain=True, value=None)


def resolve(text: str) -> bool | int | float | str | None:
    """Return the meaning of a plain scalar."""
    text = text.strip()
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=[iInN])", "", text))
    return text


def _refuse_unprintable(text: str, source: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found is None:
        return
    before = text[: found.start()]
    place = Location(source, before.count("\n") + 1, found.start() - before.rfind("\n"))
    detail = f"It contains the character U+{ord(found[0]):04X}, which YAML does not allow."
    raise ProfileError(problem("CMK002", detail, "Remove the character.", place))


def _refuse_invisible(text: str, source: str) -> None:
    found = _INVISIBLE.search(text)
    if found is None:
        return
    before = text[: found.start(1)]
    place = Location(source, before.count("\n") + 1, found.start(1) - before.rfind("\n"))
    name = unicodedata.name(found[1], "a space").lower()
    detail = f"It contains the invisible character U+{ord(found[1]):04X} ({name}), which is no space in YAML."
    remedy = "Replace it with a space; such characters come with text that is copied from a page or a document."
    raise ProfileError(problem("CMK002", detail, remedy, place))


@dataclass
class _Builder:
    """Builds a tree from the parser's events, which need no recursion of the C library."""

    text: str
    at: Callable[[int, int], Location]
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    count: int = 0
    aliases: int = 0

    def document(self) -> Node | None:
        try:
            return self._single(yaml.parse(self.text, Loader=_LOADER))
        except yaml.MarkedYAMLError as error:
            self._syntax(error)

    def _single(self, events: Iterator[yaml.Event]) -> Node | None:
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        root = self._node(next(events), events, 1)
        next(events)
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.refuse(
                "The file holds several documents.",
                "Keep one and remove the line with ---; use extends to share settings.",
                self._place(event),
            )
        return None if isinstance(root, Scalar) and root.plain and root.value is None else root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        location = self._place(event)
        self._within_limits(depth, location)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return self._alias(event, location)
        before = self.count
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self._value(event, events, depth, location)
        if event.anchor:
            self.anchors[event.anchor] = node, self.count - before
        return node

    def _place(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        return self.at(mark.line, mark.column) if mark else self.at(0, 0)

    def _within_limits(self, depth: int, location: Location) -> None:
        self.count += 1
        if depth > _DEPTH:
            self.refuse(f"It is nested more than {_DEPTH} deep.", "A profile needs four levels.", location)
        if self.count > _NODES:
            remedy = (
                "Use fewer aliases." if self.aliases else "Check that this is the right file; a profile is far shorter."
            )
            self.refuse(f"It has more than {_NODES} values.", remedy, location)

    def _value(
        self,
        event: yaml.ScalarEvent | yaml.CollectionStartEvent,
        events: Iterator[yaml.Event],
        depth: int,
        location: Location,
    ) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        self._refuse_tag(event, location)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(location, tuple(self._nodes(events, depth)))
        return self._branch(events, depth, location)

    def _nodes(self, events: Iterator[yaml.Event], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self._node(event, events, depth + 1)

    def _branch(self, events: Iterator[yaml.Event], depth: int, location: Location) -> Branch:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key, name = self._place(event), self._key(event)
            node = self._node(next(events), events, depth + 1)
            if name == "<<":
                merged = {**self._merged(node), **merged}
            elif name in entries:
                self._twice(name, key, entries[name].key)
            else:
                entries[name] = Entry(key, node)
        return Branch(location, {**merged, **entries})

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        return self.refuse("A field's name is not a text.", "Write the name as plain text.", self._place(event))

    def _merged(self, node: Node) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for each in node.nodes if isinstance(node, Items) else (node,):
            if not isinstance(each, Branch):
                self.refuse("<< merges something that is no mapping.", "Write <<: *ANCHOR of a mapping.", each.location)
            found = {**each.entries, **found}
        return found

    def _alias(self, event: yaml.Event, location: Location) -> Node:
        name = event.anchor if isinstance(event, yaml.AliasEvent) else ""
        if name not in self.anchors:
            self.refuse(f"*{name} has no anchor before it.", f"Mark a value with &{name}.", location)
        found = self.anchors[name]
        if found is None:
            self.refuse(f"*{name} contains itself.", "Write the value out.", location)
        node, size = found
        self.aliases += 1
        self.count += size
        return node

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> Scalar:
        if event.tag in (None, "!", f"{_STANDARD}str"):
            is_plain = event.implicit[0] and event.tag is None
            return Scalar(location, event.value, is_plain, resolve(event.value) if is_plain else event.value)
        self._refuse_tag(event, location)
        return Scalar(location, event.value, plain=True, value=resolve(event.value))

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, location: Location) -> None:
        known = [f"{_STANDARD}{name}" for name in ("map", "seq", "null", "bool", "int", "float")]
        if event.tag and event.tag not in ("!", *known):
            self.refuse(f"It uses the YAML tag {event.tag}.", "Remove the tag; a profile needs none.", location)

    def _twice(self, name: str, again: Location, first: Location) -> NoReturn:
        where = f" (first defined at {first.line}:{first.column})" if first.line else ""
        self.refuse(f"Duplicate key `{name}`{where}.", "Keep one of them.", again)

    def _syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        mark = error.problem_mark or error.context_mark
        row, column = (mark.line, mark.column) if mark else (0, 0)
        line = ([*self.text.splitlines(), ""])[min(row, len(self.text.splitlines()))].rstrip()
        reason = " ".join(part for part in (error.context, error.problem) if part)
        shown = f" The line is: {shortened(line, _SHOWN)!r}." if line else ""
        self.refuse(f"It cannot be parsed: {reason}.{shown}", _syntax_remedy(line), self.at(row, column))

    @staticmethod
    def refuse(detail: str, remedy: str, location: Location) -> NoReturn:
        raise ProfileError(problem("CMK002", detail, remedy, location))


def _syntax_remedy(line: str) -> str:
    if line.lstrip(" ").startswith("\t"):
        return "Indent with spaces; YAML allows no tabs there."
    if re.search(r"[{\[].*\$\{", line):
        return 'Inside { } and [ ] put quotes around "${...}".'
    if line.count(": ") > 1:
        return "Put quotes around a value that contains a colon and a space."
    return "Correct the line, or the one before it; check indentation, quotes and brackets."
