"""The default storage account of a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Contradiction, Nameable, Section, key_of_a_given_resource
from cmkctl.profile.sections.associated.network import SubnetRuleSettings


class ResourceAccessRule(Section):
    """A resource of Azure, or several, that pass the firewall of the storage account."""

    tenant: field_types.Guid = Field(description="The id of the resource's tenant.", examples=["${AZURE_TENANT_ID}"])
    resource: field_types.ResourcePath = Field(
        description="The ARM id of the resource; a * in the place of a subscription, group or name stands for every one.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers"
                "/Microsoft.MachineLearningServices/workspaces/*"
            )
        ],
    )


_SMALL_RANGES: Final = ("/31", "/32")


class StorageNetworkSettings(SubnetRuleSettings):
    """Network access to the storage account. An account that exists keeps what the profile leaves out."""

    public_access: Literal["enabled", "disabled", "secured-by-perimeter"] | None = Field(
        None,
        description=(
            "Whether the account has a public endpoint: disabled leaves private endpoints only, secured-by-perimeter "
            "leaves it to a network security perimeter. Left out: enabled for a new account."
        ),
        examples=["disabled"],
    )
    bypass: Annotated[tuple[Literal["AzureServices", "Logging", "Metrics"], ...], Field(strict=False)] | None = Field(
        None,
        description=(
            "Who passes the firewall without a rule: trusted Azure services, readers of logs, readers of metrics; [] for "
            "no one. Left out: AzureServices for a new account."
        ),
        examples=[["AzureServices"]],
    )
    resource_access_rules: Annotated[tuple[ResourceAccessRule, ...], Field(strict=False)] = Field(
        (),
        description="Resources that pass the firewall by their identity. Rules that others added stay.",
        examples=[
            [
                {
                    "tenant": "${AZURE_TENANT_ID}",
                    "resource": (
                        "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers"
                        "/Microsoft.MachineLearningServices/workspaces/*"
                    ),
                }
            ]
        ],
    )

    def rules(self) -> dict[str, object]:
        """Return the lists of rules, by field."""
        return {**super().rules(), "resource_access_rules": self.resource_access_rules}

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong with the rules, and ranges that are too small for Storage.

        Source: https://learn.microsoft.com/azure/storage/common/storage-network-security#restrictions-for-ip-network-rules
        """
        yield from super().contradictions()
        for index, rule in enumerate(self.ip_rules):
            if rule.endswith(_SMALL_RANGES):
                yield Contradiction(
                    f"ip_rules[{index}]",
                    "A storage account takes no ranges with the prefixes /31 and /32.",
                    "Write its addresses one by one.",
                )


class StorageAccountSettings(Nameable):
    """The workspace's default storage account."""

    resource_type = "Microsoft.Storage/storageAccounts"
    derived = DerivedName("st", 14, separator="")

    name: field_types.StorageName | None = Field(
        None,
        description="The account's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["stmlprod"],
    )
    id: field_types.StorageId | None = Field(
        None,
        description="The ARM id of an account that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Storage"
                "/storageAccounts/stmlprod"
            )
        ],
    )
    sku: Literal[
        "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS", "Standard_RAGRS", "Standard_RAGZRS"
    ] = Field(
        "Standard_LRS",
        description="How a new account is replicated. Premium accounts cannot be a workspace's default storage.",
        examples=["Standard_ZRS"],
    )
    shared_keys: field_types.Switch | None = Field(
        None,
        description=(
            "Whether the account accepts requests that are signed with its keys. When disabled, the workspace's own "
            "datastores use identities (workspace.datastore_access). Left out: the default of Azure for a new account."
        ),
        examples=["disabled"],
    )
    encryption: Literal["microsoft", "customer"] = Field(
        "microsoft",
        description=(
            "Whose key a new account has. customer: the profile's key, for blobs, files, queues and tables, read by the "
            "user-assigned identity that reads the workspace's key (workspace.encryption_identity); the account looks for a new "
            "version of the key daily, also where key.version is set. microsoft: an existing account keeps what it has."
        ),
        examples=["customer"],
    )
    infrastructure_encryption: bool | None = Field(
        None,
        description=(
            "Whether the data is encrypted a second time, with a key of Microsoft's. Fixed when the account is created. "
            "Left out: no for a new account."
        ),
        examples=[True],
    )
    network: StorageNetworkSettings | None = Field(
        None,
        description="Network access. Left out: open to every network for a new account.",
        examples=[{"default_action": "Deny", "bypass": ["AzureServices"]}],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the account, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong with name and id, and a key for an account that cmkctl does not change."""
        yield from super().contradictions()
        yield from key_of_a_given_resource(
            self, self.encryption, "name it under services.storage_accounts for cmkctl encrypt"
        )
