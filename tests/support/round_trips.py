"""The round trips of a command: a transport that counts them."""

from __future__ import annotations

import threading
import time
from typing import Any

from azure.core.pipeline.transport import HttpTransport

from support.scenarios import InterceptingTransport

SAMPLE = 0.05
"""Seconds between two looks at the process's own processor time."""
IDLE_SAMPLES = 6
IDLE = 0.001
"""Seconds of processor time a sample; below it, every thread of the process waits for a response."""


class RoundTrips(InterceptingTransport):
    """A transport that holds requests until the process is idle, then lets all of them through: one round trip.

    A request that depends on a response cannot be among those held, so the number of rounds is the plan's depth. A busy machine
    makes a round longer; it adds none, because a thread that is late still uses processor time before it sends.
    """

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        super().__init__(inner)
        self.depth = 0
        self._held = 0
        self._condition = threading.Condition()

    def before(self, _request: Any) -> None:
        """Wait for the end of the round."""
        with self._condition:
            self._held += 1
            current = self.depth
            if self._held == 1:
                threading.Thread(target=self._end_round, daemon=True).start()
            self._condition.wait_for(lambda: self.depth > current)

    def _end_round(self) -> None:
        idle, used = 0, time.process_time()
        while idle < IDLE_SAMPLES:
            time.sleep(SAMPLE)
            now = time.process_time()
            idle, used = (idle + 1 if now - used < IDLE else 0), now
        with self._condition:
            self._held = 0
            self.depth += 1
            self._condition.notify_all()
