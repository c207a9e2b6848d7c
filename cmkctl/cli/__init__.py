"""The command line: from the arguments to one command and its exit code. Only the command that runs is imported.

Exit codes are those of docs/output.md. Click's code for a usage error is 2, ours is 64, so that a typo is never read as drift
(docs/adr/0005-exit-codes.md).
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn

import typer
from typer.exceptions import TyperException

from cmkctl.cli.exits import DONE, FAILED, INTERRUPTED, USAGE
from cmkctl.cli.help import HelpCommand, HelpGroup

ARGUMENTS: Final[ContextVar[Sequence[str]]] = ContextVar("arguments", default=())
"""The command line, without the name of the program."""

PROGRAM: Final[ContextVar[Sequence[str]]] = ContextVar("program", default=("cmkctl",))
"""The words that start this program again."""

COMMANDS: Final = {
    "plan": "Show what would change, without changing anything.",
    "apply": "Apply a profile or a saved plan. Prompts on a terminal; requires --yes otherwise.",
    "verify": "Check that Azure still matches the profile. Changes nothing.",
    "status": "Show a workspace, its key, who may use it, and what is due.",
    "list": "List the workspaces of a subscription with their keys.",
    "rotate": "Move the workspace to a new version of its key. Prompts on a terminal; requires --yes otherwise.",
    "revoke": "Take the workspace's access to its key away. Prompts for its name on a terminal.",
    "restore": "Restore the access that revoke took away.",
    "destroy": "Delete the workspace and what cmkctl created for it.",
    "recover": "Recover what is soft-deleted of the profile's names.",
    "import": "Write the profile of a workspace that exists.",
    "encrypt": "Put the key on the resources that the profile names under services.",
    "posture": "Show who holds the key of each resource around workspaces.",
    "validate": "Check a profile without connecting to Azure.",
    "show": "Show a saved plan without connecting to Azure.",
    "doctor": "Check sign-in, network and permissions.",
    "init": "Write a profile to start from. Asks on a terminal.",
    "schema": "Print the JSON Schema of profiles.",
    "explain": "Explain a code of cmkctl or Azure, a topic or a profile field.",
    "sandbox": "Run and use the sandbox, an embedded Azure for demos, tests and rehearsals.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}
_GROUPS: Final = (["sandbox"], ["sandbox", "principal"], ["sandbox", "policy"])
_VERSION: Final = ("-V", "--version")


def main(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one return for each outcome
    """Run a command line and return its exit code. Never raises for anything a user can cause."""
    arguments = _normalized(list(sys.argv[1:] if argv is None else argv))
    ARGUMENTS.set(tuple(arguments))
    try:
        if arguments == ["version"]:
            # At once: typer imports pydantic to call a command.
            return int(importlib.import_module("cmkctl.cli.version").command())
        if misplaced := _misplaced(arguments):
            return complain(misplaced, arguments)
        # A command returns its exit code; typer.Exit, raised by --help and the like, comes back as its code.
        code = int(application(arguments)(arguments, prog_name="cmkctl", standalone_mode=False) or DONE)
        if code == DONE:
            sys.stdout.flush()  # output that was not delivered is a failure
    except TyperException as error:
        return _usage_error(error, arguments)
    except (typer.Abort, KeyboardInterrupt, _Interrupted):
        sys.stderr.write("\nInterrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED  # the reader of our output has gone
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback is for a user
        return _defect(error)
    else:
        return code


def _normalized(arguments: list[str]) -> list[str]:
    """Replace ``help``, ``-V`` and groups without a command by the options that they stand for."""
    if not arguments or arguments == ["help"]:
        return ["--help"]
    if arguments[0] in _VERSION:
        return ["version", *arguments[1:]]
    if arguments[0] == "help":
        return [*arguments[1:], "--help"]
    return [*arguments, "--help"] if arguments in _GROUPS else arguments


class _Interrupted(BaseException):
    """Ctrl-C before or after a run. Unlike KeyboardInterrupt, typer lets it pass."""


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise _Interrupted


def run_and_exit() -> NoReturn:
    """Run the process's command line and end the process: at once after an interruption, whatever is still in progress."""
    signal.signal(signal.SIGINT, _interrupt)
    _prepare_streams()
    PROGRAM.set(_started(sys.argv, sys.orig_argv))
    code = main()
    if not _flushed() or code == INTERRUPTED:
        # Python would wait for the threads of requests in progress, and complain about closed streams.
        os._exit(code or FAILED)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left that needs an orderly end
    sys.exit(code)


def _flushed() -> bool:
    """Return True when all output was delivered; the terminal may be closed, for instance."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return False
    return True


def _prepare_streams() -> None:
    """Make writing to both streams safe: when they are closed, and whatever their encoding."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the parent process: ``>&-``
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _started(arguments: Sequence[str], typed: Sequence[str]) -> tuple[str, ...]:
    """Return the words that start this program again: its name if the shell finds it, else the typed words."""
    script = Path(arguments[0])
    if script.name == "__main__.py":  # python -m cmkctl
        return tuple(typed[: len(typed) - len(arguments) + 1])
    found = shutil.which(script.name)
    return (script.name if found and script.samefile(found) else str(script),)


def _defect(error: Exception) -> int:
    """Show an unexpected error in a command without a run of its own."""
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - hardly ever
    from cmkctl.cli.reporting import defect  # noqa: PLC0415 - see above
    from cmkctl.views import make_view  # noqa: PLC0415 - see above
    from cmkctl.views.redacting import RedactingView  # noqa: PLC0415 - see above
    from cmkctl.views.shown import DiagnosticsShown  # noqa: PLC0415 - see above

    view = make_view(json=False, stdout=sys.stdout, stderr=sys.stderr)
    RedactingView(Redactor.for_display(os.environ), view).show(DiagnosticsShown((defect(error),)))
    return FAILED


def application(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the requested command, and placeholders for all others."""
    wanted = next((each for each in arguments if not each.startswith("-")), "")
    app = typer.Typer(
        cls=HelpGroup,
        help="Create Azure Machine Learning workspaces encrypted with a customer-managed key, and check that they stay so.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, purpose in COMMANDS.items():
        if name == wanted:
            _add(app, name, purpose)
        else:
            app.command(name, short_help=purpose, cls=HelpCommand)(_not_loaded)
    if wanted == _COMPLETE:
        _add(app, wanted, "")
    return app


_COMPLETE: Final = "complete"
"""The hidden command behind the completion scripts."""


_MODULES: Final = {"import": "importing", "list": "listing"}
"""The modules of commands whose name cannot be that of a module here: a keyword, or the name of a built-in function."""


def _add(app: typer.Typer, name: str, purpose: str) -> None:
    module: Any = importlib.import_module(f"cmkctl.cli.{_MODULES.get(name, name)}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name, help=purpose, short_help=purpose, cls=HelpGroup)
    else:
        hidden = name == _COMPLETE
        app.command(name, help=purpose, short_help=purpose, cls=HelpCommand, hidden=hidden)(module.command)


def _not_loaded() -> None:
    """Stand in for a command that this run does not need."""


def _misplaced(arguments: Sequence[str]) -> str:
    """Return the message about an empty argument, or an option before the command; empty without one."""
    if "" in arguments and "--" not in arguments:
        return "An argument is empty: a shell variable in the command may not be set."
    if not arguments[0].startswith("-") or arguments[0] in ("-h", "--help"):
        return ""
    from cmkctl.cli.hints import before_the_command  # noqa: PLC0415 - only for an error

    return before_the_command(arguments, COMMANDS)


def _usage_error(error: TyperException, arguments: Sequence[str]) -> int:
    context: Any = getattr(error, "ctx", None)
    # An option without its value is noticed before there is a context of the command.
    named = f"cmkctl {arguments[0]}" if arguments and arguments[0] in COMMANDS else ""
    path = context.command_path if context else named
    return complain(error.format_message() or "a command is missing", arguments, path)


def _plain(message: str, arguments: Sequence[str]) -> str:
    """Return the message without wording of the libraries. Names an environment variable only if the value came from it."""
    named = re.search(r"'(-[\w-]+)' \(env var: '\w+'\)", message)
    if named and any(each.partition("=")[0] == named[1] for each in arguments):
        message = message.replace(named[0], f"'{named[1]}'")
    for theirs, ours in _OURS:
        message = re.sub(theirs, ours, message)
    return message


_OURS: Final = (
    (r"Value error, ", ""),
    (r"Input should be (?:less|greater) than or equal to (\d+)", r"the limit is \1"),
    (r"Input should be a valid integer.*|.* is not a valid int(?:eger)?\b.*", "expected a whole number"),
)
"""Words of the libraries, and the ones in their place."""


def complain(message: str, arguments: Sequence[str], path: str = "", remedy: str = "") -> int:
    """Show a usage error, as JSON lines when ``--json`` is among the arguments. Returns the exit code."""
    from cmkctl import codes  # noqa: PLC0415 - see above
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - a right command line needs it later, or never
    from cmkctl.cli.hints import hint, without_suggestions  # noqa: PLC0415 - see above
    from cmkctl.views import make_view  # noqa: PLC0415 - see above
    from cmkctl.views.shown import DiagnosticsShown, RunEnded  # noqa: PLC0415 - see above

    redactor = Redactor.for_display(os.environ)
    text = redactor.text(without_suggestions(_plain(message, arguments)))
    command = path or "cmkctl"
    remedies = [redactor.text(each) for each in (remedy, *hint(message, command)) if each]
    remedy = "\n".join([*remedies, f"See: {command} --help"])
    view = make_view(json="--json" in arguments, stdout=sys.stdout, stderr=sys.stderr)
    view.show(DiagnosticsShown((codes.CMK008.error(text, remedy),)))
    view.show(RunEnded(USAGE))
    return USAGE
