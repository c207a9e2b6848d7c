"""A sandbox for each module, and the programs that talk to it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clients import Program, find_az

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own proxies, certificates and identities out of the tests."""
    for name in list(os.environ):
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")) or name.startswith(
            ("AZURE_", "ARM_")
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Yield a sandbox that is done with everything at once, every provider registered, with one resource group."""
    with Sandbox(pace=Pace.none()).serve() as server:
        server.state.register_provider()
        server.state.add_resource_group("rg")
        yield server


@pytest.fixture(scope="module")
def az(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return the az CLI, logged in as the sandbox's service principal."""
    path = find_az()
    if path is None:
        pytest.skip("the az CLI is not here: .ci/azure-cli makes it (or set CMKCTL_AZ to the path of an az)")
    program = Program(path, tmp_path_factory.mktemp("az"), running)
    done = program(
        "login", "--service-principal", "-u", CLIENT_ID, "-p", CLIENT_SECRET, "--tenant", TENANT_ID, "-o", "none"
    )
    assert (0, "") == (done.code, done.out), done.err
    return program


@pytest.fixture
def curl(running: Running, tmp_path: Path) -> Program:
    """Return curl."""
    path = shutil.which("curl")
    if path is None:
        pytest.skip("curl is not installed")
    return Program(path, tmp_path, running)
