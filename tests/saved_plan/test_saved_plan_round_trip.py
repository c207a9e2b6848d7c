"""What is saved is what is applied: here, elsewhere, and again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.saved_plan import GROUP, Bench, codes

from cmkctl import __version__
from cmkctl.sandbox import SUBSCRIPTION_ID


def test_what_was_saved_is_what_is_sent(bench: Bench) -> None:
    """Every request of the file, body for body, but for what only exists later; and everything is right at the end."""
    bench.plan()
    approved = bench.document["changes"]

    ran = bench.apply()

    shown = {(each["request"]["method"], each["request"]["path"]) for each in approved if each["request"]}
    sent = {(each.method, each.path) for each in bench.azure.running.writes}
    assert (0, set()) == (ran.code, sent - shown)
    # Registering Microsoft.DocumentDB brings the service principal.
    assert {("POST", "/v1.0/servicePrincipals")} == shown - sent
    assert 16 == ran.of("apply_summary")[0]["verified"]


def test_saving_sends_no_write_and_shows_the_same_plan(bench: Bench) -> None:
    """The file comes on top: standard output is what it is without it."""
    plain = bench.azure("plan", bench.profile)
    saving = bench.azure("plan", bench.profile, "--out", bench.file)

    assert (plain.out, []) == (saving.out, bench.azure.writes())
    first, second = saving.err.splitlines()
    assert f"Saved the plan to {bench.file}. Apply it with:" == first
    assert second.endswith(f"apply {bench.file} --sandbox --state {bench.azure.state}")


def test_the_file_says_what_was_shown(bench: Bench) -> None:
    """The marker first, then who made it and when; each change as the JSON view shows it, unknown values included."""
    lines = bench.azure("plan", bench.profile, "--out", bench.file, "--json")
    document = bench.document

    assert ["cmkctl_plan", "cmkctl", "made_at", "digests"] == list(document)[:4]
    assert (2, __version__, []) == (document["cmkctl_plan"], document["cmkctl"], document["begun"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["made_at"])
    (workspace,) = [each for each in document["changes"] if each["step"] == "workspace"]
    (shown,) = [each for each in lines.of("planned_change") if each["step"] == "workspace"]
    same = ("step", "action", "resource_id", "title", "reason", "irreversible", "costs", "request")
    assert {name: shown[name] for name in same} == {name: workspace[name] for name in same}
    key = workspace["request"]["body"]["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    assert {"$unknown": "key.identifier"} == key


def test_a_script_is_told_the_file_and_its_digests(bench: Bench) -> None:
    """One more JSON line, after the plan."""
    ran = bench.azure("plan", bench.profile, "--out", bench.file, "--json")

    assert {"type": "plan_saved", "file": str(bench.file), "digests": bench.document["digests"]} == ran.lines[-1]


def test_the_digests_tell_what_is_the_same(bench: Bench) -> None:
    """Planned twice: the same. Somebody registers a provider: observed otherwise, of the same profile."""
    bench.plan()
    first = bench.document["digests"]
    bench.plan()
    again = bench.document["digests"]
    bench.azure.running.state.register_provider("Microsoft.Search")
    bench.plan()
    later = bench.document["digests"]

    assert first == again
    assert ["plan", "observations"] == [name for name in first if first[name] != later[name]]


def test_the_file_alone_suffices_on_another_machine(bench: Bench, tmp_path: Path) -> None:
    """No profile, no folder, no environment of the first machine; only the copied file."""
    text = bench.profile.read_text(encoding="utf-8").replace("${AZURE_SUBSCRIPTION_ID}", "${MINE}")
    bench.profile.write_text(text, encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = replace(bench.azure, command=bench.azure.command.within(MINE=SUBSCRIPTION_ID))
    there = replace(bench.azure, command=replace(bench.azure.command, folder=elsewhere, more={}))
    assert 0 == here("plan", bench.profile, "--out", bench.file, "--set", "tags={owner: somebody}").code

    bench.file.rename(elsewhere / "approved")
    bench.profile.unlink()
    ran = there("apply", "approved", "--yes", "--json")

    assert (0, []) == (ran.code, bench.done_twice())
    (group,) = [each.body for each in bench.azure.running.writes if each.path.lower() == GROUP.lower()]
    assert {"owner": "somebody"} == group["tags"]


def test_a_profile_that_changed_since_changes_nothing(bench: Bench) -> None:
    """What was approved is in the file; the profile is not read again."""
    bench.plan()
    bench.profile.write_text("no profile at all", encoding="utf-8")

    assert 0 == bench.apply().code


def test_spaces_and_the_order_of_names_mean_nothing(bench: Bench) -> None:
    """A file that went through jq or an editor is the same plan."""

    def reversed_names(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: reversed_names(value[name]) for name in reversed(value)}
        return [*map(reversed_names, value)] if isinstance(value, list) else value

    bench.plan()
    text = json.dumps(reversed_names(bench.document), indent=7)
    bench.file.write_bytes(b"\xef\xbb\xbf\r\n" + text.replace("\n", "\r\n").encode())

    assert 0 == bench.apply().code


def test_a_plan_with_nothing_to_do_is_saved_and_does_nothing(bench: Bench) -> None:
    """Nobody has to be asked for it, and the file stays as it is."""
    assert 0 == bench.azure("apply", bench.profile, "--yes").code
    written = bench.azure.writes()
    bench.plan("--detailed-exitcode")
    before = bench.file.read_bytes()

    ran = bench.azure("apply", bench.file)

    assert (0, written, before) == (ran.code, bench.azure.writes(), bench.file.read_bytes())


def test_the_exit_code_still_says_whether_there_are_changes(bench: Bench) -> None:
    """2 for changes when asked for, saved all the same."""
    ran = bench.azure("plan", bench.profile, "--out", bench.file, "--detailed-exitcode")

    assert (2, 1) == (ran.code, bench.document["cmkctl_plan"])


def test_an_existing_file_is_replaced(bench: Bench) -> None:
    """Readable by its owner only, and with nothing left beside it."""
    bench.file.write_text("of yesterday", encoding="utf-8")
    bench.plan()

    beside = {each.name for each in bench.file.parent.iterdir()}
    assert (0o600, 1) == (bench.file.stat().st_mode & 0o777, bench.document["cmkctl_plan"])
    assert {"azure", "mine.yaml", "plan.json"} == beside


def test_a_link_stays_a_link(bench: Bench, tmp_path: Path) -> None:
    """The file that it leads to is the one that is written, by plan and by apply."""
    real = tmp_path / "kept" / "real.json"
    real.parent.mkdir()
    real.touch()
    bench.file.symlink_to(real)
    bench.plan()

    assert 0 == bench.apply().code
    assert bench.file.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8"))["begun"]


def test_apply_needs_a_yes_for_a_saved_plan_too(bench: Bench) -> None:
    """Whoever saved it was asked nothing yet."""
    bench.plan()

    ran = bench.azure("apply", bench.file, "--json")

    assert (64, ["CMK010"], []) == (ran.code, codes(ran), bench.azure.writes())


def test_a_saved_plan_can_be_recorded(bench: Bench, tmp_path: Path) -> None:
    """The other options mean what they mean for a profile."""
    bench.plan()

    ran = bench.apply("--record", str(tmp_path / "tape.json"))

    assert (0, True) == (ran.code, (tmp_path / "tape.json").exists())
