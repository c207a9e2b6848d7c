"""Values go through the file unchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmkctl.plan import Action, AttributeChange, Change, Plan, Request, Subject, Unknown
from cmkctl.procedures.create import CREATE
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.saved_plan import LoadedPlan, load, save

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ENVIRON = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID, "COSMOS_DB_OBJECT_ID": SUBSCRIPTION_ID}
EXAMPLES = sorted((Path(__file__).parents[2] / "profiles").glob("*.yaml"))
SMALL: dict[str, Any] = {
    "subscription": SUBSCRIPTION_ID,
    "location": "eastus2",
    "resource_group": "rg",
    "key_vault": {"name": "kv-cmk"},
    "key": {"name": "cmk"},
    "workspace": {"name": "mlw", "high_business_impact": False, "encryption": "in-subscription"},
}
RICH: dict[str, Any] = SMALL | {
    "tenant": SUBSCRIPTION_ID,
    "key_vault": {"name": "kv-cmk", "network": {"default_action": "Deny", "ip_rules": ["203.0.113.0/24"]}},
    "key": {
        "name": "cmk",
        "expires": "2031-01-31T10:00:00+02:00",
        "rotation_policy": {"rotate_after": "P1Y", "expires_after": "P2Y"},
    },
    "associated_resources": {"key_vault": "same", "container_registry": {}},
    "tags": {"$unknown": "key.identifier", "naïve": "ünï\u2028", "a.b": ""},
}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
UNKNOWNS = st.builds(Unknown, st.sampled_from(["key", "key_vault"]), st.sampled_from(["identifier", "uri"]))
NAMES = st.text(max_size=6) | st.sampled_from(["$unknown", "$$unknown", "$"])
VALUES = st.recursive(
    SCALARS | UNKNOWNS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def through_the_file(profile: Profile, *changes: Change) -> LoadedPlan:
    """Save a plan and load it again."""
    subject = Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id)
    with TemporaryDirectory() as folder:
        path = Path(folder, "plan.json")
        save(path, Plan(subject, changes, observed="o"), profile, CREATE, MOMENT, sandbox=True)
        loaded = load(path, environ={})
    assert isinstance(loaded, LoadedPlan)
    return loaded


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda each: each.stem)
def test_every_example_profile_comes_back_as_it_was(path: Path) -> None:
    """Variables are filled in and what it extends is in it; the values are the same."""
    profile = load_profile(path, environ=ENVIRON).profile

    assert profile.model_dump() == through_the_file(profile).profile.model_dump()


@pytest.mark.parametrize("values", [SMALL, RICH], ids=["small", "rich"])
def test_a_profile_comes_back_as_it_was(values: dict[str, Any]) -> None:
    """Dates, lists, unions, and names that look like the file's own."""
    profile = Profile.model_validate(values)

    assert profile.model_dump() == through_the_file(profile).profile.model_dump()


@given(before=VALUES, after=VALUES, body=st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_change_comes_back_as_it_was(before: Any, after: Any, body: dict[str, Any]) -> None:
    """Whatever is in its attributes and in its request; what is not known yet stays so, and nothing else becomes so."""
    change = Change(
        "key",
        Action.CREATE,
        "/id",
        "key",
        "cmk",
        "does not exist",
        attributes=(AttributeChange("a", before, after, irreversible=True),),
        irreversible=("gone",),
        costs=("much",),
        depends_on=("/x",),
        request=Request("PUT", "/id", "2024-01-01", body, "graph.microsoft.com"),
        may_result_from=("/y",),
    )

    assert (change,) == through_the_file(Profile.model_validate(SMALL), change).saved.changes
