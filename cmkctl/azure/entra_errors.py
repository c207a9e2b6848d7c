"""The rejections of Microsoft Entra ID by their code (``AADSTS`` and a number), in families that have one remedy.

Codes are compared whole: a longer code, such as 700211 beside 70021, counts as a different one.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from typing import Final


def _family(*codes: str) -> str:
    """Return the pattern of a message that has one of some codes; a code may be a pattern itself."""
    return rf"AADSTS(?:{'|'.join(codes)})(?!\d)"


ASSERTION_EXPIRED: Final = _family("700024", "500133")
"""The token of the job, or of the file, was not valid at that time."""

LOGIN_EXPIRED: Final = (
    _family("50085", "50089", "50132", "50133", "50173", "70008", "70043", "700081", "700082", "700084")
    + r"|TokenIssuedBeforeRevocationTimestamp"
)
"""The login of a person has expired or was revoked. The second form is that of continuous access evaluation."""

STRONGER: Final = _family(
    "50005", "50072", "50074", "50076", "50078", "50079", "50097", "50131", "50158", r"530\d{1,4}"
)
"""Conditional Access, security defaults or a second factor. All codes that begin with 530 are of Conditional Access."""

OTHER_CLOUD_OR_RESOURCE: Final = _family("500011", "900382", "900439", "90038", "90043")
"""The account, or the resource, belongs to a different cloud."""

FEDERATION: Final = _family("70021", r"70021\d", "700223", "700238")
"""The issuer, subject or audience of a job's token fits no federated credential."""

ASSERTION_INVALID: Final = _family(
    "50012", "50013", "50027", "50166", "700021", "700023", "5000223", "5000224", "900144"
)
"""The token of a job, or the contents of its file, cannot be validated."""

CERTIFICATE: Final = _family("700027", "700030")
"""The certificate is not the application's, or has expired."""

SECRET: Final = _family("7000215", "7000218", "7000222")
"""The secret of an application is wrong, missing or expired."""

PASSWORD: Final = _family("50034", "50053", "50055", "50056", "50057", "50126", "50144")
"""The account of a person is unknown, locked or disabled, or its password is wrong or expired."""

OTHER_TENANT: Final = _family("50020", "90072", "500021", "500212", "500213")
"""The account does not exist in the tenant, or may not use it."""

TENANT: Final = (
    _family("50059", "700016", "7000229", "90002", "900021", "900023") + r"|Unable to get authority configuration"
)
"""The tenant does not exist, or does not have the application. The second form is msal's."""

CONSENT: Final = _family("50105", "65001", "65002", "65004", "65005", "90093", "90094")
"""The application has no consent in the tenant, or is not assigned to the account."""

DISABLED: Final = _family("500014", "7000112", "7000113")
"""The application, or the service principal of the resource, is disabled."""

TRANSIENT: Final = re.compile(_family("50196", "90012", "90020", "90024", "90033", "90055"))
"""Entra is busy, or throttles."""
