"""Resource Graph in the sandbox: the query language's subset, pages, rights, quota, and rows that are out of date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from support.estate import VERSION, document, put, storage, workspace
from support.sandbox import Client

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.core import errors
from cmkctl.sandbox.providers.microsoft_resourcegraph.query import parse
from cmkctl.sandbox.server import Running

URL: Final = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
ROWS: Final = [
    {"id": "/a", "name": "a", "type": "x/y", "kind": "Hub", "properties": {"on": True, "key": {"uri": "https://kv"}}},
    {"id": "/B", "name": "B", "type": "x/z", "kind": "", "properties": {"on": False, "text": "it's"}},
    {"id": "/c", "name": "c", "type": "x/y", "kind": "Project", "properties": {}},
]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("type == 'x/y'", "ac"),
        ("type == 'X/Y'", ""),
        ("type =~ 'X/Y' and kind !~ 'hub'", "c"),
        ("type != 'x/y'", "B"),
        ("type in~ ('X/Z', \"x/w\") or name in ('a')", "aB"),
        ("type !in~ ('X/Y') and name !in ('a')", "B"),
        ("not(type =~ 'x/y') or (kind == 'Hub' and name == 'a')", "aB"),
        ("isnotempty(kind)", "ac"),
        ("isempty(properties.key.uri)", "Bc"),
        ("properties.on == true", "a"),
        ("tostring(properties) contains 'HTTPS://KV'", "a"),
        ("tostring(properties.key) !contains 'kv'", "Bc"),
        ("properties.text == 'it\\'s'", "B"),
        ("id startswith '/' and name endswith 'A'", "a"),
    ],
)
def test_conditions(condition: str, wanted: str) -> None:
    """Operators with a tilde and those on parts of a text ignore case."""
    assert list(wanted) == [row["name"] for row in parse(f"resources | where {condition}").run(ROWS)]


def test_columns_order_and_number() -> None:
    """A column can be a part of the properties, under another name. Descending is the language's default."""
    query = parse("Resources | project id, uri = properties.key.uri | order by id desc | take 2")

    assert [{"id": "/c", "uri": None}, {"id": "/B", "uri": None}] == query.run(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "securityresources | take 1",
        "resources | summarize count()",
        "resources | where strlen(name) > 3",
        "resources | where name matches regex 'a'",
        "resources | where unknown == 'a'",
        "resources | where type == 'a' type",
        "resources | where (type == 'a'",
        "resources | where type == name",
        "resources | extend a = 1",
        "resources || take 1",
        "resources | where name == 'open",
    ],
)
def test_everything_else_is_not_modelled(text: str) -> None:
    """The sandbox refuses it instead of returning made-up rows."""
    with pytest.raises(errors.AzureError) as refused:
        parse(text)

    assert "SandboxNotModelled" == refused.value.code


# --- requests


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """Serve one sandbox for the module."""
    with Sandbox(pace=Pace.none()).serve() as running:
        yield running


@pytest.fixture
def graph(server: Running) -> Running:
    """Empty the sandbox."""
    server.reset()
    return server


def run_query(client: Client, query: str, **options: Any) -> Any:
    """Send a query, and return the response."""
    return client("POST", URL, {"subscriptions": [SUBSCRIPTION_ID], "query": query, "options": options})


def test_a_row_has_every_column_and_the_properties_of_the_resource(graph: Running) -> None:
    """Type and group are in lower case; what a resource lacks is null, or empty for texts."""
    put(graph.state, workspace("MLW", "RG-ml", key=f"https://kv.vault.azure.net/keys/cmk/{VERSION}", vault="/v"))

    answer = run_query(Client(graph), "resources | where type =~ 'Microsoft.MachineLearningServices/workspaces'").json()

    row = answer["data"][0]
    assert (1, 1, "false") == (answer["totalRecords"], answer["count"], answer["resultTruncated"])
    assert ("MLW", "microsoft.machinelearningservices/workspaces", "rg-ml") == (
        row["name"],
        row["type"],
        row["resourceGroup"],
    )
    assert ("", None, SUBSCRIPTION_ID) == (row["managedBy"], row["zones"], row["subscriptionId"])
    assert VERSION in row["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    assert "2026-05-01" >= row["apiVersion"] >= "2025-06-01"


def test_what_is_inside_a_resource_has_no_row(graph: Running) -> None:
    """Of the modelled types only databases and links of zones have one."""
    server_id = graph.state.add_sql_server("sql", "rg")
    graph.state.add_sql_database(server_id, "db")
    graph.state.add_vault("kv-cmk", "rg")
    graph.state.add_key("kv-cmk", "cmk")

    rows = run_query(Client(graph), "resources | project type | order by type asc").json()["data"]

    assert ["microsoft.keyvault/vaults", "microsoft.sql/servers", "microsoft.sql/servers/databases"] == [
        each["type"] for each in rows
    ]


def test_pages_continue_where_the_id_is_projected(graph: Running) -> None:
    """Without it the rows end, and the response shows that there are more."""
    put(graph.state, *(document("Microsoft.ManagedIdentity/userAssignedIdentities", f"id-{n:04}") for n in range(1001)))
    client, query = Client(graph), "resources | project id | order by id asc"

    first = run_query(client, query).json()
    second = run_query(client, query, **{"$skipToken": first["$skipToken"]}).json()
    small = run_query(client, query, **{"$top": 2}).json()
    cut = run_query(client, "resources | project name").json()
    other = run_query(client, "resources | project id", **{"$skipToken": first["$skipToken"]})

    assert [(1000, "true"), (1, "false"), (2, "true"), (1000, "true")] == [
        (each["count"], each["resultTruncated"]) for each in (first, second, small, cut)
    ]
    assert "$skipToken" not in second
    assert "$skipToken" not in cut
    assert 1001 == len({row["id"] for row in first["data"] + second["data"]})
    assert 400 == other.status_code


def test_rows_and_subscriptions_that_a_caller_may_not_read_are_left_out(graph: Running) -> None:
    """Silently; where none of the subscriptions may be read, the query is refused."""
    put(graph.state, storage("one", "rg-mine"), storage("two", "rg-others"))
    other = graph.state.add_subscription("c0ffee00-0000-4000-8000-000000000009")
    mine = graph.state.add_client("reader", "Reader", f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mine")
    none = graph.state.add_client("stranger")
    reader, stranger = (
        Client(graph, client_id=each["AZURE_CLIENT_ID"], secret=each["AZURE_CLIENT_SECRET"]) for each in (mine, none)
    )
    body = {"subscriptions": [SUBSCRIPTION_ID, other], "query": "resources | project id, name"}

    seen = reader("POST", URL, body)
    refused = stranger("POST", URL, body)

    assert (200, ["one"]) == (seen.status_code, [row["name"] for row in seen.json()["data"]])
    assert (400, "NoValidSubscriptionsInQueryRequest") == (
        refused.status_code,
        refused.json()["error"]["details"][0]["code"],
    )


def test_fifteen_queries_in_five_seconds_are_answered(graph: Running) -> None:
    """The headers count down; the next query is throttled, until the time is over."""
    client = Client(graph)

    answers = [run_query(client, "resources | take 1") for _ in range(16)]
    graph.state.advance(5)
    later = run_query(client, "resources | take 1")

    assert [*range(14, -1, -1), 0] == [int(each.headers["x-ms-user-quota-remaining"]) for each in answers]
    assert [200] * 15 + [429] == [each.status_code for each in answers]
    assert answers[-1].headers["x-ms-user-quota-resets-after"] == f"00:00:0{answers[-1].headers['Retry-After']}"
    assert 200 == later.status_code


def test_rows_can_be_older_than_the_resources(graph: Running) -> None:
    """All of them until they are renewed, or some that are missing as new ones are."""
    client, query = Client(graph), "resources | project id, name"
    put(graph.state, storage("old"))
    graph.state.freeze_graph()
    put(graph.state, storage("new"), storage("newest"))

    frozen = run_query(client, query).json()["data"]
    graph.state.renew_graph()
    graph.state.add_fault("graph-lag@storageaccounts/newest")
    lagging = run_query(client, query).json()["data"]

    assert [["old"], ["old", "new"]] == [[row["name"] for row in rows] for rows in (frozen, lagging)]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "resources", "managementGroups": ["mg"]},
        {"query": "resources", "options": {"resultFormat": "table"}},
        {"query": "resources", "options": {"$skipToken": "made up"}},
        {"subscriptions": [SUBSCRIPTION_ID]},
    ],
)
def test_requests_beyond_the_model_are_refused(graph: Running, body: dict[str, Any]) -> None:
    """Never answered with something else."""
    assert 400 == Client(graph)("POST", URL, body).status_code


def test_a_query_is_no_write(graph: Running) -> None:
    """Although its method is POST."""
    run_query(Client(graph), "resources | take 1")

    assert [] == graph.writes
