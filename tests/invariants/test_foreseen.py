"""Nothing irreversible first: what a read could show stops the run before a vault exists.

`refusals.yaml` has every refusal of the sandbox in one of its lists. Each one that a read foresees has a scenario: a state of
Azure, or a profile. The plan is refused for it and no vault exists afterwards; and where the diagnostic can be ignored, the
creation is refused for just that, so that the plan foresees neither more nor less.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
import yaml
from pydantic import ValidationError
from support.scenarios import DOINGS, GROUP, IDENTITY_ID, STORAGE, VAULT, ProfileVariant, ScenarioBuilder, Site, World
from support.service_folders import pages

from cmkctl.checks import IGNORABLE
from cmkctl.diagnostics import CmkctlError, RefusedError, Severity
from cmkctl.engine import apply_plan, make_plan
from cmkctl.facts import RulePolicy
from cmkctl.procedures.base import no_proof
from cmkctl.procedures.create import CREATE
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import offers, registry
from cmkctl.sandbox.core.faults import KINDS
from cmkctl.sandbox.core.refusal import TABLE, ErrorRow
from cmkctl.sandbox.planes import dispatch
from cmkctl.sandbox.providers.microsoft_machinelearningservices.soft_delete import soft_delete

LISTS: Final[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "refusals.yaml").read_text(encoding="utf-8"))
"""The refusals of everything but single services, which list theirs in ``tests/services/NAME/refusals.yaml``."""
OF_SERVICES: Final[list[dict[str, Any]]] = pages("refusals.yaml")
FORESEEN: Final[dict[str, dict[str, Any]]] = LISTS["foreseen"]
OTHERS: Final = "rg-others"
SUBSCRIPTION: Final = f"/subscriptions/{SUBSCRIPTION_ID}"
TYPES: Final = (
    "Microsoft.KeyVault/vaults",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Insights/components",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.Search/searchServices",
)


def _document(resource_id: str, location: str = "eastus2") -> dict[str, Any]:
    name, kind = resource_id.rpartition("/")[2], "/".join(resource_id.split("/")[6:8])
    properties = {"provisioningState": "Succeeded"}
    return {"id": resource_id, "name": name, "type": kind, "location": location, "properties": properties}


def _delete_vault_elsewhere(site: Site) -> None:
    site.running.state.add_vault(VAULT, GROUP, location="westus")
    site.running.state.delete_vault(VAULT)


def _delete_logs_elsewhere(site: Site) -> None:
    logs = site.profile.associated_resources.log_analytics.resource_id
    row = {"doc": _document(logs, "westus"), "deleted": site.running.state.tenant.timestamp()}
    site.tenant["deleted_logs"][logs.lower()] = row


def _delete_workspace(site: Site) -> None:
    site.running.state.add_resource_group(GROUP)
    soft_delete(site.running.state.tenant, {"doc": _document(site.profile.workspace.resource_id)})


def _take_registry_name(site: Site) -> None:
    ours = site.profile.associated_resources.container_registry_id or ""
    theirs = ours.replace(f"/{GROUP}/", f"/{OTHERS}/")
    site.tenant["resources"][theirs.lower()] = {"doc": _document(theirs)}


def _key_with(**attributes: Any) -> Callable[[Site], None]:
    def arrange(site: Site) -> None:
        site.add_key()
        site.set_key(**attributes)

    return arrange


def _delete_group(site: Site) -> None:
    site.running.state.add_resource_group(GROUP)
    DOINGS["the group is being deleted"](site)


def _forget_identity(site: Site) -> None:
    del site.tenant["resources"][IDENTITY_ID.lower()]


@dataclass(frozen=True)
class Scenario:
    """A state of Azure, made by `arrange`, for a variant of the profile with `sections` replaced."""

    arrange: Callable[[Site], object] = lambda _site: None
    wish: ProfileVariant = field(default_factory=ProfileVariant)
    sections: dict[str, Any] | None = None


SCENARIOS: Final[dict[str, Scenario]] = {
    "a region lacks a type": Scenario(
        lambda site: site.running.state.limit_regions("Microsoft.Search/searchServices", "westus", "eastus")
    ),
    "the group is being deleted": Scenario(_delete_group),
    "the identity does not exist": Scenario(_forget_identity, ProfileVariant(user_identity=True)),
    "the vault's name is taken": Scenario(lambda site: site.running.state.add_vault(VAULT, OTHERS)),
    "the vault was deleted in another region": Scenario(_delete_vault_elsewhere),
    "there are more tags than a key can have": Scenario(sections={"tags": {f"tag-{each}": "x" for each in range(16)}}),
    "the storage account's name is taken": Scenario(
        lambda site: site.running.state.add_storage_account(STORAGE, OTHERS)
    ),
    "the quota of storage accounts is used up": Scenario(
        lambda site: site.running.state.use_quota(offers.STORAGE_ACCOUNTS, 249)
    ),
    "the region lacks zones": Scenario(
        sections={
            "location": "westus",
            "associated_resources": {"storage_account": {"name": STORAGE, "sku": "Standard_ZRS"}},
        }
    ),
    "the registry's name is taken": Scenario(_take_registry_name, ProfileVariant(registry=True)),
    "the Log Analytics workspace was deleted in another region": Scenario(_delete_logs_elsewhere),
    "the workspace is soft-deleted": Scenario(_delete_workspace),
    "the key is not valid yet": Scenario(_key_with(nbf=4_000_000_000)),
    "the key is disabled": Scenario(_key_with(enabled=False)),
    "the key has expired": Scenario(_key_with(exp=1_000_000_000)),
    "service-side with roles and a system-assigned identity": Scenario(
        wish=ProfileVariant(service_side=True, authorization="rbac")
    ),
    "the vault is in another subscription": Scenario(
        sections={
            "key_vault": {
                "id": (
                    "/subscriptions/0ddba11e-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.KeyVault"
                    "/vaults/kv-cmk"
                )
            }
        }
    ),
    "the vault that is given does not exist": Scenario(
        sections={
            "key_vault": {"id": f"{SUBSCRIPTION}/resourceGroups/{OTHERS}/providers/Microsoft.KeyVault/vaults/kv-x"}
        }
    ),
    "the storage account that is given does not exist": Scenario(
        sections={
            "associated_resources": {
                "storage_account": {
                    "id": f"{SUBSCRIPTION}/resourceGroups/{OTHERS}/providers/Microsoft.Storage/storageAccounts/stx"
                }
            }
        }
    ),
    "the subscription has no access to Cosmos DB in the region": Scenario(
        lambda site: site.running.state.close_cosmos_region()
    ),
    "the quota of search services is used up": Scenario(
        lambda site: site.running.state.use_quota(offers.SEARCH_SERVICES, 12)
    ),
    "the network of the endpoints does not exist": Scenario(
        sections={
            "private_network": {
                "subnet": (
                    f"{SUBSCRIPTION}/resourceGroups/{OTHERS}/providers/Microsoft.Network/virtualNetworks/vnet-x/subnets/snet-x"
                )
            }
        }
    ),
    "a policy denies the workspace": Scenario(
        lambda site: site.running.state.add_policy(
            "closed", "Microsoft.MachineLearningServices/workspaces", "publicNetworkAccess", allow=("Disabled",)
        )
    ),
    "the group is locked": Scenario(
        lambda site: site.running.state.add_lock(site.running.state.add_resource_group(GROUP), "ReadOnly")
    ),
    "no role assignment is left": Scenario(
        lambda site: site.running.state.limit_role_assignments(SUBSCRIPTION_ID, 0),
        ProfileVariant(authorization="rbac"),
    ),
    "the vault is in another region": Scenario(
        lambda site: site.running.state.add_vault(VAULT, GROUP, location="westus")
    ),
    "the vault keeps deleted things for 30 days": Scenario(
        lambda site: site.add_vault(softDeleteRetentionInDays=30), ProfileVariant(days=90)
    ),
    **{
        each: Scenario(DOINGS[each])
        for each in (
            "a vault without purge protection is there",
            "the key only signs",
            "the key is on a curve",
            "the storage account is hierarchical",
        )
    },
}
FINISHED: Final = {"the workspace has another impact": DOINGS["the workspace has another impact"]}
"""Scenarios about a workspace that exists."""


def rows() -> dict[str, ErrorRow]:
    """Return every row of the sandbox's tables of errors, by its name in the source."""
    assert registry.providers()
    assert dispatch
    found: dict[str, ErrorRow] = {}
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("cmkctl.sandbox."):
            found |= {name: value for name, value in vars(module).items() if isinstance(value, ErrorRow)}
    return found


def vaults(builder: ScenarioBuilder) -> set[str]:
    """Return the ids of all vaults in the sandbox."""
    resources = builder.running.state.tenant.data["resources"]
    return {key for key, record in resources.items() if record["doc"]["type"].lower() == "microsoft.keyvault/vaults"}


def arranged(maker: ScenarioBuilder, scenario: Scenario, *, registered: bool, beginning: str = "new") -> Profile:
    """Put the sandbox into the state of a scenario, and return the profile."""
    profile = maker.make(scenario.wish, World(beginning))
    if scenario.sections:
        whole = profile.model_dump(exclude_defaults=True) | scenario.sections
        profile = Profile.model_validate(whole)
    if registered:
        maker.running.state.register_provider()
    scenario.arrange(Site(maker.running, profile))
    return profile


def applied(maker: ScenarioBuilder, profile: Profile, *ignored: str) -> CmkctlError:
    """Apply, and return the refusal."""
    procedure, policy = replace(CREATE, proof=no_proof), RulePolicy(ignored)
    session = maker.client().session(profile)
    try:
        with pytest.raises(CmkctlError) as raised:
            apply_plan(
                session,
                profile,
                make_plan(session, profile, procedure, policy),
                procedure,
                lambda _: None,
                policy=policy,
            )
    finally:
        session.close()
    return raised.value


SHOWN_BY_AZURE: Final = {row: each for row, each in FORESEEN.items() if each.get("scenario") in SCENARIOS}
SHOWN_BY_THE_PROFILE: Final = {row: each for row, each in FORESEEN.items() if "profile" in each}


@pytest.mark.parametrize("row", SHOWN_BY_AZURE)
@pytest.mark.parametrize("registered", [True, False], ids=["registered", "new subscription"])
def test_what_a_read_foresees_stops_the_run_before_a_vault_exists(
    maker: ScenarioBuilder, row: str, registered: bool
) -> None:
    """In a new subscription, too, where Azure answers some reads only after the registrations that apply sends first."""
    expected = SHOWN_BY_AZURE[row]
    profile = arranged(maker, SCENARIOS[expected["scenario"]], registered=registered)
    before = vaults(maker)

    refusal = applied(maker, profile)

    assert isinstance(refusal, RefusedError)
    assert expected["code"] in {each.code for each in refusal.diagnostics}
    assert before == vaults(maker)


@pytest.mark.parametrize("row", [row for row, each in SHOWN_BY_AZURE.items() if each["code"] in IGNORABLE])
def test_a_creation_is_refused_for_what_the_plan_foresaw(maker: ScenarioBuilder, row: str) -> None:
    """With the rule ignored, Azure's answer is that row: the plan foresees what a creation meets, and nothing else."""
    expected = SHOWN_BY_AZURE[row]
    profile = arranged(maker, SCENARIOS[expected["scenario"]], registered=True)

    refusal = applied(maker, profile, expected["code"])

    begin = rows()[row].text.split("{")[0]
    assert any(begin in each.detail for each in refusal.diagnostics), [each.detail for each in refusal.diagnostics]


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_region_without_a_type_is_foreseen(maker: ScenarioBuilder, resource_type: str) -> None:
    """For every type that the profile needs, those included that Microsoft creates."""
    scenario = Scenario(lambda site: site.running.state.limit_regions(resource_type, "westus"))
    profile = arranged(maker, scenario, registered=True)

    refusal = applied(maker, profile)

    assert [("CMK163", True)] == [
        (each.code, resource_type.lower() in each.detail.lower()) for each in refusal.diagnostics
    ]
    assert set() == vaults(maker)


def test_a_soft_deleted_workspace_is_purged_by_the_command_of_the_remedy(maker: ScenarioBuilder) -> None:
    """The CLI's own command finds none (P70); this request does, and then the same profile is applied."""
    profile = arranged(maker, SCENARIOS["the workspace is soft-deleted"], registered=True)
    (refused,) = applied(maker, profile).diagnostics
    path = refused.remedy.partition("--url '")[2].partition("'")[0]

    identifier, _, query = path.partition("?")
    params = dict(parse_qsl(query))
    session = maker.client().session(profile)
    resources = session.resources.resources
    resources.begin_delete_by_id(identifier.lstrip("/"), api_version=params.pop("api-version"), params=params).result()
    session.close()

    assert not maker.client().apply(profile).pending


def test_the_default_number_of_cosmos_db_accounts_is_warned_of(maker: ScenarioBuilder) -> None:
    """No read shows the limit, so the plan is applied all the same, and Azure decides."""
    scenario = Scenario(lambda site: site.running.state.use_quota(offers.COSMOS_DB_ACCOUNTS, 50, ""))
    profile = arranged(maker, scenario, registered=True)

    plan = maker.client().plan(profile)
    refusal = applied(maker, profile)

    assert ["CMK167"] == [each.code for each in plan.diagnostics if each.severity is Severity.WARNING]
    assert any("The current DatabaseAccount count is 50" in each.detail for each in refusal.diagnostics)


def test_a_workspace_that_exists_is_not_written_against_its_nature(maker: ScenarioBuilder) -> None:
    """The bare 500 for an immutable property is foreseen as a conflict."""
    scenario = Scenario(FINISHED["the workspace has another impact"])
    profile = arranged(maker, scenario, registered=True, beginning="finished")

    refusal = applied(maker, profile)

    assert FORESEEN["immutable_changed"]["code"] in {each.code for each in refusal.diagnostics}


@pytest.mark.parametrize("row", SHOWN_BY_THE_PROFILE)
def test_what_the_profile_shows_is_refused_without_a_request(row: str, tmp_path: Path) -> None:
    """At the line of the profile."""
    usual: dict[str, Any] = {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": GROUP,
        "key_vault": {"name": VAULT},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
    }
    for name, section in SHOWN_BY_THE_PROFILE[row]["profile"].items():
        usual[name] = usual.get(name, {}) | section
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(usual), encoding="utf-8")

    with pytest.raises((CmkctlError, ValidationError)) as raised:
        load_profile(file, environ={})

    assert isinstance(raised.value, CmkctlError)
    assert [SHOWN_BY_THE_PROFILE[row]["code"]] == [each.code for each in raised.value.diagnostics]


def test_every_refusal_of_the_sandbox_is_in_one_list() -> None:
    """A refusal that is in none could come after something irreversible without anybody having thought about it."""
    listed = [name for lists in (LISTS, *OF_SERVICES) for each in lists.values() for name in each]
    plane = {name for name, row in rows().items() if row in TABLE and _of_the_vault_plane(name)}

    assert {name for lists in OF_SERVICES for name in lists} <= {"not sent", "elsewhere", "read"}
    assert sorted(set(listed)) == sorted(listed)
    assert set(rows()) - plane == set(listed)


def test_every_scenario_is_used_and_there() -> None:
    """A row names a scenario that exists, and every scenario belongs to a row."""
    named = {each["scenario"] for each in FORESEEN.values() if "scenario" in each}

    assert named == {*SCENARIOS, *FINISHED}


FAULTS: Final = {
    "retried": {
        "throttle-seconds", "throttle-date", "throttle-text", "throttle-bare", "throttle-capital", "throttle-retryable",
        "error-500", "error-502", "unavailable-once", "error-504", "timeout-after-write", "poll-html-500", "recover-500",
        "reset-before-write", "reset-after-write", "token-expired", "short-tokens", "slow-grant", "slow-principal", "random",
    },
    # They begin with the write that meets them: at the time of a read there is nothing to be seen.
    "begins with the write": {
        "late-failure", "failure-cached", "vault-soft-deleted", "workspace-soft-deleted", "policy-managed-group",
        "no-capacity", "search-quota",
    },
}  # fmt: skip


def test_every_fault_is_retried_or_begins_with_the_write() -> None:
    """A refusal that a read could show has a scenario of its own. A lag of Resource Graph fails no request."""
    assert set(KINDS) - {"graph-lag"} == FAULTS["retried"] | FAULTS["begins with the write"]


def _of_the_vault_plane(name: str) -> bool:
    """Return True for a row that only Key Vault's data plane gives, which cmkctl does not use."""
    source = Path(dispatch.__file__).parents[1] / "core" / "errors.py"
    _, _, plane = source.read_text(encoding="utf-8").partition("Key Vault's data plane")
    return f"\n{name} = ErrorRow(" in plane
