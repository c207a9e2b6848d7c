"""The commands that show something without connecting to Azure: ``validate`` and ``show``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cmkctl import codes
from cmkctl.azure.redaction import Redactor
from cmkctl.cli.exits import DONE, USAGE
from cmkctl.cli.options import STANDARD_STREAM, Options
from cmkctl.diagnostics import CmkctlError, Diagnostic, Location, ProfileError, Severity
from cmkctl.facts import RulePolicy
from cmkctl.plan import Plan, Subject
from cmkctl.profile.load import validate_profile
from cmkctl.saved_plan import LoadedPlan, load
from cmkctl.views import View, make_view
from cmkctl.views.redacting import RedactingView
from cmkctl.views.shown import DiagnosticsShown, PlanShown, ProfileValid, RunContext, RunEnded


def validate(options: Options) -> int:
    """Show the problems of a profile. Returns the exit code."""
    view = _view(options)
    policy = RulePolicy(frozenset(options.ignore), options.strict)
    found = validate_profile(options.path, options.overrides, os.environ)
    # An invalid profile stays invalid; only warnings follow the operator's choices.
    found = [each if each.severity is Severity.ERROR else policy.applied_to(each) for each in found]
    view.show(DiagnosticsShown(tuple(found)))
    if any(each.severity is Severity.ERROR for each in found):
        return _ended(view, USAGE)
    view.show(ProfileValid(str(options.path)))
    return _ended(view, DONE)


def show(options: Options) -> int:
    """Show a saved plan. Returns the exit code."""
    view = _view(options)
    try:
        with _readable(options.path) as path:
            loaded = load(path, environ=os.environ)
        if not isinstance(loaded, LoadedPlan):
            raise ProfileError(_not_a_plan(options.path))
    except CmkctlError as error:
        view.show(DiagnosticsShown(error.diagnostics))
        return _ended(view, USAGE)
    profile, saved = loaded.profile, loaded.saved
    subject = Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id)
    view.show(RunContext(sandbox=bool(saved.document.get("sandbox"))))
    view.show(PlanShown(Plan(subject, saved.changes), detailed=options.requests))
    return _ended(view, DONE)


def _view(options: Options) -> View:
    color = False if options.no_color else None
    inner = make_view(json=options.json, stdout=sys.stdout, stderr=sys.stderr, color=color)
    return RedactingView(Redactor.for_display(os.environ), inner)


def _ended(view: View, code: int) -> int:
    view.show(RunEnded(code))
    return code


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """Return the file, or a copy of standard input for ``-``."""
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
