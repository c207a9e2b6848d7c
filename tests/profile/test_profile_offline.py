"""Findings about a profile that need no Azure, and the text of its diagnostics."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.profiles import GOOD, SUBSCRIPTION, Files

from cmkctl.azure.clouds import Cloud
from cmkctl.cli import main
from cmkctl.diagnostics import Diagnostic, Location, Severity
from cmkctl.profile.load import validate_profile
from cmkctl.profile.regions import REGIONS, Match, edit_distance, match

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def _refused(files: Files, text: str, *options: str) -> str:
    """Run ``cmkctl plan`` and return standard error; the command must refuse the profile before any request to Azure."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(["plan", str(files.write(text)), "--replay", str(files.folder / "no-tape.json"), *options])
    assert (64, "") == (code, out.getvalue()), err.getvalue()
    assert "CMK502" not in err.getvalue(), "the profile was accepted, and the tape read"
    return " ".join(err.getvalue().split())


@pytest.mark.parametrize(
    ("line", "subject", "suggestion"),
    [
        ("keyvault:\n  name: kv-ml", "keyvault", "Did you mean key_vault?"),
        ("locaton: eastus2", "locaton", "Did you mean location?"),
        ("Key-Vault:\n  name: kv-ml", "Key-Vault", "Did you mean key_vault?"),
    ],
)
def test_one_typo_gives_one_error(files: Files, line: str, subject: str, suggestion: str) -> None:
    """A misspelt required field is not missing as well."""
    right = "key_vault:\n  name: kv-ml" if "name" in line else "location: eastus2"
    text = GOOD.replace(right, line)

    problem = files.the_problem(text)

    assert (problem.code, problem.subject, problem.remedy) == ("CMK003", subject, suggestion)
    assert problem.detail == f"Unknown field `{subject}`."
    assert 1 == _refused(files, text).count("error CMK")


def test_a_typo_inside_a_section_gives_one_error(files: Files) -> None:
    """Also where the field has no default."""
    problem = files.the_problem(GOOD.replace("high_business_impact", "high_buisness_impact"))

    assert (problem.code, problem.subject) == ("CMK003", "workspace.high_buisness_impact")


def test_a_second_mistake_is_still_reported(files: Files) -> None:
    """Only the field that was misspelt is left out."""
    text = GOOD.replace("key_vault:", "keyvault:").replace("  encryption: in-subscription\n", "")

    assert [("CMK003", "keyvault"), ("CMK005", "workspace.encryption")] == [
        (each.code, each.subject) for each in files.problems(text)
    ]


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("key.sise=4096", "Did you mean --set key.size=4096?"),
        ("key.size=1024", "For example: --set key.size=3072"),
        ('key.size="3072"', "Write it without quotes: --set key.size=3072"),
        ("tags.owner=7", """Put it in quotes: --set 'tags.owner="7"'"""),
        ("key_vault.sku=premiun", "Did you mean --set key_vault.sku=premium?"),
        (
            "key_vault.network.ip_rules=203.0.113.7",
            """For example: --set 'key_vault.network.ip_rules=["203.0.113.0/24"]'""",
        ),
        (
            "workspace.high_business_impact=yes",
            "Write --set workspace.high_business_impact=true or --set workspace.high_business_impact=false, without",
        ),
    ],
)
def test_a_remedy_has_the_syntax_of_the_mistake(files: Files, override: str, remedy: str) -> None:
    """An option for an option; that it works when it is pasted is tested below."""
    assert remedy in files.the_problem(overrides=[override]).remedy


def test_a_suggested_option_works_when_it_is_pasted(files: Files) -> None:
    """A shell takes the quotes away."""
    remedy = files.the_problem(overrides=["key_vault.network.ip_rules=203.0.113.7"]).remedy
    pasted = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s' {remedy.partition('--set ')[2]}"], capture_output=True, text=True, check=True
    )

    network = files.load(overrides=[pasted.stdout]).profile.key_vault.network

    assert network is not None
    assert network.ip_rules == ("203.0.113.0/24",)


@pytest.mark.parametrize(
    ("line", "caret"),
    [
        (GOOD.replace("name: kv-ml", "name: 9-kv"), ("  name: 9-kv", "        ^")),
        (GOOD.replace("key:", "kee:"), ("kee:", "^")),
        ("location: [eastus2\n" * 2, ("location: [eastus2", "        ^")),
        (GOOD + "tags: {a: b}\ntags: {}\n", ("tags: {}", "^")),
    ],
)
def test_a_diagnostic_has_its_line_and_a_caret(files: Files, line: str, caret: tuple[str, str]) -> None:
    """For every view to show."""
    problem = files.problems(line)[0]

    assert problem.location
    assert problem.location.pointer() == caret


def test_a_pointer_fits_the_width_and_hides_what_a_terminal_would_obey() -> None:
    """The caret stays below its column."""
    line = "x" * 200 + "!" + "\u202e" + "y" * 50
    pointer = Location("p", 1, 201, line).pointer(60)

    assert pointer
    shown, caret = pointer
    assert len(shown) <= 60
    assert shown[len(caret) - 1 : len(caret) + 1] == "!?"
    assert Location("p", 1, 1).pointer() is None
    assert Location("--set a=b").pointer() is None


def test_an_excerpt_is_no_part_of_a_place() -> None:
    """Two places are equal by file, line and column."""
    assert Location("p", 1, 2, "text") == Location("p", 1, 2)


@pytest.mark.parametrize(
    ("location", "nearest"),
    [
        ("eastuss2", "eastus2"),
        ("eastus22", "eastus2"),
        ("West Euorpe", "westeurope"),
        ("swedencentrl", "swedencentral"),
    ],
)
def test_a_misspelt_region_is_refused_before_any_request(files: Files, location: str, nearest: str) -> None:
    """With the region that was probably meant, at its place."""
    text = GOOD.replace("eastus2", location)

    problem = files.the_problem(text)

    assert (problem.code, problem.subject, files.place(problem)) == ("CMK004", "location", "profile.yaml:2:11")
    assert f"Did you mean {nearest}?" in problem.remedy
    assert f"Did you mean {nearest}?" in _refused(files, text)


@pytest.mark.parametrize(
    ("location", "hint"), [("atlantiscentral", "Check it"), ("westus4", "Did you mean westus"), ("easteurope", "Did")]
)
def test_a_region_that_may_be_new_is_a_warning(files: Files, location: str, hint: str) -> None:
    """The list of regions ages."""
    (warning,) = files.load(GOOD.replace("eastus2", location)).warnings

    assert (warning.code, warning.severity, warning.subject) == ("CMK011", Severity.WARNING, "location")
    assert warning.remedy.startswith(hint)
    assert "az account list-locations" in warning.remedy


@pytest.mark.parametrize(
    ("cloud", "location"), [(cloud, each) for cloud, all_ in REGIONS.items() for each in sorted(all_)]
)
def test_every_listed_region_is_known(files: Files, cloud: Cloud, location: str) -> None:
    """In its own cloud, without a warning."""
    assert () == files.load(overrides=[f"cloud={cloud}", f"location={location}"]).warnings


def test_a_misspelt_region_of_another_cloud_is_suggested_from_that_cloud(files: Files) -> None:
    """Azure Government has regions of its own."""
    overrides = ["cloud=AzureUSGovernment", "location=usgovvirgina"]

    assert "usgovvirginia" in files.the_problem(overrides=overrides).remedy


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_edit_distance_is_a_distance(one: str, two: str, three: str) -> None:
    """Zero for equal texts only, symmetric, and never shorter by a detour."""
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, two) == edit_distance(two, one)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)


@given(st.sampled_from(sorted(REGIONS[Cloud.AZURE])), st.integers(0, 30), st.sampled_from("xqz"))
def test_one_more_letter_in_a_known_region_is_a_misspelling(region: str, position: int, letter: str) -> None:
    """Wherever it is."""
    found, nearest = match(region[:position] + letter + region[position:], Cloud.AZURE)

    assert found is Match.MISSPELT
    assert edit_distance(nearest, region) <= 2


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("workspace.name=mlw-microsoft-eu", "microsoft"),
        ("workspace.name=MLW-Windows", "windows"),
        ("workspace.name=login-ml", "login"),
        ("workspace.name=Azure", "azure"),
        ("key_vault.name=kv-microsoft", "microsoft"),
        ("associated_resources.storage_account.name=stwindowsml", "windows"),
        ("associated_resources.application_insights.name=loginsights", "login"),
        ("associated_resources.container_registry={name: sharepoint}", "sharepoint"),
    ],
)
def test_a_reserved_word_in_a_name_is_refused_before_any_request(files: Files, override: str, word: str) -> None:
    """Azure checks it last, when everything else has been created."""
    problem = files.the_problem(overrides=[override])

    assert problem.code == "CMK004"
    assert f"Azure reserves the word {word}" in problem.detail
    assert f"Azure reserves the word {word}" in _refused(files, GOOD, "--set", override)


@pytest.mark.parametrize("name", ["mlw-login", "azure-ml", "mlw-azure", "office-ml", "mlw-micro-soft1"])
def test_a_reserved_word_elsewhere_in_a_name_is_fine(files: Files, name: str) -> None:
    """As Azure's page has it; a name that is derived from it has its own rule."""
    named = "associated_resources.storage_account.name=stml123"

    assert files.load(overrides=[f"workspace.name={name}", named]).profile.workspace.name == name


def test_a_reserved_word_in_a_derived_name_is_refused(files: Files) -> None:
    """A storage account's derived name has no hyphens, so a word can come together in it."""
    problem = files.the_problem(overrides=["workspace.name=micro-soft-ml"])

    assert (problem.code, problem.subject) == ("CMK009", "associated_resources.storage_account")
    assert "stmicrosoftml" in problem.detail
    assert "associated_resources.storage_account.name" in problem.remedy


@pytest.mark.parametrize("expires", ["2020-01-01", "2026-11-26T12:00:00Z", "2026-11-26T13:00:00+02:00"])
def test_an_expiry_in_the_past_is_refused(files: Files, expires: str) -> None:
    """Before any write; the present moment counts as past."""
    (problem,) = validate_profile(files.write(GOOD), [f"key.expires={expires}"], {}, NOW)

    assert (problem.code, problem.severity, problem.subject) == ("CMK004", Severity.ERROR, "key.expires")
    assert "in the past" in problem.detail
    assert "--set key.expires=2031-01-31" in problem.remedy


def test_an_expiry_in_the_past_ends_the_command_before_any_request(files: Files) -> None:
    """By the clock of the machine."""
    assert "key.expires is '2020-01-01', which is in the past" in _refused(
        files, GOOD.replace("name: cmk-ml", "name: cmk-ml\n  expires: 2020-01-01")
    )


def test_an_expiry_in_the_future_is_fine(files: Files) -> None:
    """From the next second on; how soon is for the checks to judge."""
    soon = (NOW + timedelta(seconds=1)).isoformat()

    assert [] == validate_profile(files.write(GOOD), [f"key.expires={soon}"], {}, NOW)


@pytest.mark.parametrize("section", ["storage_account", "container_registry"])
def test_network_rules_of_another_resource_are_not_sent_to_the_key_vault(files: Files, section: str) -> None:
    """They protect the resource that they were written for (G15)."""
    profile = files.load(overrides=[f"associated_resources.{section}.network={{default_action: Deny}}"]).profile

    assert "Deny" == getattr(profile.associated_resources, section).network.default_action
    assert profile.key_vault.network is None


def test_a_workspace_has_no_network_rules(files: Files) -> None:
    """The rules of the key vault would not protect it, so they are not proposed (G15)."""
    problem = files.the_problem(overrides=["workspace.network={default_action: Deny}"])

    assert ("CMK003", "workspace.network") == (problem.code, problem.subject)
    assert "key_vault.network" not in problem.remedy


@pytest.mark.parametrize("url", ["https://user:hunter2@example.com/base.yaml?sig=hunter2", "http://example.com/b.yaml"])
def test_extends_takes_no_url(files: Files, url: str) -> None:
    """The URL is shown as it is, without what may be secret in it."""
    problem = files.the_problem(f"extends: {url}\n")

    assert (problem.code, problem.subject) == ("CMK007", "extends")
    assert f"{url.partition(':')[0]}://example.com" in problem.detail
    assert "files only" in problem.detail
    assert "hunter2" not in str(problem)


def test_aliases_are_blamed_only_where_there_are_some(files: Files) -> None:
    """A long file has other reasons."""
    long = GOOD + "tags:\n" + "".join(f"  t{n}: x\n" for n in range(10_001))

    problem = files.the_problem(long)

    assert "more than 10000 values" in problem.detail
    assert "alias" not in problem.remedy


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("a: b".encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + "a: b".encode("utf-16-be"), "UTF-16"),
        ("a: b".encode("utf-32"), "UTF-32"),
    ],
)
def test_another_encoding_is_named(files: Files, content: bytes, name: str) -> None:
    """With the way to save the file as UTF-8."""
    path = files.folder / "p.yaml"
    path.write_bytes(content)

    (problem,) = validate_profile(path, [], {})

    assert (problem.code, str(problem.location)) == ("CMK001", f"{path}:1:1")
    assert f"The file is {name}, not UTF-8" in problem.detail
    assert "UTF-8" in problem.remedy


@pytest.mark.parametrize("subscription", ["ml-production", "1111222", "11112222-3333-4444-5555"])
def test_an_invalid_subscription_id_has_a_remedy_that_lists_ids(files: Files, subscription: str) -> None:
    """People know their subscription by name."""
    problem = files.the_problem(GOOD.replace(SUBSCRIPTION, f'"{subscription}"'))

    assert "Expected a subscription GUID." in problem.detail
    assert "az account list -o table" in problem.remedy


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("key_vault.name=" + "k" * 38, "It is 14 characters too long."),
        ("key_vault.name=kv", "It is 1 character too short."),
        ("workspace.name=mlw prod", "It contains ' '."),
        ("associated_resources.storage_account.name=St", "It is 1 character too short. It contains 'S'."),
    ],
)
def test_the_condition_that_is_broken_comes_first(files: Files, override: str, words: str) -> None:
    """Before the whole rule."""
    assert f". {words} A" in files.the_problem(overrides=[override]).detail


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("  Owner: a\n  owner: b\n", "without regard to case"),
        (f"  {'x' * 129}: a\n", "at most 128 characters, and this one has 129"),
        ("  cost.center: a\n  Cost.Center: b\n", "without regard to case"),
    ],
)
def test_tags_that_azure_refuses_are_refused_before_any_request(files: Files, tags: str, words: str) -> None:
    """At the tag."""
    text = GOOD + "tags:\n" + tags

    problem = files.the_problem(text)

    assert (problem.code, files.place(problem).rpartition(":")[0]) == (
        "CMK009",
        f"profile.yaml:{text.count(chr(10))}",
    )
    assert words in problem.detail


def test_a_long_tag_name_is_fine_with_a_storage_account_of_ones_own(files: Files) -> None:
    """Only what is created gets tags."""
    account = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/o/providers/Microsoft.Storage/storageAccounts/st9"
    loaded = files.load(
        GOOD + f"tags:\n  {'x' * 129}: a\n", overrides=[f"associated_resources.storage_account.id={account}"]
    )

    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("variable", "warned"),
    [("DB_PASSWORD", True), ("ARM_CLIENT_SECRET", True), ("github_token", True), ("KEY_NAME", False), ("TEAM", False)],
)
def test_a_secret_in_a_tag_is_warned_of(files: Files, variable: str, warned: bool) -> None:
    """By the variable's name; its value is not shown."""
    loaded = files.load(f"{GOOD}tags:\n  t: x-${{{variable}}}\n", environ={variable: "hunter2"})

    assert [("CMK012", Severity.WARNING, "tags.t")] * warned == [
        (each.code, each.severity, each.subject) for each in loaded.warnings
    ]
    assert "hunter2" not in str(loaded.warnings)


def test_a_profile_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``-`` as its path; a mistake in it has its line."""
    text = GOOD.replace("eastus2", "eastuss2")
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode())))
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as err:
        code = main(["plan", "-", "--replay", "no-tape.json"])

    assert (64, True) == (code, "standard input:2:11" in err.getvalue()), err.getvalue()


def _codes(found: list[Diagnostic]) -> list[str]:
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda text: text, []),
        (lambda text: text.replace("eastus2", "nowhereatall"), ["CMK011"]),
        (lambda text: text.replace("kv-ml", "9"), ["CMK004"]),
        (lambda text: text + "x: [", ["CMK002"]),
        (lambda text: text.replace(SUBSCRIPTION, "${SUB}"), ["CMK006"]),
    ],
)
def test_validation_returns_what_it_finds(files: Files, change: Callable[[str], str], codes: list[str]) -> None:
    """Errors or warnings, and nothing is raised."""
    assert codes == _codes(validate_profile(files.write(change(GOOD)), [], {}))


def test_validation_of_a_file_that_is_not_there_is_a_diagnostic(tmp_path: Path) -> None:
    """Like everything else."""
    assert ["CMK001"] == _codes(validate_profile(tmp_path / "none.yaml", [], {}))


def test_no_message_has_pydantics_words(files: Files) -> None:
    """They are for programmers."""
    overrides = ["key.size=x", "location=7", "workspace.identity=me", "key.expires=x", "key_vault=[]", "tags=7"]
    found = " ".join(f"{each.detail} {each.remedy}" for each in files.problems(overrides=overrides))

    assert [] == [each for each in ("Value error", "Input should", "valid", "pydantic") if each in found]
