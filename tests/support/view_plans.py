"""Plans to show: made by the steps from hand-made observations, and by hand where one of everything is wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cmkctl import codes
from cmkctl.checks.network import CMK103
from cmkctl.diagnostics import Location
from cmkctl.engine import plan_from
from cmkctl.plan import Action, AttributeChange, Change, Json, Plan, Request, Subject, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps._principals import COSMOS_DB, ObservedPrincipal
from cmkctl.steps.associated_resources import ObservedAssociated
from cmkctl.steps.base import conflict, no_op, wait
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_access import ObservedAccess
from cmkctl.steps.key_vault import ObservedVault
from cmkctl.steps.resource_providers import namespaces

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
TENANT: Final = "11111111-1111-1111-1111-111111111111"
COSMOS_APP: Final = "a232010e-820c-4083-83bb-3ace5fc29d0b"
COSMOS_OBJECT: Final = "22222222-2222-2222-2222-222222222222"
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def profile(**changes: Any) -> Profile:
    """The quickstart profile, every field that may be left out left out."""
    return Profile.model_validate(
        {
            "subscription": SUBSCRIPTION,
            "location": "eastus2",
            "resource_group": "rg-ml-quickstart",
            "key_vault": {"name": "kv-ml-quickstart", "soft_delete_days": 7},
            "key": {"name": "cmk-ml"},
            "workspace": {
                "name": "mlw-quickstart",
                "high_business_impact": True,
                "encryption": "in-subscription",
            },
            **changes,
        }
    )


def new_workspace(wanted: Profile | None = None, *, registered: bool = False, **observed: Any) -> Plan:
    """The plan for a subscription in which nothing is there yet but, if `registered`, some of the providers."""
    wanted = wanted or profile()
    there = ("Microsoft.Storage", "Microsoft.KeyVault", "microsoft.insights") if registered else ()
    observations = {
        "subscription": {"state": "Enabled", "tenantId": TENANT},
        "resource_providers": {each: "Registered" if each in there else "NotRegistered" for each in namespaces(wanted)},
        "resource_group": None,
        "key_vault": ObservedVault(None, None, TENANT),
        "key": ObservedKey(None, AT),
        "key_access": ObservedAccess(None, ObservedPrincipal(COSMOS_DB, COSMOS_APP, COSMOS_OBJECT), None, AT),
        "associated_resources": ObservedAssociated({}, TENANT),
        "workspace": None,
        **observed,
    }
    return plan_from(wanted, observations)


VAULT: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-ml-01"
WORKSPACE: Final = VAULT.replace(
    "Microsoft.KeyVault/vaults/kv-ml-01", "Microsoft.MachineLearningServices/workspaces/mlw-prod"
)


def everything() -> Plan:
    """A plan by hand with each action, an error and a warning: more than could ever come together."""
    identifier = Unknown("key", "identifier")
    encryption: Json = {"status": "Enabled", "keyVaultProperties": {"keyIdentifier": identifier}}
    changes = (
        no_op("resource_group", VAULT.partition("/providers")[0], "resource group rg-ml", "already there, in westus"),
        Change(
            "key_vault",
            Action.UPDATE,
            VAULT,
            "key vault kv-ml-01",
            "protection is off",
            attributes=(AttributeChange("enablePurgeProtection", False, True, irreversible=True),),
            irreversible=("purge protection can never be turned off again",),
            request=Request("PATCH", VAULT, "2026-02-01", {"properties": {"enablePurgeProtection": True}}),
        ),
        conflict(
            "key",
            f"{VAULT}/keys/cmk-ml",
            "key cmk-ml",
            "CMK224",
            "its latest version is disabled; cmkctl does not enable a key that somebody disabled",
            "enable it, if that is what you want: az keyvault key set-attributes --vault-name kv-ml-01 --enabled true",
            "choose another key.name",
        ),
        Change(
            "key_access",
            Action.CREATE,
            f"/v1.0/servicePrincipals(appId='{COSMOS_APP}')",
            "service principal Azure Cosmos DB",
            "not in this tenant yet; registering Microsoft.DocumentDB may bring it",
            attributes=(AttributeChange("appId", None, COSMOS_APP),),
            request=Request(
                "POST", "/v1.0/servicePrincipals", "v1.0", {"appId": COSMOS_APP}, host="https://graph.microsoft.com"
            ),
        ),
        wait("associated_resources", f"{VAULT}2", "workspace key vault kv-ml-012", "being made ready (registeringdns)"),
        Change(
            "workspace",
            Action.CREATE,
            WORKSPACE,
            "workspace mlw-prod",
            "not there yet",
            attributes=(
                AttributeChange("encryption", None, "in-subscription", irreversible=True),
                AttributeChange("keyIdentifier", None, identifier),
            ),
            irreversible=("in-subscription encryption is fixed at creation",),
            costs=("Azure Cosmos DB account",),
            request=Request("PUT", WORKSPACE, "2025-06-01", {"tags": {}, "properties": {"encryption": encryption}}),
        ),
    )
    return Plan(Subject("AzureCloud", SUBSCRIPTION, "westeurope", WORKSPACE), changes, DIAGNOSTICS)


DIAGNOSTICS: Final = (
    CMK103.error(
        "The vault's firewall denies by default and trusted Microsoft services do not pass it: creating the workspace "
        "would fail.",
        "Write key_vault.network.bypass: AzureServices.",
        subject="key_vault.network.bypass",
        location=Location("profiles/prod.yaml", 12, 3),
    ),
    codes.CMK503.warning(
        "2 of 9 exchanges were never asked for:\n  GET /subscriptions\n"
        "  GET /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml",
        "If what changed is meant, record again: --record tape.yaml",
        subject="tape.yaml",
    ),
)
