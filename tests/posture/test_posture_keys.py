"""The posture of a resource beside the states of its keys: it is judged by the version that it uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from cmkctl.posture import KeyState, KeyVersion, Part, Posture, Verdict
from cmkctl.survey.keys import KeyAnswer, is_older, judged, state_of, versions_of

KEY: Final = "https://kv.vault.azure.net/keys/cmk"
OTHER: Final = "https://kv.vault.azure.net/keys/other"
OLD, NEW = "0" * 32, "f" * 32
VAULT: Final = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"


def key(*older: KeyVersion, enabled: bool | None = True) -> dict[str, KeyState]:
    """Return the state of the key, with some older versions."""
    return {KEY: KeyState(KEY, VAULT, NEW, enabled, older=older)}


def uses(version: str, verdict: Verdict = Verdict.CUSTOMER, identifier: str = KEY, *parts: Part) -> Posture:
    """Return the posture of a resource that uses a version."""
    return Posture(verdict, "a key is set", key=identifier, key_version=version, parts=parts)


@pytest.mark.parametrize(
    ("states", "version", "verdict"),
    [
        (key(enabled=False), NEW.upper(), Verdict.CUSTOMER_UNUSABLE),
        (key(enabled=False), "", Verdict.CUSTOMER_UNUSABLE),
        (key(KeyVersion(OLD, enabled=True), enabled=False), OLD, Verdict.CUSTOMER),
        (key(KeyVersion(OLD, enabled=False)), OLD, Verdict.CUSTOMER_UNUSABLE),
        (key(KeyVersion(OLD, enabled=False)), NEW, Verdict.CUSTOMER),
        (key(KeyVersion(OLD, enabled=True, expires=datetime(1999, 1, 1, tzinfo=UTC))), OLD, Verdict.CUSTOMER),
        (key(KeyVersion(OLD, reason="you may not read it")), OLD, Verdict.CUSTOMER),
        (key(KeyVersion(OLD, reason="the vault shows no such version", absent=True)), OLD, Verdict.CUSTOMER),
        (key(), OLD, Verdict.CUSTOMER),
        ({KEY: KeyState(KEY, VAULT, reason="the key may not be read")}, OLD, Verdict.CUSTOMER),
        ({}, OLD, Verdict.CUSTOMER),
    ],
)
def test_a_resource_is_judged_by_its_version(states: dict[str, KeyState], version: str, verdict: Verdict) -> None:
    """An expiry alone changes no verdict: services differ in what an expired version means to them."""
    found = judged(uses(version), states, "v")

    assert verdict is found.verdict
    assert (verdict is Verdict.CUSTOMER) == (found.evidence == ())


@pytest.mark.parametrize("verdict", [Verdict.NOT_KNOWABLE, Verdict.NOT_VISIBLE, Verdict.RETIRED])
def test_another_verdict_stays(verdict: Verdict) -> None:
    """A disabled key makes nothing known."""
    assert verdict is judged(uses(NEW, verdict), key(enabled=False), "v").verdict


def test_a_part_that_cannot_use_its_key_makes_the_whole_unusable() -> None:
    """A database with a key of its own, for example: its server can use its key."""
    server = uses(NEW, Verdict.CUSTOMER, KEY, Part("db", uses(OLD, identifier=OTHER)), Part("master", uses(NEW)))
    states = {**key(), OTHER: KeyState(OTHER, VAULT, NEW, True, older=(KeyVersion(OLD, enabled=False),))}

    found = judged(server, states, "v")

    assert Verdict.CUSTOMER_UNUSABLE is found.verdict
    assert "the key of db cannot be used" in found.reason
    assert [Verdict.CUSTOMER_UNUSABLE, Verdict.CUSTOMER] == [each.posture.verdict for each in found.parts]


def test_the_state_of_a_key_has_the_older_versions_in_use() -> None:
    """Those of other keys are left out, and those that were left unread are shown as unread."""
    document = {"properties": {"keyUriWithVersion": f"{KEY}/{NEW}", "attributes": {"enabled": True}}}
    disabled = {"properties": {"keyUriWithVersion": f"{KEY}/{OLD}", "attributes": {"enabled": False, "exp": "soon"}}}
    unread, denied, absent = "1" * 32, "2" * 32, "3" * 32
    answers = {
        KEY: KeyAnswer(document),
        f"{KEY}/{OLD}": KeyAnswer(disabled),
        f"{KEY}/{denied}": KeyAnswer(None, "you may not read it"),
        f"{KEY}/{absent}": KeyAnswer(None),
    }
    named = [f"{KEY}/{each}" for each in (NEW, OLD, unread, denied, absent)]

    found = state_of(KEY, VAULT, answers, [*named, f"{OTHER}/{OLD}"])

    assert found.older == (
        KeyVersion(OLD, enabled=False),
        KeyVersion(unread, reason="the version was not read"),
        KeyVersion(denied, reason="you may not read it"),
        KeyVersion(absent, reason="the vault shows no such version", absent=True),
    )
    assert [is_older(each, answers) for each in (*named[:2], f"{OTHER}/{OLD}")] == [False, True, None]
    assert False is is_older(f"{KEY}/{OLD}", {KEY: KeyAnswer(None)})


def test_only_versions_that_can_be_requested_are_named() -> None:
    """A key that is no identifier is left out; a part is looked at as well."""
    whole = uses(NEW, Verdict.CUSTOMER, "cmk", Part("db", uses(OLD.upper(), identifier=OTHER)))

    assert {f"{OTHER}/{OLD}": None} == versions_of([whole, uses(""), Posture(Verdict.MICROSOFT, "")])
