"""The type of procedures: values with steps, rules, subject, outputs and proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cmkctl.azure.session import Session
from cmkctl.diagnostics import Diagnostic
from cmkctl.facts import Rule
from cmkctl.plan import Json, Known, Plan, Subject
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep


def no_proof(_session: Session, _profile: Profile, _before: Plan, _after: Plan) -> Iterable[Diagnostic]:
    """Require nothing beyond a plan that is all no-op."""
    return ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """A documented procedure.

    `steps` are in the documented order; `rules` judge the plan; `subject` makes its header; `outputs` returns the values that
    scripts need; `proof` compares the plans before and after everything was read back, and returns the problems found.
    """

    name: str
    steps: tuple[AnyStep, ...]
    rules: tuple[Rule, ...]
    subject: Callable[[Profile], Subject]
    outputs: Callable[[Profile, Known], Mapping[str, Json]]
    proof: Callable[[Session, Profile, Plan, Plan], Iterable[Diagnostic]] = no_proof
