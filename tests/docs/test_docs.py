"""The pages are true: their sessions run, what is generated is fresh, what they point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.docs import GENERATED, ROOT, SESSION_PAGES, commands, matches, run
from support.warm.process import warm_python

from cmkctl.checks import CODES

REGENERATE = "stale: run `python tests/support/docs.py`, then look at the difference"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
STATE_FILE = "cmkctl/sandbox.json"
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
ADR_SECTIONS = ["Context", "Options", "Decision", "Status", "Consequences", "Experience report"]


def _code_blocks(page: str, heading: str) -> list[str]:
    section = re.split(r"^## ", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    wanted = next(each for each in section if each.startswith(f"{heading}\n"))
    return re.findall(r"^```\w*\n(.*?)^```$", wanted, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", SESSION_PAGES)
def test_a_session_runs_as_written(page: str, tmp_path: Path, forks: bool) -> None:
    """Every command of the page, typed in order into a fresh checkout, answers as the page shows."""
    listed = commands((ROOT / page).read_text(encoding="utf-8"))

    outputs = run([each.typed for each in listed], tmp_path, warm_python().programs if forks else None)

    wrong = [
        f"{page}:{each.line}: $ {each.typed}\nanswers\n{output}"
        for each, output in zip(listed, outputs, strict=True)
        if each.shown and not matches(each.shown, output)
    ]
    assert not wrong, f"{REGENERATE}\n\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", SESSION_PAGES)
def test_a_session_has_commands(page: str) -> None:
    """All that a page shows are run: a block that is no longer found fails the test."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"^\$ .+$", text, flags=re.MULTILINE)

    assert [] != shown
    assert len(shown) == len(commands(text))


@pytest.mark.slow
@pytest.mark.parametrize("page", GENERATED)
def test_a_generated_page_is_fresh(page: str) -> None:
    """docs/rules.md comes from the catalogue, docs/cli.md from the help texts."""
    assert GENERATED[page]() == (ROOT / page).read_text(encoding="utf-8"), REGENERATE


def test_every_code_in_the_source_is_declared() -> None:
    """A code that cannot be looked up is of no use."""
    assert not _codes_in_source() - set(CODES)


def test_every_declared_code_is_used() -> None:
    """`explain` lists nothing that cannot happen."""
    assert not set(CODES) - _codes_in_source()


def test_every_code_of_a_page_is_declared() -> None:
    """No page refers to an undeclared code."""
    written = {code for page in PAGES for code in re.findall(r"\bCMK\d{3}\b", page.read_text(encoding="utf-8"))}

    assert not written - set(CODES)


_USE = re.compile(
    r"""codes\.(CMK\d{3})|["'](CMK\d{3})["']|rule\((CMK\d{3})|(CMK\d{3})\.(?:error|warning|note|diagnostic)\("""
)


def _codes_in_source() -> set[str]:
    """Return the codes that the product uses, as names or as text, without their declarations."""
    texts = [each.read_text(encoding="utf-8") for each in (ROOT / "cmkctl").rglob("*.py")]
    declared = re.compile(r"^(CMK\d{3}): Final = Code\(\n +\"\1\"", re.MULTILINE)
    return {code for each in texts for found in _USE.findall(declared.sub("", each)) for code in found if code}


def test_the_first_command_is_one_line_and_applies_the_quickstart() -> None:
    """The first thing that is pasted ends with a workspace in the sandbox."""
    (command,) = _code_blocks("README.md", "Try it")[:1]

    assert command.count("\n") == 1
    assert command.rstrip().endswith("cmkctl apply profiles/quickstart.yaml --sandbox --yes")


def test_the_test_command_is_one_line_in_a_block_of_its_own() -> None:
    """CI takes this line from the page as it stands."""
    (command,) = _code_blocks("README.md", "Tests")[:1]

    assert command.count("\n") == 1
    assert "-m pytest" in command


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_what_a_page_points_at_is_there(page: Path) -> None:
    """Relative links and paths in backticks lead somewhere, headings included."""
    text = page.read_text(encoding="utf-8")
    links = [each for each in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in each]
    paths = re.findall(r"`((?:cmkctl|tests|docs|profiles)/[\w./-]*[\w/])`", text)

    missing = [each for each in links if not _leads_somewhere(page, each)]
    missing += [each for each in paths if "NAME" not in each and each != STATE_FILE and not (ROOT / each).exists()]
    assert not missing


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("adr", ADRS, ids=lambda each: each.stem)
def test_a_decision_has_the_sections_of_one(adr: Path) -> None:
    """Context, Options, Decision, Status, Consequences and an Experience report, in this order; and it is indexed."""
    text = adr.read_text(encoding="utf-8")

    assert ADR_SECTIONS == re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert f"({adr.name})" in (adr.parent / "README.md").read_text(encoding="utf-8")


def test_decisions_have_numbers_of_their_own() -> None:
    """A number is given out once."""
    numbers = [int(each.name[:4]) for each in ADRS]

    assert sorted(set(numbers)) == numbers


def test_no_file_names_a_machine() -> None:
    """A path of the author's machine means nothing on another one."""
    folders = [ROOT / each for each in ("cmkctl", "docs", "profiles", "tests", ".ci", ".github")]
    files = [
        ROOT / "README.md",
        ROOT / "pyproject.toml",
        *(each for folder in folders for each in folder.rglob("*") if each.is_file()),
    ]
    texts = {each: each.read_text("utf-8") for each in files if "__pycache__" not in each.parts and each.is_file()}
    machine = re.compile(r"(?<![\w.:/-])/(?:work|tmp|root|home)/")

    assert {"README.md", "test_docs.py", "run"} <= {each.name for each in texts}
    assert [] == [str(each.relative_to(ROOT)) for each, text in texts.items() if machine.search(text)]
