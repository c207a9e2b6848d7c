"""The command line: parse, make options, one call, an exit code. Only the command that runs is imported.

Exit codes are those of docs/output.md; Click's own code for a usage error is 2, ours is 64, so that a typo is never read as
drift (docs/adr/0005-exit-codes.md).
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn

import typer
from typer.exceptions import TyperException

from cmkctl.cli.exits import DONE, FAILED, INTERRUPTED, USAGE

ARGUMENTS: Final[ContextVar[Sequence[str]]] = ContextVar("arguments", default=())
"""What stood on the command line, behind the name of the program."""

PROGRAM: Final[ContextVar[Sequence[str]]] = ContextVar("program", default=("cmkctl",))
"""What stood before that: how this program was started, and can be started again."""

_COMMANDS: Final = {
    "plan": "Show what would be done. Sends no write.",
    "apply": "Do it. Asks first on a terminal, needs --yes elsewhere.",
    "verify": "Check that everything is still as asked for. Sends no write.",
    "init": "Write a commented profile to start from.",
    "schema": "Print the JSON Schema of profiles.",
    "explain": "Explain a diagnostic code.",
    "sandbox": "Run and use the embedded Azure.",
    "version": "Print the version.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code. Never raises for anything a user can cause."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if arguments[0] == "--version":
        arguments[0] = "version"
    ARGUMENTS.set(tuple(arguments))
    try:
        # A command returns its exit code; typer.Exit, raised by --help and the like, comes back as its code.
        code = int(_app(arguments)(arguments, prog_name="cmkctl", standalone_mode=False) or DONE)
        if code == DONE:
            sys.stdout.flush()  # a command that nobody could hear is not done
    except TyperException as error:
        return _usage_error(error, arguments)
    except typer.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED  # whoever read our output has gone; nothing can be said to them any more
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback is for a user
        return _defect(error)
    else:
        return code


def run_and_exit() -> NoReturn:
    """Run the process's command line and end the process: at once after an interruption, whatever Azure still owes."""
    _mend_streams()
    PROGRAM.set(_started(sys.argv, sys.orig_argv))
    code = main()
    if not _flushed() or code == INTERRUPTED:
        # Requests under way are waited for by nobody: Python would, for as long as Azure takes to answer. And it would
        # complain of what cannot be written.
        os._exit(code or FAILED)
    sys.exit(code)


def _flushed() -> bool:
    """Whether everything that was said reached those who listen; they may have gone, with the terminal for instance."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return False
    return True


def _mend_streams() -> None:
    """Make both streams such that writing to them fails neither for what they are closed to nor for their encoding."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us: ``>&-``
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _started(arguments: Sequence[str], typed: Sequence[str]) -> tuple[str, ...]:
    """What to type to start this program again: its name where the shell finds it by that, else what was typed."""
    script = Path(arguments[0])
    if script.name == "__main__.py":  # python -m cmkctl
        return tuple(typed[: len(typed) - len(arguments) + 1])
    found = shutil.which(script.name)
    return (script.name if found and script.samefile(found) else str(script),)


def _defect(error: Exception) -> int:
    """Tell of an error that nobody expected, in a command that has no run of its own."""
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - hardly ever
    from cmkctl.cli.reporting import defect  # noqa: PLC0415 - see above
    from cmkctl.views import make_view  # noqa: PLC0415 - see above
    from cmkctl.views.redacting import RedactingView  # noqa: PLC0415 - see above

    view = make_view(json=False, stdout=sys.stdout, stderr=sys.stderr)
    RedactingView(Redactor.for_display(os.environ), view).diagnostics([defect(error)])
    return FAILED


def _app(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that is wanted, and the names and purposes of the others."""
    wanted = next((each for each in arguments if not each.startswith("-")), "")
    app = typer.Typer(
        help="Azure Machine Learning workspaces encrypted with a customer-managed key, created correctly.",
        epilog="Exit codes: 0 done · 1 failed · 2 changes or drift · 3 refused · 64 wrong usage or profile · 130 interrupted",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, purpose in _COMMANDS.items():
        if name == wanted:
            _add(app, name, purpose)
        else:
            app.command(name, short_help=purpose)(_not_loaded)
    return app


def _add(app: typer.Typer, name: str, purpose: str) -> None:
    module: Any = importlib.import_module(f"cmkctl.cli.{name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name, help=purpose, short_help=purpose)
    else:
        app.command(name, help=purpose, short_help=purpose)(module.command)


def _not_loaded() -> None:
    """Stand in for a command that this run does not need."""


def _usage_error(error: TyperException, arguments: Sequence[str]) -> int:
    command = next((each for each in arguments if each in _COMMANDS), "")
    about = f"cmkctl {command}".rstrip()
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - a right command line needs it later, or never

    redactor = Redactor.for_display(os.environ)
    message = redactor.text(error.format_message() or "a command is missing")
    sys.stderr.write(f"error: {message}\n  → see: {about} --help\n")
    return USAGE
