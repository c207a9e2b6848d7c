"""A plain HTTP client for the sandbox, and the bodies the tests send."""

from typing import Any

import requests

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.server import Running

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
VERSIONS = {
    "resourcegroups": "2021-04-01",
    "microsoft.keyvault": "2024-11-01",
    "microsoft.storage": "2023-05-01",
    "microsoft.authorization": "2022-04-01",
    "microsoft.machinelearningservices": "2025-06-01",
    "microsoft.managedidentity": "2023-01-31",
    "microsoft.operationalinsights": "2022-10-01",
    "microsoft.insights": "2020-02-02",
    "microsoft.containerregistry": "2023-07-01",
}


class Client:
    """Sends requests through the proxy with a token for ARM; paths may leave the subscription out."""

    def __init__(
        self,
        running: Running,
        host: str = "management.azure.com",
        scope: str = "",
        client_id: str = CLIENT_ID,
        secret: str = CLIENT_SECRET,
    ) -> None:
        self.running = running
        self.host = host
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies = {"https": running.proxy}
        self.session.verify = str(running.ca)
        self.client_id = client_id
        self.token = self.fetch_token(scope or f"https://{host}/.default", secret=secret)

    def fetch_token(self, scope: str, login: str = "login.microsoftonline.com", secret: str = CLIENT_SECRET) -> str:
        """Log in as the sandbox's service principal, or as another one that was added to it."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": secret,
            "scope": scope,
        }
        answer = self.session.post(f"https://{login}/{TENANT_ID}/oauth2/v2.0/token", data=form)
        return str(answer.json()["access_token"])

    def __call__(self, method: str, path: str, body: Any = None, api: str | None = None) -> requests.Response:
        """Send a request and return the answer."""
        if path.startswith("https://"):
            url = path
        else:
            whole = path if path.startswith(("/subscriptions", "/v1.0", "/tenants")) else SUBSCRIPTION + path
            url = f"https://{self.host}{whole}"
        if api != "" and "api-version=" not in url and "/v1.0" not in url:
            url += ("&" if "?" in url else "?") + f"api-version={api or version_for(url)}"
        return self.session.request(method, url, json=body, headers={"Authorization": f"Bearer {self.token}"})


def version_for(url: str) -> str:
    """Return the api-version the tests use for a URL."""
    found = [version for namespace, version in VERSIONS.items() if f"/providers/{namespace}" in url.lower()]
    return found[-1] if found and not url.lower().endswith("register") else VERSIONS["resourcegroups"]


VAULT_BODY: dict[str, Any] = {
    "location": "eastus2",
    "properties": {
        "tenantId": TENANT_ID,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
        "enablePurgeProtection": True,
        "softDeleteRetentionInDays": 90,
        "enableRbacAuthorization": False,
    },
}


def vault_path(name: str = "kv-one", group: str = "rg") -> str:
    """Return the id of a vault."""
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"


def vault_body(**properties: Any) -> dict[str, Any]:
    """Return the body of a vault PUT; None leaves a property out."""
    kept = {**VAULT_BODY["properties"], **properties}
    return {**VAULT_BODY, "properties": {name: value for name, value in kept.items() if value is not None}}


def code(answer: requests.Response) -> tuple[int, str]:
    """Return status and error code."""
    return answer.status_code, answer.json()["error"]["code"]
