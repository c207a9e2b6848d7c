"""Azure Database for MySQL, single servers: retired. A server that Azure still shows is reported as such."""

from __future__ import annotations

from typing import Final

from cmkctl.posture import Check, Rules
from cmkctl.services.single_server import SingleServers


class MysqlSingleServers(SingleServers):
    """The predecessor of the flexible servers."""

    name = "mysql_single_servers"
    title = "MySQL single server"
    resource_type = "Microsoft.DBforMySQL/servers"
    retired = "16 September 2024"
    revoked = f"the service was retired on {retired}"
    doc = "https://learn.microsoft.com/azure/mysql/migrate/whats-happening-to-mysql-single-server"
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "83cef61d-dbd1-4b20-a4fc-5fbc7da10833"),
            Check("Checkov", "CKV2_AZURE_16"),
            Check("Steampipe", "azure_compliance.control.mysql_server_encrypted_at_rest_using_cmk"),
        ),
    )


SERVICE: Final = MysqlSingleServers()
