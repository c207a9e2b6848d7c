"""Every exception of the contract, each with its reason: exchanges that are not sent, and differences that are known.

An exception says which scenarios it is for, which exchanges of these, what of the answer, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from contract_recordings import Exchange


@dataclass(frozen=True)
class Exception_:
    """One exception: `what` is matched from its beginning against a difference in words; not sent at all when it is empty."""

    why: str
    what: str = ""
    scenarios: str = "*"
    where: Callable[[Exchange], bool] = lambda _exchange: True

    def holds(self, scenario: str, exchange: Exchange) -> bool:
        """Whether the exception is for this exchange."""
        return any(fnmatchcase(scenario, each) for each in self.scenarios.split()) and self.where(exchange)


EXCLUDED: tuple[Exception_, ...] = ()
DIFFERENCES: tuple[Exception_, ...] = ()


def excluded(scenario: str, exchange: Exchange) -> str | None:
    """Return why an exchange is not sent; None when it is."""
    return next((each.why for each in EXCLUDED if each.holds(scenario, exchange)), None)


def explained(scenario: str, exchange: Exchange, difference: str) -> str | None:
    """Return why a difference is accepted; None when it is not."""
    for each in DIFFERENCES:
        if each.holds(scenario, exchange) and re.match(each.what, difference):
            return each.why
    return None
