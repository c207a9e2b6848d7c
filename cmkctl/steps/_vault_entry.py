"""The caller's way to the keys of a vault through the vault's own endpoint: network and rights.

Resource Manager cannot make a second version of a key, nor change a version. So the plan tries a read at the endpoint first, and
a write that the firewall or a missing right would refuse is a conflict beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cmkctl.azure.actions import allows_data
from cmkctl.azure.compare import missing_permissions, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.governance import Caller, caller, permissions
from cmkctl.azure.snapshot import Snapshot, unless_denied

TO_UPDATE: Final = ("get", "update")
TO_ROTATE: Final = ("get", "rotate")
"""The key permissions of the caller, as access policies name them."""
CRYPTO_OFFICER: Final = "Key Vault Crypto Officer"
_ACTIONS: Final[Mapping[str, str]] = {
    "get": "Microsoft.KeyVault/vaults/keys/read",
    "update": "Microsoft.KeyVault/vaults/keys/update/action",
    "rotate": "Microsoft.KeyVault/vaults/keys/rotate/action",
}
"""The data action of each key permission."""
_BLOCKED: Final = ("ForbiddenByFirewall", "ForbiddenByConnection")


@dataclass(frozen=True, slots=True)
class Entry:
    """The result of the try: `refused` is the reason why a write would be refused, empty where nothing is known against it.

    `network` is True when the network is the reason, False for missing rights. `held` are the key permissions in the caller's
    access policy, `needed` those that the write takes.
    """

    caller: Caller
    refused: str = ""
    network: bool = False
    held: tuple[str, ...] = ()
    needed: tuple[str, ...] = TO_UPDATE


def try_entry(
    azure: Snapshot, vault: ArmDocument, key_id: str, name: str, version: str, needed: tuple[str, ...] = TO_UPDATE
) -> Entry:
    """Read a key version through the vault's endpoint, and find out whether the caller may change the key.

    Raises AzureFailed for a failure that shows nothing about network or rights.
    """
    me = caller(azure)
    properties = vault.get("properties", {})
    held = tuple(_own_policy(properties, me))
    try:
        azure.vault_key_version(str(properties.get("vaultUri") or ""), name, version)
    except AzureFailed as error:
        failure = error.failure
        if failure.kind not in (FailureKind.DENIED, FailureKind.NETWORK):
            raise
        if failure.kind is FailureKind.NETWORK:
            return Entry(
                me, "the vault's own endpoint does not answer from this machine", network=True, held=held, needed=needed
            )
        if failure.has_code(*_BLOCKED):
            return Entry(
                me, "the vault's firewall does not let this machine in", network=True, held=held, needed=needed
            )
        return Entry(me, "you may not read keys at the vault's own endpoint", held=held, needed=needed)
    by_role = properties.get("enableRbacAuthorization")
    allowed = _role_allows(azure, key_id, needed) if by_role else _policy_allows(properties, me, needed)
    return Entry(me, "" if allowed else f"you may read the key, and not {needed[-1]} it", held=held, needed=needed)


def _role_allows(azure: Snapshot, key_id: str, needed: tuple[str, ...]) -> bool:
    """Return False where the caller's roles do not allow the change; True also where they may not be read."""
    held: Sequence[Mapping[str, Any]] | None = unless_denied(lambda: permissions(azure, key_id))
    return held is None or all(any(allows_data(each, _ACTIONS[word]) for each in held) for word in needed)


def _policy_allows(properties: Mapping[str, Any], me: Caller, needed: tuple[str, ...]) -> bool:
    """Return False where no access policy of the caller, or of a group that it may be in, allows the change."""
    if not missing_permissions(_own_policy(properties, me), needed):
        return True
    others = [
        each for each in properties.get("accessPolicies") or [] if not same_word(each.get("objectId"), me.object_id)
    ]
    return any(not missing_permissions(_keys(each), needed) for each in others)


def _own_policy(properties: Mapping[str, Any], me: Caller) -> Iterator[str]:
    for each in properties.get("accessPolicies") or []:
        if same_word(each.get("objectId"), me.object_id):
            yield from _keys(each)


def _keys(policy: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in (policy.get("permissions") or {}).get("keys") or []]


def ways_in(vault: ArmDocument, vault_id: str, entry: Entry) -> Iterator[str]:
    """Yield the operator's ways to the endpoint."""
    name = vault_id.rpartition("/")[2]
    if entry.network:
        yield "run it from a network that the vault allows"
        yield f"have your address allowed: az keyvault network-rule add --name {name} --ip-address ADDRESS"
        return
    me = entry.caller.object_id or "YOUR_OBJECT_ID"
    if vault.get("properties", {}).get("enableRbacAuthorization"):
        yield (
            f"have the role assigned: az role assignment create --assignee-object-id {me} --assignee-principal-type "
            f"{entry.caller.kind} --role '{CRYPTO_OFFICER}' --scope {vault_id}"
        )
        return
    # The command replaces the list of the caller's key permissions, so it has what the caller has.
    wanted = " ".join((*entry.held, *missing_permissions(entry.held, entry.needed)))
    yield f"have the permissions set: az keyvault set-policy --name {name} --object-id {me} --key-permissions {wanted}"
