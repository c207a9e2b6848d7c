"""Resource groups and resource providers."""

import pytest
from support.sandbox import Client, code, vault_body, vault_path

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server import Running

DOCUMENT_DB = "/providers/Microsoft.DocumentDB"


def test_a_group_is_201_when_new_and_200_when_it_exists(arm: Client) -> None:
    """Fact 34. Tags are replaced by the second PUT."""
    first = arm("PUT", "/resourceGroups/rg", {"location": "West US 3", "tags": {"a": "1"}})
    second = arm("PUT", "/resourceGroups/rg", {"location": "westus3", "tags": {"b": "2"}})

    assert (first.status_code, first.json()["location"]) == (201, "westus3")
    assert (second.status_code, second.json()["tags"]) == (200, {"b": "2"})


def test_head_checks_whether_a_group_exists(arm: Client) -> None:
    """204 or an empty 404."""
    absent = arm("HEAD", "/resourceGroups/rg")
    arm("PUT", "/resourceGroups/rg", {"location": "westus3"})

    assert [absent.status_code, arm("HEAD", "/resourceGroups/rg").status_code] == [404, 204]


def test_a_group_does_not_move(arm: Client) -> None:
    """409, with both locations in the message."""
    arm("PUT", "/resourceGroups/rg", {"location": "westus3"})

    assert code(arm("PUT", "/resourceGroups/rg", {"location": "eastus"})) == (409, "InvalidResourceGroupLocation")


def test_a_region_that_does_not_exist_is_refused(arm: Client) -> None:
    """400 LocationNotAvailableForResourceGroup."""
    answer = arm("PUT", "/resourceGroups/rg", {"location": "atlantis"})

    assert code(answer) == (400, "LocationNotAvailableForResourceGroup")


def test_an_unknown_property_is_named(arm: Client) -> None:
    """Stricter than Azure, which ignores it here and there: a typo is never silent."""
    answer = arm("PUT", "/resourceGroups/rg", {"location": "eastus", "tagz": {}})

    assert code(answer) == (400, "InvalidRequestContent")
    assert answer.json()["error"]["target"] == "tagz"


def test_deleting_a_group_takes_its_contents_and_soft_deletes_its_vaults(arm: Client) -> None:
    """202 with Location and Retry-After, polled to an empty 200 (fact 34)."""
    arm.running.state.add_vault("kv-one", "rg")

    accepted = arm("DELETE", "/resourceGroups/rg")
    polls = [arm("GET", accepted.headers["Location"]).status_code for _ in range(3)]

    assert (accepted.status_code, "Retry-After" in accepted.headers, polls) == (202, True, [202, 202, 200])
    assert code(arm("GET", "/resourceGroups/rg")) == (404, "ResourceGroupNotFound")
    deleted = arm("GET", "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-one")
    assert deleted.json()["properties"]["vaultId"].endswith(
        "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-one"
    )


def test_a_second_delete_meanwhile_is_accepted_too(arm: Client) -> None:
    """Recording 81."""
    arm("PUT", "/resourceGroups/rg", {"location": "westus3"})

    assert [arm("DELETE", "/resourceGroups/rg").status_code for _ in range(2)] == [202, 202]


def test_a_write_into_a_group_that_is_not_there_is_refused(arm: Client) -> None:
    """404 ResourceGroupNotFound, before anything else is looked at."""
    assert code(arm("PUT", vault_path(), vault_body())) == (404, "ResourceGroupNotFound")


def test_the_resources_of_a_group_are_listed_in_short_form(instant: Running) -> None:
    """Top-level resources only: a key is listed by its vault."""
    instant.state.add_vault("kv-one")
    instant.state.add_key("kv-one", "k")

    rows = Client(instant)("GET", "/resourceGroups/rg/resources").json()["value"]

    assert [(row["name"], row["type"]) for row in rows] == [("kv-one", "Microsoft.KeyVault/vaults")]


def test_registering_takes_some_reads(arm: Client) -> None:
    """Fact 28: POST answers Registering; GET shows it until it is Registered. A second POST changes nothing."""
    before = arm("GET", DOCUMENT_DB).json()["registrationState"]
    posted = arm("POST", DOCUMENT_DB + "/register").json()["registrationState"]
    seen = [arm("GET", DOCUMENT_DB).json()["registrationState"] for _ in range(3)]
    again = arm("POST", DOCUMENT_DB + "/register").json()["registrationState"]

    assert [before, posted, *seen, again] == [
        "NotRegistered",
        "Registering",
        "Registering",
        "Registering",
        "Registered",
        "Registered",
    ]


def test_registering_document_db_brings_the_cosmos_db_principal(quick: Client) -> None:
    """The least-privileged way to get it. Its object id is not its application id."""
    graph = Client(quick.running, "graph.microsoft.com")
    path = f"/v1.0/servicePrincipals(appId='{COSMOS_DB_APP_ID}')"
    before = graph("GET", path)
    quick("POST", DOCUMENT_DB + "/register")
    quick("GET", DOCUMENT_DB)

    after = graph("GET", path).json()

    assert code(before) == (404, "Request_ResourceNotFound")
    assert (after["id"], after["displayName"]) == (COSMOS_DB_OBJECT_ID, "Azure Cosmos DB")


def test_an_unregistered_namespace_refuses_writes(quick: Client) -> None:
    """Fact 29: 409 MissingSubscriptionRegistration, with the namespace in details[0].target."""
    quick("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    quick.running.state.unregister_provider("Microsoft.KeyVault")

    answer = quick("PUT", vault_path(), vault_body())

    assert code(answer) == (409, "MissingSubscriptionRegistration")
    assert answer.json()["error"]["details"][0]["target"] == "Microsoft.KeyVault"


def test_registering_can_be_left_midway(arm: Client) -> None:
    """Recording 32."""
    arm("POST", DOCUMENT_DB + "/register")

    assert arm("POST", DOCUMENT_DB + "/unregister").json()["registrationState"] == "Unregistering"
    assert [arm("GET", DOCUMENT_DB).json()["registrationState"] for _ in range(3)][-1] == "Unregistered"


def test_an_unknown_namespace_is_refused(arm: Client) -> None:
    """404 InvalidResourceNamespace; of Microsoft's own there are more than are modelled, which is the error for those."""
    assert code(arm("POST", "/providers/Contoso.Nothing/register")) == (404, "InvalidResourceNamespace")
    assert code(arm("POST", "/providers/Microsoft.RecoveryServices/register")) == (400, "SandboxNotModelled")


@pytest.mark.parametrize("pace", [Pace.reads(), Pace.seconds(0.05), Pace.none()], ids=["reads", "seconds", "none"])
def test_a_registration_goes_on_by_itself(pace: Pace) -> None:
    """At every pace Azure Cosmos DB's principal appears to a client that reads only Microsoft Graph."""
    with Sandbox(pace=pace).serve() as running:
        arm, graph = Client(running), Client(running, "graph.microsoft.com")
        path = f"/v1.0/servicePrincipals?$filter=appId eq '{COSMOS_DB_APP_ID}'"
        before = graph("GET", path).json()["value"]
        arm("POST", "/providers/Microsoft.DocumentDB/register")
        found: list[object] = []
        for _ in range(1000):
            found = graph("GET", path).json()["value"]
            if found:
                break

        assert (len(before), len(found)) == (0, 1)
        shown = arm("GET", "/providers/Microsoft.DocumentDB").json()
        assert shown["registrationState"] == "Registered"


def test_a_write_alone_sees_the_end_of_a_registration(arm: Client) -> None:
    """A client that only repeats its PUT gets through."""
    arm.running.state.add_resource_group("rg")
    arm.running.state.unregister_provider("Microsoft.KeyVault")
    refused = arm("PUT", vault_path(), vault_body())
    arm("POST", "/providers/Microsoft.KeyVault/register")
    answers = [arm("PUT", vault_path(), vault_body()).status_code for _ in range(30)]

    assert code(refused) == (409, "MissingSubscriptionRegistration")
    assert (answers[0], answers[-1]) == (409, 200)
