"""The lines that a conflict offers: pasted into the profile, they settle it. Over every case of the steps that offer some."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml
from support.planning import CASES, STEPS, Case, Documents, at_path, known_from, merged, right

from cmkctl.agreement import _BY_CODE, with_workspace
from cmkctl.plan import Action, Plan, Subject
from cmkctl.profile.agreement import agreement_text
from cmkctl.profile.model import Profile

OFFERED: Final = [
    each
    for each in CASES.values()
    if each.step in ("workspace", "key_vault", "key") and any(change.agreement for change in each.plan())
]


def pasted(case: Case, lines: list[str]) -> Profile:
    """Return the profile of a case with lines of YAML in place of its own."""
    text = merged(right("profile"), case.text.get("profile") or {})
    for section, value in yaml.safe_load("\n".join(lines)).items():
        whole = not isinstance(value, dict) or (section == "key_vault" and "id" in value)
        own = dict(text.get(section) or {}) if not whole else None
        text[section] = value if own is None else {**own, **value}
    return Profile.model_validate(text)


def known_of(case: Case, profile: Profile) -> Any:
    """Return the outputs of the steps before, with the identifier of the key that the profile names now."""
    workspace = case.azure().resource(profile.workspace.resource_id, "") or {}
    used = at_path(workspace, "properties.encryption.keyVaultProperties.keyIdentifier")
    same = f"/keys/{profile.key.name}/".lower() in str(used).lower()
    return known_from({**case.known, **({"key.identifier": used} if case.step == "workspace" and same else {})})


@pytest.mark.parametrize("case", OFFERED, ids=[each.name for each in OFFERED])
def test_the_offered_lines_settle_the_conflicts(case: Case) -> None:
    """No conflict that offered lines is left; the lines are valid in a profile."""
    changes = case.plan()
    offering = {each.code for each in changes if each.agreement}

    profile = pasted(case, agreement_text(Plan(Subject("", "", "", ""), tuple(changes)).agreement))
    step = STEPS[case.step]
    observed = step.observe(Documents(case.documents, case.text.get("denied", ()), profile.cloud), profile)
    left = {
        each.code for each in step.plan(profile, observed, known_of(case, profile)) if each.action is Action.CONFLICT
    }

    assert set() == offering & left


def test_every_conflict_that_a_profile_can_settle_is_offered_lines() -> None:
    """Each code of the table occurs in a case; one without lines would pass the test above unseen."""
    offered = {change.code for case in OFFERED for change in case.plan() if change.agreement}

    assert {"CMK257"} == set(_BY_CODE) - offered


def test_the_reader_of_the_key_is_offered_where_the_workspace_has_that_identity() -> None:
    """A profile takes one of the workspace's identities only."""
    case = CASES["workspace/key_read_by_an_identity"]
    found = case.azure().resource(case.profile.workspace.resource_id, "") or {}
    reader = at_path(found, "properties.encryption.identity.userAssignedIdentity")
    having = {**found, "identity": {"type": "UserAssigned", "userAssignedIdentities": {reader: {}}}}

    assert {} == with_workspace(case.profile, {**found, "identity": {"type": "SystemAssigned"}}, "CMK257")
    assert {"workspace.encryption_identity": reader} == with_workspace(case.profile, having, "CMK257")


@pytest.mark.parametrize(
    ("identifier", "lines"),
    [
        ("https://kv-ml.vault.azure.net/keys/cmk/493652a64a3747f78c15ce6c1b2add88", {"key.recover": True}),
        ("https://kv-ml.vault.azure.net/keys/cmk", {}),
        ("https://kv-other.vault.azure.net/keys/cmk/493652a64a3747f78c15ce6c1b2add88", {}),
        ("https://kv-ml.vault.azure.net/keys/old/493652a64a3747f78c15ce6c1b2add88", {"key.name": "old"}),
    ],
)
def test_only_a_key_that_was_deleted_is_to_be_recovered(identifier: str, lines: Any) -> None:
    """The lines proposed `key.recover: true` for a key without a version, and for one of another vault."""
    case = CASES["workspace/another_key"]
    vault = case.profile.key_vault.resource_id
    key = {"keyVaultArmId": vault, "keyIdentifier": identifier}
    found: Any = {"properties": {"encryption": {"status": "Enabled", "keyVaultProperties": key}}}

    assert lines == with_workspace(case.profile, found, "CMK256")


@pytest.mark.parametrize("identity", [None, {"type": "None"}])
def test_a_workspace_without_an_identity_offers_no_lines(identity: Any) -> None:
    """The lines proposed the identity that the profile had already."""
    case = CASES["workspace/another_key"]
    found: Any = {"identity": identity, "properties": {}}

    assert with_workspace(case.profile, found, "CMK259") == {}
