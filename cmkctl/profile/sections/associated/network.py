"""Firewall rules, shared by the sections of associated resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section


class RuleSettings(Section):
    """The firewall of an associated resource. A resource that exists keeps what the profile leaves out."""

    default_action: Literal["Allow", "Deny"] | None = Field(
        None,
        description="The action for callers that no rule matches. Left out: Allow for a new resource.",
        examples=["Deny"],
    )
    ip_rules: Annotated[tuple[field_types.IpRule, ...], Field(strict=False)] = Field(
        (),
        description="IPv4 addresses and CIDR ranges that pass the firewall. Addresses that others added stay.",
        examples=[["203.0.113.0/24"]],
    )

    def rules(self) -> dict[str, object]:
        """Return the lists of rules, by field."""
        return {"ip_rules": self.ip_rules}

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield rules that have no effect, because every caller passes."""
        for field, rules in self.rules().items():
            if rules and self.default_action != "Deny":
                yield Contradiction(
                    field,
                    "Rules let callers pass a firewall, and without default_action: Deny every caller passes.",
                    "Write default_action: Deny as well.",
                )


class SubnetRuleSettings(RuleSettings):
    """The firewall of an associated resource that has rules for subnets as well."""

    subnets: Annotated[tuple[field_types.SubnetId, ...], Field(strict=False)] = Field(
        (),
        description="ARM ids of subnets that pass the firewall; each needs the service endpoint of the resource's type.",
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                    "/virtualNetworks/vnet-ml/subnets/snet-train"
                )
            ]
        ],
    )

    def rules(self) -> dict[str, object]:
        """Return the lists of rules, by field."""
        return {**super().rules(), "subnets": self.subnets}
