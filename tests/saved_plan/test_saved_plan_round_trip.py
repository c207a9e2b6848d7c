"""The saved plan is what is applied: here, on another machine, and again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.saved_plan import GROUP, Bench, errors

from cmkctl import __version__
from cmkctl.sandbox import SUBSCRIPTION_ID


def test_the_saved_requests_are_sent(bench: Bench) -> None:
    """Every write of an apply is in the file, and everything is verified at the end."""
    bench.plan()
    approved = bench.document["changes"]

    ran = bench.apply()

    shown = {(each["request"]["method"], each["request"]["path"]) for each in approved if each["request"]}
    sent = {(each.method, each.path) for each in bench.azure.running.writes}
    assert (0, set()) == (ran.code, sent - shown)
    # Registering Microsoft.DocumentDB creates the service principal.
    assert {("POST", "/v1.0/servicePrincipals")} == shown - sent
    assert 16 == ran.of("apply_summary")[0]["verified"]


def test_saving_shows_the_same_plan_without_writes(bench: Bench) -> None:
    """Standard output is the same with and without a file, and so are the notes; the hint keeps the flags."""
    plain = bench.azure("plan", bench.profile)
    saving = bench.azure("plan", bench.profile, "--out", bench.file)

    assert (plain.out, []) == (saving.out, bench.azure.writes())
    assert saving.err.startswith(plain.err.rstrip())
    first, second = saving.err.removeprefix(plain.err.rstrip()).strip().splitlines()
    assert f"Saved the plan to {bench.file}. Apply it with:" == first
    assert second.endswith(f"apply {bench.file} --sandbox --state {bench.azure.state}")


def test_the_file_contains_what_was_shown(bench: Bench) -> None:
    """The file has the marker first, then its origin, and each change as in the JSON view, unknown values included."""
    lines = bench.azure("plan", bench.profile, "--out", bench.file, "--json")
    document = bench.document

    assert ["cmkctl_plan", "cmkctl", "made_at", "digests"] == list(document)[:4]
    assert (3, __version__, [], True) == tuple(document[each] for each in ("cmkctl_plan", "cmkctl", "begun", "sandbox"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["made_at"])
    (workspace,) = [each for each in document["changes"] if each["step"] == "workspace"]
    (shown,) = [each for each in lines.of("planned_change") if each["step"] == "workspace"]
    same = ("step", "action", "resource_id", "reason", "irreversible", "costs", "request")
    assert shown["title"] == f"{workspace['kind']} {workspace['name']}"
    assert {name: shown[name] for name in same} == {name: workspace[name] for name in same}
    key = workspace["request"]["body"]["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    assert {"$unknown": "key.identifier"} == key


def test_json_names_the_file_and_its_digests(bench: Bench) -> None:
    """The line plan_saved has the file and its digests."""
    ran = bench.azure("plan", bench.profile, "--out", bench.file, "--json")

    (line,) = ran.of("plan_saved")
    assert (str(bench.file), bench.document["digests"]) == (line["file"], line["digests"])


def test_equal_plans_have_equal_digests(bench: Bench) -> None:
    """A second plan has the same digests; another state of Azure changes those of plan and observations."""
    bench.plan()
    first = bench.document["digests"]
    bench.plan()
    again = bench.document["digests"]
    bench.azure.running.state.register_provider("Microsoft.Search")
    bench.plan()
    later = bench.document["digests"]

    assert first == again
    assert ["plan", "observations"] == [name for name in first if first[name] != later[name]]


def test_the_file_is_sufficient_on_another_machine(bench: Bench, tmp_path: Path) -> None:
    """An apply needs no profile, folder or environment of the first machine."""
    text = bench.profile.read_text(encoding="utf-8").replace("${AZURE_SUBSCRIPTION_ID}", "${MINE}")
    bench.profile.write_text(text, encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = replace(bench.azure, command=bench.azure.command.within(MINE=SUBSCRIPTION_ID))
    there = replace(bench.azure, command=replace(bench.azure.command, folder=elsewhere, more={}))
    assert 0 == here("plan", bench.profile, "--out", bench.file, "--set", "tags={owner: someone}").code

    bench.file.rename(elsewhere / "approved")
    bench.profile.unlink()
    ran = there("apply", "approved", "--yes", "--json")

    assert (0, []) == (ran.code, bench.done_twice())
    (group,) = [each.body for each in bench.azure.running.writes if each.path.lower() == GROUP.lower()]
    assert {"owner": "someone", "cmkctl-workspace": "rg-ml-quickstart/mlw-quickstart"} == group["tags"]


def test_the_profile_is_not_read_again(bench: Bench) -> None:
    """A profile that changed since has no effect."""
    bench.plan()
    bench.profile.write_text("no profile at all", encoding="utf-8")

    assert 0 == bench.apply().code


def test_formatting_is_ignored(bench: Bench) -> None:
    """A file that was formatted by jq or an editor is the same plan."""

    def reversed_names(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: reversed_names(value[name]) for name in reversed(value)}
        return [*map(reversed_names, value)] if isinstance(value, list) else value

    bench.plan()
    text = json.dumps(reversed_names(bench.document), indent=7)
    bench.file.write_bytes(b"\xef\xbb\xbf\r\n" + text.replace("\n", "\r\n").encode())

    assert 0 == bench.apply().code


def test_a_plan_without_changes_is_saved_and_does_nothing(built: Bench) -> None:
    """It needs no confirmation, and the file is unchanged."""
    written = built.azure.writes()
    built.plan("--detailed-exitcode")
    before = built.file.read_bytes()

    ran = built.azure("apply", built.file)

    assert (0, written, before) == (ran.code, built.azure.writes(), built.file.read_bytes())


def test_detailed_exit_code_with_out(bench: Bench) -> None:
    """Exit code 2 for changes, and the plan is saved."""
    ran = bench.azure("plan", bench.profile, "--out", bench.file, "--detailed-exitcode")

    assert (2, 3) == (ran.code, bench.document["cmkctl_plan"])


def test_an_existing_file_is_replaced(bench: Bench) -> None:
    """The file is readable by its owner only, and no temporary file is left."""
    bench.file.write_text("old", encoding="utf-8")
    bench.plan()

    beside = {each.name for each in bench.file.parent.iterdir()}
    assert (0o600, 3) == (bench.file.stat().st_mode & 0o777, bench.document["cmkctl_plan"])
    assert {"azure", "mine.yaml", "plan.json"} == beside


def test_a_symbolic_link_is_kept(bench: Bench, tmp_path: Path) -> None:
    """Plan and apply write the target of the link."""
    real = tmp_path / "kept" / "real.json"
    real.parent.mkdir()
    real.touch()
    bench.file.symlink_to(real)
    bench.plan()

    assert 0 == bench.apply().code
    assert bench.file.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8"))["begun"]


def test_a_saved_plan_needs_confirmation(bench: Bench) -> None:
    """Saving a plan is no confirmation."""
    bench.plan()

    ran = bench.azure("apply", bench.file, "--json")

    assert (64, ["CMK010"], []) == (ran.code, errors(ran), bench.azure.writes())


def test_a_saved_plan_can_be_recorded(bench: Bench, tmp_path: Path) -> None:
    """Other options work as for a profile."""
    bench.plan()

    ran = bench.apply("--record", str(tmp_path / "tape.json"))

    assert (0, True) == (ran.code, (tmp_path / "tape.json").exists())
