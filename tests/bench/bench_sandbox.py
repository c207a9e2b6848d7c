"""How the sandbox starts, answers, what memory it takes, and whether its state survives being killed.

    python tests/bench/bench_sandbox.py [--runs 9] [--seconds 4] [--kills 50]

Whole processes, loopback only. The server runs as `cmkctl sandbox serve`; its client is a process of its own. Machines
are noisy: the start is measured in turn with the interpreter's, medians are printed, and what counts is the difference
within one run. Linux only (the memory is read from /proc).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.core.signing import SigningKey
from cmkctl.sandbox.core.store import Files, load
from cmkctl.sandbox.planes.entra import issue

ROOT = Path(__file__).parents[2]
ARM = "management.azure.com"
WORKSPACES = 1000
CONNECTIONS = 16
PATIENCE_SECONDS = 20
GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"


# --- the server


class Served:
    """`cmkctl sandbox serve` over a state file, on a port of its own."""

    def __init__(self, state: Path) -> None:
        self.files = Files(state)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "cmkctl", "sandbox", "serve", "--pace", "none"]
        command += ["--port", str(self.port), "--state", str(state)]
        self.began = time.perf_counter()
        self.output = state.with_suffix(".output")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=output)

    def until_it_answers(self) -> float:
        """Wait until a request has gone through proxy and TLS and was answered; the seconds since the process began."""
        while time.perf_counter() - self.began < PATIENCE_SECONDS and self.process.poll() is None:
            try:
                with self._connection() as connection:
                    connection.sendall(f"GET /subscriptions HTTP/1.1\r\nHost: {ARM}\r\n\r\n".encode())
                    if connection.recv(64).startswith(b"HTTP/1.1 401"):
                        return time.perf_counter() - self.began
            except OSError:
                time.sleep(0.002)
        sys.exit(f"the sandbox did not start:\n{self.output.read_text(encoding='utf-8')}")

    @contextmanager
    def _connection(self) -> Iterator[ssl.SSLSocket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain:
            plain.sendall(f"CONNECT {ARM}:443 HTTP/1.1\r\nHost: {ARM}\r\n\r\n".encode())
            if b" 200 " not in plain.recv(256):
                raise OSError
            context = ssl.create_default_context(cafile=str(self.files.ca))
            with context.wrap_socket(plain, server_hostname=ARM) as tunnel:
                yield tunnel

    def peak_megabytes(self) -> float:
        """Return the most memory it has had until now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def busy_seconds(self) -> float:
        """How long it has been on a processor until now: what the start takes on a machine that does nothing else."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it."""
        self.process.send_signal(how)
        self.process.wait()


@contextmanager
def serving(state: Path) -> Iterator[Served]:
    """Run a server for the length of a block, from its first response."""
    server = Served(state)
    try:
        server.until_it_answers()
        yield server
    finally:
        if server.process.poll() is None:
            server.end()


# --- the client: a process of its own


@dataclass
class Load:
    """A number of connections that send one request after the other, for a time, and at most so many each."""

    port: int
    ca: str
    paths: Sequence[str]
    method: str
    seconds: float
    connections: int
    most: int = 1_000_000

    def run_elsewhere(self) -> subprocess.Popen[str]:
        """Begin it in a process of its own, which prints a JSON line for each answered write, and its count at the end."""
        command = [sys.executable, __file__, "--load"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdin is not None:
            process.stdin.write(json.dumps(self.__dict__))
            process.stdin.close()
            process.stdin = None
        return process

    async def run(self) -> int:
        """Send, and return how many requests were answered."""
        until = time.perf_counter() + self.seconds
        return sum(await asyncio.gather(*(self._one(number, until) for number in range(self.connections))))

    async def _one(self, number: int, until: float) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"CONNECT {ARM}:443 HTTP/1.1\r\nHost: {ARM}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(ssl.create_default_context(cafile=self.ca), server_hostname=ARM)
        key = SigningKey(Path(self.ca.removesuffix(".ca.pem") + ".signing.key"))
        token, done = issue(f"https://{ARM}", time.time(), "https://login.microsoftonline.com", key=key), 0
        while time.perf_counter() < until and done < self.most:
            path = self.paths[(number + done * self.connections) % len(self.paths)].replace("{}", f"{number}-{done}")
            writer.write(self._request(path, token))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise SystemExit(head.decode())
            if self.method == "PUT":
                sys.stdout.write(json.dumps(path.partition("?")[0]) + "\n")
                sys.stdout.flush()
            done += 1
        writer.close()
        return done

    def _request(self, path: str, token: str) -> bytes:
        body = b'{"location": "eastus2"}' if self.method == "PUT" else b""
        head = f"{self.method} {path} HTTP/1.1\r\nHost: {ARM}\r\nAuthorization: Bearer {token}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


# --- the measurements


@dataclass
class Row:
    """One line of the table."""

    what: str
    found: str
    wanted: str
    holds: bool


def _spread(values: Sequence[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def start(folder: Path, runs: int) -> Iterator[Row]:
    """Measure the start, alternating with the interpreter's own; the first round warms caches and makes the certificate."""
    interpreter, whole, busy = [], [], []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        interpreter.append(time.perf_counter() - began)
        server = Served(folder / "start.json")
        whole.append(server.until_it_answers())
        busy.append(server.busy_seconds())
        server.end()
    after = [one - other for one, other in zip(whole[1:], interpreter[1:], strict=True)]
    yield Row("python -c pass, s", _spread(interpreter[1:]), "the measure", True)
    yield Row("sandbox serve until it answers, s", _spread(whole[1:]), "", True)
    yield Row("  of that on a processor, s", _spread(busy[1:]), "", True)
    yield Row("  after the interpreter, s", _spread(after), "≤ 0.5", statistics.median(after) <= 0.5)


def reads(folder: Path, seconds: float, rounds: int) -> Iterator[Row]:
    """Measure reads through proxy and TLS from 16 connections, with one group and with a full sandbox."""
    for name, paths in {
        "a resource group": [f"{GROUP}?api-version=2021-04-01"],
        f"one of {WORKSPACES} workspaces": [
            f"{WORKSPACE}{number:04}?api-version=2025-06-01" for number in range(WORKSPACES)
        ],
    }.items():
        with serving(folder / "full.json") as server:
            load = Load(server.port, str(server.files.ca), paths, "GET", seconds, CONNECTIONS)
            rates = [int(load.run_elsewhere().communicate()[0].split()[-1]) / seconds for _ in range(rounds)]
        yield Row(f"GET of {name}, a second", _spread(rates, ".0f"), "≥ 500", statistics.median(rates) >= 500)


def memory(folder: Path) -> Iterator[Row]:
    """Return the most memory of a server with 1,000 workspaces that has listed them, read each and written something."""
    with serving(folder / "full.json") as server:
        at_first = server.peak_megabytes()
        everything = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces?api-version=2025-06-01"
        each = [f"{WORKSPACE}{number:04}?api-version=2025-06-01" for number in range(WORKSPACES)]
        writes = [f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/more-{{}}?api-version=2021-04-01"]
        for paths, method, most in (([everything], "GET", 2), (each, "GET", WORKSPACES), (writes, "PUT", 10)):
            Load(
                server.port, str(server.files.ca), paths, method, PATIENCE_SECONDS, 1, most
            ).run_elsewhere().communicate()
        peak = server.peak_megabytes()
    yield Row(f"MB when it has read {WORKSPACES} workspaces from its file", f"{at_first:.0f}", "", True)
    yield Row("  and listed them twice, read each, and written beside them", f"{peak:.0f}", "≤ 90", peak <= 90)


def kills(folder: Path, times: int) -> Iterator[Row]:
    """Kill -9 in the middle of writes: the state loads, and each write that was answered is in it."""
    state, chance = folder / "killed.json", random.Random(7)  # noqa: S311  not cryptography: the same moments each run
    loaded, kept, answered = 0, 0, 0
    paths = [f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/g-{time.time_ns()}-{{}}?api-version=2021-04-01"]
    for number in range(times):
        server = Served(state)
        server.until_it_answers()
        here = [paths[0].replace("g-", f"g{number}-", 1)]
        writing = Load(server.port, str(server.files.ca), here, "PUT", PATIENCE_SECONDS, 4).run_elsewhere()
        time.sleep(0.3 + chance.random() * 0.4)
        server.end(signal.SIGKILL)
        out = writing.communicate()[0]
        written = {json.loads(line).lower() for line in out.splitlines() if line.startswith('"')}
        document = load(state) or {}
        loaded += "schema" in document
        answered += len(written)
        kept += len(written & set(document.get("groups", ())))
    yield Row(f"state loads after kill -9, of {times}", str(loaded), str(times), loaded == times)
    yield Row("  answered writes that are in it", f"{kept} of {answered}", "all", kept == answered > 0)


def fill(state: Path) -> None:
    """Write a state file with 1,000 CMK workspaces: one made through ARM, the others copies of it."""
    with Sandbox(state, Pace.none()).serve() as running:
        azure = running.state
        azure.register_provider()
        vault, key = azure.add_vault("kv-one"), azure.add_key("kv-one", "cmk")
        azure.add_access_policy("kv-one")
        encryption = {"status": "Enabled", "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": key}}
        properties = {"keyVault": vault, "storageAccount": azure.add_storage_account("stone"), "encryption": encryption}
        _put(running, f"{WORKSPACE}0000?api-version=2025-06-01", {"location": "eastus2", "properties": properties})
    document = json.loads(state.read_text(encoding="utf-8"))
    first = json.dumps(document["resources"][f"{WORKSPACE}0000".lower()])
    for number in range(1, WORKSPACES):
        name = f"{number:04}"
        document["resources"][f"{WORKSPACE}{name}".lower()] = json.loads(first.replace("mlw0000", f"mlw{name}"))
    state.write_text(json.dumps(document), encoding="utf-8")


def _put(running: Any, path: str, body: dict[str, Any]) -> None:
    import requests  # noqa: PLC0415  only here; the client's process shall stay small

    token = issue(f"https://{ARM}", time.time(), "https://login.microsoftonline.com")
    session = requests.Session()
    session.trust_env, session.proxies, session.verify = False, {"https": running.proxy}, str(running.ca)
    answer = session.put(f"https://{ARM}{path}", json=body, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != 202:
        sys.exit(answer.text)


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=9)
    arguments.add_argument("--seconds", type=float, default=4)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.load:
        try:
            sys.stdout.write(f"{asyncio.run(Load(**json.load(sys.stdin)).run())}\n")
        except (OSError, EOFError):  # the server was killed, as is meant
            sys.exit(1)
        return
    with tempfile.TemporaryDirectory(prefix="cmkctl-bench-") as name:
        folder = Path(name)
        fill(folder / "full.json")
        rows = [
            *start(folder, given.runs),
            *reads(folder, given.seconds, 3),
            *memory(folder),
            *kills(folder, given.kills),
        ]
    sys.stdout.write(f"on {os.cpu_count()} processors, medians (least to most)\n\n")
    sys.stdout.write("| what | found | wanted | |\n|---|---|---|---|\n")
    for row in rows:
        sys.stdout.write(f"| {row.what} | {row.found} | {row.wanted} | {'' if row.holds else 'NOT MET'} |\n")


if __name__ == "__main__":
    main()
