"""Microsoft.DocumentDB: regions, and accounts; registering it adds the principal of Azure Cosmos DB."""

from cmkctl.sandbox.core import key_loss
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_documentdb import accounts, regions
from cmkctl.sandbox.providers.microsoft_documentdb.principal import add_principal
from cmkctl.sandbox.providers.microsoft_documentdb.regions import allowed

__all__ = ["PROVIDER", "allowed"]

PROVIDER = Provider(
    namespace="Microsoft.DocumentDB",
    coverage=(
        Area(
            "Azure Cosmos DB, Azure AI Search",
            supported=(
                "regions of Azure Cosmos DB with the subscription's access, and the list of accounts",
                "accounts of managed resource groups, with `customerManagedKeyStatus` in the published words",
                "`keyVaultKeyUriVersion` of these accounts, which follows a rotation of the workspace later",
                "accounts: PUT and PATCH (200 and an operation), GET, list, DELETE (202)",
                "`keyVaultKeyUri` is without a version, checked with the identity of `defaultIdentity`, and never taken away",
                "an account whose key is out of reach takes a change of its default identity alone, and its deletion",
                "an update with a new identity and `defaultIdentity` leaves the latter as it was, without an error",
            ),
            differs=(
                "`customerManagedKeyStatus` changes exactly one hour after the key is lost",
                "an account of a caller uses a new version of its key at once",
                "rows of Resource Graph have neither `customerManagedKeyStatus` nor `keyVaultKeyUriVersion`",
            ),
            not_modelled=(
                "services that a caller creates; databases, data, keys and failovers of an account, a change of its regions",
            ),
            guesses=(
                "a region without access is refused with the words for missing capacity",
                "`keyVaultKeyUriVersion` is the version alone; no recording shows the property",
                "the status of an account whose key is disabled; the values for other reasons are published",
                "an update is answered as a creation is (recording 70 has no update)",
            ),
        ),
    ),
    routes=(*regions.ROUTES, *accounts.ROUTES),
    durations=(
        Duration(key_loss.RETURN, 3600, "documentation: wait one hour for the account to recover (troubleshoot-cmk)"),
        Duration("cosmos.create", 120, "recording 70: four polls"),
        Duration("cosmos.update", 60, "guess: no figure published"),
        Duration("cosmos.delete", 60, "guess: no figure published"),
    ),
    tables={"closed_cosmos_regions": dict},
    arrange=(regions.close_cosmos_region, accounts.add_cosmos_account),
    on_registered=add_principal,
    key_readers={accounts.ACCOUNT.type.lower(): accounts.why_out_of_reach},
)
