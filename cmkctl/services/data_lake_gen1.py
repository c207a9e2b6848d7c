"""Azure Data Lake Storage Gen1, retired on 29 February 2024. An account that Azure still shows is reported as retired.

Data Lake Storage Gen2 is a storage account.
"""

from __future__ import annotations

from typing import Final

from cmkctl.posture import PINNED, Posture, Rules, Verdict
from cmkctl.services.base import Documents, OwnIdentity, Service, Verb

_SHOWN: Final = ("encryptionState", "encryptionConfig")


class DataLakeGen1Accounts(Service):
    """``PUT …/accounts/NAME`` had ``properties.encryptionConfig``, for a new account alone."""

    name = "data_lake_gen1_accounts"
    title = "Data Lake Storage Gen1 account"
    resource_type = "Microsoft.DataLakeStore/accounts"
    host_suffixes = ("azuredatalakestore.net",)
    api_version = "2016-11-01"
    verb = Verb.CREATION
    reader = OwnIdentity()
    follows = PINNED
    revoked = "the service was retired on 29 February 2024"
    doc = "https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-migrate-gen1-to-gen2"
    rules = Rules(("DP-5",), by_analogy=True)

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the account."""
        host = documents.text("resource", "properties.endpoint").lower()
        return (host,) if host else ()

    def posture(self, documents: Documents) -> Posture:
        """Return that the service is retired, with the encryption as Azure shows it."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown = tuple(documents.evidence("resource", f"properties.{each}") for each in _SHOWN)
        reason = "Data Lake Storage Gen1 was retired on 29 February 2024; move the data to Data Lake Storage Gen2"
        return Posture(Verdict.RETIRED, reason, shown)


SERVICE: Final = DataLakeGen1Accounts()
