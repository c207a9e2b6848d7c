"""Microsoft.Search: can be registered; search services exist in managed resource groups only."""

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.provider import Provider

PROVIDER = Provider(
    namespace="Microsoft.Search",
    coverage=(Area("Azure Cosmos DB, Azure AI Search", not_modelled=("accounts and services that a caller creates",)),),
    more_types=("searchServices",),
)
