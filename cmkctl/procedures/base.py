"""What a procedure is: a value that names its steps, its rules, its subject, its outputs and its proof."""

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
    """Prove nothing beyond the plan that is all no-op."""
    return ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """A documented procedure.

    `steps` are in the documented order; `rules` judge the plan; `subject` makes its header; `outputs` what a script needs of
    a plan that holds; `proof` is checked after everything was read back, with the plan before and after, and returns what
    is wrong.
    """

    name: str
    steps: tuple[AnyStep, ...]
    rules: tuple[Rule, ...]
    subject: Callable[[Profile], Subject]
    outputs: Callable[[Profile, Known], Mapping[str, Json]]
    proof: Callable[[Session, Profile, Plan, Plan], Iterable[Diagnostic]] = no_proof
