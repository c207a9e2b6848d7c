"""How fast things that take time in Azure get done in the sandbox: by reads, by seconds, or at once."""

import math
from dataclasses import dataclass
from typing import Any, Literal

Countdown = dict[str, Any]
"""What is left of a transition, as kept in the state file: ``{"reads": 2}`` or ``{"until": 1700000000.0}``."""


@dataclass(frozen=True)
class Pace:
    """The speed of long-running things: operations, provider registration, DNS of a new vault, slow grants.

    `Pace.reads(2)` (the default) shows two reads of the unfinished state and then the finished one, which makes a run
    deterministic however fast the client polls. `Pace.seconds(5)` finishes after five seconds. `Pace.none()` finishes
    before the first read.

    Azure's ``Retry-After`` (17 s for a storage account, 15 s for a group) would make clients wait for nothing, so the
    sandbox shortens it; with `hurry` False it sends Azure's own numbers.
    """

    unit: Literal["reads", "seconds", "none"]
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
        return str(min(recorded, max(1, math.ceil(self.amount)))) if self.unit == "seconds" else "1"

    def start(self, now: float, factor: float = 1) -> Countdown:
        """Begin a transition at `now` (seconds since the epoch) that takes `factor` times the usual."""
        if self.unit == "seconds":
            return {"until": now + self.amount * factor}
        return {"reads": int(self.amount * factor) if self.unit == "reads" else 0}


def done(countdown: Countdown, now: float) -> bool:
    """Say whether the transition is over, without counting this as a read."""
    if "until" in countdown:
        return bool(now >= countdown["until"])
    return bool(countdown.get("reads", 0) <= 0)


def read(countdown: Countdown, now: float) -> bool:
    """Count one read; say whether it already sees the end. Changes `countdown`."""
    if done(countdown, now):
        return True
    if "reads" in countdown:
        countdown["reads"] -= 1
    return False
