"""The type of steps, and the changes that every step can return. The steps in their order are in `cmkctl.procedures`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar

from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, Change, Json, Known, Outputs, Settle
from cmkctl.profile.model import Profile

ObservedT = TypeVar("ObservedT")

_CREATING: Final = frozenset({"creating", "registeringdns", "resolvingdns"})
"""The provisioning states that only a creation has."""


class Step(Protocol[ObservedT]):
    """One section of the documented procedure, in one file.

    `name` identifies it in plans and JSON, `title` is for people, `needs` names the steps that must be done before it and whose
    outputs it may use, `doc` is the page it implements.
    """

    @property
    def name(self) -> str:
        """The step's name."""
        ...

    @property
    def title(self) -> str:
        """The step's title, for people."""
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
        """Read what is there. Sends reads only; absence is a value. Raises AzureFailed when Azure refuses a read."""
        ...

    def plan(self, profile: Profile, observed: ObservedT, known: Known) -> list[Change]:
        """Return the changes that bring Azure in line. Pure. A no-op has a reason, too.

        Empty only where the profile does not request what the step makes.
        """
        ...

    def outputs(self, profile: Profile, observed: ObservedT) -> Outputs:
        """Return what later steps may use, `Unknown` as long as it does not exist. Pure."""
        ...


AnyStep = Step[Any]


def no_op(step: str, resource_id: str, kind: str, name: str, reason: str) -> Change:
    """Return the change of a resource that is up to date, with the reason."""
    return Change(step, Action.NO_OP, resource_id, kind, name, reason)


def wait(
    step: str,
    resource_id: str,
    kind: str,
    name: str,
    reason: str,
    settle: Settle,
    may_result_from: tuple[str, ...] = (),
) -> Change:
    """Return the change of a resource that is waited for.

    An operation of an earlier or another run is in progress, or it results from one of the changes in `may_result_from`.
    """
    return Change(step, Action.WAIT, resource_id, kind, name, reason, settle=settle, may_result_from=may_result_from)


def reason_to_wait(state: str) -> str:
    """Return the reason for waiting: a creation where the provisioning state is one of a creation, else an operation."""
    return f"being created ({state})" if state.lower() in _CREATING else f"operation in progress ({state})"


def conflict(
    step: str,
    resource_id: str,
    kind: str,
    name: str,
    code: str,
    reason: str,
    *ways_out: str,
    agreement: Mapping[str, Json] | None = None,
) -> Change:
    """Return drift that no permitted write repairs, with the ways out, and the fields of a profile that would agree."""
    fields = agreement or {}
    return Change(
        step, Action.CONFLICT, resource_id, kind, name, reason, ways_out=ways_out, code=code, agreement=fields
    )
