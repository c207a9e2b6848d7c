"""The type of procedures: values with steps, rules, subject, outputs and proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cmkctl.azure.session import Session
from cmkctl.diagnostics import Diagnostic
from cmkctl.facts import Rule
from cmkctl.plan import Json, Known, Plan, Subject
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep


def no_proof(_session: Session, _profile: Profile, _before: Plan, _after: Plan) -> Iterable[Diagnostic]:
    """Require nothing beyond a plan that is all no-op."""
    return ()


def no_preparation(_plan: Plan) -> None:
    """Prepare nothing."""


def no_conclusion(_profile: Profile) -> str:
    """Return no sentence."""
    return ""


def workspace_subject(profile: Profile) -> Subject:
    """Return the header of a plan about the profile's workspace."""
    return Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id)


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
    conclusion: Callable[[Profile], str] = no_conclusion
    """The sentence that is true after an apply."""
    check: str = "verify"
    """The command that checks the result; empty for none."""
    undo: str = ""
    """The command that undoes an apply; empty for none."""
    prepare: Callable[[Plan], None] = no_preparation
    """Called with an approved plan before it is applied."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The options of the command that change what the procedure does. A saved plan contains them."""
    typed: Callable[[Profile], str] | None = None
    """The name that the operator types to approve the plan; None where a yes is enough."""
    template: bool = False
    """True when Azure can validate the plan as a template beforehand."""
    dated: bool = False
    """True when a saved plan keeps the time of the plan in Azure as the argument ``at``, in ISO 8601."""
