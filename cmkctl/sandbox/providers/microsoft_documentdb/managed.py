"""Accounts that Azure Machine Learning keeps in the managed resource group of a workspace: their key is the workspace's."""

from cmkctl.sandbox.core import ids, key_loss
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_documentdb.key_status import STATUS
from cmkctl.sandbox.providers.microsoft_documentdb.versions import SHOWS_THE_VERSION


def view(tenant: Tenant, call: Call, document: Json) -> Json:
    """Return an account of a managed resource group, with its key and the state of its access to the key."""
    workspace = tenant.resource(document.get("managedBy") or "/") or _deleted_workspace(tenant, document)
    if workspace is None or not workspace["doc"]["properties"].get("encryption"):
        return document
    named = workspace["doc"]["properties"]["encryption"]["keyVaultProperties"]
    host, _, rest = _wrapped_with(tenant, workspace, named["keyIdentifier"]).partition("/keys/")
    name, _, version = rest.partition("/")
    shown = {
        "provisioningState": "Succeeded",
        "keyVaultKeyUri": f"{host}/keys/{name}",
        **({"keyVaultKeyUriVersion": version} if call.api_version >= SHOWS_THE_VERSION else {}),
        "customerManagedKeyStatus": STATUS[key_loss.lost(tenant, call.cloud, workspace)],
    }
    return {**document, "properties": {**document["properties"], **shown}}


def _wrapped_with(tenant: Tenant, workspace: Json, identifier: str) -> str:
    """Return the key identifier that the account uses: for a while after a rotation still the one before."""
    row = workspace.get("wraps")
    return identifier if row is None or tenant.tick(row["countdown"]) else str(row["identifier"])


def _deleted_workspace(tenant: Tenant, document: Json) -> Json | None:
    row: Json = tenant.data.get("deleted_workspaces", {}).get(ids.key(document.get("managedBy") or "/"), {})
    return row.get("record")
