"""``cmkctl explain``: codes with their evidence, errors of Azure, topics, and both sides where Microsoft's pages differ."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from cmkctl.azure.remedies import EXPLANATIONS
from cmkctl.checks import CODES
from cmkctl.cli import main
from cmkctl.evidence import Sureness
from cmkctl.posture import State, Verdict
from cmkctl.profile.fields import profile_fields
from cmkctl.topics import TOPICS, Topic

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/output.schema.json").read_text(encoding="utf-8"))
AZURE = sorted({each for row in EXPLANATIONS for each in row.codes})


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command prints."""
    assert 0 == main(["explain", *words])
    out, err = capsys.readouterr()
    assert "" == err
    return out


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_its_evidence_once(capsys: pytest.CaptureFixture[str], code: str) -> None:
    """The certainty of each code, with a date unless it is a rule of cmkctl's own, and no line twice."""
    text = explained(capsys, code)

    joined = " ".join(text.split())
    assert 1 == joined.count("How sure:")
    assert any(each in joined for each in Sureness)
    assert (f"How sure: {Sureness.OWN}." in joined) is not ("As of November 2026." in joined)
    assert text.count("Preflight rule") <= 1


@pytest.mark.parametrize("word", [*map(str, Verdict), *map(str, State)])
def test_each_word_of_the_table_of_posture_is_explained(capsys: pytest.CaptureFixture[str], word: str) -> None:
    """Verdicts and the states of protections."""
    assert f"\n- {word}: " in explained(capsys, word)


def test_the_example_of_a_field_is_yaml_as_a_profile_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Of every field. Lines of text are wrapped."""
    for name, field in profile_fields().items():
        text = explained(capsys, name)
        if field.example is not None:
            shown = text.partition("\nExample: ")[2].partition("\n")[0]
            found = json.dumps(yaml.safe_load(shown), default=lambda each: each.isoformat().replace("+00:00", "Z"))
            assert found == json.dumps(field.example), name
        assert all(len(line) <= 80 for line in text.partition("\nExample: ")[0].splitlines()), name


@pytest.mark.parametrize("each", TOPICS, ids=lambda each: each.name)
def test_a_topic_has_what_why_and_how_sure_in_80_columns(capsys: pytest.CaptureFixture[str], each: Topic) -> None:
    """Found by its name and by every other word for it; the codes that it names exist."""
    text = explained(capsys, each.name)

    assert all(text in explained(capsys, word) for word in each.words)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert [True] * 2 == [part in text for part in ("→ ", "How sure: ")]
    assert set(each.codes) <= set(CODES)


@pytest.mark.parametrize(
    ("word", "one", "other"),
    [
        ("region", "no region is named", "has to be in the same region"),
        ("rotation", "can be changed, within the original vault", "cannot be changed after creation"),
        ("service-side", "one of two configurations", "It is a preview"),
        ("principal id", "the principal id", "00001111-aaaa-2222-bbbb-3333cccc4444"),
        ("trusted services", "lets Azure Cosmos DB reach the vault", "neither Azure Cosmos DB nor AI Search"),
        ("key uri", "includes the version", "except the part after the last slash"),
        ("managed group", "followed by a GUID", "azureml-rg-WORKSPACE_GUID"),
        ("soft delete", "deleted with the workspace", "stays and costs money"),
        ("acr", "is required", "a managed identity with AcrPull"),
        ("key size", "3072 bits or more", "2048 bits only"),
    ],
)
def test_where_the_pages_differ_both_sides_are_there(
    capsys: pytest.CaptureFixture[str], word: str, one: str, other: str
) -> None:
    """The ten topics of failures.md, section 4.6."""
    text = " ".join(explained(capsys, word).split())

    assert "Microsoft's pages contradict each other:" in text
    assert [True, True] == [one in text, other in text]


@pytest.mark.parametrize("code", AZURE)
def test_an_error_code_of_azure_leads_to_the_code_of_cmkctl(capsys: pytest.CaptureFixture[str], code: str) -> None:
    """In any case; with the remedy of the table and the explanation of cmkctl's code."""
    text = explained(capsys, code.lower())

    assert re.search(r"cmkctl reports it as CMK[123]\d\d\.", text)
    assert all(len(line) <= 80 or " " not in line.strip() or "http" in line for line in text.splitlines()), text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("CMK workspaces should have purge protection enabled on their CMK keyvault.", "CMK210"),
        ("Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete", "CMK162"),
        ("(ConflictError) A vault with the same name already exists in deleted state.", "CMK205"),
        ('{"error": {"code": "ScopeLocked", "message": "It is locked."}}', "CMK327"),
        ("AADSTS700024", "CMK321"),
    ],
)
def test_a_message_of_azure_can_be_pasted(capsys: pytest.CaptureFixture[str], message: str, code: str) -> None:
    """Words of the services and whole bodies, as a log shows them."""
    assert f"cmkctl reports it as {code}." in explained(capsys, message)


def test_the_topics_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each."""
    assert [each.name for each in TOPICS] == explained(capsys, "topics").splitlines()


@pytest.mark.parametrize("word", ["CMK210", "region", "key.size", "ScopeLocked", "purge"])
def test_json_lines_have_the_same_text(capsys: pytest.CaptureFixture[str], word: str) -> None:
    """The schema of the lines has a type for them."""
    text = explained(capsys, word)
    lines = [json.loads(each) for each in explained(capsys, word, "--json").splitlines()]

    for each in lines:
        jsonschema.Draft202012Validator(SCHEMA).validate(each)
    assert text == "".join(each["text"] for each in lines if each["type"] == "explanation")
    assert ["version", "end"] == [lines[0]["type"], lines[-1]["type"]]
