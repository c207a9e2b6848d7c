"""Azure Database for PostgreSQL, single servers: retired. A server that Azure still shows is reported as such."""

from __future__ import annotations

from typing import Final

from cmkctl.posture import Check, Rules
from cmkctl.services.single_server import SingleServers


class PostgresqlSingleServers(SingleServers):
    """The predecessor of the flexible servers."""

    name = "postgresql_single_servers"
    title = "PostgreSQL single server"
    resource_type = "Microsoft.DBforPostgreSQL/servers"
    retired = "28 March 2025"
    revoked = f"the service was retired on {retired}"
    doc = "https://learn.microsoft.com/azure/postgresql/migrate/whats-happening-to-postgresql-single-server"
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "18adea5e-f416-4d0f-8aa8-d24321e3e274"),
            Check("Checkov", "CKV2_AZURE_17"),
            Check("Steampipe", "azure_compliance.control.postgres_sql_server_encrypted_at_rest_using_cmk"),
            Check("CloudSploit", "postgresqlCMKEncrypted"),
        ),
    )


SERVICE: Final = PostgresqlSingleServers()
