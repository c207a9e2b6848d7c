"""The profile: everything an operator can ask of cmkctl, as frozen values with Azure's own rules.

A profile says what is wanted, never what is there. Sections are immutable and refuse unknown fields; types are strict,
so ``"yes"`` is no boolean and ``90.0`` no whole number. The descriptions are the reference: the JSON Schema and
docs/profiles.md are made from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.ids import ResourceId, group_id, resource_id
from cmkctl.profile import names, rules
from cmkctl.profile.rules import Contradiction


class Section(BaseModel):
    """A part of a profile. `contradictions` says which of its fields are right alone and wrong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def contradictions(self) -> Iterator[Contradiction]:
        """The contradictions between fields that are each valid; none by default."""
        yield from ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = tuple(self.contradictions())
        if found:
            raise rules.contradictory(found)
        return self


Switch = Literal["enabled", "disabled"]


class NetworkSettings(Section):
    """Who reaches the data plane of the vault. Applied when cmkctl creates it."""

    public_access: Switch = Field(
        "enabled",
        description=(
            "Whether the vault has a public endpoint at all. Azure Cosmos DB cannot use a vault that only private "
            "endpoints reach; the way to a closed vault is enabled, default_action Deny and bypass AzureServices."
        ),
        examples=["enabled"],
    )
    default_action: Literal["Allow", "Deny"] = Field(
        "Allow",
        description="What happens to callers that no rule names. Deny is the vault firewall.",
        examples=["Deny"],
    )
    bypass: Literal["AzureServices", "None"] = Field(
        "AzureServices",
        description=(
            "Whether trusted Microsoft services pass the firewall. With default_action Deny the services that wrap the "
            "workspace's data keys need AzureServices."
        ),
        examples=["AzureServices"],
    )
    ip_rules: Annotated[tuple[rules.IpRule, ...], Field(strict=False)] = Field(
        (),
        description="IPv4 addresses and CIDR ranges that pass the firewall.",
        examples=[["203.0.113.0/24"]],
    )
    subnets: Annotated[tuple[rules.SubnetId, ...], Field(strict=False)] = Field(
        (),
        description="ARM ids of subnets that pass the firewall; each needs the Microsoft.KeyVault service endpoint.",
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                    "/virtualNetworks/vnet-ml/subnets/snet-train"
                )
            ]
        ],
    )


class KeyVaultSettings(Section):
    """The vault that holds the key: one to create, or one that exists, in the workspace's subscription."""

    name: rules.VaultName | None = Field(
        None,
        description=(
            "The vault's name, in the profile's resource group: created if absent, adopted if it is there. Unique in "
            "the whole cloud, soft-deleted vaults included. Give either name or id."
        ),
        examples=["kv-ml-prod-cmk"],
    )
    id: rules.VaultId | None = Field(
        None,
        description=(
            "The ARM id of a vault that exists, in whatever resource group. cmkctl never creates it. Give either name "
            "or id."
        ),
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-security/providers/Microsoft.KeyVault"
                "/vaults/kv-central-cmk"
            )
        ],
    )
    authorization: Literal["access-policy", "rbac"] | None = Field(
        None,
        description=(
            "How the vault decides who may use keys. Left out: access-policy for a new vault, as in Microsoft's "
            "procedure, and whatever an existing vault has. cmkctl does not switch an existing vault."
        ),
        examples=["rbac"],
    )
    soft_delete_days: int | None = Field(
        None,
        ge=7,
        le=90,
        description=(
            "How many days a deleted vault or key can be recovered. Fixed when the vault is created. Left out: 90 for a "
            "new vault, and whatever an existing vault has."
        ),
        examples=[90],
    )
    sku: Literal["standard", "premium"] | None = Field(
        None,
        description="The vault's tier. Left out: premium when key.type is RSA-HSM, which needs it, otherwise standard.",
        examples=["premium"],
    )
    allow_enabling_purge_protection: bool = Field(
        False,
        description=(
            "Whether cmkctl may turn purge protection on in a vault that exists without it. It is required for a "
            "customer-managed key and can never be turned off again, so cmkctl asks for this word first. A vault that "
            "cmkctl creates always has it."
        ),
        examples=[True],
    )
    network: NetworkSettings | None = Field(
        None,
        description=(
            "Who reaches the vault's data plane. Left out: everybody with a token for a new vault, and whatever an "
            "existing vault has. cmkctl does not change the rules of an existing vault."
        ),
        examples=[{"default_action": "Deny", "bypass": "AzureServices"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A vault is named once."""
        yield from _name_and_id(self, "key_vault")
        if self.name is None and self.id is None:
            yield Contradiction(
                "name",
                "The vault has neither name nor id.",
                "Write key_vault.name to create or adopt a vault in the profile's resource group, or key_vault.id for "
                "one elsewhere.",
                missing=True,
            )


class RotationPolicy(Section):
    """When Key Vault makes a new version by itself; the workspace keeps its version until it is told of the new one."""

    rotate_after: Annotated[str, rules.Duration(7)] | None = Field(
        None,
        description="Make a new version this long after the last one; at least P7D. Not with rotate_before_expiry.",
        examples=["P1Y"],
    )
    rotate_before_expiry: Annotated[str, rules.Duration(7)] | None = Field(
        None,
        description=(
            "Make a new version this long before the key expires; at least P7D. Needs expires_after and key.expires."
        ),
        examples=["P30D"],
    )
    notify_before_expiry: Annotated[str, rules.Duration(7)] | None = Field(
        None,
        description=(
            "Send an event this long before the key expires; at least P7D. Needs expires_after and key.expires."
        ),
        examples=["P30D"],
    )
    expires_after: Annotated[str, rules.Duration(28)] | None = Field(
        None,
        description="The lifetime of each new version, P28D to P100Y. An expired key stops the workspace.",
        examples=["P2Y"],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Key Vault's rules about a rotation policy."""
        if not self.model_fields_set:
            yield Contradiction(
                "rotate_after",
                "The rotation policy is empty.",
                "Write rotation_policy.rotate_after: P1Y, or leave rotation_policy out.",
                missing=True,
            )
        if self.rotate_after and self.rotate_before_expiry:
            yield Contradiction(
                "rotate_before_expiry",
                "A policy rotates either some time after creation or some time before expiry, and this one says both.",
                "Keep one of rotate_after and rotate_before_expiry.",
            )
        yield from self._without_lifetime()
        yield from self._too_late()

    def _without_lifetime(self) -> Iterator[Contradiction]:
        for field in ("rotate_before_expiry", "notify_before_expiry"):
            if getattr(self, field) and not self.expires_after:
                yield Contradiction(
                    field,
                    "Key Vault counts back from an expiry, and the policy gives new versions none.",
                    "Write rotation_policy.expires_after: P2Y as well, or use rotate_after.",
                )

    def _too_late(self) -> Iterator[Contradiction]:
        for field in ("rotate_after", "rotate_before_expiry", "notify_before_expiry"):
            lead = getattr(self, field)
            if lead and self.expires_after and rules.days(lead) > rules.days(self.expires_after) - 7:
                yield Contradiction(
                    field,
                    f"It lies less than 7 days inside the lifetime of a version, expires_after {self.expires_after}; "
                    "Key Vault refuses that.",
                    f"Make {field} shorter or expires_after longer.",
                )


class KeySettings(Section):
    """The customer-managed key. cmkctl creates its first version through Resource Manager and never deletes it."""

    name: rules.KeyName = Field(description="The key's name in the vault.", examples=["cmk-ml-prod"])
    type: Literal["RSA", "RSA-HSM"] = Field(
        "RSA",
        description="RSA is protected by software, RSA-HSM by hardware and needs a premium vault. Fixed at creation.",
        examples=["RSA"],
    )
    size: rules.KeySize = Field(
        3072,
        description="The key's size in bits. Azure Machine Learning recommends 3072 or more. Fixed at creation.",
        examples=[3072],
    )
    expires: rules.Moment | None = Field(
        None,
        description=(
            "When the key expires: a date (00:00 UTC) or a date and time with its zone. An expired key stops the "
            "workspace; once set, an expiry can be moved but not removed."
        ),
        examples=["2031-01-31"],
    )
    rotation_policy: RotationPolicy | None = Field(
        None,
        description="When Key Vault makes a new version by itself. Left out: never.",
        examples=[{"rotate_after": "P1Y"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A policy that counts back from an expiry needs one on the key, too."""
        policy = self.rotation_policy
        for field in ("rotate_before_expiry", "notify_before_expiry"):
            if policy and getattr(policy, field) and self.expires is None:
                yield Contradiction(
                    f"rotation_policy.{field}",
                    "Key Vault counts back from the key's expiry, and the key has none.",
                    "Write key.expires as well, or use rotation_policy.rotate_after.",
                )


class KeyAccessSettings(Section):
    """The grant that lets the services behind the workspace use the key."""

    cosmos_db_object_id: rules.ObjectId | None = Field(
        None,
        description=(
            "The object id of Azure Cosmos DB's service principal in your tenant, for an operator who may not read the "
            "directory: az ad sp show --id APPLICATION_ID --query id. Left out: cmkctl looks it up. Never the "
            "application id."
        ),
        examples=["${COSMOS_DB_OBJECT_ID}"],
    )
    create_service_principal: bool = Field(
        True,
        description="Whether cmkctl may create Azure Cosmos DB's service principal when the tenant has none yet.",
        examples=[False],
    )
    settle_seconds: int = Field(
        0,
        ge=0,
        le=900,
        description=(
            "How old, in seconds, a grant has to be before the workspace's creation is sent. Azure confirms a role some "
            "time before it takes effect, mostly within a minute or two, and says nothing about that; a creation that "
            "comes too early fails, and is sent again only after ten minutes."
        ),
        examples=[75],
    )


class WorkspaceSettings(Section):
    """The Azure Machine Learning workspace. Encryption and high_business_impact can never be changed afterwards."""

    name: rules.WorkspaceName = Field(description="The workspace's name.", examples=["mlw-prod"])
    high_business_impact: bool = Field(
        description=(
            "Whether the workspace holds data of high business impact: Microsoft then collects less diagnostic data "
            "and encrypts more. Fixed at creation, so it has no default."
        ),
        examples=[True],
    )
    encryption: Literal["in-subscription", "service-side"] = Field(
        description=(
            "Where the encrypted metadata lives: in-subscription keeps it in Cosmos DB, AI Search and storage in a "
            "Microsoft-managed resource group that you pay for; service-side keeps it on Microsoft's side. Fixed at "
            "creation, so it has no default."
        ),
        examples=["in-subscription"],
    )
    identity: rules.Identity = Field(
        "system-assigned",
        description=(
            "Who the workspace is: system-assigned, or the ARM id of a user-assigned identity that exists, which then "
            "reads the key as well."
        ),
        examples=["system-assigned"],
    )
    friendly_name: str | None = Field(
        None, description="The name that people see in the studio.", examples=["Fraud models"]
    )
    description: str | None = Field(
        None, description="A text about the workspace.", examples=["Production models of the fraud team"]
    )
    public_network_access: Switch = Field(
        "enabled",
        description="Whether the workspace is reached from the internet. When disabled it needs a private endpoint.",
        examples=["enabled"],
    )
    cosmos_db_throughput: int | None = Field(
        None,
        ge=400,
        description=(
            "The throughput, in request units a second, of the Cosmos DB collections in the managed resource group. "
            "Only for in-subscription. Left out: the service decides."
        ),
        examples=[400],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Only the in-subscription architecture has a Cosmos DB of its own."""
        if self.cosmos_db_throughput is not None and self.encryption == "service-side":
            yield Contradiction(
                "cosmos_db_throughput",
                "A service-side workspace has no Cosmos DB in your subscription whose throughput could be set.",
                "Leave workspace.cosmos_db_throughput out, or write workspace.encryption: in-subscription.",
            )


class StorageAccountSettings(Section):
    """The workspace's default storage account."""

    name: rules.StorageName | None = Field(
        None,
        description="The account's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["stmlprod"],
    )
    id: rules.StorageId | None = Field(
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

    def contradictions(self) -> Iterator[Contradiction]:
        """An account is named once."""
        yield from _name_and_id(self, "associated_resources.storage_account")


class LogAnalyticsSettings(Section):
    """Where Application Insights keeps its data."""

    name: rules.LogAnalyticsName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["log-ml-prod"],
    )
    id: rules.LogAnalyticsId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.OperationalInsights"
                "/workspaces/log-central"
            )
        ],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A Log Analytics workspace is named once."""
        yield from _name_and_id(self, "associated_resources.log_analytics")


class ApplicationInsightsSettings(Section):
    """The Application Insights component of the workspace."""

    name: rules.ComponentName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["appi-ml-prod"],
    )
    id: rules.ComponentId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.Insights"
                "/components/appi-central"
            )
        ],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A component is named once."""
        yield from _name_and_id(self, "associated_resources.application_insights")


class WorkspaceVaultSettings(Section):
    """A vault of the workspace's own, for its secrets, apart from the vault that holds the key."""

    name: rules.VaultName | None = Field(
        None,
        description="The vault's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["kv-ml-prod"],
    )
    id: rules.VaultId | None = Field(
        None,
        description="The ARM id of a vault that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.KeyVault/vaults/kv-ml-prod"
        ],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A vault is named once."""
        yield from _name_and_id(self, "associated_resources.key_vault")


class ContainerRegistrySettings(Section):
    """A container registry for the workspace's environments."""

    name: rules.RegistryName | None = Field(
        None,
        description="The registry's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["crmlprod"],
    )
    id: rules.RegistryId | None = Field(
        None,
        description="The ARM id of a registry that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.ContainerRegistry"
                "/registries/crmlprod"
            )
        ],
    )
    sku: Literal["Basic", "Standard", "Premium"] = Field(
        "Premium",
        description="The tier of a new registry. Only Premium has private endpoints and keys of your own.",
        examples=["Premium"],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """A registry is named once."""
        yield from _name_and_id(self, "associated_resources.container_registry")


def _vault_form(value: object) -> str:
    return "settings" if isinstance(value, dict | WorkspaceVaultSettings) else "same"


class AssociatedResources(Section):
    """What a workspace needs beside the key. Made with stable names in the profile's resource group, or given by id."""

    storage_account: StorageAccountSettings = Field(
        default_factory=StorageAccountSettings,
        description="The default storage account.",
        examples=[{"sku": "Standard_ZRS"}],
    )
    log_analytics: LogAnalyticsSettings = Field(
        default_factory=LogAnalyticsSettings,
        description="The Log Analytics workspace behind Application Insights.",
        examples=[{"name": "log-ml-prod"}],
    )
    application_insights: ApplicationInsightsSettings = Field(
        default_factory=ApplicationInsightsSettings,
        description="The Application Insights component.",
        examples=[{"name": "appi-ml-prod"}],
    )
    key_vault: Annotated[
        Annotated[Literal["same"], Tag("same")] | Annotated[WorkspaceVaultSettings, Tag("settings")],
        Discriminator(_vault_form),
    ] = Field(
        default_factory=WorkspaceVaultSettings,
        description=(
            "The vault for the workspace's own secrets. Left out, or {}: one apart from the vault with the key, with a "
            "derived name. Write same for one vault that serves both: the workspace's identity then has wide rights on "
            "the vault with the key."
        ),
        examples=["same"],
    )
    container_registry: ContainerRegistrySettings | None = Field(
        None,
        description=(
            "A container registry; {} for one with a derived name. Left out: none, and Azure Machine Learning makes "
            "one when an environment is first built."
        ),
        examples=[{"sku": "Premium"}],
    )


class Profile(Section):
    """What the operator wants: one workspace, its key and everything around it.

    The properties give the ARM ids and names that follow from the fields, so that no step derives them again.
    """

    cloud: Annotated[Cloud, Field(strict=False)] = Field(
        Cloud.AZURE, description="The Azure cloud, by its name in the az CLI.", examples=["AzureCloud"]
    )
    subscription: rules.Guid = Field(
        description="The id of the subscription that everything is in.", examples=["${AZURE_SUBSCRIPTION_ID}"]
    )
    tenant: rules.Guid | None = Field(
        None,
        description="The id of the tenant. If given, cmkctl refuses a subscription that belongs to another.",
        examples=["${AZURE_TENANT_ID}"],
    )
    location: rules.LocationName = Field(
        description="The Azure region of everything that is created.", examples=["eastus2"]
    )
    resource_group: rules.GroupName = Field(
        description="The resource group: created if absent.", examples=["rg-ml-prod"]
    )
    key_vault: KeyVaultSettings = Field(
        description="The vault that holds the key.", examples=[{"name": "kv-ml-prod-cmk"}]
    )
    key: KeySettings = Field(description="The customer-managed key.", examples=[{"name": "cmk-ml-prod"}])
    key_access: KeyAccessSettings = Field(
        default_factory=KeyAccessSettings,
        description="The grant that lets Azure Cosmos DB use the key.",
        examples=[{"create_service_principal": False}],
    )
    workspace: WorkspaceSettings = Field(
        description="The Azure Machine Learning workspace.",
        examples=[{"name": "mlw-prod", "high_business_impact": True, "encryption": "in-subscription"}],
    )
    associated_resources: AssociatedResources = Field(
        default_factory=AssociatedResources,
        description="What the workspace needs beside the key.",
        examples=[{"container_registry": {}}],
    )
    tags: dict[rules.TagKey, rules.TagValue] = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of everything that is created; at most 50.",
        examples=[{"owner": "ml-platform"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """What only shows when sections are held against each other."""
        if self.key_vault.sku == "standard" and self.key.type == "RSA-HSM":
            yield Contradiction(
                "key_vault.sku",
                "A standard vault holds no RSA-HSM key.",
                "Write key_vault.sku: premium, or leave it out, or write key.type: RSA.",
            )
        yield from self._location_of_another_cloud()

    def _location_of_another_cloud(self) -> Iterator[Contradiction]:
        belongs = _cloud_of(self.location)
        if belongs is not self.cloud:
            yield Contradiction(
                "location",
                f"The region belongs to {belongs}, and the profile's cloud is {self.cloud}.",
                f"Write cloud: {belongs}, or a region of {self.cloud}, such as {_A_REGION[self.cloud]}.",
            )

    @property
    def resource_group_id(self) -> str:
        """The ARM id of the resource group."""
        return group_id(self.subscription, self.resource_group)

    @property
    def vault_id(self) -> str:
        """The ARM id of the vault that holds the key."""
        return self.key_vault.id or self._id("Microsoft.KeyVault/vaults", self.key_vault_name)

    @property
    def key_vault_name(self) -> str:
        """The name of the vault that holds the key."""
        return _name_of(self.key_vault.name, self.key_vault.id)

    @property
    def vault_sku(self) -> Literal["standard", "premium"]:
        """The tier that a new vault gets."""
        return self.key_vault.sku or ("premium" if self.key.type == "RSA-HSM" else "standard")

    @property
    def key_id(self) -> str:
        """The ARM id of the key, which is not its key identifier."""
        return str(ResourceId.parse(self.vault_id).child("keys", self.key.name))

    @property
    def workspace_id(self) -> str:
        """The ARM id of the workspace."""
        return self._id("Microsoft.MachineLearningServices/workspaces", self.workspace.name)

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity; None for the system-assigned one."""
        return None if self.workspace.identity == "system-assigned" else self.workspace.identity

    @property
    def storage_account_name(self) -> str:
        """The name of the default storage account, given or derived."""
        given = self.associated_resources.storage_account
        return _name_of(given.name, given.id) or names.storage_account(self.workspace.name, self._suffix)

    @property
    def storage_account_id(self) -> str:
        """The ARM id of the default storage account."""
        given = self.associated_resources.storage_account.id
        return given or self._id("Microsoft.Storage/storageAccounts", self.storage_account_name)

    @property
    def log_analytics_name(self) -> str:
        """The name of the Log Analytics workspace, given or derived."""
        given = self.associated_resources.log_analytics
        return _name_of(given.name, given.id) or names.log_analytics(self.workspace.name, self._suffix)

    @property
    def log_analytics_id(self) -> str:
        """The ARM id of the Log Analytics workspace."""
        given = self.associated_resources.log_analytics.id
        return given or self._id("Microsoft.OperationalInsights/workspaces", self.log_analytics_name)

    @property
    def application_insights_name(self) -> str:
        """The name of the Application Insights component, given or derived."""
        given = self.associated_resources.application_insights
        return _name_of(given.name, given.id) or names.application_insights(self.workspace.name, self._suffix)

    @property
    def application_insights_id(self) -> str:
        """The ARM id of the Application Insights component."""
        given = self.associated_resources.application_insights.id
        return given or self._id("Microsoft.Insights/components", self.application_insights_name)

    @property
    def workspace_vault_name(self) -> str:
        """The name of the vault for the workspace's own secrets."""
        given = self.associated_resources.key_vault
        if given == "same":
            return self.key_vault_name
        return _name_of(given.name, given.id) or names.key_vault(self.workspace.name, self._suffix)

    @property
    def workspace_vault_id(self) -> str:
        """The ARM id of the vault for the workspace's own secrets."""
        given = self.associated_resources.key_vault
        if given == "same":
            return self.vault_id
        return given.id or self._id("Microsoft.KeyVault/vaults", self.workspace_vault_name)

    @property
    def container_registry_name(self) -> str | None:
        """The name of the container registry, given or derived; None when the profile asks for none."""
        given = self.associated_resources.container_registry
        if given is None:
            return None
        return _name_of(given.name, given.id) or names.container_registry(self.workspace.name, self._suffix)

    @property
    def container_registry_id(self) -> str | None:
        """The ARM id of the container registry; None when the profile asks for none."""
        given, name = self.associated_resources.container_registry, self.container_registry_name
        if given is None or name is None:
            return None
        return given.id or self._id("Microsoft.ContainerRegistry/registries", name)

    @property
    def _suffix(self) -> str:
        return names.digest(self.subscription, self.resource_group, self.workspace.name)

    def _id(self, resource_type: str, name: str) -> str:
        return resource_id(self.subscription, self.resource_group, resource_type, name)


_A_REGION = {Cloud.AZURE: "eastus2", Cloud.US_GOVERNMENT: "usgovvirginia", Cloud.CHINA: "chinanorth3"}


def _cloud_of(location: str) -> Cloud:
    if location.startswith(("usgov", "usdod")):
        return Cloud.US_GOVERNMENT
    return Cloud.CHINA if location.startswith("china") else Cloud.AZURE


def _name_of(name: str | None, resource: str | None) -> str:
    return name or (ResourceId.parse(resource).name if resource else "")


_Nameable = (
    KeyVaultSettings
    | StorageAccountSettings
    | LogAnalyticsSettings
    | ApplicationInsightsSettings
    | WorkspaceVaultSettings
    | ContainerRegistrySettings
)


def _name_and_id(section: _Nameable, where: str) -> Iterator[Contradiction]:
    if section.name is not None and section.id is not None:
        yield Contradiction(
            "id",
            "A name stands for a resource in the profile's resource group, an id for one that exists; both are given.",
            f"Keep either {where}.name or {where}.id.",
        )
