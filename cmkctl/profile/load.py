"""From files, environment and ``--set`` to a `Profile`, or to diagnostics that give the place and what to fix.

The order: the file and those it extends are parsed and merged, overrides are put on top, variables are filled in, and
the model decides. So an override wins over every file, and a value that was overridden needs no variable.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from os.path import realpath
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from pydantic import ValidationError

from cmkctl.azure.redaction import Redactor
from cmkctl.diagnostics import Diagnostic, Location, ProfileError, Severity
from cmkctl.profile.environment import Filled, fill
from cmkctl.profile.errors import problem
from cmkctl.profile.fields import EXTENDS, free_name_in, path_of
from cmkctl.profile.model import Profile, Section
from cmkctl.profile.offline import findings
from cmkctl.profile.parse import parse_document, parse_value
from cmkctl.profile.tree import Branch, Node, Scalar, assign, overlay, place_of, plain
from cmkctl.profile.validation_errors import OPTION, explain, shown

S = TypeVar("S", bound=Section)

STANDARD_INPUT: Final = Path("-")
"""Names standard input in place of a file."""

_LARGEST: Final = 2**20
"""Bytes that a file of the profile may have: the longest profiles have some thousands."""
_LONGEST_OVERRIDE: Final = 16
# UTF-32 in little-endian order begins like UTF-16, so it comes first.
_OTHER_ENCODINGS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


@dataclass(frozen=True)
class LoadedProfile:
    """A valid profile, the document it was made of with the place of each value, and warnings about it."""

    profile: Profile
    root: Branch
    warnings: tuple[Diagnostic, ...] = field(default=(), kw_only=True)

    def locate(self, name: str) -> Location:
        """Return the place of the field `name` (``key_vault.name``), or of the nearest section around it."""
        return place_of(self.root, path_of(name, type(self.profile)))


def load_profile(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str],
    model: type[Profile] = Profile,
    now: datetime | None = None,
) -> LoadedProfile:
    """Load the profile at `path`, with `overrides` (``a.b=value``) on top and `environ` for its ``${NAME}``.

    `path` may be ``-`` for standard input, relative to the current folder. `model` may have more sections than
    `Profile`. `now`, the current time if it is left out, decides which expiry is in the past.

    Raises ProfileError with one diagnostic for each cause: CMK001 to CMK009, each with its place.
    """
    filled = fill(_with_overrides(_with_bases(path, environ), overrides, model), environ)
    profile = _validated(filled, model)
    found = tuple(findings(profile, filled.root, now or datetime.now(UTC)))
    errors = _in_order(filled.problems, (each for each in found if each.severity is Severity.ERROR))
    if errors:
        raise ProfileError(*errors)
    return LoadedProfile(profile, filled.root, warnings=found)


def load_section(path: Path, model: type[S], environ: Mapping[str, str]) -> tuple[S, Branch]:
    """Load a file that holds the fields of one section, and return it with its document, whose values know their places.

    The file has everything that a profile has: ``extends``, and ``${NAME}`` from `environ`. Raises ProfileError with one
    diagnostic for each cause: CMK001 to CMK009, each with its place.
    """
    filled = fill(_with_bases(path, environ), environ)
    section = _validated(filled, model)
    if filled.problems:
        raise ProfileError(*_in_order(filled.problems))
    return section, filled.root


def _validated(filled: Filled, model: type[S]) -> S:
    """Return the value of a document. Raises ProfileError with a diagnostic for each cause."""
    try:
        return model.model_validate(plain(filled.root))
    except ValidationError as error:
        raise ProfileError(*_in_order(filled.problems, explain(error, filled, model))) from None


def _in_order(*several: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics in the order of their places, file by file."""

    def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
        where = diagnostic.location or Location("")
        return where.source, where.line or 0, where.column or 0

    return sorted(chain(*several), key=place)


def validate_profile(
    path: Path, overrides: Sequence[str], environ: Mapping[str, str], now: datetime | None = None
) -> list[Diagnostic]:
    """Return the errors of a profile, or the warnings about a valid one, without Azure and without a credential."""
    try:
        return list(load_profile(path, overrides=overrides, environ=environ, now=now).warnings)
    except ProfileError as error:
        return list(error.diagnostics)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, or of standard input. Raises ProfileError (CMK001) when it cannot be read."""
    try:
        content = _bounded(sys.stdin.buffer) if path == STANDARD_INPUT else _file(path)
    except (OSError, ValueError) as error:
        detail = f"{str(path)!r} cannot be read: {_reason(error)}."
        raise ProfileError(problem("CMK001", detail, _way_out(path, error), Location(str(path)))) from None
    return _decoded(content, path)


def _file(path: Path) -> bytes:
    with path.open("rb") as opened:
        return _bounded(opened)


def _bounded(stream: BinaryIO) -> bytes:
    """Return what a stream holds. Raises ValueError for more than any profile has: a device has no end."""
    content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST // 1024 // 1024} MiB; a profile is far shorter")
    return content


def _way_out(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return f"Check its permissions: ls -l {shlex.quote(str(path))}"
    return "Give the path of a profile; cmkctl init writes a first one."


def _name(path: Path) -> str:
    return "standard input" if path == STANDARD_INPUT else str(path)


def _decoded(content: bytes, path: Path) -> str:
    other = next((name for mark, name in _OTHER_ENCODINGS.items() if content.startswith(mark)), None)
    if other is None and sorted(map(bool, content[:2])) == [False, True]:
        other = "UTF-16"  # without its mark: every other byte of Latin letters is zero
    if other:
        marks = " ".join(f"0x{each:02x}" for each in content[:2])
        detail = f"The file is {other}, not UTF-8: it begins with {marks}."
        remedy = "Save the file as UTF-8; in PowerShell: Set-Content -Encoding utf8."
        raise ProfileError(problem("CMK001", detail, remedy, Location(_name(path), 1, 1)))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Location(_name(path), before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        detail = f"The byte 0x{content[error.start]:02x} is not UTF-8."
        raise ProfileError(problem("CMK001", detail, "Save the file as UTF-8.", place)) from None


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _with_bases(path: Path, environ: Mapping[str, str]) -> Branch:
    """Return the file at `path`, merged over the one it extends, over the one that extends, and so on."""
    layers = [parse_document(read_text(path), _name(path))]
    chain = [path]
    while base := _base_of(layers[-1], chain[-1], environ):
        found, place = base
        layers.append(_base_layer(found, place))
        if realpath(found) in map(realpath, chain):
            raise _circle([*chain, found], place)
        chain.append(found)
    merged = _without_extends(layers.pop())
    while layers:
        merged = overlay(merged, _without_extends(layers.pop()))
    return merged


def _base_of(layer: Branch, path: Path, environ: Mapping[str, str]) -> tuple[Path, Location] | None:
    entry = layer.entries.get(EXTENDS)
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
        return None
    filled = fill(Branch(layer.location, {EXTENDS: entry}), environ)
    if filled.problems:
        raise ProfileError(*filled.problems)
    node = filled.root.entries[EXTENDS].node
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
        detail = f"extends is {shown(filled.root, (EXTENDS,))}. Expected the path of one file, relative to this one."
        raise ProfileError(problem("CMK004", detail, "For example: extends: base.yaml", entry.place, EXTENDS))
    if "://" in node.value:
        scheme, _, rest = node.value.partition("://")
        host = rest.partition("/")[0].rpartition("@")[2]
        detail = f"extends names a URL, {scheme}://{host}/…, and cmkctl reads profiles from files only."
        remedy = "Download the profile, and give the path of the file, relative to this one."
        raise ProfileError(problem("CMK007", detail, remedy, node.location, EXTENDS))
    return path.parent / node.value, node.location


def _base_layer(path: Path, place: Location) -> Branch:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        detail = f"extends names {str(path)!r}, which cannot be read: {_reason(error)}."
        remedy = "Correct the path; it is relative to the file with extends."
        raise ProfileError(problem("CMK007", detail, remedy, place, EXTENDS)) from None
    return parse_document(_decoded(content, path), str(path))


def _circle(chain: Sequence[Path], place: Location) -> ProfileError:
    shown_chain = " → ".join(str(each) for each in chain)
    return ProfileError(
        problem("CMK007", f"extends goes in a circle: {shown_chain}.", "Remove one extends.", place, EXTENDS)
    )


def _without_extends(layer: Branch) -> Branch:
    return replace(layer, entries={name: each for name, each in layer.entries.items() if name != EXTENDS})


def _with_overrides(root: Branch, overrides: Sequence[str], model: type[Section]) -> Branch:
    parsed: list[tuple[tuple[str, ...], Node]] = []
    malformed: list[Diagnostic] = []
    for override in overrides:
        try:
            parsed.append(_override(override, model))
        except ProfileError as error:
            malformed.extend(error.diagnostics)
    if malformed:
        raise ProfileError(*malformed)
    for path, node in parsed:
        root = assign(root, path, node)
    return root


def _override(override: str, model: type[Section]) -> tuple[tuple[str, ...], Node]:
    # A value may contain spaces, and a text with the location in it is redacted up to the first one only.
    safe = Redactor(identities=False).argument(override)
    location = Location(f"{OPTION} {safe}")
    name, equals, value = override.partition("=")
    if not equals:
        raise _malformed(f"{override!r} has no equals sign.", location)
    path = _override_path(name, model)
    if path is None:
        raise _malformed(f"{name!r} is not the path of a field.", location)
    if path[0] == EXTENDS:
        raise _malformed("extends is relative to a file, so it can only be set in one.", location)
    try:
        return path, parse_value(value, location)
    except ProfileError as error:
        raise _malformed(
            f"{safe.partition('=')[2]!r} begins like a list, a mapping or a quoted text, and is malformed.", location
        ) from error


def _override_path(name: str, model: type[Section]) -> tuple[str, ...] | None:
    parts = free_name_in(name, model) or tuple(name.split("."))
    return parts if all(part.strip() for part in parts) and len(parts) <= _LONGEST_OVERRIDE else None


def _malformed(detail: str, location: Location) -> ProfileError:
    remedy = "Write --set FIELD=VALUE, for example: --set key_vault.name=kv-ml-prod-cmk or --set 'tags={owner: me}'."
    return ProfileError(problem("CMK008", detail, remedy, location))
