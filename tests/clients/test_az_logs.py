"""The az CLI puts a key on a Log Analytics cluster and links a workspace, unchanged; what stands behind it inherits the key."""

from pathlib import Path

import pytest
from support.clients import Program
from support.command_line import CommandLine, Ran

from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.az

VAULT = "kv-az-logs"
LOGS = ("monitor", "log-analytics")


def cmkctl(az: Program, *arguments: str | Path) -> Ran:
    """Run cmkctl in the environment of az."""
    return CommandLine(az.folder, {**az.environment, "CMKCTL_AUTH": "environment"})(*arguments)


def test_posture_follows_the_links_that_az_makes(az: Program, running: Running) -> None:
    """From Application Insights by its workspace to the cluster; a search service shows no key of its objects."""
    state, group = running.state, "rg-az-logs"
    state.add_vault(VAULT, group)
    state.add_key(VAULT, "cmk")
    workspace = state.add_log_workspace("logs-az", group)
    state.add_component("appi-az", group, workspace=workspace)
    named, there = ("-g", group, "-n", "logs-az"), ("-g", group, "-l", "eastus2")
    key = ("--key-vault-uri", f"https://{VAULT}.vault.azure.net", "--key-name", "cmk", "--key-version", "")

    made = az(
        *LOGS,
        "cluster",
        "create",
        *named,
        "-l",
        "eastus2",
        "--sku-capacity",
        "100",
        "--identity-type",
        "SystemAssigned",
    )
    state.add_access_policy(VAULT, made.json["identity"]["principalId"])
    keyed = az(*LOGS, "cluster", "update", *named, *key).json
    link = ("-n", "cluster", "--write-access-resource-id", keyed["id"])
    az(*LOGS, "workspace", "linked-service", "create", "-g", group, "--workspace-name", "logs-az", *link)
    search = az(
        "search",
        "service",
        "create",
        "-n",
        "srch-az",
        *there,
        "--sku",
        "basic",
        "--encryption-with-cmk",
        "enforcement=Enabled",
    )
    enforced = search.json["encryptionWithCmk"]["enforcement"]
    ran = cmkctl(az, "posture", "--resource-group", group, "--json")

    assert ("", "Enabled") == (keyed["keyVaultProperties"]["keyVersion"], enforced)
    assert 0 == ran.code, ran.err
    assert {
        "clusters/logs-az": "customer",
        "workspaces/logs-az": "inherited",
        "components/appi-az": "inherited",
        "searchServices/srch-az": "not-knowable",
        f"vaults/{VAULT}": "not-choosable",
    } == {"/".join(each["resource_id"].split("/")[-2:]): each["verdict"] for each in ran.of("posture")}
