"""Authentication of a request to a vault: host name, token, api-version, network rules."""

from ipaddress import ip_address, ip_network

from cmkctl.sandbox.core import errors, resources
from cmkctl.sandbox.core.grants import advance_grants
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes.tokens import claims_of
from cmkctl.sandbox.planes.vault.context import VERSIONS, Caller, Context, place

CALLER_ADDRESS = "203.0.113.7"
"""The address every caller of the sandbox has in a vault's eyes: one of those reserved for documentation (RFC 5737)."""

KEY_VAULT_APP_ID = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"


def authenticate(tenant: Tenant, call: Call) -> Context:
    """Return the context of a request that is admitted.

    Raises:
        AzureError: 401 with the recorded challenge, 400 for a host or api-version that is not there, 403 by the network.

    """
    name = call.host.removesuffix(f".{call.cloud.vault_suffix}")
    vault = find_vault(tenant, name)
    caller = _authenticate(tenant, call, vault)
    if vault is None:
        raise errors.host_unknown(call.host, _why_unknown(tenant, name))
    resources.settle(tenant, vault)
    if "countdown" in vault:
        raise errors.host_unknown(call.host, "the vault was created, but its DNS is still being registered")
    _require_version(call)
    _require_network(vault, caller)
    advance_grants(tenant)
    return Context(tenant, call, vault, caller)


def find_vault(tenant: Tenant, name: str) -> Json | None:
    """Return the record of a vault by its name, which is global; None when there is none."""
    suffix = f"/providers/microsoft.keyvault/vaults/{name}"
    return next((record for key, record in tenant.table("resources").items() if key.endswith(suffix)), None)


def _why_unknown(tenant: Tenant, name: str) -> str:
    deleted = name in tenant.table("deleted_vaults")
    return f"the vault '{name}' is soft-deleted" if deleted else f"there is no vault '{name}'"


def _authenticate(tenant: Tenant, call: Call, vault: Json | None) -> Caller:
    directory = vault["doc"]["properties"]["tenantId"] if vault else tenant.tenant_id
    resource = f"https://{call.cloud.vault_suffix}"
    login = (call.cloud.login, directory, resource)
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise errors.vault_token_missing(*login)
    claims = claims_of(value.strip(), tenant.signing_key)
    if claims is None:
        raise errors.vault_token_forged(*login)
    if claims["aud"].rstrip("/") not in {resource, KEY_VAULT_APP_ID}:
        raise errors.vault_wrong_audience(
            audience=claims["aud"], login=call.cloud.login, tenant=directory, resource=resource
        )
    if claims["exp"] <= tenant.clock():
        raise errors.vault_token_expired(*login)
    caller = Caller(claims["oid"], claims["appid"], claims["tid"])
    if caller.directory.lower() != directory.lower():
        raise errors.vault_wrong_tenant(
            issuer=f"https://sts.windows.net/{caller.directory}/",
            login=call.cloud.login,
            tenant=directory,
            resource=resource,
        )
    return caller


def _require_version(call: Call) -> None:
    if not call.api_version:
        raise errors.vault_version_missing()
    if call.api_version not in VERSIONS:
        raise errors.not_modelled(
            f"the api-version {call.api_version} of Key Vault's data plane (it models {', '.join(VERSIONS)})"
        )


def _require_network(vault: Json, caller: Caller) -> None:
    """Refuse what the vault's network rules refuse. No caller of the sandbox is a trusted service."""
    properties = vault["doc"]["properties"]
    access = str(properties.get("publicNetworkAccess") or "Enabled").lower()
    if access == "disabled":
        raise errors.public_access_disabled(str(caller), place(vault))
    if access != "enabled":
        raise errors.not_modelled("network security perimeters of Key Vault (publicNetworkAccess SecuredByPerimeter)")
    rules = properties.get("networkAcls") or {}
    if str(rules.get("defaultAction") or "Allow").lower() == "deny" and not _allowed(rules.get("ipRules") or []):
        raise errors.address_not_allowed(CALLER_ADDRESS, str(caller), place(vault))


def _allowed(rules: list[Json]) -> bool:
    return any(_contains_caller(rule["value"]) for rule in rules)


def _contains_caller(network: str) -> bool:
    try:
        return ip_address(CALLER_ADDRESS) in ip_network(network, strict=False)
    except ValueError:  # a vault PUT takes any text here
        return False
