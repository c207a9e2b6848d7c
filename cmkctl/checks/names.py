"""Rules about names that others hold, or that deleted resources still hold (failures.md, P06, P07, P69)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location, same_resource_id, same_word
from cmkctl.azure.ids import provider_id
from cmkctl.checks.wanted import LOG_ANALYTICS, STORAGE_ACCOUNTS, NewResource, new_resources, require_registered
from cmkctl.checks.wanted import workspace_is_new as _workspace_is_new
from cmkctl.codes import CMK160, CMK162
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Fact, Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

_VAULTS: Final = "Microsoft.KeyVault/vaults"
_REGISTRIES: Final = "Microsoft.ContainerRegistry/registries"

CMK161: Final = Code(
    "CMK161",
    "A deleted Log Analytics workspace holds the name",
    "A deleted Log Analytics workspace is kept for 14 days. Creating one with its name, group and region brings the old one back, with its data and settings; in another region the creation is refused.",
    "Choose another associated_resources.log_analytics.name, or delete the old one for good with `az monitor log-analytics workspace delete --force`.",
    "https://learn.microsoft.com/azure/azure-monitor/logs/delete-workspace",
)

_ASKABLE: Final = {_VAULTS: "KEY_VAULT", STORAGE_ACCOUNTS: "STORAGE", _REGISTRIES: "CONTAINER_REGISTRY"}
"""The types with a ``checkNameAvailability``, and the api-version of each in `cmkctl.azure.versions`."""


@dataclass(frozen=True, slots=True)
class TakenName:
    """A name that Azure reports as unavailable: the reason, and the soft-deleted vault of this subscription that holds it."""

    wanted: NewResource
    reason: str
    deleted: Mapping[str, Any] | None = None

    @property
    def field(self) -> str:
        """The field of the profile with the name."""
        return f"{self.wanted.field}.name"


def _names(resource_type: str, azure: Snapshot, profile: Profile) -> list[TakenName]:
    """Check the names of new resources of a type whose names are unique in the cloud, with Azure."""
    named = [each for each in new_resources(azure, profile) if each.type == resource_type]
    if named:
        require_registered(azure, resource_type.partition("/")[0])
    answers = azure.gather(*(partial(_check, azure, profile, each) for each in named))
    return [each for each in answers if each is not None]


def _check(azure: Snapshot, profile: Profile, wanted: NewResource) -> TakenName | None:
    from cmkctl.azure import decoding  # noqa: PLC0415 - rules load without the Azure SDK

    head = provider_id(profile.subscription, wanted.type.partition("/")[0])
    version = getattr(versions, _ASKABLE[wanted.type])
    body = {"name": wanted.name, "type": wanted.type}
    answer = azure.question(f"{head}/checkNameAvailability", version, body, decoding.NameAvailability)
    if answer.get("nameAvailable", True):
        return None
    listed = azure.listing(f"{head}/deletedVaults", version) if wanted.type == _VAULTS else None
    held = (each for each in (listed or {}).get("value", ()) if same_word(each.get("name"), wanted.name))
    return TakenName(wanted, str(answer.get("reason", "")), next(held, None))


def _deleted_logs(azure: Snapshot, profile: Profile) -> Mapping[str, Any] | None:
    """Read the deleted Log Analytics workspace of the profile's name and group; None without one, or for one that exists."""
    new = next((each for each in new_resources(azure, profile) if each.type == LOG_ANALYTICS), None)
    if new is None:
        return None
    require_registered(azure, "Microsoft.OperationalInsights")
    head = provider_id(profile.subscription, "Microsoft.OperationalInsights")
    listed = azure.listing(f"{head}/deletedWorkspaces", versions.LOG_ANALYTICS) or {}
    return next((each for each in listed.get("value", ()) if same_resource_id(str(each.get("id")), new.id)), None)


def _listed_workspace(azure: Snapshot, profile: Profile) -> bool:
    """Return True when the subscription's list shows the workspace, although it cannot be read."""
    if not _workspace_is_new(azure, profile):
        return False
    require_registered(azure, "Microsoft.MachineLearningServices")
    head = provider_id(profile.subscription, "Microsoft.MachineLearningServices")
    listed = azure.listing(f"{head}/workspaces", versions.WORKSPACES) or {}
    return any(same_resource_id(str(each.get("id")), profile.workspace.resource_id) for each in listed.get("value", ()))


VAULT_NAMES: Final = Fact("names_of_vaults", partial(_names, _VAULTS))
"""The names of new vaults that Azure reports as unavailable."""

ACCOUNT_NAMES: Final = Fact("names_of_storage_accounts", partial(_names, STORAGE_ACCOUNTS))
"""The names of new storage accounts that Azure reports as unavailable."""

REGISTRY_NAMES: Final = Fact("names_of_container_registries", partial(_names, _REGISTRIES))
"""The names of new container registries that Azure reports as unavailable."""

DELETED_LOGS: Final = Fact("deleted_log_analytics_workspace", _deleted_logs)
"""The deleted Log Analytics workspace that holds the name of a new one, None without one."""

LISTED_WORKSPACE: Final = Fact("list_of_workspaces", _listed_workspace)
"""True when the list of workspaces shows the workspace, although a read of it finds none."""


@rule(CMK160, severity=Severity.ERROR, needs=(VAULT_NAMES,))
def vault_name_available(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require free names for new vaults. The steps compare a soft-deleted vault of the same region."""
    for taken in facts[VAULT_NAMES]:
        properties = (taken.deleted or {}).get("properties") or {}
        name, location = taken.wanted.name, str(properties.get("location", ""))
        if taken.deleted is None:
            yield _held_by_others(taken)
        elif not same_location(location, profile.location):
            yield Finding(
                f"A soft-deleted vault holds the name {name} until {properties.get('scheduledPurgeDate')}; it was "
                f"{properties.get('vaultId')}, in {location}.",
                f"Write another {taken.field}, or recover that vault: az keyvault recover --name {name} --location {location}.",
                taken.field,
            )


@rule(CMK160, severity=Severity.ERROR, needs=(ACCOUNT_NAMES,))
def account_name_available(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require a free name for a new storage account."""
    yield from (_held_by_others(each) for each in facts[ACCOUNT_NAMES])


@rule(CMK160, severity=Severity.ERROR, needs=(REGISTRY_NAMES,))
def registry_name_available(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require a free name for a new container registry."""
    yield from (_held_by_others(each) for each in facts[REGISTRY_NAMES])


def _held_by_others(taken: TakenName) -> Finding:
    wanted = taken.wanted
    return Finding(
        f"Azure reports the name {wanted.name} of the {wanted.kind} as unavailable ({taken.reason}). No resource of the "
        "profile's resource group has it, so it belongs to others, or to a resource of another group.",
        f"Write another {taken.field}, or give a resource that exists by {wanted.field}.id.",
        taken.field,
    )


@rule(CMK161, severity=Severity.ERROR, needs=(DELETED_LOGS,))
def log_analytics_elsewhere(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Refuse the name of a Log Analytics workspace that was deleted in another region."""
    location = str((facts[DELETED_LOGS] or {}).get("location", ""))
    if location and not same_location(location, profile.location):
        yield Finding(
            f"A Log Analytics workspace of this name was deleted in {location} less than 14 days ago; Azure refuses one in "
            f"{profile.location} until then.",
            "Write another associated_resources.log_analytics.name.",
            "associated_resources.log_analytics",
        )


@rule(CMK161, severity=Severity.WARNING, needs=(DELETED_LOGS,))
def log_analytics_comes_back(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn that a creation brings a deleted Log Analytics workspace back."""
    found = facts[DELETED_LOGS]
    if found is not None and same_location(str(found.get("location", "")), profile.location):
        yield Finding(
            "A Log Analytics workspace of this name was deleted less than 14 days ago. The creation brings it back, with the "
            "data it had.",
            "Write another associated_resources.log_analytics.name for an empty one.",
            "associated_resources.log_analytics",
        )


@rule(CMK162, severity=Severity.ERROR, needs=(LISTED_WORKSPACE,))
def workspace_soft_deleted(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Refuse the name of a workspace that the list shows and a read does not find."""
    if facts[LISTED_WORKSPACE]:
        yield Finding(
            f"The subscription's list of workspaces shows {profile.workspace.name} in {profile.resource_group}, and a read finds "
            "none: it was deleted less than 14 days ago, and keeps its name.",
            "Recover it in the portal (Azure Machine Learning, Recently deleted), write another workspace.name, or purge it with "
            f"its data: az rest --method delete --url '{profile.workspace.resource_id}?api-version={versions.WORKSPACES}"
            "&forceToPurge=true'.",
            "workspace.name",
        )
