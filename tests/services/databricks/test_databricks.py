"""Azure Databricks on the sandbox: three keys, three readers, and the order in which they get access."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from support.reference import ARM_TYPES, require_reference
from support.sandbox import Client
from support.services import KEY, VAULT, Services

API = "2024-05-01"


def _workspace(services: Services, **entry: Any) -> str:
    found: str = services.state.add_databricks_workspace("dbx-data", "rg-ml")
    services.name({"databricks_workspaces": [{"id": found, **entry}]})
    return found


def test_each_reader_gets_access_where_it_can_and_everything_once(services: Services) -> None:
    """The identity for the root DBFS before its key, that for managed disks after it; a second run sends no write."""
    workspace = _workspace(services)

    first = services.encrypt()
    second = services.encrypt()

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert [
        "PUT workspaces/dbx-data",
        "PUT accessPolicies/add",
        "PUT accessPolicies/add",
        "PUT workspaces/dbx-data",
        "PUT accessPolicies/add",
    ] == services.writes()
    document = services.document(workspace)["properties"]
    policies = services.document(services.vault)["properties"]["accessPolicies"]
    granted = {each["objectId"] for each in policies}
    assert granted >= {document[name]["principalId"] for name in ("storageAccountIdentity", "managedDiskIdentity")}
    posture = services.posture()[0]
    assert ("customer", services.key) == (posture["verdict"], f"{posture['key']}/{posture['key_version']}")


def test_a_part_alone_needs_its_reader_alone_and_the_plan_shows_what_stays(services_with_roles: Services) -> None:
    """Managed services are read by the application AzureDatabricks, in a vault with roles by a role."""
    services = services_with_roles
    _workspace(services, parts=["managed-services"])

    shown = services.human("encrypt", "--dry-run")
    ran = services.encrypt()

    assert "a customer-managed key that is set cannot be taken away again" in " ".join(shown.out.split())
    assert 0 == ran.code, ran.err + ran.out
    assert [1, 1] == [
        len([each for each in services.writes() if part in each]) for part in ("roleAssig", "workspaces/")
    ]
    assert ["mixed"] == services.verdicts()


def test_the_sandbox_refuses_what_azure_refuses(services: Services) -> None:
    """A reader without access, a root DBFS that is not prepared, the standard tier, and the removal of a key."""
    workspace = _workspace(services)
    arm, version = Client(services.azure.running), services.key.rpartition("/")[2]
    uri = f"https://{VAULT}.vault.azure.net/"
    named = {"keyVaultUri": uri, "keyName": KEY, "keyVersion": version}
    entity = {"keySource": "Microsoft.Keyvault", "keyVaultProperties": named}
    dbfs = {"keySource": "Microsoft.Keyvault", "keyvaulturi": uri, "KeyName": KEY, "keyversion": version}
    group = services.document(workspace)["properties"]["managedResourceGroupId"]

    def put(sku: str = "premium", parameters: Any = None, **entities: Any) -> tuple[int, str]:
        more = {"encryption": {"entities": entities}} if entities else {}
        properties = {"managedResourceGroupId": group, "parameters": parameters or {}, **more}
        body = {"location": "eastus2", "sku": {"name": sku}, "properties": properties}
        answer = arm("PUT", workspace, body, api=API)
        return answer.status_code, answer.json().get("error", {}).get("message", "")

    no_right = put(managedServices=entity)
    not_prepared = put(parameters={"encryption": {"value": dbfs}})
    standard = put("standard", managedDisk=entity)
    disks = put(managedDisk=entity)
    removed = put()

    assert (403, 400, 400, 201, 400) == (no_right[0], not_prepared[0], standard[0], disks[0], removed[0])
    assert "Please give Databricks the following access permissions" in no_right[1]
    assert "Missing pre-requisites" in not_prepared[1]
    assert "premium tier" in standard[1]
    assert "managedDisk cannot be removed" in removed[1]


def test_the_bodies_of_the_cases_are_of_the_published_type() -> None:
    """Microsoft's types are closed: a misspelt member fails. The cases compare the same bodies with what the service wants."""
    require_reference()
    text = (ARM_TYPES / "Microsoft.Databricks.workspaces@2024-05-01.json").read_text(encoding="utf-8")
    # The definitions have slashes in their names, which a JSON pointer has to escape.
    schema = json.loads(re.sub(r'(?<="#/\$defs/)[^"]+', lambda found: found[0].replace("/", "~1"), text))
    cases = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))["cases"]
    bodies = [each["PUT"] for case in cases if isinstance(case.get("want"), list) for each in case["want"]]

    validator = jsonschema.Draft202012Validator(schema)
    errors = [found for body in bodies for found in validator.iter_errors({"name": "dbx", **body})]

    whole = bodies[0]
    whole["properties"]["parameters"]["encryption"]["value"]["keyName"] = "cmk"
    assert len(bodies) == 2
    assert [] == [f"{each.json_path} {each.message}" for each in errors]
    assert not validator.is_valid({"name": "dbx", **whole})
