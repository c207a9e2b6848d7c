"""Every exception of the contract, each with its reason: exchanges that are not sent, and differences that are known.

An exception names its scenarios, their exchanges, the part of the response, and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from contract_recordings import Exchange
from support.service_folders import pages


@dataclass(frozen=True)
class Known:
    """One exception: `what` is matched from its beginning against a difference in words; not sent at all when it is empty."""

    why: str
    what: str = ""
    scenarios: str = "*"
    where: Callable[[Exchange], bool] = lambda _exchange: True

    def holds(self, scenario: str, exchange: Exchange) -> bool:
        """Return True when the exception is for this exchange."""
        return any(fnmatchcase(scenario, each) for each in self.scenarios.split()) and self.where(exchange)


def _numbers(*wanted: int) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.number in wanted


def _path(pattern: str) -> Callable[[Exchange], bool]:
    return lambda exchange: re.search(pattern, exchange.path, re.IGNORECASE) is not None


def _half_way(exchange: Exchange) -> bool:
    """Return True when this lists the operations of a deployment in progress."""
    if not exchange.path.endswith("/operations"):
        return False
    rows = exchange.answer.get("value", []) if isinstance(exchange.answer, dict) else []
    states = {row["properties"]["provisioningState"] for row in rows if "provisioningOperation" in row["properties"]}
    last = any(row["properties"].get("provisioningOperation") == "EvaluateDeploymentOutput" for row in rows)
    return not last or states != {"Succeeded"}


EXCLUDED = (
    Known("the recorder kept no body", scenarios="20", where=_numbers(2)),
    Known("made with a private key that was never published", scenarios="24", where=_numbers(9, 11)),
    Known("the deployment was made before the recording began", scenarios="29", where=_numbers(1)),
    Known(
        "needs an application of the recorded directory; the sandbox has none but the first-party ones",
        scenarios="45",
        where=_numbers(18, 19),
    ),
    Known(
        "needs a lock before it begins, which can be arranged once locks are modelled",
        scenarios="60",
        where=_numbers(10),
    ),
    Known("the recorder kept the body as the text of a Python object", scenarios="60", where=_numbers(42)),
    Known(
        "needs an operation that goes on in the network, and nothing of the network is recorded before it",
        scenarios="60",
        where=_numbers(11),
    ),
)
"""Exchanges that are not sent, each with the reason; `Player` adds polls of operations that began outside of a recording."""

WORKSPACES = "/Microsoft.MachineLearningServices/workspaces(/[^/]+)?$"
PROVIDERS = r"/providers/[\w.]+(/(un)?register)?$"
GRAPH = "^/v1.0/(directoryObjects|servicePrincipals)"
DIFFERENCES = (
    Known(
        "the recorder masks the name of every group alike, also of those in parameters",
        r"properties\.parameters\.",
        "01 08 09",
    ),
    Known(
        "fact 34: a poll of a group's deletion has sometimes no Location",
        "header location: recorded absent",
        where=_path("^/subscriptions/[^/]+/operationresults/"),
    ),
    Known(
        "login.windows.net is an older name of the same service",
        r'header www-authenticate: recorded [^"]*"https://login\.windows\.net',
    ),
    Known(
        "recorded before Key Vault numbered its messages (AKV10000)",
        r'error\.message: recorded "Request is missing',
    ),
    Known(
        "an older form of the same refusal; the younger one is recorded, too (62, 3)",
        r"error\.message: ",
        "62",
        _numbers(2),
    ),
    Known(
        "the message of api-version 2020-04-01-preview has no advice; that of 2022-04-01 (44, 1) has it, and is the sandbox's",
        r'error\.message: recorded "Principal \w+ does not exist in the directory [\w-]+\."',
        "44",
        _numbers(3),
    ),
    Known("the message names the caller as a person", r'error\.message: recorded "The client .user@', "44 60"),
    Known("the vault is older than systemData", "systemData", "20 50 75"),
    Known(
        "came into Key Vault after this was recorded",
        r"properties\.publicNetworkAccess: recorded absent",
        "47",
        _path("/Microsoft.KeyVault/vaults/[^/]+$"),
    ),
    Known(
        "came into the attributes of keys after this was recorded; younger recordings of the api-version have them",
        r"attributes\.(exportable|recoverableDays|hsmPlatform): recorded absent",
        "47 64",
        _path("^/keys/[^/]+/create$"),
    ),
    Known(
        "shown by the canary region in the answer to this PUT, and by no other PUT or GET of the api-version (25, 73)",
        "systemData: recorded object, sandbox absent",
        "47",
        _numbers(12),
    ),
    Known(
        "a URL of the identity service itself, which only the preview api-version of 2021 shows",
        r"properties\.clientSecretUrl: recorded",
        "47",
    ),
    Known(
        "the template sends tags, and the answers of this feature store have none; 01 and 08, of the same template, do",
        r"tags\.createdByToolkit: recorded absent",
        "09",
    ),
    Known(
        "left out of a vault made anew right after a purge, and of no other answer of this api-version",
        r"properties\.publicNetworkAccess: recorded absent",
        "12",
    ),
    Known("which version comes first is chance", r"value\[\]\.(tags|kid|attributes\.enabled)", "24", _numbers(22, 23)),
    Known("its keys got an expiry that no recorded request set", r"attributes\.exp: ", "24", _numbers(40, 41, 42)),
    Known(
        "Azure lists in pages and links to an empty last one; the sandbox lists all at once",
        "(nextLink|value): ",
        "20 40",
    ),
    Known("one of two recordings leaves it out", r"error\.innerError\.client-request-id: recorded absent", "45"),
    Known(
        "Graph shows more of a principal than clients read",
        r"(value\[\]\.)?\w+: recorded .*, sandbox absent",
        "40 41 43 45 59",
        _path(GRAPH),
    ),
    Known(
        "the sandbox has one audience for all applications of other directories",
        r"(value\[\]\.)?signInAudience: ",
        "40 41 43 45 59",
        _path(GRAPH),
    ),
    Known(
        "the sandbox lists the types, api-versions and regions it models, Azure those of the day of the recording",
        r"(resourceTypes(\[\]\.(apiVersions|locations|capabilities|resourceType|defaultApiVersion|apiProfiles|zoneMappings)"
        r"(\[\].*)?)?|authorizations(\[\].*)?): ",
        where=_path(PROVIDERS),
    ),
    Known(
        "how far each resource is when the list is read differs by nature",
        r"value(\[\]\.properties\.(provisioningState|statusCode|targetResource).*)?: ",
        where=_half_way,
    ),
    Known(
        "came into the service after this was recorded",
        r"(value\[\]\.)?properties\.(ipAllowlist|serverlessComputeSettings|EnableSoftwareBillOfMaterials|allowRoleAssignmentOnRG"
        r"|managedNetwork\.changeableIsolationModes): recorded absent",
        "04 06 07 08 09 28 87 88",
        _path(WORKSPACES),
    ),
    Known(
        "the default that Azure had in 2021; the sandbox has the one of today",
        r"properties\.(allowCrossTenantReplication|allowBlobPublicAccess|minimumTlsVersion): ",
        "47",
    ),
    Known(
        "the zone of a static website is chosen by Azure",
        r'properties\.\w+Endpoints\.web: recorded "https://[\w-]+\.z\d+\.web',
    ),
    Known(
        "the canary region shows what the identity service has of an identity; the types and other recordings do not have it",
        r"identity\.userAssignedIdentities\.\S+\.(certRenewAfter|identityUrl|tenantId): ",
        "47",
    ),
    Known(
        "of the preview service of 2023; not in later recordings",
        r"properties\.(azureOpenAI|azureCognitiveSearch): ",
        "08 09",
    ),
    Known(
        "the recording leaves out the exchanges that delete these rules (58 to 66)",
        r"properties\.managedNetwork\.outboundRules\.added-\w+: recorded absent, sandbox object",
        "29",
        _numbers(44),
    ),
    Known(
        "a test region has another domain", r"properties\.(discoveryUrl|mlFlowTrackingUri): .*azureml-test", "28 29 88"
    ),
    Known(
        "in 2023 a managed network had other rules of its own, and showed less of each; the sandbox has those of 29",
        r"properties\.managedNetwork\.(outboundRules|status)",
        "28 88",
        _path(WORKSPACES),
    ),
    Known(
        "in the winter of 2023 every workspace had a network, without a mode where there was none",
        r"properties\.managedNetwork\.(networkId|outboundRules|isolationMode): ",
        "06",
        _path(WORKSPACES),
    ),
    Known(
        "until the spring of 2023 a workspace without a registry showed an empty text; 04, of the same api-version, shows none",
        r"(value\[\]\.)?properties\.containerRegistry: recorded \"\", sandbox absent",
        "06 87 88",
        _path(WORKSPACES),
    ),
    Known(
        "Azure ML makes up the last part of the name of a private endpoint's rule",
        r"(value\[\]\.(id|name): recorded .*|properties\.managedNetwork\.outboundRules\.)__SYS_PE_",
        "29",
    ),
    Known(
        "the service adds the policy for the workspace's principal between two polls; the sandbox with the next poll",
        r"properties\.accessPolicies: recorded 1 items, sandbox 2",
        "02",
        _numbers(10),
    ),
    Known(
        "the virtual machine that is attached is not modelled: it has neither address nor size",
        r"properties\.properties\.(address|ipAddress|virtualMachineSize): ",
        "10",
    ),
    Known("principals of the sandbox have no names but their application ids", "value: ", "45", _numbers(6)),
    Known(
        "Azure ML makes up the names of what it keeps in the managed group",
        r"properties\.encryption\.(cosmosDb|storageAccount|searchAccount)ResourceId: ",
        "01",
    ),
    Known(
        "a name that Azure derives from the identity's key",
        r"value\[\]\.servicePrincipalNames: recorded .*https://identity\.azure\.net/",
    ),
    Known(
        "the identity of a service that is not modelled is arranged as an application",
        r"value\[\]\.\w+: ",
        "40",
        lambda exchange: "Microsoft.RecoveryServices/" in str(exchange.answer),
    ),
    Known("the recorder kept no body of the request before it", r"properties\.accessPolicies: ", "20", _numbers(3)),
    Known("a principal is arranged under one name", r"value\[\]\.appDisplayName: ", "41", _numbers(2)),
    Known("two workspaces of the list have one masked name", "value: ", "87", _numbers(39)),
    Known(
        "a name that the template computes from the id of the subscription, which differs here",
        r"properties\.(dependencies\[\]\.|outputResources\[\]\.id|target).*recorded .*offlinestore",
        "09",
    ),
    Known(
        "until July 2023 the list had what is not deployed, too; 09 and 01, which are younger, have not",
        r"properties\.dependencies(\[\]\.dependsOn)?: recorded \d+ items",
        "04 06 07 08 28 87 88",
    ),
    Known("signed with the key of the recording", 'value: recorded "', "24", _path("/sign$")),
    Known("Azure found fault with stores that the recording does not show", r"value\.\w+Results: recorded", "05"),
    Known(
        "the sandbox runs no containers, and creates a group without an operation to poll",
        r"(header azure-asyncoperation|properties\.(\w+\[\]\.properties\.)?instanceView|properties\.ipAddress\.ip): recorded",
        "96",
    ),
    Known("a group of checks without a name, of unknown meaning", r"value\.9: ", "01"),
    Known(
        "shown in the summer of 2024; 43, of a year later and a younger api-version, does not have it",
        r"properties\.ipamPoolPrefixAllocations: recorded \[\], sandbox absent",
        "93",
        _path("/virtualNetworks/[^/]+/subnets/[^/]+$"),
    ),
)
"""Differences that are known, and why each is right, or why it stays."""
OF_SERVICES = tuple(
    Known(each["why"], each["what"], str(each["scenarios"]), _path(each.get("path", "")))
    for page in pages("recordings.yaml")
    for each in page.get("differences", ())
)
"""Differences that the folders of services declare."""

LATER = (
    "Network Sql DBforMySQL DBforPostgreSQL DocumentDB Search Databricks EventHub ServiceBus AppConfiguration ElasticSan"
    " DataProtection LoadTestService ContainerInstance ContainerService Synapse RecoveryServices"
)
"""Services beside a workspace, some of which can hold a customer-managed key."""
NEVER = (
    "DataLakeStore AutonomousDevelopmentPlatform ClassicInfrastructureMigrate NetApp Management Subscription Media Kusto Web"
    " VirtualMachineImages FluidRelay HardwareSecurityModules Cdn Dashboard DevCenter Security Maps"
)
"""Services that have no part in a workspace."""


def _service(namespaces: str) -> Callable[[Exchange], bool]:
    """Return what matches the service that an exchange is for: the first provider of its path."""
    wanted = {f"microsoft.{name.lower()}" for name in namespaces.split()}

    def matches(exchange: Exchange) -> bool:
        found = re.search(r"/providers/([\w.]+)", exchange.path, re.IGNORECASE)
        return found is not None and found[1].lower() in wanted

    return matches


NOT_MODELLED = (
    Known("a service beside the workspace, which later issues model", where=_service(LATER)),
    Known("a service that has no part in a workspace", where=_service(NEVER)),
    Known("graph.windows.net, which Azure has retired", where=lambda exchange: exchange.host == "graph.windows.net"),
    Known("a host of another service", where=lambda exchange: exchange.host.endswith(".devcenter.azure.com")),
    Known(
        "virtual machines and their disks have no part in a workspace",
        where=_path("/Microsoft.Compute/(disks|virtualMachine|locations/[^/]+/operations)"),
    ),
    Known("a managed HSM, which the sandbox refuses by name", where=_path("/Microsoft.KeyVault/managedHSMs/")),
    Known(
        "a gateway that failed on the way to the deployment of an endpoint",
        where=_path("/onlineEndpoints/[^/]+/deployments/"),
    ),
    Known("an alert rule has no part in a workspace", where=_path("/scheduledQueryRules/")),
    Known("a key that is restored from a backup, which no procedure does", where=_path("^/keys/restore$")),
)
"""Exchanges that the sandbox need not model, each with the reason."""


def excluded(scenario: str, exchange: Exchange) -> str | None:
    """Return why an exchange is not sent; None when it is."""
    return next((each.why for each in EXCLUDED if each.holds(scenario, exchange)), None)


def not_modelled(scenario: str, exchange: Exchange) -> str | None:
    """Return why an exchange need not be modelled; None when it has to be."""
    return next((each.why for each in NOT_MODELLED if each.holds(scenario, exchange)), None)


def explained(scenario: str, exchange: Exchange, difference: str) -> str | None:
    """Return why a difference is accepted; None when it is not."""
    for each in (*DIFFERENCES, *OF_SERVICES):
        if re.match(each.what, difference) and each.holds(scenario, exchange):
            return each.why
    return None
