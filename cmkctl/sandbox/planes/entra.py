"""Microsoft Entra ID: discovery, and tokens for the service principals of the sandbox."""

import hmac
from urllib.parse import parse_qsl

from cmkctl.sandbox.core import directory, ids
from cmkctl.sandbox.core.clouds import CLOUDS
from cmkctl.sandbox.core.constants import TENANT_ID
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route, Table
from cmkctl.sandbox.core.signing import SigningKey
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "login (Microsoft Entra ID)",
    supported=(
        "discovery; client credentials with a secret; wrong tenant, client or secret refused in Entra's form",
        "tokens signed with RS256, which clients can verify by the `jwks_uri`",
    ),
    differs=(
        "the hosts of AzureCloud, AzureUSGovernment and AzureChinaCloud are all one tenant",
        "the key set at the `jwks_uri` has one key, without certificates",
    ),
    not_modelled=("people, device codes, certificates, managed identities' own login",),
)

KNOWN = frozenset((TENANT_ID, "organizations", "common"))
"""The names of the one tenant there is."""

TOKEN_SECONDS = 3599
SHORT_SECONDS = 5


def openid_configuration(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the discovery document of a tenant; what MSAL reads before it requests a token."""
    if call["tenant"].lower() not in KNOWN:
        return _tenant_unknown(call["tenant"], "invalid_tenant")
    base = f"{call.url}/{TENANT_ID}"
    document = {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "issuer": f"{base}/v2.0",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "cloud_instance_name": call.cloud.login.removeprefix("login."),
        "tenant_region_scope": "NA",
        "msgraph_host": call.cloud.graph,
    }
    return Reply(200, document)


def instance_discovery(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer which authorities belong to which cloud."""
    metadata = [
        {"preferred_network": cloud.login, "preferred_cache": cloud.login, "aliases": [cloud.login]} for cloud in CLOUDS
    ]
    endpoint = f"{call.url}/{TENANT_ID}/v2.0/.well-known/openid-configuration"
    return Reply(200, {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})


def token(tenant: Tenant, call: Call) -> Reply:
    """Issue a token for client credentials; 400 or 401 in Entra's own error form otherwise."""
    form = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    if call["tenant"].lower() not in KNOWN:
        return _tenant_unknown(call["tenant"], "invalid_request")
    if form.get("grant_type") != "client_credentials":
        text = "AADSTS70003: The sandbox only supports the grant type client_credentials."
        return _refused(400, "unsupported_grant_type", 70003, text)
    application = directory.find(tenant, form.get("client_id", ""))
    if application is None:
        text = (
            f"AADSTS700016: Application with identifier '{form.get('client_id', '')}' was not found in the directory."
        )
        return _refused(400, "unauthorized_client", 700016, text)
    if not hmac.compare_digest(form.get("client_secret", "").encode(), application.secret.encode()):
        text = f"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{application.app_id}'."  # noqa: E501
        return _refused(401, "invalid_client", 7000215, text)
    audience = (form.get("scope") or form.get("resource", "")).removesuffix("/.default").rstrip("/")
    seconds = SHORT_SECONDS if tenant.faults.strikes("short-tokens", call.path, audience) else TOKEN_SECONDS
    issued = issue(audience, tenant.clock(), call.url, application, seconds, tenant.signing_key)
    body: Json = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds}
    return Reply(200, {**body, "access_token": issued})


def _tenant_unknown(name: str, error: str) -> Reply:
    """Refuse a different tenant: discovery and token requests for it are mistakes."""
    text = f"AADSTS90002: Tenant '{name}' not found. Check to make sure you have the correct tenant ID."
    return _refused(400, error, 90002, text)


def _refused(status: int, error: str, number: int, text: str) -> Reply:
    trace = ids.guid("trace", text)
    body: Json = {"error": error, "error_description": text, "error_codes": [number], "trace_id": trace}
    return Reply(
        status, {**body, "correlation_id": trace, "error_uri": f"https://login.microsoftonline.com/error?code={number}"}
    )


def keys(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the public key that tokens are signed with; the ``jwks_uri`` of the discovery document."""
    return Reply(200, tenant.signing_key.jwks())


def issue(
    audience: str,
    now: float,
    issuer: str,
    application: directory.Application = directory.USUAL,
    seconds: int = TOKEN_SECONDS,
    key: SigningKey | None = None,
) -> str:
    """Return an access token that only this sandbox accepts.

    Args:
        audience: the resource it is for.
        now: the time of issue, in seconds since the epoch.
        issuer: scheme and host of the login service.
        application: the bearer.
        seconds: its life.
        key: the key that signs it; None is the key of sandboxes in this process that have no state file.

    """
    claims = {
        "aud": audience,
        "iss": f"{issuer}/{TENANT_ID}/v2.0",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + seconds,
        "appid": application.app_id,
        "idtyp": "app",
        "oid": application.object_id,
        "sub": application.object_id,
        "tid": TENANT_ID,
        "ver": "1.0",
    }
    return (key or SigningKey()).sign(claims)


TABLE = Table(
    (
        Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
        Route("GET", "/{tenant}/.well-known/openid-configuration", openid_configuration),
        Route("GET", "/common/discovery/instance", instance_discovery),
        Route("GET", "/{tenant}/discovery/v2.0/keys", keys),
        Route("GET", "/{tenant}/discovery/keys", keys),
        Route("POST", "/{tenant}/oauth2/v2.0/token", token),
        Route("POST", "/{tenant}/oauth2/token", token),
    )
)
