"""The diagnostic codes, declared once each. Behind ``cmkctl explain`` and docs/rules.md.

The hundreds group them: 0 command line and profile, 1 preflight rules (declared beside their rules in `cmkctl.checks`, except
for those that other modules report as well), 2 conflicts, 3 failures of Azure, 4 results, 5 files and the sandbox, 6 the life of a workspace, 7 who holds the keys, 9 defects. A released code keeps its meaning,
and a retired id is never reused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.diagnostics import Code

_SETUP: Final = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys"
_CONCEPT: Final = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"
_COSMOS: Final = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"
_SOFT_DELETE: Final = "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"

# Command line and profile

CMK001: Final = Code(
    "CMK001",
    "Cannot read the file",
    "The profile, or a profile that it extends, does not exist or is not readable as UTF-8 text.",
    "Check the path and the file's permissions.",
)
CMK002: Final = Code(
    "CMK002",
    "Invalid YAML",
    "The file is not a single YAML document with a mapping at its top level. Duplicate keys are refused, because one of the two values would be lost silently.",
    "Fix the indicated line.",
)
CMK003: Final = Code(
    "CMK003",
    "Unknown field",
    "Unknown fields are refused, so that a misspelt security setting is never ignored silently.",
    "Correct the name. docs/profiles.md and `cmkctl schema` list every field.",
)
CMK004: Final = Code(
    "CMK004",
    "Invalid value",
    "The value has the wrong type or breaks one of Azure's rules.",
    "Use a value as described in the message.",
)
CMK005: Final = Code(
    "CMK005",
    "Missing required field",
    "The field has no default, because the choice is permanent or cannot be guessed.",
    "Add the field.",
)
CMK006: Final = Code(
    "CMK006",
    "Environment variable not set",
    "The profile uses ${NAME}, and NAME is not set. Substituting an empty value could create resources in the wrong place.",
    "Set the variable, or give a default: ${NAME:-default}.",
)
CMK007: Final = Code(
    "CMK007",
    "Cannot follow extends",
    "Following `extends` leads back to a profile already loaded, or to something other than a profile.",
    "Break the cycle, or correct the path.",
)
CMK008: Final = Code(
    "CMK008",
    "Invalid command line",
    "An option is malformed, such as --set without '='; two options exclude each other; or two options name the same file.",
    "See `cmkctl COMMAND --help`.",
)
CMK009: Final = Code(
    "CMK009",
    "Conflicting fields",
    "Each value is valid on its own, but Azure offers no such combination.",
    "Change one of the named fields.",
)
CMK010: Final = Code(
    "CMK010",
    "Confirmation required",
    "apply asks for confirmation before it writes. Without a terminal it cannot ask, so it needs --yes.",
    "Read the plan, then add --yes.",
)
CMK011: Final = Code(
    "CMK011",
    "Unknown region",
    "The location is not in cmkctl's list of regions. Azure opens regions more often than cmkctl is released, so this is a warning; a near miss of a known region is an error (CMK004).",
    "Compare it with: az account list-locations -o table",
    "https://learn.microsoft.com/azure/reliability/regions-list",
)
CMK012: Final = Code(
    "CMK012",
    "A secret would be stored in clear text",
    "A setting takes its value from an environment variable whose name looks like a secret's. Azure shows tags, names and descriptions to everyone who may read the resource.",
    "Use a value that others may read, or rename the variable when it holds no secret.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources",
)

# Preflight

CMK115: Final = Code(
    "CMK115",
    "Not compared",
    "Azure does not show this setting, cmkctl may not change it, or it is a setting of cmkctl's own. The resource counts as up to date without it.",
    "Check the setting yourself where it matters.",
)
CMK189: Final = Code(
    "CMK189",
    "Some checks follow the registrations",
    "Azure answers some questions about a resource provider only once the subscription is registered for it. apply sends the registrations first, then judges these rules, and stops before it makes anything that cannot be undone if one of them reports an error.",
    "apply does this by itself.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types",
)
CMK160: Final = Code(
    "CMK160",
    "The name is taken",
    "Names of key vaults, storage accounts and container registries are unique in the whole cloud. The name is held by a resource outside the profile's resource group, or by a soft-deleted vault: Azure refuses the creation, after other resources exist already.",
    "Choose another name.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
)
CMK162: Final = Code(
    "CMK162",
    "A soft-deleted workspace holds the name",
    "A deleted Azure Machine Learning workspace keeps its name for 14 days, and Azure refuses a creation with that name. The workspace cannot be read by its id, but the subscription's list of workspaces still shows it; that the list shows every one is reported, not documented.",
    "Recover it in the portal (Azure Machine Learning, Recently deleted), purge it with the command of the message, or choose another workspace.name.",
    "https://learn.microsoft.com/azure/machine-learning/concept-soft-delete",
)
CMK190: Final = Code(
    "CMK190",
    "A check was skipped",
    "A rule needs a fact that could not be read, usually because the signed-in principal may not read it. Everything else was checked; apply reports what Azure refuses.",
    "Have the missing permission granted to check it beforehand.",
)
CMK196: Final = Code(
    "CMK196",
    "Azure's validation refuses the plan",
    "Before it asks, apply sends the plan as an ARM template to Azure Resource Manager for validation, which writes nothing: every resource provider and every policy judges the resources that the plan creates. A resource that is refused there would be refused during the run, after others that cannot be deleted for good.",
    "Change what Azure refuses. If you are sure that the validation is wrong: --no-validate.",
    "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-invalid-template-deployment",
)
CMK197: Final = Code(
    "CMK197",
    "The plan was not validated by Azure",
    "Azure did not give a verdict on the plan's template, for example because the signed-in account lacks Microsoft.Resources/deployments/validate/action on the subscription. The checks of cmkctl itself were made; apply goes on.",
    "Have the permission granted to have the plan validated beforehand, or leave it out with --no-validate.",
    "https://learn.microsoft.com/rest/api/resources/deployments/validate-at-subscription-scope",
)
CMK200: Final = Code(
    "CMK200",
    "The administrator's part is not done",
    "With --part rest, a plan covers what is left once an administrator has registered the resource providers, created the service principal in the directory and assigned the roles. Some of that is still missing.",
    "Have an administrator run the commands; cmkctl plan PROFILE --part admin prints them.",
)

# Conflicts

CMK201: Final = Code(
    "CMK201",
    "Resource provider not available in this cloud",
    "The subscription's cloud does not offer the namespace.",
    "Use a cloud that offers Azure Machine Learning and the services it needs.",
)
CMK202: Final = Code(
    "CMK202",
    "The resource group is being deleted",
    "Everything in the group is deleted with it.",
    "Wait until it is gone, or use another resource group.",
)
CMK203: Final = Code(
    "CMK203",
    "The vault is in a different subscription",
    "Azure Machine Learning accepts a key only from a vault in the workspace's subscription.",
    "Use a vault in the workspace's subscription.",
    _SETUP,
)
CMK204: Final = Code(
    "CMK204",
    "Key vault not found",
    "key_vault.id must name an existing vault; cmkctl creates a vault only from key_vault.name.",
    "Correct the id, or set key_vault.name.",
)
CMK205: Final = Code(
    "CMK205",
    "A soft-deleted vault holds the name",
    "A deleted vault keeps its name until its retention ends, and purge protection rules out an earlier purge. Its keys and settings come back with it, so cmkctl recovers a vault only if the profile says so.",
    "Set key_vault.recover: true, or recover it with `az keyvault recover` and plan again, or choose another name. Role assignments are lost at deletion; cmkctl plans them again.",
    _SOFT_DELETE,
)
CMK206: Final = Code(
    "CMK206",
    "The vault belongs to a different Entra tenant",
    "Access to the vault is decided by principals of that other tenant.",
    "Use a vault of the subscription's tenant.",
)
CMK207: Final = Code(
    "CMK207",
    "The vault's retention does not match the profile",
    "The soft-delete retention of a vault is fixed at creation.",
    "Set soft_delete_days to the vault's value, leave it out, or use another vault.",
    _SOFT_DELETE,
)
CMK208: Final = Code(
    "CMK208",
    "The vault's authorization does not match the profile",
    "The profile names the other model, or a scope for the grant that only roles have. Switching between access policies and roles removes the access of everyone who has it now, so cmkctl never does it.",
    "Set key_vault.authorization to the vault's value, or leave it out; with access policies, leave key_access.scope out.",
)
CMK209: Final = Code(
    "CMK209",
    "An RSA-HSM key needs a premium vault",
    "Hardware-protected keys are available in premium vaults only.",
    "Use a premium vault, or set key.type: RSA.",
)
CMK210: Final = Code(
    "CMK210",
    "The vault lacks purge protection",
    "Azure Machine Learning refuses a key that could be lost for good. Purge protection cannot be turned off again, so cmkctl turns it on in an existing vault only if the profile allows it.",
    "Set key_vault.allow_enabling_purge_protection: true, or use another vault.",
    _SETUP,
)
CMK211: Final = Code(
    "CMK211",
    "The vault's network rules do not match the profile",
    "Changing the firewall of a vault in use could lock its users out or open it to others. cmkctl sets network rules only on vaults it creates.",
    "Leave key_vault.network out to use the vault as it is, or change its rules yourself.",
)
CMK212: Final = Code(
    "CMK212",
    "The vault is in a different region than the profile",
    "The region of a vault is fixed at creation. The profile's location is the region of everything that cmkctl creates.",
    "Set location to the vault's region, use another vault name, or give the vault by key_vault.id.",
)
CMK213: Final = Code(
    "CMK213",
    "The vault's tier does not match the profile",
    "cmkctl does not change the tier of an existing vault.",
    "Set key_vault.sku to the vault's tier, or leave it out.",
)
CMK214: Final = Code(
    "CMK214",
    "The vault is in a failed state",
    "Azure reports that its provisioning failed, or it is being deleted.",
    "Repair or delete it, or choose another name.",
)
CMK220: Final = Code(
    "CMK220",
    "A soft-deleted key holds the name",
    "A deleted key keeps its name until its retention ends. The profile asks for its recovery (key.recover), which goes through the vault's own endpoint and needs rights on keys there.",
    "Have the role Key Vault Crypto Officer assigned, or the key permissions get and recover in an access policy, and connect from where the vault's firewall lets you.",
    _SOFT_DELETE,
)
CMK221: Final = Code(
    "CMK221",
    "The key has the wrong type",
    "Only RSA keys can wrap and unwrap, and the type of a key is permanent.",
    "Choose another key.name.",
)
CMK222: Final = Code(
    "CMK222",
    "The key size does not match the profile",
    "The size of a key is permanent.",
    "Set key.size to the key's size, or choose another key.name.",
)
CMK223: Final = Code(
    "CMK223",
    "The key does not allow wrap and unwrap",
    "The operations of a key are fixed when it is created through Resource Manager.",
    "Choose another key.name.",
)
CMK224: Final = Code(
    "CMK224",
    "The key is disabled",
    "Disabling a key revokes access to the data. cmkctl disables one with revoke only, and enables one with restore only.",
    "Find out who disabled it and why before you enable it: cmkctl restore PROFILE.",
)
CMK225: Final = Code(
    "CMK225",
    "The key has expired",
    "An expired key cannot unwrap, so the data is out of reach.",
    "Extend it with `az keyvault key set-attributes --expires`.",
)
CMK226: Final = Code(
    "CMK226",
    "The key is not valid yet",
    "Its activation date is in the future.",
    "Wait until that date, or choose another key.",
)
CMK227: Final = Code(
    "CMK227",
    "The key's expiry does not match the profile",
    "Resource Manager creates the first version of a key and never changes an existing one, so cmkctl cannot move the expiry of a key.",
    "Move the expiry with `az keyvault key set-attributes --expires`, or leave key.expires out.",
)
CMK229: Final = Code(
    "CMK229",
    "The key version of the profile does not exist",
    "key.version names one version of the key, and Key Vault chooses the versions' names. cmkctl uses a version that exists and creates none with a given name.",
    "List the versions with `az keyvault key list-versions`, or leave key.version out.",
)
CMK231: Final = Code(
    "CMK231",
    "Cannot read the directory",
    "The object id of Azure Cosmos DB, or of another application that reads the key, is looked up in Microsoft Graph. The signed-in principal lacks Application.Read.All there, or Microsoft Graph rejects its token, for example because of Conditional Access.",
    "Ask someone who has the permission to look it up; for Azure Cosmos DB set key_access.cosmos_db_object_id.",
    _COSMOS,
)
CMK232: Final = Code(
    "CMK232",
    "The tenant has no service principal for the application",
    "The grant needs a principal. For Azure Cosmos DB, registering Microsoft.DocumentDB usually creates it.",
    "Register the provider again, or ask a directory administrator to create the service principal.",
    _COSMOS,
)
CMK233: Final = Code(
    "CMK233",
    "User-assigned identity not found",
    "The profile names an identity that does not exist, for the workspace, for a grant or for a resource under services.",
    "Create it first, or correct the id.",
)
CMK704: Final = Code(
    "CMK704",
    "A role assignment with a condition holds the place of the access",
    "The principal has the role for the key at this scope, but with a condition, which cmkctl cannot evaluate and does not rely on. Azure keeps one assignment of a role for a principal and a scope, so none without the condition can be created beside it (409 RoleAssignmentExists).",
    "Have the assignment deleted, or its condition removed.",
    "https://learn.microsoft.com/azure/role-based-access-control/conditions-overview",
)
CMK241: Final = Code(
    "CMK241",
    "Associated resource not found",
    "An id in associated_resources must name an existing resource; cmkctl creates resources only from names.",
    "Correct the id, or set a name.",
)
CMK242: Final = Code(
    "CMK242",
    "An associated resource is in a failed state",
    "Azure reports that its provisioning failed, or it is being deleted.",
    "Repair or delete it, or choose another name.",
)
CMK243: Final = Code(
    "CMK243",
    "The associated resource does not suit a workspace",
    "The default storage account of a workspace may not be premium and may not have a hierarchical namespace.",
    "Use another resource.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-create-workspace-template",
)
CMK244: Final = Code(
    "CMK244",
    "The associated resource is in a different region than the profile",
    "The region of a resource is fixed at creation. The profile's location is the region of everything that cmkctl creates.",
    "Give the resource by id to use it where it is, or choose another name.",
)
CMK245: Final = Code(
    "CMK245",
    "The storage account's replication cannot be changed to the profile's",
    "Azure changes a storage account between local and geo-redundant replication by an update. A change to or from zone-redundant replication is a conversion that has to be requested.",
    "Set sku to what the account has, or request a conversion.",
    "https://learn.microsoft.com/azure/storage/common/redundancy-migration",
)
CMK246: Final = Code(
    "CMK246",
    "Application Insights uses a different Log Analytics workspace",
    "The component stores its data in the Log Analytics workspace that it is linked to. cmkctl does not move it.",
    "Link it to the profile's Log Analytics workspace with `az monitor app-insights component update`, or set associated_resources.log_analytics.id.",
)
CMK247: Final = Code(
    "CMK247",
    "The vault is not as it was created",
    "Azure confirmed the vault with other settings than cmkctl sent, as a policy with the effect modify does. Key, grant and workspace rest on these settings, so cmkctl stops before it puts anything on the vault.",
    "Find the policy with `az policy assignment list`, then write its settings in the profile, or have the vault exempted, and run cmkctl plan.",
)
CMK248: Final = Code(
    "CMK248",
    "The grant cannot be made",
    "No role has that name or id, or the role is a custom one that its definition allows only at other scopes, or the principal is of another type.",
    "Correct role, scope or principal_type, or have the role's assignable scopes extended.",
    "https://learn.microsoft.com/azure/role-based-access-control/custom-roles#assignablescopes",
)
CMK249: Final = Code(
    "CMK249",
    "An old role assignment has the name of a grant",
    "cmkctl derives the name of a role assignment from scope, principal and role. A workspace or identity that was deleted and created again has a new object id, and Azure does not move an assignment to it.",
    "Remove the old assignment with `az role assignment delete --ids`, and run cmkctl plan.",
)
CMK251: Final = Code(
    "CMK251",
    "The workspace is in a failed state",
    "Azure reports that its provisioning failed, or it is being deleted. A failed creation that was not written to since is created again; this workspace was written to since, or Azure gives no information about that.",
    "Diagnose it, or delete it and choose another name: a deleted workspace keeps its name for 14 days.",
)
CMK252: Final = Code(
    "CMK252",
    "The workspace is encrypted with Microsoft-managed keys",
    "Encryption with your own key can only be chosen at creation.",
    "Create a new workspace and move the work there.",
    _CONCEPT,
)
CMK253: Final = Code(
    "CMK253",
    "The workspace's key is in a different vault",
    "A workspace keeps the vault that it was created with.",
    "Use that vault in the profile, or create a new workspace.",
    _CONCEPT,
)
CMK254: Final = Code(
    "CMK254",
    "The workspace uses a different encryption architecture",
    "In-subscription or service-side encryption is chosen at creation.",
    "Set the value the workspace has, or create a new workspace.",
    _CONCEPT,
)
CMK255: Final = Code(
    "CMK255",
    "High business impact does not match",
    "The flag is fixed at creation.",
    "Set the value the workspace has, or create a new workspace.",
    _CONCEPT,
)
CMK256: Final = Code(
    "CMK256",
    "The workspace uses a different key",
    "apply never moves a workspace from one key to another; rotate does, within the vault.",
    "Set key.name to the key that it uses, or move the workspace to the key of the profile: cmkctl rotate PROFILE.",
    _CONCEPT,
)
CMK257: Final = Code(
    "CMK257",
    "A different identity reads the key",
    "The identity that reads the key is chosen at creation.",
    "Set workspace.identity to that identity.",
)
CMK258: Final = Code(
    "CMK258",
    "The workspace has a different associated resource",
    "The storage account, key vault and Application Insights of a workspace are chosen at creation.",
    "Set the ids that it has under associated_resources.",
)
CMK259: Final = Code(
    "CMK259",
    "The workspace has a different identity",
    "cmkctl never replaces the identity of a workspace.",
    "Set workspace.identity to the value the workspace has.",
)

CMK260: Final = Code(
    "CMK260",
    "The workspace is in a different region than the profile",
    "The region of a workspace is fixed at creation.",
    "Set location to the workspace's region, or choose another workspace.name.",
)
CMK261: Final = Code(
    "CMK261",
    "Public network access does not match the profile",
    "cmkctl closes public access on request and never opens it again.",
    "Open it with `az ml workspace update`, or set workspace.public_network_access: disabled.",
)
CMK262: Final = Code(
    "CMK262",
    "An associated resource differs in what is fixed at its creation",
    "Azure takes this setting when the resource is created, and never changes it afterwards. An example is the infrastructure encryption of a storage account.",
    "Write what the resource has, leave the field out, or choose another name for a new resource.",
)
CMK263: Final = Code(
    "CMK263",
    "An associated resource is stricter than the profile",
    "The profile asks for less protection than the resource has. cmkctl loosens no protection.",
    "Write what the resource has, leave the field out, or loosen it yourself.",
)
CMK264: Final = Code(
    "CMK264",
    "A resource that is given by id differs from what the profile writes for it",
    "cmkctl only reads a resource that is given by id. What the profile writes for it is compared, and never sent.",
    "Leave the fields out, or change the resource where it is managed.",
)
CMK265: Final = Code(
    "CMK265",
    "Another diagnostic setting sends the same to the same destination",
    "Azure refuses a second diagnostic setting of a resource that sends the same category to the same destination.",
    "Give diagnostics.name the name of that setting, or delete it.",
    "https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings",
)
CMK266: Final = Code(
    "CMK266",
    "The storage account was created with Microsoft's key",
    "The profile asks for an account with the customer's key (associated_resources.storage_account.encryption), and cmkctl apply sets that key when it creates the account. An account that exists gets it from cmkctl encrypt. Its queues and tables then keep Microsoft's key: only a new account can have them with the customer's.",
    "Name the account under services.storage_accounts and run `cmkctl encrypt`, or choose another name for a new account.",
    "https://learn.microsoft.com/azure/storage/common/account-encryption-key-create",
)
CMK267: Final = Code(
    "CMK267",
    "An associated resource is encrypted with another customer's key",
    "The storage account or registry has a customer's key already, and key, version or the identity that reads it is not what the profile asks for. cmkctl apply sets a key only when it creates the resource.",
    "Leave encryption out to keep the resource as it is, or choose another name for a new one. A storage account gets the profile's key from `cmkctl encrypt`.",
    "https://learn.microsoft.com/azure/storage/common/customer-managed-keys-overview",
)
CMK271: Final = Code(
    "CMK271",
    "The key is not ready for services",
    "cmkctl encrypt uses a key and a vault that exist: the vault has purge protection, and the key's latest version is enabled and in date. It creates neither.",
    "Create them with `cmkctl apply`, or repair the key.",
)
CMK272: Final = Code(
    "CMK272",
    "The resource cannot be read",
    "A resource under services must exist, and the signed-in principal must be able to read it. Azure answers in the same way for both where it hides the difference.",
    "Correct the id, or ask for the role Reader on the resource.",
)
CMK273: Final = Code(
    "CMK273",
    "The key can be set at creation only",
    "The service takes a customer-managed key when a resource is created, and offers no request that changes it afterwards.",
    "Create the resource again with the key, and delete this one when it is no longer needed.",
)
CMK274: Final = Code(
    "CMK274",
    "The service does not accept the key",
    "The service has rules about the key or the state of the resource, and they do not hold here.",
    "Follow the ways out of the message.",
)

CMK285: Final = Code(
    "CMK285",
    "The identity is in a different region than the profile",
    "The region of a managed identity is fixed at creation, and cmkctl creates and adopts in the profile's region only.",
    "Use the identity by its ARM id under workspace.identity.user_assigned, or choose another name.",
)
CMK286: Final = Code(
    "CMK286",
    "The workspace is of a different kind",
    "A workspace is an ordinary one, a hub, a project or a feature store from its creation on.",
    "Set workspace.kind to the kind that it has, or choose another workspace.name.",
)
CMK287: Final = Code(
    "CMK287",
    "v1 legacy mode does not match the profile",
    "v1 legacy mode keeps a workspace's traffic inside the private network, at the price of the v2 API. cmkctl turns it on on request and never off.",
    "Set workspace.v1_legacy_mode: true, or turn it off yourself.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-configure-network-isolation-with-v2",
)
CMK288: Final = Code(
    "CMK288",
    "A setting of the workspace is fixed at creation and differs",
    "Data isolation and the settings of a hub are chosen at creation.",
    "Set the value that the workspace has, leave the field out, or choose another workspace.name.",
)
CMK289: Final = Code(
    "CMK289",
    "The project cannot belong to this hub",
    "A project keeps the hub, and with it the key, with which it was created.",
    "Choose another name for the project.",
    "https://learn.microsoft.com/azure/machine-learning/concept-hub-workspace",
)
CMK290: Final = Code(
    "CMK290",
    "The project is not ready",
    "Azure reports the project as failed. cmkctl does not write over a project that may hold work.",
    "Find out why with `az ml workspace diagnose`, then delete the project, or choose another name.",
)

# Networks

CMK270: Final = Code(
    "CMK270",
    "An outbound rule cannot be brought in line",
    "Azure Machine Learning makes rules of its own in a managed network, which cannot be changed, and a rule that Azure reports as failed has no effect.",
    "Follow the ways out of the message.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network#manage-outbound-rules",
)
CMK275: Final = Code(
    "CMK275",
    "A private endpoint is not ready",
    "Azure ended the creation or an update of the endpoint without success, so nothing is reached through it.",
    "Delete the endpoint and apply again.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
)
CMK276: Final = Code(
    "CMK276",
    "A private DNS zone that was given by id does not exist",
    "cmkctl never creates a zone that the profile gives by id.",
    "Correct the id, or leave it out for a zone that cmkctl makes.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
)
CMK277: Final = Code(
    "CMK277",
    "The network is linked to another DNS zone of the same name",
    "Azure links a virtual network to one private DNS zone of a name. A second link fails, and a second zone would not be asked.",
    "Give the zone that is linked by its id in private_network.dns.zones.",
    "https://learn.microsoft.com/azure/dns/private-dns-virtual-network-links",
)
CMK278: Final = Code(
    "CMK278",
    "The link of a DNS zone leads to another network",
    "A link of this name exists and belongs to another virtual network, and the network of a link is fixed.",
    "Delete the link, if it is not needed.",
    "https://learn.microsoft.com/azure/dns/private-dns-virtual-network-links",
)
CMK279: Final = Code(
    "CMK279",
    "A private endpoint is registered in another DNS zone",
    "The endpoint's zone group names another zone of the same name. cmkctl adds zones to a group and never replaces one.",
    "Give the zone that it is registered in by its id, or delete the zone group.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
)
CMK280: Final = Code(
    "CMK280",
    "A private endpoint of this name reaches something else",
    "The resource and the part of it that an endpoint reaches are fixed when it is created.",
    "Choose another name for the endpoint, or delete it.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
)
CMK281: Final = Code(
    "CMK281",
    "A private endpoint is in another subnet",
    "The subnet of an endpoint is fixed when it is created.",
    "Write the subnet that it is in, choose another name, or delete it.",
    "https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
)
CMK282: Final = Code(
    "CMK282",
    "The connection of a private endpoint was rejected or removed",
    "The owner of the resource rejected or removed the connection, or the resource was deleted. Such an endpoint stays as it is; only a new one asks again.",
    "Delete the endpoint and apply again.",
    "https://learn.microsoft.com/azure/private-link/manage-private-endpoint",
)
CMK283: Final = Code(
    "CMK283",
    "The connection of a private endpoint waits for approval",
    "Azure approves a connection at once where the caller may approve it on the resource. Otherwise the owner of the resource has to.",
    "Ask the owner of the resource to approve the connection, then apply again.",
    "https://learn.microsoft.com/azure/private-link/manage-private-endpoint",
)
CMK284: Final = Code(
    "CMK284",
    "The isolation of the managed network cannot be changed so",
    "Isolation can be turned on and tightened, never turned off or loosened.",
    "Write the isolation mode that the workspace has, or create a new workspace.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network#limitations",
)

# Failures of Azure

CMK301: Final = Code(
    "CMK301",
    "Not found in Azure",
    "A subscription or resource that the profile names does not exist, or is not visible to the signed-in principal.",
    "Check names, ids and the signed-in account.",
)
CMK302: Final = Code(
    "CMK302",
    "Azure rejected the credential",
    "Signing in was tried and refused, or a token was: a wrong or expired secret, a wrong tenant or client id.",
    "Sign in again, correct the AZURE_ variables, or select one way of signing in with --auth.",
)
CMK303: Final = Code(
    "CMK303",
    "Permission denied",
    "Azure answered 403. cmkctl never treats that as 'not found'.",
    "Ask for a role that allows the named action; a new role takes minutes to take effect.",
)
CMK304: Final = Code(
    "CMK304",
    "Resource provider not registered",
    "The subscription is not registered to use the namespace.",
    "Run the same command again.",
)
CMK305: Final = Code(
    "CMK305",
    "Principal not visible in Azure yet",
    "A new principal takes a while to replicate to every region; cmkctl retries for three minutes. An object id that is not in this tenant gets the same response.",
    "Run the same command again. If the principal is not new, check key_access.cosmos_db_object_id: it must be the object id of Azure Cosmos DB's service principal in this tenant.",
)
CMK306: Final = Code(
    "CMK306",
    "Azure is throttling requests",
    "The subscription or the principal was throttled for longer than cmkctl waits.",
    "Wait a few minutes, then run the same command again.",
)
CMK307: Final = Code(
    "CMK307",
    "Another operation is in progress on the resource",
    "Azure accepts one change of a resource at a time.",
    "Wait until it has finished, then run the same command again.",
)
CMK308: Final = Code(
    "CMK308",
    "Conflict reported by Azure",
    "The request contradicts the current state of the resource, or of another resource of the same name.",
    "Read Azure's message: it names what is in the way.",
)
CMK309: Final = Code(
    "CMK309",
    "Server error in Azure",
    "cmkctl retries transient errors; this one persisted.",
    "Run the same command again later.",
)
CMK310: Final = Code(
    "CMK310",
    "Cannot reach Azure",
    "No response arrived: name resolution, proxy, TLS or network.",
    "Check the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE.",
)
CMK311: Final = Code(
    "CMK311",
    "Request rejected by Azure",
    "The request cannot succeed as it is.",
    "Read Azure's message: something has to change first.",
)
CMK312: Final = Code(
    "CMK312",
    "Timed out",
    "cmkctl stopped waiting: --timeout has passed, or an operation took far longer than it should (half an hour; two hours for a workspace). The operation continues in Azure.",
    "Run the same command again: it waits for operations in progress and does not repeat them.",
)
CMK313: Final = Code(
    "CMK313",
    "Denied by Azure Policy",
    "An Azure Policy with the effect deny refused a resource. The message names the resource, the assignment and the definition. In-subscription encryption makes Microsoft create a Cosmos DB account, a search service and a storage account whose settings you cannot shape, and a deny assignment keeps exemptions out of the group that Microsoft manages.",
    "Change the profile so that the resource complies, or ask the policy's owner for an exemption. For the resources that Microsoft manages, the exemption must be scoped above their group; service-side encryption avoids most of them.",
    "https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure",
)
CMK314: Final = Code(
    "CMK314",
    "Quota or capacity exhausted",
    "In-subscription encryption needs one AI Search service and one Cosmos DB account for each workspace. A quota is used up, or the region is out of capacity. After a failure the workspace's name may stay taken by a half-created resource.",
    "Request quota or region access, choose another location, or use service-side encryption.",
)
CMK315: Final = Code(
    "CMK315",
    "The service cannot use the key yet",
    "The grant was read back before, and the service is refused all the same: a grant can take minutes to take effect. cmkctl encrypt sends the key again every minute, at most ten times. Azure Machine Learning may then keep the failure under the workspace's name for tens of minutes, so frequent retries make it worse: cmkctl apply sends the creation again after ten minutes, at most three times in all and within --timeout, over the failed workspace that it left.",
    "Run the same command again in half an hour, or choose another workspace.name, and give the grants time with key_access.settle_seconds. Do not widen the access: it is sufficient.",
)
CMK316: Final = Code(
    "CMK316",
    "Unexpected response from Azure",
    "The response reports success, but its content has another type than Azure documents, or lacks a required part. Guessing could mistake an unencrypted workspace for an encrypted one. Nothing was written because of it.",
    "Run the same command again. If it persists, look for a newer cmkctl, and report it with the output of --record.",
    "https://learn.microsoft.com/azure/templates/",
)
CMK317: Final = Code(
    "CMK317",
    "Already exists, but not visible yet",
    "A grant or service principal was created a moment ago, by another run or by one whose response was lost, and it is not visible everywhere yet.",
    "Run the same command again in a few minutes.",
)

CMK318: Final = Code(
    "CMK318",
    "A response points outside the cloud",
    "A next page, an operation or a redirect leads to a host that does not belong to the profile's cloud, to another port, to plain http, or to an address with user information. A token would go there with the next request, so nothing was sent.",
    "If a proxy asks you to sign in, do that. Otherwise check HTTPS_PROXY and the profile's cloud.",
)
CMK319: Final = Code(
    "CMK319",
    "Not signed in to Azure",
    "No credential is available: the az CLI is not signed in, and the variables of the other ways of signing in are not set. Nothing was sent.",
    "Run az login, or set the AZURE_ variables of one way of signing in.",
    "https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains",
)
CMK320: Final = Code(
    "CMK320",
    "The Azure CLI did not answer in time",
    "The token comes from az, which gave none within a minute, or could not be run.",
    "Run az account get-access-token by itself, or select another way of signing in with --auth.",
)
CMK321: Final = Code(
    "CMK321",
    "The federated sign-in has expired",
    "az login exchanged a token of the CI system, which is valid for minutes only. cmkctl uses the last Azure token to its end; then a new login is needed (AADSTS700024).",
    "Log in again and run the same command: finished changes are kept.",
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
)
CMK322: Final = Code(
    "CMK322",
    "Azure requires a stronger sign-in",
    "Azure answered 401 with a claims challenge, and no token that satisfies it was available. Conditional Access asks for more than this sign-in proves.",
    "Sign in with what the policy asks for, or use an identity that it exempts.",
    "https://learn.microsoft.com/entra/identity-platform/claims-challenge",
)
CMK323: Final = Code(
    "CMK323",
    "The proxy cannot be used",
    "The proxy that HTTPS_PROXY names does not answer, refuses the connection or asks for a password; or it is a SOCKS proxy and the package PySocks is missing.",
    "Check HTTPS_PROXY and NO_PROXY.",
)
CMK324: Final = Code(
    "CMK324",
    "The TLS connection cannot be trusted",
    "The server's certificate is not signed by a CA that is trusted here, or the server does not use TLS. A proxy that inspects TLS has a CA of its own.",
    "Set REQUESTS_CA_BUNDLE to a file that holds the CA certificate.",
)
CMK325: Final = Code(
    "CMK325",
    "Cannot read the CA bundle",
    "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that is missing or holds no certificate. Without it no connection can be trusted.",
    "Correct the variable, or unset it to use the certificates that come with cmkctl.",
)
CMK326: Final = Code(
    "CMK326",
    "Invalid sign-in settings",
    "A variable of a way of signing in has an invalid value, such as a tenant that is neither a GUID nor a domain name.",
    "Correct the variable.",
)
CMK327: Final = Code(
    "CMK327",
    "Blocked by a resource lock",
    "A lock on the resource, its group or the subscription forbids the change. It protects against accidents, so cmkctl never removes one.",
    "Have the lock removed for this run, run the same command again, and set the lock again afterwards.",
    "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
)

CMK328: Final = Code(
    "CMK328",
    "A secret is part of a name",
    "The value of a secret environment variable also occurs in a name or id of the profile. Redacting it there would show a workspace id or a key identifier that does not exist, so it is redacted only where it stands alone.",
    "Replace the secret with a long random one.",
)

CMK330: Final = Code(
    "CMK330",
    "The sign-in is for a different cloud",
    "The account belongs to another Azure cloud than the one in the profile, or az is set to another one. Each cloud has accounts and tokens of its own, so nothing was sent to the profile's cloud.",
    "Set az to the profile's cloud and sign in there, or correct cloud in the profile.",
    "https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli",
)

# Results

CMK401: Final = Code(
    "CMK401",
    "The result does not match the profile",
    "After everything was applied, reading it back showed a difference. That is a failure, not a warning, because others will rely on the result.",
    "Run `cmkctl plan` to see what differs.",
)
CMK402: Final = Code(
    "CMK402",
    "Azure has changed since the plan was made",
    "cmkctl reads each resource again before it writes. The change that is due now is not the one that was shown, so nothing was written for it.",
    "Review the new plan.",
)
CMK403: Final = Code(
    "CMK403",
    "azure-ai-ml shows a workspace that does not match the profile",
    "The finished workspace is opened the way a data scientist's code opens it, and its key and high-business-impact flag are compared with the profile.",
    "Run `cmkctl verify`.",
)
CMK404: Final = Code(
    "CMK404",
    "A vault that existed was overwritten",
    "The name was free when cmkctl looked, and a vault of that name was created before cmkctl's own request arrived. Azure has no condition for the creation of a vault: the request replaced the vault's settings and all of its access policies, and turned purge protection on, which cannot be undone. Keys, secrets and certificates are kept. Azure does not return the policies that were replaced.",
    "Have its owner restore the access policies with `az keyvault set-policy`. Then use a different name, or give the vault by id.",
    "https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update",
)

# Destroy and recover

_WORKSPACE_SOFT_DELETE: Final = "https://learn.microsoft.com/azure/machine-learning/concept-soft-delete"
CMK640: Final = Code(
    "CMK640",
    "Azure keeps a deleted workspace for 14 days",
    "A deleted workspace is soft-deleted: its name stays taken, and what Microsoft manages for it stays and is billed, until it is purged or 14 days have passed. To be recovered it needs its key, its storage account and its vault, so cmkctl deletes none of them meanwhile.",
    "To end this at once: cmkctl destroy PROFILE --purge. Nothing can be recovered then.",
    _WORKSPACE_SOFT_DELETE,
)
CMK641: Final = Code(
    "CMK641",
    "An operation on the workspace is in progress",
    "The workspace is being created or changed, for example because its key is being rotated. A deletion in between would leave that operation with a workspace that is gone.",
    "Wait until the operation has ended, then run the same command again.",
)
CMK642: Final = Code(
    "CMK642",
    "cmkctl did not create it",
    "destroy deletes what cmkctl created for the workspace of the profile, which a tag on the resource shows, and nothing else. What an earlier version of cmkctl created has no such tag.",
    "If it is to be deleted, set the tag that the message names, or delete it yourself.",
)
CMK643: Final = Code(
    "CMK643",
    "The hub has a project that the profile does not name",
    "Azure deletes no hub that has projects, and destroy deletes only what the profile names.",
    "Delete the project first.",
    "https://learn.microsoft.com/azure/machine-learning/concept-hub-workspace",
)
CMK644: Final = Code(
    "CMK644",
    "The soft-deleted workspace needs its associated resources",
    "A soft-deleted workspace whose storage account, vault or Log Analytics workspace is gone cannot be recovered, and is billed for 14 days all the same.",
    "Purge the workspace as well, or delete the associated resources once the 14 days have passed.",
    _WORKSPACE_SOFT_DELETE,
)
CMK645: Final = Code(
    "CMK645",
    "The soft-deleted workspace needs its key",
    "As long as a deleted workspace can be recovered, its data in the resource group that Microsoft manages is encrypted with the key. Without the key there is nothing to recover.",
    "Purge the workspace as well, or delete the key once the 14 days have passed.",
    _WORKSPACE_SOFT_DELETE,
)
CMK646: Final = Code(
    "CMK646",
    "Something else uses the key or the vault",
    "Other resources name the key, or the vault. Without the key their data is out of reach.",
    "Move them to another key, or delete them, first.",
    _SOFT_DELETE,
)
CMK647: Final = Code(
    "CMK647",
    "What uses the key cannot be seen",
    "Key or vault are deleted only where everything that could use them was seen. A role on single resource groups does not show the rest of the subscription.",
    "Have the role Reader on the subscription assigned for the run.",
)
CMK648: Final = Code(
    "CMK648",
    "The vault holds other keys",
    "A deletion of the vault deletes all of its keys, also those that cmkctl did not create.",
    "Delete the key alone with --delete-key.",
)
CMK649: Final = Code(
    "CMK649",
    "The vault's own endpoint cannot be used",
    "Resource Manager deletes no key. The vault's own endpoint does, which needs rights on keys there, and a way through the vault's firewall.",
    "Have the role Key Vault Crypto Officer assigned, and connect from where the vault's firewall lets you.",
    "https://learn.microsoft.com/rest/api/keyvault/keys/delete-key/delete-key",
)
CMK650: Final = Code(
    "CMK650",
    "Endpoints stop with the workspace",
    "Online and batch endpoints, with their deployments, are part of the workspace and are deleted with it. Microsoft's pages name no endpoint that keeps a workspace from being deleted.",
    "Move their callers first.",
    _WORKSPACE_SOFT_DELETE,
)
CMK651: Final = Code(
    "CMK651",
    "Some uses of a key are not found by any search",
    "Before key or vault are deleted, everything found in the subscription that names them was read. Some uses have no row in Azure Resource Graph.",
    "Make sure that no such data is needed. Until the vault's retention ends, the key can be recovered with all of its versions.",
)

CMK660: Final = Code(
    "CMK660",
    "A soft-deleted workspace is recovered in the portal",
    "Microsoft documents no request that recovers a soft-deleted workspace; only a preview of 2022 had a property for it. cmkctl recovers what the workspace needs, vault, key, grants and Log Analytics workspace, and leaves the workspace itself to the portal.",
    "In the portal: Azure Machine Learning, Recently deleted, select the workspace, Recover. Then run cmkctl apply, which brings back endpoints and grants. To end its keeping instead: cmkctl recover PROFILE --purge.",
    _WORKSPACE_SOFT_DELETE,
)
CMK661: Final = Code(
    "CMK661",
    "Nothing soft-deleted was found",
    "Soft-deleted vaults and Log Analytics workspaces are listed by Azure, keys by their vault. A soft-deleted workspace is seen only where the subscription's list of workspaces shows it, which is reported, not documented.",
    "If Azure refuses a workspace's name all the same, look in the portal: Azure Machine Learning, Recently deleted.",
    _WORKSPACE_SOFT_DELETE,
)
CMK662: Final = Code(
    "CMK662",
    "The Log Analytics workspace was deleted in another region",
    "A deleted Log Analytics workspace is recovered in its own group and region only.",
    "Recover it where it was.",
    "https://learn.microsoft.com/azure/azure-monitor/logs/delete-workspace",
)

# Files and the sandbox

CMK501: Final = Code(
    "CMK501",
    "Cannot write the tape",
    "--record names a file that cannot be written. Nothing was sent.",
    "Use another file.",
)
CMK502: Final = Code(
    "CMK502",
    "Cannot read the tape",
    "--replay names a file that is not a tape of this version.",
    "Record it again.",
)
CMK503: Final = Code(
    "CMK503",
    "The tape was not fully replayed",
    "Some recorded exchanges were not requested: this run differs from the recorded one.",
    "If the difference is intended, record again.",
)
CMK504: Final = Code(
    "CMK504",
    "Request not on the tape",
    "The run sent a request that was not recorded. The message shows the nearest recorded exchange and the difference.",
    "If the difference is intended, record again.",
)
CMK511: Final = Code(
    "CMK511",
    "Cannot start the sandbox",
    "Its state file is damaged, of a newer version, in use, or in a place that cannot be written.",
    "Use another file with --state, or run `cmkctl sandbox reset`.",
)
CMK521: Final = Code(
    "CMK521",
    "Cannot save the plan",
    "--out names a file that cannot be written: its folder does not exist, it is a folder or a device, or the permission is missing. The file is tested first, so no request was sent.",
    "Use another file.",
)
CMK522: Final = Code(
    "CMK522",
    "Cannot read the saved plan",
    "The file begins like a saved plan, but it is truncated, is not JSON, or its fields do not match. Part of an approval is no approval.",
    "Plan again, and approve the new plan.",
)
CMK523: Final = Code(
    "CMK523",
    "The saved plan has an unsupported version",
    "Saved plans carry a format number, and this cmkctl reads one number only. It applies only what it can read completely.",
    "Plan again with the cmkctl that will apply it, or apply it with the version that made it.",
)
CMK524: Final = Code(
    "CMK524",
    "The saved plan was edited",
    "The file holds digests of its profile and of its plan, and one of them does not match. That finds accidents and hasty edits; it is not a signature.",
    "Change the profile, plan again, and approve the new plan.",
)
CMK525: Final = Code(
    "CMK525",
    "Expected a profile, got a saved plan",
    "plan and verify start from a profile.",
    "Pass the profile, or apply the saved plan with `cmkctl apply`.",
)
CMK526: Final = Code(
    "CMK526",
    "Cannot record progress in the saved plan",
    "apply records in the file what it is about to create, so that after an interruption it recognises its own resources. The file cannot be written, or was replaced. The apply continues; if it is interrupted, it cannot be resumed with this file.",
    "Keep the file in a folder you may write to. After an interruption, plan again.",
)
CMK527: Final = Code(
    "CMK527",
    "The plan has changed since it was approved",
    "apply of a saved plan reads Azure again and makes a new plan. It continues only if every change was approved, with the same request, and every approved change is still due or was started by an earlier apply of the same file. Nothing was written.",
    "Review the differences, then plan again and approve the new plan.",
)
CMK528: Final = Code(
    "CMK528",
    "The plan cannot be applied and was not saved",
    "It has a conflict, or a rule stops it. The file that --out names is unchanged.",
    "Fix what the plan names, then plan again.",
)
CMK529: Final = Code(
    "CMK529",
    "The saved plan was made against another target",
    "A saved plan records whether it was made against the sandbox or against Azure, and is applied only there. Nothing was written.",
    "Apply the plan where it was made, or plan again.",
)
CMK531: Final = Code(
    "CMK531",
    "Cannot write the report",
    "An option such as --report or --html names a file that cannot be written. It is tested before the first request; an error at the end is reported as well.",
    "Use another file.",
)
CMK541: Final = Code(
    "CMK541",
    "Cannot write the output",
    "The disk or quota behind standard output or standard error is full. cmkctl stops rather than continue without output.",
    "Free some space, or redirect the output, then run the same command again. Finished changes are kept.",
)

# Import and init

CMK670: Final = Code(
    "CMK670",
    "Nothing to import was found",
    "cmkctl import reads a workspace by its id, or the workspaces that use a vault or key, or those of a resource group. Azure shows none there: the name or the subscription is a different one, or the signed-in account may not see it.",
    "List the workspaces of a subscription: cmkctl list --subscription ID",
)
CMK671: Final = Code(
    "CMK671",
    "A profile cannot describe this workspace",
    "A profile describes a workspace with a customer-managed key, of kind default, hub or feature store. Encryption and kind are fixed when Azure creates a workspace, so cmkctl can take over no other one.",
    "Create a workspace with a customer-managed key beside it: cmkctl init",
    _CONCEPT,
)
CMK672: Final = Code(
    "CMK672",
    "A profile does not hold this setting",
    "The workspace or a resource around it has a setting that a profile has no field for, or a value that a profile refuses. The comment in the imported profile names it. cmkctl leaves it as it is.",
    "Manage the setting where it is managed today.",
)
CMK673: Final = Code(
    "CMK673",
    "A setting could not be read",
    "Azure refused a read, or the imported file does not have the value. The comment in the imported profile names the field; what is written there is not known to be so.",
    "Import again with the role Reader on the resource, or correct the field in the profile.",
)
CMK674: Final = Code(
    "CMK674",
    "The imported profile would change Azure",
    "cmkctl import plans the profile that it writes. This part is not up to date: cmkctl would change it, waits for it, or finds a conflict. The comment in the imported profile stands beside it. Nothing was changed.",
    "Decide whether cmkctl apply should make the change; a conflict has its ways out in the plan.",
)
CMK675: Final = Code(
    "CMK675",
    "Cannot write the profile",
    "The file already exists, or it cannot be written. A profile is never overwritten, and nothing is written in part.",
    "Use another file.",
)
CMK676: Final = Code(
    "CMK676",
    "Cannot import the file",
    "cmkctl import --from reads an az ml workspace YAML file, or the JSON of terraform show -json. This file is neither, or it holds no workspace with a customer-managed key.",
    "Write Terraform's state as JSON: terraform show -json > state.json",
)
CMK678: Final = Code(
    "CMK678",
    "Several workspaces match",
    "A profile describes one workspace, and several match the options.",
    "Name one of them with --workspace, or a folder for all with --out.",
)
CMK679: Final = Code(
    "CMK679",
    "Nothing can be offered for the answers",
    "cmkctl init offers subscriptions, regions and vaults that Azure lists. It cannot read them: there is no sign-in or no network, or the account may not list them. The questions are asked without offers.",
    "Sign in with az login and run the command again, or type the answers.",
)

# Revoking and restoring access to the key

CMK620: Final = Code(
    "CMK620",
    "This stops",
    "Without the key, a service cannot decrypt the keys of its data. cmkctl lists everything that it finds to use the key, with what happens to it and when it notices: the workspace, what Azure manages for it, and every other resource in the subscription.",
    "Make sure that all of it may stop.",
    "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys",
)
CMK621: Final = Code(
    "CMK621",
    "A revocation takes effect within about an hour",
    "Services keep the unwrapped key in a cache and ask Key Vault again from time to time. Microsoft's pages give an hour for a workspace. Until then work goes on; afterwards requests to data fail, and the Azure Cosmos DB account reports that its access is revoked.",
    "If it has to be certain, wait for two hours, and try to open the workspace.",
    "https://learn.microsoft.com/azure/cosmos-db/cmk-troubleshooting-guide",
)
CMK622: Final = Code(
    "CMK622",
    "Uses of the key that were not seen",
    "Resource Graph shows what the signed-in account may read, in the subscription of the profile. Uses elsewhere, and some kinds of use everywhere, have no rows there.",
    "Ask an owner of the subscription to run the same command with --dry-run, and look into the vault's log for callers of the key.",
    "https://learn.microsoft.com/azure/governance/resource-graph/overview",
)
CMK623: Final = Code(
    "CMK623",
    "The key version cannot be changed from here",
    "Only the vault's own endpoint disables and enables a key version; Azure Resource Manager cannot. It needs a way through the vault's firewall, and rights on keys: Owner of the subscription is not enough.",
    "Run it where the vault lets you in, with the role Key Vault Crypto Officer or the key permissions get and update.",
    "https://learn.microsoft.com/rest/api/keyvault/keys/update-key/update-key",
)
CMK624: Final = Code(
    "CMK624",
    "There is no key version to revoke or restore",
    "revoke and restore work on the key version that the workspace uses. The workspace, its key or its vault is not there, or the key is not in the vault of the profile.",
    "Correct the profile. A deleted vault or key is recovered first: cmkctl recover.",
)
CMK625: Final = Code(
    "CMK625",
    "The access cannot be taken away here",
    "revoke --grant removes exactly what lets the workspace use its key: a role assignment on the vault or the key that allows nothing more, or three key permissions of one access policy. An inherited role reaches further resources, and a wider role or policy has further uses.",
    "Disable the key version instead: cmkctl revoke PROFILE.",
    "https://learn.microsoft.com/azure/key-vault/general/rbac-guide",
)
CMK626: Final = Code(
    "CMK626",
    "Other versions of the key are disabled",
    "restore enables the version that the workspace uses. Other disabled versions may be needed for data that was encrypted with them, such as a backup, or may be disabled for good reason.",
    "Enable one by hand, if something needs it: az keyvault key set-attributes --id KEY_IDENTIFIER --enabled true.",
)
CMK627: Final = Code(
    "CMK627",
    "The version is not usable for another reason",
    "A version has to be enabled and within its dates. An expired version, or one that is not valid yet, does not wrap keys, enabled or not.",
    "Correct the dates of the version.",
    "https://learn.microsoft.com/azure/key-vault/keys/about-keys-details",
)
CMK628: Final = Code(
    "CMK628",
    "The effect cannot be observed",
    "restore waits for the Azure Cosmos DB account of the workspace, which reports whether it can use the key. Where that account cannot be seen, cmkctl restores the access and cannot say when the services have noticed: within about an hour.",
    "Try to open the workspace; after two hours without success, ask Azure support.",
    "https://learn.microsoft.com/azure/cosmos-db/cmk-troubleshooting-guide",
)
CMK629: Final = Code(
    "CMK629",
    "A revocation can be undone",
    "restore enables the key version again, gives the grants of the profile, waits until the services can use the key, and checks it. It does so after revoke and after revoke --grant.",
    "Run cmkctl restore PROFILE.",
)

CMK608: Final = Code(
    "CMK608",
    "A new version would lack the dates of the profile",
    "Key Vault's operation rotate gives a new version the expiry of the rotation policy, and no other date. A profile with key.expires or key.not_before would not match it.",
    "Make the version with its dates and run cmkctl rotate again, which takes it; or leave the dates out of the profile.",
    "https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation",
)
CMK610: Final = Code(
    "CMK610",
    "Backups need the key version of their time",
    "A periodic backup of Azure Cosmos DB is restored with the key version that was in use when it was made, which has to be enabled. Disabling a version does not lose the backup: enabling it again is enough.",
    "Enable the version before you restore such a backup, and never delete a version.",
    "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys",
)
CMK611: Final = Code(
    "CMK611",
    "The profile has to name the new key",
    "rotate --key moves the workspace to a key that the profile does not name. plan and verify compare the workspace with the profile, and report a different key (CMK256) until the profile names it.",
    "Write the line of the message in the profile.",
)

# Resource Graph

_GRAPH: Final = "https://learn.microsoft.com/azure/governance/resource-graph/overview"
CMK680: Final = Code(
    "CMK680",
    "No subscription is named",
    "The command works on a subscription as a whole, and no option, variable or az account names one.",
    "Add --subscription ID, set AZURE_SUBSCRIPTION_ID, or choose one with az account set.",
)
CMK681: Final = Code(
    "CMK681",
    "Resources may be missing from the result",
    "Azure Resource Graph leaves out what the signed-in account may not read, without a notice. The account has no role on the subscription that allows reading all resources of these types.",
    "Have Reader assigned on the subscription.",
    _GRAPH,
)
CMK682: Final = Code(
    "CMK682",
    "Azure Resource Graph returned part of the rows",
    "The response says that there are more rows, and has no link to them.",
    "Ask for fewer subscriptions at a time.",
    "https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data",
)

# The comparison

CMK690: Final = Code(
    "CMK690",
    "Azure Cosmos DB has lost access to the key",
    "The Azure Cosmos DB account of the workspace reports that it cannot use the key: it is revoked, and the workspace's metadata is out of reach. The account notices a change of the key or of the grant within an hour, in both directions.",
    "Restore what the finding names: enable or extend the key version, or restore the grant. Then wait up to an hour.",
    "https://learn.microsoft.com/azure/cosmos-db/cmk-troubleshooting-guide",
)
CMK691: Final = Code(
    "CMK691",
    "Azure Machine Learning's diagnosis",
    "verify --diagnose asks Azure Machine Learning to check the workspace. Its errors, warnings and information are passed on in its own words.",
    "Follow the text of the diagnosis.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-workspace-diagnostic-api",
)
CMK692: Final = Code(
    "CMK692",
    "Azure Machine Learning did not diagnose the workspace",
    "The diagnosis was refused, or its result is not readable. Everything else was verified.",
    "Have the action Microsoft.MachineLearningServices/workspaces/diagnose/action permitted, or leave --diagnose out.",
    "https://learn.microsoft.com/azure/machine-learning/how-to-workspace-diagnostic-api",
)

# Defects

CMK901: Final = Code(
    "CMK901",
    "Internal error in cmkctl",
    "An unexpected error occurred. Finished changes are kept, and nothing is left half written.",
    "Run the same command again with --debug to see where it happens, and report that.",
)

# Rotation

_ROTATION: Final = "https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation"
CMK600: Final = Code(
    "CMK600",
    "No new key version can be made from here",
    "Only the vault's own endpoint makes a second version of a key; Azure Resource Manager creates a key with its first version, and no more. The endpoint needs a way through the vault's firewall, and rights on keys: Owner of the subscription is not enough. cmkctl tries a read there before it writes anything.",
    "Run it where the vault lets you in, with the role Key Vault Crypto Officer or the key permissions get and rotate; or take a new key of the same vault, which is created through Azure Resource Manager: --key NEWNAME.",
    "https://learn.microsoft.com/rest/api/keyvault/keys/rotate-key/rotate-key",
)
CMK602: Final = Code(
    "CMK602",
    "The workspace cannot change its key now",
    "A rotation changes the key identifier of a workspace that exists. This one is absent, is being deleted, was never created to the end, or has an operation in progress.",
    "Do what the message names, then run cmkctl rotate again. Nothing was written.",
    _CONCEPT,
)
CMK603: Final = Code(
    "CMK603",
    "The profile pins the version of the key",
    "key.version names the version that the workspace uses. A rotation to a different one would make the workspace differ from its profile, so the profile is changed first.",
    "Write the line of the message in the profile, then run cmkctl rotate PROFILE.",
)
CMK604: Final = Code(
    "CMK604",
    "The key version in use cannot be used any more",
    "To change to another version, the services unwrap their data keys with the version in use once more. A disabled version or a deleted key prevents that, and the change would fail or leave data out of reach.",
    "Make the version in use usable again, wait until the workspace works, and rotate then.",
    _COSMOS,
)
CMK605: Final = Code(
    "CMK605",
    "Microsoft's pages contradict each other about this rotation",
    "The note about the preview of service-side encryption excluded key rotation. The newer page about customer-managed keys has no such limit, and another page still has it. cmkctl sends the change, and reads the key identifier back.",
    "Go on, and check the result: cmkctl verify PROFILE.",
    _CONCEPT,
)
CMK606: Final = Code(
    "CMK606",
    "The versions before are too young to be disabled",
    "Azure Cosmos DB may use the version before for up to 24 hours after a rotation. Azure does not show when a workspace began to use its version; the last change of the workspace is the latest possible time.",
    "Run cmkctl rotate PROFILE --retire-old again after the time of the message.",
    "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys#key-rotation",
)
CMK607: Final = Code(
    "CMK607",
    "An older version of the key may still be in use",
    "Data that is encrypted with a version is out of reach once the version is disabled. Something that was found uses an older version, or something that may use one could not be read.",
    "Move what the message names to the version in use, or have someone with more rights run the command.",
    _CONCEPT,
)

# Expectations of posture

CMK711: Final = Code(
    "CMK711",
    "Not as expected",
    "cmkctl posture compares what it finds with the expectations of the profile's section posture, or of the file after --expect. A key that could not be read is not taken for the customer's: where the customer's key is expected, that counts as not met, and the reason says so.",
    "Set the key or the protection, change the expectation, or add a waiver with a reason and a last day.",
)
CMK712: Final = Code(
    "CMK712",
    "A waiver has ended, or ends within 30 days",
    "A waiver excuses a difference until its last day. After that day the expectation counts again, and the exit code is 2.",
    "Correct what differs, or extend the waiver: write a later day, with a reason.",
)
CMK713: Final = Code(
    "CMK713",
    "Nothing of what is expected was found",
    "The expectations name a service, or a protection, and no resource that was found has it. Either there is none, or you may not see it.",
    "If there should be one, check that you may read it; otherwise there is nothing to do.",
)
CMK714: Final = Code(
    "CMK714",
    "A resource of the expectations was not found",
    "The expectations name a resource by its ARM id or name, and nothing that was found has it. A misspelt name would expect nothing.",
    "Correct the name, or remove it if the resource is gone.",
)
CMK715: Final = Code(
    "CMK715",
    "A waiver excuses nothing",
    "All is as expected where the waiver applies, or nothing was found there. A waiver that stays would excuse a later difference that was never reviewed.",
    "Remove the waiver.",
)

DECLARED: Final[Mapping[str, Code]] = {each.id: each for each in tuple(globals().values()) if isinstance(each, Code)}
"""The codes of this module, by id."""


def declared(code: str) -> Code:
    """Return the declaration of a code of this module. Raises KeyError for an undeclared one."""
    return DECLARED[code]
