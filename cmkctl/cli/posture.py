"""``cmkctl posture``."""

from __future__ import annotations

from cmkctl.cli.options import CONNECTING, REPORTING, SURVEY_FILES, Options, takes


@takes("profile", *CONNECTING, *REPORTING, *SURVEY_FILES, "evidence")
def command(options: Options) -> int:
    """Show who holds the key of each resource that the profile names under services. Changes nothing."""
    from cmkctl.cli.exits import DONE  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.cli.run import Run, run  # noqa: PLC0415 - see above
    from cmkctl.procedures.posture import assess  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above
    from cmkctl.views.shown import PostureShown  # noqa: PLC0415 - see above

    def body(opened: Run) -> int:
        survey = assess(opened.session.snapshot(), opened.profile)
        opened.show_context()
        opened.show(PostureShown(survey, evidence=options.evidence))
        return DONE

    return run(options, body, load_only_profile)
