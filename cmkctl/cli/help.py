"""The help of the commands: usage, options in groups, examples, environment variables, and where to read more."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

EXIT_CODES: Final = (
    ("0", "done, or nothing to do"),
    ("1", "failed"),
    ("2", "changes (plan --detailed-exitcode), drift (verify), or not as expected"),
    ("3", "refused: a conflict, a failed check, or not confirmed"),
    ("4", "verify --strict, posture --strict: not everything could be seen"),
    ("64", "wrong command line or profile"),
    ("130", "interrupted"),
)

_EXAMPLES: Final[Mapping[str, Sequence[str]]] = {
    "cmkctl": (
        "cmkctl init",
        "cmkctl plan cmkctl.yaml --sandbox",
        "cmkctl apply cmkctl.yaml",
        "cmkctl verify cmkctl.yaml",
    ),
    "plan": (
        "cmkctl plan profiles/quickstart.yaml --sandbox",
        "cmkctl plan prod.yaml --set key.size=4096",
        "cmkctl plan prod.yaml --out plan.json --detailed-exitcode",
    ),
    "apply": (
        "cmkctl apply prod.yaml",
        "cmkctl apply plan.json --yes --report report.json",
        "cmkctl apply prod.yaml --yes --json > lines.json",
    ),
    "verify": (
        "cmkctl verify prod.yaml",
        "cmkctl verify prod.yaml --json --strict",
        "cmkctl verify prod.yaml --junit verify.xml --expiry-days 60",
    ),
    "status": ("cmkctl status prod.yaml", "cmkctl status --workspace ID --json"),
    "import": (
        "cmkctl import --workspace ID --out prod.yaml",
        "cmkctl import --key https://kv-cmk.vault.azure.net/keys/cmk",
        "cmkctl import --resource-group rg-ml --out profiles",
        "cmkctl import --from state.json",
    ),
    "encrypt": ("cmkctl encrypt prod.yaml --dry-run", "cmkctl encrypt prod.yaml --resource ID --yes --json"),
    "rotate": (
        "cmkctl rotate prod.yaml",
        "cmkctl rotate prod.yaml --due --yes --json",
        "cmkctl rotate prod.yaml --key cmk-2",
    ),
    "revoke": ("cmkctl revoke prod.yaml --dry-run", "cmkctl revoke prod.yaml --yes-revoke mlw-prod"),
    "restore": ("cmkctl restore prod.yaml",),
    "destroy": ("cmkctl destroy prod.yaml --dry-run", "cmkctl destroy prod.yaml --purge --associated"),
    "recover": ("cmkctl recover prod.yaml --dry-run",),
    "list": ("cmkctl list", "cmkctl list --key https://kv-ml.vault.azure.net/keys/cmk-ml --json"),
    "posture": (
        "cmkctl posture prod.yaml",
        "cmkctl posture --workspace ID --html posture.html",
        "cmkctl posture --expect expected.yaml --sarif posture.sarif",
    ),
    "validate": ("cmkctl validate prod.yaml", "cmkctl validate - < prod.yaml"),
    "doctor": ("cmkctl doctor prod.yaml", "cmkctl doctor prod.yaml --auth cli"),
    "show": ("cmkctl show plan.json", "cmkctl show plan.json --requests"),
    "explain": ("cmkctl explain", "cmkctl explain CMK210", "cmkctl explain purge", "cmkctl explain key.size"),
    "init": ("cmkctl init", "cmkctl init profiles/prod.yaml"),
    "schema": ("cmkctl schema > profile.schema.json",),
    "completion": (
        'eval "$(cmkctl completion bash)"',
        "cmkctl completion fish > ~/.config/fish/completions/cmkctl.fish",
    ),
    "sandbox run": ("cmkctl sandbox run -- az group list",),
    "sandbox env": ('eval "$(cmkctl sandbox env)"',),
}

_ENVIRONMENT: Final[Mapping[str, str]] = {
    "AZURE_SUBSCRIPTION_ID": "used by profiles that contain ${AZURE_SUBSCRIPTION_ID}",
    "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET": "sign-in of a service principal",
    "HTTPS_PROXY, NO_PROXY": "the proxy, and the hosts without it",
    "REQUESTS_CA_BUNDLE": "certificates to trust, a PEM file",
}
_COLORS: Final = {"NO_COLOR, FORCE_COLOR": "never, or always, print colours"}


class HelpCommand(TyperCommand):
    """A command with the help of this module."""

    def get_help(self, ctx: Any) -> str:
        """Return the help text."""
        return "\n".join(_help(self, ctx))


class HelpGroup(TyperGroup):
    """A group of commands with the help of this module."""

    def get_help(self, ctx: Any) -> str:
        """Return the help text."""
        return "\n".join(_help(self, ctx))


def columns() -> int:
    """Return the columns of the terminal, ``COLUMNS`` or 80, and at least 40."""
    return max(shutil.get_terminal_size().columns, 40)


def _help(command: Any, ctx: Any) -> Iterator[str]:
    width = columns()
    name = ctx.command_path.partition(" ")[2] or "cmkctl"
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.get_params(ctx) if each.param_type_name == "option" and not each.hidden]
    yield from _usage(command, ctx, arguments, width)
    yield ""
    yield from _wrapped(command.help or "", width)
    if isinstance(command, TyperGroup):
        rows = [(key, each.short_help or each.help or "") for key, each in command.commands.items() if not each.hidden]
        yield from _section("Commands", rows, width)
    yield from _section("Arguments", [(_metavar(each), each.help or "") for each in arguments], width)
    titles = dict.fromkeys(["Options", *(each.rich_help_panel or "Options" for each in options)])
    for title in titles:
        group = [each for each in options if (each.rich_help_panel or "Options") == title]
        yield from _section(title, [(_names(each), _described(each)) for each in group], width)
    if examples := _EXAMPLES.get(name):
        yield from ("", "Examples:", *(f"  {each}" for each in examples))
    if environment := _environment(options, arguments):
        yield from _section("Environment", environment, width)
    if name == "cmkctl":
        yield from _section("Exit codes", EXIT_CODES, width)
    yield ""
    more = "Help for a command: cmkctl help COMMAND. " if name == "cmkctl" else ""
    yield from _wrapped(f"{more}Documentation: docs/cli.md in the source repository.", width)


def _usage(command: Any, ctx: Any, arguments: Sequence[Any], width: int) -> Iterator[str]:
    places = [_metavar(each) if each.required else f"[{_metavar(each)}]" for each in arguments]
    words = ["COMMAND", "[OPTIONS]"] if isinstance(command, TyperGroup) else [command.options_metavar, *places]
    text = " ".join(["Usage:", ctx.command_path, *words])
    yield from _wrapped(text, width, "", "  ")


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper()).strip("[]{}")


def _names(option: Any) -> str:
    names = ", ".join(sorted((*option.opts, *option.secondary_opts), key=len))
    if option.is_flag or option.name == "help":
        return names
    return f"{names} {option.metavar or 'VALUE'}"


def _described(option: Any) -> str:
    text = f"{option.help or ''}{' Required.' if option.required else ''}"
    plain = isinstance(option.default, str | int) and not option.is_flag and "Default" not in text
    return f"{text} Default: {option.default}." if plain and option.default != "" else text


def _environment(options: Sequence[Any], arguments: Sequence[Any]) -> list[tuple[str, str]]:
    own = [(each.envvar, f"default for {_metavar(each)}") for each in arguments if each.envvar]
    own += [(each.envvar, f"default for {each.opts[0]}") for each in options if each.envvar]
    connects = any("--auth" in each.opts for each in options)
    shows = any("--no-color" in each.opts for each in options)
    taken = {name for name, _ in own}
    general = [(name, text) for name, text in _ENVIRONMENT.items() if name not in taken]
    return [*own, *(general if connects else ()), *(_COLORS.items() if shows else ())]


def _section(title: str, rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Write a title and a table of terms and texts; a long term gets a separate line."""
    table = list(rows)
    if not table:
        return
    column = min(max(len(term) for term, _ in table) + 4, 26)
    yield from ("", f"{title}:")
    for term, text in table:
        head = f"  {term}"
        lines = _wrapped(text, width, " " * column, " " * column)
        if lines and len(head) + 2 <= column:
            yield head + lines[0][len(head) :]
            yield from lines[1:]
        else:
            yield from (head, *lines)


def _wrapped(text: str, width: int, first: str = "", following: str = "") -> list[str]:
    """Text in lines of at most `width`; names and options are not broken."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
