"""What a view knows of a run that goes on, and when to say so again. Shared by the view for people and the one for scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cmkctl import events
from cmkctl.events import Event
from cmkctl.views.heartbeat import Pulse, UnderWay
from cmkctl.views.inflight import InFlight, Row, Throttle


class Watch:
    """Hears of events and waits, and says what is under way. Guarded by the view's lock.

    A wait is told of when it has lasted `first` seconds, and then about every `every` seconds, whether somebody has
    something new to say of it or not. `now` gives seconds since a fixed moment.
    """

    def __init__(self, first: float, every: float, now: Callable[[], float]) -> None:
        self.in_flight = InFlight(now)
        self._throttle = Throttle(first, every)
        self._pulse = Pulse(every, now)

    def hear(self, event: Event) -> None:
        """Note what happened."""
        match event:
            case events.StepStarted(step, title):
                self._pulse.begin_step(step, title)
            case events.ChangeStarted(change):
                self.in_flight.start(change)
                self._pulse.begin(change)
            case events.ChangeFinished(change):
                self.in_flight.finish(change)
                self._pulse.end(change)
            case events.ChangeFailed(change):
                self.in_flight.stop(change)
                self._pulse.fail(change)
            case events.StepFinished(step):
                self.in_flight.finish_step(step)
                self._pulse.end_step(step)

    def wait(self, what: str, seconds: float, until: datetime | None) -> tuple[Row, bool]:
        """Note a wait; what this thread is at because of it, and whether this is the moment to say so."""
        row = self.in_flight.wait(what, seconds, until)
        told = self._throttle.lets(what, seconds)
        self._pulse.wait(row.change, what, seconds, until, told=told)
        return row, told

    def due(self) -> list[tuple[UnderWay, float]]:
        """What was not told of for too long, with the seconds it has taken; it counts as told of then."""
        due = self._pulse.due()
        for each, seconds in due:
            self._throttle.note(each.what, seconds)
        return due

    def settle(self) -> None:
        """Note that something was said on its own: waits that belong to no change are over."""
        self.in_flight.forget_waits()
        self._pulse.rest()
