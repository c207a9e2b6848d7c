"""Azure Databricks workspaces: three keys, for the root DBFS, the managed disks of clusters, and the managed services.

Each is set, shown and followed apart from the others, and each has a reader of its own. PATCH changes tags alone, so the whole
workspace is read, edited and PUT: first to make the identity that reads the key of the root DBFS, then with the keys. The
identity for managed disks comes with its key, and clusters do not start until it has access.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_key_identifier, same_uri, same_word
from cmkctl.azure.documents import at_path, text_at
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import (
    IN_TRANSIT,
    PINNED,
    Aspect,
    Check,
    Evidence,
    Follow,
    Follows,
    Part,
    Posture,
    Rules,
    State,
    Verdict,
)
from cmkctl.profile import field_types
from cmkctl.services.base import (
    ArmDocument,
    Documents,
    EncryptableService,
    FirstParty,
    KeyReference,
    MadeIdentity,
    Read,
    Reader,
    Reference,
    Refusal,
    ServiceSettings,
    Verb,
    Want,
    Write,
    not_accepted,
)
from cmkctl.services.disk_encryption_sets import HOURS, linked_set, of_linked_set

ROOT_DBFS: Final = "root DBFS"
MANAGED_DISKS: Final = "managed disks"
MANAGED_SERVICES: Final = "managed services"
BETWEEN_NODES: Final = "in-transit-between-nodes"
APPLICATION: Final = "AzureDatabricks"

_DBFS: Final = "properties.parameters.encryption.value"
_PREPARED: Final = "properties.parameters.prepareEncryption.value"
_DISKS: Final = "properties.encryption.entities.managedDisk"
_SERVICES: Final = "properties.encryption.entities.managedServices"
_ROTATES: Final = f"{_DISKS}.rotationToLatestKeyVersionEnabled"
_SET: Final = "properties.diskEncryptionSetId"
_MODE: Final = "properties.computeMode"
_KEY_VAULT: Final = "Microsoft.Keyvault"

_FOR_SERVICES: Final = "managed-services"
_FOR_DBFS: Final = "root-dbfs"
_FOR_DISKS: Final = "managed-disks"
_SENT: Final = (
    "managedResourceGroupId",
    "authorizations",
    "encryption",
    "publicNetworkAccess",
    "requiredNsgRules",
    "accessConnector",
    "defaultCatalog",
    "defaultStorageFirewall",
    "enhancedSecurityCompliance",
    "uiDefinitionUri",
)
"""The members of ``properties`` that a PUT takes, beside the parameters."""
_PARAMETERS: Final = (
    "amlWorkspaceId",
    "customVirtualNetworkId",
    "customPublicSubnetName",
    "customPrivateSubnetName",
    "enableNoPublicIp",
    "loadBalancerBackendPoolName",
    "loadBalancerId",
    "natGatewayName",
    "publicIpName",
    "prepareEncryption",
    "encryption",
    "requireInfrastructureEncryption",
    "storageAccountName",
    "storageAccountSkuName",
    "vnetAddressPrefix",
)
"""The parameters that a PUT takes."""


class EncryptedDatabricksWorkspace(ServiceSettings):
    """A workspace of Azure Databricks, of the premium tier."""

    id: Annotated[str, field_types.ArmId("Microsoft.Databricks/workspaces")] = Field(
        description="The ARM id of the workspace.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Databricks"
                "/workspaces/dbx-data"
            )
        ],
    )
    parts: Annotated[tuple[Literal["managed-services", "root-dbfs", "managed-disks"], ...], Field(strict=False)] = (
        Field(
            (_FOR_SERVICES, _FOR_DBFS, _FOR_DISKS),
            description=(
                "The parts that get the key: managed-services (notebooks, secrets, queries), root-dbfs, managed-disks (data "
                "disks of clusters). The key of managed services and that of managed disks cannot be taken away again."
            ),
            min_length=1,
            examples=[["managed-services", "root-dbfs"]],
        )
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "Managed disks alone. latest: they rotate to a new version of the key by themselves. fixed: they keep the version "
            "that was the latest when cmkctl encrypt ran. The other parts keep theirs in both cases."
        ),
        examples=["latest"],
    )


_STORAGE: Final = MadeIdentity(
    "the identity of the managed storage account, for the root DBFS", "properties.storageAccountIdentity.principalId"
)
_DISK: Final = MadeIdentity(
    "the identity of the disk encryption set, for managed disks",
    "properties.managedDiskIdentity.principalId",
    late=True,
)


class DatabricksWorkspaces(EncryptableService[EncryptedDatabricksWorkspace]):
    """``GET …/workspaces/NAME``, then ``PUT`` of the same document with the keys."""

    name = "databricks_workspaces"
    title = "Databricks workspace"
    resource_type = "Microsoft.Databricks/workspaces"
    host_suffixes = ("azuredatabricks.net", "databricks.azure.us", "databricks.azure.cn")
    api_version = "2024-05-01"
    verb = Verb.EDIT
    # The ids in the other clouds are not published.
    reader = FirstParty(APPLICATION, {Cloud.AZURE: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"})
    further = (_STORAGE, _DISK)
    follows = Follows(Follow.ON_REQUEST, HOURS)
    revoked = "notebooks and the root DBFS are out of reach once the cache has expired, and clusters do not start"
    doc = "https://learn.microsoft.com/azure/databricks/security/keys/customer-managed-keys"
    protections = (IN_TRANSIT, BETWEEN_NODES)
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "2cc2c3b5-c2f8-45aa-a9e6-f90d85ae8352", "looks at the tier alone, and at no key"),
            Check("Checkov", "CKV2_AZURE_48", "passes any value for the root DBFS, also the key source Default"),
            Check(
                "Prowler",
                "databricks_workspace_cmk_encryption_enabled",
                "looks at managed disks alone: passes with Microsoft's key for notebooks and the root DBFS",
            ),
            Check(
                "KICS",
                "416ac446-9a2e-4f6d-84d2-82add788c7da",
                "looks at managed disks alone: passes with Microsoft's key for notebooks and the root DBFS",
            ),
            Check(
                "Steampipe",
                "azure_compliance.control.databricks_workspace_cmk_configured",
                "reads a parameter that does not exist: every workspace is in alarm",
            ),
            Check("CloudSploit", "workspaceManagedDiskCmk"),
            Check("CloudSploit", "workspaceManagedServicesCmk"),
        ),
        by_analogy=True,
    )
    settings = EncryptedDatabricksWorkspace

    def readers(self, settings: EncryptedDatabricksWorkspace) -> tuple[Reader, ...]:
        """Return the reader of each part that gets the key."""
        of_part: dict[str, Reader] = {_FOR_SERVICES: self.reader, _FOR_DBFS: _STORAGE, _FOR_DISKS: _DISK}
        return tuple(reader for part, reader in of_part.items() if part in settings.parts)

    def prepare(self, settings: EncryptedDatabricksWorkspace, documents: Documents) -> Write | None:
        """Return the PUT that makes the identity which reads the key of the root DBFS."""
        document = documents.find("resource")
        if document is None or _FOR_DBFS not in settings.parts or text_at(document, _STORAGE.path):
            return None
        if _refused(settings, documents):
            return None  # `want` has the reason
        before = at_path(document, _PREPARED)
        return Write(
            settings.id,
            "PUT",
            self.api_version,
            _edited(document, {"prepareEncryption": True}),
            f"identity for the root DBFS of {self.title}",
            settings.id.rpartition("/")[2],
            "does not exist yet",
            attributes=(AttributeChange("parameters.prepareEncryption", before, after=True),),
        )

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the disk encryption set of the managed disks."""
        return linked_set(documents.text("resource", _SET))

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the disk encryption set, and the group with what Databricks keeps in the subscription."""
        named = (
            ("disk encryption set", documents.text("resource", _SET)),
            ("managed resource group", documents.text("resource", "properties.managedResourceGroupId")),
        )
        return tuple(Reference(relation, each) for relation, each in named if each)

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the workspace."""
        found = documents.text("resource", "properties.workspaceUrl").lower()
        return (found,) if found else ()

    def owners(self, documents: Documents) -> tuple[str, ...]:
        """Return the Azure Machine Learning workspace that the workspace is linked with."""
        found = documents.text("resource", "properties.parameters.amlWorkspaceId.value")
        return (found,) if found else ()

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the keys of the workspace: the customer only where all three are the customer's."""
        if hidden := documents.not_visible("resource"):
            return hidden
        parts = (
            Part(ROOT_DBFS, _root_dbfs(documents)),
            Part(MANAGED_DISKS, _managed_disks(documents)),
            Part(MANAGED_SERVICES, _managed_services(documents)),
        )
        postures = [each.posture for each in parts]
        with_key = [each for each in postures if each.verdict in (Verdict.CUSTOMER, Verdict.CUSTOMER_UNUSABLE)]
        evidence = tuple(each.evidence[0] for each in postures)
        key = _same(each.key for each in with_key)
        return Posture(
            _whole({each.verdict for each in postures}),
            "; ".join(f"{each.name}: {each.posture.reason}" for each in parts),
            evidence,
            key,
            _same(each.key_version for each in with_key) if key else "",
            _slowest(with_key),
            _same(each.reader for each in with_key),
            parts,
        )

    def want(self, settings: EncryptedDatabricksWorkspace, documents: Documents, key: KeyReference) -> Want:
        """Return the PUT of the workspace with the key in the parts that lack it."""
        if (reason := _refused(settings, documents)) is not None:
            return reason
        document = documents.find("resource") or {}
        missing = [each for each in settings.parts if not _has(settings, documents, each, key)]
        if not missing:
            return ()
        words = {_FOR_SERVICES: MANAGED_SERVICES, _FOR_DBFS: ROOT_DBFS, _FOR_DISKS: MANAGED_DISKS}
        before = {_FOR_SERVICES: _managed_services, _FOR_DBFS: _root_dbfs, _FOR_DISKS: _managed_disks}
        old = {each: before[each](documents) for each in missing}
        for_ever = [words[each] for each in missing if each != _FOR_DBFS and not old[each].key]
        parameters, entities = _with_key(settings, key, missing)
        return (
            Write(
                settings.id,
                "PUT",
                self.api_version,
                _edited(document, parameters, entities),
                self.title,
                settings.id.rpartition("/")[2],
                f"{' and '.join(words[each] for each in missing)} do not use the key like this yet",
                attributes=tuple(
                    AttributeChange(words[each], _identifier(old[each]), key.identifier) for each in missing
                ),
                irreversible=(
                    (f"{' and '.join(for_ever)}: a customer-managed key that is set cannot be taken away again",)
                    if for_ever
                    else ()
                ),
            ),
        )

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return what is known of the connections."""
        if documents.find("resource") is None:
            return ()
        shown = (documents.evidence("resource", "properties.workspaceUrl"),)
        reason = "the workspace takes TLS 1.2 and later alone, which is not configurable"
        return (
            Aspect(IN_TRANSIT, State.PLATFORM, reason, shown, Rules(("DP-3",), by_analogy=True)),
            Aspect(
                BETWEEN_NODES,
                State.NOT_KNOWABLE,
                "Resource Manager does not show whether the nodes of clusters encrypt what they send to each other",
                (),
                Rules(("DP-3",), by_analogy=True),
            ),
        )


def _whole(verdicts: set[Verdict]) -> Verdict:
    for each in (Verdict.CUSTOMER_UNUSABLE, Verdict.NOT_KNOWABLE):
        if each in verdicts:
            return each
    if Verdict.CUSTOMER not in verdicts:
        return Verdict.MICROSOFT
    return Verdict.CUSTOMER if len(verdicts) == 1 else Verdict.MIXED


def _same(texts: Iterable[str]) -> str:
    """Return the text that all have; empty where they differ, and where there are none."""
    found = {*texts}
    return found.pop() if len(found) == 1 else ""


def _slowest(postures: list[Posture]) -> Follows | None:
    """Return the reaction of the workspace to a new version: one key that does not follow has to be set again."""
    if not postures:
        return None
    return next((each.follows for each in postures if each.follows == PINNED), postures[0].follows)


def _root_dbfs(documents: Documents) -> Posture:
    shown = tuple(documents.evidence("resource", each) for each in (f"{_DBFS}.keySource", _PREPARED))
    value = documents.value("resource", _DBFS)
    source = text_at(value, "keySource") if isinstance(value, Mapping) else ""
    if _serverless(documents):
        return _without_choice(documents, shown)
    if unknown := documents.unknown_form("resource", _DBFS):
        return unknown
    if value is None or (isinstance(value, Mapping) and (not value or same_word(source, "Default"))):
        prepared = documents.value("resource", _PREPARED) is True
        reason = f"Microsoft's key{', with the identity that can read another prepared' if prepared else ''}"
        return Posture(Verdict.MICROSOFT, f"{reason}{_tier(documents)}", shown)
    if not isinstance(value, Mapping) or not same_word(source, _KEY_VAULT):
        return Posture(Verdict.NOT_KNOWABLE, _unknown_source(source), shown)
    vault, name, version = (text_at(value, each) for each in ("keyvaulturi", "KeyName", "keyversion"))
    shown += tuple(
        documents.evidence("resource", f"{_DBFS}.{each}") for each in ("keyvaulturi", "KeyName", "keyversion")
    )
    if not vault or not name:
        return Posture(Verdict.NOT_KNOWABLE, "the key source is a key vault, but no key is named", shown)
    reader = "the identity of the managed storage account"
    return Posture(Verdict.CUSTOMER, "the customer's key", shown, _key(vault, name), version, PINNED, reader)


def _managed_services(documents: Documents) -> Posture:
    return _entity(documents, _SERVICES, PINNED, APPLICATION)


def _managed_disks(documents: Documents) -> Posture:
    if _serverless(documents):
        return _without_choice(documents, (documents.evidence("resource", f"{_DISKS}.keySource"),))
    follows = Follows(Follow.BY_ITSELF, HOURS) if documents.value("resource", _ROTATES) is True else PINNED
    own = _entity(documents, _DISKS, follows, "the identity of the disk encryption set")
    if own.verdict is not Verdict.CUSTOMER or documents.find("disk_encryption_set") is None:
        return own
    found = of_linked_set(documents)
    # Rotation changes the set and not the workspace, so the set has the version in use.
    version = found.key_version if same_uri(found.key, own.key) else own.key_version
    broken = found.verdict is Verdict.CUSTOMER_UNUSABLE
    return Posture(
        found.verdict if broken else own.verdict,
        found.reason if broken else own.reason,
        (*own.evidence, *found.evidence),
        own.key,
        version,
        own.follows,
        own.reader,
    )


def _entity(documents: Documents, path: str, follows: Follows, reader: str) -> Posture:
    """Return who holds the key of one of the two entities of the encryption block."""
    if unknown := documents.unknown_form("resource", path):
        return unknown
    shown: tuple[Evidence, ...] = (documents.evidence("resource", f"{path}.keySource"),)
    value = documents.value("resource", path)
    if value in (None, {}):
        return Posture(Verdict.MICROSOFT, f"Microsoft's key{_tier(documents)}", shown)
    source = documents.value("resource", f"{path}.keySource")
    # A key vault is the only key source that the type has, so that a key without one is in a key vault as well.
    if source is not None and not (isinstance(source, str) and same_word(source, _KEY_VAULT)):
        return Posture(Verdict.NOT_KNOWABLE, _unknown_source(source), shown)
    names = [f"{path}.keyVaultProperties.{each}" for each in ("keyVaultUri", "keyName", "keyVersion")]
    shown += tuple(documents.evidence("resource", each) for each in names)
    vault, name, version = (documents.text("resource", each) for each in names)
    if not vault or not name:
        return Posture(Verdict.NOT_KNOWABLE, "the key source is a key vault, but no key is named", shown)
    return Posture(Verdict.CUSTOMER, "the customer's key", shown, _key(vault, name), version, follows, reader)


def _unknown_source(source: object) -> str:
    shown = source if isinstance(source, str) and source else "not shown as text"
    return f"the key source is {shown}, which cmkctl does not know"


def _without_choice(documents: Documents, shown: tuple[Evidence, ...]) -> Posture:
    shown += (documents.evidence("resource", _MODE),)
    return Posture(Verdict.NOT_CHOOSABLE, "a serverless workspace takes no key for it", shown)


def _serverless(documents: Documents) -> bool:
    return same_word(documents.text("resource", _MODE), "Serverless")


def _tier(documents: Documents) -> str:
    tier = text_at(at_path(documents.find("resource"), "sku"), "name")
    return f"; the {tier} tier takes no other" if same_word(tier, "standard") else ""


def _key(vault: str, name: str) -> str:
    return f"{vault.rstrip('/')}/keys/{name}"


def _refused(settings: EncryptedDatabricksWorkspace, documents: Documents) -> Refusal | None:
    """Return why a workspace takes no key for these parts; None where it does."""
    take_out = f"take {settings.id.rpartition('/')[2]} out of services.databricks_workspaces"
    tier = text_at(at_path(documents.find("resource"), "sku"), "name")
    if not same_word(tier, "premium"):
        return not_accepted(f"customer-managed keys need the premium tier, and it has {tier or 'none'}", take_out)
    if _serverless(documents) and {*settings.parts} != {_FOR_SERVICES}:
        reason = "a serverless workspace takes a key for its managed services alone"
        return not_accepted(reason, f"write parts: [{_FOR_SERVICES}]", take_out)
    return None


def _has(settings: EncryptedDatabricksWorkspace, documents: Documents, part: str, key: KeyReference) -> bool:
    """Return True for a part that has the key. Managed disks that rotate have any version of it."""
    rotates = settings.key_version == "latest"
    if part == _FOR_DISKS:
        found = _managed_disks(documents)
        same = same_key_identifier(found.key, key.versionless)
        flag = documents.value("resource", _ROTATES) is True
        return same and flag == rotates and (rotates or same_word(found.key_version, key.version))
    found = _managed_services(documents) if part == _FOR_SERVICES else _root_dbfs(documents)
    return same_key_identifier(_identifier(found), key.identifier)


def _identifier(posture: Posture) -> str | None:
    return "/".join(each for each in (posture.key, posture.key_version) if each) or None


def _with_key(
    settings: EncryptedDatabricksWorkspace, key: KeyReference, parts: Collection[str]
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the parameters and the entities of the encryption block with the key for these parts."""
    parameters: dict[str, Json] = {}
    entities: dict[str, Json] = {}
    named: Json = {"keyVaultUri": key.vault_uri, "keyName": key.name, "keyVersion": key.version}
    if _FOR_DBFS in parts:
        value = {"keyvaulturi": key.vault_uri, "KeyName": key.name, "keyversion": key.version}
        parameters = {"prepareEncryption": True, "encryption": {"keySource": _KEY_VAULT, **value}}
    if _FOR_SERVICES in parts:
        entities["managedServices"] = {"keySource": _KEY_VAULT, "keyVaultProperties": named}
    if _FOR_DISKS in parts:
        entities["managedDisk"] = {
            "keySource": _KEY_VAULT,
            "keyVaultProperties": named,
            "rotationToLatestKeyVersionEnabled": settings.key_version == "latest",
        }
    return parameters, entities


def _edited(
    document: ArmDocument, parameters: Mapping[str, Json], entities: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Return the workspace as Azure answered it, without what it does not take back, and with some values in it."""
    held = document.get("properties") or {}
    properties: dict[str, Any] = {name: held[name] for name in _SENT if held.get(name) is not None}
    kept = held.get("parameters") or {}
    properties["parameters"] = {
        **{name: {"value": at_path(kept, f"{name}.value")} for name in _PARAMETERS if name in kept},
        **{name: {"value": value} for name, value in parameters.items()},
    }
    if entities:
        before = at_path(held, "encryption.entities") or {}
        properties["encryption"] = {"entities": {**before, **entities}}
    sku = document.get("sku") or {}
    return {
        "location": document.get("location"),
        "tags": document.get("tags") or {},
        "sku": {name: sku[name] for name in ("name", "tier") if sku.get(name)},
        "properties": properties,
    }


SERVICE: Final = DatabricksWorkspaces()
