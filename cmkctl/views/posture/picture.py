"""The picture of a survey: which key, in which vault, with which version, encrypts what. Positions only: the page draws.

Four columns: vault, key, version, and on the right the resources, or with many of them groups of resources of one
service. Resources with Microsoft's keys, without a choice, and those whose key is not known have lanes of their own below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cmkctl.posture import Assessment, Posture, Survey, Verdict
from cmkctl.views.posture.words import SHORT_VERSION, effective, key_name, number, sign

MOST_USERS: Final = 48
"""Nodes on the right-hand side; with more resources, those of one service share a node."""
MOST_KEYS: Final = 12

WIDTH: Final = 1122
_COLUMNS: Final = (1, 241, 481, 721)
_BOX: Final = (200, 200, 200, 400)
_HEIGHT: Final = 26
_STEP: Final = 32
_GAP: Final = 14
_CHARACTER: Final = 7.25
"""The width of a character, at most, of the font in which the nodes are labelled."""

MICROSOFT: Final = "Microsoft's keys"
NO_CHOICE: Final = "no choice of a key"
UNKNOWN: Final = "key not known"
_LANES: Final = (MICROSOFT, NO_CHOICE, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Node:
    """A box: its upper left corner, its width and height, the text in it, and the whole text. `kind` is a CSS class."""

    x: float
    y: float
    width: float
    height: float
    text: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A curve from the right side of a box to the left side of another. `kind` is a CSS class."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str

    @property
    def path(self) -> str:
        """The curve, as the data of an SVG path."""
        middle = (self.x1 + self.x2) / 2
        return f"M{self.x1:g} {self.y1:g}C{middle:g} {self.y1:g} {middle:g} {self.y2:g} {self.x2:g} {self.y2:g}"


@dataclass(frozen=True, slots=True)
class Picture:
    """The boxes and curves, with the size. `notes` state what is not in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Use:
    """The use of a key by a resource or by a part of it. `key` is a key identifier, or one of the lanes without keys."""

    key: str
    version: str
    label: str
    service: str
    kind: str


@dataclass(slots=True)
class _Canvas:
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    y: float = _GAP

    def box(self, column: int, y: float, text: str, kind: str, title: str = "") -> Node:
        """Draw a box in a column. `title` is the whole text where `text` is a short one."""
        room = int((_BOX[column] - 16) / _CHARACTER)
        cut = text if len(text) <= room else f"{text[: room - 1]}…"
        node = Node(_COLUMNS[column], y, _BOX[column], _HEIGHT, cut, title or text, kind)
        self.nodes.append(node)
        return node

    def join(self, one: Node, other: Node, kind: str) -> None:
        """Draw a curve between two boxes."""
        middle = _HEIGHT / 2
        self.edges.append(Edge(one.x + one.width, one.y + middle, other.x, other.y + middle, kind))


def picture_of(survey: Survey) -> Picture:
    """Return the picture of a survey."""
    uses = _spelled_alike(use for each in survey.assessments for use in _uses(each))
    sizes = Counter(each.key for each in uses)
    notes = []
    if len(uses) > MOST_USERS:
        uses = _grouped(uses)
        notes.append(f"The {number(len(survey.assessments))} are grouped by service.")
    keys = [*dict.fromkeys(each.key for each in uses if each.key not in _LANES)]
    if len(keys) > MOST_KEYS:
        notes.append(f"{MOST_KEYS} of {len(keys):,} keys are shown, those with the most resources; the table has all.")
        keys = sorted(keys, key=lambda each: -sizes[each])[:MOST_KEYS]
    canvas = _Canvas()
    _draw_keys(canvas, keys, uses)
    for lane in _LANES:
        found = [each for each in uses if each.key == lane]
        if found:
            _draw_lane(canvas, lane, found)
    return Picture(tuple(canvas.nodes), tuple(canvas.edges), WIDTH, canvas.y, tuple(notes))


def _spelled_alike(uses: Iterable[_Use]) -> list[_Use]:
    """Return the uses with one spelling of each key: its case does not matter."""
    found = list(uses)
    spelled = {each.key.lower(): each.key for each in reversed(found)}
    return [replace(each, key=spelled[each.key.lower()]) for each in found]


def _uses(assessment: Assessment) -> Iterator[_Use]:
    """Yield the uses of keys: one for the resource, and one for each key that a part of its data has apart from that."""
    posture = assessment.posture
    label = f"{sign(posture)} {assessment.service} {assessment.label}"
    own = _lane(posture)
    yield _use(own, posture, label, assessment.service)
    apart: dict[tuple[str, str], list[str]] = {}
    for part in posture.parts:
        lane = _lane(part.posture)
        if (lane.lower(), part.posture.key_version) != (own.lower(), posture.key_version):
            apart.setdefault((lane, part.posture.key_version), []).append(part.name)
    for (lane, version), names in apart.items():
        text = f"{label}: {', '.join(names)}"
        yield _Use(lane, version, text, f"parts of {assessment.service}", "warn")
    if posture.verdict is Verdict.MIXED and not apart:
        yield _Use(MICROSOFT, "", f"{label}: in part", f"parts of {assessment.service}", "warn")


def _use(lane: str, posture: Posture, label: str, service: str) -> _Use:
    version = posture.key_version if posture.key else ""
    return _Use(lane, version, label, service, kind_of(posture))


def _lane(posture: Posture) -> str:
    """Return the key of a posture, else the lane of resources without one."""
    if posture.key:
        return posture.key
    verdict = effective(posture)
    if verdict in (Verdict.MICROSOFT, Verdict.MIXED):
        return MICROSOFT
    return NO_CHOICE if verdict is Verdict.NOT_CHOOSABLE else UNKNOWN


def kind_of(posture: Posture) -> str:
    """Return the CSS class of a verdict."""
    return {"✓": "good", "!": "warn", "✗": "bad", "-": "none", "?": "open"}[sign(posture)]


def _grouped(uses: Iterable[_Use]) -> list[_Use]:
    """Return a use for each key, version, service and class, with the number of resources."""
    groups = Counter((each.key, each.version, each.service, each.kind) for each in uses)
    return [
        _Use(key, version, f"{count:,} of {service}", service, kind)
        for (key, version, service, kind), count in groups.most_common()
    ]


def _draw_keys(canvas: _Canvas, keys: Sequence[str], uses: Sequence[_Use]) -> None:
    vaults: dict[str, list[str]] = {}
    for each in keys:
        vaults.setdefault(key_name(each).host.lower(), []).append(each)
    for host, found in vaults.items():
        drawn = [_draw_key(canvas, [each for each in uses if each.key == key], key) for key in found]
        vault = canvas.box(0, _centre(drawn), host.partition(".")[0] or "vault not shown", "vault", host)
        for node in drawn:
            canvas.join(vault, node, "plain")
        canvas.y += _GAP


def _draw_key(canvas: _Canvas, uses: Sequence[_Use], key: str) -> Node:
    versions = [*dict.fromkeys(each.version for each in uses)]
    drawn = []
    for version in versions:
        users = _draw_users(canvas, [each for each in uses if each.version == version])
        text = version[:SHORT_VERSION] if version else "version not shown"
        box = canvas.box(2, _centre([user for user, _ in users]), text, "version", version)
        for user, kind in users:
            canvas.join(box, user, kind)
        drawn.append(box)
    node = canvas.box(1, _centre(drawn), key_name(key).name, "key", key)
    for box in drawn:
        canvas.join(node, box, "plain")
    return node


def _draw_lane(canvas: _Canvas, lane: str, uses: Sequence[_Use]) -> None:
    users = _draw_users(canvas, uses)
    source = canvas.box(0, _centre([user for user, _ in users]), lane, "lane")
    for user, kind in users:
        canvas.join(source, user, kind)
    canvas.y += _GAP


def _draw_users(canvas: _Canvas, uses: Iterable[_Use]) -> list[tuple[Node, str]]:
    drawn = []
    for each in uses:
        drawn.append((canvas.box(3, canvas.y, each.label, each.kind), each.kind))
        canvas.y += _STEP
    return drawn


def _centre(nodes: Sequence[Node]) -> float:
    return (nodes[0].y + nodes[-1].y) / 2
