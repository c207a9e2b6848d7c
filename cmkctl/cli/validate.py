"""``cmkctl validate``."""

from __future__ import annotations

import os
import sys

from cmkctl.cli.exits import DONE, USAGE
from cmkctl.cli.options import Options, takes


@takes("profile", "overrides", "ignore", "strict", "json", "no_color")
def command(options: Options) -> int:
    """Check a profile without connecting to Azure: fields, values, names, limits, dates."""
    from cmkctl.azure.redaction import Redactor  # noqa: PLC0415 - --help needs none of them
    from cmkctl.diagnostics import Severity  # noqa: PLC0415
    from cmkctl.facts import RulePolicy  # noqa: PLC0415
    from cmkctl.profile.load import validate_profile  # noqa: PLC0415
    from cmkctl.views import make_view  # noqa: PLC0415
    from cmkctl.views.redacting import RedactingView  # noqa: PLC0415
    from cmkctl.views.shown import DiagnosticsShown, ProfileValid, RunEnded  # noqa: PLC0415

    color = False if options.no_color else None
    inner = make_view(json=options.json, stdout=sys.stdout, stderr=sys.stderr, color=color)
    view = RedactingView(Redactor.for_display(os.environ), inner)
    policy = RulePolicy(frozenset(options.ignore), options.strict)
    found = validate_profile(options.path, options.overrides, os.environ)
    found = [each if each.severity is Severity.ERROR else policy.applied_to(each) for each in found]
    view.show(DiagnosticsShown(tuple(found)))
    code = USAGE if any(each.severity is Severity.ERROR for each in found) else DONE
    if code == DONE:
        view.show(ProfileValid(str(options.path)))
    view.show(RunEnded(code))
    return code
