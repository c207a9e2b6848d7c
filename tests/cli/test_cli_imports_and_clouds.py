"""What a command imports, and where it goes."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

RUNNER = """
import sys
from cmkctl.cli import main
code = main(sys.argv[1:])
print("\\n".join(sorted(sys.modules)), file=open("modules.txt", "w"))
sys.exit(code)
"""

SLOW_TO_IMPORT = ("azure", "requests", "uvicorn", "msal")
UNUSED_BY_PLAN = ("azure.ai", "azure.mgmt.authorization", "azure.keyvault", "uvicorn", "trustme")


def imported(command: Any, *arguments: str | Path) -> set[str]:
    """Return the modules that a command line has imported when it is done."""
    run = [sys.executable, "-c", RUNNER, *map(str, arguments)]
    subprocess.run(run, env=command.environment, cwd=command.folder, check=True, capture_output=True, timeout=60)
    return set((command.folder / "modules.txt").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["version"], ["schema"], ["explain", "CMK210"]])
def test_a_command_without_requests_imports_no_sdk(cmkctl: Any, arguments: list[str]) -> None:
    """Help comes at once."""
    modules = imported(cmkctl, *arguments)

    assert [] == sorted(each for each in modules if each.startswith(SLOW_TO_IMPORT))


def test_plan_imports_neither_azure_ai_ml_nor_the_sandbox(azure: Any, profiles: Path) -> None:
    """Against a sandbox that runs elsewhere a plan is a plan: no web server, no azure.ai.ml."""
    modules = imported(azure.command, "plan", profiles / "quickstart.yaml", "--sandbox", "--state", azure.state)

    assert [] == sorted(each for each in modules if each.startswith(UNUSED_BY_PLAN))


@pytest.mark.parametrize("name", sorted({*SLOW_TO_IMPORT, *UNUSED_BY_PLAN}))
def test_what_is_looked_for_can_be_imported(name: str) -> None:
    """A package that is no dependency any more is never imported: looking for it would prove nothing."""
    assert find_spec(name) is not None


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        (
            "government",
            {"management.usgovcloudapi.net", "graph.microsoft.us", "login.microsoftonline.us"},
        ),
        (
            "china",
            {"management.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"},
        ),
        ("quickstart", {"management.azure.com", "graph.microsoft.com", "login.microsoftonline.com"}),
    ],
)
def test_each_cloud_is_reached_at_its_own_hosts(azure: Any, profiles: Path, name: str, hosts: set[str]) -> None:
    """Sign-in, Resource Manager and Microsoft Graph, and no host of another cloud."""
    azure("plan", profiles / f"{name}.yaml")

    assert hosts == {each.host for each in azure.running.requests}
