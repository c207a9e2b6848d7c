"""Azure Database for PostgreSQL, flexible servers: whose key encrypts a server is decided when it is created.

A server that has a key of the customer's takes another one, and another reader.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.posture import PINNED, Check, Follow, Follows, Rules
from cmkctl.profile import field_types
from cmkctl.services.base import Documents, KeyReference, UserIdentitySettings, Verb, Want, only_at_creation
from cmkctl.services.flexible_server import FlexibleServers

_HOURS: Final = 0.5
"""The longest time until a server uses a new version of its key."""
_SINGLE: Final = "looks at single servers alone, which have been retired"


class EncryptedPostgresqlServer(UserIdentitySettings):
    """A flexible server that was created with a key of the customer's."""

    id: Annotated[str, field_types.ArmId("Microsoft.DBforPostgreSQL/flexibleServers")] = Field(
        description="The ARM id of the server.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.DBforPostgreSQL"
                "/flexibleServers/psql-data"
            )
        ],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the server uses a new version of the key by itself. fixed: it keeps the version that was the latest when "
            "cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class PostgresqlServers(FlexibleServers[EncryptedPostgresqlServer]):
    """``PATCH …/flexibleServers/NAME`` with ``properties.dataEncryption``, for a server that has a key."""

    name = "postgresql_servers"
    title = "PostgreSQL server"
    resource_type = "Microsoft.DBforPostgreSQL/flexibleServers"
    host_suffixes = (
        "postgres.database.azure.com",
        "postgres.database.usgovcloudapi.net",
        "postgres.database.chinacloudapi.cn",
    )
    api_version = "2025-08-01"
    verb = Verb.CREATION_THEN_PATCH
    follows = Follows(Follow.ON_REQUEST, _HOURS)
    revoked = "the server becomes inaccessible, until it can use the key again"
    doc = "https://learn.microsoft.com/azure/postgresql/security/security-data-encryption"
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "12c74c95-0efd-48da-b8d9-2a7d68470c92"),
            Check("Azure Policy", "18adea5e-f416-4d0f-8aa8-d24321e3e274", _SINGLE),
            Check("Checkov", "CKV2_AZURE_17", _SINGLE),
            Check("Steampipe", "azure_compliance.control.postgres_sql_server_encrypted_at_rest_using_cmk", _SINGLE),
            Check("CloudSploit", "postgresqlCMKEncrypted", _SINGLE),
        ),
    )
    settings = EncryptedPostgresqlServer
    tls = "ssl_min_protocol_version"
    tls_rules = Rules(
        ("DP-3",),
        (
            Check("Azure Policy", "c29c38cb-74a7-4505-9a06-e588ab86620a"),
            Check("Azure Policy", "a43d5475-c569-45ce-a268-28fa79f4e87a"),
            Check("Prowler", "postgresql_flexible_server_enforce_ssl_enabled"),
            Check("Steampipe", "azure_compliance.control.postgres_sql_flexible_server_ssl_enabled"),
            Check("CloudSploit", "enforcePostgresSSLConnection"),
            Check("CloudSploit", "postgresqlTlsVersion"),
            Check("PSRule", "AZR-000147", _SINGLE),
            Check("PSRule", "AZR-000148", _SINGLE),
            Check("Checkov", "CKV_AZURE_29", _SINGLE),
            Check("Checkov", "CKV_AZURE_147", _SINGLE),
            Check("Trivy", "AZU-0020", _SINGLE),
        ),
    )

    def follows_key(self, version: str) -> Follows:
        """Return that a server follows new versions unless its key identifier has one."""
        return PINNED if version else Follows(Follow.BY_ITSELF, _HOURS)

    def want(self, settings: EncryptedPostgresqlServer, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of another key, for a server that has one; the kind of key stays for ever."""
        if not self.has_key(documents):
            return only_at_creation(
                "it uses Microsoft's key, and Azure takes a customer's key only when a server is created",
                "create a server with the key: az postgres flexible-server create --key … --identity …",
                "restore a backup of it to a new server with the key: az postgres flexible-server restore --key … --identity …",
            )
        return self.write(settings, documents, key.versionless if settings.key_version == "latest" else key.identifier)


SERVICE: Final = PostgresqlServers()
