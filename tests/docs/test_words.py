"""Words that lost against a term of docs/glossary.md stay out of every text that people read."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Final

import pytest
from support.docs import ROOT, command_line_reference

from cmkctl.checks import CODES
from cmkctl.diagnostics import Code

LOST: Final = {
    "tell": ("tell", "tells", "telling", "told", "untold"),
    "hear": ("hear", "hears", "heard", "overheard"),
    "speak": ("speak", "speaks", "spoke", "spoken"),
    "mend": ("mend", "mends", "mended", "mending"),
    "begun": ("begun",),
    "nobody": ("nobody",),
    "somebody": ("somebody",),
    "whoever": ("whoever",),
    "mishap": ("mishap", "mishaps"),
    "leave": ("gives leave", "give leave", "without leave", "leave to"),
    "under way": ("under way",),
    "already right": ("already right",),
    "as asked for": ("as asked for",),
    "is another": ("is another", "are others"),
    "not there yet": ("not there yet",),
    "in silence": ("in silence",),
}
"""By the losing word: its forms, and fixed phrases."""

EXCEPTIONS: Final = {
    "docs/glossary.md": "lists the losing words in its column *not*",
    "tests/docs/test_words.py": "is this list",
}
"""Files that may use them, with the reason."""

_PATTERN: Final = re.compile(
    rf"(?<![\w-])({'|'.join(re.escape(form) for forms in LOST.values() for form in forms)})(?![\w-])", re.IGNORECASE
)
_CODE: Final = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_PAGES: Final = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
_PROFILES: Final = sorted((ROOT / "profiles").rglob("*.yaml"))
_MODULES: Final = sorted((ROOT / "cmkctl").rglob("*.py"))
_TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def lost_in(text: str) -> list[str]:
    """Return the losing words of a text, in order; a phrase may be broken over two lines. Code in backticks is not read."""
    return [found.lower() for found in _PATTERN.findall(" ".join(_CODE.sub("", text).split()))]


def _texts(module: Path) -> Iterator[str]:
    """Return the texts in a module: docstrings, comments, and every string of a message; no name of a field."""
    source = module.read_text(encoding="utf-8")
    yield from (
        each.string for each in tokenize.generate_tokens(StringIO(source).readline) if each.type == tokenize.COMMENT
    )
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def _comments(source: str) -> Iterator[str]:
    """Return the comments of a module, and its docstrings: strings that are a statement of their own."""
    yield from (
        each.string for each in tokenize.generate_tokens(StringIO(source).readline) if each.type == tokenize.COMMENT
    )
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(ast.Constant(str(text))):
                yield text


def _names(source: str) -> Iterator[str]:
    """Return what a module names, as words: functions, classes, parameters, variables, attributes and imports."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield _words(name)
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield _words(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield _words(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield _words(name)


def _words(name: str) -> str:
    """Split a name at underscores and at capitals."""
    return " ".join(_WORD.findall(name))


@pytest.mark.parametrize("page", _PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_a_page_uses_the_words_of_the_glossary(page: Path) -> None:
    """README, docs and contributing guide; pages that are made from the code are among them."""
    if str(page.relative_to(ROOT)) not in EXCEPTIONS:
        assert [] == lost_in(page.read_text(encoding="utf-8"))


def test_help_uses_the_words_of_the_glossary() -> None:
    """The help of every command, as it is now."""
    assert [] == lost_in(command_line_reference().replace("```", ""))


@pytest.mark.parametrize("profile", _PROFILES, ids=lambda each: each.name)
def test_an_example_uses_the_words_of_the_glossary(profile: Path) -> None:
    """The commented profiles."""
    assert [] == lost_in(profile.read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_code_uses_the_words_of_the_glossary(code: Code) -> None:
    """Title, meaning and remedy."""
    assert [] == lost_in(f"{code.title} {code.meaning} {code.remedy}")


def test_the_code_uses_the_words_of_the_glossary() -> None:
    """Every docstring, comment and message of the product."""
    found = {str(each.relative_to(ROOT)): lost_in("\n\n".join(_texts(each))) for each in _MODULES}

    assert {} == {file: words for file, words in found.items() if words}


def test_the_tests_use_the_words_of_the_glossary() -> None:
    """Every docstring, comment and name of the tests; the other strings of a test are data, such as quoted complaints."""
    found = {
        str(each.relative_to(ROOT)): lost_in("\n\n".join([_words(each.stem), *_comments(source), *_names(source)]))
        for each, source in ((each, each.read_text(encoding="utf-8")) for each in _TESTS)
    }

    assert {} == {file: words for file, words in found.items() if words}


def test_names_are_read_as_words_and_other_strings_are_not_read() -> None:
    """Whatever binds a name counts; a use of it, a member of a document and a message do not."""
    source = """
class NobodyIsHere:
    def tell_it(self, begun, *, mended=0):
        # a mishap
        self.heard_of = whoever(told=f"{document['spoken']} hear")
    "nobody"
"""

    assert ["mishap", "nobody"] == [word for each in _comments(source) for word in lost_in(each)]
    assert {"nobody", "tell", "begun", "mended", "heard"} == {word for each in _names(source) for word in lost_in(each)}


def test_the_pattern_finds_forms_and_phrases_and_spares_code() -> None:
    """Whole words in any case, also over the end of a line; `begun` in backticks is a field of saved plans."""
    text = "Nobody is told.\nIt is under\nway. `begun` telltale mend-free\n\n```text\nnobody\n```\n"

    assert ["nobody", "told", "under way"] == lost_in(text)


def test_each_exception_is_still_needed() -> None:
    """An exception without a losing word goes."""
    assert [] == [each for each in EXCEPTIONS if not lost_in((ROOT / each).read_text(encoding="utf-8"))]


def test_the_glossary_lists_each_losing_word() -> None:
    """The column *not* of docs/glossary.md is where a reader finds the better word."""
    rows = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    listed = " ".join(row.split("|")[-2] for row in rows if "|" in row)

    assert [] == [each for each in LOST if each not in listed]
