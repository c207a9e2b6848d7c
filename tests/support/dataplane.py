"""Call a vault of the sandbox with a token for Key Vault, and describe the shape of an answer."""

from typing import Any

import requests

from cmkctl.sandbox import CLIENT_OBJECT_ID
from cmkctl.sandbox.server import Running
from support.sandbox import Client

CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


class Vault:
    """One vault of a sandbox, called with a token for Key Vault."""

    def __init__(self, running: Running, name: str = "kv-one", suffix: str = "vault.azure.net") -> None:
        self.client = Client(running, f"{name}.{suffix}", f"https://{suffix}/.default")
        self.url = f"https://{name}.{suffix}"

    def __call__(self, method: str, path: str, body: Any = None, api: str = "7.4") -> requests.Response:
        """Send a request; `path` is below the vault, or a whole link."""
        return self.client(method, path if path.startswith("https://") else self.url + path, body, api)

    def without_token(self, method: str, path: str, api: str = "7.4") -> requests.Response:
        """Send a request with neither token nor body, as SDKs do first."""
        return self.client.session.request(method, f"{self.url}{path}?api-version={api}")


def open_vault(running: Running, *words: str, name: str = "kv-one", **properties: Any) -> Vault:
    """Add an access-policy vault in which the caller has these key permissions; by default all of them."""
    running.state.add_vault(name, **properties)
    running.state.add_access_policy(name, CLIENT_OBJECT_ID, words or ("all",))
    return Vault(running, name)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Return status, code and inner code."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("innererror", {}).get("code", "")


def version_of(answer: requests.Response) -> str:
    """Return the version in the identifier of the key that is answered."""
    return str(answer.json()["key"]["kid"].rsplit("/", 1)[-1])


def shape(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Return the dotted name and the type of every property; the items of an array are taken together."""
    if isinstance(value, list):
        return {(path, "list")}.union(*(shape(item, f"{path}[]") for item in value))
    if isinstance(value, dict):
        return set().union(*(shape(inner, f"{path}.{name}".strip(".")) for name, inner in value.items()))
    return {(path, type(value).__name__)}
