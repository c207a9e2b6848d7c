"""Fields of the profile that are not compared with Azure, with the reason; plan and verify list every one.

Each note is about a resource that exists. A resource that does not exist yet is created with every field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.compare import excess_permissions, same_location, same_word
from cmkctl.checks.documents import key_attributes
from cmkctl.checks.observed import ASSOCIATED, KEY, PRIVATE_ENDPOINTS, RESOURCE_GROUP, WORKSPACE, WORKSPACE_ENDPOINT
from cmkctl.clock import date
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

CMK115: Final = Code(
    "CMK115",
    "Not compared",
    "Azure does not show this setting, cmkctl may not change it, or it is a setting of cmkctl's own. The resource counts as up to date without it.",
    "Check the setting yourself where it matters.",
)

_OWN_SETTINGS: Final = {
    "key_vault.allow_enabling_purge_protection": "it permits a change, and is no setting of the vault",
    "key_vault.recover": "it permits a recovery, and is no setting of the vault",
    "key.recover": "it permits a recovery, and is no setting of the key",
    "key_access.create_service_principal": "it permits a change, and is no setting in Azure",
    "key_access.settle_seconds": "it delays the creation of a workspace, and this one exists",
}


@rule(CMK115, severity=Severity.NOTE, needs=(WORKSPACE,))
def settings_of_cmkctl(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the fields that steer a run and have no counterpart in Azure."""
    if facts[WORKSPACE] is None:
        return
    for field, reason in _OWN_SETTINGS.items():
        name, _, setting = field.partition(".")
        section = getattr(profile, name)
        # A saved plan has every field, so what differs from the default counts, and not what is written.
        if getattr(section, setting) != type(section).model_fields[setting].default:
            yield _note(field, reason)


@rule(CMK115, severity=Severity.NOTE)
def settings_of_services(profile: Profile, facts: Facts) -> Iterator[Finding]:  # noqa: ARG001 - a rule's signature
    """Name the services of the profile: their keys are the work of other commands."""
    for name in type(profile.services).model_fields:
        if getattr(profile.services, name):
            yield _note(
                f"services.{name}",
                "plan, apply and verify cover the workspace and its own resources",
                "Compare them with cmkctl posture, and put the key on them with cmkctl encrypt.",
            )


@rule(CMK115, severity=Severity.NOTE, needs=(PRIVATE_ENDPOINTS, WORKSPACE_ENDPOINT))
def settings_of_the_private_network(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the settings that endpoints which are there do not follow: their names, and the zones they are registered in."""
    network = profile.private_network
    endpoints = {**facts[PRIVATE_ENDPOINTS].endpoints, **facts[WORKSPACE_ENDPOINT].endpoints}
    if network is None or not endpoints:
        return
    for target, name in network.names.items():
        found = endpoints.get(network.endpoint_id(target))
        has = str(found.document["id"]).rpartition("/")[2] if found is not None else name
        if not same_word(has, name):
            yield _note("private_network.names", f"for {target} the endpoint {has} is there already, and is used")
    if not network.dns.make:
        yield _note("private_network.dns.make", "zones, links and zone groups that are there stay as they are")


@rule(CMK115, severity=Severity.NOTE, needs=(WORKSPACE,))
def settings_of_the_workspace(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name what a workspace has beside the profile, and what Azure does not show of it."""
    workspace, settings = facts[WORKSPACE], profile.workspace
    if workspace is None:
        return
    properties = workspace.get("properties") or {}
    managed = properties.get("serviceManagedResourcesSettings") or {}
    if settings.cosmos_db_throughput and not (managed.get("cosmosDb") or {}).get("collectionsThroughput"):
        yield _note("workspace.cosmos_db_throughput", "Azure does not show the throughput of this workspace")
    named = "public_network_access" in settings.model_fields_set
    if not named and same_word(properties.get("publicNetworkAccess"), "Disabled"):
        yield _note("workspace.public_network_access", "the profile leaves it out, and the workspace has disabled")
    if settings.v1_legacy_mode is None and properties.get("v1LegacyMode"):
        yield _note("workspace.v1_legacy_mode", "the profile leaves it out, and the workspace has it on")


@rule(CMK115, severity=Severity.NOTE, needs=(KEY,))
def settings_of_the_key(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the settings of an existing key that Resource Manager does not show or not change."""
    from cmkctl.steps._tags import tag_drift  # noqa: PLC0415 - the steps bring the Azure SDK with them
    from cmkctl.steps.key import OPERATIONS, expiry_follows_rotation  # noqa: PLC0415 - the steps bring the Azure SDK with them

    found, wanted = facts[KEY].key, profile.key
    if found is None:
        return
    key = f"--vault-name {profile.key_vault.resource_name} --name {wanted.name}"
    expiry = key_attributes(facts[KEY]).get("exp")
    if wanted.expires and expiry_follows_rotation(wanted) and expiry != int(wanted.expires.timestamp()):
        has = f"expires on {date(expiry)}" if expiry else "never expires"
        yield _note("key.expires", f"key.rotation_policy sets the expiry of new versions; the latest one {has}")
    policy = (found.get("properties") or {}).get("rotationPolicy") or {}
    if not wanted.rotation_policy and _rotates(policy):
        yield _note("key.rotation_policy", "the profile leaves it out, and the vault rotates the key")
    if tag_drift(profile, found):
        change = f"Set them with: az keyvault key set-attributes {key} --tags NAME=VALUE."
        yield _note(
            "tags", "the key has other tags, and Resource Manager does not change those of an existing key", change
        )
    further = excess_permissions((found.get("properties") or {}).get("keyOps") or [], OPERATIONS)
    if further:
        yield _note("key", f"the key also allows {', '.join(further)}, which the workspace does not need")


def _rotates(policy: Mapping[str, Any]) -> bool:
    return any(
        same_word((each.get("action") or {}).get("type"), "rotate") for each in policy.get("lifetimeActions") or []
    )


@rule(CMK115, severity=Severity.NOTE, needs=(RESOURCE_GROUP,))
def tags_of_the_group(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name an existing group whose tags differ: it may serve others as well."""
    from cmkctl.steps._tags import tag_drift  # noqa: PLC0415 - the steps bring the Azure SDK with them

    group = facts[RESOURCE_GROUP]
    if group is not None and tag_drift(profile, group):
        yield _note(
            "tags",
            "the resource group has other tags, and cmkctl never changes an existing group",
            f"Set them with: az tag update --operation merge --resource-id {profile.resource_group_id} --tags NAME=VALUE.",
        )


@rule(CMK115, severity=Severity.NOTE, needs=(ASSOCIATED,))
def associated_resources_as_they_are(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the differences of resources that cmkctl uses as they are."""
    from cmkctl.steps._associated import specs_of  # noqa: PLC0415 - the steps bring the Azure SDK with them
    from cmkctl.steps.associated_resources import kept_as_they_are  # noqa: PLC0415 - the steps bring the Azure SDK with them

    associated = profile.associated_resources
    if associated.application_insights.id is not None and "log_analytics" in associated.model_fields_set:
        reason = "the given Application Insights component has a Log Analytics workspace already"
        yield _note("associated_resources.log_analytics", reason)
    for spec in specs_of(profile):
        found, given = facts[ASSOCIATED].resources.get(spec.resource_id(profile) or ""), spec.given(profile)
        if found is None:
            continue
        if getattr(spec.settings(profile), "purge_protection", True) is False and _purge_protected(found):
            yield _note(f"{spec.field}.purge_protection", "the vault has purge protection, which is never turned off")
        field, differing = spec.field, kept_as_they_are(profile, spec, found)
        if differing:
            yield _note(field, f"cmkctl never changes this resource; it differs in {', '.join(differing)}")
        if given and spec.sku(profile):
            yield _note(f"{field}.sku", "it is that of a new resource, and this one is given by id")
        location = str(found.get("location") or profile.location)
        if given and not same_location(location, profile.location):
            yield _note("location", f"{field} is given by id, and is in {location}")


def _purge_protected(found: Mapping[str, Any]) -> bool:
    return bool((found.get("properties") or {}).get("enablePurgeProtection"))


def _note(field: str, reason: str, remedy: str = "Check it yourself where it matters.") -> Finding:
    return Finding(f"{field}: {reason}.", remedy, field)
