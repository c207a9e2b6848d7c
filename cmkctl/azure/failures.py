"""What a refusal of Azure is: its kind, and what Azure said. Values only; `cmkctl.azure.errors` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNREADABLE = "The answer cannot be read"
"""How the message of an answer begins that is not what Azure sends; azure-identity hands on the message alone."""


CLI_TIMEOUT = 60
"""Seconds that the Azure CLI has to give a token: a first call after an update, or on a busy machine, takes over 10."""


class FailureKind(StrEnum):
    """What an error means to somebody who has to decide what to do next."""

    ABSENT = "absent"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_REGISTERED = "not registered"
    PENDING = "pending"
    NOT_EFFECTIVE = "grant not effective"
    EXISTS = "exists already"
    THROTTLED = "throttled"
    IN_PROGRESS = "in progress"
    CONFLICT = "conflict"
    PASSING = "passing"
    NETWORK = "network"
    POLICY = "policy"
    CAPACITY = "capacity"
    UNREADABLE = "unreadable"
    FOREIGN_HOST = "foreign host"
    CLAIMS = "claims required"
    DEADLINE = "deadline passed"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Failure:
    """One refusal of Azure: what it means, and what Azure said.

    `status` is None when no answer came, and for an operation that failed after its answer. `code` and `message` are those
    of the innermost cause that Azure names. `request` is the method and path that was asked, for people; `correlation_id`
    is what Azure support asks for. `retry_after` is the delay that a throttled answer asks for, as Azure wrote it.
    `refused` is True for a sign-in that was tried and rejected, False for one that is not set up.
    """

    kind: FailureKind
    code: str
    message: str
    status: int | None = None
    request: str = ""
    correlation_id: str = ""
    retry_after: str = ""
    refused: bool = False

    def __str__(self) -> str:
        said = f"{self.code}: {self.message}" if self.code else self.message
        unanswered = "no answer:" if self.kind is FailureKind.NETWORK else ""
        status = f"HTTP {self.status}" if self.status else unanswered
        return f"{status} {said}".strip()
