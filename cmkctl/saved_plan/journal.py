"""The journal: each change is recorded in the plan's file before it is sent, so that an interrupted apply can continue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from cmkctl.diagnostics import Diagnostic, ProfileError
from cmkctl.files import try_out
from cmkctl.saved_plan.errors import not_recorded
from cmkctl.saved_plan.file import SavedPlan, read, write


class Journal:
    """The ids of the changes that applies of one saved plan have started. Thread-safe.

    When the file becomes unwritable, `warn` is called once (CMK526) and recording ends.
    """

    def __init__(self, saved: SavedPlan, warn: Callable[[Iterable[Diagnostic]], None]) -> None:
        self._saved = saved
        self._warn = warn
        self._begun = frozenset(map(str, saved.document["begun"]))
        self._off = False
        self._lock = threading.Lock()

    def begun(self) -> frozenset[str]:
        """Return the ids recorded so far. Reads the file again because a concurrent apply may write to it."""
        with self._lock:
            self._begun |= self._recorded() or frozenset()
            return self._begun

    def try_out(self) -> None:
        """Warn if the file is not writable."""
        try:
            try_out(self._saved.path)
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def begin(self, resource_id: str) -> None:
        """Record a change that is about to be sent."""
        with self._lock:
            if not self._off and resource_id not in self._begun:
                self._record(resource_id)

    def _record(self, resource_id: str) -> None:
        recorded = self._recorded()
        if recorded is None:
            self._give_up("the file was removed or replaced")
            return
        self._begun |= {*recorded, resource_id}
        try:
            write(self._saved.path, {**self._saved.document, "begun": sorted(self._begun)})
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def _recorded(self) -> frozenset[str] | None:
        """Return the ids in the file; None when it no longer holds the approved plan."""
        try:
            document = read(self._saved.path) or {}
        except ProfileError:
            return None
        ours = {**document, "begun": []} == {**self._saved.document, "begun": []}
        begun = document.get("begun")
        return frozenset(map(str, begun)) if ours and isinstance(begun, list) else None

    def _give_up(self, why: str) -> None:
        self._off = True
        self._warn([not_recorded(self._saved.path, why)])
