"""The ways of signing in that this machine has, for remedies: az where it is installed, the tokens of a CI job in one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from typing import Final

_APPLICATION: Final = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
_PERSON: Final = "sign in as a person with --auth device"
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def has_az(message: str = "") -> bool:
    """Return True when az is installed, as an error message that it gave shows as well."""
    return shutil.which("az") is not None or "'az login'" in message


def sign_in_remedy(message: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Return what to do without a credential: only ways that exist here."""
    if environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") or environ.get("SYSTEM_OIDCREQUESTURI"):
        return f"Use the identity of this job: --auth workload, with AZURE_TENANT_ID and AZURE_CLIENT_ID set. Or {_APPLICATION}."
    if has_az(message):
        return f"Run az login; in a script {_APPLICATION}. --auth selects one way of signing in."
    return f"{_APPLICATION[:1].upper()}{_APPLICATION[1:]}, or {_PERSON}."


def sign_in_again(message: str = "", options: str = "") -> str:
    """Return the instruction to sign in again, with options of az login where az is installed."""
    login = " ".join(filter(None, ("az login", options)))
    return f"sign in again ({login})" if has_az(message) else "sign in again with --auth device"


def identity_remedy(environ: Mapping[str, str] = os.environ) -> str:
    """Return what to do when a host has no such managed identity: the variable selects one of those that are assigned to it."""
    client_id = environ.get("AZURE_CLIENT_ID", "")
    wanted = "the client id of an identity that is assigned to this host (az identity show --ids ID --query clientId)"
    if not client_id:
        return f"Set AZURE_CLIENT_ID to {wanted}: the host has no system-assigned one, or several."
    if not _GUID.fullmatch(client_id):
        return (
            f"AZURE_CLIENT_ID is '{client_id}', which is no client id: it has the form of a GUID. Set it to {wanted}."
        )
    return (
        f"No identity with the client id {client_id} is assigned to this host: assign it, set AZURE_CLIENT_ID to {wanted}, or "
        "unset it for the host's system-assigned identity."
    )
