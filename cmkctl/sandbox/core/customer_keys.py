"""The rules that every service applies to a customer-managed key before it takes it: vault, key, version, and reader."""

from collections.abc import Collection

from cmkctl.sandbox.core import errors, grants, key_loss
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.refusal import ours, partly, quoted
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.state import Tenant

key_unusable = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that each service refuses such a key is documented; its code and wording differ by service"),
    "The customer-managed key cannot be used: {reason}.",
)
key_forbidden = errors.ErrorRow(
    403,
    "Forbidden",
    ours(
        "that each service refuses a reader without the rights is documented; that it passes on Key Vault's text is a guess"
    ),
    "The service may not use the key '{key}': the user, group or application '{identity}' does not have keys get permission on "
    "key vault '{vault}'.",
)

account_key_refused = errors.ErrorRow(
    400,
    "KeyVaultAuthenticationFailure",
    quoted("MicrosoftDocs/azure-docs#84096 and logs of deployments in public repositories"),
    "The operation failed because of authentication issue on the keyvault. For more information, see - "
    "https://aka.ms/storagekeyvaultaccesscontrol",
)
server_key_refused = errors.ErrorRow(
    400,
    "AzureKeyVaultMissingPermissions",
    partly(
        "error 45330 of Azure SQL; in Azure Database the code is published and the words are not; the status is ours"
    ),
    "The server '{server}' requires the following Azure Key Vault permissions: '{permissions}'. Please grant the missing "
    "permissions to the service principal with ID '{identity}'. (https://aka.ms/sqltdebyoksetup)",
)

READERS_UNCHECKED = "readers_unchecked"
"""The mark of a copy of the tenant in which a plan is validated: a key is usable without its grant."""


def require_usable(
    tenant: Tenant,
    uri: str,
    name: str,
    version: str,
    reader: str | None,
    also: Collection[str] = (),
    *,
    protected: bool = True,
    region: str = "",
) -> Json:
    """Return the record of a key that the principal with object id `reader` may use.

    `uri` is the vault's; an empty `version` means the latest. `also` are further permissions that an access policy must have.
    With `protected` the vault needs purge protection, and with a `region` it has to be there.

    Raises:
        AzureError: 400 for a vault or key that does not fit, 403 for a reader without the rights.

    """
    vault = vault_at(tenant, uri)
    if vault is None:
        raise key_unusable(f"there is no vault at '{uri}'")
    properties = vault["doc"]["properties"]
    if protected and not properties.get("enablePurgeProtection"):
        raise key_unusable(f"the vault '{vault['doc']['name']}' has no purge protection")
    if region and normal(region) != normal(vault["doc"]["location"]):
        raise key_unusable(f"the vault '{vault['doc']['name']}' is in another region than the resource")
    record = tenant.resource(f"{vault['doc']['id']}/keys/{name}")
    rows = [] if record is None else [row for row in record["versions"] if version.lower() in ("", row["version"])]
    if record is None or not rows:
        raise key_unusable(f"there is no key '{name}' with version '{version}' in the vault '{vault['doc']['name']}'")
    if not record["doc"]["properties"]["kty"].upper().startswith("RSA"):
        raise key_unusable(f"the key '{name}' is no RSA key")
    _check_dates(tenant, name, rows[-1]["attributes"])
    if tenant.data.get(READERS_UNCHECKED):
        return record
    if reader is None or not grants.may_use_key(tenant, vault, record["doc"]["id"], reader, also):
        raise key_forbidden(record["doc"]["name"], reader or "(none)", vault["doc"]["name"])
    return record


def require_usable_by_server(
    tenant: Tenant, server: str, uri: str, name: str, version: str, reader: str | None, also: Collection[str] = ()
) -> None:
    """Do as `require_usable`, with the text in which the servers of databases refuse a reader without the rights.

    Raises:
        AzureError: 400 for a vault, a key or a reader that does not fit.

    """
    try:
        require_usable(tenant, uri, name, version, reader, also)
    except errors.AzureError as refusal:
        if refusal.row is not key_forbidden:
            raise
        permissions = ", ".join(("Get", *(each.capitalize() for each in also), "WrapKey", "UnwrapKey"))
        raise server_key_refused(server, permissions, reader or "(none)") from refusal


def why_unusable(
    tenant: Tenant, uri: str, name: str, version: str, reader: str | None, also: Collection[str] = ()
) -> str:
    """Return why a reader cannot use a key at this moment, in the words of `key_loss`; empty when it can."""
    vault = vault_at(tenant, uri)
    if vault is None:
        return key_loss.NO_VAULT
    if tenant.resource(f"{vault['doc']['id']}/keys/{name}") is None:
        return key_loss.NO_KEY
    try:
        require_usable(tenant, uri, name, version, reader, also)
    except errors.AzureError as refusal:
        return key_loss.NO_GRANT if refusal.row is key_forbidden else key_loss.DISABLED
    return ""


def _check_dates(tenant: Tenant, name: str, attributes: Json) -> None:
    now = tenant.clock()
    if not attributes["enabled"]:
        raise key_unusable(f"the key '{name}' is disabled")
    if attributes.get("exp") and attributes["exp"] <= now:
        raise key_unusable(f"the key '{name}' has expired")
    if attributes.get("nbf") and attributes["nbf"] > now:
        raise key_unusable(f"the key '{name}' is not valid yet")


def find(tenant: Tenant, uri: str, name: str) -> Json | None:
    """Return the record of a key by the URI of its vault; None where there is none."""
    vault = vault_at(tenant, uri)
    return tenant.resource(f"{vault['doc']['id']}/keys/{name}") if vault else None


def vault_at(tenant: Tenant, uri: str) -> Json | None:
    """Return the record of the vault of a URI; None where there is none."""
    label = uri.removeprefix("https://").partition(".")[0].lower()
    suffix = f"/providers/microsoft.keyvault/vaults/{label}"
    return next((record for key, record in tenant.table("resources").items() if label and key.endswith(suffix)), None)


def reader_of(tenant: Tenant, identity: Json | None, user_assigned: str | None) -> str | None:
    """Return the object id of the identity that reads a resource's key; None for one that the resource does not have.

    `identity` is the resource's block of that name, `user_assigned` the id of the identity for encryption.
    """
    if not user_assigned:
        return (identity or {}).get("principalId")
    held = {each.lower() for each in (identity or {}).get("userAssignedIdentities") or {}}
    record = tenant.resource(user_assigned) if user_assigned.lower() in held else None
    principal: str | None = None if record is None else record["doc"]["properties"]["principalId"]
    return principal
