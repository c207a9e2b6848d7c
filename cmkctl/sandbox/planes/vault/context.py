"""The context of a request to a vault: what every handler of the data plane gets."""

from collections.abc import Callable
from dataclasses import dataclass

from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults

VERSIONS = (
    "2015-06-01", "2016-10-01", "7.0", "7.1-preview", "7.1", "7.2-preview", "7.2", "7.3-preview", "7.3",
    "7.4-preview.1", "7.4", "7.5-preview.1", "7.5", "7.6-preview.1", "7.6-preview.2", "7.6", "2025-06-01-preview",
    "2025-07-01",
)  # fmt: skip
"""The api-versions of the data plane, oldest first: those in the recordings and in Microsoft's SDKs."""


@dataclass(frozen=True)
class Caller:
    """The caller, from the token's claims."""

    object_id: str
    app_id: str
    directory: str

    def __str__(self) -> str:
        return f"appid={self.app_id};oid={self.object_id};iss=https://sts.windows.net/{self.directory}/"


@dataclass(frozen=True)
class Context:
    """A request whose token is valid and which the vault's network rules admit."""

    tenant: Tenant
    call: Call
    vault: Json
    caller: Caller

    @property
    def id(self) -> str:
        """The vault's resource id."""
        return str(self.vault["doc"]["id"])

    @property
    def properties(self) -> Json:
        """The vault's properties."""
        properties: Json = self.vault["doc"]["properties"]
        return properties

    @property
    def uri(self) -> str:
        """The vault's address as it was called, with its trailing slash."""
        return vaults.vault_uri(self.vault["doc"]["name"], self.call)

    @property
    def place(self) -> str:
        """The vault as error messages name it."""
        return place(self.vault)

    @property
    def name(self) -> str:
        """The key's name in the path."""
        return self.call["name"]

    @property
    def version(self) -> str:
        """The key's version in the path; empty for the newest."""
        return self.call.params.get("version", "")

    def since(self, version: str) -> bool:
        """Return whether the api-version called is `version` or younger."""
        return VERSIONS.index(self.call.api_version) >= VERSIONS.index(version)


Handler = Callable[[Context], Reply]
"""Serves one request of the data plane. Raises `VaultError` to refuse."""


def place(vault: Json) -> str:
    """Return a vault as error messages name it."""
    document = vault["doc"]
    return f"{document['name']};location={document['location']}"
