"""Failures of Azure as values: their kind and Azure's response. `cmkctl.azure.errors` makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UNREADABLE = "Unreadable response"
"""The beginning of the message about a response that is not Azure's; azure-identity keeps only the message."""

NOT_REPLICATED = "Could not retrieve the Log Analytics workspace from ARM"
"""The message about a new Log Analytics workspace that Application Insights does not see yet: a retry resolves it."""

OTHER_CLOUD = "The Azure CLI is set to"
"""The beginning of the message about an az that is set to a different cloud; azure-identity keeps only the message."""

CLI_FAILED = "The Azure CLI gave no token"
"""The beginning of the message about an az that failed, or printed something else; azure-identity keeps only the message."""

GITHUB_REFUSED = "GitHub gave no token of this job"
"""The beginning of the message about GitHub's refusal to give a job its token."""

CREDENTIAL_FILE = "A file of the sign-in cannot be read"
"""The beginning of the message about a file with a token or certificate that was readable before."""

CLI_TIMEOUT = 60
"""Seconds that the Azure CLI has to give a token: a first call after an update, or on a busy machine, takes over 10."""


IDENTITY_LACKS: Final = re.compile(r"[Ii]dentity doesn't have enough permissions")
"""Azure Machine Learning's text about the identity that acts as the workspace."""


class FailureKind(StrEnum):
    """The meaning of an error for the decision what to do next."""

    ABSENT = "not found"
    UNAUTHENTICATED = "not signed in"
    DENIED = "permission denied"
    NOT_REGISTERED = "resource provider not registered"
    PENDING = "not replicated yet"
    NOT_EFFECTIVE = "grant not effective yet"
    EXISTS = "already exists"
    THROTTLED = "throttled"
    IN_PROGRESS = "operation in progress"
    LOCKED = "locked"
    CONFLICT = "conflict"
    PASSING = "transient server error"
    NETWORK = "no response"
    POLICY = "denied by policy"
    CAPACITY = "quota or capacity exhausted"
    UNREADABLE = "unexpected response"
    FOREIGN_HOST = "host outside the cloud"
    CLAIMS = "stronger sign-in required"
    DEADLINE = "timed out"
    TERMINAL = "rejected"


@dataclass(frozen=True, slots=True)
class PolicyDenial:
    """One policy that denied a resource, as the error's ``additionalInfo`` describes it; texts that it lacks are empty.

    `definition` and `assignment` are display names, with the ids of both. The deny condition holds: `field` (an alias such as
    ``Microsoft.Storage/storageAccounts/allowSharedKeyAccess``, or ``tags[CostCenter]``), compared by `operator` with `target`;
    the request had `value`. `resource` is the name of the denied resource.

    Source: https://learn.microsoft.com/azure/governance/policy/how-to/determine-non-compliance
    """

    definition: str = ""
    definition_id: str = ""
    assignment: str = ""
    assignment_id: str = ""
    resource_type: str = ""
    field: str = ""
    operator: str = ""
    target: str = ""
    value: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of Azure: its meaning, and Azure's response.

    `status` is None when no response came, and for an operation that failed after its response. `code` and `message` are those
    of the innermost cause that Azure names, `codes` those of every level. `request` is the method and URL of the request, or
    the operation in words. `target` names the rejected resource, empty where Azure does not name it; it may differ from the
    requested one. `correlation_id` is for Azure support. `retry_after` is the delay that a throttled response sets
    for, in Azure's notation. `refused` is True for a sign-in that was tried and rejected, False for one that is not set up.
    `challenge` is the claims that a token must have, as Azure sent them; empty without a claims challenge. `step` names the step
    whose change failed; it distinguishes the key's vault from the workspace's own.
    """

    kind: FailureKind
    code: str
    message: str
    status: int | None = None
    request: str = ""
    correlation_id: str = ""
    retry_after: str = ""
    codes: frozenset[str] = frozenset()
    target: str = ""
    policies: tuple[PolicyDenial, ...] = ()
    refused: bool = False
    challenge: str = ""
    step: str = ""

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}" if self.code else self.message
        return f"HTTP {self.status} {text}".strip() if self.status else text

    def has_code(self, *codes: str) -> bool:
        """Return True when Azure named one of these codes at any level."""
        return any(each == self.code or each in self.codes for each in codes)
