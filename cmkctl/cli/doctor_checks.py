"""The checks of ``cmkctl doctor``: the way to Azure, from the machine's settings to the rights at the resource group."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from azure.core.exceptions import AzureError, ResourceNotFoundError

from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.cli.account import account_of, claims_of
from cmkctl.cli.run import Run
from cmkctl.diagnostics import CmkctlError
from cmkctl.views.shown import CheckShown, CheckState

_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_MOST_SKEW: Final = 300
"""Seconds by which the clock may be wrong. Tokens and polling rely on it; the limit is a choice, no published one was found."""

_SUBSCRIPTIONS: Final = "2022-12-01"
_PERMISSIONS: Final = "2022-04-01"

_ACTIONS: Final = (
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.KeyVault/vaults/write",
    "Microsoft.KeyVault/vaults/keys/write",
    "Microsoft.MachineLearningServices/workspaces/write",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Insights/components/write",
    "Microsoft.OperationalInsights/workspaces/write",
)
"""The actions without which no workspace is created; docs/troubleshooting.md has the whole table."""

SIGN_IN: Final = "Sign-in"

_GRANT: Final = {
    "access-policy": "Microsoft.KeyVault/vaults/accessPolicies/write",
    "rbac": "Microsoft.Authorization/roleAssignments/write",
}


def checks(opened: Run) -> Iterator[CheckShown]:
    """Every check, in the order in which a request passes them. A failed sign-in ends them."""
    yield _proxy(os.environ)
    yield _certificates(os.environ)
    claims = _sign_in(opened)
    yield claims if isinstance(claims, CheckShown) else _account(claims)
    if isinstance(claims, CheckShown):
        return
    yield _tenant(claims, opened)
    yield from _subscription(opened)
    yield _permissions(opened)


def _ok(name: str, found: str) -> CheckShown:
    return CheckShown(name, CheckState.OK, found)


def _failed(name: str, found: str, remedy: str) -> CheckShown:
    return CheckShown(name, CheckState.FAILED, found, remedy)


def _proxy(environ: Mapping[str, str]) -> CheckShown:
    found = next(((name, environ[name]) for name in _PROXIES if environ.get(name)), None)
    if found is None:
        return _ok("Proxy", "none (HTTPS_PROXY is not set)")
    name, value = found
    if value.startswith("socks") and find_spec("socks") is None:
        remedy = f"pip install 'requests[socks]', or set {name} to an HTTP proxy: http://HOST:PORT."
        return _failed("Proxy", f"{name} names a SOCKS proxy, which needs the package PySocks", remedy)
    return _ok("Proxy", f"{value} (from {name})")


def _certificates(environ: Mapping[str, str]) -> CheckShown:
    found = next(((name, environ[name]) for name in _BUNDLES if environ.get(name)), None)
    if found is None:
        return _ok("Certificates", "those of the certifi package")
    name, value = found
    if not Path(value).exists():
        remedy = f"Correct or unset {name}."
        return _failed("Certificates", f"{name} names {value}, which does not exist", remedy)
    return _ok("Certificates", f"{value} (from {name})")


def _sign_in(opened: Run) -> Mapping[str, Any] | CheckShown:
    """Return the claims of the token for Resource Manager, or the failed check."""
    try:
        return claims_of(opened.session)
    except (AzureError, CmkctlError) as error:
        return _failed(SIGN_IN, *_reason(error))


def _account(claims: Mapping[str, Any]) -> CheckShown:
    who = account_of(claims) or "an account that the token does not name"
    object_id = f", object id {claims['oid']}" if claims.get("oid") else ""
    return _ok(SIGN_IN, f"{who}{object_id}")


def _tenant(claims: Mapping[str, Any], opened: Run) -> CheckShown:
    wanted, actual = getattr(opened.profile, "tenant", None), str(claims.get("tid", "unknown"))
    if wanted and wanted != actual:
        remedy = f"Sign in to the profile's tenant: az login --tenant {wanted}"
        return _failed("Tenant", f"{actual}, but the profile names {wanted}", remedy)
    return _ok("Tenant", actual)


def _subscription(opened: Run) -> Iterator[CheckShown]:
    """Check the subscription and, with the time in the response, the clock."""
    identifier = opened.profile.subscription
    url = f"{opened.session.endpoints.arm}/subscriptions/{identifier}?api-version={_SUBSCRIPTIONS}"
    try:
        response = opened.session.follow(url).http_response
        document = response.json()
    except (AzureError, CmkctlError, ValueError) as error:
        yield _failed("Subscription", *_reason(error))
        return
    name, state = document.get("displayName", ""), document.get("state", "unknown")
    found = f"{name} ({identifier}), {str(state).lower()}"
    disabled = state not in ("Enabled", "unknown")
    remedy = "Activate it in the Azure portal, or choose a different subscription: az account list --output table"
    yield _failed("Subscription", found, remedy) if disabled else _ok("Subscription", found)
    yield _clock(response.headers.get("Date", ""), opened.session.clock.now())


def _clock(date: str, now: datetime) -> CheckShown:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return CheckShown("Clock", CheckState.UNKNOWN, "Azure's response has no date")
    seconds = (now - there.astimezone(UTC)).total_seconds()
    found = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} Azure"
    remedy = "Set the clock of this machine: a token is refused before and after its time of validity."
    return _failed("Clock", found, remedy) if abs(seconds) > _MOST_SKEW else _ok("Clock", found)


def _permissions(opened: Run) -> CheckShown:
    """Check the permissions at the resource group, as Azure lists them for the signed-in account."""
    profile = opened.profile
    scope = f"/subscriptions/{profile.subscription}/resourceGroups/{profile.resource_group}"
    path = f"{scope}/providers/Microsoft.Authorization/permissions?api-version={_PERMISSIONS}"
    try:
        answer = opened.session.follow(f"{opened.session.endpoints.arm}{path}").http_response.json()
    except ResourceNotFoundError:
        found = (
            f"resource group {profile.resource_group} does not exist yet, and Azure lists rights only for one that does"
        )
        return CheckShown("Permissions", CheckState.UNKNOWN, found, _roles(scope.rpartition("/resourceGroups")[0]))
    except (AzureError, CmkctlError, ValueError) as error:
        summary = _reason(error)[0].partition(". ")[0]
        return CheckShown("Permissions", CheckState.UNKNOWN, f"Azure does not list them: {summary}", _roles(scope))
    grant = _GRANT.get(str(profile.key_vault.authorization))
    wanted = (*_ACTIONS, *([grant] if grant else []))
    missing = [each for each in wanted if not allowed(each, answer.get("value", ()))]
    if missing:
        return _failed("Permissions", f"missing at {scope}: {', '.join(missing)}", _roles(scope))
    return _ok(
        "Permissions", f"every action that creating a workspace needs, at resource group {profile.resource_group}"
    )


def _roles(scope: str) -> str:
    return (
        f"Have Contributor assigned: az role assignment create --role Contributor --assignee ACCOUNT --scope {scope}\n"
        "docs/troubleshooting.md lists every permission and a smaller role."
    )


def allowed(action: str, permissions: Sequence[Mapping[str, Any]]) -> bool:
    """Return True when a permission includes an action and does not exclude it. Azure ignores case and expands ``*``."""
    return any(
        _matches(action, each.get("actions")) and not _matches(action, each.get("notActions")) for each in permissions
    )


def _matches(action: str, patterns: Sequence[str] | None) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), each.lower()) for each in patterns or ())


def _reason(error: Exception) -> tuple[str, str]:
    """Return the finding and the remedy of an error."""
    failed = AzureFailed(classify(error)) if isinstance(error, AzureError) else error
    if isinstance(failed, CmkctlError) and failed.diagnostics:
        first = failed.diagnostics[0]
        return f"{first.summary}. {first.detail.splitlines()[0] if first.detail else ''}".strip(), first.remedy
    return str(error), "Run the same command with --debug."
