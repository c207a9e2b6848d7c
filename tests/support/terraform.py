"""What Terraform's azurerm provider sends, as its sources have it; the provider itself cannot be installed here.

Sources: hashicorp/go-azure-sdk (``sdk/internal/metadata``: discovery; ``sdk/client/resourcemanager``: the pollers) and
hashicorp/terraform-provider-azurerm (``internal/resourceproviders``, ``internal/services/keyvault``,
``internal/services/machinelearning``).
"""

import base64
import json
from typing import Any

import requests

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, TENANT_ID
from cmkctl.sandbox.server import Running

MOST_POLLS = 20
ENDED = {"Succeeded", "Failed", "Canceled", "Cancelled"}


class Terraform:
    """A client that knows a cloud by its discovery document, as the provider does."""

    def __init__(self, running: Running, host: str = "management.azure.com") -> None:
        """Discover the cloud behind `host`; nothing else is configured."""
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.proxies = {"https": running.proxy}
        self.http.verify = str(running.ca)
        answer = self.http.get(f"https://{host}/metadata/endpoints?api-version=2022-09-01")
        assert answer.status_code == 200, answer.text
        self.cloud: dict[str, Any] = answer.json()
        self.arm = self.cloud["resourceManager"].rstrip("/")
        self.token = self.log_in(f"{self.arm}/.default")

    def log_in(self, scope: str) -> str:
        """Return a token by v2.0 client credentials."""
        login = self.cloud["authentication"]["loginEndpoint"].rstrip("/")
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": scope,
        }
        answer = self.http.post(f"{login}/{TENANT_ID}/oauth2/v2.0/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def __call__(self, method: str, path: str, version: str, body: Any = None, **query: str) -> requests.Response:
        """Send a request to Azure Resource Manager."""
        headers = {"Authorization": f"Bearer {self.token}"}
        params = {"api-version": version, **query}
        return self.http.request(method, self.arm + path, params=params, json=body, headers=headers)

    def vault(self, method: str, url: str, body: Any = None) -> requests.Response:
        """Send a request to a vault, api-version 7.4: without a token first, then with one for what the 401 names."""
        params = {"api-version": "7.4"}
        bare = self.http.request(method, url, params=params)
        assert bare.status_code == 401, bare.text
        challenge = dict(
            part.split("=", 1) for part in bare.headers["WWW-Authenticate"].removeprefix("Bearer ").split(", ")
        )
        resource = challenge["resource"].strip('"')
        headers = {"Authorization": f"Bearer {self.log_in(f'{resource}/.default')}"}
        return self.http.request(method, url, params=params, json=body, headers=headers)

    def wait_for_state(self, path: str, version: str) -> list[str]:
        """Poll a resource's provisioningState to its end, and return what was seen."""
        seen: list[str] = []
        while len(seen) < MOST_POLLS and not ENDED & set(seen):
            answer = self("GET", path, version)
            assert answer.status_code == 200, answer.text
            seen.append(answer.json()["properties"]["provisioningState"])
        return seen

    def wait_for_write(self, accepted: requests.Response, path: str, version: str) -> None:
        """Poll a write to its end: by the operation's URL where there is one, else by the resource's provisioningState."""
        assert accepted.status_code in {200, 201, 202}, accepted.text
        if "Azure-AsyncOperation" in accepted.headers or accepted.status_code == 202:
            ended = self.wait_for_operation(accepted)
            assert ended[-1] == "Succeeded", ended
        elif (accepted.json().get("properties") or {}).get("provisioningState", "Succeeded") != "Succeeded":
            ended = self.wait_for_state(path, version)
            assert ended[-1] == "Succeeded", ended

    def wait_until_gone(self, path: str, version: str) -> None:
        """Read a resource until it is 404, as the provider does after a DELETE that is not an operation."""
        for _ in range(MOST_POLLS):
            if self("GET", path, version).status_code == 404:
                return
        raise AssertionError(f"{path} is still there")

    def wait_for_operation(self, accepted: requests.Response) -> list[str]:
        """Poll an operation's URL, verbatim, to its end, and return the statuses seen."""
        url = accepted.headers.get("Azure-AsyncOperation") or accepted.headers["Location"]
        assert url.startswith(self.arm + "/"), url
        seen: list[str] = []
        while len(seen) < MOST_POLLS and not ENDED & set(seen):
            answer = self.http.get(url, headers={"Authorization": f"Bearer {self.token}"})
            assert answer.status_code in {200, 202}, answer.text
            is_json = "application/json" in answer.headers.get("Content-Type", "").lower()
            status = answer.json().get("status") if is_json else None
            seen.append(status or ("InProgress" if answer.status_code == 202 else "Succeeded"))
        return seen


def claims(token: str) -> dict[str, Any]:
    """Return a token's claims, unchecked: the provider takes its own object id from them."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded
