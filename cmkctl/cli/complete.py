"""The completions of a command line that is being typed. The scripts of ``cmkctl completion`` call it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cmkctl.cli import COMMANDS, application
from cmkctl.cli.options import Auth

_PROFILES: Final = (".yaml", ".yml", ".json")
_TAKES_FILE: Final = frozenset({"plan", "apply", "verify", "validate", "doctor", "show", "init"})
_SHELLS: Final = ("bash", "zsh", "fish", "powershell")


def command(words: Annotated[list[str] | None, typer.Argument()] = None) -> int:
    """Print the completions of the last word, one a line."""
    sys.stdout.writelines(f"{each}\n" for each in completions(words or [""]))
    return 0


def completions(words: list[str]) -> list[str]:
    """Return the completions of the last word after ``cmkctl``."""
    *before, last = words
    return [each for each in _candidates(before, last) if each.startswith(last)]


def _candidates(before: list[str], last: str) -> Iterable[str]:  # noqa: PLR0911 - one return for each kind of word
    if not before or before == ["help"]:
        return [*COMMANDS, *([] if before else ["help"])]
    name, previous = before[0], before[-1]
    if previous == "--set":
        return _fields()
    if previous == "--auth":
        return [each.value for each in Auth]
    if previous == "--ignore" or (name == "explain" and not last.startswith("-")):
        return _codes() if previous == "--ignore" else [*_codes(), *(each.rstrip("=") for each in _fields())]
    if previous == "--shell" or (name == "completion" and not last.startswith("-")):
        return _SHELLS
    if name not in COMMANDS:
        return []
    if last.startswith("-"):
        return [*_options(before), "--help"]
    if name == "sandbox" and not [each for each in before[1:] if each.startswith("-")]:
        return _inner(before)
    return _files(last) if name in _TAKES_FILE and previous not in _files_elsewhere() else []


def _files_elsewhere() -> frozenset[str]:
    """Return the options whose value the shell completes as a file."""
    return frozenset({"--state", "--out", "--report", "--record", "--replay", "--har", "--timeout"})


def _fields() -> list[str]:
    from cmkctl.profile.fields import profile_fields  # noqa: PLC0415 - only after --set

    return [f"{each}=" for each, field in profile_fields().items() if field.section is None]


def _codes() -> list[str]:
    from cmkctl.checks import CODES  # noqa: PLC0415 - only where a code is expected

    return list(CODES)


def _files(last: str) -> Iterator[str]:
    folder = Path(last).parent if "/" in last else Path()
    prefix = f"{last.rpartition('/')[0]}/" if "/" in last else ""
    if not folder.is_dir():
        return
    for each in sorted(folder.iterdir()):
        if each.name.startswith("."):
            continue
        if each.is_dir():
            yield f"{prefix}{each.name}/"
        elif each.suffix in _PROFILES:
            yield f"{prefix}{each.name}"


def _inner(before: list[str]) -> list[str]:
    return list(getattr(_node(before), "commands", {}))


def _options(before: list[str]) -> Iterator[str]:
    for option in _node(before).params:
        yield from (each for each in option.opts if each.startswith("--"))


def _node(before: list[str]) -> Any:
    """Return the command or group that the words lead to."""
    node: Any = typer.main.get_command(application(before))
    for word in before:
        node = getattr(node, "commands", {}).get(word, node)
    return node
