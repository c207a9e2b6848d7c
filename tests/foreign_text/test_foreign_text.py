"""Whatever a service writes is shown, and obeyed by nothing: no terminal, no CI system, no browser."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmkctl.foreign_text import Channel, safe, safe_json

READ_BY_PEOPLE = [Channel.TERMINAL, Channel.LOG, Channel.HTML]
COMMANDS = [
    *(
        "::set-output name=x::evil",
        "::add-mask::workspace",
        "  ::stop-commands::token",
        "\t::group::x",
        "\u00a0::debug::x",
    ),
    *("first line\n::error file=a::x", "first line\r\n::error::x", "a message that is wrapped here ::error::x"),
    *("##vso[task.setvariable variable=PATH]/evil", "a name ##vso[task.complete result=Succeeded]"),
    *(
        "##VSO[task.logissue type=error]x",
        "##[command]evil",
        "a ##[group]x",
        "##teamcity[buildStatus status='SUCCESS']",
    ),
    "section_start:1560896352:x",
]
OBEYED = re.compile(r"(?:^|\s)::[a-z]|##(?:vso|teamcity)?\[|section_(?:start|end):\d", re.IGNORECASE)
"""What CI systems look for: GitHub behind blanks of any kind, the others anywhere."""


@pytest.mark.parametrize("channel", READ_BY_PEOPLE)
@pytest.mark.parametrize("text", COMMANDS)
def test_no_command_of_a_ci_system_is_left(channel: Channel, text: str) -> None:
    """The text stays readable, with one backslash inside the mark."""
    shown = safe(text, channel)

    assert OBEYED.search(text)
    assert not OBEYED.search(shown)
    read = html.unescape(shown) if channel is Channel.HTML else shown
    assert text.replace("\r", "") == read.replace("\\", "")


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft.KeyVault/vaults: https://kv.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef",
        "fe80::1 is an address, std::string a type",
        "## a heading",
        "été, Ünïcödé, 日本語, עברית, 👩‍🔧",
        "two\nlines\tand a tab",
        "",
    ],
)
@pytest.mark.parametrize("channel", [Channel.TERMINAL, Channel.LOG, Channel.JSON])
def test_what_is_harmless_stays_as_it_is(channel: Channel, text: str) -> None:
    """Resource ids, addresses and people's languages are no commands."""
    assert text == safe(text, channel)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x85b\u2028c\u2029d", r"a\x85b\u2028c\u2029d"),
        ("\ufeffname", r"\ufeffname"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("\u2066\u2069\u200e\u061c\u200b", r"\u2066\u2069\u200e\u061c\u200b"),
        ("progress\rcovered", r"progress\rcovered"),
        ("\x00\x07\x08\x7f", r"\x00\x07\x08\x7f"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
@pytest.mark.parametrize("channel", list(Channel))
def test_what_would_be_obeyed_is_shown_as_its_escape(channel: Channel, text: str, shown: str) -> None:
    """Controls, directions, separators and invisible marks."""
    assert shown == safe(text, channel)


def test_one_line_is_one_line() -> None:
    """A name in a table has no second line with which it could forge another row."""
    assert "a b c" == safe("a\nb\r\n\tc", one_line=True)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b", "' onload='x"]
)
def test_html_is_text(text: str) -> None:
    """Also in a quoted attribute."""
    parser = _Texts()
    parser.feed(f'<p title="{safe(text, Channel.HTML)}">{safe(text, Channel.HTML)}</p>')
    parser.close()

    assert (["p"], text) == (parser.tags, "".join(parser.texts))


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_shown_without_anything_that_is_obeyed(text: str) -> None:
    """Twice is no different from once, and JSON gets through json and back."""
    for channel in (Channel.TERMINAL, Channel.LOG, Channel.JSON):
        shown = safe(text, channel)

        assert shown == safe(shown, channel)
        assert not [
            each for each in shown if each not in "\n\t" and unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"}
        ]
    assert safe(text, Channel.JSON) == json.loads(json.dumps(safe(text, Channel.JSON)))


def test_every_string_of_a_json_value_is_made_safe() -> None:
    """Names of members as well, and numbers stay numbers."""
    assert {r"\u202ea": [r"\x1b", 1, None, {"b": True}]} == safe_json({"\u202ea": ["\x1b", 1, None, {"b": True}]})
