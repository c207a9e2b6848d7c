"""Rules about the associated resources as they are (failures.md, 1.8 and 1.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.ids import resource_type
from cmkctl.checks.observed import ASSOCIATED, WORKSPACE
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule
from cmkctl.posture import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmkctl.profile.model import Profile

CMK130: Final = Code(
    "CMK130",
    "The storage account refuses the keys that the workspace would use",
    "The datastores of a workspace use the keys of its storage account unless they are set to identities. An account with shared keys turned off refuses such requests.",
    "Set workspace.datastore_access: identity.",
    "https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent",
)
CMK131: Final = Code(
    "CMK131",
    "Azure Machine Learning cannot pull images from the registry",
    "Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with the role AcrPull. This registry has no admin user, and the workspace no such identity.",
    "Turn the admin user on, or give the workspace a user-assigned identity with the role AcrPull.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication",
)

CMK707: Final = Code(
    "CMK707",
    "Part of the storage account's data keeps Microsoft's key",
    "The queues and tables of a storage account use the account's key only where that was chosen when the account was created. In an account that got its key later, as from `cmkctl encrypt`, they keep Microsoft's key, and no update changes that.",
    "Accept it, or create a new account with associated_resources.storage_account.encryption: customer for a new workspace: a workspace keeps its account.",
    "https://learn.microsoft.com/azure/storage/common/account-encryption-key-create",
)


@rule(CMK130, severity=Severity.ERROR, needs=(ASSOCIATED, WORKSPACE))
def keys_of_the_storage_account(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Refuse a new workspace whose datastores would use keys that the account refuses."""
    from cmkctl.steps.workspace import datastore_access  # noqa: PLC0415 - the steps bring the Azure SDK with them

    account = profile.associated_resources.storage_account
    refuses = _properties(facts, account.resource_id).get("allowSharedKeyAccess") is False
    if facts[WORKSPACE] is None and refuses and datastore_access(profile) in (None, "AccessKey"):
        yield Finding(
            f"The storage account {account.resource_name} has shared keys turned off, and the workspace's datastores would use "
            "them.",
            "Set workspace.datastore_access: identity.",
            "workspace.datastore_access",
        )


@rule(CMK131, severity=Severity.WARNING, needs=(ASSOCIATED,))
def images_of_the_registry(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of a registry that the workspace can pull no images from (P86)."""
    registry = profile.associated_resources.container_registry
    if registry is None or profile.workspace.identity_id is not None:
        return
    properties = _properties(facts, registry.resource_id)
    if properties and not properties.get("adminUserEnabled"):
        yield Finding(
            f"The registry {registry.resource_name} has no admin user, and the workspace has no user-assigned identity.",
            f"Turn the admin user on: az acr update --name {registry.resource_name} --admin-enabled true; or "
            "write workspace.identity: a user-assigned identity with the role AcrPull.",
            "associated_resources.container_registry",
        )


@rule(CMK707, severity=Severity.WARNING, needs=(ASSOCIATED,))
def data_with_another_key(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn of an existing account of which only a part has the customer's key, where the profile wants all of it to have it."""
    from cmkctl.services import service_of  # noqa: PLC0415 - codes are loaded without what the services need
    from cmkctl.services.base import Answer, Documents, Read  # noqa: PLC0415 - as above

    account = profile.associated_resources.storage_account
    service, document = (
        service_of(resource_type(account.resource_id)),
        facts[ASSOCIATED].resources.get(account.resource_id),
    )
    wanted = account.encryption == "customer" or profile.workspace.encryption == "service-side"
    if service is None or document is None or not wanted:
        return
    read = Read("resource", account.resource_id, service.api_version)
    posture = service.posture(Documents([Answer(read, document)]))
    apart = [each.name for each in posture.parts if each.posture.verdict is Verdict.MICROSOFT]
    if posture.verdict is Verdict.MIXED:
        yield Finding(
            f"The {' and '.join(apart)} of the storage account {account.resource_name} keep Microsoft's key; its other data has "
            "the customer's.",
            CMK707.remedy,
            "associated_resources.storage_account",
        )


def _properties(facts: Facts, resource: str) -> Mapping[str, Any]:
    found = facts[ASSOCIATED].resources.get(resource)
    return (found or {}).get("properties") or {}
