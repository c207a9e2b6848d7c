"""``cmkctl doctor``: each check with its remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from cmkctl.cli.doctor_checks import allowed, checks
from cmkctl.views.shown import CheckState

QUICK = "quickstart.yaml"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = ["Proxy", "Certificates", "Sign-in", "Tenant", "Subscription", "Clock", "Permissions"]


def test_a_working_environment_has_no_failed_check(azure: Any, profiles: Path) -> None:
    """In the order in which a request passes them; the sandbox does not list rights, which is no failure."""
    ran = azure("doctor", profiles / QUICK, "--json")

    found = {each["name"]: each["state"] for each in ran.of("check")}
    assert (0, NAMES, []) == (ran.code, list(found), azure.writes())
    assert {"ok"} == {state for name, state in found.items() if name != "Permissions"}


def test_a_wrong_secret_is_a_failed_check_with_a_remedy(azure: Any, profiles: Path) -> None:
    """1, and the checks behind it are left out."""
    command = azure.command.within(**{**azure.running.environment(), "AZURE_CLIENT_SECRET": "wrong-and-private"})

    ran = command("doctor", profiles / QUICK, "--auth", "environment")

    assert 1 == ran.code
    assert "✗ Sign-in: " in ran.out
    assert "  → " in ran.out
    assert ("Subscription" in ran.out, "wrong-and-private" in ran.out) == (False, False)


def opened(
    *,
    name: str = "ML",
    state: str = "Enabled",
    ahead: int = 0,
    permissions: list[dict[str, Any]] | None = None,
) -> Any:
    """Return a run whose Azure answers so."""

    def follow(url: str) -> Any:
        if "Microsoft.Authorization" not in url:
            headers: dict[str, str] = {"Date": format_datetime(NOW - timedelta(seconds=ahead), usegmt=True)}
            document: dict[str, Any] = {"displayName": name, "state": state}
        elif permissions is None:
            raise ResourceNotFoundError
        else:
            headers, document = {}, {"value": permissions}
        return SimpleNamespace(http_response=SimpleNamespace(headers=headers, json=lambda: document))

    session = SimpleNamespace(
        credential=SimpleNamespace(get_token=lambda _scope: SimpleNamespace(token="not-a-jwt")),
        endpoints=SimpleNamespace(arm="https://arm", arm_scope="scope"),
        clock=SimpleNamespace(now=lambda: NOW),
        follow=follow,
    )
    profile = SimpleNamespace(
        subscription="s", resource_group="rg", key_vault=SimpleNamespace(authorization="rbac"), tenant=None
    )
    return SimpleNamespace(session=session, profile=profile)


def found(**azure: Any) -> dict[str, Any]:
    """Return the checks by name."""
    return {each.name: each for each in checks(opened(**azure))}


@pytest.mark.parametrize(
    ("name", "azure", "state"),
    [
        ("Clock", {"ahead": 2}, CheckState.OK),
        ("Clock", {"ahead": -400}, CheckState.FAILED),
        ("Clock", {"ahead": 400}, CheckState.FAILED),
        ("Subscription", {"state": "Disabled"}, CheckState.FAILED),
        ("Permissions", {}, CheckState.UNKNOWN),
        ("Permissions", {"permissions": [{"actions": ["*"], "notActions": []}]}, CheckState.OK),
        (
            "Permissions",
            {"permissions": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}]},
            CheckState.FAILED,
        ),
        ("Permissions", {"permissions": [{"actions": ["*/read"], "notActions": []}]}, CheckState.FAILED),
    ],
)
def test_each_check_has_its_result(name: str, azure: dict[str, Any], state: CheckState) -> None:
    """An unknown result is shown as unknown; a failed or unknown one has a remedy."""
    check = found(**azure)[name]

    assert (state, state is not CheckState.OK) == (check.state, bool(check.remedy))


def test_a_proxy_or_a_bundle_that_cannot_work_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable that has it."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://localhost:1080")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")

    proxy, bundle = (found()[each] for each in ("Proxy", "Certificates"))

    assert [CheckState.FAILED] * 2 == [proxy.state, bundle.state]
    assert ("HTTPS_PROXY" in proxy.found, "REQUESTS_CA_BUNDLE" in bundle.remedy) == (True, True)


@pytest.mark.parametrize(
    ("actions", "excluded", "expected"),
    [
        (["*"], [], True),
        (["microsoft.keyvault/vaults/*"], [], True),
        (["Microsoft.KeyVault/*/read"], [], False),
        (["*"], ["Microsoft.KeyVault/vaults/write"], False),
        ([], [], False),
    ],
)
def test_rights_are_compared_as_azure_does(actions: list[str], excluded: list[str], expected: bool) -> None:
    """Without case, with ``*``, an exclusion beats an action of the same entry."""
    assert expected is allowed("Microsoft.KeyVault/vaults/write", [{"actions": actions, "notActions": excluded}])
