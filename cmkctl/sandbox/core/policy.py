"""Deny policies: arranged by type, property and value; enforced on writes, and evaluated by checkPolicyRestrictions.

The refusal's form is quoted (P54: Azure/azure-sdk-for-java#45273; kubernetes-sigs reports for the policy identifiers).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from cmkctl.sandbox.core import errors, ids, shapes
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.permissions import GROUPS
from cmkctl.sandbox.core.state import Tenant

TOP_LEVEL = ("name", "location", "kind", "tags", "sku", "identity", "type")
DEPLOYMENTS = "microsoft.resources/deployments"
DEFINITIONS = "providers/Microsoft.Authorization/policyDefinitions"
ASSIGNMENTS = "providers/Microsoft.Authorization/policyAssignments"


@dataclass(frozen=True)
class Policy:
    """One policy with effect deny.

    Attributes:
        name: of the definition and of its assignment.
        type: the resource type it is for; ``*`` is every type.
        field: the property: ``location``, ``tags.owner``, ``sku.name``, or one of ``properties``.
        allow: the values the property may have; empty with an empty `deny` means that it must be there.
        deny: the values it may not have; with both, `allow` counts.
        reason: the assignment's non-compliance message.
        scope: the subscription or group it is assigned at.

    """

    name: str
    type: str
    field: str
    scope: str
    allow: tuple[Any, ...] = ()
    deny: tuple[Any, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a policy as the state file keeps it."""
        return cls(**{**row, "allow": tuple(row["allow"]), "deny": tuple(row["deny"])})

    def row(self) -> Json:
        """Return the policy as the state file keeps it."""
        return asdict(self)

    # --- the field

    @property
    def path(self) -> str:
        """The path of the property in a resource's document."""
        head = self.field.partition(".")[0].lower()
        return self.field if head in (*TOP_LEVEL, "properties") else f"properties.{self.field}"

    @property
    def alias(self) -> str:
        """The property's name in the language of policies."""
        return f"{self.type}/{self.path.removeprefix('properties.')}" if "properties." in self.path else self.field

    def value(self, content: Any) -> Any:
        """Return what a resource's document has there; None when it has nothing.

        Some types, such as vaults, have their ``sku`` among the properties.
        """
        found = _inner(content, self.path)
        return _inner(content, f"properties.{self.field}") if found is None and self.path == self.field else found

    # --- the verdict

    def concerns(self, resource_type: str, scope: str) -> bool:
        """Return whether the policy is for resources of a type at or below a scope."""
        here, there = ids.key(self.scope), ids.key(scope)
        return self.type.lower() in {"*", resource_type.lower()} and (there == here or there.startswith(here + "/"))

    def denies(self, content: Json) -> bool:
        """Return whether a resource with this document would be denied.

        A policy about locations does not concern a resource without one, such as a key: so do Azure's built-in policies, whose
        mode is ``Indexed``.
        """
        found = _plain(self.value(content))
        if found is None and self.field.lower() == "location":
            return False
        if self.allow:
            return found not in {_plain(value) for value in self.allow}
        if self.deny:
            return found in {_plain(value) for value in self.deny}
        return found is None

    def operator(self) -> tuple[str, Any]:
        """Return the condition in the language of policies: its operator, and the value it compares with."""
        if not self.allow and not self.deny:
            return "Exists", "false"
        values = [_shown(value) for value in self.allow or self.deny]
        if len(values) == 1:
            return ("NotEquals" if self.allow else "Equals"), values[0]
        return ("NotIn" if self.allow else "In"), values

    def details(self, resource_type: str, content: Json) -> Json:
        """Return how the policy was evaluated, as Azure shows it."""
        operator, target = self.operator()
        found = self.value(content)
        kind = {"expression": "type", "path": "type", "expressionValue": resource_type, "targetValue": resource_type}
        here = {"expression": self.alias, "path": self.path}
        rows = [
            {**kind, "operator": "Equals"},
            {
                **here,
                **({} if found is None else {"expressionValue": found}),
                "targetValue": target,
                "operator": operator,
            },
        ]
        return {"evaluatedExpressions": [{"result": "True", "expressionKind": "Field", **row} for row in rows]}

    # --- its names

    @property
    def definition_id(self) -> str:
        """The definition's resource id, in the subscription."""
        return f"/subscriptions/{ids.subscription_of(self.scope)}/{DEFINITIONS}/{self.name}"

    @property
    def assignment_id(self) -> str:
        """The assignment's resource id."""
        return f"{self.scope}/{ASSIGNMENTS}/{self.name}"

    def violation(self, resource_type: str, content: Json) -> Json:
        """Return the policy's entry of ``additionalInfo``."""
        info = {
            "evaluationDetails": self.details(resource_type, content),
            "policyDefinitionId": self.definition_id,
            "policyDefinitionName": self.name,
            "policyDefinitionDisplayName": self.name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": self.assignment_id,
            "policyAssignmentName": self.name,
            "policyAssignmentDisplayName": self.name,
            "policyAssignmentScope": self.scope,
            "policyAssignmentParameters": {},
        }
        return {"type": "PolicyViolation", "info": info}

    def identifiers(self) -> Json:
        """Return the names and ids that the message quotes when there is no reason."""
        return {
            "policyAssignment": {"name": self.name, "id": self.assignment_id},
            "policyDefinition": {"name": self.name, "id": self.definition_id},
        }


def _inner(content: Any, path: str) -> Any:
    for name in path.split("."):
        named = {key.lower(): inner for key, inner in content.items()} if isinstance(content, Mapping) else {}
        content = named.get(name.lower())
    return content


def _plain(value: Any) -> str | None:
    """Return a value as policies compare it: without case, and a region without its spaces."""
    return None if value is None else str(value).lower().replace(" ", "")


def _shown(value: Any) -> str:
    return str(value)


# --- evaluation


def policies(tenant: Tenant) -> Iterator[Policy]:
    """Yield the arranged policies."""
    for row in tenant.table("policies").values():
        yield Policy.of(row)


def denial(found: list[Policy], resource_type: str, name: str, content: Json) -> AzureError | None:
    """Return the refusal of a resource by those of some policies that deny it; None when none does."""
    against = [rule for rule in found if rule.denies(content)]
    if not against:
        return None
    reasons = [rule.reason for rule in against if rule.reason]
    if reasons:
        reason = f"Reasons: '{' '.join(reasons)}'. See error details for policy resource IDs."
    else:
        reason = f"Policy identifiers: '{json.dumps([rule.identifiers() for rule in against], separators=(',', ':'))}'."
    return errors.disallowed_by_policy(name, reason).with_info(
        [rule.violation(resource_type, content) for rule in against]
    )


def refusal(tenant: Tenant, resource_type: str, scope: str, name: str, content: Json) -> AzureError | None:
    """Return the refusal of a resource at a scope; None when no policy denies it."""
    found = [rule for rule in policies(tenant) if rule.concerns(resource_type, scope)]
    return denial(found, resource_type, name, {**content, "type": resource_type, "name": name})


def require(tenant: Tenant, call: Call) -> None:
    """Refuse a write that a policy denies.

    Raises:
        AzureError: 403 `RequestDisallowedByPolicy`.

    """
    if not tenant.data["policies"] or call.method not in {"PUT", "PATCH"}:
        return
    place = _place(call.path)
    if place is None or not call.body or place[0].lower() == DEPLOYMENTS:
        return  # a template may have comments, and each resource of it is evaluated when it is deployed
    content = call.json()
    existing = tenant.resource(call.path) or tenant.table("groups").get(ids.key(call.path))
    if call.method == "PATCH" and existing is not None:
        content = shapes.merge(existing["doc"], content)
    resource_type, name = place
    refused = refusal(tenant, resource_type, call.path, name, content)
    if refused is not None:
        raise refused


def _place(path: str) -> tuple[str, str] | None:
    parts = path.strip("/").split("/")
    if len(parts) == 4 and parts[2].lower() == "resourcegroups":
        return GROUPS, parts[3]
    found = ids.parse(path)
    return None if found is None else (found.full_type, found.name)
