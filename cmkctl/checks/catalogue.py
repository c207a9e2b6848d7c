"""Every diagnostic code, with what it means, why it matters, and what to do. Behind ``cmkctl explain`` and docs/rules.md.

A code, once released, keeps its meaning; a code that is no longer used is not given out again.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """A code's title, what it means and why it matters, what to do, and the page it rests on (empty: none)."""

    title: str
    meaning: str
    remedy: str
    source: str = ""


_SETUP: Final = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys"
_CONCEPT: Final = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"
_COSMOS: Final = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"
_VAULT_NETWORK: Final = "https://learn.microsoft.com/azure/key-vault/general/overview-vnet-service-endpoints"
_SOFT_DELETE: Final = "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"

CATALOGUE: Final[Mapping[str, Entry]] = {
    "CMK001": Entry(
        "A file cannot be read",
        "The profile, or one it extends, is not there or not readable as UTF-8 text.",
        "Check the path and the file's permissions.",
    ),
    "CMK002": Entry(
        "A profile is not YAML",
        "The file cannot be read as one YAML document with a mapping at its top. Keys that stand twice are refused, because one of them would be lost in silence.",
        "Mend the line that is named.",
    ),
    "CMK003": Entry(
        "A field that profiles do not have",
        "Unknown fields are refused: a misspelt security setting must not be left out in silence.",
        "Correct the name; every field is in docs/profiles.md and in cmkctl schema.",
    ),
    "CMK004": Entry(
        "A value that is not allowed",
        "The value breaks a rule of Azure's or is of the wrong type.",
        "Write a value as described in the message.",
    ),
    "CMK005": Entry(
        "A required field is missing",
        "The field has no default, because it is a choice that cannot be changed later or that nobody can guess.",
        "Write it.",
    ),
    "CMK006": Entry(
        "An environment variable is not set",
        "The profile uses ${NAME}, and NAME is not in the environment. An empty guess in its place could create something in the wrong place.",
        "Set it, or give a default: ${NAME:-default}.",
    ),
    "CMK007": Entry(
        "A profile extends itself",
        "Following `extends` leads back to a profile that was there before, or to something that is no profile.",
        "Break the circle.",
    ),
    "CMK008": Entry(
        "The command line contradicts itself",
        "An option is malformed, such as --set without '=', two options exclude each other, or a file would be written over another one that the same command names.",
        "See cmkctl COMMAND --help.",
    ),
    "CMK009": Entry(
        "Fields contradict each other",
        "Each value is fine alone, but together they describe something that Azure does not have.",
        "Change one of the fields that are named.",
    ),
    "CMK010": Entry(
        "Nobody can be asked",
        "apply asks before it writes. Where there is no terminal it cannot ask, and does not write without --yes.",
        "Read the plan, then add --yes.",
    ),
    "CMK101": Entry(
        "The subscription cannot be used",
        "It is disabled, or belongs to another tenant than the profile says.",
        "Have it enabled, or correct subscription and tenant.",
    ),
    "CMK102": Entry(
        "The vault is in another region than the workspace",
        "Microsoft's template page and quickstart require vault and workspace in one region; its set-up page asks only for one subscription. Which holds is not known, so this is a warning.",
        "Prefer a vault in the workspace's region.",
        _SETUP,
    ),
    "CMK103": Entry(
        "The key may not be reached by the service",
        "Azure Cosmos DB wraps its keys with yours through the vault's public endpoint. A firewall that lets no trusted service pass stops it; a vault without public access may, for Azure Cosmos DB is not on Key Vault's list of trusted services although its own page relies on it.",
        "Keep public access enabled, deny by default, and write bypass: AzureServices.",
        _VAULT_NETWORK,
    ),
    "CMK104": Entry(
        "The workspace's identity cannot be given the key beforehand",
        "With service-side encryption the workspace's own identity reads the key. A system-assigned identity is born with the workspace, so nobody can give it a role before; on a vault with access policies the service adds a policy itself, on an RBAC vault creations that failed are reported. A failed creation would leave a vault behind whose purge protection stays, so cmkctl refuses.",
        "Use a user-assigned identity, or a vault with access policies.",
        _CONCEPT,
    ),
    "CMK105": Entry(
        "The key is shorter than recommended",
        "2048 bits are allowed, 3072 or more recommended. The size is fixed when the key is made.",
        "Write key.size: 3072.",
        _SETUP,
    ),
    "CMK106": Entry(
        "Rotation in the vault does not reach the workspace",
        "A workspace keeps a key identifier with a version. When the vault makes a new version, by its rotation policy or by hand, the workspace goes on with the old one; if that expires or is disabled, its data is out of reach.",
        "After each rotation, point the workspace at the new version before the old one ends.",
        _CONCEPT,
    ),
    "CMK107": Entry(
        "The key expires soon",
        "An expired key cannot unwrap, and everything encrypted with it is out of reach until the expiry is moved.",
        "Extend it, or make a new version and point the workspace at it.",
    ),
    "CMK108": Entry(
        "The user-assigned identity needs rights that cmkctl does not give",
        "cmkctl grants it the use of the key and nothing wider. Azure Machine Learning also wants Contributor on vault, storage account, Application Insights and resource group, and Storage Blob Data Contributor; it names one missing action at a time and may remember a failure by workspace name.",
        "Have the roles assigned before you apply.",
        "https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication",
    ),
    "CMK109": Entry(
        "The principal that gets the grant is not confirmed by Microsoft",
        "Microsoft publishes the application id of Azure Cosmos DB for the public cloud and for Azure Government, not for China.",
        "Check the display name of what was found, then write its object id as key_access.cosmos_db_object_id.",
        _COSMOS,
    ),
    "CMK110": Entry(
        "Azure Cosmos DB may do more with the key than it needs",
        "It needs get, wrapKey and unwrapKey. Whatever else its access policy allows is risk without use. cmkctl takes nothing away from anybody.",
        "Reduce the policy with az keyvault set-policy.",
        _COSMOS,
    ),
    "CMK111": Entry(
        "An access policy names an application id and grants nothing",
        "Microsoft's pages show application ids. A policy takes the object id of the application's service principal, different in every tenant; one for the application id is accepted and has no effect.",
        "Remove it, so that nobody relies on it.",
    ),
    "CMK112": Entry(
        "The workspace's own secrets are in the vault that holds the key",
        "Azure Machine Learning gives the workspace's identity wide rights on the workspace's own vault. When that is the vault with the key, the one that is to be kept from the data can reach its key.",
        "Write associated_resources.key_vault: {} for a vault of its own.",
    ),
    "CMK113": Entry(
        "The key's expiry is not the one of the profile",
        "The management plane makes a key's first version and never changes one that is there. An existing key therefore keeps its expiry, or its lack of one.",
        "Move the expiry with az keyvault key set-attributes, or leave key.expires out.",
    ),
    "CMK201": Entry(
        "A resource provider is not offered here",
        "The cloud of this subscription does not know the namespace.",
        "Use a cloud that offers Azure Machine Learning with all it needs.",
    ),
    "CMK202": Entry(
        "The resource group is being deleted",
        "Everything in it goes with it.",
        "Wait until it is gone, or name another.",
    ),
    "CMK203": Entry(
        "The vault is in another subscription",
        "Azure Machine Learning takes a key only from a vault in the workspace's subscription.",
        "Name a vault there.",
        _SETUP,
    ),
    "CMK204": Entry(
        "There is no vault with this id",
        "key_vault.id names a vault that exists; cmkctl never creates one from an id.",
        "Correct the id, or give key_vault.name.",
    ),
    "CMK205": Entry(
        "A soft-deleted vault holds the name",
        "A deleted vault keeps its name until its retention ends, and with purge protection nobody can end that earlier. cmkctl does not recover a vault by itself: its keys and its settings come back with it, and somebody had deleted it.",
        "Recover it with az keyvault recover and plan again, or choose another name. Role assignments do not come back with it; cmkctl plans them again.",
        _SOFT_DELETE,
    ),
    "CMK206": Entry(
        "The vault belongs to another Entra tenant",
        "Its access is decided by principals of another tenant.",
        "Use a vault of the subscription's tenant.",
    ),
    "CMK207": Entry(
        "The vault's retention is another",
        "The soft delete retention of a vault is fixed when it is made.",
        "Write what the vault has, leave soft_delete_days out, or use another vault.",
        _SOFT_DELETE,
    ),
    "CMK208": Entry(
        "The vault's authorization is another",
        "Switching between access policies and roles takes the access of everybody who has it now. cmkctl does not do that.",
        "Write what the vault has, or leave authorization out.",
    ),
    "CMK209": Entry(
        "A standard vault holds no RSA-HSM key",
        "Keys in hardware need a premium vault.",
        "Use a premium vault, or key.type: RSA.",
    ),
    "CMK210": Entry(
        "The vault lacks purge protection",
        "Azure Machine Learning refuses a key whose vault could lose it for good. Purge protection cannot be turned off again, so cmkctl turns it on in an existing vault only when the profile says so.",
        "Write key_vault.allow_enabling_purge_protection: true, or use another vault.",
        _SETUP,
    ),
    "CMK211": Entry(
        "The vault's network rules are others",
        "Changing the firewall of a vault that others use could lock them out or let somebody in. cmkctl sets network rules only on vaults that it makes.",
        "Leave key_vault.network out to take the vault as it is, or change its rules yourself.",
    ),
    "CMK221": Entry(
        "The key is of another kind",
        "Only RSA keys wrap, and the kind of a key never changes.",
        "Choose another key.name.",
    ),
    "CMK222": Entry(
        "The key has another size",
        "The size of a key never changes.",
        "Write the size that it has, or choose another key.name.",
    ),
    "CMK223": Entry(
        "The key may not wrap and unwrap",
        "The operations of a key are fixed when it is made through Resource Manager.",
        "Choose another key.name.",
    ),
    "CMK224": Entry(
        "The key is disabled",
        "Disabling a key is how access to data is revoked. cmkctl does not undo that.",
        "Find out who disabled it and why before you enable it.",
    ),
    "CMK225": Entry(
        "The key has expired",
        "An expired key cannot unwrap.",
        "Extend it with az keyvault key set-attributes --expires.",
    ),
    "CMK226": Entry(
        "The key is not valid yet", "Its activation date lies in the future.", "Wait, or choose another key."
    ),
    "CMK231": Entry(
        "The directory may not be read",
        "The signed-in principal lacks Application.Read.All in Microsoft Graph, so the object id of Azure Cosmos DB in this tenant cannot be looked up.",
        "Have somebody look it up, and write it as key_access.cosmos_db_object_id.",
        _COSMOS,
    ),
    "CMK232": Entry(
        "The tenant has no service principal for Azure Cosmos DB",
        "There is nobody to grant to. Registering Microsoft.DocumentDB usually makes it.",
        "Register the provider once more, or have a directory administrator create the service principal.",
        _COSMOS,
    ),
    "CMK233": Entry(
        "There is no such user-assigned identity",
        "workspace.identity is the id of an identity that does not exist.",
        "Create it first, or correct the id.",
    ),
    "CMK241": Entry(
        "An associated resource is not there",
        "An id in associated_resources names a resource that exists; cmkctl never creates one from an id.",
        "Correct the id, or give a name.",
    ),
    "CMK242": Entry(
        "An associated resource is broken",
        "Azure reports its provisioning as failed, or it is being deleted.",
        "Repair or delete it, or choose another name.",
    ),
    "CMK243": Entry(
        "An associated resource cannot serve a workspace",
        "A workspace's default storage account may not be premium and may not have a hierarchical namespace.",
        "Use another one.",
        "https://learn.microsoft.com/azure/machine-learning/how-to-create-workspace-template",
    ),
    "CMK251": Entry(
        "The workspace is broken",
        "Azure reports its provisioning as failed, or it is being deleted. What a failed creation left, and nobody else wrote to, is no conflict: the same creation is sent again. This one was written to since, or Azure does not say.",
        "Diagnose it, or delete it and choose another name: a deleted workspace keeps its name for 14 days.",
    ),
    "CMK252": Entry(
        "The workspace is encrypted with Microsoft's keys",
        "Encryption is chosen when a workspace is made.",
        "Make another workspace and move the work there.",
        _CONCEPT,
    ),
    "CMK253": Entry(
        "The workspace's key is in another vault",
        "A workspace keeps the vault it was made with.",
        "Name that vault in the profile, or make another workspace.",
        _CONCEPT,
    ),
    "CMK254": Entry(
        "The workspace has the other architecture",
        "In-subscription or service-side is chosen when a workspace is made.",
        "Write what it has, or make another workspace.",
        _CONCEPT,
    ),
    "CMK255": Entry(
        "High business impact is another",
        "The flag is fixed when a workspace is made.",
        "Write what it has, or make another workspace.",
        _CONCEPT,
    ),
    "CMK256": Entry(
        "The workspace uses another key",
        "apply does not move a workspace from one key to another.",
        "Name the key that it uses.",
        _CONCEPT,
    ),
    "CMK257": Entry(
        "The key is read by another identity",
        "The identity that reads the key is chosen when a workspace is made.",
        "Write workspace.identity as it is.",
    ),
    "CMK258": Entry(
        "The workspace has another associated resource",
        "Its storage account, vault and Application Insights are chosen when it is made.",
        "Write the ids that it has under associated_resources.",
    ),
    "CMK259": Entry(
        "The workspace has another identity",
        "cmkctl does not exchange the identity of a workspace.",
        "Write workspace.identity as it is.",
    ),
    "CMK301": Entry(
        "Azure does not find something that must exist",
        "A subscription or a resource that the profile names is not visible to the signed-in principal.",
        "Check names, ids and the account that is signed in.",
    ),
    "CMK302": Entry(
        "Azure rejected the credential",
        "Signing in was tried and refused, or a token was: a wrong or expired secret, a wrong tenant or client id.",
        "Sign in again, correct the AZURE_ variables, or select one way of signing in with --auth.",
    ),
    "CMK303": Entry(
        "The signed-in principal may not do this",
        "Azure answered 403. This is never read as 'not there'.",
        "Ask for the role that allows the action; a new role takes minutes to take effect.",
    ),
    "CMK304": Entry(
        "A resource provider is not registered",
        "The subscription may not use the namespace yet.",
        "Run the same command again.",
    ),
    "CMK305": Entry(
        "Azure does not see a principal yet",
        "A new principal takes a while to reach every region; cmkctl looks again for three minutes. An object id that is none of this tenant is answered in the same way.",
        "Run the same command again. Of a principal that is not new, check key_access.cosmos_db_object_id: it is the object id of Azure Cosmos DB's service principal in this tenant.",
    ),
    "CMK306": Entry(
        "Azure asks for fewer requests",
        "The subscription or the principal was throttled, longer than cmkctl waits.",
        "Wait a few minutes, then run the same command again.",
    ),
    "CMK307": Entry(
        "Another operation on the same resource is under way",
        "Azure takes one change of a resource at a time.",
        "Wait, then run the same command again.",
    ),
    "CMK308": Entry(
        "Azure reports a conflict", "What was asked contradicts what is there.", "Read Azure's message, and plan again."
    ),
    "CMK309": Entry(
        "Azure answers with a server error",
        "Passing errors of reads are tried again by cmkctl; this one stayed.",
        "Run the same command again later.",
    ),
    "CMK310": Entry(
        "Azure cannot be reached",
        "No answer came: name resolution, proxy, TLS or network.",
        "Check the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE.",
    ),
    "CMK311": Entry(
        "Azure refuses the request",
        "The request cannot succeed as it is, for example because a policy denies it.",
        "Read Azure's message: something has to change first.",
    ),
    "CMK312": Entry(
        "The time for waiting is over",
        "cmkctl stopped waiting: --timeout has passed, or what is waited for takes far longer than it ever should (half an hour; two hours for a workspace). Azure goes on.",
        "Run the same command again: it waits for what is under way and does not repeat it.",
    ),
    "CMK313": Entry(
        "A policy of the organisation denies it",
        "An Azure Policy with the effect deny refused a resource. In-subscription encryption makes Microsoft add a Cosmos DB account, a search service and a storage account, whose settings nobody can shape; policies about local authentication, shared keys, public access, tags or locations often hit those. A deny assignment keeps exemptions out of the group that Microsoft manages.",
        "Ask for an exemption scoped above that group, or use service-side encryption.",
        "https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure",
    ),
    "CMK314": Entry(
        "The region or the subscription has no room for it",
        "In-subscription encryption needs one AI Search service and one Cosmos DB account for each workspace. A quota is used up, or the region has no capacity left. After a failure the workspace's name may stay taken by what was half made.",
        "Request quota or region access, choose another location, or use service-side encryption.",
    ),
    "CMK315": Entry(
        "Azure Machine Learning may not use the key yet",
        "The access to the key was read back before the workspace was created, and the service is refused all the same: a grant can take minutes to count. Azure Machine Learning may then keep the failure by the workspace's name for tens of minutes, so asking again within seconds makes it worse. cmkctl sends the creation again after ten minutes, three times at most and within --timeout, over the failed workspace that it left.",
        "Run the same command again in half an hour, or choose another workspace.name, and give its grants time with key_access.settle_seconds. Do not widen the access: it is not what is missing.",
    ),
    "CMK316": Entry(
        "Azure answers in a form that cmkctl does not know",
        "The answer is one of success, but what it says is of another type than Azure documents, or lacks what everything else rests on. To guess on could take an encrypted workspace for one that is not. Nothing was written because of it.",
        "Run the same command again. If it stays, look for a newer cmkctl, and report it with the output of --record.",
        "https://learn.microsoft.com/azure/templates/",
    ),
    "CMK317": Entry(
        "Azure says that it exists already, and does not show it",
        "A grant or a service principal was made a moment ago, by another run or by one whose answer was lost, and Azure does not show it everywhere yet.",
        "Run the same command again in some minutes.",
    ),
    "CMK318": Entry(
        "A response points outside the cloud",
        "A next page, an operation or a redirect leads to a host that does not belong to the profile's cloud, to another port, to plain http, or to an address with user information. A token would go there with the next request, so nothing was sent.",
        "If a proxy asks you to sign in, do that. Otherwise check HTTPS_PROXY and the profile's cloud.",
    ),
    "CMK319": Entry(
        "Not signed in to Azure",
        "No credential is available: nobody is signed in with the az CLI, and the variables of the other ways of signing in are not set. Nothing was sent.",
        "Run az login, or set the AZURE_ variables of one way of signing in.",
        "https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains",
    ),
    "CMK320": Entry(
        "The Azure CLI did not answer in time",
        "The token comes from az, which gave none within a minute, or could not be run.",
        "Run az account get-access-token by itself, or select another way of signing in with --auth.",
    ),
    "CMK321": Entry(
        "The federated sign-in has expired",
        "az login exchanged a token of the CI system, which is valid for minutes only. cmkctl uses the last Azure token to its end; then a new login is needed (AADSTS700024).",
        "Log in again and run the same command: it goes on from where it stopped.",
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    ),
    "CMK322": Entry(
        "Azure requires a stronger sign-in",
        "Azure answered 401 with a claims challenge, and no token that satisfies it could be had. Conditional Access asks for more than this sign-in proves.",
        "Sign in with what the policy asks for, or use an identity that it exempts.",
        "https://learn.microsoft.com/entra/identity-platform/claims-challenge",
    ),
    "CMK323": Entry(
        "The proxy cannot be used",
        "The proxy that HTTPS_PROXY names does not answer, refuses the connection or asks for a password; or it is a SOCKS proxy and the package PySocks is missing.",
        "Check HTTPS_PROXY and NO_PROXY.",
    ),
    "CMK324": Entry(
        "The TLS connection cannot be trusted",
        "The certificate of the other side is not signed by a CA that is trusted here, or the other side does not speak TLS. A proxy that inspects TLS has a CA of its own.",
        "Set REQUESTS_CA_BUNDLE to a file that holds the CA certificate.",
    ),
    "CMK325": Entry(
        "The CA bundle cannot be read",
        "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that is missing or holds no certificate. Without it no connection can be trusted.",
        "Correct the variable, or unset it to use the certificates that come with cmkctl.",
    ),
    "CMK326": Entry(
        "The sign-in settings are invalid",
        "A variable of a way of signing in has a value that cannot be right, such as a tenant that is neither a GUID nor a domain name.",
        "Correct the variable.",
    ),
    "CMK327": Entry(
        "A secret is part of a name",
        "The value of a secret environment variable also occurs in a name or id of the profile. Redacting it there would show a workspace id or a key identifier that does not exist, so it is redacted only where it stands alone.",
        "Replace the secret with a long random one.",
    ),
    "CMK401": Entry(
        "The result is not what was asked for",
        "After everything was applied, reading everything once more showed a difference. That is a failure, not a warning: somebody would rely on it.",
        "Run cmkctl plan to see what differs.",
    ),
    "CMK402": Entry(
        "Azure is no longer as it was when the plan was made",
        "Before each write cmkctl looks again. What it would do now is not what was shown, so it does nothing.",
        "Look at the new plan.",
    ),
    "CMK403": Entry(
        "azure-ai-ml does not see the workspace as it was asked for",
        "The finished workspace is opened the way a data scientist's code opens it, and its key and hbi flag are compared with the profile.",
        "Run cmkctl verify.",
    ),
    "CMK501": Entry(
        "The tape cannot be written",
        "--record names a file that cannot be written. Nothing was sent.",
        "Name another file.",
    ),
    "CMK502": Entry(
        "The tape cannot be read", "--replay names a file that is no tape of this version.", "Record it again."
    ),
    "CMK503": Entry(
        "The tape was not played to its end",
        "Some recorded exchanges were never asked for: the run did something else than the one that was recorded.",
        "If the change is meant, record again.",
    ),
    "CMK504": Entry(
        "The tape has no such exchange",
        "The run asked something that was not recorded. The message shows the nearest recorded exchange and the difference.",
        "If the change is meant, record again.",
    ),
    "CMK511": Entry(
        "The sandbox cannot start",
        "Its state file is damaged, of a newer version, in use, or in a place where it cannot be written.",
        "Name another file with --state, or run cmkctl sandbox reset.",
    ),
    "CMK521": Entry(
        "The plan cannot be saved",
        "--out names a file that cannot be written: a folder that is not there, a folder or a device in place of a file, no right to write. It is tried out first, so nothing was asked of Azure.",
        "Name another file.",
    ),
    "CMK522": Entry(
        "The saved plan cannot be read",
        "The file begins like a saved plan, but it is cut off, is no JSON, lacks a field or has one too many. Part of an approval is no approval.",
        "Plan again, and approve that.",
    ),
    "CMK523": Entry(
        "The saved plan is of another version of cmkctl",
        "The form of saved plans has a number, and this cmkctl reads one number only. What it cannot read whole it does not apply.",
        "Plan again with the cmkctl that will apply it, or apply it with the version that made it.",
    ),
    "CMK524": Entry(
        "The saved plan was edited after it was made",
        "The file keeps digests of its profile and of its plan, and one of them no longer matches. That finds accidents and hasty edits; it is no signature.",
        "Change the profile, plan again, and approve that.",
    ),
    "CMK525": Entry(
        "This is a saved plan, and a profile is wanted",
        "plan and verify begin from a profile. A saved plan is what came of that.",
        "Name the profile, or apply the saved plan with cmkctl apply.",
    ),
    "CMK526": Entry(
        "What is begun cannot be noted in the saved plan",
        "apply notes in the file what it is about to make, so that after an interruption it knows its own doing. The file cannot be written, or something else is there now. The apply goes on; only if it is interrupted it cannot go on with this file.",
        "Keep the file in a folder that you may write to. After an interruption plan again.",
    ),
    "CMK527": Entry(
        "What would be done is no longer what was approved",
        "apply of a saved plan looks at Azure again and makes the plan anew. It goes on only if every change is one that was approved, with the same request, and every approved change is still due or was begun by an earlier apply of the same file. Nothing was written.",
        "Read the differences, then plan again and approve that.",
    ),
    "CMK528": Entry(
        "A plan that cannot be applied is not saved",
        "It has a conflict, or a rule stops it. Nothing was written to the file that --out names; what was there before still is.",
        "Mend what the plan names, then plan again.",
    ),
    "CMK531": Entry(
        "The report cannot be written",
        "--report names a file that cannot be written. Tried out before Azure is asked, and said again if it happens at the end.",
        "Name another file.",
    ),
    "CMK541": Entry(
        "The output cannot be written",
        "The disk or the quota behind standard output or standard error is used up, so nothing more can be told. A run that cannot tell what it does goes no further.",
        "Make room, or send the output elsewhere, then run the same command again. What was done stays done.",
    ),
    "CMK901": Entry(
        "A defect of cmkctl",
        "Something happened that cmkctl did not expect. What was done stays done; nothing is left half written.",
        "Run the same command again with --debug, which says where it happened, and report that.",
    ),
}


def explanation(code: str, entry: Entry) -> str:
    """The explanation of a code as text for a terminal of 80 columns."""
    parts = [f"{code}  {entry.title}", textwrap.fill(entry.meaning, 78), textwrap.fill(f"→ {entry.remedy}", 78)]
    return "\n\n".join([*parts, *([f"Source: {entry.source}"] if entry.source else [])]) + "\n"


def reference() -> str:
    """Every code as Markdown: docs/rules.md."""
    lines = [
        "# Diagnostic codes",
        "",
        "Made from `cmkctl/checks/catalogue.py`; `cmkctl explain CODE` shows one of them.",
        "",
    ]
    for code, entry in CATALOGUE.items():
        lines += [f"## {code} {entry.title}", "", entry.meaning, "", f"**What to do:** {entry.remedy}", ""]
        lines += [f"Source: <{entry.source}>", ""] if entry.source else []
    return "\n".join(lines).rstrip() + "\n"
