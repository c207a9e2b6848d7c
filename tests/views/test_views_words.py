from __future__ import annotations

import pytest
from support.view_plans import everything

from cmkctl.plan import AttributeChange, Json, Unknown
from cmkctl.views.words import clean, duration, kind_and_name, phrase, pretty, said


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
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    """Text of others cannot move the cursor, change colours or reverse the reading direction."""
    assert shown == clean(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0s"), (0, "0s"), (8.9, "8s"), (60, "1m 0s"), (100, "1m 40s"), (3600, "1h 00m"), (3725, "1h 02m")],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    """Somebody who waits wants to know how long, not how many seconds."""
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
def test_values_are_said_so_that_they_cannot_be_mistaken(value: Json, words: str) -> None:
    """An empty text, an absent value and an empty list look different."""
    assert words == said(value)


@pytest.mark.parametrize(
    ("path", "after", "words"),
    [
        ("enablePurgeProtection", True, "purge protection"),
        ("properties.allowBlobPublicAccess", False, "no public blobs"),
        ("softDeleteRetentionInDays", 90, "soft delete 90 days"),
        ("objectId", "22222222", ""),
        ("keyIdentifier", Unknown("key", "identifier"), "key identifier (known after key)"),
        ("somethingNew", {"a": 1}, 'somethingNew {"a": 1}'),
    ],
)
def test_an_attribute_of_a_new_resource_has_words(path: str, after: Json, words: str) -> None:
    """Known ones are said in the words people use, others as they are; none is lost."""
    assert words == phrase(AttributeChange(path, None, after))


def test_a_title_is_taken_apart_only_where_it_ends_with_the_name() -> None:
    """The service principal is titled after its application, which is not the end of its id."""
    vault, principal = everything().of("key_vault")[0], everything().of("key_access")[0]

    assert ("key vault", "kv-ml-01") == kind_and_name(vault)
    assert ("service principal Azure Cosmos DB", "") == kind_and_name(principal)


def test_a_body_shows_what_is_not_known_yet_without_quotes() -> None:
    """So that it cannot be taken for a text that is sent."""
    body: dict[str, Json] = {"id": Unknown("key_access", "principal_object_id"), "text": "(known after lunch)"}

    assert ["{", '  "id": (known after key access),', '  "text": "(known after lunch)"', "}"] == pretty(body)
