"""Ctrl-C, SIGTERM and a closed terminal, as a process meets them: it leaves at once, also while Azure owes it an answer."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cmkctl.clock import Interrupted, SystemClock

pytestmark = pytest.mark.slow

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
    """Provide a proxy that accepts connections and never responds; the event is set on the first connection."""
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
    """Return the thread that the system usually gives a signal to."""
    return process


def another_thread(process: int) -> int:
    """Return a thread that the system may give it to as well: the main thread, which handles it, is not woken then."""
    return max(int(each.name) for each in Path(f"/proc/{process}/task").iterdir())


MODULE = (sys.executable, "-m", "cmkctl")
SCRIPT = (str(Path(sys.executable).parent / "cmkctl"),)
"""As ``pip install`` makes it; a run is started by its path."""


@contextmanager
def started(command: list[str], proxy: str, path: str = os.environ["PATH"]) -> Iterator[subprocess.Popen[str]]:
    """Start a command that connects to Azure through a proxy; end it with the test, whatever became of that.

    A process that is left running is reported in whichever later test happens to collect it.
    """
    environment = {
        **os.environ,
        "HTTPS_PROXY": proxy,
        "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000003",
        "AZURE_CLIENT_SECRET": "no-secret",
        "PATH": path,
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        env=environment,
        stdout=pipe,
        stderr=pipe,
        text=True,
        preexec_fn=heed_hangup,  # noqa: PLW1509 - it only resets a signal
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heed_hangup() -> None:
    """Reset SIGHUP: under nohup the tests ignore it, and a command that they start would ignore it as well."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Provide a profile in a folder whose name needs shell quoting."""
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / "profile.yaml").write_text(PROFILE)
    return folder / "profile.yaml"


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGINT, main_thread),
        (signal.SIGTERM, main_thread),
        (signal.SIGHUP, main_thread),
        pytest.param(
            signal.SIGINT,
            another_thread,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the threads of a process"),
        ),
    ],
)
def test_a_run_that_waits_for_an_answer_leaves_at_once(
    profile: Path, silent_proxy: tuple[str, threading.Event], number: int, whom: Callable[[int], int]
) -> None:
    """A request may take two minutes; Ctrl-C does not wait for it, and yields exit code 130 and a last line."""
    proxy, came = silent_proxy
    report = profile.with_name("report.json")
    command = [*MODULE, "plan", str(profile), "--json", "--auth", "environment", "--report", str(report)]

    with started(command, proxy) as process:
        assert came.wait(60)
        for _ in range(2 if number == signal.SIGHUP else 1):  # one from the terminal, one from the shell
            os.kill(whom(process.pid), number)
            time.sleep(0.01)
        out, err = process.communicate(timeout=60)

    assert (130, "") == (process.returncode, err)
    last, end = (json.loads(each) for each in out.splitlines()[-2:])
    assert ("end", 130) == (end["type"], end["exit_code"])
    assert ("interrupted", command) == (last["type"], shlex.split(last["command"]))
    assert "interrupted" == json.loads(report.read_text())["outcome"]["meaning"]


@pytest.mark.parametrize("found", [True, False], ids=["found by its name", "not on the path"])
def test_the_command_that_goes_on_is_the_one_that_ran(
    profile: Path, silent_proxy: tuple[str, threading.Event], found: bool
) -> None:
    """The README starts cmkctl as ``.venv/bin/cmkctl``: a shell would not find it by its name."""
    proxy, came = silent_proxy
    path = os.pathsep.join([*[str(Path(SCRIPT[0]).parent)] * found, "/usr/bin", "/bin"])
    rest = ["plan", str(profile), "--json", "--auth", "environment"]

    with started([*SCRIPT, *rest], proxy, path) as process:
        assert came.wait(60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)

    command = json.loads(out.splitlines()[-2])["command"]
    assert ["cmkctl" if found else SCRIPT[0], *rest] == shlex.split(command)


def test_a_run_that_is_to_outlive_its_terminal_does(profile: Path, silent_proxy: tuple[str, threading.Event]) -> None:
    """As nohup starts it."""
    proxy, came = silent_proxy
    with started(["nohup", *MODULE, "plan", str(profile), "--auth", "environment"], proxy) as process:
        assert came.wait(60)

        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        ended = process.poll()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert (None, 130) == (ended, process.returncode)


DROPPED = """
import signal, sys
from cmkctl import engine
from cmkctl.__main__ import main

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.{name})

def wait_once(*futures, **options):
    engine.wait_for = wait_for
    Finalized()
    return wait_for(*futures, **options)

wait_for, engine.wait_for = engine.wait_for, wait_once
sys.argv[0] = "cmkctl"
main()
"""
"""A signal whose handler runs inside a finalizer, as that of a module's lock at the end of an import."""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_that_python_drops_ends_the_run(
    profile: Path, silent_proxy: tuple[str, threading.Event], name: str
) -> None:
    """Python ignores an exception in a finalizer, the KeyboardInterrupt of a handler among them."""
    program = [sys.executable, "-c", DROPPED.format(name=name)]

    with started([*program, "plan", str(profile), "--json", "--auth", "environment"], silent_proxy[0]) as process:
        out, err = process.communicate(timeout=60)

    assert (130, "") == (process.returncode, err)
    assert ["interrupted", "end"] == [json.loads(each)["type"] for each in out.splitlines()[-2:]]


def test_a_signal_inside_a_wait_ends_the_wait() -> None:
    """The handler runs in the thread that waits, and may interrupt it where it holds the clock's lock."""
    clock, ended = SystemClock(), threading.Event()

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code is threading.Condition.wait.__code__ and event == "line":
            sys.settrace(None)
            clock.stop()
            raise Interrupted  # as the handler does
        return trace

    def wait() -> None:
        sys.settrace(trace)
        with suppress(Interrupted):
            clock.sleep(3600)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()

    assert ended.wait(30)


def test_progress_lines_continue_while_azure_does_not_respond(
    profile: Path, silent_proxy: tuple[str, threading.Event]
) -> None:
    """Within ten seconds, also while it reads for the plan."""
    proxy, _ = silent_proxy
    with started([*MODULE, "plan", str(profile), "--json", "--auth", "environment"], proxy) as process:
        assert process.stdout
        first = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)

    assert ["version", "apply_progress"] == [each["type"] for each in first]
    assert first[1]["seconds"] < 10


@pytest.mark.parametrize(
    "module", ["cmkctl.cli", "typer", "cmkctl.cli.plan", "cmkctl.cli.procedure", "azure.core", "cmkctl.profile.load"]
)
def test_ctrl_c_during_the_imports_is_one_line_and_130(module: str) -> None:
    """At any moment from the start of the program on: no traceback."""
    program = f"""
import importlib.abc, sys, time
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            print("here", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
sys.argv = ["cmkctl", "plan", "nowhere.yaml"]
from cmkctl.__main__ import main
main()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert "here\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()

    assert (130, "Interrupted.") == (process.returncode, err.strip())
