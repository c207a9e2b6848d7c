"""``cmkctl show``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from cmkctl import codes
from cmkctl.cli.exits import DONE, USAGE
from cmkctl.cli.options import STANDARD_STREAM
from cmkctl.diagnostics import CmkctlError, Diagnostic, Location, ProfileError


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A plan that `cmkctl plan --out` saved. `-` is standard input.")
    ],
    requests: Annotated[bool, typer.Option("--requests", help="Also show every request with its body.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON lines to standard output.")] = False,
) -> int:
    """Show a saved plan without connecting to Azure."""
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - --help needs none of them
    from cmkctl.plan import Plan, Subject  # noqa: PLC0415
    from cmkctl.saved_plan import LoadedPlan, load  # noqa: PLC0415
    from cmkctl.views import make_view  # noqa: PLC0415
    from cmkctl.views.redacting import RedactingView  # noqa: PLC0415
    from cmkctl.views.shown import DiagnosticsShown, PlanShown, RunContext, RunEnded  # noqa: PLC0415

    view = RedactingView(Redactor.for_display(os.environ), make_view(json=json, stdout=sys.stdout, stderr=sys.stderr))
    code = DONE
    try:
        with _readable(file) as path:
            loaded = load(path, environ=os.environ)
        if not isinstance(loaded, LoadedPlan):
            raise ProfileError(_not_a_plan(file))
        profile, saved = loaded.profile, loaded.saved
        subject = Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id)
        view.show(RunContext(sandbox=bool(saved.document.get("sandbox"))))
        view.show(PlanShown(Plan(subject, saved.changes), detailed=requests))
    except CmkctlError as error:
        view.show(DiagnosticsShown(error.diagnostics))
        code = USAGE
    view.show(RunEnded(code))
    return code


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """The file, or a copy of standard input for ``-``."""
    if file != STANDARD_STREAM:
        yield file
        return
    with TemporaryDirectory(prefix="cmkctl-") as folder:
        copy = Path(folder, "standard-input.json")
        copy.write_bytes(sys.stdin.buffer.read())
        yield copy


def _not_a_plan(file: Path) -> Diagnostic:
    detail = f"{file} is a profile, not a saved plan."
    return codes.CMK008.error(
        detail, f"Show what it would change with: cmkctl plan {file}", location=Location(str(file))
    )
