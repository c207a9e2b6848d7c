"""A sandbox, at two paces, and a client for each."""

import os
from collections.abc import Iterator

import pytest
from support.sandbox import Client

from cmkctl.sandbox import Pace, Sandbox
from cmkctl.sandbox.server import Running


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own proxies, certificates and identities out of the tests."""
    for name in list(os.environ):
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")) or name.startswith(
            "AZURE_"
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def running() -> Iterator[Running]:
    """Yield a new sandbox at its default pace: two reads."""
    with Sandbox().serve() as server:
        yield server


@pytest.fixture
def instant() -> Iterator[Running]:
    """Yield a new sandbox in which everything is done at once."""
    with Sandbox(pace=Pace.none()).serve() as server:
        yield server


@pytest.fixture
def arm(running: Running) -> Client:
    """Return a client of a sandbox at its default pace."""
    return Client(running)


@pytest.fixture
def quick(instant: Running) -> Client:
    """Return a client of a sandbox in which everything is done at once."""
    return Client(instant)
