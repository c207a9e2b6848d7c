"""Properties outside the published type that azure-ai-ml sends and Azure accepts.

The sandbox refuses such properties in a direct request, by design. In a template they are as the SDK wrote them, so here
they become what the provider makes of them, or are refused as not modelled where they would change something.
"""

from typing import Any

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.shapes import Since
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import PROPERTIES

Json = dict[str, Any]
STORE_NAMES = {
    "cosmosdbarmid": "cosmosDbResourceId",
    "storageaccountarmid": "storageAccountResourceId",
    "searchaccountarmid": "searchAccountResourceId",
}
"""The SDK's names for a user's own stores, and those of the published type; the service answers with these (fact 5)."""

WITHOUT_EFFECT = {
    "softDeleteEnabled": ("false",),
    "allowRecoverSoftDeletedWorkspace": ("false",),
    "existingWorkspaces": (),
    "networkAcls": (),
}
"""Properties that are dropped at these values, or empty; at any other value they are refused as not modelled."""

MEANT_EMPTY = ("serverlessComputeSettings",)
"""Properties of which an empty value is not the same as none (recording 01)."""


def workspace(body: Json) -> Json:
    """Return the body of a workspace: texts for booleans read, empty values dropped, own stores under their names."""
    properties = {name: _boolean(name, value) for name, value in (body.get("properties") or {}).items()}
    for name, harmless in WITHOUT_EFFECT.items():
        value = properties.pop(name, None)
        if value not in (None, "", [], {}) and str(value).lower() not in harmless and not _default_acls(name, value):
            raise errors.not_modelled(f"the workspace property '{name}'")
    kept = {name: value for name, value in properties.items() if value not in ("", [], {}) or name in MEANT_EMPTY}
    if kept.get("encryption"):
        kept["encryption"] = _encryption(kept["encryption"])
    if _is_blank(kept.get("featureStoreSettings")):
        kept.pop("featureStoreSettings")
    return {**body, "properties": {name: value for name, value in kept.items() if value is not None}}


def patch(body: Json) -> Json:
    """Return the body of a workspace PATCH without what azure-ai-ml adds outside the published type."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        return body
    changed = {name: value for name, value in properties.items() if name not in WITHOUT_EFFECT}
    if not _default_acls("networkAcls", properties.get("networkAcls")):
        raise errors.not_modelled("the workspace property 'networkAcls'")
    return {**body, "properties": changed}


def _boolean(name: str, value: Any) -> Any:
    shape = PROPERTIES.get(name)
    wanted = shape.shape if isinstance(shape, Since) else shape
    if wanted is bool and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value


def _default_acls(name: str, value: Any) -> bool:
    return name == "networkAcls" and not (value and (value.get("ipRules") or value.get("defaultAction") == "Deny"))


def _encryption(sent: Json) -> Json | None:
    if str(sent.get("status", "")).lower() != "enabled":
        return None
    kept = {STORE_NAMES.get(name.lower(), name): value for name, value in sent.items()}
    return {name: value for name, value in kept.items() if value not in ("", None)}


def _is_blank(value: Any) -> bool:
    """Return whether there is nothing in an object but empty texts."""
    return isinstance(value, dict) and all(inner == "" or _is_blank(inner) for inner in value.values())
