"""The values that several kinds of associated resource have: network rules, and the access to telemetry. Pure."""

from __future__ import annotations

from typing import Final

from cmkctl.plan import Json, Phrase
from cmkctl.profile.sections.associated.application_insights import ApplicationInsightsSettings
from cmkctl.profile.sections.associated.log_analytics import LogAnalyticsSettings
from cmkctl.steps._associated.spec import switched
from cmkctl.steps._associated.values import OPEN_CLOSED, Compared

PASSES: Final = Phrase("open for {}")
"""The words for an address, network or resource that passes a firewall."""

PUBLIC_ACCESS: Final = Compared(
    "properties.publicNetworkAccess",
    Phrase("public access {}"),
    OPEN_CLOSED,
    absent="Enabled",
    field="network.public_access",
)
TELEMETRY_ACCESS: Final = (
    Compared(
        "properties.publicNetworkAccessForIngestion",
        Phrase("public ingestion {}"),
        OPEN_CLOSED,
        absent="Enabled",
        field="ingestion",
    ),
    Compared(
        "properties.publicNetworkAccessForQuery",
        Phrase("public queries {}"),
        OPEN_CLOSED,
        absent="Enabled",
        field="query",
    ),
)
SHORTER_RETENTION: Final = "data that is older than {} days is deleted"
"""The effect of a shorter retention, which cannot be undone."""


def default_action(rules: str) -> Compared:
    """Return the comparison of the default action in the network rules at a path."""
    return Compared(
        f"{rules}.defaultAction",
        Phrase("default action {}"),
        ("Allow", "Deny"),
        absent="Allow",
        field="network.default_action",
        whole=rules,
    )


def bypass(path: str, rules: str = "") -> Compared:
    """Return the comparison of a bypass that is for trusted services or for none; `rules` is the object that holds it."""
    return Compared(
        path,
        Phrase("bypass {}"),
        order=("AzureServices", "None"),
        absent="AzureServices",
        field="network.bypass",
        whole=rules,
    )


def ip_rules(rules: str) -> Compared:
    """Return the comparison of the addresses in the network rules at a path."""
    return Compared(f"{rules}.ipRules", PASSES, field="network.ip_rules", key="value", whole=rules)


def subnets(rules: str) -> Compared:
    """Return the comparison of the subnets in the network rules at a path."""
    return Compared(f"{rules}.virtualNetworkRules", PASSES, field="network.subnets", key="id", whole=rules)


def telemetry_access(settings: ApplicationInsightsSettings | LogAnalyticsSettings) -> dict[str, Json]:
    """Return the properties for the public access to telemetry that the profile sets."""
    return {
        **({"publicNetworkAccessForIngestion": switched(settings.ingestion)} if settings.ingestion else {}),
        **({"publicNetworkAccessForQuery": switched(settings.query)} if settings.query else {}),
    }
