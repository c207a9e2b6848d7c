from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = """
import io, sys
from cmkctl import codes
from cmkctl.plan import Plan, Subject
from cmkctl.views import make_view
from cmkctl.views.shown import DiagnosticsShown, PlanShown
view = make_view(json={json}, stdout=sys.stdout, stderr=sys.stderr, stdin=sys.stdin, environ={{}})
view.show(PlanShown(Plan(Subject("AzureCloud", "s", "l", "/w"), ())))
view.show(DiagnosticsShown((codes.CMK001.error("b"),)))
heavy = ("rich", "azure", "cmkctl.engine", "pydantic", "typer")
sys.exit(" ".join(each for each in heavy if each in sys.modules) or 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("json", [False, True], ids=["human", "json"])
def test_a_pipe_needs_neither_rich_nor_the_engine(json: bool) -> None:
    """A plan or an error in a pipe imports next to nothing, so a command can start at once."""
    ran = subprocess.run([sys.executable, "-c", SHOW.format(json=json)], capture_output=True, text=True, check=False)

    assert 0 == ran.returncode, ran.stderr
