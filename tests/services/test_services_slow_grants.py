"""A grant that has not taken effect yet, on the sandbox, with a clock that does not wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.scenarios import Client, KeptOpen
from support.services import KEY, Services

from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import Event
from cmkctl.procedures.encrypt import ENCRYPT
from cmkctl.profile.load import load_profile


@pytest.mark.parametrize(
    ("section", "add", "key"),
    [
        ("storage_accounts", "add_storage_account", "encryption"),
        ("log_analytics_clusters", "add_log_cluster", "keyVaultProperties"),
    ],
)
def test_the_key_is_sent_again_until_the_grant_takes_effect(
    rehearse: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, add: str, key: str
) -> None:
    """Azure refuses the key meanwhile. The identity and the grant are sent once."""
    azure = rehearse(faults=("slow-grant~12",))
    for name, value in azure.running.environment().items():
        monkeypatch.setenv(name, value)
    services = Services(azure, tmp_path)
    resource = getattr(services.state, add)("data", "rg-ml")
    services.name({section: [{"id": resource}]})
    profile = load_profile(services.path, environ={}).profile
    events: list[Event] = []
    session = Client(azure.running, lambda: KeptOpen(azure.running.environment())).session(profile)

    result = apply_plan(session, profile, make_plan(session, profile, ENCRYPT), ENCRYPT, events.append)

    session.close()
    sent = [each for each in services.writes() if each != f"PATCH {resource.split('/')[-2]}/data"]
    keys = [each for each in services.writes() if each not in sent]
    assert not result.pending
    assert ["PUT accessPolicies/add"] == sent
    assert len(keys) > 2
    assert KEY in str(services.document(resource)["properties"][key])
