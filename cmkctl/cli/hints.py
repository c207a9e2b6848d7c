"""Hints for command lines that mean something else: habits from other tools, and options in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

_OPTIONS: Final[Mapping[str, str]] = {
    "--auto-approve": "Use --yes to apply without asking.",
    "-auto-approve": "Use --yes to apply without asking.",
    "--approve": "Use --yes to apply without asking.",
    "--force": "Use --yes to apply without asking. A conflict cannot be overridden.",
    "-o": "Use --json for JSON lines.",
    "--output": "Use --json for JSON lines.",
    "--format": "Use --json for JSON lines.",
    "-v": "Use --debug to log requests and responses.",
    "--verbose": "Use --debug to log requests and responses.",
    "--var": "Use --set FIELD=VALUE to override a field of the profile.",
    "-var": "Use --set FIELD=VALUE to override a field of the profile.",
    "--var-file": "Name the profile as the argument: cmkctl plan PROFILE.",
    "--what-if": "cmkctl plan PROFILE shows what would change.",
    "--dry-run": "cmkctl plan PROFILE shows what would change.",
    "--install-completion": 'Completion: eval "$(cmkctl completion bash)"; see cmkctl completion --help.',
    "--show-completion": "cmkctl completion SHELL prints the script.",
}

_COMMANDS: Final[Mapping[str, str]] = {
    "delete": "cmkctl does not delete workspaces, vaults or keys. See: az ml workspace delete",
    "state": "cmkctl keeps no state; Azure is read on every run. See: cmkctl verify PROFILE",
    "refresh": "cmkctl keeps no state; Azure is read on every run. See: cmkctl verify PROFILE",
    "diff": "cmkctl plan PROFILE shows what would change.",
    "preview": "cmkctl plan PROFILE shows what would change.",
    "deploy": "cmkctl apply PROFILE creates the workspace.",
    "create": "cmkctl apply PROFILE creates the workspace.",
    "up": "cmkctl apply PROFILE creates the workspace.",
    "login": "Sign in with the Azure CLI (az login), or choose a method with --auth. See: cmkctl doctor",
    "output": "cmkctl verify PROFILE --json has a line of type outputs.",
    "lint": "cmkctl validate PROFILE checks a profile without connecting to Azure.",
}


_SUGGESTIONS: Final = re.compile(r"\s*\(Possible options: ([^)]*)\)|\s*Did you mean ((?:'[^']+'(?:, )?)+)\?")
"""The suggestions that click adds to its messages; they may be unrelated."""

_NEAR: Final = 0.75


def without_suggestions(message: str) -> str:
    """Return the message without click's suggestions, which `hint` replaces."""
    return _SUGGESTIONS.sub("", message)


def hint(message: str, path: str) -> Iterator[str]:
    """Yield hints for a command line that the command `path`, such as ``cmkctl sandbox``, refused with `message`."""
    found = _SUGGESTIONS.search(message)
    listed = re.findall(r"[\w-]+", found[1] or found[2]) if found else []
    if option := re.search(r"No such option:? '?(-[\w-]+)", message):
        if habit := _option_hint(option[1]):
            yield habit
        elif near := get_close_matches(option[1], listed, n=1, cutoff=_NEAR):
            yield f"Did you mean {near[0]}?"
    elif path == "cmkctl import" and "extra argument" in message:
        yield "cmkctl keeps no state; import writes a profile. Name the workspace by its ARM id: --workspace ID"
    elif command := re.search(r"No such command '([^']+)'", message):
        if command[1] in _COMMANDS:
            yield _COMMANDS[command[1]]
        elif near := get_close_matches(command[1], listed, n=1):
            yield f"Did you mean: {path} {near[0]}"


def _option_hint(option: str) -> str:
    return _OPTIONS.get(option) or (_OPTIONS["-o"] if option.startswith("-o") and option != "-out" else "")


def before_the_command(arguments: Sequence[str], commands: Collection[str]) -> str:
    """Return the complaint about options before the command, with the order that works."""
    index = next((index for index, each in enumerate(arguments) if each in commands), None)
    if index is None:
        return ""
    early = " ".join(arguments[:index])
    return f"Options go after the command. Put {early} after it: cmkctl {arguments[index]} … {early}"
