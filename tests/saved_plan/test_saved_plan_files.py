"""Files that cannot be written and files that are not valid saved plans, refused before the first request."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.saved_plan import Bench, codes

from cmkctl.diagnostics import Diagnostic, ProfileError
from cmkctl.profile.load import LoadedProfile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.saved_plan import LoadedPlan, load

QUIET = settings(
    deadline=None, print_blob=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def requests_of(bench: Bench) -> int:
    """Return the number of requests that the sandbox received."""
    return len(bench.azure.running.requests)


@pytest.mark.parametrize(
    "place", ["nowhere/plan.json", "folder", "mine.yaml/plan.json", pytest.param("/proc/plan.json", id="not writable")]
)
def test_a_plan_that_cannot_be_saved_is_not_made(bench: Bench, tmp_path: Path, place: str) -> None:
    """A missing folder, a folder, a file in place of a folder, a folder without write permission."""
    (tmp_path / "folder").mkdir()

    ran = bench.azure("plan", bench.profile, "--out", tmp_path / place, "--json")

    assert (1, ["CMK521"], 0) == (ran.code, codes(ran), requests_of(bench))
    assert place.startswith("nowhere") == (f"mkdir -p {tmp_path}" in ran.of("diagnostic")[0]["remedy"])
    assert {"azure", "folder", "mine.yaml"} == {each.name for each in tmp_path.iterdir()}


def test_a_device_is_not_replaced_by_a_file(bench: Bench) -> None:
    """For root the replacement would succeed."""
    ran = bench.azure("plan", bench.profile, "--out", "/dev/null", "--json")

    assert (1, ["CMK521"], 0) == (ran.code, codes(ran), requests_of(bench))
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("option", ["--out", "--report", "--record"])
def test_the_profile_is_not_overwritten(bench: Bench, tmp_path: Path, option: str) -> None:
    """Neither by its name nor through a link."""
    before = bench.profile.read_bytes()
    (tmp_path / "other.yaml").symlink_to(bench.profile)
    (tmp_path / "third.yaml").hardlink_to(bench.profile)

    names = (bench.profile, tmp_path / "other.yaml", tmp_path / "third.yaml")
    runs = [bench.azure("plan", bench.profile, option, each, "--json") for each in names]

    assert [(64, ["CMK008"])] * 3 == [(each.code, codes(each)) for each in runs]
    assert (before, 0) == (bench.profile.read_bytes(), requests_of(bench))


@pytest.mark.parametrize(
    ("one", "other"), [("--out", "--report"), ("--out", "--record"), ("--report", "--record"), ("--report", "--replay")]
)
def test_two_options_do_not_share_a_file(bench: Bench, tmp_path: Path, one: str, other: str) -> None:
    """One output would replace the other, even if the file does not exist yet."""
    file = tmp_path / "same.json"

    ran = bench.azure("plan", bench.profile, one, file, other, tmp_path / "." / "same.json", "--json")

    assert (64, ["CMK008"], 0) == (ran.code, codes(ran), requests_of(bench))
    assert not file.exists()


def test_the_report_of_an_apply_does_not_replace_the_saved_plan(approved: Bench) -> None:
    """It holds what was approved, and after an interruption what was started."""
    before = approved.file.read_bytes()

    ran = approved.apply("--report", approved.file)

    assert (64, ["CMK008"], before) == (ran.code, codes(ran), approved.file.read_bytes())


def test_a_plan_in_conflict_is_shown_and_not_saved(bench: Bench) -> None:
    """What was in the file before still is."""
    bench.file.write_text("of yesterday", encoding="utf-8")
    bench.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", purge_protection=False)

    ran = bench.azure("plan", bench.profile, "--out", bench.file, "--json")

    assert (3, "CMK528") == (ran.code, codes(ran)[-1])
    assert "of yesterday" == bench.file.read_text(encoding="utf-8")
    assert [] == ran.of("plan_saved")


def _changed(**more: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: {**document, **more}


def _larger_key(document: dict[str, Any]) -> object:
    document["profile"]["key"]["size"] = 4096
    return document


def _other_reason(document: dict[str, Any]) -> object:
    document["changes"][0]["reason"] = "it was not me"
    return document


def _other_subject(document: dict[str, Any]) -> object:
    document["subject"]["location"] = "westus"
    return document


def _redact(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: {each: document[each] for each in document if each != name}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_changed(cmkctl_plan=0), "CMK523"),
        (_changed(cmkctl_plan=4, added_later={}, changes=None), "CMK523"),
        (_changed(cmkctl_plan="3"), "CMK522"),
        (_changed(cmkctl_plan=True), "CMK522"),
        (_changed(changes=[{}]), "CMK522"),
        (_changed(made_at="yesterday"), "CMK522"),
        (_changed(more="than that"), "CMK522"),
        (_redact("profile"), "CMK522"),
        (_redact("digests"), "CMK522"),
        (_redact("begun"), "CMK522"),
        (_redact("sandbox"), "CMK522"),
        (_changed(sandbox="true"), "CMK522"),
        (_changed(sandbox=False), "CMK524"),
        (_larger_key, "CMK524"),
        (_other_reason, "CMK524"),
        (_other_subject, "CMK524"),
    ],
)
def test_an_unusable_file_is_refused(approved: Bench, change: Callable[[dict[str, Any]], object], code: str) -> None:
    """A file of another format, a damaged one and an edited one are refused without a request."""
    before = requests_of(approved)
    approved.write(change(approved.document))

    ran = approved.apply()

    assert (64, [code], before) == (ran.code, codes(ran), requests_of(approved))
    assert f"cmkctl plan PROFILE --out {approved.file}" in ran.of("diagnostic")[0]["remedy"]


def test_a_truncated_file_is_refused_with_its_place(approved: Bench) -> None:
    """The diagnostic has line and column."""
    approved.file.write_bytes(approved.file.read_bytes()[:1000])

    ran = approved.azure("apply", approved.file, "--yes")

    assert (64, "") == (ran.code, ran.out)
    assert f"at {approved.file}:" in ran.err


def test_a_duplicate_name_is_refused(approved: Bench) -> None:
    """The reviewer may have read one value and apply would use the other."""
    text = approved.file.read_text(encoding="utf-8")
    approved.file.write_text('{"profile": {},' + text.lstrip()[1:], encoding="utf-8")

    ran = approved.apply()

    assert (64, ["CMK522"]) == (ran.code, codes(ran))
    assert "'profile' occurs twice" in ran.of("diagnostic")[0]["detail"]


def test_a_saved_plan_takes_no_overrides(approved: Bench) -> None:
    """--set would change what was approved."""
    before = requests_of(approved)

    ran = approved.apply("--set", "key.size=4096")

    assert (64, ["CMK008"], before) == (ran.code, codes(ran), requests_of(approved))


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_plan_and_verify_refuse_a_saved_plan(approved: Bench, command: str) -> None:
    """Both start from a profile."""
    before = requests_of(approved)

    ran = approved.azure(command, approved.file, "--json")

    assert (64, ["CMK525"], before) == (ran.code, codes(ran), requests_of(approved))


@pytest.mark.parametrize(
    "text",
    ['{"tags": {"cmkctl_plan": 1}}', '["cmkctl_plan"]', '{"tags": "cmkctl_plan"}', "{tags: {a: b}}", "cmkctl_plan: 1"],
)
def test_a_file_without_the_marker_is_a_profile(tmp_path: Path, text: str) -> None:
    """By its content, whatever its name: the error of the profile's loader."""
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ProfileError) as refused:
        load(path, environ={})

    assert {"CMK00"} == {each.code[:5] for each in refused.value.diagnostics}


def test_a_profile_in_json_is_a_profile(approved: Bench) -> None:
    """A file in braces without the marker is a profile."""
    approved.write(approved.document["profile"])

    assert (0, False) == (approved.apply().code, "begun" in approved.file.read_text(encoding="utf-8"))


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [found for key in keys for found in places(value[key])]


def loaded_or_explained(folder: Path, content: bytes) -> LoadedProfile | None:
    """Load a file; None for one that is refused with a detail and a remedy."""
    found, problems = _loaded(folder, content)
    assert [] == [
        each for each in problems if not (each.detail and each.remedy and each.code[:5] in ("CMK00", "CMK52"))
    ]
    assert (found is None) == bool(problems)
    return found


def _loaded(folder: Path, content: bytes) -> tuple[LoadedProfile | None, tuple[Diagnostic, ...]]:
    path = folder / "mangled.json"
    path.write_bytes(content)
    try:
        return load(path, environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}), ()
    except ProfileError as error:
        return None, error.diagnostics


@given(data=st.data())
@settings(QUIET, max_examples=300)
def test_any_replaced_value_is_refused_or_harmless(tmp_path: Path, saved: str, data: st.DataObject) -> None:
    """Only fields outside the digests may differ: version, time, digest of observations, warnings, started changes."""
    document = json.loads(saved)
    container, key = data.draw(st.sampled_from(places(document)))
    container[key] = data.draw(JSON)

    found = loaded_or_explained(tmp_path, json.dumps(document).encode())

    digested = ("profile", "changes", "subject", "sandbox", "procedure")
    same = [document.get(name) for name in digested] == [json.loads(saved)[name] for name in digested]
    assert same or not isinstance(found, LoadedPlan)


@given(data=st.data())
@settings(QUIET, max_examples=300)
def test_any_replaced_bytes_are_refused_or_harmless(tmp_path: Path, saved: str, data: st.DataObject) -> None:
    """Bytes are cut out, or replaced by others."""
    raw = saved.encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 50)) | st.just(len(raw)))
    between = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"{", b'"', b"9" * 5000, b"[" * 100_000, b"NaN", b"\\ud800"])
    )

    loaded_or_explained(tmp_path, raw[:start] + between + raw[end:])


@given(document=st.dictionaries(st.sampled_from(["cmkctl", "profile", "changes", "digests", "begun"]), JSON))
@settings(QUIET, max_examples=100)
def test_an_incomplete_document_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    """The marker alone is not enough."""
    assert loaded_or_explained(tmp_path, json.dumps({"cmkctl_plan": 3, **document}).encode()) is None


TAMPERED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a lone surrogate": lambda document: document["profile"].update(location="\ud800"),
    "a name that is a lone surrogate": lambda document: document["profile"].update({"\ud800": 1}),
    "a terminal sequence in a name": lambda document: document["changes"][3].update(
        name="\x1b[2J\ud800", resource_id="\ud800"
    ),
    "an approved conflict": lambda document: document["changes"][3].update(action="conflict"),
    "an unknown action": lambda document: document["changes"][-1].update(action="explode"),
    "an unknown without an output": lambda document: document["changes"][-1]["request"].update(
        body={"a": {"$unknown": "x"}}
    ),
    "a write without a request": lambda document: document["changes"][-1].update(request=None),
    "no changes": lambda document: document.update(changes=[]),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_plan_with_matching_digests_writes_nothing(
    bench: Bench, saved: str, tamper: Callable[[dict[str, Any]], object]
) -> None:
    """An attacker can compute the digests again."""
    document = json.loads(saved)
    tamper(document)
    document["digests"].update(redigested(document))
    bench.write(document)

    ran = bench.azure("apply", bench.file, "--yes")

    assert (True, []) == (ran.code in (3, 64), bench.azure.writes())
    assert "\x1b" not in ran.err


def redigested(document: dict[str, Any]) -> dict[str, str]:
    """Return the digests of a document as docs/saved-plans.md describes them."""

    def of(value: object) -> str:
        return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    return {
        "profile": of(document["profile"]),
        "plan": of({name: document[name] for name in ("sandbox", "procedure", "subject", "left_out", "changes")}),
    }


def test_the_digests_are_as_documented(saved: str) -> None:
    """Anybody can compute them: the SHA-256 of the JSON with sorted names and no spaces."""
    document = json.loads(saved)

    assert redigested(document).items() <= document["digests"].items()
    assert Profile.model_validate(document["profile"]).resource_group == "rg-ml-quickstart"
