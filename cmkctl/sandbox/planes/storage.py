"""The data plane of storage accounts, as far as azurerm reads it: the properties of each service, as XML.

Version 4 of azurerm waits after it has created an account until blobs, queues and files answer, and reads their properties
in every refresh (``storage_account_resource.go``: ``waitForDataPlaneToBecomeAvailableForAccount``).
"""

from cmkctl.sandbox.core import clouds, errors, key_loss
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "storage accounts",
    supported=(
        "data plane: the service properties of blobs, queues and files (azurerm waits for them), read only",
        "data plane: 403 one hour after the customer-managed key is lost",
    ),
    guesses=("without its key, an account answers with `KeyVaultEncryptionKeyNotFound`, whatever the reason",),
    differs=("the signature of a request to the data plane is not checked; without one it is refused",),
)
XML = "application/xml"
_WITHOUT_KEY = (
    "<Error><Code>KeyVaultEncryptionKeyNotFound</Code>"
    "<Message>[sandbox] The key vault key cannot be used to unwrap the encryption key.</Message></Error>"
)
_RETENTION = "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>"
_METRICS = f"<Version>1.0</Version><Enabled>false</Enabled>{_RETENTION}"
_LOGGING = f"<Version>1.0</Version><Read>false</Read><Write>false</Write><Delete>false</Delete>{_RETENTION}"
_COMMON = f"<HourMetrics>{_METRICS}</HourMetrics><MinuteMetrics>{_METRICS}</MinuteMetrics><Cors />"
_OFF = "<Enabled>false</Enabled>"
_WEBSITE = f"<DeleteRetentionPolicy>{_OFF}</DeleteRetentionPolicy><StaticWebsite>{_OFF}</StaticWebsite>"
PROPERTIES = {
    "blob": f"<Logging>{_LOGGING}</Logging>{_COMMON}{_WEBSITE}",
    "queue": f"<Logging>{_LOGGING}</Logging>{_COMMON}",
    "file": _COMMON,
}
"""The properties of each service of a new account (the references *Get Blob/Queue/File Service Properties*)."""


def serve(tenant: Tenant, call: Call) -> Reply:
    """Answer one request.

    Raises:
        AzureError: `SandboxNotModelled` for everything but the properties of a service.

    """
    account, service = clouds.storage_host(call.host)
    record = _find(tenant, account)
    if record is None:
        raise errors.not_modelled(f"the host {call.host}: there is no storage account '{account}'")
    operation = (call.method, call.query.get("restype"), call.query.get("comp"))
    if operation != ("GET", "service", "properties") or service not in PROPERTIES:
        raise errors.not_modelled(f"{call.method} {call.path} of the data plane of storage")
    if not call.headers.get("authorization"):
        return _document(
            403, "<Error><Code>AuthenticationFailed</Code><Message>[sandbox] No signature.</Message></Error>"
        )
    if key_loss.lost(tenant, call.cloud, record):
        return _document(403, _WITHOUT_KEY)
    return _document(200, f"<StorageServiceProperties>{PROPERTIES[service]}</StorageServiceProperties>")


def _find(tenant: Tenant, account: str) -> Json | None:
    end = f"/providers/microsoft.storage/storageaccounts/{account}"
    return next((row for key, row in tenant.table("resources").items() if key.endswith(end)), None)


def _document(status: int, text: str) -> Reply:
    return Reply(status, f'<?xml version="1.0" encoding="utf-8"?>{text}', content_type=XML)
