"""The options that several commands share, each declared once, and what was asked for with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for on the command line, apart from the command itself."""

    profile: Path
    overrides: tuple[str, ...] = ()
    sandbox: bool = False
    state: Path | None = None
    json: bool = False
    auth: str | None = None
    record: Path | None = None
    replay: Path | None = None
    timeout: float | None = None
    report: Path | None = None
    debug: bool = False
    out: Path | None = None


class Auth(StrEnum):
    """The ways of signing in that `--auth` chooses from; left out, azure-identity tries them in its own order."""

    CLI = "cli"
    ENVIRONMENT = "environment"
    MANAGED_IDENTITY = "managed-identity"
    WORKLOAD = "workload"
    DEVICE = "device"
    BROWSER = "browser"


def _duration(text: str) -> float:
    """Seconds from ``90s``, ``45m``, ``1h30m`` or a plain number of seconds."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    if not text or found is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 45m or 1h30m")
    hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


ProfilePath = Annotated[Path, typer.Argument(metavar="PROFILE", help="The profile, a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Override one field of the profile, such as key.size=4096. Repeatable."
    ),
]
SandboxOption = Annotated[
    bool, typer.Option("--sandbox", help="Run against the embedded Azure instead of the real one.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="FILE", help="With --sandbox: where its state is kept.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines on standard output, and nothing else there.")]
AuthOption = Annotated[
    Auth | None, typer.Option("--auth", help="How to sign in. Left out: azure-identity's default chain.")
]
RecordOption = Annotated[
    Path | None, typer.Option("--record", metavar="FILE", help="Write the HTTP exchanges, redacted, to a tape.")
]
ReplayOption = Annotated[
    Path | None, typer.Option("--replay", metavar="FILE", help="Answer from a tape, with no network.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Save the plan; `cmkctl apply FILE` does it, or refuses.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write what was done and every request, redacted, as JSON."),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Say on standard error what goes to Azure and comes back, redacted.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=_duration,
        help="Give up waiting after 90s, 45m or 1h30m. Azure goes on working.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DetailedExitCode = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")]
DetailedOption = Annotated[bool, typer.Option("--requests", help="Also show every request with its body.")]
