"""The managed network of an existing workspace: isolation, outbound rules, provisioning; serverless and image build compute.

A new workspace gets these settings in its creation; this step changes them later, and provisions the network on request.
Rules that others or Azure Machine Learning made are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Known, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.managed_network import ManagedNetworkSettings, OutboundRule
from cmkctl.steps import _workspace_network as settings
from cmkctl.steps.base import conflict, no_op

_KIND: Final = "managed network"
_RULE: Final = "outbound rule"
_TIMEOUT: Final = 7200.0
"""Seconds: provisioning with a firewall takes long. Microsoft gives about 30 minutes for a first compute with the network."""

_STATUS: Final = "properties.managedNetwork.status.status"
_AZURES_OWN: Final = frozenset({"required", "recommended", "dependency"})


class ManagedNetwork:
    """``PATCH`` of the workspace, ``PUT …/outboundRules/NAME`` and ``POST …/provisionManagedNetwork``."""

    name = "managed_network"
    title = "managed network"
    needs = ("workspace", "workspace_endpoint")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the endpoints that the network makes, where there is one."""
        network = profile.workspace.managed_network
        return ("Microsoft.Network/privateEndpoints",) if network is not None and network.isolated else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """Read the workspace; None when it is absent."""
        return azure.resource(profile.workspace.resource_id, versions.WORKSPACES)

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:  # noqa: ARG002
        """Bring the settings in line, then the rules, then provision; nothing where the profile has none of them."""
        network = profile.workspace.managed_network
        if not settings.creation(profile):
            return []
        if observed is None or in_progress(_state(observed)):
            later = [_provision(profile, network, ())] if network is not None and network.provision == "now" else []
            return later or [_no_op(profile, "made with the workspace")]
        if network is not None and (refused := _loosened(profile, network, observed)):
            return [refused]
        changes = [each for each in (_update(profile, observed),) if each is not None]
        if network is not None and network.isolated:
            changes += _rules(profile, network, observed, [each.resource_id for each in changes])
            changes += _provisioning(profile, network, observed, changes)
        return changes or [_no_op(profile, "up to date")]

    def outputs(self, profile: Profile, observed: ArmDocument | None) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no step comes after it."""
        return {}


def _state(found: ArmDocument) -> str:
    return str(at_path(found, "properties.provisioningState") or "").lower()


def _no_op(profile: Profile, reason: str) -> Change:
    workspace = profile.workspace
    return no_op(ManagedNetwork.name, workspace.resource_id, _KIND, workspace.name, reason)


def _loosened(profile: Profile, network: ManagedNetworkSettings, found: ArmDocument) -> Change | None:
    """Return the conflict of an isolation that Azure does not change to the wanted one."""
    mode, workspace = settings.isolation_of(found), profile.workspace
    if same_word(mode, network.isolation_mode) or settings.may_become(found, network.isolation_mode):
        return None
    return conflict(
        ManagedNetwork.name,
        workspace.resource_id,
        _KIND,
        workspace.name,
        "CMK284",
        f"its isolation is {mode}, and Azure does not change that to {network.isolation_mode}",
        f"write workspace.managed_network.isolation_mode: {mode}",
        "choose another workspace.name for a new workspace",
    )


def _update(profile: Profile, found: ArmDocument) -> Change | None:
    differing = settings.drift(profile, found)
    if not differing:
        return None
    workspace = profile.workspace
    isolates = any(each.irreversible for each in differing)
    return Change(
        ManagedNetwork.name,
        Action.UPDATE,
        workspace.resource_id,
        _KIND,
        workspace.name,
        f"differs in {', '.join(each.path for each in differing)}",
        tuple(differing),
        irreversible=settings.irreversible(profile) if isolates else (),
        costs=settings.costs(workspace.managed_network) if isolates else (),
        request=Request(
            "PATCH",
            workspace.resource_id,
            versions.WORKSPACES,
            {"properties": settings.update_body(differing, found)},
        ),
        settle=Settle(workspace.resource_id, versions.WORKSPACES, timeout=_TIMEOUT),
    )


def _rules(profile: Profile, network: ManagedNetworkSettings, found: ArmDocument, before: list[str]) -> list[Change]:
    """Return the changes of the rules. Each waits for the one before: a workspace takes one update at a time."""
    held = {name.lower(): (name, rule) for name, rule in (settings.managed(found).get("outboundRules") or {}).items()}
    changes: list[Change] = []
    for rule in network.outbound_rules:
        name, there = held.get(rule.name.lower(), (rule.name, None))
        after = tuple(before) + tuple(each.resource_id for each in changes if each.action.writes)
        change = _rule(profile, network, rule, name, there, after[-1:])
        if change is not None:
            changes.append(change)
    return changes


def _rule(
    profile: Profile,
    network: ManagedNetworkSettings,
    rule: OutboundRule,
    name: str,
    found: Mapping[str, Any] | None,
    after: tuple[str, ...],
) -> Change | None:
    resource = str(ResourceId.parse(profile.workspace.resource_id).child("outboundRules", name))
    body = settings.rule_body(rule)
    if found is not None and same_word(str(found.get("status", "")), "Failed"):
        reason = "Azure reports it as Failed"
        delete = (
            f"delete it: az ml workspace outbound-rule remove --rule {name} --workspace-name {profile.workspace.name} "
            f"--resource-group {profile.resource_group}"
        )
        return conflict(ManagedNetwork.name, resource, _RULE, name, "CMK270", reason, delete)
    if found is not None and settings.same_rule(found, body):
        return None
    if found is not None and str(found.get("category", "")).lower() in _AZURES_OWN:
        reason = f"Azure Machine Learning made a rule of this name ({found['category']})"
        return conflict(
            ManagedNetwork.name, resource, _RULE, name, "CMK270", reason, "choose another name for the rule"
        )
    fqdn = rule.fqdn is not None
    return Change(
        ManagedNetwork.name,
        Action.CREATE if found is None else Action.UPDATE,
        resource,
        _RULE,
        name,
        "does not exist" if found is None else "differs in type or destination",
        (AttributeChange("destination", (found or {}).get("destination"), body["destination"], phrase=Phrase("")),),
        costs=settings.costs(network)[1:] if fqdn else settings.costs(network)[:1] if rule.private_endpoint else (),
        depends_on=after,
        request=Request("PUT", resource, versions.WORKSPACES, {"properties": body}),
    )


def _provisioning(
    profile: Profile, network: ManagedNetworkSettings, found: ArmDocument, changes: list[Change]
) -> list[Change]:
    """Return the requested provisioning, unless the network is there, prepared for Spark where the profile wants that."""
    status = settings.managed(found).get("status") or {}
    spark = bool(status.get("sparkReady")) or not network.include_spark
    if network.provision != "now" or (same_word(str(status.get("status", "")), "Active") and spark):
        return []
    if any(each.action is Action.CONFLICT for each in changes):
        return []
    return [_provision(profile, network, tuple(each.resource_id for each in changes if each.action.writes))]


def _provision(profile: Profile, network: ManagedNetworkSettings, after: tuple[str, ...]) -> Change:
    workspace = profile.workspace
    return Change(
        ManagedNetwork.name,
        Action.CREATE,
        str(ResourceId.parse(workspace.resource_id).child("managedNetworks", "default")),
        _KIND,
        workspace.name,
        "not provisioned",
        attributes=(
            AttributeChange("includeSpark", None, network.include_spark, phrase=Phrase("with Spark", "without Spark")),
        ),
        costs=settings.costs(network),
        depends_on=after,
        request=Request(
            "POST",
            f"{workspace.resource_id}/provisionManagedNetwork",
            versions.WORKSPACES,
            {"includeSpark": network.include_spark},
        ),
        settle=Settle(
            workspace.resource_id,
            versions.WORKSPACES,
            state_path=_STATUS,
            ready=frozenset({"active"}),
            without_state="inactive",
            timeout=_TIMEOUT,
        ),
        verb=("provisioning", "provisioned"),
    )
