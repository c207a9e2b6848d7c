"""Checks of every request to ARM or Graph before its handler: token and api-version; and ARM's response headers."""

import itertools
import re
from datetime import UTC, datetime
from functools import lru_cache

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.constants import TENANT_ID
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.signing import SigningKey
from cmkctl.sandbox.core.state import Tenant

VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?")
READS_LEFT = 16499
WRITES_LEFT = 11999
_requests = itertools.count(1)


@lru_cache(maxsize=64)
def claims_of(token: str, key: SigningKey) -> Json | None:
    """Return the claims of a token signed with a key; None for any other token."""
    return key.verified(token)


def require_token(tenant: Tenant, call: Call) -> None:
    """Refuse a request without a token of the right audience.

    Raises:
        AzureError: 401, with the challenge the service would send.

    """
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    login = call.cloud.login
    if scheme.lower() != "bearer" or not value:
        if call.service is Service.VAULT:
            raise errors.vault_token_missing(login, TENANT_ID, f"https://{call.cloud.vault_suffix}")
        raise errors.authorization_missing(login, TENANT_ID)
    claims = claims_of(value.strip(), tenant.signing_key)
    if claims is None:
        raise errors.token_invalid(login, TENANT_ID)
    if claims["aud"] not in _audiences(call):
        raise errors.token_audience(claims["aud"], login, TENANT_ID)
    if claims["exp"] <= tenant.clock():
        raise expired(call, claims["exp"], tenant.clock())
    call.caller = Caller(claims["oid"], claims["appid"])


def expired(call: Call, expiry: float, now: float) -> errors.AzureError:
    """Return the refusal of a token that ended at `expiry`."""
    return errors.token_expired(_written(expiry), _written(now), call.cloud.login, TENANT_ID)


def _written(seconds: float) -> str:
    """Write a moment as the message does: ``8/20/2024 4:48:47 PM``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"


def _audiences(call: Call) -> tuple[str, ...]:
    if call.service is Service.ARM:
        return call.cloud.arm_audiences
    if call.service is Service.GRAPH:
        return (f"https://{call.cloud.graph}", "00000003-0000-0000-c000-000000000000")
    return (f"https://{call.cloud.vault_suffix}",)


def require_version(call: Call, route: Route) -> None:
    """Refuse a missing, malformed or unsupported api-version (ARM requires one on every request)."""
    if not call.api_version:
        raise errors.api_version_missing()
    if not VERSION.fullmatch(call.api_version):
        raise errors.api_version_invalid(call.api_version)
    if route.versions and call.api_version not in route.versions:
        raise version_unsupported(route.type, call.api_version, route.versions)


def version_unsupported(resource_type: str, version: str, supported: tuple[str, ...]) -> errors.AzureError:
    """Return the refusal of an api-version that the sandbox does not model."""
    return errors.not_modelled(f"the api-version {version} of {resource_type} (it models {', '.join(supported)})")


def arm_headers(call: Call, reply: Reply) -> None:
    """Add the headers every ARM answer has. The remaining quota never moves: the sandbox throttles only by fault."""
    number = next(_requests)
    request_id = f"c0ffee00-0000-4000-9000-{number:012x}"
    reply.headers.setdefault("x-ms-request-id", request_id)
    correlation = call.headers.get("x-ms-correlation-request-id", request_id)
    reply.headers.setdefault("x-ms-correlation-request-id", correlation)
    if reply.status < 400:
        kind, left = ("reads", READS_LEFT) if call.method in {"GET", "HEAD"} else ("writes", WRITES_LEFT)
        reply.headers.setdefault(f"x-ms-ratelimit-remaining-subscription-{kind}", str(left))
