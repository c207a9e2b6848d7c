"""Resource providers are discovered: one file in the package makes one, and nothing else lists it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cmkctl.sandbox.core.registry import providers

WIDGETS = '''
"""Microsoft.Widgets: a provider that exists in this test only."""

import re

from cmkctl.sandbox.core import resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.provider import Provider, Registration

TYPE = resources.ResourceType(
    type="Microsoft.Widgets/widgets",
    versions=("2030-01-01",),
    shape={**shapes.TOP, "location": str, "properties": {"size": int}},
    name=re.compile("[a-z]{3,9}"),
    name_rule="3-9 lower-case letters",
)
WIDGETS = resources.Resources(TYPE)


def put_widget(tenant, call):
    write = resources.begin_write(tenant, call, TYPE)
    document = {"id": write.id, "name": write.name, "type": TYPE.type, "location": write.location}
    return resources.Reply(201, resources.store(tenant, {**document, "properties": write.body["properties"]})["doc"])


def add_widget(state, name):
    group = state.add_resource_group("rg")
    with state.arranging():
        document = {"id": f"{group}/providers/{TYPE.type}/{name}", "name": name, "type": TYPE.type, "properties": {}}
        resources.store(state.tenant, document)


PROVIDER = Provider(
    namespace="Microsoft.Widgets",
    coverage=(Area("widgets", supported=("PUT",)),),
    routes=WIDGETS.routes(put_widget),
    registration=Registration.REGISTERED,
    durations=(Duration("widget.create", 7, "guess"),),
    tables={"lost_widgets": dict},
    arrange=(add_widget,),
)
'''
SCRIPT = """
import json, ssl, sys, urllib.request
import cmkctl.sandbox.providers
cmkctl.sandbox.providers.__path__.append(sys.argv[1])
from cmkctl.sandbox import SUBSCRIPTION_ID, Sandbox, coverage_page
from cmkctl.sandbox.core.latency import seconds
from cmkctl.sandbox.planes.entra import issue

with Sandbox().serve() as running:
    running.state.add_widget("first")
    base = f"https://management.azure.com/subscriptions/{SUBSCRIPTION_ID}"
    handlers = (
        urllib.request.ProxyHandler({"https": running.proxy}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(running.ca))),
    )
    opener = urllib.request.build_opener(*handlers)
    token = issue("https://management.azure.com", running.state.tenant.clock(), "https://login.microsoftonline.com")

    def send(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(base + path, data, headers, method=method)
        with opener.open(request) as response:
            return response.status, json.load(response)

    widgets = "/resourceGroups/rg/providers/Microsoft.Widgets/widgets"
    put, _ = send("PUT", f"{widgets}/second?api-version=2030-01-01", {"location": "eastus", "properties": {"size": 3}})
    _, listed = send("GET", f"{widgets}?api-version=2030-01-01")
    _, provider = send("GET", "/providers/microsoft.widgets?api-version=2021-04-01")
    print(json.dumps([
        put, [row["name"] for row in listed["value"]], provider["registrationState"],
        provider["resourceTypes"][0]["apiVersions"], seconds("widget.create"), running.state.tenant.table("lost_widgets"),
        "| widgets | PUT |" in coverage_page.table(coverage_page.areas()),
    ]))
"""


def test_one_file_makes_a_provider(tmp_path: Path) -> None:
    """Routes, state, durations, coverage and arrangement come from the file alone."""
    (tmp_path / "microsoft_widgets.py").write_text(WIDGETS)

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )

    expected = '[201, ["first", "second"], "Registered", ["2030-01-01"], 7, {}, true]'
    assert expected == done.stdout.strip()


def test_core_and_planes_know_no_provider_but_key_vault() -> None:
    """The data plane of a vault shows the records of Microsoft.KeyVault; everything else goes through the registry."""
    root = Path(sys.modules["cmkctl.sandbox"].__file__ or "").parent
    files = [path for part in ("core", "server", "planes") for path in (root / part).rglob("*.py")]
    wrong = [path for path in files if "cmkctl.sandbox.providers" in _imports(path, "microsoft_keyvault")]

    assert [] == wrong


def _imports(path: Path, allowed: str) -> str:
    lines = [line for line in path.read_text().splitlines() if line.startswith(("from ", "import "))]
    return "\n".join(line for line in lines if allowed not in line)


def test_an_unknown_arrangement_is_named(instant: object) -> None:
    """A misspelled method is an AttributeError with those there are."""
    with pytest.raises(AttributeError, match=r"add_vualt.*add_vault"):
        instant.state.add_vualt("kv")  # type: ignore[attr-defined]


def test_namespaces_are_declared_once() -> None:
    """In the order of the modules' names, which is the order of the page."""
    names = [provider.namespace.lower() for provider in providers()]

    assert sorted(set(names)) == sorted(names)
