"""The workspaces of subscriptions: what rows show of them, which use a key, and what may be missing."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from support.estate import VERSION, put, workspace
from support.scenarios import ProfileVariant, ScenarioBuilder

from cmkctl.azure.az_cli import subscription_of_az
from cmkctl.cli.options import Options
from cmkctl.cli.targets import subscriptions_of
from cmkctl.diagnostics import ProfileError
from cmkctl.listing import ListedWorkspace
from cmkctl.posture import Verdict
from cmkctl.procedures.listing import Found, list_workspaces, workspaces_of
from cmkctl.sandbox import SUBSCRIPTION_ID

KEY: Final = "https://kv-ml.vault.azure.net/keys/cmk"
OTHER: Final = "c0ffee00-0000-4000-8000-000000000009"
HUB: Final = workspace("hub", key=f"{KEY}/{VERSION}", vault="/v", kind="Hub")
PROJECT: Final = workspace("project", kind="Project", properties={"hubResourceId": HUB["id"].upper()})
PLAIN: Final = workspace("plain", kind="FeatureStore", location="westus3")
OLD: Final = workspace("old", key=f"{KEY}/{'f' * 32}", vault="/v", properties={"enableServiceSideCMKEncryption": True})


def test_rows_become_workspaces() -> None:
    """With the words of profiles. A project has the key and the architecture of its hub."""
    hub, project, plain, old = workspaces_of([HUB, PROJECT, PLAIN, OLD])

    assert hub == ListedWorkspace(
        HUB["id"], "hub", "eastus2", Verdict.CUSTOMER, "in-subscription", KEY, VERSION, "", "Succeeded", True
    )
    assert ("inherited", "in-subscription", KEY, VERSION, HUB["id"].upper()) == (
        project.verdict.value,
        project.architecture,
        project.key,
        project.key_version,
        project.hub,
    )
    assert ("feature-store", "westus3", Verdict.MICROSOFT, "", "", False) == (
        plain.kind,
        plain.location,
        plain.verdict,
        plain.architecture,
        plain.key,
        plain.high_business_impact,
    )
    assert ("default", "service-side") == (old.kind, old.architecture)


def test_a_project_whose_hub_has_no_row_has_no_known_key() -> None:
    """It is not taken for one with Microsoft's key; what a row does not show is empty."""
    (found,) = workspaces_of(
        [{"id": PROJECT["id"], "type": PROJECT["type"], "kind": "Project", "properties": {"hubResourceId": "/hub"}}]
    )

    assert (Verdict.INHERITED, "", "/hub", None, "") == (
        found.verdict,
        found.key,
        found.hub,
        found.high_business_impact,
        found.provisioning_state,
    )


# --- the sandbox


def listed(builder: ScenarioBuilder, key: str = "", *subscriptions: str) -> Found:
    """List the workspaces of the sandbox."""
    session = builder.client().session(ProfileVariant().profile())
    try:
        return list_workspaces(session.snapshot(), subscriptions or (SUBSCRIPTION_ID,), key)
    finally:
        session.close()


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("", ["hub", "old", "plain", "project"]),
        (KEY, ["hub", "old", "project"]),
        (f"{KEY.upper().replace('HTTPS', 'https').replace('/KEYS/', '/keys/')}/{VERSION}", ["hub", "project"]),
        (f"{KEY}-2", []),
    ],
)
def test_a_key_selects_the_workspaces_that_use_it(builder: ScenarioBuilder, key: str, names: list[str]) -> None:
    """With a version, those that use this version. Names are compared without their casing."""
    builder.running.reset()
    put(builder.running.state, HUB, PROJECT, PLAIN, OLD)

    found = listed(builder, key)

    assert (names, ()) == ([each.name for each in found.workspaces], found.diagnostics)


def test_a_subscription_that_may_not_be_read_as_a_whole_is_named(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resource Graph answers without a notice: also for a subscription of which nothing may be read."""
    state = builder.running.state
    builder.running.reset()
    put(state, HUB, workspace("hidden", "rg-others"))
    state.add_subscription(OTHER)
    for name, value in state.add_client("reader", "Reader", HUB["id"].partition("/providers/")[0]).items():
        monkeypatch.setenv(name, value)

    found = listed(builder, "", SUBSCRIPTION_ID, OTHER)

    assert ["hub"] == [each.name for each in found.workspaces]
    assert [("CMK681", f"/subscriptions/{each}") for each in (SUBSCRIPTION_ID, OTHER)] == [
        (each.code, each.subject) for each in found.diagnostics
    ]


# --- which subscription


def options(*subscriptions: str, sandbox: bool = False) -> Options:
    """Return the options of a command line."""
    return Options(subscriptions=[*subscriptions], sandbox=sandbox)


def test_options_come_before_the_environment_and_az(tmp_path: Any) -> None:
    """Each subscription once. The sandbox has nothing to do with az's account."""
    rows = [{"id": "other", "isDefault": False}, {"id": OTHER, "isDefault": True}]
    text = f"\ufeff{json.dumps({'subscriptions': rows})}"  # az writes a byte order mark
    (tmp_path / "azureProfile.json").write_text(text, encoding="utf-8")
    az = {"AZURE_CONFIG_DIR": str(tmp_path)}

    assert [OTHER] == subscriptions_of(options(OTHER.upper(), OTHER), {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID})
    assert [SUBSCRIPTION_ID] == subscriptions_of(options(), {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID, **az})
    assert [OTHER] == subscriptions_of(options(), az)
    with pytest.raises(ProfileError, match="CMK680"):
        subscriptions_of(options(sandbox=True), az)


@pytest.mark.parametrize("text", ["", "[]", '{"subscriptions": [{"isDefault": true}]}', '{"subscriptions": [1]}', "{"])
def test_a_file_of_az_in_another_form_names_none(tmp_path: Any, text: str) -> None:
    """It is az's own, and may change."""
    (tmp_path / "azureProfile.json").write_text(text, encoding="utf-8")

    assert "" == subscription_of_az({"AZURE_CONFIG_DIR": str(tmp_path)})


def test_a_name_is_no_subscription() -> None:
    """The id is needed in every request."""
    with pytest.raises(ProfileError, match="CMK008"):
        subscriptions_of(options("ml-production"), {})
