"""Azure Container Instances: the key of a container group, named with its version when the group is created.

The service has no request that changes the key of a group. The key is read by an application of Microsoft's, or by a
user-assigned identity of the group. Azure Machine Learning SDK v1 deployed to such groups, and spelled vault, key and version
``cmk_vault_base_url``, ``cmk_key_name`` and ``cmk_key_version``; v2 has no deployments of this kind.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_uri, same_word
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Check, Posture, Rules, State, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    FirstParty,
    KeyReference,
    ServiceSettings,
    Verb,
    Want,
    only_at_creation,
)

_ENCRYPTION: Final = "properties.encryptionProperties"
_READER: Final = f"{_ENCRYPTION}.identity"
_NAMES: Final = ("vaultBaseUrl", "keyName", "keyVersion")


class EncryptedContainerGroup(ServiceSettings):
    """A container group."""

    id: Annotated[str, field_types.ArmId("Microsoft.ContainerInstance/containerGroups")] = Field(
        description="The ARM id of the container group.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.ContainerInstance"
                "/containerGroups/aci-scoring"
            )
        ],
    )


class ContainerInstances(EncryptableService[EncryptedContainerGroup]):
    """``PUT …/containerGroups/NAME`` with ``properties.encryptionProperties``, for a new group alone."""

    name = "container_groups"
    title = "container group"
    resource_type = "Microsoft.ContainerInstance/containerGroups"
    api_version = "2023-05-01"
    verb = Verb.CREATION
    # The ids in the other clouds are not published.
    reader = FirstParty(
        "Azure Container Instance Service",
        {Cloud.AZURE: "6bb8e274-af5d-4df2-98a3-4fd78b4cafd9"},
        ("get", "unwrapKey"),
    )
    follows = PINNED
    revoked = "not published; a group probably fails at its next start"
    doc = "https://learn.microsoft.com/azure/container-instances/container-instances-encrypt-data"
    protections = (IN_TRANSIT,)
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "0aa61e00-0a01-4a3c-9945-e93cffedf0e6"),
            Check("Steampipe", "azure_compliance.control.container_instance_container_group_encrypted_using_cmk"),
        ),
    )
    settings = EncryptedContainerGroup

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the group's address, where it has a name."""
        host = documents.text("resource", "properties.ipAddress.fqdn").lower()
        return (host,) if host else ()

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the group's key. Azure requires all of vault, key and version."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown = tuple(documents.evidence("resource", f"{_ENCRYPTION}.{each}") for each in _NAMES)
        vault, name, version = (documents.text("resource", f"{_ENCRYPTION}.{each}") for each in _NAMES)
        if vault and name and version:
            key = f"{vault.rstrip('/')}/keys/{name}"
            reason = "the group is encrypted with the customer's key"
            identity = documents.text("resource", _READER)
            evidence = (*shown, documents.evidence("resource", _READER))
            return Posture(Verdict.CUSTOMER, reason, evidence, key, version, PINNED, identity or self.reader.name)
        if documents.value("resource", _ENCRYPTION) in (None, {}):
            return Posture(Verdict.MICROSOFT, "the group is encrypted with Microsoft's key", shown)
        return Posture(Verdict.NOT_KNOWABLE, "the encryption block does not name vault, key and version", shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, which the containers end."""
        if documents.find("resource") is None:
            return ()
        shown = (documents.evidence("resource", "properties.ipAddress"),)
        reason = "the containers end the connections, and no document shows whether they use TLS"
        return (Aspect(IN_TRANSIT, State.NOT_KNOWABLE, reason, shown, Rules(("DP-3",), by_analogy=True)),)

    def want(self, settings: EncryptedContainerGroup, documents: Documents, key: KeyReference) -> Want:
        """Return nothing where the group has this version of the key, and else that it must be created again."""
        vault, name, version = (documents.text("resource", f"{_ENCRYPTION}.{each}") for each in _NAMES)
        if same_uri(vault, key.vault_uri) and same_word(name, key.name) and same_word(version, key.version):
            return ()
        before = f"key {name}, version {version}" if name else "Microsoft's key"
        return only_at_creation(
            f"it was created with {before}, and Container Instances changes the key of no group",
            f"create the group again with encryptionProperties vaultBaseUrl {key.vault_uri}, keyName {key.name}, keyVersion "
            f"{key.version}, and delete this one",
            f"take {settings.id.rpartition('/')[2]} out of services.{self.name}",
        )


SERVICE: Final = ContainerInstances()
