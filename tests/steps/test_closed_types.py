"""A new action without words, or without a decision whether it writes, is a type error."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Final

import pytest

from cmkctl import plan

api = pytest.importorskip("mypy.api", reason="mypy is in the lint extra")

ROOT: Final = Path(__file__).parents[2]
_LAST: Final = '    CONFLICT = "conflict"\n'


def checked(folder: Path, source: str) -> list[str]:
    """Return the errors that mypy reports in a version of `cmkctl.plan`."""
    file, settings = folder / "changed_plan.py", folder / "mypy.ini"
    file.write_text(source, encoding="utf-8")
    settings.write_text(
        f"[mypy]\nstrict = true\nmypy_path = {ROOT}\nfollow_imports = silent\ncache_dir = {folder / 'cache'}\n",
        encoding="utf-8",
    )
    output, problems, _ = api.run(["--config-file", str(settings), "--no-error-summary", str(file)])
    assert problems == ""
    return [line for line in output.splitlines() if ": error: " in line]


@pytest.mark.slow
def test_a_new_action_without_words_is_a_type_error(tmp_path: Path) -> None:
    """Mypy reports every place that has to know the new action: its words, and the question whether it writes."""
    source = inspect.getsource(plan)
    assert source.count(_LAST) == 1

    errors = checked(tmp_path, source.replace(_LAST, f'{_LAST}    ROTATE = "rotate"\n'))

    assert ["Action.ROTATE" in each and "assert_never" in each for each in errors] == [True, True]


@pytest.mark.slow
def test_the_actions_as_they_are_have_no_type_error(tmp_path: Path) -> None:
    """The errors above come from the new action."""
    assert [] == checked(tmp_path, inspect.getsource(plan))
