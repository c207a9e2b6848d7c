"""``cmkctl rotate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import typer

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes

_KINDS = ("new_version", "to_version", "key", "due", "retire_old")


@takes(
    "profile",
    *("new_version", "to_version", "key", "again", "due", "retire_old"),
    *("yes", "dry_run", "out"),
    *CONNECTING,
    "requests",
    *REPORTING,
)
def command(options: Options) -> int:
    """Move the workspace to a new version of its key. Prompts on a terminal; requires --yes otherwise.

    Without an option it takes the version that is newer than the one in use, and makes one where there is none. The old version
    stays enabled.
    """
    arguments = _arguments(options)
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above

    if options.key:
        options = replace(options, overrides=[*options.overrides, f"key.name={options.key}"])
    return apply(options, named("rotate", arguments), load_only_profile)


def _arguments(options: Options) -> Mapping[str, str]:
    """Return the arguments of the procedure. Raises typer.BadParameter for options that exclude each other."""
    given = [each for each in _KINDS if getattr(options, each)]
    if len(given) > 1:
        raise typer.BadParameter(f"{_flag(given[0])} and {_flag(given[1])} exclude each other")
    if options.again and given not in ([], ["new_version"]):
        raise typer.BadParameter(f"--again and {_flag(given[0])} exclude each other")
    return dict(_texts(options, [*given, *(["again"] if options.again else [])]))


def _texts(options: Options, given: list[str]) -> Iterator[tuple[str, str]]:
    for each in given:
        value = getattr(options, each)
        yield each, value if isinstance(value, str) else "true"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
