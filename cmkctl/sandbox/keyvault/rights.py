"""What a caller may do: a word in an access policy, or a data action of a role, depending on the vault (P30, P32)."""

from dataclasses import dataclass

from cmkctl.sandbox import ids
from cmkctl.sandbox.grants import has_role, pending
from cmkctl.sandbox.keyvault import refusals
from cmkctl.sandbox.keyvault.visit import Visit
from cmkctl.sandbox.roles import allowing_data


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
OPERATIONS = {
    "encrypt": Right("encrypt", "keys/encrypt/action"),
    "decrypt": Right("decrypt", "keys/decrypt/action"),
    "sign": Right("sign", "keys/sign/action"),
    "verify": Right("verify", "keys/verify/action"),
    "wrapKey": Right("wrapKey", "keys/wrap/action"),
    "unwrapKey": Right("unwrapKey", "keys/unwrap/action"),
}


def require(visit: Visit, right: Right, key: str) -> None:
    """Refuse a caller without the right on a key (or, with an empty `key`, on the vault).

    Raises:
        AzureError: 403 `Forbidden`, inner code `ForbiddenByPolicy` or `ForbiddenByRbac`.

    """
    if not visit.properties.get("enableRbacAuthorization"):
        _require_policy(visit, right)
        return
    scope = f"{visit.id}/keys/{key}" if key else visit.id
    if not has_role(visit.tenant, scope, visit.caller.object_id, roles_with(right.data_action)):
        raise refusals.forbidden_by_role(str(visit.caller), right.data_action, ids.key(scope), visit.place)


def roles_with(data_action: str) -> frozenset[str]:
    """Return the ids of the built-in roles that have a data action: Owner and Contributor are never among them (P24)."""
    return allowing_data(data_action)


def _require_policy(visit: Visit, right: Right) -> None:
    waiting = pending(visit.tenant, visit.id, visit.caller.object_id)
    if waiting or not {right.word.lower(), "all"} & _words(visit, right.group):
        raise refusals.forbidden_by_policy(str(visit.caller), f"{right.group} {right.word}", visit.place)


def _words(visit: Visit, group: str) -> set[str]:
    """Return the words the caller's access policies have; a policy names one object id, never an application id (P28)."""
    mine = visit.caller.object_id.lower()
    entries = [entry for entry in visit.properties["accessPolicies"] if entry["objectId"].lower() == mine]
    return {word.lower() for entry in entries for word in entry["permissions"].get(group) or ()}
