"""Topics that people ask about beside codes and fields, for ``cmkctl explain WORD``: what holds, why, and how sure that is.

Where Microsoft's pages contradict each other, a topic has both sides, and what cmkctl does about it. Pages were read in November
2026; a date is that of the page itself, where it has one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cmkctl.evidence import READ
from cmkctl.posture import MEANINGS, STATES

_WIDTH: Final = 78


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a contradiction: the statement of a page, and the page with its date."""

    says: str
    page: str


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `words` are other words for it; `sides` are the statements of the pages where they differ; `sure` is how sure this is.

    `does` is what cmkctl does, or what to do; `codes` are the diagnostic codes about it. `entries` are a list below `what`.
    """

    name: str
    words: tuple[str, ...]
    what: str
    does: str
    sure: str
    sides: tuple[Side, ...] = ()
    codes: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    def fits(self, word: str) -> bool:
        """Return True for the name or one of the words, whatever their case, hyphens and spaces."""
        return _plain(word) in {_plain(each) for each in (self.name, *self.words)}

    def text(self) -> str:
        """Format the topic for a terminal of 80 columns."""
        return "\n\n".join(self._parts()) + "\n"

    def _parts(self) -> Iterator[str]:
        yield self.name
        yield _filled(self.what)
        if self.entries:
            yield "\n".join(_filled(f"- {each}", later="  ") for each in self.entries)
        if self.sides:
            yield "Microsoft's pages contradict each other:\n" + "\n".join(map(_side, self.sides))
        yield _filled(f"→ {self.does}")
        yield _filled(f"How sure: {self.sure} Read in {READ}.")
        if self.codes:
            yield f"See: {', '.join(self.codes)}"


def _side(side: Side) -> str:
    statement = _filled(f"- {side.says}", later="  ")
    return f"{statement}\n{_filled(f'  {side.page}', later='  ')}"


def _filled(text: str, later: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=later, break_on_hyphens=False, break_long_words=False)


def _plain(word: str) -> str:
    return "".join(each for each in word.casefold() if each.isalnum())


def topic_of(word: str) -> Topic | None:
    """Return the topic with this name or word; None for any other word."""
    return next((each for each in TOPICS if each.fits(word)), None)


_CONCEPT: Final = "concept-customer-managed-keys, 28 January 2025"
_SETUP: Final = "how-to-setup-customer-managed-keys (machine-learning), 5 February 2025"
_TEMPLATE: Final = "how-to-create-workspace-template, 22 October 2025"
_COSMOS: Final = "how-to-setup-customer-managed-keys (cosmos-db), 27 June 2025"
_SOFT_DELETE: Final = "concept-soft-delete, 31 October 2025"
_TRUSTED: Final = "overview-vnet-service-endpoints (key-vault), 19 May 2026"
_HUB: Final = "the page about hubs of AI Foundry, without a date"

TOPICS: Final[tuple[Topic, ...]] = (
    # Where the pages contradict each other
    Topic(
        "region",
        ("location", "same region", "vault region"),
        "Whether the vault with the key has to be in the workspace's region is not settled. It has to be in the workspace's "
        "subscription.",
        "cmkctl creates vault and workspace in one region, and warns of a vault that is elsewhere; --strict makes that an error.",
        "no error text for a vault in another region is known.",
        (
            Side("The vault has to be in the same subscription; no region is named.", _SETUP),
            Side("The vault has to be in the same region.", f"{_TEMPLATE}, and the quickstart's README"),
            Side("The same region and tenant, and another subscription is allowed.", _HUB),
        ),
        ("CMK102", "CMK203", "CMK212"),
    ),
    Topic(
        "rotation",
        ("rotate", "key rotation", "key version", "new version"),
        "A workspace stores the key with its version. A new version in the vault, also by a rotation policy, does not reach it until "
        "the workspace is pointed at that version. The switch usually takes an hour, and the old version may be in use for 24.",
        "Keep the old version enabled for a day after the switch, and for ever where backups may need it. CMK106 reports a newer "
        "version, and cmkctl rotate moves the workspace to it.",
        "the newer page is followed; moving a workspace to a key in another vault is documented as impossible.",
        (
            Side("The key identifier of a workspace can be changed, within the original vault.", _CONCEPT),
            Side("Key identifiers cannot be changed after creation.", _TEMPLATE),
        ),
        ("CMK106", "CMK114", "CMK253", "CMK256"),
    ),
    Topic(
        "service-side",
        (
            "service side encryption",
            "serviceside",
            "preview",
            "enableServiceSideCMKEncryption",
            "in-subscription",
            "architecture",
        ),
        "With service-side encryption the workspace's metadata is in multitenant resources of Microsoft, encrypted with your key "
        "document by document; no Cosmos DB account and no storage account appear in your subscription. In-subscription is the "
        "classic architecture with a resource group that Microsoft manages. The choice is permanent.",
        "cmkctl allows it with system-assigned and user-assigned identities, sends an api-version that has the flag (2025-06-01 or "
        "later), and verifies the flag after the creation. The three limits of the preview are warnings, not errors.",
        "GA by Microsoft's own page; for the limits there are field reports in both directions.",
        (
            Side(
                "Service-side is one of two configurations; no limits are named.", f"{_CONCEPT} (GA since January 2025)"
            ),
            Side(
                "It is a preview: no rotation, no data labeling, no vault without public access, no user-assigned identity.",
                f"the README of the quickstart, and {_HUB}",
            ),
        ),
        ("CMK104", "CMK254"),
    ),
    Topic(
        "principal id",
        (
            "principal",
            "application id",
            "app id",
            "object id",
            "a232010e-820c-4083-83bb-3ace5fc29d0b",
            "cosmos db principal",
        ),
        "A grant takes the object id of Azure Cosmos DB's service principal, which is different in each tenant. The id in Microsoft's "
        "pages is the application id, the same in every tenant, and a grant to it is accepted and has no effect.",
        "cmkctl looks up the object id in Microsoft Graph, and refuses the application id and the placeholders.",
        "certain: each of the three ids was seen, and grants to application ids are reported to have no effect.",
        (
            Side("It calls a232010e-820c-4083-83bb-3ace5fc29d0b the principal id.", _SETUP),
            Side(
                "It prints the placeholder 00001111-aaaa-2222-bbbb-3333cccc4444 in place of the application id.",
                _COSMOS,
            ),
        ),
        ("CMK111", "CMK231", "CMK232"),
    ),
    Topic(
        "trusted services",
        ("bypass", "AzureServices", "firewall", "vault firewall", "private endpoint"),
        "A vault whose firewall denies by default has to let trusted services pass. Whether Azure Cosmos DB is one of them is not "
        "settled; a vault that only private endpoints reach does not work with Azure Cosmos DB.",
        "Set public access enabled, default_action Deny and bypass AzureServices; verify shows whether the service reaches the key.",
        "unresolved between two pages; no report of a bypass that failed was found.",
        (
            Side("The bypass for trusted services lets Azure Cosmos DB reach the vault.", _COSMOS),
            Side(
                "The complete list of trusted services has Azure Machine Learning, Storage and Container Registry, and neither "
                "Azure Cosmos DB nor AI Search.",
                _TRUSTED,
            ),
        ),
        ("CMK103",),
    ),
    Topic(
        "key identifier",
        ("key uri", "key url", "versioned", "versionless", "keyIdentifier"),
        "Azure Machine Learning takes the identifier of a key with its version, https://VAULT/keys/NAME/VERSION. Azure Cosmos DB by "
        "itself takes one without.",
        "Give key.name; cmkctl reads the version from Azure and sends the full identifier.",
        "every sample and module for workspaces has the version; the error for one without is not known.",
        (
            Side("The identifier includes the version information.", _SETUP),
            Side("Use the identifier except the part after the last slash.", _COSMOS),
        ),
        ("CMK253", "CMK256"),
    ),
    Topic(
        "managed resource group",
        ("managed group", "serviceProvisionedResourceGroup", "azureml-rg"),
        "In-subscription encryption has a resource group that Microsoft creates, manages and locks with a deny assignment: nothing in "
        "it can be changed, and exemptions from policies have to be scoped above it.",
        "cmkctl reads its name from the workspace (serviceProvisionedResourceGroup) and never computes or touches it.",
        "the property is in the published type; both formulas for the name are in pages.",
        (
            Side("Its name is the workspace's group followed by a GUID.", "one page of Azure Machine Learning"),
            Side("Its name is azureml-rg-WORKSPACE_GUID.", "another page of Azure Machine Learning"),
        ),
        ("CMK313",),
    ),
    Topic(
        "soft delete",
        ("soft deleted", "deleted workspace", "forceToPurge", "wsoftdelete"),
        "A deleted workspace is kept for 14 days under its name, a deleted vault for 7 to 90. With purge protection a vault cannot be "
        "purged earlier. A soft-deleted workspace goes on costing what its managed resources cost.",
        "Choose another name, recover, or purge the workspace: az rest --method delete --url "
        "'…/workspaces/NAME?api-version=2024-04-01&forceToPurge=true'. cmkctl never purges.",
        "the newer page is followed; the purge by REST is a field report, and az cannot find a workspace that is soft-deleted.",
        (
            Side("The managed resource group is deleted with the workspace.", "the pages about customer-managed keys"),
            Side("The group stays and costs money until the workspace is deleted for good.", _SOFT_DELETE),
        ),
        ("CMK205",),
    ),
    Topic(
        "revocation",
        ("revoke", "restore", "disable key", "disabled key", "customerManagedKeyStatus", "kill switch"),
        "A service that cannot use its key any more stops within about an hour: it keeps the unwrapped key in a cache and asks Key "
        "Vault again from time to time. Nothing is deleted, and access that is given back brings the data back.",
        "cmkctl revoke disables the key version that the workspace uses, after listing what stops; cmkctl restore enables it again. "
        "With --grant the access is taken away instead, where the vault's own endpoint cannot be reached.",
        "the hour is documented for workspaces; the times of other services differ, and some publish none.",
        (
            Side("Access can be revoked at any time, and it takes about an hour.", _CONCEPT),
            Side(
                "A revoked account takes nothing but a new default identity, and its deletion.",
                "cmk-troubleshooting-guide",
            ),
        ),
        ("CMK224", "CMK620", "CMK621", "CMK630"),
    ),
    Topic(
        "registry admin user",
        ("acr", "admin user", "container registry", "AcrPull", "Admin user is disabled"),
        "Azure Machine Learning pulls images with the registry's admin user, unless a managed identity with the role AcrPull is set "
        "up. Without either, a pull fails with “please ensure the ACR has Admin user enabled or a Managed Identity”.",
        "Keep the admin user, or give the compute's identity the role AcrPull.",
        "both are documented; for serverless computes the identity is reported to be unsupported.",
        (
            Side("The admin user is required.", "an earlier version of the pages (azure-docs#69632)"),
            Side("The admin user, or a managed identity with AcrPull.", _TEMPLATE),
        ),
    ),
    Topic(
        "key size",
        ("2048", "3072", "4096", "rsa", "size"),
        "Only RSA and RSA-HSM keys wrap and unwrap. Azure Machine Learning recommends 3072 bits or more; a hub whose AI Services use "
        "the same key accepts 2048 only.",
        "Use 3072 or 4096 for a workspace. cmkctl warns of smaller keys and refuses those below 2048.",
        "documented; the rule of AI Services is a field report of that page.",
        (
            Side("3072 bits or more are recommended.", _CONCEPT),
            Side("AI Services accept 2048 bits only.", _HUB),
        ),
        ("CMK105", "CMK221", "CMK222"),
    ),
    # Other topics
    Topic(
        "hbi",
        ("high business impact", "high_business_impact", "hbiWorkspace", "scratch disk"),
        "High business impact reduces what Microsoft collects, encrypts the scratch disk of computes where the subscription had no "
        "cluster before, and passes credentials through the workspace's vault. It is fixed at creation, and encrypts nothing that is "
        "stored.",
        "Choose it when the workspace is created. For scratch disks in a subscription that had clusters before, open a support case.",
        "documented; a hub with encryption is reported to turn it on by itself.",
        codes=("CMK255",),
    ),
    Topic(
        "grant",
        ("access", "propagation", "ForbiddenByRbac delay", "settle"),
        "A role takes seconds to minutes to take effect, up to 30 reported. Azure Machine Learning remembers a refusal under the "
        "workspace's name for tens of minutes, so frequent retries make it worse.",
        "cmkctl waits for the grant before the first creation and sends it again after ten minutes. key_access.settle_seconds gives "
        "grants more time.",
        "field reports; Azure guarantees no time.",
        codes=("CMK315", "CMK305"),
    ),
    Topic(
        "purge protection",
        ("enablePurgeProtection",),
        "Azure Machine Learning accepts a key only from a vault with purge protection. It cannot be turned off again, and the vault's "
        "name stays taken for its retention.",
        "cmkctl turns it on in an existing vault only with key_vault.allow_enabling_purge_protection: true.",
        "documented, and quoted from the service.",
        codes=("CMK210",),
    ),
    Topic(
        "cost",
        ("price", "billing", "euro", "dollar"),
        "In-subscription encryption adds a Cosmos DB account, a search service and a storage account for each workspace; a public "
        "report names about 700 euros a month in 2023. Service-side encryption bills a dedicated search service. Both bill for 14 "
        "days after a deletion.",
        "plan lists what is billed; use Azure's pricing calculator for numbers.",
        "one public report; Microsoft publishes no figure.",
    ),
    Topic(
        "clouds",
        ("cloud", "government", "china", "AzureUSGovernment", "AzureChinaCloud", "sovereign", "21vianet"),
        "Each cloud has endpoints, token audiences, vault suffixes and an application id of Azure Cosmos DB of its own. Microsoft has "
        "never published that id for China.",
        "Set cloud in the profile, az cloud set --name CLOUD, and az login. In China, confirm the principal by "
        "key_access.cosmos_db_object_id.",
        "documented for the public cloud and for Government; unknown for China.",
        codes=("CMK109", "CMK330"),
    ),
    Topic(
        "sign-in",
        ("login", "signin", "credential", "authentication", "oidc", "workload", "federated"),
        "Credentials come from azure-identity's default chain, or from one way: --auth cli, environment, managed-identity, workload, "
        "device, browser.",
        "In GitHub Actions and Azure Pipelines use --auth workload: a token of the job is exchanged at each renewal, so a run may "
        "last longer than one is valid. docs/how-do-i.md has the steps of each system.",
        "documented.",
        codes=("CMK302", "CMK319", "CMK320", "CMK321", "CMK322", "CMK330"),
    ),
    Topic(
        "verdict",
        ("verdicts", *(each.value for each in MEANINGS)),
        "cmkctl posture gives one of these words for the key of each resource.",
        "cmkctl posture --evidence shows the reason and the values of Azure behind each. docs/services.md has the services.",
        "the words are cmkctl's own; the services' pages are documented.",
        codes=("CMK711",),
        entries=tuple(f"{verdict.value}: {meaning}" for verdict, meaning in MEANINGS.items()),
    ),
    Topic(
        "protection",
        ("protections", "transit", "in-transit", *(each.value for each in STATES if each.value not in {*MEANINGS})),
        "cmkctl posture gives one of these words for each protection beside the key. The column transit has that of in-transit, "
        "the encryption of connections: yes is enforced, no is not-enforced, ? is not-knowable or not-visible.",
        "Name protections that must be enforced under protections, in the profile's section posture or in the file of --expect. "
        "docs/services.md lists them.",
        "the words are cmkctl's own; the services' pages are documented.",
        codes=("CMK711", "CMK713"),
        entries=tuple(f"{state.value}: {meaning}" for state, meaning in STATES.items()),
    ),
)
"""Every topic; those with two sides first."""
