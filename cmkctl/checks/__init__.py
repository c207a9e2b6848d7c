"""The preflight rules: pure functions over the profile and what was observed, each with a code, a reason and a remedy.

A rule that makes an error refuses the plan; one that makes a warning is shown and lets it be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cmkctl.checks.rules import RULES
from cmkctl.diagnostics import Diagnostic
from cmkctl.profile.model import Profile

Rule = Callable[[Profile, Mapping[str, Any]], Iterator[Diagnostic]]


def check(profile: Profile, observations: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What every rule has to say, in the order of their codes."""
    for rule in RULES:
        yield from rule(profile, observations)


__all__: Final = ["Rule", "check"]
