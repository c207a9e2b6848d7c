"""Azure AI Search: each index, synonym map, indexer, data source and skillset has a key of its own, shown in the data plane only.

Resource Manager shows whether the service refuses objects without a customer's key, and whether it has any. An empty service is
compliant, and one without enforcement may have every object encrypted with a customer's key. `cmkctl encrypt` sets no key here.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.posture import IN_TRANSIT, Aspect, Check, Follow, Follows, Posture, Rules, State, Verdict
from cmkctl.services.base import PLATFORM_TRANSIT, Documents, OwnIdentity, Service, Verb

_CMK: Final = "properties.encryptionWithCmk"
_ENFORCEMENT: Final = f"{_CMK}.enforcement"
_COMPLIANCE: Final = f"{_CMK}.encryptionComplianceStatus"
_KEY: Final = f"{_CMK}.serviceLevelEncryptionKey"
_OPEN: Final = ("", "disabled", "unspecified")
"""The values of the enforcement with which objects may have either key."""
_SUFFIXES: Final = ("search.windows.net", "search.azure.us", "search.windows.us", "search.azure.cn")
"""The ends of hosts, for documents without an endpoint; sources name two for Azure Government."""

_RULES: Final = Rules(
    ("DP-5",),
    (
        Check(
            "Azure Policy",
            "76a56461-9dc0-40f0-82f5-2453283afa2f",
            "an empty service with enforcement passes, one without enforcement fails though every object may have a customer's "
            "key, and the service's own key of the preview versions is not looked at",
        ),
    ),
    by_analogy=True,
)
_ENFORCEMENT_RULES: Final = Rules(
    ("DP-5",), (Check("Azure Policy", "356da939-f20a-4bb9-86f8-5db445b0e354", "looks at no object"),), by_analogy=True
)


class SearchServices(Service):
    """Read only: an object gets its key when it is created, through the data plane."""

    name = "search_services"
    title = "AI Search service"
    resource_type = "Microsoft.Search/searchServices"
    host_suffixes = _SUFFIXES
    api_version = versions.SEARCH
    verb = Verb.OBJECTS
    reader = OwnIdentity("SystemAssigned, UserAssigned")
    follows = Follows(Follow.ON_REQUEST)
    revoked = "objects with the key cannot be used once the cached key has expired, after an hour or several"
    doc = "https://learn.microsoft.com/azure/search/search-security-manage-encryption-keys"
    protections = (IN_TRANSIT, "enforcement")
    rules = _RULES

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the endpoint; of a document without one, the host in each cloud."""
        endpoint = urlsplit(documents.text("resource", "properties.endpoint")).hostname
        name = documents.text("resource", "name").lower()
        if endpoint:
            return (endpoint,)
        return tuple(f"{name}.{each}" for each in _SUFFIXES) if name else ()

    def posture(self, documents: Documents) -> Posture:
        """Return what the service reports of its objects: never enough to know their keys."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown = tuple(documents.evidence("resource", each) for each in (_ENFORCEMENT, _COMPLIANCE))
        reason = f"the key of each object shows in the data plane only: {_reported(documents)}"
        vault, name, version = (
            documents.text("resource", f"{_KEY}.{each}")
            for each in ("keyVaultUri", "keyVaultKeyName", "keyVaultKeyVersion")
        )
        if not vault or not name:
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        # Preview versions alone show it, so that a document of a stable one proves nothing.
        shown += tuple(documents.evidence("resource", f"{_KEY}.{each}") for each in ("keyVaultUri", "keyVaultKeyName"))
        reason += "; the service has a key of the customer's for new objects that name none"
        return Posture(Verdict.NOT_KNOWABLE, reason, shown, f"{vault.rstrip('/')}/keys/{name}", version)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, and whether objects without a customer's key are refused."""
        return (PLATFORM_TRANSIT, _enforcement(documents)) if documents.find("resource") else ()


def _reported(documents: Documents) -> str:
    """Return the meaning of what the service reports."""
    enforcement, compliance = (documents.value("resource", each) for each in (_ENFORCEMENT, _COMPLIANCE))
    if isinstance(enforcement, str | None) and str(enforcement or "").lower() in _OPEN:
        return f"enforcement is {enforcement or 'not shown'}, which says nothing about the objects"
    if not isinstance(enforcement, str) or not same_word(enforcement, "Enabled"):
        return f"the enforcement is {enforcement}, which cmkctl does not know"
    reported = compliance if isinstance(compliance, str) else ""
    if same_word(reported, "NonCompliant"):
        return "the service reports objects that are encrypted with Microsoft's key, and refuses new ones"
    if same_word(reported, "Compliant"):
        return "the service reports no object with Microsoft's key and refuses new ones, and it may be empty"
    return f"the service refuses new objects with Microsoft's key, and reports {compliance or 'nothing'} about those it has"


def _enforcement(documents: Documents) -> Aspect:
    value, shown = documents.value("resource", _ENFORCEMENT), (documents.evidence("resource", _ENFORCEMENT),)
    topic = "enforcement"
    if isinstance(value, str) and same_word(value, "Enabled"):
        reason = "new objects without a customer's key are refused"
        return Aspect(topic, State.ENFORCED, reason, shown, _ENFORCEMENT_RULES)
    if isinstance(value, str | None) and str(value or "").lower() in _OPEN:
        reason = "objects without a customer's key are accepted"
        return Aspect(topic, State.NOT_ENFORCED, reason, shown, _ENFORCEMENT_RULES)
    return Aspect(topic, State.NOT_KNOWABLE, "cmkctl does not know the value", shown, _ENFORCEMENT_RULES)


SERVICE: Final = SearchServices()
