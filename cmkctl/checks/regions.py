"""Rules about regions: that of the vault (failures.md, P10), and those that offer what the profile needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location, same_word
from cmkctl.azure.ids import provider_id
from cmkctl.checks.observed import KEY_VAULT
from cmkctl.checks.wanted import (
    MANAGED_TYPES,
    STORAGE_ACCOUNTS,
    managed_in_subscription,
    new_resources,
    require_registered,
)
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Fact, Facts, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

CMK102: Final = Code(
    "CMK102",
    "The vault and the workspace are in different regions",
    "Microsoft's template page and quickstart require vault and workspace in the same region; its set-up page requires only the same subscription. Which of them holds is unknown, so this is a warning.",
    "Prefer a vault in the workspace's region.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys",
)


@rule(CMK102, severity=Severity.WARNING, needs=(KEY_VAULT,))
def vault_in_the_same_region(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Prefer an existing vault in the profile's location."""
    location = (facts[KEY_VAULT].vault or {}).get("location")
    if location and not same_location(location, profile.location):
        yield Finding(
            f"The vault is in {location}, location is {profile.location}. Microsoft's pages disagree on whether Azure "
            "Machine Learning accepts that.",
            f"Prefer a vault in {profile.location}.",
            "key_vault",
        )


CMK163: Final = Code(
    "CMK163",
    "The region does not offer a resource type",
    "Each resource provider lists the regions of its resource types. Azure refuses a resource in any other region, some of them only after vault and key exist.",
    "Use another location, or give a resource that exists elsewhere by its id.",
    "https://azure.microsoft.com/explore/global-infrastructure/products-by-region/",
)
CMK164: Final = Code(
    "CMK164",
    "The region does not offer the replication of the storage account",
    "Zone-redundant replication needs a region with availability zones; and Azure may restrict a tier for a subscription.",
    "Use another sku, or another location.",
    "https://learn.microsoft.com/azure/storage/common/storage-redundancy",
)


def _regions(azure: Snapshot, profile: Profile) -> Mapping[str, list[str]]:
    """Read the regions of every type that the plan needs, by type; a type without a list is left out."""
    types = [each.type for each in new_resources(azure, profile)]
    if managed_in_subscription(azure, profile):
        types += MANAGED_TYPES
    namespaces = list(dict.fromkeys(each.partition("/")[0] for each in types))
    providers = dict(
        zip(namespaces, azure.gather(*(partial(azure.provider, each) for each in namespaces)), strict=True)
    )
    found = {each: _locations(providers[each.partition("/")[0]] or {}, each) for each in dict.fromkeys(types)}
    return {each: locations for each, locations in found.items() if locations}


def _locations(provider: Mapping[str, Any], resource_type: str) -> list[str]:
    wanted = resource_type.partition("/")[2]
    rows = (each for each in provider.get("resourceTypes") or () if same_word(each["resourceType"], wanted))
    return next((list(each.get("locations") or ()) for each in rows), [])


def _storage_skus(azure: Snapshot, profile: Profile) -> list[Mapping[str, Any]] | None:
    """Read the rows for the replication of a new storage account; None where it is the one that every region has."""
    from cmkctl.azure import decoding  # noqa: PLC0415 - rules load without the Azure SDK

    sku = profile.associated_resources.storage_account.sku
    new = any(each.type == STORAGE_ACCOUNTS for each in new_resources(azure, profile))
    if not new or sku == _EVERYWHERE:
        return None
    require_registered(azure, "Microsoft.Storage")
    path = f"{provider_id(profile.subscription, 'Microsoft.Storage')}/skus"
    rows = (azure.listing(path, versions.STORAGE, decoding.Skus) or {}).get("value", ())
    return [each for each in rows if same_word(each["name"], sku) and same_word(each.get("kind"), "StorageV2")]


_EVERYWHERE: Final = "Standard_LRS"

REGIONS: Final = Fact("regions_of_resource_types", _regions)
"""The regions of every type that the plan needs, by type."""

STORAGE_SKUS: Final = Fact("replications_of_storage_accounts", _storage_skus)
"""The rows of the wanted replication, one per region; None when the plan needs no account, or one that every region has."""


@rule(CMK163, severity=Severity.ERROR, needs=(REGIONS,))
def types_are_offered(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the region offers each type that the plan needs."""
    for resource_type, locations in facts[REGIONS].items():
        if not any(same_location(each, profile.location) for each in locations):
            yield Finding(
                f"{profile.location} is not among the {len(locations)} regions of {resource_type}, which the plan needs.",
                f"Write another location, one that the type has: {_named(locations)}.",
                "location",
            )


@rule(CMK164, severity=Severity.ERROR, needs=(STORAGE_SKUS,))
def replication_is_offered(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the region offers the replication of a new storage account, to this subscription."""
    rows, sku = facts[STORAGE_SKUS], profile.associated_resources.storage_account.sku
    if not rows:
        return
    here = [each for each in rows if any(same_location(one, profile.location) for one in each.get("locations") or ())]
    reasons = [each.get("reasonCode", "restricted") for row in here for each in row.get("restrictions") or ()]
    if not here or reasons:
        state = (
            f"restricted in {profile.location} ({', '.join(reasons)})" if here else f"not offered in {profile.location}"
        )
        yield Finding(
            f"{sku} is {state}.",
            f"Write associated_resources.storage_account.sku: {_EVERYWHERE}, or another location.",
            "associated_resources.storage_account.sku",
        )


def _named(locations: list[str], most: int = 5) -> str:
    return ", ".join(locations[:most]) + (" and others" if len(locations) > most else "")
