"""The fixed identities of a sandbox tenant: recognisable at a glance, and never those of a real one.

Every GUID begins with ``c0ffee``, so that a log line, a profile or a shell variable that carries one gives itself away.
"""

TENANT_ID = "c0ffee00-0000-4000-8000-00000000007e"
"""The Entra tenant (directory) of the sandbox."""

SUBSCRIPTION_ID = "c0ffee00-0000-4000-8000-000000000001"
"""The only subscription a new sandbox has."""

CLIENT_ID = "c0ffee00-0000-4000-8000-00000000c11e"
"""Application id of the service principal the sandbox's environment variables log in as."""

CLIENT_OBJECT_ID = "c0ffee00-0000-4000-8000-000000000b1d"
"""Object id of that service principal: what its tokens carry as ``oid``."""

CLIENT_SECRET = "not-a-secret-cmkctl-sandbox"  # noqa: S105  it opens nothing but a process on this machine
"""The secret of that service principal. It is printed and documented: it protects nothing."""

COSMOS_DB_APP_ID = "a232010e-820c-4083-83bb-3ace5fc29d0b"
"""Application id of Azure Cosmos DB in every cloud but Azure Government (learn.microsoft.com, set up CMK)."""

COSMOS_DB_OBJECT_ID = "c0ffee00-0000-4000-8000-0000c05b05db"
"""Object id of Azure Cosmos DB in the sandbox's tenant. It differs from the application id, as in every tenant."""

COSMOS_DB_GOVERNMENT_APP_ID = "57506a73-e302-42a9-b869-6f12d9ec29e9"
"""Application id of Azure Cosmos DB in Azure Government."""

COSMOS_DB_GOVERNMENT_OBJECT_ID = "c0ffee00-0000-4000-8000-0000c05b056f"
"""Object id of Azure Cosmos DB for Government in the sandbox's tenant."""

MACHINE_LEARNING_APP_ID = "0736f41a-0425-4b46-bdb5-1563eff02385"
"""Application id of Azure Machine Learning."""

SCHEMA = 1
"""Version of the state file. A file with a higher one is refused, and never overwritten."""

BANNER_HEADER = "x-cmkctl-sandbox"
"""Every answer of the sandbox carries this header; no answer of Azure does."""
