"""What was begun, noted in the file of the plan before it is sent, so that an interrupted apply knows its own doing again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from cmkctl.diagnostics import Diagnostic, ProfileError
from cmkctl.files import try_out
from cmkctl.saved_plan.errors import unnoted
from cmkctl.saved_plan.file import SavedPlan, read, write


class Journal:
    """The ids of the changes that applies of one saved plan have begun. Safe for use by several threads.

    When the file cannot be written any more, `tell` hears so once (CMK526), and nothing else is noted.
    """

    def __init__(self, saved: SavedPlan, tell: Callable[[Iterable[Diagnostic]], None]) -> None:
        self._saved = saved
        self._tell = tell
        self._begun = frozenset(map(str, saved.document["begun"]))
        self._off = False
        self._lock = threading.Lock()

    def begun(self) -> frozenset[str]:
        """Return the ids recorded so far. Reads the file again because a concurrent apply may write to it."""
        with self._lock:
            self._begun |= self._noted() or frozenset()
            return self._begun

    def try_out(self) -> None:
        """Find out whether anything can be noted, and tell if not."""
        try:
            try_out(self._saved.path)
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def begin(self, resource_id: str) -> None:
        """Note a change that is about to be made."""
        with self._lock:
            if not self._off and resource_id not in self._begun:
                self._note(resource_id)

    def _note(self, resource_id: str) -> None:
        noted = self._noted()
        if noted is None:
            self._give_up("it is not there any more, or holds something else")
            return
        self._begun |= {*noted, resource_id}
        try:
            write(self._saved.path, {**self._saved.document, "begun": sorted(self._begun)})
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def _noted(self) -> frozenset[str] | None:
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
        self._tell([unnoted(self._saved.path, why)])
