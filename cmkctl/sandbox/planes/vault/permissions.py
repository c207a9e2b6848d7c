"""Permissions on a vault: words of access policies, or data actions of roles, depending on the vault (P30, P32)."""

from dataclasses import dataclass

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.custom_roles import allowing_data
from cmkctl.sandbox.core.grants import has_role, pending
from cmkctl.sandbox.planes.vault.context import Context


@dataclass(frozen=True)
class Right:
    """One right in both languages: the access policy's word, and the data action below ``Microsoft.KeyVault/vaults``."""

    word: str
    action: str
    group: str = "keys"

    @property
    def data_action(self) -> str:
        """The whole data action."""
        return f"Microsoft.KeyVault/vaults/{self.action}"


GET = Right("get", "keys/read")
LIST = Right("list", "keys/read")
CREATE = Right("create", "keys/create/action")
IMPORT = Right("import", "keys/import/action")
UPDATE = Right("update", "keys/update/action")
DELETE = Right("delete", "keys/delete")
RECOVER = Right("recover", "keys/recover/action")
PURGE = Right("purge", "keys/purge/action")
ROTATE = Right("rotate", "keys/rotate/action")
GET_POLICY = Right("getrotationpolicy", "keyrotationpolicies/read")
SET_POLICY = Right("setrotationpolicy", "keyrotationpolicies/write")
CONTACTS = Right("managecontacts", "certificatecontacts/read", "certificates")
LIST_SECRETS = Right("list", "secrets/readMetadata/action", "secrets")
GET_SECRET = Right("get", "secrets/getSecret/action", "secrets")
LIST_CERTIFICATES = Right("list", "certificates/read", "certificates")
GET_CERTIFICATE = Right("get", "certificates/read", "certificates")
OPERATIONS = {
    "encrypt": Right("encrypt", "keys/encrypt/action"),
    "decrypt": Right("decrypt", "keys/decrypt/action"),
    "sign": Right("sign", "keys/sign/action"),
    "verify": Right("verify", "keys/verify/action"),
    "wrapKey": Right("wrapKey", "keys/wrap/action"),
    "unwrapKey": Right("unwrapKey", "keys/unwrap/action"),
}


def require(context: Context, right: Right, key: str) -> None:
    """Refuse a caller without the right on a key, secret or certificate (or, with an empty `key`, on the vault).

    Raises:
        AzureError: 403 `Forbidden`, inner code `ForbiddenByPolicy` or `ForbiddenByRbac`.

    """
    if not context.properties.get("enableRbacAuthorization"):
        _require_policy(context, right)
        return
    scope = f"{context.id}/{right.group}/{key}" if key else context.id
    if not has_role(context.tenant, scope, context.caller.object_id, allowing_data(context.tenant, right.data_action)):
        raise errors.forbidden_by_role(str(context.caller), right.data_action, ids.key(scope), context.place)


def _require_policy(context: Context, right: Right) -> None:
    waiting = pending(context.tenant, context.id, context.caller.object_id)
    if waiting or not {right.word.lower(), "all"} & _words(context, right.group):
        raise errors.forbidden_by_policy(str(context.caller), f"{right.group} {right.word}", context.place)


def _words(context: Context, group: str) -> set[str]:
    """Return the words the caller's access policies have; a policy names one object id, never an application id (P28)."""
    mine = context.caller.object_id.lower()
    entries = [entry for entry in context.properties["accessPolicies"] if entry["objectId"].lower() == mine]
    return {word.lower() for entry in entries for word in entry["permissions"].get(group) or ()}
