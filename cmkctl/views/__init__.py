"""Renderings of a run: for people (`human`), as JSON lines (`json`), as a report (`report`). All get the same values.

Data goes to stdout, narration to stderr. Nothing else in the package writes to a stream.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

from cmkctl.plan import Plan
from cmkctl.views.shown import Shown


class View(Protocol):
    """One rendering. Every method may be called from any thread; the output of one call stays together.

    As a context manager it restores the terminal at the end; it can still show things afterwards.
    """

    @property
    def can_ask(self) -> bool:
        """True when a person can answer `confirm`."""
        ...

    def show(self, shown: Shown) -> None:
        """Render a value."""
        ...

    def confirm(self, plan: Plan, name: str = "") -> bool:
        """Ask once whether to apply. True for y or yes, with `name` only for that name; False without `can_ask`."""
        ...

    def close(self) -> None:
        """Restore the terminal."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_view(
    *,
    json: bool,
    stdout: TextIO,
    stderr: TextIO,
    stdin: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    sandbox: bool = False,
    color: bool | None = None,
    debug: bool = False,
) -> View:
    """Return the view of one run. `stdin` and `environ` are the process's own unless given.

    `sandbox` is True when the run is known from the start to go to the sandbox; `color` None follows the stream and the
    environment; `debug` shows when every wait is given up.
    """
    # Each view is imported only when it is used: a command starts faster without the other.
    if json:
        from cmkctl.views.json import JsonView  # noqa: PLC0415 - see above

        return JsonView(stdout, stderr, sandbox=sandbox)
    from cmkctl.views.human import HumanView  # noqa: PLC0415 - see above

    return HumanView(
        stdout,
        stderr,
        stdin or sys.stdin,
        environ=os.environ if environ is None else environ,
        sandbox=sandbox,
        color=color,
        debug=debug,
    )


__all__ = ["Shown", "View", "make_view"]
