"""Escapes text from outside for the place where it is displayed: a terminal, a CI log, JSON, HTML.

Azure's messages, names of resources and tags may contain anything: escape sequences, which a terminal executes; workflow
commands, which a CI system executes (``::add-mask::``, ``##vso[task.setvariable …]``); bidirectional controls, which reorder
the display; line separators, which split a line. Here they become visible escapes without effect.

Sources: https://docs.github.com/actions/reference/workflow-commands-for-github-actions,
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands,
https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections, https://www.jetbrains.com/help/teamcity/service-messages.html
and https://www.unicode.org/reports/tr9/ (bidirectional controls).
"""

from __future__ import annotations

import html
import re
import unicodedata
from enum import StrEnum
from typing import Any, Final


class Channel(StrEnum):
    """The destination of a text."""

    TERMINAL = "terminal"
    LOG = "log"
    JSON = "json"
    HTML = "html"


_KEPT: Final = "\n\t"
# Cc: C0 and C1 controls. Cf: bidirectional controls, zero-width characters, byte order mark, soft hyphen, tags. Zl and Zp: line
# and paragraph separators. Co, Cs, Cn: private, half of a surrogate pair, unassigned.
_CONTROLS: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn"})
# Format characters that scripts and emoji need; they neither reorder text nor end a line.
_JOINERS: Final = "\u200c\u200d"
_BREAK: Final = "\\"
"""Inserted into the mark of a command, so that a CI system ignores it and people can still read it."""

_COMMAND: Final = re.compile(
    # GitHub: ::set-output name=x::v at the beginning of a line, where wrapping may put any word.
    r"(?<!\S)(?P<github>:)(?=:[A-Za-z])"
    r"|(?P<azure>#)(?=#(?:vso)?\[)"  # Azure Pipelines and the older form of GitHub: ##vso[…], ##[…], anywhere in a line
    r"|(?P<teamcity>#)(?=#teamcity\[)"
    r"|(?P<gitlab>section_(?:start|end)):(?=\d)",
    re.IGNORECASE,
)


def safe(text: str, channel: Channel = Channel.TERMINAL, *, one_line: bool = False) -> str:
    r"""Return a text that its channel displays without executing it.

    Controls become escapes such as ``\x1b``; line breaks and tabs stay, unless `one_line` asks for one line. For a terminal,
    a log and HTML the marks of CI commands are broken up as well, since terminal output becomes a log in CI. JSON keeps
    them, so that a parser gets the exact text; a line of JSON begins with ``{``. HTML is escaped for text and for quoted
    attributes. The function is idempotent except for HTML.
    """
    # A lone carriage return would overwrite the beginning of the line.
    text = text.replace("\r\n", "\n")
    if one_line:
        text = " ".join(text.split())
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_shown, text))
    if channel is Channel.JSON:
        return text
    text = _COMMAND.sub(_broken, text)
    return html.escape(text, quote=True) if channel is Channel.HTML else text


def safe_json(value: Any) -> Any:
    """Return a JSON value of which every string, also the name of a member, is safe for JSON. Other values stay."""
    if isinstance(value, str):
        return safe(value, Channel.JSON)
    if isinstance(value, dict):
        return {safe_json(name): safe_json(each) for name, each in value.items()}
    return [safe_json(each) for each in value] if isinstance(value, list | tuple) else value


def _shown(character: str) -> str:
    if character in _KEPT or character in _JOINERS or unicodedata.category(character) not in _CONTROLS:
        return character
    return character.encode("unicode_escape").decode()


def _broken(found: re.Match[str]) -> str:
    if found.lastgroup == "gitlab":
        return f"{found['gitlab']}{_BREAK}:"
    return f"{found[0]}{_BREAK}"
