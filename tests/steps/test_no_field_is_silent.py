"""No field of a profile is ignored: a change of it alone is noticed after an apply.

Each leaf of the schema is changed to another valid value, and the result is planned against the sandbox in the state that the
first profile left. What follows is a change, a conflict, an error, or a note that the field is not compared. A new field is found
by itself; one without a value to change to fails the test, and so does one that nothing compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, get_args

import pytest
from pydantic import ValidationError
from support.planning import at_path
from support.scenarios import ScenarioBuilder, served

from cmkctl.diagnostics import CmkctlError, Severity
from cmkctl.plan import Action, Plan
from cmkctl.profile.fields import ProfileField, profile_fields
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, TENANT_ID

pytestmark = pytest.mark.slow

GROUP: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-people/providers"
IDENTITIES: Final = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities"
SUBNET: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-ml"
    "/subnets/snet-endpoints"
)

OPS: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers"
RULE: Final = f"{OPS}/Microsoft.EventHub/namespaces/ns/authorizationRules/send"
LOGS: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.OperationalInsights/workspaces/log-ml"
)

BASE: Final[Mapping[str, Any]] = {
    "cloud": "AzureCloud",
    "subscription": SUBSCRIPTION_ID,
    "location": "eastus2",
    "resource_group": "rg-ml",
    "key_vault": {
        "name": "kv-silent",
        "authorization": "access-policy",
        "soft_delete_days": 30,
        "sku": "standard",
        "allow_enabling_purge_protection": False,
        "enabled_for_deployment": False,
        "enabled_for_template_deployment": False,
        "enabled_for_disk_encryption": False,
        "network": {
            "public_access": "enabled",
            "default_action": "Deny",
            "bypass": "AzureServices",
            "ip_rules": ["203.0.113.7"],
        },
    },
    "key": {
        "name": "cmk",
        "type": "RSA",
        "size": 3072,
        "expires": "2031-01-31",
        "rotation_policy": {"rotate_after": "P1Y", "expires_after": "P2Y", "notify_before_expiry": "P30D"},
    },
    "key_access": {"scope": "vault", "create_service_principal": True, "settle_seconds": 0},
    "workspace": {
        "name": "mlw",
        "high_business_impact": True,
        "encryption": "in-subscription",
        "friendly_name": "Fraud",
        "description": "Models",
        "public_network_access": "disabled",
        "cosmos_db_throughput": 400,
        "identity": {"system_assigned": True, "user_assigned": [f"{IDENTITIES}/id-ml"]},
        "managed_network": {
            "isolation_mode": "AllowOnlyApprovedOutbound",
            "firewall_sku": "Standard",
            "outbound_rules": [
                {"name": "pypi", "fqdn": "pypi.org"},
                {
                    "name": "data",
                    "private_endpoint": {"resource": f"{GROUP}/Microsoft.Storage/storageAccounts/st", "target": "blob"},
                },
                {"name": "factory", "service_tag": {"tag": "DataFactory", "ports": "443"}},
            ],
        },
        "serverless_compute": {"no_public_ip": True},
        "image_build_compute": "cpu-build",
    },
    "associated_resources": {
        "storage_account": {"name": "stsilent", "sku": "Standard_LRS"},
        "log_analytics": {"name": "log-ml"},
        "application_insights": {"name": "appi-ml"},
        "key_vault": {"name": "kv-silent-own"},
        "container_registry": {"name": "crsilent", "sku": "Premium"},
    },
    "grants": [
        {
            "principal": "77777777-7777-4777-8777-777777777777",
            "principal_type": "User",
            "role": "Reader",
            "scope": "workspace",
            "description": "Audit",
        }
    ],
    "private_network": {"subnet": SUBNET, "endpoints": ["workspace", "blob"], "names": {"blob": "pe-blob"}},
    "diagnostics": {"log_analytics": LOGS, "logs": "all", "metrics": True, "resources": ["workspace"]},
    "tags": {"owner": "ml-platform"},
}
"""A profile that names every field it can; `OTHERS` has the rest."""

GRANTS: Final = "grants."
RULES: Final = "workspace.managed_network.outbound_rules."

OTHERS: Final[Mapping[str, Any]] = {
    "cloud": "AzureUSGovernment",
    "subscription": "99999999-9999-4999-8999-999999999999",
    "tenant": "99999999-9999-4999-8999-999999999999",
    "location": "westus",
    "key.expires": "2032-01-31",
    "key.rotation_policy.rotate_after": "P500D",
    "key_vault.network.ip_rules": ["198.51.100.0/24"],
    "key_access.cosmos_db_object_id": "99999999-9999-4999-8999-999999999999",
    "workspace.identity.user_assigned": [f"{IDENTITIES}/id-ml", f"{IDENTITIES}/id-other"],
    "workspace.identity.primary": f"{IDENTITIES}/id-ml",
    "workspace.identity": "system-assigned",
    "workspace.identity.create": "id-new",
    "workspace.encryption_identity": f"{IDENTITIES}/id-ml",
    "workspace.kind": "hub",
    "workspace.v1_legacy_mode": True,
    "workspace.data_isolation": False,
    "workspace.hub": {"default_project_resource_group": "rg-others"},
    "workspace.feature_store": {"spark_version": "3.4"},
    "projects": [{"name": "mlp"}],
    **{f"key_vault.enabled_for_{use}": True for use in ("deployment", "template_deployment", "disk_encryption")},
    "workspace.datastore_access": "identity",
    "associated_resources.key_vault": "same",
    "grants.scope": "storage_account",
    "grants.principal": "99999999-9999-4999-8999-999999999999",
    "private_network.endpoints": ["workspace", "blob", "file"],
    "private_network.names": {"blob": "pe-other"},
    f"{RULES}name": "other",
    f"{RULES}fqdn": "example.org",
    f"{RULES}private_endpoint.target": "file",
    f"{RULES}service_tag.tag": "AzureMonitor",
    f"{RULES}service_tag.protocol": "UDP",
    "associated_resources.storage_account.shared_keys": "disabled",
    "associated_resources.storage_account.network.resource_access_rules.tenant": TENANT_ID,
    "associated_resources.storage_account.encryption": "customer",
    "associated_resources.container_registry.encryption": "customer",
    "associated_resources.key_vault.soft_delete_days": 31,
    "associated_resources.log_analytics.retention_days": 31,
    "associated_resources.application_insights.type": "other",
    "associated_resources.container_registry.admin_user": "disabled",
    **{
        f"associated_resources.{section}.{field}": "disabled"
        for section in ("log_analytics", "application_insights")
        for field in ("ingestion", "query", "local_authentication")
    },
    **{
        f"associated_resources.{section}.network.{field}": value
        for section in ("storage_account", "key_vault", "container_registry")
        for field, value in (("public_access", "disabled"), ("default_action", "Deny"), ("bypass", "None"))
    },
    "associated_resources.storage_account.network.bypass": ["Metrics"],
    "diagnostics.log_analytics": f"{LOGS}-other",
    "diagnostics.resources": ["workspace", "key_vault"],
    "tags": {"owner": "others"},
}
"""Values to change to, where type and example give none."""

TOGETHER: Final[Mapping[str, Mapping[str, Any]]] = {
    "cloud": {"location": "usgovvirginia"},
    "key.type": {"key_vault.sku": None},
    "subscription": {"private_network": None},
    "workspace.managed_network.isolation_mode": {
        "workspace.managed_network.outbound_rules": None,
        "workspace.managed_network.firewall_sku": None,
    },
    "workspace.managed_network.include_spark": {"workspace.managed_network.provision": "now"},
    "workspace.encryption": {"workspace.cosmos_db_throughput": None},
    "associated_resources.container_registry.admin_user": {"workspace.identity": f"{IDENTITIES}/id-ml"},
    **{
        f"associated_resources.{section}.network.{field}": {
            f"associated_resources.{section}.network.default_action": "Deny"
        }
        for section in ("storage_account", "key_vault", "container_registry")
        for field in ("ip_rules", "subnets", "resource_access_rules")
    },
    **{
        f"associated_resources.{section}.encryption": {"workspace.encryption_identity": f"{IDENTITIES}/id-ml"}
        for section in ("storage_account", "container_registry")
    },
    "diagnostics.event_hub.name": {"diagnostics.event_hub.rule": RULE},
    "key.rotation_policy.rotate_before_expiry": {"key.rotation_policy.rotate_after": None},
    "workspace.identity.roles": {"workspace.identity.primary": f"{IDENTITIES}/id-ml"},
    "workspace.data_isolation": {"workspace.encryption": "service-side", "workspace.cosmos_db_throughput": None},
    "workspace.hub": {"workspace.kind": "hub"},
    "workspace.feature_store": {"workspace.kind": "feature-store"},
    "projects": {"workspace.kind": "hub"},
}
"""What has to change with a field for the profile to stay valid; the id of a resource takes the place of its name."""

LEAVES: Final[Mapping[str, ProfileField]] = {
    path: each
    for path, each in profile_fields().items()
    if (each.section is None or path in {"workspace.identity", "associated_resources.key_vault"})
    # What is expected of a survey is no setting of a resource: `posture` compares it.
    and not path.startswith("posture.")
}


@pytest.fixture(scope="module")
def builder() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox in which BASE was applied."""
    with served() as builder:
        for name in ("id-ml", "id-other"):
            builder.running.state.add_identity(name, "rg-people")
        builder.running.state.add_subnet()
        builder.client().apply(Profile.model_validate(BASE))
        yield builder


def test_nothing_is_left_after_the_apply(builder: ScenarioBuilder) -> None:
    """The profile as it was applied is up to date, so that whatever follows has one cause."""
    plan = builder.client().plan(Profile.model_validate(BASE))

    assert [] == [each for each in plan.changes if each.action is not Action.NO_OP]
    assert not plan.errored


@pytest.mark.parametrize("path", LEAVES)
def test_a_change_of_one_field_is_noticed(builder: ScenarioBuilder, path: str) -> None:
    """A write, a wait, a conflict, an error, or a note that names the field and why it is not compared."""
    changed = changed_in(path)

    try:
        plan = builder.client().plan(changed)
    except CmkctlError:
        return

    named = any(f"{path}.".startswith(f"{each}.") for each in not_compared(plan))
    assert noticed(plan) or named, f"a change of {path} leads to nothing"


def noticed(plan: Plan) -> bool:
    """Return True for a plan in which something is due, or which cannot be applied."""
    errors = [each for each in plan.diagnostics if each.severity is Severity.ERROR]
    return bool(errors) or any(each.action is not Action.NO_OP for each in plan.changes)


def not_compared(plan: Plan) -> set[str]:
    """Return the fields that the plan names as not compared, with their reasons."""
    return {each.subject for each in plan.diagnostics if each.code == "CMK115" and each.detail}


def changed_in(path: str) -> Profile:
    """Return the base with another valid value for one field. Fails where none is known."""
    for value in candidates(path):
        document = deepcopy(dict(BASE))
        around = path.rpartition(".")[0]
        if path.startswith(RULES):
            changes = {RULES.rstrip("."): rules_with(path, value)}
        elif path.startswith(GRANTS):
            changes = {"grants": [grant_with(path.removeprefix(GRANTS), value)]}
        elif around and profile_fields()[around].listed:
            changes = {around: [entry_with(path, value)], **TOGETHER.get(around, {})}
        else:
            changes = {path: value, **replaced(path), **together(path)}
        for where, other in changes.items():
            put(document, where, other)
        if document == BASE:
            continue
        try:
            return Profile.model_validate(document)
        except ValidationError:
            continue
    raise AssertionError(f"no other valid value of {path} is known: add one to OTHERS")


def together(path: str) -> Mapping[str, Any]:
    """Return what has to change with a field, or with the section around it."""
    return TOGETHER.get(path, TOGETHER.get(path.rpartition(".")[0], {}))


def rules_with(path: str, value: Any) -> list[dict[str, Any]]:
    """Return the outbound rules of the base, with one field of the first rule that has it set."""
    rules: list[dict[str, Any]] = deepcopy(at_path(BASE, RULES.rstrip(".")))
    kind, _, name = path.removeprefix(RULES).rpartition(".")
    rule = next(each for each in rules if (kind or name) in each)
    (rule[kind] if kind else rule)[name] = value
    return rules


def entry_with(path: str, value: Any) -> dict[str, Any]:
    """Return an entry of a list of sections with one field set, and the required ones as in the example."""
    section, _, name = path.rpartition(".")
    required = {each for each, field in LEAVES.items() if field.info.is_required()}
    entry = {each.rpartition(".")[2]: LEAVES[each].example for each in required if each.rpartition(".")[0] == section}
    return {**{each: _in_the_sandbox(example) for each, example in entry.items()}, name: value}


def grant_with(name: str, value: Any) -> dict[str, Any]:
    """Return the grant of BASE with one field changed; an application takes the place of the principal."""
    (grant,) = BASE["grants"]
    given_way = {"principal", "principal_type"} if name == "application_id" else set()
    return {**{each: kept for each, kept in grant.items() if each not in given_way}, name: value}


def replaced(path: str) -> dict[str, Any]:
    """Return what gives way to the id of a resource."""
    section, _, name = path.rpartition(".")
    return {f"{section}.{known}": None for known in at_path(BASE, section) or ()} if name == "id" else {}


def candidates(path: str) -> Iterator[Any]:
    """Yield values to try: the given one, the other words of a type, the next number, a longer text, the example."""
    if path in OTHERS:
        yield OTHERS[path]
        return
    now = None if path.startswith(GRANTS) else at_path(BASE, path)
    info = LEAVES[path].info
    yield from (each for each in _words(info.annotation) if each != now)
    if isinstance(now, bool):
        yield not now
    elif isinstance(now, int):
        yield from (now + 1, now - 1)
    elif isinstance(now, str):
        yield from (f"{now}x", now.replace("1", "3"), now.replace("2", "3"), now.replace("30", "40"))
    for example in info.examples or ():
        yield _in_the_sandbox(example)


def _words(annotation: Any) -> Iterator[Any]:
    for each in get_args(annotation):
        if isinstance(each, str | int):
            yield each
        else:
            yield from _words(each)


def _in_the_sandbox(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("${AZURE_SUBSCRIPTION_ID}", SUBSCRIPTION_ID).replace("${AZURE_TENANT_ID}", TENANT_ID)
    return [_in_the_sandbox(each) for each in value] if isinstance(value, list) else value


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path, or remove it where the value is None; sections on the way are made."""
    *around, name = path.split(".")
    for each in around:
        inner = document.get(each)
        document[each] = dict(inner) if isinstance(inner, dict) else {}
        document = document[each]
    if value is None:
        document.pop(name, None)
    else:
        document[name] = value
