"""`cmkctl sandbox log`: the requests that the sandbox received, as a table, as JSON lines, or as HAR for the usual viewers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cmkctl.cli.sandbox_options import StateOption, fail, notify

if TYPE_CHECKING:
    from cmkctl.sandbox.core.requestlog import LoggedRequest

COLUMNS = "status       time  method what, and with which api-version"


def log(
    state: StateOption = None,
    writes: Annotated[bool, typer.Option("--writes", help="Only requests that may have changed something.")] = False,
    last: Annotated[int | None, typer.Option("--last", help="Only the newest N requests.", metavar="N", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with headers and bodies.")] = False,
    har: Annotated[
        Path | None,
        typer.Option("--har", help="Write HTTP Archive 1.2 to FILE, for browsers' developer tools.", metavar="FILE"),
    ] = None,
) -> None:
    """Print the requests that the sandbox received, oldest first. Secrets are redacted."""
    from cmkctl.sandbox import default_state_path  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core.requestlog import read_file  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core.store import Files  # noqa: PLC0415  commands load lazily

    path = (state or default_state_path()).expanduser().absolute()
    entries = [entry for entry in read_file(Files(path).log) if entry.is_write or not writes]
    entries = entries[-last:] if last else entries
    if har is not None:
        _write_har(har, entries)
    elif as_json:
        for entry in entries:
            typer.echo(entry.line())
    else:
        if sys.stdout.isatty():
            notify(COLUMNS)
        for entry in entries:
            typer.echo(_row(entry))


def _write_har(target: Path, entries: list["LoggedRequest"]) -> None:
    import json  # noqa: PLC0415  commands load lazily

    from cmkctl import __version__  # noqa: PLC0415  commands load lazily
    from cmkctl.files import write_whole  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core.har import document  # noqa: PLC0415  commands load lazily

    try:
        write_whole(target, json.dumps(document(entries, __version__), indent=1))
    except OSError as problem:
        fail(f"Cannot write {target}: {problem.strerror or problem}")
    notify(f"Wrote {len(entries)} requests to {target}")


def _row(entry: "LoggedRequest") -> str:
    status = "lost" if entry.dropped else f"{entry.status or '-'}"
    millis = f"{entry.duration * 1000:7.1f} ms"
    return f"{status:6} {millis}  {entry.method:6} {entry.host}{entry.path}  {entry.api_version}".rstrip()
