"""Plans to show, made by hand: a new workspace as the quickstart profile has it, and one of everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cmkctl import codes
from cmkctl.checks.network import CMK103
from cmkctl.diagnostics import Location
from cmkctl.plan import Action, AttributeChange, Change, Json, Phrase, Plan, Request, Subject, Unknown

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
COSMOS_APP: Final = "a232010e-820c-4083-83bb-3ace5fc29d0b"
_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml-quickstart"
_PROTECTED: Final = (
    "purge protection can never be turned off again",
    "once deleted, the vault's name stays taken for 7 days",
)
_PROVIDERS: Final = (
    "Microsoft.MachineLearningServices",
    "Microsoft.KeyVault",
    "Microsoft.Storage",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
    "Microsoft.OperationalInsights",
    "microsoft.insights",
)
_REGISTERED: Final = ("Microsoft.Storage", "Microsoft.KeyVault", "microsoft.insights")


def new_workspace(*, registered: bool = False) -> Plan:
    """Return the plan for a subscription in which nothing exists but, if `registered`, some of the providers."""
    there = _REGISTERED if registered else ()
    changes = (
        *(_provider(each, registered=each in there) for each in _PROVIDERS),
        _created("resource_group", "", "resource group", "rg-ml-quickstart", _words("location", "eastus2", "in {}")),
        _created(
            "key_vault",
            "Microsoft.KeyVault/vaults",
            "key vault",
            "kv-ml-quickstart",
            _words("sku", "standard"),
            _words("enableRbacAuthorization", False, "roles", "access policies"),
            irreversible=_PROTECTED,
        ),
        _created(
            "key",
            "Microsoft.KeyVault/vaults/kv-ml-quickstart/keys",
            "key",
            "cmk-ml",
            _words("kty", "RSA"),
            _words("keySize", 3072, "{} bits"),
            _words("keyOps", ["wrapKey", "unwrapKey"]),
        ),
        _created(
            "key_access",
            "Microsoft.KeyVault/vaults/kv-ml-quickstart/accessPolicies",
            "key access for",
            "Azure Cosmos DB",
            _words("permissions.keys", ["get", "wrapKey", "unwrapKey"]),
        ),
        _created(
            "associated_resources",
            "Microsoft.Storage/storageAccounts",
            "storage account",
            "stmlwquickstart46c2c4d7",
            _words("supportsHttpsTrafficOnly", True, "https only"),
            _words("minimumTlsVersion", "TLS1_2"),
            _words("allowBlobPublicAccess", False, "public blobs", "no public blobs"),
        ),
        _created(
            "associated_resources",
            "Microsoft.OperationalInsights/workspaces",
            "Log Analytics workspace",
            "log-mlw-quickstart-46c2c4d7",
        ),
        _created(
            "associated_resources",
            "microsoft.insights/components",
            "Application Insights",
            "appi-mlw-quickstart-46c2c4d7",
        ),
        _created(
            "associated_resources",
            "Microsoft.KeyVault/vaults",
            "workspace key vault",
            "kv-mlw-quicksta-46c2c4d7",
            _words("enableRbacAuthorization", True, "roles", "access policies"),
            irreversible=_PROTECTED,
        ),
        _created(
            "workspace",
            "Microsoft.MachineLearningServices/workspaces",
            "workspace",
            "mlw-quickstart",
            _words("keyIdentifier", Unknown("key", "identifier"), "encrypted with cmk-ml in kv-ml-quickstart"),
            _words("identity", "system-assigned"),
            irreversible=("in-subscription encryption", "high business impact on"),
            costs=("Azure Cosmos DB account, Azure AI Search service and storage account",),
        ),
    )
    identifier = f"{_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-quickstart"
    return Plan(Subject("AzureCloud", SUBSCRIPTION, "eastus2", identifier), changes)


def up_to_date(plan: Plan) -> Plan:
    """Return the same plan when everything was applied."""
    changes = tuple(
        replace(each, action=Action.NO_OP, reason="up to date", attributes=(), irreversible=(), costs=(), request=None)
        for each in plan.changes
    )
    return replace(plan, changes=changes, diagnostics=())


def _words(path: str, after: Json, text: str = "{}", no: str = "") -> AttributeChange:
    return AttributeChange(path, None, after, phrase=Phrase(text, no))


def _provider(name: str, *, registered: bool) -> Change:
    identifier = f"/subscriptions/{SUBSCRIPTION}/providers/{name}"
    if registered:
        return Change("resource_providers", Action.NO_OP, identifier, "resource provider", name, "registered")
    request = Request("POST", f"{identifier}/register", "2021-04-01")
    return Change(
        "resource_providers",
        Action.CREATE,
        identifier,
        "resource provider",
        name,
        "to be registered",
        request=request,
        verb=("registering", "registered"),
    )


def _created(
    step: str,
    place: str,
    kind: str,
    name: str,
    *attributes: AttributeChange,
    irreversible: tuple[str, ...] = (),
    costs: tuple[str, ...] = (),
) -> Change:
    identifier = f"{_GROUP}/providers/{place}/{name}" if place else _GROUP
    request = Request("PUT", identifier, "2026-01-01", {"location": "eastus2"})
    return Change(
        step,
        Action.CREATE,
        identifier,
        kind,
        name,
        "will be created",
        attributes=attributes,
        irreversible=irreversible,
        costs=costs,
        request=request,
    )


VAULT: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-ml-01"
WORKSPACE: Final = VAULT.replace(
    "Microsoft.KeyVault/vaults/kv-ml-01", "Microsoft.MachineLearningServices/workspaces/mlw-prod"
)


def everything() -> Plan:
    """Return a plan by hand with each action, an error and a warning: more than could ever occur together."""
    identifier = Unknown("key", "identifier")
    encryption: Json = {"status": "Enabled", "keyVaultProperties": {"keyIdentifier": identifier}}
    changes = (
        Change(
            "resource_group", Action.NO_OP, VAULT.partition("/providers")[0], "resource group", "rg-ml", "in westus"
        ),
        Change(
            "key_vault",
            Action.UPDATE,
            VAULT,
            "key vault",
            "kv-ml-01",
            "protection is off",
            attributes=(AttributeChange("enablePurgeProtection", False, True, irreversible=True),),
            irreversible=("purge protection can never be turned off again",),
            request=Request("PATCH", VAULT, "2026-02-01", {"properties": {"enablePurgeProtection": True}}),
        ),
        Change(
            "key",
            Action.CONFLICT,
            f"{VAULT}/keys/cmk-ml",
            "key",
            "cmk-ml",
            "its latest version is disabled, and cmkctl does not enable a disabled key",
            code="CMK224",
            ways_out=(
                "enable it: az keyvault key set-attributes --vault-name kv-ml-01 --name cmk-ml --enabled true",
                "choose a different key.name",
            ),
        ),
        Change(
            "key_access",
            Action.CREATE,
            f"/v1.0/servicePrincipals(appId='{COSMOS_APP}')",
            "service principal",
            "Azure Cosmos DB",
            "not in this tenant yet; registering Microsoft.DocumentDB may create it",
            attributes=(AttributeChange("appId", None, COSMOS_APP, phrase=Phrase("")),),
            request=Request(
                "POST", "/v1.0/servicePrincipals", "v1.0", {"appId": COSMOS_APP}, host="https://graph.microsoft.com"
            ),
        ),
        Change(
            "associated_resources",
            Action.WAIT,
            f"{VAULT}2",
            "workspace key vault",
            "kv-ml-012",
            "being created (registeringdns)",
        ),
        Change("old_key", Action.DELETE, f"{VAULT}/keys/old", "key", "old", "not used any more"),
        Change("old_key", Action.DISABLE, f"{VAULT}/keys/old/versions/1", "key version", "1", "rotated 30 days ago"),
        Change("old_key", Action.ENABLE, f"{VAULT}/keys/old/versions/2", "key version", "2", "needed for a restore"),
        Change(
            "workspace",
            Action.CREATE,
            WORKSPACE,
            "workspace",
            "mlw-prod",
            "will be created",
            attributes=(
                AttributeChange("encryption", None, "in-subscription", irreversible=True),
                AttributeChange("keyIdentifier", None, identifier, phrase=Phrase("key identifier {}")),
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
        "Set key_vault.network.bypass: AzureServices.",
        subject="key_vault.network.bypass",
        location=Location("profiles/prod.yaml", 12, 3),
    ),
    codes.CMK503.warning(
        "2 of 9 exchanges were not requested:\n  GET /subscriptions\n"
        "  GET /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml",
        "If the change is intended, record again: --record tape.yaml",
        subject="tape.yaml",
    ),
)
