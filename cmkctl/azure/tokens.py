"""Reads the claims of an access token, for display and for comparisons. Tokens are not verified: Azure does that."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def claims_in(token: str) -> Mapping[str, Any]:
    """Return the claims of a token; empty for one that is not a JWT, as on a replay."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}==="))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def tenant_of(token: str) -> str:
    """Return the tenant that issued a token; empty when the token does not name it."""
    return str(claims_in(token).get("tid", ""))
