"""Rules about quotas and capacity (failures.md, P58, P59, P61)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import provider_id
from cmkctl.checks.wanted import STORAGE_ACCOUNTS, managed_in_subscription, new_resources, require_registered
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Fact, Facts, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

_DEFAULT_ACCOUNTS: Final = 50
"""The default number of Azure Cosmos DB accounts of a subscription; older and newer pages give 50 and 250."""

CMK165: Final = Code(
    "CMK165",
    "The quota of AI Search services is used up",
    "In-subscription encryption makes Microsoft create one AI Search service of the tier standard for each workspace, in your subscription and within its quota for the region.",
    "Request quota, use another location, or use service-side encryption.",
    "https://learn.microsoft.com/azure/search/search-limits-quotas-capacity",
)
CMK166: Final = Code(
    "CMK166",
    "The quota of storage accounts is used up",
    "A subscription has a limit of storage accounts for each region. A workspace needs one account, and in-subscription encryption another in the managed resource group.",
    "Request quota, use another location, or give a storage account that exists: associated_resources.storage_account.id.",
    "https://learn.microsoft.com/azure/storage/common/scalability-targets-standard-account",
)
CMK167: Final = Code(
    "CMK167",
    "The subscription may have no room for another Azure Cosmos DB account",
    "In-subscription encryption makes Microsoft create one Azure Cosmos DB account for each workspace. The number of accounts of a subscription is limited, by default to 50 (newer pages give 250), and no read shows the limit; so this is a warning.",
    "Check the limit with Azure support, or use service-side encryption.",
    "https://learn.microsoft.com/azure/cosmos-db/concepts-limits",
)
CMK168: Final = Code(
    "CMK168",
    "The subscription has no access to Azure Cosmos DB in the region",
    "In-subscription encryption makes Microsoft create an Azure Cosmos DB account in the workspace's region. Where capacity is short, a subscription needs access to the region first; without it the creation fails with ServiceUnavailable.",
    "Request region access, use another location, or use service-side encryption.",
    "https://learn.microsoft.com/azure/cosmos-db/nosql/how-to-request-region-access",
)


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of a region: how much is used, the limit, and how much the plan needs."""

    used: int
    limit: int
    needed: int

    @property
    def exceeded(self) -> bool:
        """True when the plan needs more than is left."""
        return self.used + self.needed > self.limit


def _usage(azure: Snapshot, profile: Profile, namespace: str, version: str, name: str, needed: int) -> Quota | None:
    """Read one usage of a region; None for a plan that needs nothing of it, and for a provider that does not list it."""
    from cmkctl.azure import decoding  # noqa: PLC0415 - rules load without the Azure SDK

    if not needed:
        return None
    require_registered(azure, namespace)
    path = f"{provider_id(profile.subscription, namespace)}/locations/{profile.location}/usages"
    rows = (azure.listing(path, version, decoding.Usages) or {}).get("value", ())
    row = next((each for each in rows if same_word(each["name"]["value"], name)), None)
    return row and Quota(row["currentValue"], row["limit"], needed)


def _search(azure: Snapshot, profile: Profile) -> Quota | None:

    needed = int(managed_in_subscription(azure, profile))
    return _usage(azure, profile, "Microsoft.Search", versions.SEARCH, "standard", needed)


def _storage(azure: Snapshot, profile: Profile) -> Quota | None:

    own = sum(each.type == STORAGE_ACCOUNTS for each in new_resources(azure, profile))
    needed = own + int(managed_in_subscription(azure, profile))
    return _usage(azure, profile, "Microsoft.Storage", versions.STORAGE, "StorageAccounts", needed)


def _accounts(azure: Snapshot, profile: Profile) -> int:
    """Return the number of Azure Cosmos DB accounts of the subscription, 0 for a plan that needs none."""
    if not managed_in_subscription(azure, profile):
        return 0
    require_registered(azure, "Microsoft.DocumentDB")
    path = f"{provider_id(profile.subscription, 'Microsoft.DocumentDB')}/databaseAccounts"
    return len((azure.listing(path, versions.COSMOS_DB) or {}).get("value", ()))


def _cosmos_region(azure: Snapshot, profile: Profile) -> Mapping[str, Any] | None:
    """Read the subscription's access to Azure Cosmos DB in the region; None for a plan that needs none."""
    from cmkctl.azure import decoding  # noqa: PLC0415 - rules load without the Azure SDK

    if not managed_in_subscription(azure, profile):
        return None
    require_registered(azure, "Microsoft.DocumentDB")
    path = f"{provider_id(profile.subscription, 'Microsoft.DocumentDB')}/locations/{profile.location}"
    return azure.document(path, versions.COSMOS_DB, decoding.CosmosDbLocation)


SEARCH_QUOTA: Final = Fact("quota_of_search_services", _search)
"""The quota of AI Search services in the region, None when the plan needs none."""

STORAGE_QUOTA: Final = Fact("quota_of_storage_accounts", _storage)
"""The quota of storage accounts in the region, None when the plan needs none."""

COSMOS_ACCOUNTS: Final = Fact("number_of_cosmos_db_accounts", _accounts)
"""The number of Azure Cosmos DB accounts, 0 when the plan needs none."""

COSMOS_REGION: Final = Fact("access_to_cosmos_db_in_the_region", _cosmos_region)
"""The region of Azure Cosmos DB, None when the plan needs none."""


@rule(CMK165, severity=Severity.ERROR, needs=(SEARCH_QUOTA,))
def search_services_left(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require room for one more AI Search service."""
    quota = facts[SEARCH_QUOTA]
    if quota is not None and quota.exceeded:
        yield Finding(
            f"{quota.used} of {quota.limit} AI Search services of the tier standard are used in {profile.location}, and the "
            "workspace needs one more.",
            "Request quota in the portal (Quotas, Azure AI Search), write another location, or workspace.encryption: "
            "service-side.",
            "location",
        )


@rule(CMK166, severity=Severity.ERROR, needs=(STORAGE_QUOTA,))
def storage_accounts_left(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require room for the storage accounts of the workspace."""
    quota = facts[STORAGE_QUOTA]
    if quota is not None and quota.exceeded:
        yield Finding(
            f"{quota.used} of {quota.limit} storage accounts are used in {profile.location}, and {quota.needed} more are "
            "needed.",
            "Request quota in the portal (Quotas, Storage), or write another location.",
            "location",
        )


@rule(CMK167, severity=Severity.WARNING, needs=(COSMOS_ACCOUNTS,))
def cosmos_accounts_left(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn at the default limit of Azure Cosmos DB accounts."""
    if facts[COSMOS_ACCOUNTS] >= _DEFAULT_ACCOUNTS:
        yield Finding(
            f"The subscription has {facts[COSMOS_ACCOUNTS]} Azure Cosmos DB accounts, and the default limit is "
            f"{_DEFAULT_ACCOUNTS}. Azure shows no limit, so whether there is room is unknown.",
            "Check the limit with Azure support, or write workspace.encryption: service-side.",
            "workspace.encryption",
        )


@rule(CMK168, severity=Severity.ERROR, needs=(COSMOS_REGION,))
def cosmos_region_allowed(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require access to Azure Cosmos DB in the region, where Azure states that there is none."""
    properties = (facts[COSMOS_REGION] or {}).get("properties") or {}
    if properties.get("isSubscriptionRegionAccessAllowedForRegular") is False:
        yield Finding(
            f"Azure Cosmos DB reports that this subscription has no access to {profile.location}.",
            "Request region access in the portal (Quotas, Azure Cosmos DB), write another location, or workspace.encryption: "
            "service-side.",
            "location",
        )
