"""A grant that has not taken effect yet, on the sandbox, with a clock that does not wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.scenarios import Client, KeptOpen
from support.services import Services

from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import Event
from cmkctl.procedures.encrypt import ENCRYPT
from cmkctl.profile.load import load_profile


def test_the_key_is_sent_again_until_the_grant_takes_effect(
    rehearse: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure refuses the key meanwhile. The identity and the grant are sent once."""
    azure = rehearse(faults=("slow-grant~12",))
    for name, value in azure.running.environment().items():
        monkeypatch.setenv(name, value)
    services = Services(azure, tmp_path)
    account = services.state.add_storage_account("stdata", "rg-ml")
    services.name({"storage_accounts": [{"id": account}]})
    profile = load_profile(services.path, environ={}).profile
    events: list[Event] = []
    session = Client(azure.running, lambda: KeptOpen(azure.running.environment())).session(profile)

    result = apply_plan(session, profile, make_plan(session, profile, ENCRYPT), ENCRYPT, events.append)

    session.close()
    sent = services.writes()
    assert not result.pending
    assert ["PATCH storageAccounts/stdata", "PUT accessPolicies/add"] == sent[:2]
    assert {"PATCH storageAccounts/stdata"} == set(sent[2:])
    assert len(sent) > 3
    assert "Microsoft.Keyvault" == services.document(account)["properties"]["encryption"]["keySource"]
