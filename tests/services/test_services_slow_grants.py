"""A grant that has not taken effect yet, on the sandbox, with a clock that does not wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.scenarios import Client, KeptOpen
from support.services import KEY, Services

from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import Event, Waiting
from cmkctl.procedures.encrypt import ENCRYPT
from cmkctl.profile.load import load_profile


@pytest.mark.parametrize(
    ("section", "add", "key"),
    [
        ("storage_accounts", "add_storage_account", "encryption"),
        ("log_analytics_clusters", "add_log_cluster", "keyVaultProperties"),
        ("cosmos_db_accounts", "add_cosmos_account", "keyVaultKeyUri"),
        ("mysql_servers", "add_mysql_server", "dataEncryption"),
    ],
)
def test_the_key_is_sent_again_until_the_grant_takes_effect(
    rehearse: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, add: str, key: str
) -> None:
    """Each service has its own words; Azure Cosmos DB may leave the account as Failed. Identity and grant are sent once."""
    azure = rehearse(faults=("slow-grant~12",))
    for name, value in azure.running.environment().items():
        monkeypatch.setenv(name, value)
    services = Services(azure, tmp_path)
    resource = getattr(services.state, add)("data", "rg-ml")
    user = {"identity": services.state.add_identity("id-data", "rg-ml")} if section == "mysql_servers" else {}
    services.name({section: [{"id": resource, **user}]})
    profile = load_profile(services.path, environ={}).profile
    resent: list[Event] = []

    def emit(event: Event) -> None:
        if isinstance(event, Waiting) and "sent again" in event.what:
            resent.append(event)
            if key == "keyVaultKeyUri":
                services.document(resource)["properties"]["provisioningState"] = "Failed"

    session = Client(azure.running, lambda: KeptOpen(azure.running.environment())).session(profile)
    session.emit = emit

    result = apply_plan(session, profile, make_plan(session, profile, ENCRYPT), ENCRYPT, emit)

    session.close()
    sent = [each.split()[0] for each in services.writes()]
    assert not result.pending
    assert 1 == sent.count("PUT")
    assert sent.index("PUT") < 2
    assert resent
    assert KEY in str(services.document(resource)["properties"][key])
