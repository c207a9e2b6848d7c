from __future__ import annotations

import pytest

from cmkctl.plan import AttributeChange, Json, Phrase, Unknown
from cmkctl.views.words import attribute_text, clean, duration, pretty, value_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kv-ml-01", "kv-ml-01"),
        ("Größe → 90 …", "Größe → 90 …"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("bell\x07 back\x08", "bell\\x07 back\\x08"),
        ("csi\x9b31m", "csi\\x9b31m"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("half \ud800", "half \\ud800"),
        ("sep\u2028", "sep\\u2028"),
        ("mark\ufeff", "mark\\ufeff"),
        ("::set-output name=x::y", "\\x3a:set-output name=x::y"),
        ("  ::add-mask::x", "  \\x3a:add-mask::x"),
        ("a ##vso[task.setvariable]b", "a \\x23#vso[task.setvariable]b"),
        ("##[error]b", "\\x23#[error]b"),
        ("a::b", "a::b"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    """Text of others cannot move the cursor, change colours or reverse the reading direction."""
    assert shown == clean(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0s"), (0, "0s"), (8.9, "8s"), (60, "1m 0s"), (100, "1m 40s"), (3600, "1h 00m"), (3725, "1h 02m")],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    """A duration is shown in its largest units, not in seconds alone."""
    assert words == duration(seconds)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "(absent)"),
        (True, "true"),
        (90, "90"),
        ("Standard_LRS", "Standard_LRS"),
        ("", '""'),
        ("two words", '"two words"'),
        (["get", "wrapKey"], "get, wrapKey"),
        ([], "[]"),
        ({"a": None}, '{"a": null}'),
        (Unknown("key", "identifier"), "(known after key)"),
    ],
)
def test_values_are_unambiguous(value: Json, words: str) -> None:
    """An empty text, an absent value and an empty list look different."""
    assert words == value_text(value)


@pytest.mark.parametrize(
    ("phrase", "after", "words"),
    [
        (Phrase("purge protection", "no purge protection"), True, "purge protection"),
        (Phrase("public blobs", "no public blobs"), False, "no public blobs"),
        (Phrase("soft delete {} days"), 90, "soft delete 90 days"),
        (Phrase(""), "22222222", ""),
        (Phrase("key identifier {}"), Unknown("key", "identifier"), "key identifier (known after key)"),
        (Phrase("{} encryption"), "a {b}", "a {b} encryption"),
        (None, {"a": 1}, 'somethingNew {"a": 1}'),
    ],
)
def test_an_attribute_of_a_new_resource_brings_its_words(phrase: Phrase | None, after: Json, words: str) -> None:
    """One without words is shown as path and value; none is lost."""
    assert words == attribute_text(AttributeChange("properties.somethingNew", None, after, phrase=phrase))


def test_a_body_shows_what_is_not_known_yet_without_quotes() -> None:
    """So that it cannot be taken for a text that is sent."""
    body: dict[str, Json] = {"id": Unknown("key_access", "principal_object_id"), "text": "(known after lunch)"}

    assert ["{", '  "id": (known after key access),', '  "text": "(known after lunch)"', "}"] == pretty(body)
