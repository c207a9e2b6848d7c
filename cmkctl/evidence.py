"""The evidence behind a diagnostic code, and how sure it is: recorded, quoted, documented, reported, or cmkctl's own rule.

The public reports and pages were read in November 2026; issue numbers are of the repositories named with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cmkctl.diagnostics import Code

READ: Final = "November 2026"


class Sureness(StrEnum):
    """The certainty of a code's statement."""

    RECORDED = "recorded from Azure by public test suites"
    QUOTED = "quoted from Azure in public reports"
    DOCUMENTED = "documented by Microsoft"
    REPORTED = "reported by people who did it, and not documented"
    UNSETTLED = "unsettled: Microsoft's pages contradict each other"
    BEHAVIOUR = "Azure's behaviour as cmkctl was built against it, without a page that states it"
    OWN = "a rule of cmkctl's own"


_EVIDENCE: Final[Mapping[str, tuple[Sureness, str]]] = {
    "CMK102": (Sureness.UNSETTLED, "see: cmkctl explain region"),
    "CMK103": (Sureness.UNSETTLED, "see: cmkctl explain 'trusted services'"),
    "CMK104": (Sureness.REPORTED, "one field report, with a mechanism that fits it"),
    "CMK105": (Sureness.DOCUMENTED, "see: cmkctl explain 'key size'"),
    "CMK106": (Sureness.DOCUMENTED, "see: cmkctl explain rotation"),
    "CMK108": (Sureness.REPORTED, "at least three projects, and the roles of how-to-assign-roles"),
    "CMK109": (Sureness.UNSETTLED, "see: cmkctl explain clouds"),
    "CMK110": (Sureness.QUOTED, "azure-docs#117515"),
    "CMK111": (Sureness.QUOTED, "azure-docs#87188, #70180"),
    "CMK203": (Sureness.DOCUMENTED, ""),
    "CMK204": (Sureness.OWN, ""),
    "CMK205": (Sureness.QUOTED, "azure-cli#29115"),
    "CMK206": (Sureness.DOCUMENTED, "the published type of vaults"),
    "CMK208": (Sureness.DOCUMENTED, "the published type of vaults"),
    "CMK210": (Sureness.QUOTED, "azure-docs#108584"),
    "CMK212": (Sureness.UNSETTLED, "see: cmkctl explain region"),
    "CMK221": (Sureness.QUOTED, "AzureKeyVault#22"),
    "CMK223": (Sureness.QUOTED, "Azure SDK troubleshooting guides"),
    "CMK224": (Sureness.QUOTED, "Key Vault's message to a service"),
    "CMK231": (Sureness.RECORDED, "recordings of Microsoft Graph"),
    "CMK303": (Sureness.RECORDED, "recordings of AuthorizationFailed"),
    "CMK304": (Sureness.RECORDED, "recordings of MissingSubscriptionRegistration"),
    "CMK305": (Sureness.RECORDED, "recordings of PrincipalNotFound"),
    "CMK306": (Sureness.RECORDED, "recordings of HTTP 429"),
    "CMK307": (Sureness.RECORDED, "recordings of AnotherOperationInProgress"),
    "CMK309": (Sureness.RECORDED, "recordings of HTTP 500 to 504"),
    "CMK313": (Sureness.QUOTED, "azure-sdk-for-java#45273; Bio-Compliancy#23 for the exemption"),
    "CMK314": (Sureness.QUOTED, "azure-sdk-for-net#31546, vscode-cosmosdb#1410"),
    "CMK315": (
        Sureness.REPORTED,
        "one field report for the failure kept under the name; the times are from azure-cli#22510",
    ),
    "CMK317": (Sureness.RECORDED, "recordings of RoleAssignmentExists"),
    "CMK327": (Sureness.RECORDED, "recordings of ScopeLocked"),
}
"""Further evidence for a code, beside the page that it names."""


def evidence_of(code: Code) -> str:
    """Return the evidence of a code in one sentence, with the date and how sure it is."""
    sure, where = _EVIDENCE.get(code.id, (_usual(code), ""))
    place = f" ({where})" if where else ""
    return f"How sure: {sure}{place}. {'' if sure is Sureness.OWN else f'As of {READ}.'}".rstrip()


def _usual(code: Code) -> Sureness:
    if code.source:
        return Sureness.DOCUMENTED
    return Sureness.BEHAVIOUR if code.id[3] in "123" else Sureness.OWN
