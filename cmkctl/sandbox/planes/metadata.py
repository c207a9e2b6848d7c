"""``/metadata/endpoints``: the endpoints of a cloud, without authentication. Terraform and ``az cloud register`` begin with it.

The public cloud's document is the one recorded in the tests of hashicorp/go-azure-sdk. Those of the other two hold what
is published about them: the same tests' document of all clouds (2019-05-01), and that SDK's own tables of the two.
"""

from typing import Any

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.clouds import CHINA, GOVERNMENT, PUBLIC, Cloud
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes.tokens import version_unsupported

Json = dict[str, Any]
PATH = "/metadata/endpoints"
TYPE = "Microsoft.Resources/metadata/endpoints"
VERSIONS = ("2022-09-01",)
ALIASES = (
    "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json"
)

PUBLIC_ONLY: Json = {
    "portal": "https://portal.azure.com",
    "media": "https://rest.media.azure.net",
    "graphAudience": "https://graph.windows.net/",
    "graph": "https://graph.windows.net/",
    "suffixes": {
        "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
        "sqlServerHostname": "database.windows.net",
        "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        "azureFrontDoorEndpointSuffix": "azurefd.net",
        "storageSyncEndpointSuffix": "afs.azure.net",
        "mhsmDns": "managedhsm.azure.net",
        "mysqlServerEndpoint": "mysql.database.azure.com",
        "postgresqlServerEndpoint": "postgres.database.azure.com",
        "mariadbServerEndpoint": "mariadb.database.azure.com",
        "synapseAnalytics": "dev.azuresynapse.net",
        "attestationEndpoint": "attest.azure.net",
    },
    "batch": "https://batch.core.windows.net/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "appInsightsResourceId": "https://api.applicationinsights.io",
    "appInsightsTelemetryChannelResourceId": "https://dc.applicationinsights.azure.com/v2/track",
    "attestationResourceId": "https://attest.azure.net",
    "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
    "logAnalyticsResourceId": "https://api.loganalytics.io",
    "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
}
GOVERNMENT_ONLY: Json = {
    "portal": "https://portal.azure.us",
    "media": "https://rest.media.usgovcloudapi.net",
    "graphAudience": "https://graph.windows.net",
    "graph": "https://graph.windows.net",
    "suffixes": {
        "sqlServerHostname": "database.usgovcloudapi.net",
        "azureFrontDoorEndpointSuffix": "",
        "mhsmDns": "managedhsm.usgovcloudapi.net",
        "mysqlServerEndpoint": "mysql.database.usgovcloudapi.net",
        "postgresqlServerEndpoint": "postgres.database.usgovcloudapi.net",
        "mariadbServerEndpoint": "mariadb.database.usgovcloudapi.net",
        "synapseAnalytics": "dev.azuresynapse.usgovcloudapi.net",
    },
    "batch": "https://batch.core.usgovcloudapi.net",
    "sqlManagement": "https://management.core.usgovcloudapi.net:8443",
    "synapseAnalyticsResourceId": "https://dev.azuresynapse.usgovcloudapi.net",
    "logAnalyticsResourceId": "https://api.loganalytics.us",
    "ossrDbmsResourceId": "https://ossrdbms-aad.database.usgovcloudapi.net",
}
CHINA_ONLY: Json = {
    "portal": "https://portal.azure.cn",
    "media": "https://rest.media.chinacloudapi.cn",
    "graphAudience": "https://graph.chinacloudapi.cn",
    "graph": "https://graph.chinacloudapi.cn",
    "suffixes": {
        "sqlServerHostname": "database.chinacloudapi.cn",
        "azureFrontDoorEndpointSuffix": "",
        "mhsmDns": "managedhsm.azure.cn",
        "mysqlServerEndpoint": "mysql.database.chinacloudapi.cn",
        "postgresqlServerEndpoint": "postgres.database.chinacloudapi.cn",
        "mariadbServerEndpoint": "mariadb.database.chinacloudapi.cn",
        "synapseAnalytics": "dev.azuresynapse.azure.cn",
    },
    "batch": "https://batch.chinacloudapi.cn",
    "sqlManagement": "https://management.core.chinacloudapi.cn:8443",
    "synapseAnalyticsResourceId": "https://dev.azuresynapse.azure.cn",
    "logAnalyticsResourceId": "https://api.loganalytics.azure.cn",
    "ossrDbmsResourceId": "https://ossrdbms-aad.database.chinacloudapi.cn",
}
ONLY = {PUBLIC: PUBLIC_ONLY, GOVERNMENT: GOVERNMENT_ONLY, CHINA: CHINA_ONLY}


def endpoints(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the endpoints of the cloud of the request: 200, with a token or without.

    Raises:
        AzureError: 400 for a missing api-version, or one that is not modelled.

    """
    if not call.api_version:
        raise errors.api_version_missing()
    if call.api_version not in VERSIONS:
        raise version_unsupported(TYPE, call.api_version, VERSIONS)
    return Reply(200, document(call.cloud))


def document(cloud: Cloud) -> Json:
    """Return a cloud's document: the hosts the sandbox answers for, and what else is known of the cloud."""
    only = ONLY[cloud]
    end = "/" if cloud is PUBLIC else ""  # the public cloud's addresses end in a slash, the others' do not
    audiences = [f"{audience}{end}" for audience in reversed(cloud.arm_audiences)]
    return {
        **only,
        "name": cloud.name,
        "authentication": {
            "loginEndpoint": f"https://{cloud.login}",
            "audiences": audiences,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            **only["suffixes"],
            "acrLoginServer": cloud.registry_suffix,
            "keyVaultDns": cloud.vault_suffix,
            "storage": cloud.storage_suffix,
        },
        "resourceManager": f"https://{cloud.arm}{end}",
        "microsoftGraphResourceId": f"https://{cloud.graph}{end}",
        "vmImageAliasDoc": ALIASES,
    }
