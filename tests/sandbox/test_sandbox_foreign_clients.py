"""Requests of real clients that cmkctl does not send: each found by pointing one at the sandbox (tests/clients)."""

import pytest
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server import Running

COMPONENT = "/resourceGroups/rg/providers/Microsoft.Insights/components/appi"


@pytest.fixture
def arranged(instant: Running) -> Client:
    """Return a client of a sandbox with every provider, a vault in each of two groups, and a storage account."""
    instant.state.register_provider()
    instant.state.add_vault("kv-one", "rg")
    instant.state.add_vault("kv-two", "rg-two", location="westus3")
    instant.state.add_storage_account("stone")
    instant.state.vault("kv-two")["doc"]["tags"] = {"Team": "ml"}
    return Client(instant)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("resourceType eq 'Microsoft.KeyVault/vaults'", ["kv-one", "kv-two"]),
        ("resourceType eq 'microsoft.keyvault/Vaults' and name eq 'KV-TWO'", ["kv-two"]),
        ("resourceGroup eq 'RG'", ["kv-one", "stone"]),
        ("resourceType ne 'Microsoft.KeyVault/vaults'", ["stone"]),
        ("location eq 'West US 3'", ["kv-two"]),
        ("tagName eq 'team' and tagValue eq 'ml'", ["kv-two"]),
        ("tagName eq 'team' and tagValue eq 'other'", []),
        ("name eq 'nothing'", []),
        ("substringof('V-TW', name)", ["kv-two"]),
    ],
)
def test_resources_are_filtered(arranged: Client, wanted: str, names: list[str]) -> None:
    """The az CLI and Terraform find a vault's group this way (recordings 40, 73); case does not matter."""
    found = arranged("GET", f"/resources?$filter={wanted}").json()["value"]

    assert names == [row["name"] for row in found]


def test_a_filter_that_is_not_understood_is_not_ignored(arranged: Client) -> None:
    """A list that is too long would be a quiet lie."""
    for wanted in (
        "startswith(name, 'kv')",
        "substringof('kv', location)",
        "plan eq 'x'",
        "name eq 'a' or name eq 'b'",
        "tagValue eq 'ml'",
    ):
        assert (400, "SandboxNotModelled") == code(arranged("GET", f"/resources?$filter={wanted}"))


def test_a_part_of_a_name_finds_a_resource(arranged: Client) -> None:
    """``substringof``, as azure-ai-ml sends it (recording 06)."""
    found = arranged("GET", "/resources?$filter=substringof('V-ON', name)").json()["value"]

    assert ["kv-one"] == [row["name"] for row in found]


def test_a_list_is_cut_at_top_and_links_to_the_rest(arranged: Client) -> None:
    """``$top`` and ``nextLink``, as Azure pages."""
    first = arranged("GET", "/resources?$top=2").json()
    rest = arranged("GET", first["nextLink"]).json()

    assert (["kv-one", "kv-two"], ["stone"]) == tuple([row["name"] for row in page["value"]] for page in (first, rest))
    assert "nextLink" not in rest


def test_there_are_no_managed_hsms(arranged: Client) -> None:
    """``az keyvault list`` and ``list-deleted`` request them, too; making one is not modelled."""
    provider = "/providers/Microsoft.KeyVault"
    lists = [f"{provider}/managedHSMs", f"{provider}/deletedManagedHSMs", f"/resourceGroups/rg{provider}/managedHSMs"]

    assert [{"value": []}] * 3 == [arranged("GET", path).json() for path in lists]
    made = arranged("PUT", f"/resourceGroups/rg{provider}/managedHSMs/hsm", {"location": "eastus2"})
    assert (400, "SandboxNotModelled") == code(made)


def test_graph_resolves_object_ids_and_knows_no_signed_in_user(arranged: Client) -> None:
    """``getByIds`` as recorded (40, 43, 45); ``/me`` is refused in Graph's words: a service principal is no signed-in user."""
    graph = Client(arranged.running, "graph.microsoft.com")
    body = {
        "ids": [COSMOS_DB_OBJECT_ID, "00000000-1111-2222-3333-444444444444"],
        "types": ["servicePrincipal", "user"],
    }

    found = graph("POST", "/v1.0/directoryObjects/getByIds", body)
    refused = graph("GET", "/v1.0/me")

    assert [("#microsoft.graph.servicePrincipal", COSMOS_DB_APP_ID)] == [
        (row["@odata.type"], row["appId"]) for row in found.json()["value"]
    ]
    assert (200, "https://graph.microsoft.com") == (found.status_code, found.headers["Location"])
    assert (400, "BadRequest") == code(refused)
    assert refused.json()["error"]["message"] == "/me request is only valid with delegated authentication flow."


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("stone", "AlreadyExists", "The storage account named stone is already taken."),
        (
            "ABC",
            "AccountNameInvalid",
            (
                "ABC is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
                "length and use numbers and lower-case letters only."
            ),
        ),
    ],
)
def test_a_storage_accounts_name_is_checked(arranged: Client, name: str, reason: str, message: str) -> None:
    """``az storage account create`` checks it first."""
    path = "/providers/Microsoft.Storage/checkNameAvailability"
    body = {"name": name, "type": "Microsoft.Storage/storageAccounts"}

    assert {"nameAvailable": False, "reason": reason, "message": message} == arranged("POST", path, body).json()
    assert {"nameAvailable": True} == arranged("POST", path, {**body, "name": "stfree"}).json()


def test_an_identity_takes_empty_properties_and_its_isolation(arranged: Client) -> None:
    """``az resource create`` always sends properties; what is the service's own is ignored."""
    path = "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-"
    body = {"location": "eastus2", "properties": {}}
    isolated = {**body, "properties": {"isolationScope": "Regional"}}

    assert 201 == arranged("PUT", f"{path}plain", body).status_code
    made = arranged("PUT", f"{path}isolated", isolated, api="2024-11-30")
    assert "Regional" == made.json()["properties"]["isolationScope"]
    own = arranged("PUT", f"{path}own", {**body, "properties": {"principalId": "x"}})
    assert 201 == own.status_code
    assert "x" != own.json()["properties"]["principalId"]


def test_network_rules_are_shown_whole(arranged: Client) -> None:
    """Azure adds the empty lists (recording 16)."""
    sent = {"bypass": "AzureServices", "defaultAction": "Deny"}

    answer = arranged("PUT", vault_path("kv-shut"), vault_body(networkAcls=sent)).json()

    assert {**sent, "ipRules": [], "virtualNetworkRules": []} == answer["properties"]["networkAcls"]


def test_a_name_that_is_taken_elsewhere_is_refused_in_azures_words(arranged: Client) -> None:
    """Quoted: MicrosoftDocs/azure-docs#70422."""
    refused = arranged("PUT", vault_path("kv-one"), {**vault_body(), "location": "westus3"})

    assert (409, "InvalidResourceLocation") == code(refused)
    assert refused.json()["error"]["message"] == (
        "The resource 'kv-one' already exists in location 'eastus2' in resource group 'rg'. A resource with the same name "
        "cannot be created in location 'westus3'. Please select a new resource name."
    )


def test_endpoints_need_an_api_version_that_is_modelled(arranged: Client) -> None:
    """Discovery needs no token (tests/clients), but a version like everything else."""
    url = "https://management.azure.com/metadata/endpoints"

    assert (400, "MissingApiVersionParameter") == code(arranged.session.get(url))
    assert (400, "SandboxNotModelled") == code(arranged.session.get(f"{url}?api-version=2015-01-01"))


def test_a_components_billing_features_are_read_and_written_back(arranged: Client) -> None:
    """Terraform does both with every component; it also sends the retention, which the published type has as writable."""
    logs = "/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"
    capped = {"sku": {"name": "PerGB2018"}, "workspaceCapping": {"dailyQuotaGb": -1.0}}
    arranged("PUT", logs, {"location": "eastus2", "properties": capped})
    properties = {"Application_Type": "web", "RetentionInDays": 30, "WorkspaceResourceId": SUBSCRIPTION + logs}
    made = arranged("PUT", COMPONENT, {"location": "eastus2", "kind": "web", "properties": properties})

    features = arranged("GET", f"{COMPONENT}/currentbillingfeatures", api="2015-05-01").json()
    features["DataVolumeCap"]["Cap"] = 0.5
    written = arranged("PUT", f"{COMPONENT}/currentbillingfeatures", features, api="2015-05-01")

    assert (30, ["Basic"]) == (made.json()["properties"]["RetentionInDays"], features["CurrentBillingFeatures"])
    assert (200, features) == (written.status_code, written.json())
    assert features == arranged("GET", f"{COMPONENT}/currentbillingfeatures", api="2015-05-01").json()
