"""What people and scripts see: the same plans and events, rendered for a person (`human`) or as JSON lines (`json`).

A view's methods are what happened, never "print this". Data goes to stdout, narration to stderr. Nothing else in the
package writes to a stream.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TextIO

from cmkctl.diagnostics import Diagnostic
from cmkctl.events import Event
from cmkctl.plan import Plan


class View(Protocol):
    """One rendering. Every method may be called from any thread; what one call says stays together.

    As a context manager it gives the terminal back at the end; it can still speak afterwards.
    """

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer `confirm`."""
        ...

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:
        """Show what would be done, with the plan's diagnostics; `detailed` adds every request with its body."""
        ...

    def saved(self, file: str, digests: Mapping[str, str]) -> None:
        """Say where the plan was saved, with the digests by name."""
        ...

    def confirm(self, plan: Plan) -> bool:
        """Ask once whether to apply. Only the whole word ``yes`` is a yes; without `can_ask` the answer is no."""
        ...

    def event(self, event: Event) -> None:
        """Tell what just happened while a plan is applied."""
        ...

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Tell what is waited for, for how many seconds already, and when it is given up, if that is known."""
        ...

    def outputs(self, values: Mapping[str, object]) -> None:
        """Hand over what a script needs, by name."""
        ...

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show problems, in the order given."""
        ...

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """Close an apply: `before` is the plan that was applied, `after` what was read at the end."""
        ...

    def verified(self, plan: Plan) -> None:
        """Say whether everything is as asked for, or what drifted."""
        ...

    def interrupted(self, command: str = "") -> None:
        """Say that the run was told to stop, what Azure goes on with, and the `command` that goes on."""
        ...

    def log(self, text: str) -> None:
        """Say something to whoever looks for a fault (``--debug``)."""
        ...

    def close(self) -> None:
        """Give the terminal back."""
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
) -> View:
    """The view of one run. `stdin` and `environ` are the process's own unless given."""
    # Each view is imported only when it is used: a command starts faster without the other.
    if json:
        from cmkctl.views.json import JsonView  # noqa: PLC0415 - see above

        return JsonView(stdout, stderr)
    from cmkctl.views.human import HumanView  # noqa: PLC0415 - see above

    return HumanView(stdout, stderr, stdin or sys.stdin, environ=os.environ if environ is None else environ)


__all__ = ["View", "make_view"]
