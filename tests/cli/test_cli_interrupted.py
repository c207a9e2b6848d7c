"""Ctrl-C and SIGTERM, as a process meets them: it leaves at once, also while Azure owes it an answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROFILE = """
subscription: 00000000-0000-0000-0000-000000000001
location: eastus2
resource_group: rg-ml
key_vault: {name: kv-ml-quickstart}
key: {name: cmk}
workspace: {name: mlw, high_business_impact: true, encryption: in-subscription}
"""


@pytest.fixture
def silent_proxy() -> Iterator[tuple[str, threading.Event]]:
    """A proxy that takes connections and never says a word; the event tells that somebody came."""
    came, kept = threading.Event(), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return
                came.set()

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
    for each in kept:
        each.close()


def main_thread(process: int) -> int:
    """The thread that the system usually gives a signal to."""
    return process


def another_thread(process: int) -> int:
    """A thread that the system may give it to as well: the main thread, which handles it, is not woken then."""
    return max(int(each.name) for each in Path(f"/proc/{process}/task").iterdir())


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGINT, main_thread),
        (signal.SIGTERM, main_thread),
        pytest.param(
            signal.SIGINT,
            another_thread,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which threads a process has"),
        ),
    ],
)
def test_a_run_that_waits_for_an_answer_leaves_at_once(
    tmp_path: Path, silent_proxy: tuple[str, threading.Event], number: int, whom: Callable[[int], int]
) -> None:
    """A request may take two minutes; whoever presses Ctrl-C does not wait for it, and gets 130 and a last word."""
    proxy, came = silent_proxy
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE)
    environment = {
        **os.environ,
        "HTTPS_PROXY": proxy,
        "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000003",
        "AZURE_CLIENT_SECRET": "no-secret",
    }
    command = [sys.executable, "-m", "cmkctl", "plan", str(profile), "--json", "--auth", "environment"]

    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert came.wait(60)
    began = time.monotonic()
    os.kill(whom(process.pid), number)
    out, err = process.communicate(timeout=60)

    assert (130, "") == (process.returncode, err)
    last = json.loads(out.splitlines()[-1])
    assert ("interrupted", f"cmkctl plan {profile} --json --auth environment") == (last["type"], last["command"])
    assert time.monotonic() - began < 20
