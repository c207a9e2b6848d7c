"""Small templates, and a client that deploys them and waits."""

from collections.abc import Mapping
from typing import Any

import requests

from cmkctl.sandbox import TENANT_ID
from support.sandbox import SUBSCRIPTION, Client

API = "2022-09-01"
VAULT_TYPE = "Microsoft.KeyVault/vaults"
STORAGE_TYPE = "Microsoft.Storage/storageAccounts"
IDENTITY_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


def template(*resources: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a template of these resources, and of whatever else is given: parameters, variables, outputs."""
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return {"$schema": schema, "contentVersion": "1.0.0.0", "resources": list(resources), **parts}


def vault(name: str = "kv-one", **more: Any) -> dict[str, Any]:
    """Return a vault as a template has it; `more` is laid over it."""
    properties = {
        "tenantId": TENANT_ID,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
        "enablePurgeProtection": True,
    }
    base = {"type": VAULT_TYPE, "apiVersion": "2023-07-01", "name": name, "location": "[resourceGroup().location]"}
    return {**base, "properties": properties, **more}


def identity(name: str, **more: Any) -> dict[str, Any]:
    """Return a user-assigned identity as a template has it: the cheapest resource there is."""
    base = {"type": IDENTITY_TYPE, "apiVersion": "2023-01-31", "name": name, "location": "eastus2"}
    return {**base, **more}


def storage(name: str, **more: Any) -> dict[str, Any]:
    """Return a storage account as a template has it."""
    base = {"type": STORAGE_TYPE, "apiVersion": "2023-05-01", "name": name, "location": "eastus2"}
    return {**base, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", **more}


def nested(name: str, inner: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a nested deployment; `more` goes into the resource."""
    base = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name}
    return {**base, "properties": {"mode": "Incremental", "template": inner}, **more}


def path(name: str = "main", group: str = "rg") -> str:
    """Return the path of a deployment; without a group it is at subscription scope."""
    where = f"/resourcegroups/{group}" if group else ""
    return f"{SUBSCRIPTION}{where}/providers/Microsoft.Resources/deployments/{name}"


class Deployer:
    """Deploys templates into the group ``rg`` of a sandbox, and waits for their end."""

    def __init__(self, client: Client) -> None:
        self.arm = client
        client.running.state.add_resource_group("rg")

    def put(
        self, form: Mapping[str, Any], name: str = "main", group: str = "rg", **properties: Any
    ) -> requests.Response:
        """Send a deployment; `properties` such as ``parameters=`` go into its body."""
        inner = {"mode": "Incremental", "template": form, **properties}
        location = {} if group else {"location": "eastus2"}
        return self.arm("PUT", path(name, group), {**location, "properties": inner}, API)

    def statuses(self, put: requests.Response) -> list[dict[str, Any]]:
        """Poll a deployment to its end; return every answer."""
        answers: list[dict[str, Any]] = []
        while not answers or answers[-1]["status"] in {"Accepted", "Running"}:
            assert len(answers) < 60, "the deployment does not end"
            answers.append(self.arm("GET", put.headers["Azure-AsyncOperation"]).json())
        return answers

    def run(self, form: Mapping[str, Any], name: str = "main", group: str = "rg", **properties: Any) -> dict[str, Any]:
        """Deploy, and return the ``properties`` of the finished deployment."""
        put = self.put(form, name, group, **properties)
        assert put.status_code in {200, 201}, put.text
        self.statuses(put)
        found: dict[str, Any] = self.arm("GET", path(name, group), api=API).json()["properties"]
        return found

    def worth(self, expression: Any, kind: str = "string", **parts: Any) -> Any:
        """Return what an expression is worth, as the output of a template without resources."""
        made = self.run(template(outputs={"it": {"type": kind, "value": expression}}, **parts))
        return made["outputs"]["it"]["value"]

    def refusal(self, form: Mapping[str, Any], **properties: Any) -> tuple[int, str, str]:
        """Return status, code and message of a deployment that is refused at once."""
        answer = self.put(form, **properties)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]
