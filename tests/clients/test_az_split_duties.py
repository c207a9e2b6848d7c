"""The administrator's commands of ``cmkctl plan --part admin``, run unchanged in a shell with the az CLI."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.clients import SECONDS, Program
from support.command_line import CommandLine, Ran

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.az

PROFILE = """
subscription: {subscription}
location: eastus2
resource_group: rg-az-{name}
key_vault: {{name: kv-az-{name}, soft_delete_days: 7, authorization: {authorization}}}
key: {{name: cmk}}
workspace: {{name: mlw-az-{name}, high_business_impact: true, encryption: in-subscription}}
"""


def cmkctl(az: Program, *arguments: str | Path) -> Ran:
    """Run cmkctl in the environment of az."""
    return CommandLine(az.folder, {**az.environment, "CMKCTL_AUTH": "environment"})(*arguments)


EXPECTED = {
    "rbac": ("az provider register", "az group create", "az rest", "az ad sp create", "az role assignment create"),
    "access-policy": ("az ad sp create", "az keyvault set-policy"),
}


@pytest.mark.parametrize("authorization", EXPECTED)
def test_the_administrators_commands_run_as_they_are_printed(az: Program, running: Running, authorization: str) -> None:
    """A registration, the principal, and a role or a policy; then the rest plans and applies without them."""
    shell, name = shutil.which("sh"), authorization.partition("-")[0]
    assert shell is not None
    state = running.state
    if authorization == "access-policy":
        state.add_resource_group(f"rg-az-{name}")
        state.add_vault(f"kv-az-{name}", f"rg-az-{name}", softDeleteRetentionInDays=7)
    else:
        state.tenant.data["providers"][SUBSCRIPTION_ID]["microsoft.search"]["state"] = "NotRegistered"
    principals = state.tenant.table("principals")
    for each in [key for key, row in principals.items() if row.get("doc", row).get("appId") == COSMOS_DB_APP_ID]:
        del principals[each]
    text = PROFILE.format(subscription=SUBSCRIPTION_ID, name=name, authorization=authorization)
    profile = az.folder / f"{name}.yaml"
    profile.write_text(text, encoding="utf-8")

    printed = cmkctl(az, "plan", profile, "--part", "admin")
    run = subprocess.run(
        [shell, "-e", "-c", printed.out],
        env={**az.environment, "PATH": f"{Path(az.path).parent}:{az.environment['PATH']}"},
        cwd=az.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    began = len(running.requests)
    after = cmkctl(az, "plan", profile, "--part", "rest", "--out", az.folder / f"{name}.json")
    applied = cmkctl(az, "apply", az.folder / f"{name}.json", "--yes")

    assert [] == [each for each in EXPECTED[authorization] if each not in printed.out], printed.out
    assert 0 == run.returncode, f"{printed.out}\n{run.stderr}"
    assert (0, 0) == (after.code, applied.code), after.err + applied.out + applied.err
    written = [each.path for each in running.requests[began:] if each.is_write]
    assert [] == [
        each for each in written if each.endswith(("/register", "/servicePrincipals")) or "roleAssignments" in each
    ]
    assert [] == [each for each in written if each.endswith(("/accessPolicies/add", f"/resourceGroups/rg-az-{name}"))]
