"""Names for the resources that a profile leaves unnamed: the same on every run, legal, and not taken by somebody else.

A name is a prefix, what can be kept of the workspace's name, and eight hexadecimal digits of a digest over
subscription, resource group and workspace name without regard to case, as Azure compares them. Storage accounts, vaults
and registries share one name space with the whole world: the digest keeps two workspaces called ``mlw-prod`` apart.
Rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import re
from hashlib import sha256


def digest(subscription: str, resource_group: str, workspace: str) -> str:
    """Eight hexadecimal digits that stand for one workspace."""
    return sha256(f"{subscription}/{resource_group}/{workspace}".lower().encode()).hexdigest()[:8]


def storage_account(workspace: str, suffix: str) -> str:
    """The derived name of a storage account: 3 to 24 lower-case letters and digits."""
    return f"st{_alphanumeric(workspace)[:14]}{suffix}"


def key_vault(workspace: str, suffix: str) -> str:
    """The derived name of a key vault: 3 to 24 letters, digits and single hyphens."""
    return f"kv-{_hyphenated(workspace, 12)}-{suffix}"


def log_analytics(workspace: str, suffix: str) -> str:
    """The derived name of a Log Analytics workspace: 4 to 63 letters, digits and hyphens."""
    return f"log-{_hyphenated(workspace, 33)}-{suffix}"


def application_insights(workspace: str, suffix: str) -> str:
    """The derived name of an Application Insights component."""
    return f"appi-{_hyphenated(workspace, 33)}-{suffix}"


def container_registry(workspace: str, suffix: str) -> str:
    """The derived name of a container registry: 5 to 50 letters and digits."""
    return f"cr{_alphanumeric(workspace)}{suffix}"


def _alphanumeric(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def _hyphenated(text: str, length: int) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower())[:length].strip("-")
