"""Tests that fail on the day a reason for a decision has gone. Then read the decision again; do not change the test."""

from __future__ import annotations

import inspect
import json
import warnings
from importlib import import_module
from importlib.resources import files
from typing import Any

import pytest

SEE = "azure-ai-ml can now express this: read docs/adr/0004-one-put.md again"


@pytest.fixture(scope="module", autouse=True)
def azure_ai_ml() -> None:
    """Import azure-ai-ml: when the first test of this file runs, because every process of the tests collects the file."""
    with warnings.catch_warnings():
        # Those of azure-ai-ml's own dependencies; a test run of ours takes a warning for an error.
        warnings.simplefilter("ignore")
        import_module("azure.ai.ml.entities")


def _parameters(entity: str) -> set[str]:
    found = getattr(import_module("azure.ai.ml.entities"), entity)
    return {each.lower().replace("_", "") for each in inspect.signature(found).parameters}


def _template() -> dict[str, Any]:
    folder = files("azure.ai.ml").joinpath("_arm_deployments", "arm_templates")
    loaded: dict[str, Any] = json.loads(folder.joinpath("workspace_base.json").read_text(encoding="utf-8"))
    return loaded


def _workspace_properties() -> list[dict[str, Any]]:
    """Return the properties of every workspace in the template that azure-ai-ml deploys, nested deployments included."""
    return [
        each["properties"]
        for each in _resources(_template())
        if each.get("type") == "Microsoft.MachineLearningServices/workspaces"
    ]


def _resources(template: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in template.get("resources", []):
        found.append(each)
        found += _resources(each.get("properties", {}).get("template", {}))
    return found


def test_the_template_of_azure_ai_ml_makes_a_workspace_with_a_key() -> None:
    """The tripwires below look at the right place: encryption and hbi are there."""
    properties = _workspace_properties()

    assert properties
    assert all({"encryption", "hbiWorkspace"} <= each.keys() for each in properties)


def test_azure_ai_ml_cannot_express_service_side_encryption() -> None:
    """Reason 1 of ADR 0004: neither entity nor template has the flag."""
    spelled = "servicesidecmk"

    assert not [each for each in _parameters("Workspace") | _parameters("CustomerManagedKey") if spelled in each], SEE
    assert spelled not in json.dumps(_template()).lower().replace("_", ""), SEE


def test_azure_ai_ml_cannot_name_the_identity_that_reads_the_key() -> None:
    """Reason 2 of ADR 0004: neither entity nor template has ``encryption.identity``."""
    assert not [each for each in _parameters("CustomerManagedKey") if "identity" in each], SEE
    assert not [each for each in _workspace_properties() if "identity" in each["encryption"]], SEE
