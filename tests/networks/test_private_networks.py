"""Private networks through the command line: plan, apply, plan, verify, and what happens to endpoints in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cmkctl.sandbox import SUBSCRIPTION_ID

pytestmark = pytest.mark.slow

PAGE: Final = Path(__file__).parents[2] / "docs" / "private-networks.md"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml"
ENDPOINTS: Final = f"{GROUP}/providers/Microsoft.Network/privateEndpoints"
WORKSPACE: Final = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-net"
ACCOUNT: Final = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stmlnet"
PROFILE: Final[Mapping[str, Any]] = {
    "subscription": SUBSCRIPTION_ID,
    "location": "eastus2",
    "resource_group": "rg-ml",
    "key_vault": {"name": "kv-ml-net"},
    "key": {"name": "cmk"},
    "workspace": {"name": "mlw-net", "high_business_impact": True, "encryption": "in-subscription"},
    "associated_resources": {"storage_account": {"name": "stmlnet"}},
}


def laid_over(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `more` laid over it."""
    inner = {
        name: laid_over(base.get(name) or {}, value) if isinstance(value, dict) else value
        for name, value in more.items()
    }
    return {**base, **inner}


def with_endpoints(subnet: str, *endpoints: str, **more: Any) -> dict[str, Any]:
    """Return the profile with these endpoints, named pe-TARGET."""
    names = {each: f"pe-{each}" for each in endpoints}
    network = {"subnet": subnet, "endpoints": list(endpoints), "names": names, **more}
    return laid_over(PROFILE, {"private_network": network})


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def azure(rehearse: Callable[..., Any]) -> Any:
    """Provide a command line with a sandbox that has the network of the page."""
    return rehearse()


@pytest.fixture
def subnet(azure: Any) -> str:
    """Return the subnet that endpoints are made in."""
    found: str = azure.running.state.add_subnet()
    return found


def write(folder: Path, profile: Mapping[str, Any]) -> Path:
    """Write a profile as a file."""
    file = folder / "cmkctl.yaml"
    file.write_text(yaml.safe_dump(dict(profile)), encoding="utf-8")
    return file


def changes(run: Any) -> dict[str, tuple[str, str]]:
    """Return action and reason of each planned change that is no no-op, by title."""
    planned = run.of("planned_change")
    return {each["title"]: (each["action"], each["reason"]) for each in planned if each["action"] != "no-op"}


def errors(run: Any) -> list[str]:
    """Return the codes of the errors of a run."""
    return [each["code"] for each in run.of("diagnostic") if each["severity"] == "error"]


def test_the_commands_of_the_page_make_what_it_promises(azure: Any, subnet: str, tmp_path: Path) -> None:
    """Every command of the page succeeds, with every part of a profile that the page shows for one workspace."""
    (commands,) = blocks("sh")
    shown = [yaml.safe_load(each.replace("${AZURE_SUBSCRIPTION_ID}", SUBSCRIPTION_ID)) for each in blocks("yaml")]
    profile: dict[str, Any] = dict(PROFILE)
    for each in shown:
        profile = laid_over(profile, each)
    (zone,) = profile["private_network"]["dns"]["zones"]
    azure.running.state.add_private_dns_zone(zone.rpartition("/")[2])
    file = write(tmp_path, profile)

    ran = [azure(*each.replace("cmkctl.yaml", str(file)).split()[1:]) for each in commands.splitlines()]

    assert [0, 0, 0] == [each.code for each in ran]
    assert subnet == profile["private_network"]["subnet"]


def test_a_private_workspace_is_reached_by_endpoints_that_are_registered(
    azure: Any, subnet: str, tmp_path: Path
) -> None:
    """Everything is made once: a second plan has nothing to do, verify is right, and nothing else is written."""
    closed = {"workspace": {"public_network_access": "disabled"}}
    file = write(tmp_path, laid_over(with_endpoints(subnet, "workspace", "blob", "file"), closed))

    applied = azure("apply", file, "--yes", "--json")
    written = azure.writes()
    again = azure("apply", file, "--yes", "--json")
    verified = azure("verify", file, "--json")

    assert (0, []) == (applied.code, errors(applied))
    state = azure.running.state
    for target, zones in (("blob", 1), ("file", 1), ("workspace", 2)):
        endpoint = state.resource(f"{ENDPOINTS}/pe-{target}")
        group = state.resource(f"{ENDPOINTS}/pe-{target}/privateDnsZoneGroups/default")
        assert subnet == endpoint["properties"]["subnet"]["id"]
        assert zones == len(group["properties"]["privateDnsZoneConfigs"])
    assert "Disabled" == state.resource(WORKSPACE)["properties"]["publicNetworkAccess"]
    assert (0, written) == (again.code, azure.writes())
    assert (0, []) == (verified.code, errors(verified))


def test_endpoints_are_made_before_the_workspace_and_its_own_after_it(azure: Any, subnet: str, tmp_path: Path) -> None:
    """A closed resource has its endpoint when the workspace is made; those of one account are made one after the other."""
    file = write(tmp_path, with_endpoints(subnet, "workspace", "blob", "file"))

    assert 0 == azure("apply", file, "--yes").code
    puts = [each.rpartition("/")[2] for each in azure.writes() if each.startswith("PUT ")]
    wanted = [each for each in puts if each in {"pe-blob", "pe-file", "mlw-net", "pe-workspace"}]

    assert ["pe-blob", "pe-file", "mlw-net", "pe-workspace"] == wanted


def test_what_happens_to_an_endpoint_is_reported_with_a_way_out(azure: Any, subnet: str, tmp_path: Path) -> None:
    """A rejected connection is a conflict until the endpoint is deleted; then a new one is made."""
    file = write(tmp_path, with_endpoints(subnet, "blob"))
    state = azure.running.state
    assert 0 == azure("apply", file, "--yes").code

    state.set_endpoint_connection(f"{ENDPOINTS}/pe-blob", "Rejected")
    rejected = azure("verify", file, "--json")
    planned = azure("plan", file, "--json")
    state.set_endpoint_connection(f"{ENDPOINTS}/pe-blob", "Pending")
    pending = azure("plan", file, "--json")
    state.set_endpoint_connection(f"{ENDPOINTS}/pe-blob", "Approved")
    approved = azure("plan", file, "--json")

    assert 0 != rejected.code
    assert {"private endpoint pe-blob": ("conflict", "its connection is rejected, and stays so")} == changes(planned)
    assert ["conflict"] == [action for action, _ in changes(pending).values()]
    (row,) = state.resource(ACCOUNT)["properties"]["privateEndpointConnections"]
    assert any(row["id"] in way for each in pending.of("planned_change") for way in each.get("ways_out", ()))
    assert {} == changes(approved)


def test_an_endpoint_that_others_made_is_used(azure: Any, subnet: str, tmp_path: Path) -> None:
    """Another name for the same target in the same subnet is no reason for a second endpoint; its zone group is made."""
    plain = write(tmp_path, PROFILE)
    assert 0 == azure("apply", plain, "--yes").code
    theirs = azure.running.state.add_private_endpoint("pe-theirs", subnet, ACCOUNT, "blob")
    file = write(tmp_path, with_endpoints(subnet, "blob"))

    planned = azure("plan", file, "--json")
    applied = azure("apply", file, "--yes", "--json")

    assert "private endpoint pe-blob" not in changes(planned)
    assert ("create", "does not exist") == changes(planned)["DNS zone group pe-theirs"]
    assert (0, None) == (applied.code, azure.running.state.resource(f"{ENDPOINTS}/pe-blob"))
    assert azure.running.state.resource(f"{theirs}/privateDnsZoneGroups/default") is not None


def test_an_endpoint_in_another_subnet_is_a_conflict(azure: Any, subnet: str, tmp_path: Path) -> None:
    """The subnet of an endpoint is fixed, so a profile with another one cannot be applied; nothing is written."""
    assert 0 == azure("apply", write(tmp_path, with_endpoints(subnet, "blob")), "--yes").code
    other = azure.running.state.add_subnet("snet-other", prefix="10.1.0.0/24")
    before = azure.writes()

    refused = azure("apply", write(tmp_path, with_endpoints(other, "blob")), "--yes", "--json")

    assert ["CMK281"] == errors(refused)
    assert before == azure.writes()


def test_a_subnet_that_is_absent_is_reported_before_anything_is_written(azure: Any, tmp_path: Path) -> None:
    """The plan is errored (CMK140), so that no vault is made for an endpoint that cannot be."""
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-none/subnets/snet-none"

    refused = azure("apply", write(tmp_path, with_endpoints(subnet, "blob")), "--yes", "--json")

    assert (["CMK140"], []) == (errors(refused), azure.writes())


def test_a_network_that_is_linked_to_another_zone_needs_that_zone(azure: Any, subnet: str, tmp_path: Path) -> None:
    """Following the way out of CMK277 makes the next run succeed."""
    network = subnet.rpartition("/subnets/")[0]
    zone = azure.running.state.add_private_dns_zone("privatelink.blob.core.windows.net", "rg-dns", network)

    refused = azure("apply", write(tmp_path, with_endpoints(subnet, "blob")), "--yes", "--json")
    unwritten = azure.writes()
    given = write(tmp_path, with_endpoints(subnet, "blob", dns={"zones": [zone]}))
    applied = azure("apply", given, "--yes", "--json")

    assert (["CMK277"], []) == (errors(refused), unwritten)
    assert 0 == applied.code


def test_the_managed_network_is_tightened_and_never_loosened(azure: Any, tmp_path: Path) -> None:
    """Isolation, a rule and provisioning follow the profile after the creation; loosening is a conflict."""
    plain = write(tmp_path, PROFILE)
    assert 0 == azure("apply", plain, "--yes").code
    rules = [{"name": "pypi", "fqdn": "pypi.org"}]
    isolated = {"isolation_mode": "AllowOnlyApprovedOutbound", "provision": "now", "outbound_rules": rules}

    applied = azure("apply", write(tmp_path, laid_over(PROFILE, {"workspace": {"managed_network": isolated}})), "--yes")
    assert 0 == applied.code, applied.out + applied.err
    network = azure.running.state.resource(WORKSPACE)["properties"]["managedNetwork"]
    loose = {"isolation_mode": "AllowInternetOutbound"}
    refused = azure(
        "apply", write(tmp_path, laid_over(PROFILE, {"workspace": {"managed_network": loose}})), "--yes", "--json"
    )

    assert (0, "Active", "pypi.org") == (
        applied.code,
        network["status"]["status"],
        network["outboundRules"]["pypi"]["destination"],
    )
    assert any(each.startswith("__SYS_") for each in network["outboundRules"])
    assert ["CMK284"] == errors(refused)


def test_a_saved_plan_with_a_network_is_applied_as_approved(azure: Any, subnet: str, tmp_path: Path) -> None:
    """A plan with endpoints, zones and a managed network is saved, and applied without a difference."""
    managed = {"workspace": {"managed_network": {"isolation_mode": "AllowInternetOutbound", "provision": "now"}}}
    file, saved = (
        write(tmp_path, laid_over(with_endpoints(subnet, "workspace", "blob"), managed)),
        tmp_path / "plan.json",
    )

    planned = azure("plan", file, "--out", saved)
    applied = azure("apply", saved, "--yes", "--json")

    assert (0, 0, []) == (planned.code, applied.code, errors(applied))
