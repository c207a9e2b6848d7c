"""The main paths, replayed from tapes without a network. `python tests/recordings/record.py` records them anew."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from record import SCENES, SUBSCRIPTION, Scene
from support.scenarios import is_write

from cmkctl.azure.tape import Tape

APPLY = next(each for each in SCENES if each.command == "apply")
PLANS = [each for each in SCENES if each.command == "plan"]
NEW = PLANS[0]


@pytest.fixture
def offline(cmkctl: Any) -> Any:
    """Provide a command line with only a subscription id, and a proxy on which any connection is an error."""
    return cmkctl.within(AZURE_SUBSCRIPTION_ID=SUBSCRIPTION, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="")


def writes_on(scene: Scene) -> list[tuple[str, str, str]]:
    """Return the writes on a tape: method, path and canonical body."""
    requests = [each.request for each in Tape.load(scene.path).exchanges]
    return sorted(
        (each.method, urlsplit(each.url).path, json.dumps(each.body, sort_keys=True))
        for each in requests
        if is_write(each.method, each.url)
    )


def shown_by(lines: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """Return the bodies that a plan shows, by method and path."""
    requests = [each["request"] for each in lines if each["request"]]
    return {(each["method"], each["path"]): each["body"] for each in requests}


def fits(shown: Any, sent: Any) -> bool:
    """Return True if the sent body is the shown one; an unknown value may have become anything."""
    if isinstance(shown, dict) and shown.keys() == {"$unknown"}:
        return True
    if isinstance(shown, dict):
        return isinstance(sent, dict) and shown.keys() == sent.keys() and all(fits(shown[k], sent[k]) for k in shown)
    if isinstance(shown, list):
        return isinstance(sent, list) and len(shown) == len(sent) and all(map(fits, shown, sent))
    return bool(shown == sent)


@pytest.mark.parametrize("scene", SCENES, ids=lambda each: each.tape)
def test_a_tape_replays_to_its_end_without_a_network(offline: Any, scene: Scene) -> None:
    """The same requests as recorded: no miss, and nothing is left over (CMK503)."""
    ran = offline(*scene.arguments, "--replay", scene.path, "--json")

    assert 0 == ran.code
    assert [] == [each["code"] for each in ran.of("diagnostic") if each["code"] in ("CMK503", "CMK504")]


@pytest.mark.parametrize("scene", PLANS, ids=lambda each: each.tape)
def test_a_plan_is_the_same_on_every_replay_and_wrote_nothing(offline: Any, scene: Scene) -> None:
    """And on its tape there is no write."""
    runs = [offline(*scene.arguments, "--replay", scene.path) for _ in range(2)]

    assert runs[0] == runs[1]
    assert [] == writes_on(scene)


def test_what_the_plan_of_a_tape_shows_is_what_the_apply_of_a_tape_sent(offline: Any) -> None:
    """Two recordings of the same beginning: the dry run, and the real one, body for body."""
    planned = offline(*NEW.arguments, "--replay", NEW.path, "--json").of("planned_change")
    shown = shown_by(planned)

    sent = writes_on(APPLY)

    assert [] == [
        path for method, path, body in sent if not fits(shown.get((method, path), "never shown"), json.loads(body))
    ]
    assert {("POST", "/v1.0/servicePrincipals")} >= shown.keys() - {(method, path) for method, path, _ in sent}


def test_a_replayed_apply_waits_for_nothing_and_ends_with_its_outputs(offline: Any) -> None:
    """The delays on the tape are over when it is replayed."""
    ran = offline(*APPLY.arguments, "--replay", APPLY.path, "--json")

    (summary,) = ran.of("apply_summary")
    (outputs,) = ran.of("outputs")
    assert f"/subscriptions/{SUBSCRIPTION}/" in outputs["workspace_id"]
    assert "workspaceOperationsStatus" in APPLY.path.read_text(encoding="utf-8")
    assert [] == [each for each in ran.of("apply_complete") if each["seconds"] > summary["seconds"]]


def test_a_converged_set_up_is_all_no_op(offline: Any) -> None:
    """Each with its reason."""
    scene = next(each for each in PLANS if each.tape == "converged-plan")

    changes = offline(*scene.arguments, "--replay", scene.path, "--json").of("planned_change")

    assert {"no-op"} == {each["action"] for each in changes}
    assert [] == [each["title"] for each in changes if not each["reason"]]


def test_an_existing_vault_gets_protection_and_nothing_else(offline: Any) -> None:
    """A PATCH with one property, shown as irreversible; the policies of others are not in any request."""
    scene = next(each for each in PLANS if each.tape == "existing-vault-plan")

    changes = offline(*scene.arguments, "--replay", scene.path, "--json").of("planned_change")

    (vault,) = [each for each in changes if each["step"] == "key_vault"]
    assert ("PATCH", {"properties": {"enablePurgeProtection": True}}) == (
        vault["request"]["method"],
        vault["request"]["body"],
    )
    assert vault["irreversible"]
    assert "f001" not in json.dumps([each["request"] for each in changes])


def test_another_profile_is_a_miss_that_shows_the_difference(offline: Any) -> None:
    """The tape is of another workspace: CMK504, with the path that differs; nothing is sent over a network."""
    ran = offline(*NEW.arguments, "--set", "workspace.name=mlw-tampered", "--replay", NEW.path)

    assert 1 == ran.code
    assert ("CMK504" in ran.err, "--- recorded" in ran.err, "tampere" in ran.err) == (True, True, True), ran.err


def test_another_body_is_a_miss_that_shows_the_line(offline: Any) -> None:
    """The same names, another key size: the write is refused before it is answered."""
    ran = offline(*APPLY.arguments, "--set", "key.size=4096", "--replay", APPLY.path)

    assert 1 == ran.code
    assert ("CMK504" in ran.err, '"keySize": 4096' in ran.err, '"keySize": 3072' in ran.err) == (True, True, True), (
        ran.err
    )


def test_unused_exchanges_are_reported(offline: Any) -> None:
    """A plan played from the tape of an apply leaves the rest: CMK503, a warning."""
    ran = offline(*NEW.arguments, "--replay", APPLY.path, "--json")

    (warning,) = [each for each in ran.of("diagnostic") if each["code"] == "CMK503"]
    assert (0, "warning") == (ran.code, warning["severity"])


@pytest.mark.parametrize("scene", SCENES, ids=lambda each: each.tape)
def test_no_secret_is_on_a_tape_and_it_is_small(scene: Scene) -> None:
    """Neither the sandbox's secret, nor its client id, nor a token, nor a path of the machine it was made on."""
    text = scene.path.read_text(encoding="utf-8")

    secrets = ["not-a-secret", "eyJ", "Bearer", "00000000c11e", "authorization:", "/" + "work/", "/" + "home/"]
    assert [] == [each for each in secrets if each in text]
    assert len(text) < 500_000
