"""Derived names."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from cmkctl.profile.derived_names import DerivedName, digest
from cmkctl.profile.section import Nameable
from cmkctl.profile.sections.associated.application_insights import ApplicationInsightsSettings
from cmkctl.profile.sections.associated.log_analytics import LogAnalyticsSettings
from cmkctl.profile.sections.associated.registry import ContainerRegistrySettings
from cmkctl.profile.sections.associated.storage import StorageAccountSettings
from cmkctl.profile.sections.associated.vault import WorkspaceVaultSettings

WORKSPACES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}", fullmatch=True)
RULES: dict[type[Nameable], str] = {
    StorageAccountSettings: r"[a-z0-9]{3,24}",
    WorkspaceVaultSettings: r"(?=.{3,24}$)[a-zA-Z](?!.*--)[a-zA-Z0-9-]*[a-zA-Z0-9]",
    LogAnalyticsSettings: r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    ApplicationInsightsSettings: r"[A-Za-z0-9-]{1,260}",
    ContainerRegistrySettings: r"[a-zA-Z0-9]{5,50}",
}


def _derived(section: type[Nameable]) -> DerivedName:
    assert section.derived
    return section.derived


@given(WORKSPACES, st.text(max_size=20), st.text(max_size=20))
def test_derived_names_are_legal_for_every_legal_workspace(workspace: str, subscription: str, group: str) -> None:
    """Azure's rule of each type holds, whatever the workspace is called."""
    suffix = digest(subscription, group, workspace)

    for section, rule in RULES.items():
        name = _derived(section).of(workspace, suffix)
        assert re.fullmatch(rule, name), name


def test_derived_names_never_change() -> None:
    """A release that derived another name would make every associated resource anew."""
    suffix = digest("11112222-3333-4444-5555-666677778888", "rg-ml", "mlw-prod")

    assert [_derived(section).of("mlw-prod", suffix) for section in RULES] == [
        "stmlwprod30cc56d1",
        "kv-mlw-prod-30cc56d1",
        "log-mlw-prod-30cc56d1",
        "appi-mlw-prod-30cc56d1",
        "crmlwprod30cc56d1",
    ]


def test_the_digest_has_no_regard_to_case() -> None:
    """Azure compares groups and subscriptions without case, so the names must not differ either."""
    assert digest("AB", "RG", "Mlw") == digest("ab", "rg", "mlw")


def test_workspaces_that_differ_in_group_get_other_names() -> None:
    """Two of the same name do not collide."""
    assert digest("s", "rg-1", "mlw") != digest("s", "rg-2", "mlw")
