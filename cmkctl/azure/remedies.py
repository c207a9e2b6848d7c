"""What helps, by the kind of a failure and by Azure's own words: the diagnostics CMK301 to CMK324, but for the waits' own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cmkctl.azure.failures import CLI_TIMEOUT, UNREADABLE, Failure, FailureKind
from cmkctl.azure.reasons import PROXY, TLS
from cmkctl.diagnostics import Diagnostic, Severity

_ADVICE: Mapping[FailureKind, tuple[str, str, str]] = {
    FailureKind.ABSENT: (
        "CMK301",
        "Azure does not find something that must exist",
        "Check the names and ids in the profile, then run the same command again.",
    ),
    FailureKind.UNAUTHENTICATED: (
        "CMK302",
        "Azure rejected the credential",
        (
            "Sign in again (az login), or correct AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; --auth selects "
            "one way of signing in."
        ),
    ),
    FailureKind.DENIED: (
        "CMK303",
        "The signed-in principal may not do this",
        (
            "Ask an owner of the subscription for the role that allows the action named above, wait a few minutes for it "
            "to take effect, then run the same command again."
        ),
    ),
    FailureKind.NOT_REGISTERED: (
        "CMK304",
        "A resource provider is not registered",
        "Run the same command again: the first step registers it. If that was just done, Azure needs another minute.",
    ),
    FailureKind.PENDING: (
        "CMK305",
        "Azure does not see a principal yet",
        (
            "A new principal takes a minute to reach every region: run the same command again. Of one that is not new, look at "
            "key_access.cosmos_db_object_id: it must be an object id of this tenant, never the application id."
        ),
    ),
    FailureKind.NOT_EFFECTIVE: (
        "CMK315",
        "Azure Machine Learning may not use the key yet",
        (
            "Check with cmkctl plan that the key access is right; do not widen it. Azure Machine Learning may keep such a "
            "failure by the workspace's name for tens of minutes: run the same command again in half an hour, or choose another "
            "workspace.name and give its grants time with key_access.settle_seconds."
        ),
    ),
    FailureKind.EXISTS: (
        "CMK317",
        "Azure says that it exists already, and does not show it",
        "What was just made takes some minutes to be seen everywhere: run the same command again.",
    ),
    FailureKind.THROTTLED: (
        "CMK306",
        "Azure asks for fewer requests",
        "Wait a few minutes, then run the same command again: what is done stays done.",
    ),
    FailureKind.IN_PROGRESS: (
        "CMK307",
        "Another operation on the same resource is under way",
        "Wait for it to end, then run the same command again.",
    ),
    FailureKind.CONFLICT: (
        "CMK308",
        "Azure reports a conflict",
        "Read Azure's message above; run `cmkctl plan` with the same profile to see what is there now.",
    ),
    FailureKind.PASSING: (
        "CMK309",
        "Azure answers with a server error",
        "Such errors pass: run the same command again. If it stays, look at https://azure.status.microsoft.",
    ),
    FailureKind.NETWORK: (
        "CMK310",
        "Azure cannot be reached",
        "Check the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE, then run the same command again.",
    ),
    FailureKind.POLICY: (
        "CMK313",
        "A policy of the organisation denies it",
        (
            "Ask for an exemption above the resource group that Microsoft manages, or write workspace.encryption: service-side, "
            "which makes fewer resources in your subscription."
        ),
    ),
    FailureKind.CAPACITY: (
        "CMK314",
        "The region or the subscription has no room for it",
        (
            "Request quota or access to the region, choose another location, or write workspace.encryption: service-side, which "
            "needs no Cosmos DB and no AI Search of yours."
        ),
    ),
    FailureKind.UNREADABLE: (
        "CMK316",
        "Azure answers in a form that cmkctl does not know",
        (
            "Run the same command again. If it stays, look for a newer cmkctl, and report it together with the output of "
            "--record."
        ),
    ),
    FailureKind.FOREIGN_HOST: (
        "CMK318",
        "A response points outside the cloud",
        (
            "If a proxy asks you to sign in, do that and run the same command again. Otherwise something between here and Azure "
            "changes responses, or the profile names another cloud: check HTTPS_PROXY and the profile's cloud."
        ),
    ),
    FailureKind.CLAIMS: (
        "CMK322",
        "Azure requires a stronger sign-in",
        (
            "A Conditional Access policy asks for more than this sign-in proves, such as multifactor authentication: sign in "
            "again with az login --claims-challenge or --auth browser, or use an identity that the policy exempts."
        ),
    ),
    FailureKind.DEADLINE: (
        "CMK312",
        "The time for waiting is over",
        "Run the same command again to go on from here, with a longer --timeout.",
    ),
    FailureKind.TERMINAL: (
        "CMK311",
        "Azure refuses the request",
        "Read Azure's message above: the request itself has to change before it can succeed.",
    ),
}


_NOT_SIGNED_IN: tuple[str, str, str] = (
    "CMK319",
    "Not signed in to Azure",
    (
        "Run az login; in a script set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET. --auth selects one way of "
        "signing in."
    ),
)
_SIGN_IN: tuple[tuple[str, tuple[str, str, str]], ...] = (
    (
        "Failed to invoke the Azure CLI",
        (
            "CMK320",
            "The Azure CLI did not answer in time",
            (
                f"cmkctl waits {CLI_TIMEOUT} s for az. Run az account get-access-token by itself to see what holds it up, then "
                "run the same command again; or select another way of signing in with --auth."
            ),
        ),
    ),
    (
        "AADSTS700024",
        (
            "CMK321",
            "The federated sign-in has expired",
            (
                "The token of the CI system that az login exchanged is no longer valid. Log in again (a new az login or "
                "azure/login step) and run the same command: it goes on from here."
            ),
        ),
    ),
)
"""The causes of a failed sign-in that have a diagnostic of their own, by azure-identity's or Entra's words."""

_NETWORK: tuple[tuple[re.Pattern[str], tuple[str, str, str]], ...] = (
    (
        re.compile(rf"{PROXY}|connect to proxy|Tunnel connection failed"),
        (
            "CMK323",
            "The proxy cannot be used",
            (
                "Check HTTPS_PROXY and NO_PROXY, then run the same command again. A SOCKS proxy needs the package PySocks: "
                "pip install 'requests[socks]'."
            ),
        ),
    ),
    (
        re.compile(rf"{TLS}|certificate verify failed|CERTIFICATE_VERIFY_FAILED"),
        (
            "CMK324",
            "The TLS connection cannot be trusted",
            (
                "If a proxy inspects TLS, set REQUESTS_CA_BUNDLE to a file with its CA certificate, then run the same command "
                "again."
            ),
        ),
    ),
)
"""The causes of a missing response that have a diagnostic of their own, by the words of `cmkctl.azure.reasons`, or
of `requests` inside the az CLI."""

WITHOUT_A_REASON = "and Azure tells the reason only to whoever began it"
"""Said of a resource that somebody else, or an earlier run, began to make."""

_ADVICE_BY_WORDS: Mapping[str, str] = {
    WITHOUT_A_REASON: (
        "Look for the reason in the activity log of the resource group, or run the same command again: what a failed creation "
        "left is created again, where there is nothing to lose, and then the reason is told here."
    ),
    UNREADABLE: (
        "Such errors pass: run the same command again. If it stays, something between here and Azure may answer in its place: "
        "check HTTPS_PROXY, and whether a proxy asks you to sign in."
    ),
    "Authorization_RequestDenied": (
        "This is a right in the directory, which no role on the subscription gives: ask an administrator of the tenant to do "
        "it, or to allow it, then run the same command again."
    ),
    "CMK workspaces should have purge protection": (
        "The vault with the key lacks purge protection: look at it with cmkctl plan, which says how to turn it on, and whether "
        "somebody made another vault of that name."
    ),
    "is in a failed provisioning state": (
        "What an earlier creation left half made is in the way, in a group where you may delete nothing: choose another "
        "workspace.name, or delete the failed workspace for good, after a look that it holds nothing."
    ),
    "RoleAssignmentUpdateNotPermitted": (
        "A role assignment of that name belongs to a principal that was there before: find it with az role assignment list "
        "--all, delete it, then run the same command again."
    ),
    "identity doesn't have enough permissions": (
        "Have the identity given a role with the right that Azure names (Microsoft.KeyVault/vaults/read is in Reader, on the "
        "vault); Azure names one at a time. Then run the same command again: for tens of minutes it may go on failing."
    ),
    "ForbiddenByRbac": (
        "Have Key Vault Crypto Officer assigned on the vault. If that was just done, it takes some minutes to take effect: run "
        "the same command again then."
    ),
    "InternalServerError": (
        "This is an error inside Azure: run the same command again, which also creates again what a failed creation left. If it "
        "stays, look at https://azure.status.microsoft, and give Microsoft's support the correlation id."
    ),
    "SubscriptionNotFound": "Check AZURE_SUBSCRIPTION_ID, and that you are signed in to the tenant it belongs to.",
    "Soft-deleted workspace exists": (
        "A deleted workspace holds this name for 14 days: have it recovered or deleted for good, or choose another "
        "workspace.name."
    ),
}
"""A better remedy than the one of its kind, by words in Azure's code or message."""


def _advice(failure: Failure) -> tuple[str, str, str]:
    usual = _ADVICE[failure.kind]
    if failure.kind is FailureKind.NETWORK:
        return next((better for words, better in _NETWORK if words.search(failure.message)), usual)
    # A refusal of a token by Azure has an HTTP status; signing in failed otherwise.
    if failure.kind is not FailureKind.UNAUTHENTICATED or failure.status is not None:
        return usual
    own = next((better for words, better in _SIGN_IN if words in failure.message), None)
    return own or (usual if failure.refused else _NOT_SIGNED_IN)


def diagnose(failure: Failure) -> Diagnostic:
    """A failure as a diagnostic: code and summary of its kind, Azure's words, and the remedy that fits both."""
    code, summary, remedy = _advice(failure)
    remedy = next((better for words, better in _ADVICE_BY_WORDS.items() if words in str(failure)), remedy)
    about = f"{failure.request}: " if failure.request else ""
    unit = " s" if failure.retry_after.isdecimal() else ""
    delay = f" It asks to wait: {failure.retry_after}{unit}." if failure.retry_after else ""
    support = f" Correlation id for a support case: {failure.correlation_id}." if failure.correlation_id else ""
    return Diagnostic(
        code, Severity.ERROR, summary, f"{about}{failure}{delay}{support}", remedy, subject=failure.request
    )
