"""The run of ``cmkctl posture``: from its options to a survey shown."""

from __future__ import annotations

import os
from dataclasses import replace

from cmkctl import codes
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.ids import group_id
from cmkctl.cli.connection import Target
from cmkctl.cli.exits import CHANGES, DONE, INCOMPLETE
from cmkctl.cli.options import Options
from cmkctl.cli.run import Opened, Run, run, run_at
from cmkctl.cli.targets import subscriptions_of, workspace_named
from cmkctl.diagnostics import ProfileError
from cmkctl.expectations import Expectations, judge, load, of_profile, remarks, unmet
from cmkctl.posture import Survey, Verdict
from cmkctl.procedures.posture import survey
from cmkctl.profile.model import Profile
from cmkctl.saved_plan import load_only_profile
from cmkctl.survey.scope import Scope
from cmkctl.views.shown import DiagnosticsShown, Locate, PostureShown


def show_posture(options: Options) -> int:
    """Survey what the command line names, compare it with what is expected, and show both. Returns the exit code."""
    if options.surveyed is not None:
        return run(options, _of_profile, load_only_profile)
    asked: list[tuple[Scope, Expectations | None]] = []

    def target() -> Target:
        _check_ways(options)
        scope = _scope(options)
        asked.append((scope, _expected(options)))
        return Target(options.cloud, scope.subscriptions[0])

    return run_at(options, lambda opened: _show(opened, *asked[0]), target)


def _of_profile(opened: Run) -> int:
    _check_ways(opened.options)
    expectations = _expected(opened.options) or of_profile(opened.loaded)
    scope = replace(scope_of(opened.profile), deep=_deep(opened.options))
    return _show(opened, scope, expectations, opened.loaded.locate)


def _expected(options: Options) -> Expectations | None:
    return None if options.expect is None else load(options.expect, os.environ)


def scope_of(profile: Profile) -> Scope:
    """Return the scope of a profile: its workspace, and what the profile names beside it."""
    named = tuple(each.settings.id for each in profile.services.entries)
    return Scope((profile.subscription,), (profile.workspace.resource_id,), named=named)


def _check_ways(options: Options) -> None:
    """Raise ProfileError (CMK008) where several options name what to survey, and for one that would have no effect."""
    ways = {
        "PROFILE": options.surveyed is not None,
        "--workspace": options.workspace is not None,
        "--resource-group": options.surveyed_group is not None,
    }
    given = [each for each, used in ways.items() if used]
    several = bool(options.subscriptions) and options.surveyed_group is None
    given += ["--subscription"] if several and given else []
    if len(given) > 1:
        detail = f"{' and '.join(given)} each name what to survey."
        raise ProfileError(codes.CMK008.error(detail, "Give one of them; none surveys the whole subscription."))
    if options.overrides and options.surveyed is None:
        detail = "--set overrides a field of a profile, and no PROFILE is given."
        raise ProfileError(codes.CMK008.error(detail, "Give the PROFILE, or remove --set."))
    if options.cloud is not Cloud.AZURE and options.surveyed is not None:
        detail = "PROFILE and --cloud each name a cloud."
        raise ProfileError(codes.CMK008.error(detail, "Remove --cloud; the profile's field cloud counts."))


def _scope(options: Options) -> Scope:
    deep = _deep(options)
    if options.workspace is not None:
        workspace = workspace_named(options.workspace)
        return Scope((workspace.subscription.lower(),), (str(workspace),), deep=deep, required=True)
    subscriptions = tuple(subscriptions_of(options, os.environ))
    if options.surveyed_group is None:
        return Scope(subscriptions, deep=deep)
    if len(subscriptions) > 1:
        detail = "--resource-group names a group in one subscription, and several are given."
        raise ProfileError(codes.CMK008.error(detail, "Give --subscription once."))
    return Scope(subscriptions, resource_group=group_id(subscriptions[0], options.surveyed_group), deep=deep)


def _deep(options: Options) -> bool | None:
    return True if options.deep else None


def _show(opened: Opened, scope: Scope, expectations: Expectations | None, locate: Locate | None = None) -> int:
    """Survey, compare and show. `locate` finds places in the profile, where there is one."""
    found = survey(opened.session.snapshot(), scope)
    opened.show_context()
    single, evidence = len(found.workspaces) <= 1, opened.options.evidence
    if expectations is None:
        opened.show(PostureShown(found, single, evidence, locate))
        return _seen(opened, found)
    judged = judge(found, expectations, found.at.date())
    opened.show(PostureShown(judged, single, evidence, expectations.locate))
    remarked = remarks(judged, expectations, found.at.date())
    opened.show(DiagnosticsShown(remarked))
    if unmet(judged):
        return CHANGES
    return _seen(opened, found, missing=any(each.code == codes.CMK714.id for each in remarked))


def _seen(opened: Opened, found: Survey, *, missing: bool = False) -> int:
    """Return the exit code of a survey without a difference: with ``--strict`` 4 where something was not visible.

    `missing` is True where a resource of the expectations was not found.
    """
    hidden = any(each.posture.verdict is Verdict.NOT_VISIBLE for each in found.assessments)
    return INCOMPLETE if opened.options.complete and (found.unseen or hidden or missing) else DONE
