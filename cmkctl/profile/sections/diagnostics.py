"""Diagnostic settings: where Azure sends the logs and metrics of the workspace and its resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section


class EventHubSettings(Section):
    """An event hub that logs and metrics are sent to."""

    rule: field_types.EventHubRuleId = Field(
        description="The ARM id of an authorization rule of the event hub's namespace.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.EventHub/namespaces/evhns"
                "/authorizationRules/RootManageSharedAccessKey"
            )
        ],
    )
    name: str | None = Field(
        None, description="The event hub's name. Left out: Azure chooses one by category.", examples=["insights-logs"]
    )


class DiagnosticSettings(Section):
    """Diagnostic settings of the workspace, the vaults, the storage account with its services, and the registry."""

    name: Annotated[
        str,
        field_types.Pattern(
            r"[^<>*%&:\\?+/]{1,260}", "A setting's name has 1 to 260 characters, none of < > * % & : \\ ? + /."
        ),
    ] = Field("cmkctl", description="The name of the settings. Settings of other names stay.", examples=["to-central"])
    log_analytics: field_types.LogAnalyticsId | None = Field(
        None,
        description="The ARM id of a Log Analytics workspace that exists, and that logs and metrics are sent to.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.OperationalInsights"
                "/workspaces/log-central"
            )
        ],
    )
    storage_account: field_types.StorageId | None = Field(
        None,
        description="The ARM id of a storage account that exists, and that logs and metrics are archived in.",
        examples=[
            "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.Storage/storageAccounts/stlogs"
        ],
    )
    event_hub: EventHubSettings | None = Field(
        None,
        description="An event hub that logs and metrics are sent to.",
        examples=[
            {
                "rule": (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.EventHub"
                    "/namespaces/evhns/authorizationRules/RootManageSharedAccessKey"
                )
            }
        ],
    )
    logs: Literal["all", "audit", "none"] = Field(
        "all",
        description=(
            "The group of log categories: all of them, or those that record access to data and changes of settings. "
            "The storage account itself has no logs; its services have."
        ),
        examples=["audit"],
    )
    metrics: bool = Field(True, description="Whether metrics are sent as well.", examples=[False])
    resources: Annotated[
        tuple[Literal["workspace", "key_vault", "workspace_key_vault", "storage_account", "container_registry"], ...],
        Field(strict=False, min_length=1),
    ] = Field(
        ("workspace", "key_vault", "workspace_key_vault", "storage_account", "container_registry"),
        description="The resources that get a setting. One that the profile does not have is passed over.",
        examples=[["workspace", "key_vault"]],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a setting without a destination, or with nothing to send."""
        if self.log_analytics is None and self.storage_account is None and self.event_hub is None:
            yield Contradiction(
                "log_analytics",
                "The settings have no destination.",
                "Write diagnostics.log_analytics, diagnostics.storage_account or diagnostics.event_hub.",
                missing=True,
            )
        if self.logs == "none" and not self.metrics:
            yield Contradiction("logs", "Neither logs nor metrics are sent.", "Write logs: all, or metrics: true.")
