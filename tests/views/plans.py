"""Plans to show: made by the steps from hand-made observations, and by hand where one of everything is wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cmkctl.engine import plan_from
from cmkctl.plan import Plan
from cmkctl.profile.model import Profile
from cmkctl.steps.associated_resources import ObservedAssociated
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_access import COSMOS_DB, ObservedAccess, ObservedPrincipal
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
        "resource_providers": {
            each: "Registered" if each in there else "NotRegistered" for each in namespaces(wanted)
        },
        "resource_group": None,
        "key_vault": ObservedVault(None, None, TENANT),
        "key": ObservedKey(None, AT),
        "key_access": ObservedAccess(None, ObservedPrincipal(COSMOS_DB, COSMOS_APP, COSMOS_OBJECT), None),
        "associated_resources": ObservedAssociated({}, TENANT),
        "workspace": None,
        **observed,
    }
    return plan_from(wanted, observations)
