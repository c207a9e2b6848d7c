"""Encrypt, step 2: the reader of each resource may get, wrap and unwrap with the key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from cmkctl.azure.decoding import moment
from cmkctl.azure.documents import at_path
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, Change, Known, Output, Outputs, Resend, Unknown
from cmkctl.profile.model import Profile
from cmkctl.services.base import Entry, ServiceSettings
from cmkctl.steps import _services
from cmkctl.steps._grants import effective_at, policy_grant, role_grant
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps._services import ObservedServices, principals_of
from cmkctl.steps.base import conflict

_APPLY: Final = "create vault and key first: cmkctl apply PROFILE"
RESEND: Final = Resend(
    FailureKind.NOT_EFFECTIVE,
    interval=60.0,
    tries=10,
    # An update that fails later leaves the resource Failed: an update is sent over that state as well.
    over=frozenset({"", "succeeded", "failed"}),
    advice="the service cannot use the key yet: a new grant can take minutes. It is sent again at {time}",
)
"""The repetition of a write that rests on a grant."""


def effective(settings: ServiceSettings) -> Output[str]:
    """Return the output with the time, in ISO 8601, at which the grant for a resource takes effect."""
    return Output("service_access", settings.id)


def earliest(entry: Entry, known: Known) -> datetime | None:
    """Return the time from which the grant for a resource can be relied on; None where it is not known."""
    at = known.get(effective(entry.settings))
    return None if isinstance(at, Unknown) else moment(at)


class ServiceAccess:
    """An access policy or a role assignment for each principal, once for resources that share one."""

    name = "service_access"
    title = "access of the services to the key"
    needs = ("service_identities",)
    doc = "https://learn.microsoft.com/azure/key-vault/general/rbac-guide"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: the resources exist."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedServices:
        """Read the vault, the resources and their principals."""
        return _services.observe(azure, profile)

    def plan(self, profile: Profile, observed: ObservedServices, known: Known) -> list[Change]:
        """Grant what is missing. A vault that is absent or does not protect its keys is a conflict."""
        vault = profile.key_vault
        if _services.elsewhere(profile):
            reason = (
                "it is in another subscription than the profile, and cmkctl encrypt reads vaults of the profile's alone"
            )
            way_out = f"write its subscription as subscription: {ResourceId.parse(vault.resource_id).subscription}"
            return [conflict(self.name, vault.resource_id, "key vault", vault.resource_name, "CMK271", reason, way_out)]
        if observed.vault is None:
            reason = "there is no such vault"
            return [conflict(self.name, vault.resource_id, "key vault", vault.resource_name, "CMK271", reason, _APPLY)]
        if at_path(observed.vault, "properties.enablePurgeProtection") is not True:
            reason = "it has no purge protection: a deleted key can be lost for good, and with it the data"
            way_out = "turn it on: cmkctl apply"
            return [conflict(self.name, vault.resource_id, "key vault", vault.resource_name, "CMK271", reason, way_out)]
        changes = [
            _unknown_application(entry, profile)
            for entry, found in _services.entries(profile, observed)
            if None in principals_of(entry, found)
        ]
        changes += grants(self.name, profile, observed, known, late=False)
        return changes

    def outputs(self, profile: Profile, observed: ObservedServices) -> Outputs:
        """Return the time at which each grant takes effect."""
        return {
            effective(entry.settings): _effective(profile, observed, principals_of(entry, found))
            or effective(entry.settings).unknown
            for entry, found in _services.entries(profile, observed)
        }


def _effective(
    profile: Profile, observed: ObservedServices, principals: tuple[ObservedPrincipal | None, ...]
) -> str | None:
    """Return the time at which the last of the grants takes effect; None without it."""
    times = [effective_at(profile, observed.vault, each, observed.at) for each in principals if each is not None]
    known = [each for each in times if each is not None]
    return max(known).isoformat() if known and len(known) == len(principals) else None


def grants(step: str, profile: Profile, observed: ObservedServices, known: Known, *, late: bool) -> list[Change]:
    """Return the grant of each principal, or that it has one."""
    changes: list[Change] = []
    for principal in _principals(profile, observed, late=late):
        changes.append(_grant(step, profile, observed, principal, known, changes))
    return changes


def _principals(profile: Profile, observed: ObservedServices, *, late: bool) -> list[ObservedPrincipal]:
    """Return the principals, each once, with the permissions that all its resources need."""
    found: dict[str, ObservedPrincipal] = {}
    for entry, seen in _services.entries(profile, observed):
        for each in principals_of(entry, seen, late=late):
            if each is not None:
                before = found.get(each.key.lower(), each)
                permissions = tuple(dict.fromkeys((*before.permissions, *each.permissions)))
                found[each.key.lower()] = replace(each, permissions=permissions)
    return [*found.values()]


def _grant(
    step: str,
    profile: Profile,
    observed: ObservedServices,
    principal: ObservedPrincipal,
    known: Known,
    before: list[Change],
) -> Change:
    kind = f"key access for {principal.label}"
    if principal.object_id is None and not principal.key.startswith("/"):
        return _no_service_principal(principal, kind)
    # One after the other: Key Vault refuses one of two concurrent changes to the policies of one vault.
    depends_on = tuple(each.resource_id for each in before if each.action is not Action.NO_OP)
    if at_path(observed.vault, "properties.enableRbacAuthorization"):
        return role_grant(step, profile, principal, kind, depends_on)
    return policy_grant(step, profile, observed.vault, principal, known, kind, depends_on)


def _unknown_application(entry: Entry, profile: Profile) -> Change:
    """Return the conflict of a service whose application has no known id in this cloud."""
    return conflict(
        ServiceAccess.name,
        entry.settings.id,
        f"key access for {entry.service.title}",
        entry.name,
        "CMK232",
        f"the id of the application that reads its key is not known in {profile.cloud}",
        "grant the application access to the key and set the key with the service's own tools",
        f"take {entry.place} out of the profile",
    )


def _no_service_principal(principal: ObservedPrincipal, kind: str) -> Change:
    """Return the conflict of an application of Microsoft's whose object id is not known."""
    if principal.denied:
        reason = "you may not read the directory, where its object id is looked up"
        return conflict(ServiceAccess.name, principal.key, kind, "", "CMK231", reason, "ask for Application.Read.All")
    reason = f"this tenant has no service principal for application {principal.key}"
    way_out = f"have a directory administrator run: az ad sp create --id {principal.key}"
    return conflict(ServiceAccess.name, principal.key, kind, "", "CMK232", reason, way_out)
