"""Azure Database for MySQL, flexible servers: the key is set at any time, with a version, and no new version is followed."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from cmkctl.posture import PINNED, Check, Follows, Rules
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    KeyReference,
    OwnIdentity,
    UserIdentitySettings,
    Verb,
    Want,
    not_accepted,
)
from cmkctl.services.flexible_server import FlexibleServers

_DAYS: Final = 90
"""The only retention of deleted keys with which a vault is accepted."""
_SINGLE: Final = "looks at single servers alone, which have been retired"


class EncryptedMysqlServer(UserIdentitySettings):
    """A flexible server."""

    id: Annotated[str, field_types.ArmId("Microsoft.DBforMySQL/flexibleServers")] = Field(
        description="The ARM id of the server.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.DBforMySQL"
                "/flexibleServers/mysql-data"
            )
        ],
    )


class MysqlServers(FlexibleServers[EncryptedMysqlServer]):
    """``PATCH …/flexibleServers/NAME`` with ``properties.dataEncryption``."""

    name = "mysql_servers"
    title = "MySQL server"
    resource_type = "Microsoft.DBforMySQL/flexibleServers"
    host_suffixes = ("mysql.database.azure.com", "mysql.database.usgovcloudapi.net", "mysql.database.chinacloudapi.cn")
    api_version = "2023-12-30"
    verb = Verb.PATCH
    # No server has an identity of its own: the answer has zeros for its principal (recording 54).
    reader = OwnIdentity(both="UserAssigned", permissions=("get", "list", "wrapKey", "unwrapKey"))
    follows = PINNED
    revoked = (
        "connections are denied within 10 minutes, and the server becomes inaccessible; once the key is back, the server has to "
        "validate it again"
    )
    doc = "https://learn.microsoft.com/azure/mysql/flexible-server/security-customer-managed-key"
    rules = Rules(
        ("DP-5",),
        (
            Check("CloudSploit", "mysqlFlexibleServerCMKEncrypted"),
            Check("Azure Policy", "83cef61d-dbd1-4b20-a4fc-5fbc7da10833", _SINGLE),
            Check("Checkov", "CKV2_AZURE_16", _SINGLE),
            Check("Steampipe", "azure_compliance.control.mysql_server_encrypted_at_rest_using_cmk", _SINGLE),
        ),
        by_analogy=True,
    )
    settings = EncryptedMysqlServer
    tls = "tls_version"
    tls_rules = Rules(
        ("DP-3",),
        (
            Check("Prowler", "mysql_flexible_server_ssl_connection_enabled"),
            Check(
                "Prowler",
                "mysql_flexible_server_minimum_tls_version_12",
                "looks for TLSv1.0, which MySQL spells TLSv1, and so passes a server that takes TLS 1.0",
            ),
            Check("Steampipe", "azure_compliance.control.mysql_flexible_server_ssl_enabled"),
            Check(
                "Steampipe",
                "azure_compliance.control.mysql_flexible_server_min_tls_1_2",
                "takes TLSv1.2,TLSv1.3 alone, and rejects each of the two by itself",
            ),
            Check("CloudSploit", "mysqlFlexibleServersMinTls"),
            Check("Azure Policy", "e802a67a-daf5-4436-9ea6-f6d821dd0c5d", _SINGLE),
            Check("PSRule", "AZR-000131", _SINGLE),
            Check("PSRule", "AZR-000132", _SINGLE),
            Check("Checkov", "CKV_AZURE_28", _SINGLE),
            Check("Checkov", "CKV_AZURE_54", _SINGLE),
        ),
        by_analogy=True,
    )

    def follows_key(self, version: str) -> Follows | None:
        """Return that a version is kept; what a server does with a key without one is documented nowhere."""
        return PINNED if version else None

    def want(self, settings: EncryptedMysqlServer, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of this version of the key. A key is replaced, and never taken away."""
        wanted = self.write(settings, documents, key.identifier)
        if not wanted:
            return ()
        if key.expires:
            return not_accepted(
                f"MySQL servers take keys without a date of expiry, and {key.name} has one",
                "use a key without key.expires: another key.name",
            )
        if key.retention_days not in (None, _DAYS):
            return not_accepted(
                f"MySQL servers take keys of vaults that keep deleted keys for {_DAYS} days, and {key.vault_name} keeps them for "
                f"{key.retention_days}",
                f"use a vault with key_vault.soft_delete_days: {_DAYS}",
            )
        return wanted


SERVICE: Final = MysqlServers()
