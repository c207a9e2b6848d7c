"""The customer's key of an associated resource that is made with it. For `encrypted_resources`. Pure.

The resource reads the key as the user-assigned identity that reads the workspace's key: only such an identity can have its grant
before the resource exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from cmkctl.azure.compare import same_key_identifier, same_resource_id
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The key of an existing resource: its identifier without a version, the version it stays at, and what reads it.

    `version` is empty where the resource follows new versions. `reader` is the identity as the resource names it: its ARM id, or
    its client id.
    """

    uri: str
    version: str
    reader: str


def user_assigned_identity(profile: Profile) -> dict[str, Json]:
    """Return the identity of the body of a new resource: the one that reads the workspace's key."""
    identities: dict[str, Json] = {str(profile.workspace.key_identity_id): {}}
    return {"identity": {"type": "UserAssigned", "userAssignedIdentities": identities}}


def encrypted_with(
    profile: Profile, encryption: str | None, *, irreversible: bool = False
) -> tuple[AttributeChange, ...]:
    """Return the attribute of a new resource with the customer's key, for the plan; none for one with Microsoft's."""
    if encryption != "customer":
        return ()
    words = Phrase(f"encrypted with the latest version of key {profile.key.name}")
    return (AttributeChange("encryption", None, "customer", irreversible=irreversible, phrase=words),)


def another_key(field: str, used: KeyInUse, key_uri: Json, reader: Json, *ways_out: str) -> tuple[str, ...]:
    """Return the conflict with a resource whose key, version or reader is not the profile's; empty without.

    `key_uri` and `reader` are the profile's, and no text while they do not exist: then the resource cannot have them.
    """
    wanted_key, wanted_reader = (each if isinstance(each, str) else "" for each in (key_uri, reader))
    reasons = [
        *([f"its key is {used.uri}"] if not same_key_identifier(used.uri, wanted_key) else []),
        *([f"it stays at version {used.version}"] if used.version else []),
        *(
            [f"its key is read by {used.reader or 'its own identity'}"]
            if not same_resource_id(used.reader, wanted_reader)
            else []
        ),
    ]
    if not reasons:
        return ()
    return (
        "CMK267",
        f"{', and '.join(reasons)}",
        *ways_out,
        f"leave {field}.encryption out to keep it as it is",
        f"choose another {field}.name for a new one",
    )
