"""The service principal of Azure Cosmos DB, which registering its namespace adds to the tenant."""

from cmkctl.sandbox.core.constants import (
    COSMOS_DB_APP_ID,
    COSMOS_DB_GOVERNMENT_APP_ID,
    COSMOS_DB_GOVERNMENT_OBJECT_ID,
    COSMOS_DB_OBJECT_ID,
)
from cmkctl.sandbox.core.state import Tenant

PRINCIPALS = {"AzureUSGovernment": (COSMOS_DB_GOVERNMENT_APP_ID, COSMOS_DB_GOVERNMENT_OBJECT_ID)}
"""Application id and object id in the clouds that have their own; the other clouds share those of the public one."""


def add_principal(tenant: Tenant, cloud: str) -> None:
    """Create the service principal of Azure Cosmos DB, as the registration of the namespace does."""
    app_id, object_id = PRINCIPALS.get(cloud, (COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID))
    tenant.add_principal(object_id, app_id, "Azure Cosmos DB")


def principal_of(tenant: Tenant, cloud: str) -> str | None:
    """Return the object id of the service principal of Azure Cosmos DB; None where the tenant has none."""
    app_id, _ = PRINCIPALS.get(cloud, (COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID))
    found = (object_id for object_id, row in tenant.table("principals").items() if row["appId"] == app_id)
    return next(found, None)
