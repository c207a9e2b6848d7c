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
class Known:
    """One exception: `what` is matched from its beginning against a difference in words; not sent at all when it is empty."""

    why: str
    what: str = ""
    scenarios: str = "*"
    where: Callable[[Exchange], bool] = lambda _exchange: True

    def holds(self, scenario: str, exchange: Exchange) -> bool:
        """Whether the exception is for this exchange."""
        return any(fnmatchcase(scenario, each) for each in self.scenarios.split()) and self.where(exchange)


def _numbers(*wanted: int) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.number in wanted


def _path(pattern: str) -> Callable[[Exchange], bool]:
    return lambda exchange: re.search(pattern, exchange.path, re.IGNORECASE) is not None


def _half_way(exchange: Exchange) -> bool:
    """Whether this lists the operations of a deployment that still goes on."""
    if not exchange.path.endswith("/operations"):
        return False
    rows = exchange.answer.get("value", []) if isinstance(exchange.answer, dict) else []
    states = {row["properties"]["provisioningState"] for row in rows if "provisioningOperation" in row["properties"]}
    last = any(row["properties"].get("provisioningOperation") == "EvaluateDeploymentOutput" for row in rows)
    return not last or states != {"Succeeded"}


EXCLUDED = (
    Known(
        "the compute it reads is of a kind that is not modelled (exchange 18)", scenarios="10", where=_numbers(19, 20)
    ),
    Known("shows the end of a deployment that is not modelled (20)", scenarios="09", where=_numbers(21)),
    Known("the recorder kept no body", scenarios="20", where=_numbers(2)),
    Known("made with a key nobody has published", scenarios="24", where=_numbers(9, 11)),
    Known("the deployment was made before the recording began", scenarios="29", where=_numbers(1)),
    Known(
        "needs an application of the recorded directory; the sandbox has none but the first-party ones",
        scenarios="45",
        where=_numbers(18),
    ),
    Known("needs a lock, and locks are not modelled (83 says so)", scenarios="60", where=_numbers(10)),
    Known("the recorder kept the body as the text of a Python object", scenarios="60", where=_numbers(42)),
)
"""What is not sent, and why. Polls of operations that began outside of a recording are left out by rule (`Player`)."""

WORKSPACES = "/Microsoft.MachineLearningServices/workspaces/[^/]+$"
DIFFERENCES = (
    Known("ids in URLs are masked and those in messages are not", r"error\.message: .*resource group", "01 08 09"),
    Known("fact 34: a poll of a group's deletion has sometimes no Location", "header location: absent", "02 11"),
    Known(
        "recorded before Key Vault numbered its messages (AKV10000)",
        r"error\.message: recorded 'Request is missing",
        "30 62 70 73",
    ),
    Known(
        "an older form of the same refusal; the younger one is recorded, too (62, 3)",
        r"error\.message: ",
        "62",
        _numbers(2),
    ),
    Known("the vault is older than systemData", "systemData: recorded absent", "20 75"),
    Known(
        "left out of a vault made anew right after a purge, and of no other answer of this api-version",
        r"properties\.publicNetworkAccess: recorded absent",
        "12",
    ),
    Known("which version comes first is chance", r"value\[\]\.tags: ", "24", _numbers(22, 23)),
    Known("its keys got an expiry that nothing recorded asked for", r"attributes\.exp: ", "24", _numbers(40, 41, 42)),
    Known("Azure lists in pages and links to an empty last one; the sandbox lists all at once", "nextLink: ", "20 40"),
    Known("one of two recordings leaves it out", r"error\.innerError\.client-request-id: recorded absent", "45"),
    Known("Graph shows more of a principal than clients read", r"value\[\]\.\w+: ", "41", _path("getByIds")),
    Known(
        "how far each resource is when the list is read differs by nature",
        r"value\[\]\.properties\.(provisioningState|statusCode|targetResource)",
        where=_half_way,
    ),
    Known(
        "came into the service after this was recorded",
        r"properties\.(ipAllowlist|serverlessComputeSettings|EnableSoftwareBillOfMaterials|allowRoleAssignmentOnRG"
        r"|managedNetwork\.changeableIsolationModes): recorded absent",
        "04 07 08 09 28",
        _path(WORKSPACES),
    ),
    Known(
        "null with this api-version, an object with younger ones (01, 29); the sandbox shows the object",
        r"properties\.serverlessComputeSettings: recorded null",
        "02 10",
    ),
    Known(
        "fact 6: the namespace comes back in more than one casing",
        r"properties\.keyVault: recorded id .*KeyVault",
        "08 09",
    ),
    Known(
        "of the preview service of 2023; not in later recordings",
        r"properties\.(azureOpenAI|azureCognitiveSearch): ",
        "08 09",
    ),
    Known("a hub had no notebook server", r"properties\.notebookInfo\.\w+: recorded null", "08"),
    Known("a test region has another domain", r"properties\.(discoveryUrl|mlFlowTrackingUri): .*azureml-test", "28 29"),
    Known(
        "the managed network is kept as it was sent, and never provisioned",
        r"properties\.managedNetwork",
        "01 28 29",
        _path(WORKSPACES),
    ),
    Known("a group of checks without a name; nobody knows what it is", r"value\.9: ", "01"),
)
"""Differences that are known, and why each is right, or why it stays."""


def excluded(scenario: str, exchange: Exchange) -> str | None:
    """Return why an exchange is not sent; None when it is."""
    return next((each.why for each in EXCLUDED if each.holds(scenario, exchange)), None)


def explained(scenario: str, exchange: Exchange, difference: str) -> str | None:
    """Return why a difference is accepted; None when it is not."""
    for each in DIFFERENCES:
        if each.holds(scenario, exchange) and re.match(each.what, difference):
            return each.why
    return None
