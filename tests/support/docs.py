"""Documentation that runs: sessions in ``console`` blocks, and the pages that are generated.

``python tests/support/docs.py`` brings every generated page and every shown output up to date.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cmkctl import cli
from cmkctl.sandbox.coverage_page import page
from cmkctl.services.reference import reference as services_reference

ROOT = Path(__file__).parents[2]
SESSION_PAGES = (
    "README.md",
    "docs/tutorial.md",
    "docs/a-year.md",
    "docs/associated-resources.md",
    "docs/grants.md",
    "docs/architectures.md",
    "docs/before-you-apply.md",
)
_SANDBOX = (
    "serve",
    "env",
    "run",
    "reset",
    "log",
    "faults",
    "clock",
    "principal add",
    "policy add",
    "policy list",
    "policy clear",
)
_NAMES = [each for each in cli.COMMANDS if each != "sandbox"]
COMMANDS = ("", *_NAMES, "sandbox", *(f"sandbox {each}" for each in _SANDBOX))

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
_VOLATILE = re.compile(r"\b[0-9a-f]{32}\b|\b(?!c0ffee)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Command:
    """One command of a page: what is typed, the output shown for it ("" for none), and its line in the page."""

    typed: str
    shown: str
    line: int


def commands(text: str) -> list[Command]:
    """Return the commands of every ``console`` block of a page, in order."""
    found = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        found += _commands_of(block[1].splitlines(), line)
    return found


def _commands_of(lines: list[str], first: int) -> list[Command]:
    found: list[Command] = []
    until = ""
    for number, line in enumerate(lines, first):
        if until:
            last = found.pop()
            found.append(Command(f"{last.typed}\n{line}", "", last.line))
            until = "" if line == until else until
        elif line.startswith("$ "):
            found.append(Command(line[2:], "", number))
            opened = _HERE_DOCUMENT.search(line)
            until = opened[1] if opened else ""
        else:
            last = found.pop()
            found.append(Command(last.typed, f"{last.shown}{line}\n", last.line))
    return found


def fresh_checkout(folder: Path) -> Path:
    """Return a copy of what a clone holds, in an empty folder."""
    checkout = folder / "cmkctl"
    for name in ("README.md", "pyproject.toml", "cmkctl", "profiles", "docs"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            checkout.mkdir(exist_ok=True)
            shutil.copy(source, checkout / name)
    return checkout


def run(typed: list[str], folder: Path, programs: Path | None = None) -> list[str]:
    """Run commands one after another in one shell, in a fresh checkout under `folder`; the output of each.

    `programs` is a folder whose programs come first.
    """
    checkout = fresh_checkout(folder)
    mark = "@@ end of command @@"
    keep = f"__end() {{ local code=$?; echo '{mark}'; return $code; }}"
    script = "\n".join([keep, "exec 2>&1", *(f"{each}\n__end" for each in typed)])
    unwanted = ("AZURE_", "ARM_", "CMKCTL_", "XDG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {
        "PATH": os.pathsep.join(
            [*([str(programs)] if programs else []), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
        "HOME": str(folder),
        "COLUMNS": "80",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(checkout),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    return done.stdout.split(f"{mark}\n")[: len(typed)]


def matches(shown: str, output: str) -> bool:
    """Whether an output is what a page shows: ``…`` stands for anything in a line, alone on a line for any lines."""
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += "[^\n]*".join(map(re.escape, line.split("…"))) + r"[ \t]*\n"
    return re.fullmatch(pattern, output) is not None


def command_line_reference() -> str:
    """docs/cli.md: the help of every command at 80 columns."""
    parts = [
        "# The command line",
        "",
        "Generated from `cmkctl COMMAND --help`. [output.md](output.md) describes the output and the exit codes.",
        "",
    ]
    for command in COMMANDS:
        name = f"cmkctl {command}".rstrip()
        parts += [f"## `{name}`", "", "```text", _help(command).rstrip(), "```", ""]
    return "\n".join(parts)


def _help(command: str) -> str:
    called = [sys.executable, "-m", "cmkctl", *command.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    return subprocess.run(called, env=environment, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def sandbox() -> str:
    """docs/sandbox.md, whose tables are made from the declarations of the sandbox's modules; the rest is written."""
    return page((ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8"))


def rules() -> str:
    """Return docs/rules.md: every code, and the answer to every known failure."""
    sys.path.insert(0, str(ROOT / "tests"))  # as a script, this file has only its own folder on the path
    from support.failures import rules_page  # noqa: PLC0415 - see above

    return rules_page()


GENERATED = {
    "docs/rules.md": rules,
    "docs/cli.md": command_line_reference,
    "docs/sandbox.md": sandbox,
    "docs/services.md": services_reference,
}


def _refreshed(text: str, folder: Path) -> str:
    """Return a page with the outputs of today. Outputs that hold an ellipsis are left to a person, and named."""
    listed = commands(text)
    for command, output in zip(listed, run([each.typed for each in listed], folder), strict=True):
        if not command.shown or matches(command.shown, output):
            continue
        if "…" in command.shown:
            sys.stderr.write(f"line {command.line}: {command.typed}: change by hand, the output is now\n{output}\n")
        else:
            old, new = f"$ {command.typed}\n{command.shown}", f"$ {command.typed}\n{_VOLATILE.sub('…', output)}"
            text = text.replace(old, new, 1)
    return text


def main() -> None:
    """Bring every generated page and every shown output up to date."""
    environment = {**os.environ, "UPDATE_DOCS": "1", "CMKCTL_UPDATE_GOLDENS": "1"}
    makers = ("tests/profile/test_profile_reference.py", "tests/views/test_views_docs.py")
    subprocess.run([sys.executable, "-m", "pytest", "-q", *makers], cwd=ROOT, env=environment, check=False)
    for name, make in GENERATED.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
    for name in SESSION_PAGES:
        page = ROOT / name
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(_refreshed(page.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
