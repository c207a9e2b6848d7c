"""The signed-in account, as the token for Resource Manager names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cmkctl.azure.session import Session
from cmkctl.azure.tokens import claims_in


def claims_of(session: Session) -> Mapping[str, Any]:
    """Return the claims of the token; empty for a token that is not a JWT, as on a replay. For display only, unverified.

    Raises the credential's errors.
    """
    return claims_in(session.credential.get_token(session.endpoints.arm_scope).token)


def account_of(claims: Mapping[str, Any]) -> str:
    """Return the account's name, or its application's name or id; empty when the token has none of them."""
    name = claims.get("upn") or claims.get("unique_name") or claims.get("preferred_username")
    application = claims.get("app_displayname") or claims.get("appid")
    return str(name or (f"application {application}" if application else ""))
