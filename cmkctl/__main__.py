"""``python -m cmkctl``."""

from cmkctl.cli import run_and_exit

run_and_exit()
