"""Microsoft.DocumentDB: no accounts of its own; registering it brings the service principal of Azure Cosmos DB."""

from cmkctl.sandbox.core.constants import (
    COSMOS_DB_APP_ID,
    COSMOS_DB_GOVERNMENT_APP_ID,
    COSMOS_DB_GOVERNMENT_OBJECT_ID,
    COSMOS_DB_OBJECT_ID,
)
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.state import Tenant

PRINCIPALS = {"AzureUSGovernment": (COSMOS_DB_GOVERNMENT_APP_ID, COSMOS_DB_GOVERNMENT_OBJECT_ID)}
"""Application id and object id in the clouds that have their own; the other clouds share those of the public one."""


def add_principal(tenant: Tenant, cloud: str) -> None:
    """Create the service principal of Azure Cosmos DB, as the registration of the namespace does."""
    app_id, object_id = PRINCIPALS.get(cloud, (COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID))
    tenant.add_principal(object_id, app_id, "Azure Cosmos DB")


PROVIDER = Provider(
    namespace="Microsoft.DocumentDB",
    coverage=(Area("Azure Cosmos DB, Azure AI Search", not_modelled=("accounts and services that a caller creates",)),),
    more_types=("databaseAccounts",),
    on_registered=add_principal,
)
