"""The cases notice a wrong step: each mutant below changes one decision, and at least one case of its step fails.

Run it alone with ``pytest tests/steps/test_mutants.py``. Add a line for every decision that a new step takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from support.mutants import Mutant, mutated
from support.planning import CASES, STEPS, Case, plain, rendered_outputs

from cmkctl.diagnostics import CmkctlError
from cmkctl.steps.base import AnyStep

MUTANTS: Final = (
    # outputs
    Mutant("resource_providers", "resource_providers", "if state != _REGISTERED]}", "if state == _REGISTERED]}"),
    Mutant("key_vault", "key_vault", 'URI: properties.get("vaultUri")', 'URI: properties.get("name")'),
    Mutant("key_vault", "key_vault", "RBAC: wants_rbac(profile.key_vault)", "RBAC: False"),
    Mutant("key_vault", "key_vault", 'TENANT: properties.get("tenantId")', 'TENANT: observed.tenant + "0"'),
    Mutant("key", "key", 'get("keyUriWithVersion")\n', 'get("keyUri")\n'),
    Mutant("encrypted_resources", "encrypted_resources", "key_uri=known.get(KEY_URI)", "key_uri=known.get(URI)"),
    Mutant("encrypted_resources", "encrypted_resources", 'get("clientId")', 'get("principalId")'),
    Mutant("encrypted_resources", "encrypted_resources", "earliest=earliest, ", ""),
    Mutant(
        "encrypted_resources", "encrypted_resources", "if each.encrypted(profile)", "if not each.encrypted(profile)"
    ),
    Mutant("encrypted_resources", "_associated.storage", '("blob", "file", "queue", "table")', '("blob", "file")'),
    Mutant("encrypted_resources", "_associated.customer_key", "if used.version else []", "if not used.version else []"),
    Mutant("key_access", "key_access", "observed.cosmos_db.object_id or", "observed.cosmos_db.key or"),
    Mutant("key_access", "key_access", "max(moments).isoformat()", "min(moments).isoformat()"),
    Mutant(
        "key_access",
        "_grants",
        "return min([*(moment(each) or at for each in made), at])",
        "return max([*(moment(each) or at for each in made), at])",
    ),
    Mutant(
        "workspace",
        "workspace",
        'IDENTITY_OBJECT_ID: (observed.get("identity") or {}).get("principalId")',
        'IDENTITY_OBJECT_ID: (observed.get("identity") or {}).get("tenantId")',
    ),
    Mutant("workspace", "workspace", 'get("serviceProvisionedResourceGroup")', 'get("friendlyName")'),
    # reads
    Mutant("role_assignments", "role_assignments", "if object_id else []", "if not object_id else []"),
    Mutant(
        "resource_providers", "resource_providers", 'provider.get("registrationState")', 'provider.get("namespace")'
    ),
    Mutant(
        "resource_group",
        "resource_group",
        "azure.resource_group(profile.resource_group)",
        "azure.resource_group(profile.key_vault.resource_name)",
    ),
    Mutant("key_vault", "key_vault", "if absent else None", "if not absent else None"),
    Mutant(
        "key",
        "key",
        "if vault.subscription.lower() != profile.subscription",
        "if vault.subscription.lower() == profile.subscription",
    ),
    Mutant(
        "key_access",
        "_principals",
        "if error.failure.kind is not FailureKind.DENIED",
        "if error.failure.kind is FailureKind.DENIED",
    ),
    Mutant("associated_resources", "associated_resources", 'get("tenantId", "")', 'get("subscriptionId", "")'),
    Mutant("private_dns", "private_dns", "or not network.is_given(zone):", "or network.is_given(zone):"),
    Mutant("private_dns", "private_dns", "in names and not any", "not in names and not any"),
    Mutant("private_endpoints", "private_endpoints", "if each.word != WORKSPACE", "if each.word == WORKSPACE"),
    Mutant("private_endpoints", "_endpoints", '.get("location") or profile', '.get("id") or profile'),
    Mutant("private_endpoints", "_endpoints", "if same_resource_id(endpoint, identifier)), ", "if endpoint), "),
    Mutant("private_endpoints", "_endpoints", "if found and same_group and", "if found and"),
    Mutant("private_endpoints", "_endpoints", "if endpoint.action.writes or", "if not endpoint.action.writes or"),
    Mutant("private_endpoints", "_endpoints", "[*kept, *added]", "[*added]"),
    Mutant("private_endpoints", "_private_targets", "and each.group == one.group for", "and each is one for"),
    Mutant("workspace_endpoint", "workspace_endpoint", "if each.word == WORKSPACE", "if each.word != WORKSPACE"),
    Mutant("managed_network", "managed_network", "return later or [_no_op", "return [_no_op"),
    Mutant("managed_network", "managed_network", "in _AZURES_OWN:", "in ():"),
    Mutant(
        "managed_network",
        "managed_network",
        'depends_on=after,\n        request=Request("PUT"',
        'request=Request("PUT"',
    ),
    Mutant("managed_network", "_workspace_network", "listed or _CHANGES", "_CHANGES"),
    Mutant("managed_network", "_workspace_network", "in serverless.model_fields_set", "in ()"),
    Mutant("managed_network", "_workspace_network", 'has.replace(" ", "")', "has"),
    # decisions
    Mutant("resource_providers", "resource_providers", 'state == "Registering"', 'state == "Unregistered"'),
    Mutant("resource_group", "resource_group", '"Deleting"', '"Deleted"'),
    Mutant(
        "key_vault",
        "_vault_conflicts",
        'if not properties.get("enablePurgeProtection") and',
        'if properties.get("enablePurgeProtection") and',
    ),
    Mutant("key", "key", 'attributes["exp"] <= now', 'attributes["exp"] < now'),
    Mutant("key_access", "_grants", 'and not each.get("applicationId")', ""),
    Mutant("key_access", "_grants", 'startswith(f"{scope}/")', "startswith(scope)"),
    Mutant("associated_resources", "associated_resources", "if given or not each.repaired", "if given"),
    Mutant(
        "workspace",
        "_workspace_conflicts",
        "last - made < _CREATION_TAKES_AT_MOST",
        "last - made > _CREATION_TAKES_AT_MOST",
    ),
    Mutant("role_assignments", "role_assignments", "if not drift:", "if drift:"),
    Mutant("role_assignments", "_role_assignments", "and same_resource_id(found.get", "or same_resource_id(found.get"),
    Mutant("role_assignments", "role_assignments", "if scopes and not any(", "if scopes and any("),
    Mutant("key", "key", "if profile.key.version is not None and observed.version is None:", "if False:"),
    Mutant("key", "key", "if observed.unreadable:", "if not observed.unreadable:"),
    Mutant("key_vault", "key_vault", "network != _network(properties)", "network == _network(properties)"),
    # requests
    Mutant("role_assignments", "_role_assignments", '"conditionVersion": "2.0"', '"conditionVersion": "1.0"'),
    Mutant("resource_providers", "resource_providers", 'f"{resource}/register"', 'f"{resource}/unregister"'),
    Mutant(
        "resource_group",
        "resource_group",
        '"location": profile.location, "tags": new_tags(profile)',
        '"location": profile.location',
    ),
    Mutant("key_vault", "key_vault", '"enablePurgeProtection": True', '"enablePurgeProtection": False'),
    Mutant("key", "key", 'OPERATIONS: Final = ("wrapKey", "unwrapKey")', 'OPERATIONS: Final = ("wrapKey", "decrypt")'),
    Mutant("key_access", "_principals", "...] = PERMISSIONS", '...] = (*PERMISSIONS, "delete")'),
    Mutant(
        "associated_resources", "_associated.storage", '"minimumTlsVersion": "TLS1_2"', '"minimumTlsVersion": "TLS1_0"'
    ),
    Mutant("diagnostic_settings", "diagnostic_settings", '"category": "AllMetrics"', '"category": "Transaction"'),
    Mutant("diagnostic_settings", "diagnostic_settings", 'if each.get("enabled")', ""),
    Mutant("workspace", "workspace", 'properties["enableServiceSideCMKEncryption"] = True', "pass"),
    # waits, resends, order and what cannot be undone
    Mutant("resource_providers", "resource_providers", "group=step", 'group=""'),
    Mutant("resource_group", "resource_group", 'phrase=Phrase("in {}")', "phrase=Phrase()"),
    Mutant(
        "key_vault",
        "key_vault",
        "settle=settle_vault(profile.key_vault.resource_id),\n    )\n\n\ndef _recover",
        ")\n\n\ndef _recover",
    ),
    Mutant("key_vault", "key_vault", '(_PURGE_PROTECTION_FOR_EVER, f"once', '(f"once'),
    Mutant("key", "key", 'phrase=Phrase("{} bits")', "phrase=Phrase()"),
    Mutant("key_access", "key_access", "if each.action is not Action.NO_OP]", "if each.action.writes]"),
    Mutant(
        "key_access",
        "_principals",
        "may_result_from=(provider_id(profile.subscription, DOCUMENT_DB),)",
        "may_result_from=()",
    ),
    Mutant(
        "associated_resources",
        "_associated.application_insights",
        "depends_on=lambda profile: (profile.associated_resources.log_analytics.resource_id,)",
        "depends_on=lambda profile: ()",
    ),
    Mutant(
        "associated_resources",
        "_associated.log_analytics",
        "feeds_only_the_workspace=False",
        "feeds_only_the_workspace=True",
    ),
    Mutant(
        "workspace",
        "workspace",
        "_EXPECTED if profile.workspace.encryption ==",
        "_EXPECTED if profile.workspace.encryption !=",
    ),
    Mutant(
        "workspace",
        "workspace",
        "resend=_RESEND_WITH_ROLES if settings.assigns_roles else _RESEND",
        "resend=None",
    ),
    Mutant("workspace", "workspace", "_WITH_ROLES if settings.assigns_roles", "_WITH_ROLES if False"),
    Mutant("workspace", "workspace", "interval=600.0", "interval=60.0"),
    Mutant("workspace", "workspace", "_TIMEOUT: Final = 7200.0", "_TIMEOUT: Final = 72.0"),
    Mutant("workspace", "workspace", "return max((each for each in moments", "return min((each for each in moments"),
    Mutant("workspace", "workspace", "properties |= _optional(profile)", "pass"),
    Mutant("workspace", "_workspace_kinds", "if kind_of(found) != settings.kind", "if False"),
    Mutant("workspace", "_workspace_conflicts", "    if further:", "    if False:"),
    Mutant("managed_identity", "managed_identity", "if not same_location(location", "if same_location(location"),
    Mutant("managed_identity", "managed_identity", 'get("principalId")', 'get("clientId")'),
    Mutant("identity_roles", "_identity_needs", 'or assignment.get("condition")', ""),
    Mutant("identity_roles", "_identity_needs", "if reads and not any(", "if not any("),
    Mutant("identity_roles", "identity_roles", "max(made, default", "min(made, default"),
    Mutant("projects", "projects", "elif not same_resource_id(hub", "elif same_resource_id(hub"),
    Mutant("projects", "projects", '"kind": "Project"', '"kind": "Default"'),
    Mutant(
        "workspace",
        "workspace",
        'IN_SUBSCRIPTION_COSTS if settings.encryption == "in-subscription"',
        'IN_SUBSCRIPTION_COSTS if settings.encryption == "service-side"',
    ),
)


def failing(steps: Mapping[str, AnyStep], names: Collection[str]) -> Iterator[str]:
    """Yield the cases of some steps that fail with these versions of them."""
    return (case.name for case in CASES.values() if case.step in names and not _passes(case, steps[case.step]))


def _passes(case: Case, step: AnyStep) -> bool:
    try:
        return bool(
            case.expected == case.rendered(step) and plain(case.text["outputs"]) == rendered_outputs(case.outputs(step))
        )
    except CmkctlError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_mutants_are_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """At least one case of the step fails."""
    with mutated(tmp_path, mutant) as steps:
        assert next(failing(steps, {mutant.step}), None) is not None


def test_every_mutant_finds_its_piece() -> None:
    """A piece that moved to another module is noticed without running the mutants."""
    assert [str(each) for each in MUTANTS if each.occurrences != 1] == []


def test_an_exact_copy_passes(tmp_path: Path) -> None:
    """The failures above come from the mutants, not from loading the steps again."""
    with mutated(tmp_path, None) as steps:
        assert [] == list(failing(steps, STEPS))


def test_every_step_has_mutants() -> None:
    """A new step brings mutants of its own."""
    assert set(STEPS) == {each.step for each in MUTANTS}
