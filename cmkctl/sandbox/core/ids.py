"""ARM resource ids: parsed without regard to case, as Azure compares them, and written in the caller's casing."""

import hashlib
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceId:
    """A resource id in parts. `type` and `name` are those of the innermost resource of the id."""

    subscription: str
    group: str
    namespace: str
    type: str
    name: str

    @property
    def full_type(self) -> str:
        """Namespace and type, such as ``Microsoft.KeyVault/vaults``."""
        return f"{self.namespace}/{self.type}"


def key(resource_id: str) -> str:
    """Return what two ids that mean the same have in common."""
    return "/" + resource_id.strip("/").lower()


def parse(resource_id: str) -> ResourceId | None:
    """Split ``/subscriptions/…/resourceGroups/…/providers/NS/type/name[/type/name]``; None when it is not that."""
    parts = resource_id.strip("/").split("/")
    shaped = (
        len(parts) >= 8
        and len(parts) % 2 == 0
        and [parts[0].lower(), parts[2].lower(), parts[4].lower()] == ["subscriptions", "resourcegroups", "providers"]
        and all(parts)
    )
    if not shaped:
        return None
    return ResourceId(parts[1], parts[3], parts[5], "/".join(parts[6::2]), parts[-1])


def subscription_of(resource_id: str) -> str:
    """Return the subscription an id lies in, lower-case; empty when it names none."""
    parts = resource_id.strip("/").split("/")
    return parts[1].lower() if len(parts) > 1 and parts[0].lower() == "subscriptions" else ""


def group_of(resource_id: str) -> str:
    """Return the id of the resource group an id lies in, as a lower-case key."""
    return "/" + "/".join(resource_id.strip("/").lower().split("/")[:4])


def guid(*seed: str) -> str:
    """Return a GUID that is always the same for the same seed: a sandbox has no chance in it."""
    return str(uuid.UUID(bytes=hashlib.sha256("\0".join(seed).encode()).digest()[:16], version=4))


def hex_name(*seed: str, length: int = 32) -> str:
    """Return `length` hexadecimal digits that are always the same for the same seed."""
    return hashlib.sha256("\0".join(seed).encode()).hexdigest()[:length]


def is_guid(text: object) -> bool:
    """Return whether `text` is a GUID in its usual form with dashes."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
