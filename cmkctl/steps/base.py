"""What a step is. The steps themselves, in order, are in `cmkctl.steps`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from cmkctl.azure.session import Session, Snapshot
from cmkctl.plan import Action, Change, Known, Outputs
from cmkctl.profile.model import Profile

ObservedT = TypeVar("ObservedT")


class Step(Protocol[ObservedT]):
    """One section of the documented procedure, in one file.

    `name` is what other steps, plans and JSON call it; `title` what people read; `needs` the steps that must be done
    before, and whose outputs it may use; `doc` the page it implements.
    """

    @property
    def name(self) -> str:
        """The step's name."""
        ...

    @property
    def title(self) -> str:
        """What people read."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that must be done before."""
        ...

    @property
    def doc(self) -> str:
        """The page that the step implements."""
        ...

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedT:
        """Read what is there. Reads only; absence is a value. Raises AzureFailed when Azure does not let us see."""
        ...

    def plan(self, profile: Profile, observed: ObservedT, known: Known) -> list[Change]:
        """What would make it right: pure, and never empty, for doing nothing has a reason, too."""
        ...

    def outputs(self, profile: Profile, observed: ObservedT, known: Known) -> Outputs:
        """What later steps may use, `Unknown` as long as it does not exist: pure."""
        ...

    def apply(self, azure: Session, change: Change) -> None:
        """Send the one write of a change and wait for it. Raises azure-core's errors, AzureFailed or CmkctlError."""
        ...


AnyStep = Step[Any]


def no_op(step: str, resource_id: str, title: str, reason: str) -> Change:
    """Nothing to do, and why."""
    return Change(step, Action.NO_OP, resource_id, title, reason)


def wait(step: str, resource_id: str, title: str, reason: str) -> Change:
    """Something is under way already, by an earlier run or by somebody else: it is waited for, not repeated."""
    return Change(step, Action.WAIT, resource_id, title, reason)


def conflict(step: str, resource_id: str, title: str, code: str, reason: str, *ways_out: str) -> Change:
    """Drift that no permitted write mends, with the ways out."""
    return Change(step, Action.CONFLICT, resource_id, title, reason, ways_out=ways_out, code=code)
