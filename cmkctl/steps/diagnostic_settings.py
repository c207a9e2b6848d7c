"""Step 8: diagnostic settings, which send logs and metrics of the workspace and its resources to the profile's destinations.

One setting of the profile's name for each resource; those of other names belong to others and stay. A PUT replaces a setting
as a whole, so what it sends is all that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cmkctl.azure import decoding, versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Phrase, Request
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.diagnostics import DiagnosticSettings as Settings
from cmkctl.steps.base import conflict, no_op

TYPE: Final = "Microsoft.Insights/diagnosticSettings"
_STORAGE_SERVICES: Final = ("blob", "file", "queue", "table")
_GROUPS: Final = {"all": "allLogs", "audit": "audit"}
_DESTINATIONS: Final = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId")


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that gets a setting: its kind for people, its ARM id, and True where it has logs."""

    kind: str
    resource_id: str
    logs: bool = True


@dataclass(frozen=True, slots=True)
class ObservedSettings:
    """The diagnostic settings of each target by its ARM id; None where the target does not exist."""

    settings: Mapping[str, tuple[ArmDocument, ...] | None]


class DiagnosticSettings:
    """``PUT …/providers/Microsoft.Insights/diagnosticSettings/NAME`` below each resource that the profile lists."""

    name = "diagnostic_settings"
    title = "diagnostic settings"
    needs = ("key_vault", "associated_resources", "encrypted_resources", "workspace")
    doc = "https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the settings, where the profile has any."""
        return (TYPE,) if profile.diagnostics else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedSettings:
        """Read the settings of every target at the same time."""
        targets = targets_of(profile)
        found = azure.gather(*(partial(_settings, azure, each.resource_id) for each in targets))
        return ObservedSettings({each.resource_id: rows for each, rows in zip(targets, found, strict=True)})

    def plan(self, profile: Profile, observed: ObservedSettings, known: Known) -> list[Change]:  # noqa: ARG002
        """Create or replace the setting of each target. Without `diagnostics` in the profile there is nothing to plan."""
        settings = profile.diagnostics
        if settings is None:
            return []
        return [_plan_one(settings, each, observed.settings[each.resource_id] or ()) for each in targets_of(profile)]

    def outputs(self, profile: Profile, observed: ObservedSettings) -> Outputs:  # noqa: ARG002
        """Return nothing: no step uses them."""
        return {}


def _settings(azure: Snapshot, resource: str) -> tuple[ArmDocument, ...] | None:
    page = azure.listing(f"{resource}/providers/{TYPE}", versions.DIAGNOSTIC_SETTINGS, decoding.DiagnosticSettings)
    return None if page is None else tuple(page["value"])


def targets_of(profile: Profile) -> list[Target]:
    """Return the resources that get a setting, each once. A storage account has its logs in its services."""
    if profile.diagnostics is None:
        return []
    associated, wanted = profile.associated_resources, profile.diagnostics.resources
    found = {each.resource_id.lower(): each for each in _candidates(profile) if each.kind.replace(" ", "_") in wanted}
    if "storage_account" in wanted:
        account = associated.storage_account.resource_id
        services = [
            Target(f"{each} service of storage account", f"{account}/{each}Services/default")
            for each in _STORAGE_SERVICES
        ]
        return [*found.values(), *services]
    return list(found.values())


def _candidates(profile: Profile) -> Iterator[Target]:
    associated = profile.associated_resources
    yield Target("workspace", profile.workspace.resource_id)
    yield Target("key vault", profile.key_vault.resource_id)
    if not same_resource_id(associated.key_vault_id, profile.key_vault.resource_id):
        yield Target("workspace key vault", associated.key_vault_id)
    if associated.container_registry_id:
        yield Target("container registry", associated.container_registry_id)
    # The account itself has metrics alone.
    if profile.diagnostics and profile.diagnostics.metrics:
        yield Target("storage account", associated.storage_account.resource_id, logs=False)


def _plan_one(settings: Settings, target: Target, found: tuple[ArmDocument, ...]) -> Change:
    resource = f"{target.resource_id}/providers/{TYPE}/{settings.name}"
    kind, name = f"diagnostic setting of {target.kind}", _shown_name(target)
    body = _body(settings, target)
    ours = next((each for each in found if same_word(str(each.get("name")), settings.name)), None)
    others = [each for each in found if each is not ours]
    if taken := next((each for each in others if _same_sink(body, each)), None):
        return conflict(
            DiagnosticSettings.name,
            resource,
            kind,
            name,
            "CMK265",
            f"the setting {taken.get('name')} sends the same to the same destination, which Azure allows once",
            f"write diagnostics.name: {taken.get('name')}, to have that setting brought in line",
            "delete that setting",
        )
    differing = list(_differences(body, ours or {}))
    if ours is not None and not differing:
        return no_op(DiagnosticSettings.name, resource, kind, name, "up to date")
    return Change(
        DiagnosticSettings.name,
        Action.CREATE if ours is None else Action.UPDATE,
        resource,
        kind,
        name,
        "does not exist" if ours is None else f"differs in {' and '.join(each.path for each in differing)}",
        attributes=tuple(differing),
        request=Request("PUT", resource, versions.DIAGNOSTIC_SETTINGS, body),
    )


def _shown_name(target: Target) -> str:
    """Return the resource's name for people: that of the account for one of its services."""
    parsed = ResourceId.parse(target.resource_id)
    return parsed.names[0]


def _body(settings: Settings, target: Target) -> dict[str, Json]:
    hub = settings.event_hub
    destinations: dict[str, Json] = {
        "workspaceId": settings.log_analytics,
        "storageAccountId": settings.storage_account,
        "eventHubAuthorizationRuleId": hub.rule if hub else None,
        "eventHubName": hub.name if hub else None,
    }
    logs: Json = (
        [{"categoryGroup": _GROUPS[settings.logs], "enabled": True}] if target.logs and settings.logs in _GROUPS else []
    )
    metrics: Json = [{"category": "AllMetrics", "enabled": True}] if settings.metrics else []
    given = {name: value for name, value in destinations.items() if value is not None}
    return {"properties": {**given, "logs": logs, "metrics": metrics}}


def _differences(body: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[AttributeChange]:
    """Yield each property in which a setting differs. What it sends is compared as a set: Azure lists disabled ones as well."""
    wanted, has = body["properties"], found.get("properties") or {}
    for name in (*_DESTINATIONS, "eventHubName"):
        if not same_resource_id(has.get(name), wanted.get(name)):
            yield AttributeChange(name, has.get(name), wanted.get(name), phrase=_phrase(name, wanted.get(name)))
    for name in ("logs", "metrics"):
        if sent(has.get(name)) != sent(wanted[name]):
            yield AttributeChange(
                name, sorted(sent(has.get(name))) or None, sorted(sent(wanted[name])), phrase=Phrase("")
            )


_SINKS: Final = {
    "workspaceId": "Log Analytics workspace",
    "storageAccountId": "storage account",
    "eventHubAuthorizationRuleId": "event hub by rule",
    "eventHubName": "event hub",
}


def _phrase(name: str, wanted: str | None) -> Phrase | None:
    return Phrase(f"to {_SINKS[name]} {wanted.rpartition('/')[2]}") if wanted else None


def sent(rows: Any) -> frozenset[str]:
    """Return the categories and groups that are sent, as Azure and the profile may spell them."""
    return frozenset(
        str(each.get("categoryGroup") or each.get("category")).lower() for each in rows or () if each.get("enabled")
    )


def _same_sink(body: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return True when another setting sends one of the same categories to one of the same destinations.

    Azure refuses that with 409: data sinks cannot be reused in different settings on the same category of a resource.
    """
    wanted, has = body["properties"], other.get("properties") or {}
    shared = any(wanted.get(name) and same_resource_id(wanted[name], has.get(name)) for name in _DESTINATIONS)
    return shared and any(sent(wanted[name]) & sent(has.get(name)) for name in ("logs", "metrics"))
