"""The pace of long-running transitions in the sandbox: by reads, by seconds, or at once."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from cmkctl.sandbox.core import latency

Countdown = dict[str, Any]
"""The remainder of a transition, as kept in the state file: ``{"reads": 2}`` or ``{"until": 1700000000.0}``."""

SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Pace:
    """The speed of long-running things: operations, provider registration, DNS of a new vault, slow grants.

    `Pace.reads(2)` (the default) shows two reads of the unfinished state and then the finished one, which makes a run
    deterministic however fast the client polls. `Pace.seconds(5)` finishes after five seconds. `Pace.none()` finishes
    before the first read. `Pace.azure(0.01)` takes a hundredth of the time Azure takes for each kind of thing.

    Azure's ``Retry-After`` (17 s for a storage account, 15 s for a group) would make clients wait for nothing, so the
    sandbox shortens it; with `hurry` False it sends Azure's own numbers.
    """

    unit: Literal["reads", "seconds", "none", "azure"]
    amount: float
    hurry: bool = True

    @classmethod
    def reads(cls, count: int = 2, *, hurry: bool = True) -> "Pace":
        """Finish after `count` reads of the unfinished state."""
        return cls("reads", count, hurry)

    @classmethod
    def seconds(cls, seconds: float, *, hurry: bool = True) -> "Pace":
        """Finish `seconds` seconds after the start."""
        return cls("seconds", seconds, hurry)

    @classmethod
    def none(cls) -> "Pace":
        """Finish at once: the first read already shows the end."""
        return cls("none", 0)

    @classmethod
    def azure(cls, scale: float = 1, *, hurry: bool = True) -> "Pace":
        """Take `scale` times as long as Azure takes for each kind of thing; see `latency.DURATIONS`."""
        return cls("azure", scale, hurry)

    @classmethod
    def profile(cls, text: str) -> "Pace":
        """Read a latency profile: ``none``, ``azure`` or ``azure:0.01``.

        Raises:
            ValueError: there is no such profile, or its factor is not a number above zero.

        """
        name, _, factor = text.strip().partition(":")
        if name == "none" and not factor:
            return cls.none()
        if name != "azure":
            raise ValueError(f"latency {text!r}: use none, azure or azure:FACTOR")
        scale = float(factor) if factor else 1.0
        if not math.isfinite(scale) or scale <= 0:
            raise ValueError(f"latency {text!r}: the factor must be a number above zero")
        return cls.azure(scale)

    @classmethod
    def parse(cls, text: str) -> "Pace":
        """Read ``reads``, ``reads:3``, ``seconds``, ``seconds:1.5`` or ``none``.

        Raises:
            ValueError: the text is none of these, or its number is not a number of zero or more.

        """
        unit, _, amount = text.strip().partition(":")
        if unit == "none" and not amount:
            return cls.none()
        if unit not in {"reads", "seconds"}:
            raise ValueError(f"pace {text!r}: use reads, reads:N, seconds, seconds:N or none")
        value = float(amount) if amount else 2.0
        if not math.isfinite(value) or value < 0 or (unit == "reads" and value != int(value)):
            raise ValueError(f"pace {text!r}: the number must be zero or more, and whole for reads")
        return cls("reads", int(value)) if unit == "reads" else cls("seconds", value)

    def retry_after(self, recorded: int) -> str:
        """Return the ``Retry-After`` to send where Azure sends `recorded` seconds; never 0, which clients ignore."""
        if not self.hurry:
            return str(recorded)
        if self.unit == "azure":
            return str(max(1, math.ceil(recorded * self.amount)))
        return str(min(recorded, max(1, math.ceil(self.amount)))) if self.unit == "seconds" else "1"

    def start(self, now: float, factor: float = 1, kind: str = "") -> Countdown:
        """Begin a transition at `now` (seconds since the epoch).

        It takes `factor` times the usual or, with a latency profile, what the profile has for its `kind`.
        """
        if self.unit == "azure":
            return {"until": now + latency.seconds(kind) * self.amount}
        if self.unit == "seconds":
            return {"until": now + self.amount * factor}
        return {"reads": int(self.amount * factor) if self.unit == "reads" else 0}

    def at_least_reads(self) -> "Pace":
        """Return a pace at which a fault that delays things does delay them: `none` becomes two reads."""
        return Pace.reads() if self.unit == "none" else self


def parse_span(text: str) -> float:
    """Read a span of time such as ``14d``, ``36h`` or ``1d12h``, in seconds.

    Raises:
        ValueError: it is not one.

    """
    found = SPAN.findall(text.strip().lower())
    if not found or "".join(number + unit for number, unit in found) != text.strip().lower():
        raise ValueError(f"{text!r} is not a span of time: use a number and s, m, h, d or w, such as 14d")
    return sum(float(number) * SECONDS[unit] for number, unit in found)


def done(countdown: Countdown, now: float) -> bool:
    """Return whether the transition is over, without counting this as a read."""
    if "until" in countdown:
        return bool(now >= countdown["until"])
    return bool(countdown.get("reads", 0) <= 0)


def read(countdown: Countdown, now: float) -> bool:
    """Count one read; return whether it already sees the end. Changes `countdown`."""
    if done(countdown, now):
        return True
    if "reads" in countdown:
        countdown["reads"] -= 1
    return False
