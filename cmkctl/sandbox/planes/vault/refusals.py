"""Every refusal of the data plane, as named constructors, each with the source of its words (see `cmkctl.sandbox.core.errors`).

Key Vault's errors are not ARM's: most carry an ``innererror`` with a code of its own, which clients tell cases apart by.
"""

from typing import Any

from cmkctl.sandbox.core.errors import OWN, AzureError, key_soft_deleted, vault_token_missing

RECOVERY_HELP = "https://go.microsoft.com/fwlink/?linkid=2125182"
POLICY_HELP = "https://go.microsoft.com/fwlink/?linkid=2125287"


class VaultError(AzureError):
    """A refusal in Key Vault's form: ``error.code``, ``error.message``, and often ``error.innererror.code``."""

    def __init__(self, status: int, code: str, message: str, inner: str = "", *, login: tuple[str, ...] = ()) -> None:
        """Keep what is answered; `login` (host, tenant, resource) adds the 401 challenge."""
        super().__init__(status, code, message, headers=vault_token_missing(*login).headers if login else None)
        self.inner = inner

    def error(self) -> dict[str, Any]:
        """Return the ``error`` object."""
        value: dict[str, Any] = {"code": self.code, "message": self.message}
        return {**value, "innererror": {"code": self.inner}} if self.inner else value


# --- before anything else: the name, the token, the api-version, the network ---------------------------------------


def host_unknown(host: str, why: str) -> VaultError:
    """Sandbox: in Azure this is no answer at all, because the name does not resolve."""
    text = f"{OWN}In Azure the host name '{host}' would not resolve: {why}. A client there sees a DNS failure."
    return VaultError(400, "NameDoesNotResolve", text)


def wrong_audience(login: tuple[str, ...], audience: str) -> VaultError:
    """Quoted (several public walk-throughs; MicrosoftDocs/azure-docs#109562)."""
    text = f"AKV10022: Invalid audience. Expected {login[-1]}, found: {audience}."
    return VaultError(401, "Unauthorized", text, login=login)


def wrong_tenant(login: tuple[str, ...], issuer: str) -> VaultError:
    """Quoted (azure-sdk-for-net, sdk/keyvault/TROUBLESHOOTING.md)."""
    text = f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{login[1]}/, found {issuer}."
    return VaultError(401, "Unauthorized", text, login=login)


def token_forged(login: tuple[str, ...]) -> VaultError:
    """Quoted up to its first sentence (hashicorp/terraform-provider-azurerm#30912)."""
    text = f"AKV10046: Unable to resolve the key used for signature validation. {OWN}Not a token of this sandbox."
    return VaultError(401, "Unauthorized", text, login=login)


def token_expired(login: tuple[str, ...]) -> VaultError:
    """Sandbox's words in Key Vault's code."""
    return VaultError(401, "Unauthorized", f"{OWN}The access token has expired.", login=login)


def bad_parameter(message: str) -> VaultError:
    """Sandbox's words in Key Vault's code."""
    return VaultError(400, "BadParameter", OWN + message.removeprefix(OWN))


def public_access_disabled(caller: str, place: str) -> VaultError:
    """Quoted (microsoft/multimodal-ai#171)."""
    text = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private link."
        f"\r\nCaller: {caller}\r\nVault: {place}"
    )
    return VaultError(403, "Forbidden", text, "ForbiddenByConnection")


def address_not_allowed(address: str, caller: str, place: str) -> VaultError:
    """Quoted (hashicorp/terraform-provider-azurerm#20742, Azure/sap-automation#245)."""
    text = (
        "Client address is not authorized and caller is not a trusted service."
        f"\r\nClient address: {address}\r\nCaller: {caller}\r\nVault: {place}"
    )
    return VaultError(403, "Forbidden", text, "ForbiddenByFirewall")


# --- rights --------------------------------------------------------------------------------------------------------


def forbidden_by_policy(caller: str, what: str, place: str) -> VaultError:
    """From recordings (62)."""
    text = (
        f"The user, group or application '{caller}' does not have {what} permission on key vault '{place}'. "
        f"For help resolving this issue, please see {POLICY_HELP}"
    )
    return VaultError(403, "Forbidden", text, "ForbiddenByPolicy")


def forbidden_by_role(caller: str, action: str, resource: str, place: str) -> VaultError:
    """Quoted in full (hashicorp/terraform-provider-azurerm#27817, P30 and P31 of the failure catalogue)."""
    text = (
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, please observe propagation "
        f"time.\r\nCaller: {caller}\r\nAction: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\n"
        f"DenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: {place}\r\n"
    )
    return VaultError(403, "Forbidden", text, "ForbiddenByRbac")


# --- keys ----------------------------------------------------------------------------------------------------------


def key_not_found(name: str) -> VaultError:
    """Quoted (recorded by azure-sdk-for-js, compared word for word by azure-sdk-for-cpp)."""
    text = (
        f"A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you may be able "
        f"to recover it using the correct recovery command. For help resolving this issue, please see {RECOVERY_HELP}"
    )
    return VaultError(404, "KeyNotFound", text)


def operations_unsupported(wrong: list[str], supported: list[str]) -> VaultError:
    """Quoted for certificates (Azure/AzureKeyVault#22, P17); taken to hold for keys."""
    sent, allowed = (", ".join(f'"{name}"' for name in names) for names in (wrong, supported))
    return VaultError(400, "BadParameter", f"Unsupported key operation(s): {sent}. Supported values are {allowed}.")


def release_policy_refused() -> VaultError:
    """Quoted (Azure/azure-cli#28288)."""
    return VaultError(400, "BadParameter", "AKV.SKR.1005: Non-exportable keys must not have release policy")


def deleted_key_not_found(name: str) -> VaultError:
    """From recordings (62)."""
    return VaultError(404, "KeyNotFound", f"Deleted Key not found: {name}")


def being_deleted(name: str) -> VaultError:
    """From recordings (62)."""
    return VaultError(409, "Conflict", f"Key {name} is currently being deleted.", "ObjectIsBeingDeleted")


def name_being_deleted(name: str) -> VaultError:
    """Quoted (azure-sdk-for-cpp compares it word for word)."""
    text = f"Key {name} is currently being deleted and cannot be re-created; retry later."
    return VaultError(409, "Conflict", text, "ObjectIsBeingDeleted")


def name_soft_deleted(name: str) -> VaultError:
    """Quoted (azure-sdk-for-cpp compares it word for word; P22)."""
    return VaultError(409, "Conflict", key_soft_deleted(name).message, "ObjectIsDeletedButRecoverable")


def purge_refused(place: str) -> VaultError:
    """Quoted (Azure/sap-automation#200); the inner code is not published."""
    text = (
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        f"automatically purge it after the retention period has passed.\r\nVault: {place}"
    )
    return VaultError(403, "Forbidden", text)


# --- using a key ---------------------------------------------------------------------------------------------------


def key_disabled(operation: str) -> VaultError:
    """Quoted for decrypt, sign and unwrap (Azure/azure-sdk-for-python#45342); taken to hold for all six (P20)."""
    return VaultError(403, "Forbidden", f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")


def key_expired(operation: str) -> VaultError:
    """Sandbox's words; that it is refused with 403 is documented (about keys, P21)."""
    return VaultError(403, "Forbidden", f"{OWN}Operation {operation} is not allowed on an expired key.", "KeyExpired")


def key_not_yet_valid(operation: str) -> VaultError:
    """Sandbox's words; that it is refused with 403 is documented (about keys, P21)."""
    text = f"{OWN}Operation {operation} is not allowed on a key that is not yet valid."
    return VaultError(403, "Forbidden", text, "KeyNotYetValid")


def operation_not_permitted(operation: str) -> VaultError:
    """Quoted (azure-sdk-for-net, sdk/keyvault/TROUBLESHOOTING.md; Azure/azure-sdk-for-net#11518)."""
    return VaultError(403, "Forbidden", f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden")
