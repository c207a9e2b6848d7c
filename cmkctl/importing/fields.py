"""The profile of what was found: each field with the value that Azure shows, and a comment where a profile has no field for it.

Pure. A field is written where it is fixed at creation or differs from what a new resource would get; what is written is what is
there, so a plan compares it and finds it equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from cmkctl import codes
from cmkctl.agreement import identity_section
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_location, same_resource_id, same_word
from cmkctl.azure.ids import KeyIdentifier, ResourceId, within
from cmkctl.clock import timestamp
from cmkctl.diagnostics import CmkctlError
from cmkctl.importing import associated, grants, network
from cmkctl.importing.found import UNKNOWN, Found
from cmkctl.importing.words import at, given, parsed, switch
from cmkctl.profile.writing import Draft, Variable
from cmkctl.steps._workspace_kinds import PROFILE_KINDS, hub_section, kind_of

_NOT_IN_A_PROFILE: Final = (
    "allowPublicAccessWhenBehindVnet",
    "enableSoftwareBillOfMaterials",
    "ipAllowlist",
    "networkAcls",
    "sharedPrivateLinkResources",
    "softDeleteRetentionInDays",
)
"""Settings of a workspace that a profile has no field for. cmkctl leaves them as they are."""
_ACCESS: Final = {"accesskey": "access-key", "identity": "identity", "userdelegationsas": "user-delegation-sas"}


VAULT_WITH_KEY: Final = "key vault"
"""The word for the vault with the key among the resources that are given by id."""
_FIXED: Final = (
    ("key_vault", "soft_delete_days"),
    ("key", "type"),
    ("key", "size"),
    ("workspace", "name"),
    ("workspace", "kind"),
    ("workspace", "high_business_impact"),
    ("workspace", "encryption"),
    ("workspace", "encryption_identity"),
    ("workspace", "data_isolation"),
)
"""The fields that Azure fixes when it creates the resource."""


def draft_of(found: Found, by_id: AbstractSet[str] = frozenset()) -> Draft:
    """Return the draft of a profile. `by_id` are the associated resources that are given by id although ours would be named.

    Raises CmkctlError (CMK671) for a workspace that no profile describes.
    """
    identifier = _described(found)
    draft = Draft(remarks=dict.fromkeys(_FIXED, "fixed at creation"))
    fields = draft.fields
    if found.cloud is not Cloud.AZURE:
        fields["cloud"] = str(found.cloud)
    fields["subscription"] = _required(found.subscription, "AZURE_SUBSCRIPTION_ID")
    if found.tenant:
        fields["tenant"] = found.tenant.lower()
    fields["location"] = _required(str(found.workspace.get("location") or ""), "AZURE_LOCATION")
    fields["resource_group"] = _required(found.resource_group, "AZURE_RESOURCE_GROUP")
    fields["key_vault"] = _key_vault(draft, found, by_id)
    fields["key"] = _key(draft, found, identifier)
    if access := grants.key_access(found, identifier.name):
        fields["key_access"] = access
    if found.new:
        fields["workspace"] = _new_workspace()
        return _with_unread(draft, found)
    fields["workspace"] = _workspace(draft, found)
    if found.projects:
        fields["projects"] = [_project(each) for each in found.projects]
    fields["associated_resources"] = associated.sections(draft, found, by_id)
    if rows := grants.rows(draft, found):
        fields["grants"] = rows
    if private := network.private(draft, found):
        fields["private_network"] = private
    associated.share_tags(draft, found)
    return _with_unread(draft, found)


def _with_unread(draft: Draft, found: Found) -> Draft:
    for path, why in found.unread:
        draft.comment(path, f"{codes.CMK673.id}: {why}")
    return draft


def _new_workspace() -> dict[str, Any]:
    """Return the fields that have no default, as variables: the loader refuses a profile whose variables are not set."""
    return {
        "name": Variable("AZURE_ML_WORKSPACE"),
        "high_business_impact": Variable("HIGH_BUSINESS_IMPACT"),
        "encryption": Variable("WORKSPACE_ENCRYPTION"),
    }


def _required(value: str, variable: str) -> str | Variable:
    return Variable(variable) if value in ("", UNKNOWN) else value


def _described(found: Found) -> KeyIdentifier:
    """Return the identifier of the key. Raises CmkctlError (CMK671) for a workspace that a profile cannot describe."""
    name = str(found.workspace.get("name") or "the workspace")
    kind = kind_of(found.workspace)
    encryption = found.properties.get("encryption") or {}
    if kind not in PROFILE_KINDS:
        raise _indescribable(f"{name} is a workspace of kind {kind}.")
    if not same_word(encryption.get("status") or "Enabled", "Enabled") or not found.key:
        raise _indescribable(
            f"{name} has no customer-managed key: its data is encrypted with Microsoft's keys, and encryption is fixed at "
            "creation."
        )
    identifier = str(found.key.get("keyIdentifier") or "")
    try:
        return KeyIdentifier.parse(identifier)
    except ValueError:
        raise _indescribable(f"The key of {name} is {identifier!r}, which is no key identifier.") from None


def _indescribable(detail: str) -> CmkctlError:
    return CmkctlError(codes.CMK671.error(detail))


def _key_vault(draft: Draft, found: Found, by_id: AbstractSet[str]) -> dict[str, Any]:
    vault = str(found.key.get("keyVaultArmId") or "")
    document = found.document(vault)
    properties = document.get("properties", {})
    if why := found.missing.get(vault.lower()):
        draft.comment(("key_vault",), f"{codes.CMK673.id}: the vault could not be read: {why}")
    own = VAULT_WITH_KEY not in by_id and _ours(found, vault, document)
    section: dict[str, Any] = {"name": ResourceId.parse(vault).name} if own else {"id": _normal(vault)}
    if not document:
        return section
    section["authorization"] = "rbac" if properties.get("enableRbacAuthorization") else "access-policy"
    section["soft_delete_days"] = properties.get("softDeleteRetentionInDays", 90)
    section |= given(sku=str(at(document, "properties.sku.name") or "").lower())
    for flag, name in _FLAGS.items():
        if properties.get(name) is not None and own:
            section[flag] = bool(properties[name])
    rules = _vault_rules(draft, properties)
    if rules:
        section["network"] = rules
    return section


_FLAGS: Final = {
    "enabled_for_deployment": "enabledForDeployment",
    "enabled_for_template_deployment": "enabledForTemplateDeployment",
    "enabled_for_disk_encryption": "enabledForDiskEncryption",
}


def _vault_rules(draft: Draft, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network rules of the vault with the key, empty for one that is open to every network."""
    acls = properties.get("networkAcls") or {}
    rules = {
        "public_access": switch(properties.get("publicNetworkAccess") or "Enabled"),
        "default_action": str(acls.get("defaultAction") or "Allow"),
        "bypass": str(acls.get("bypass") or "AzureServices"),
        "ip_rules": [str(each.get("value")) for each in acls.get("ipRules") or []],
        "subnets": [str(each.get("id")) for each in acls.get("virtualNetworkRules") or []],
    }
    if rules["public_access"] not in ("enabled", "disabled"):
        draft.comment(
            ("key_vault",),
            f"{codes.CMK672.id}: a profile has no field for publicNetworkAccess {rules['public_access']}.",
        )
        del rules["public_access"]
    usual = {"public_access": "enabled", "default_action": "Allow", "bypass": "AzureServices"}
    return given(**rules) if given(**rules) != usual else {}


def _ours(found: Found, resource: str, document: Mapping[str, Any]) -> bool:
    """Return True for a resource that a profile can name: in its resource group and its region, and read."""
    place = parsed(resource)
    location = str(found.workspace.get("location") or "")
    return (
        not found.offline
        and place is not None
        and bool(document)
        and same_word(place.resource_group, found.resource_group)
        and same_location(str(document.get("location") or location), location)
    )


def _normal(resource: str) -> str:
    """Return an id with ``resourceGroups`` and ``providers`` in Azure's usual casing."""
    return str(ResourceId.parse(resource))


def _key(draft: Draft, found: Found, identifier: KeyIdentifier) -> dict[str, Any]:
    vault = str(found.key.get("keyVaultArmId") or "")
    resource = f"{vault}/keys/{identifier.name}"
    newest = found.document(resource)
    document = found.key_version or newest
    properties = document.get("properties", {})
    section: dict[str, Any] = {"name": identifier.name}
    if why := found.missing.get(resource.lower()):
        draft.comment(
            ("key",), f"{codes.CMK673.id}: the key could not be read, so type and size are the usual ones: {why}"
        )
    if not document:
        return section
    section |= given(type=properties.get("kty"), size=properties.get("keySize"))
    last = str(at(newest, "properties.keyUriWithVersion") or "").rpartition("/")[2]
    if identifier.version and last and not same_word(identifier.version, last):
        section["version"] = identifier.version
        draft.comment(("key", "version"), f"The workspace uses this version; the newest one is {last}.")
    attributes = properties.get("attributes") or {}
    section |= given(not_before=_date(attributes.get("nbf")), expires=_date(attributes.get("exp")))
    policy = _rotation(at(newest, "properties.rotationPolicy") or {})
    if policy:
        section["rotation_policy"] = policy
    return section


def _date(seconds: int | None) -> str | None:
    return None if seconds is None else timestamp(seconds)


def _rotation(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rotation policy. A notification alone, which Azure adds by itself, is none."""
    names = {
        ("rotate", "timeaftercreate"): "rotate_after",
        ("rotate", "timebeforeexpiry"): "rotate_before_expiry",
        ("notify", "timebeforeexpiry"): "notify_before_expiry",
    }
    section: dict[str, Any] = {}
    for each in policy.get("lifetimeActions") or []:
        action = str((each.get("action") or {}).get("type") or "").lower()
        for trigger, duration in (each.get("trigger") or {}).items():
            if name := names.get((action, trigger.lower())):
                section[name] = str(duration).upper()
    lifetime = (policy.get("attributes") or {}).get("expiryTime")
    if lifetime:
        section["expires_after"] = str(lifetime).upper()
    return {} if set(section) <= {"notify_before_expiry"} else section


def _workspace(draft: Draft, found: Found) -> dict[str, Any]:
    properties, workspace = found.properties, found.workspace
    kind, name = kind_of(workspace), str(workspace.get("name") or "")
    section: dict[str, Any] = {"name": _required(name, "AZURE_ML_WORKSPACE")}
    if kind != "default":
        section["kind"] = kind
    section["high_business_impact"] = bool(properties.get("hbiWorkspace"))
    service_side = bool(properties.get("enableServiceSideCMKEncryption"))
    section["encryption"] = "service-side" if service_side else "in-subscription"
    section["identity"] = _identity(draft, found)
    reader = (properties.get("encryption") or {}).get("identity") or {}
    if (named := reader.get("userAssignedIdentity")) and not same_resource_id(named, _acting(found)):
        section["encryption_identity"] = named
    friendly = properties.get("friendlyName")
    section |= given(friendly_name=friendly if friendly != name else None, description=properties.get("description"))
    access = switch(properties.get("publicNetworkAccess") or "Enabled")
    if access in ("enabled", "disabled"):
        section["public_network_access"] = access
    else:
        draft.comment(("workspace",), f"{codes.CMK672.id}: a profile has no field for publicNetworkAccess {access}.")
    section |= network.of_workspace(draft, found)
    section |= given(
        cosmos_db_throughput=at(workspace, "properties.serviceManagedResourcesSettings.cosmosDb.collectionsThroughput"),
        v1_legacy_mode=properties.get("v1LegacyMode"),
        data_isolation=properties.get("enableDataIsolation"),
        datastore_access=_ACCESS.get(str(properties.get("systemDatastoresAuthMode") or "").lower()),
    )
    if kind == "hub" and (hub := hub_section(properties)):
        section["hub"] = hub
    if kind == "feature-store" and (store := _feature_store(properties)):
        section["feature_store"] = store
    _name_what_is_left(draft, found)
    return section


def _acting(found: Found) -> str | None:
    """Return the user-assigned identity that the workspace acts as; None for the system-assigned one."""
    primary = found.properties.get("primaryUserAssignedIdentity")
    users = list((found.workspace.get("identity") or {}).get("userAssignedIdentities") or {})
    if primary:
        return str(primary)
    return users[0] if len(users) == 1 and not _with_system(found) else None


def _with_system(found: Found) -> bool:
    return "systemassigned" in str((found.workspace.get("identity") or {}).get("type") or "").lower()


def _identity(draft: Draft, found: Found) -> Any:
    users = (found.workspace.get("identity") or {}).get("userAssignedIdentities")
    if not users and not _with_system(found):
        draft.comment(("workspace", "identity"), f"{codes.CMK672.id}: the workspace has no identity that Azure names.")
    return identity_section(found.workspace)


def _feature_store(properties: Mapping[str, Any]) -> dict[str, Any]:
    settings = properties.get("featureStoreSettings") or {}
    return given(
        spark_version=(settings.get("computeRuntime") or {}).get("sparkRuntimeVersion"),
        offline_store_connection=settings.get("offlineStoreConnectionName"),
        online_store_connection=settings.get("onlineStoreConnectionName"),
    )


def _name_what_is_left(draft: Draft, found: Found) -> None:
    """Comment on the settings of the workspace that a profile has no field for."""
    left = [
        name for name in _NOT_IN_A_PROFILE if at(found.workspace, f"properties.{name}") not in (None, False, [], {}, "")
    ]
    group = str(found.properties.get("serviceProvisionedResourceGroup") or "")
    for name in ("cosmosDbResourceId", "searchAccountResourceId", "storageAccountResourceId"):
        own = at(found.workspace, f"properties.encryption.{name}")
        if own and not (group and within(str(own), group)):
            left.append(f"encryption.{name}")
    if not same_word(str(at(found.workspace, "sku.name") or "Basic"), "Basic"):
        left.append("sku")
    if found.settings:
        names = ", ".join(found.settings)
        text = f"the diagnostic settings {names} are not written to this profile (diagnostics). cmkctl leaves them as they are."
        draft.comment(("workspace",), f"{codes.CMK672.id}: {text}")
    if left:
        draft.comment(
            ("workspace",),
            f"{codes.CMK672.id}: a profile has no field for {', '.join(left)}. cmkctl leaves it as it is.",
        )


def _project(document: Mapping[str, Any]) -> dict[str, Any]:
    properties, name = document.get("properties") or {}, str(document.get("name") or "")
    friendly = properties.get("friendlyName")
    return {"name": name} | given(
        friendly_name=friendly if friendly != name else None, description=properties.get("description")
    )


def notes_of(draft: Draft) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Return the comments that report something, each with the path of its field."""
    return ((path, text) for path, texts in draft.comments.items() for text in texts if text.startswith("CMK"))
