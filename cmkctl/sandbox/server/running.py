"""The running sandbox: one event loop with a TLS listener and the proxy in front of it, in a thread of its own."""

import asyncio
import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from cmkctl.sandbox.core import environment, store
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.constants import SCHEMA
from cmkctl.sandbox.core.faults import Faults
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.pace import Pace
from cmkctl.sandbox.core.requestlog import LoggedRequest, RequestLog
from cmkctl.sandbox.core.signing import SigningKey
from cmkctl.sandbox.core.state import Tenant, complete, new_document
from cmkctl.sandbox.core.store import Files, SandboxError
from cmkctl.sandbox.server import certificates
from cmkctl.sandbox.server.app import Application, Moment, Watch
from cmkctl.sandbox.server.control import Control
from cmkctl.sandbox.server.listener import Listener
from cmkctl.sandbox.server.proxy import Proxy

START_SECONDS = 20
REQUIRED = frozenset(
    {"serial", "subscriptions", "providers", "groups", "resources", "principals", "assignments", "operations"}
)
"""The tables every state file has had since schema 1; others get their first state when they are missing."""

FLUSH_SECONDS = 1.0


class Running:
    """A sandbox that is answering. A context manager: leaving it saves the state and stops the server.

    Attributes:
        requests: every request since the start (a sequence of `LoggedRequest`).
        state: arranges and inspects the tenant; see `Arrangement`.
        control: the requests of other processes to this one; see `Control`.
        watch: called for every request before it is carried out and before it is answered; it may close the connection
            instead: for tests that interrupt a client at an exact request. None, as it is at first, watches nothing.
        port: the proxy's port on 127.0.0.1.
        ca: the certificate to trust.

    """

    def __init__(self, state: Path | None, pace: Pace, faults: Faults, port: int, *, lasting: bool = True) -> None:
        """Prepare a server; nothing runs before `start`. One that is not `lasting` ends with the command it is for."""
        self._path = state
        self._lasting = lasting
        self._wanted_port = port
        self._tenant = Tenant(pace=pace, faults=faults)
        self._cleanup = ExitStack()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="cmkctl-sandbox", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.state = Arrangement(self._tenant, self._save)
        self.control = Control(self.state, lambda: len(self._log), self.reset, self._stop_soon)
        self.watch: Watch | None = None
        self.port = 0

    # --- life

    def start(self) -> Self:
        """Take the state file, start answering, and return self.

        Raises:
            SandboxError: the state file is in use, damaged, too new or cannot be written, or the port is taken.

        """
        try:
            self._open_files()
            self._thread.start()
            self._await_start()
            self._write_sidecar()
        except OSError as problem:
            self._cleanup.close()
            where = f"{problem.filename}: " if problem.filename else ""
            raise SandboxError(
                f"The sandbox's files cannot be written: {where}{problem.strerror or problem}."
            ) from problem
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def _await_start(self) -> None:
        if not self._ready.wait(START_SECONDS):
            raise SandboxError(f"the sandbox did not start within {START_SECONDS} s")
        if self._failure is not None:
            raise SandboxError(f"the sandbox cannot start: {self._failure}") from self._failure

    def __enter__(self) -> Self:
        """Start, unless that has been done."""
        return self if self._ready.is_set() else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def stop(self) -> None:
        """Stop answering, save the state, and give the state file free."""
        if self._thread.is_alive() and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(START_SECONDS)
        self._save()
        self._cleanup.close()

    def wait(self) -> None:
        """Return when the server has stopped; interruptible by Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    # --- what others use

    @property
    def requests(self) -> RequestLog:
        """Every request since the server started, oldest first."""
        return self._log

    @property
    def writes(self) -> list[LoggedRequest]:
        """The requests that may have changed something; token requests are not among them."""
        return self._log.writes

    @property
    def ca(self) -> Path:
        """The certificate clients have to trust."""
        return self._ca

    @property
    def proxy(self) -> str:
        """The proxy's address, for HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that make any Azure client use this sandbox."""
        return environment.variables(self.port, self._ca)

    def call_control(self, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Handle a request as the control endpoint does.

        Raises:
            SandboxError: the request is refused.

        """
        _, answer = self.control.answer(method, f"/_sandbox/{what}", json.dumps(body or {}).encode())
        if "error" in answer:
            raise SandboxError(str(answer["error"]))
        return answer

    # --- inside

    def _open_files(self) -> None:
        files = self._files()
        if self._path is not None:
            self._cleanup.enter_context(store.Lock(files.lock))
            document = store.load(files.state)
            if document is not None:
                self._tenant.data = _complete(document, files.state)
        self._log = RequestLog(files.log if self._path is not None else None)
        self._cleanup.callback(self._log.close)
        self._ca = files.ca
        self._authority = certificates.authority(files.ca, files.ca_key)
        if self._path is not None:
            self._tenant.signing_key = SigningKey(files.signing_key)
            if files.signing_key.exists():
                _ = self._tenant.signing_key.private  # a damaged key ends the start, not the first request
        if self._path is not None and not files.state.exists():
            self._tenant.changed()
            self._save()

    def _files(self) -> Files:
        if self._path is not None:
            return Files(self._path.expanduser().absolute())
        folder = self._cleanup.enter_context(TemporaryDirectory(prefix="cmkctl-sandbox-", ignore_cleanup_errors=True))
        return Files(Path(folder) / "sandbox.json")

    def _write_sidecar(self) -> None:
        if self._path is None:
            return
        files = self._files()
        facts = {
            "pid": os.getpid(),
            "port": self.port,
            "ca": str(self._ca),
            "state": str(files.state),
            "schema": SCHEMA,
            "lasting": self._lasting,
        }
        store.write_atomically(files.sidecar, json.dumps(facts))
        self._cleanup.callback(files.sidecar.unlink, missing_ok=True)

    def _save(self) -> None:
        tenant = self._tenant
        with tenant.lock:
            if self._path is not None and (tenant.must_save or tenant.may_save):
                store.write_atomically(
                    self._path.expanduser().absolute(), json.dumps(tenant.data, separators=(",", ":"))
                )
            tenant.must_save = tenant.may_save = False

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, SandboxError) as problem:
            self._failure = problem
            self._ready.set()

    async def _serve(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        application = Application(self._tenant, self._log, self._save, self._watched)
        listener = Listener(application, certificates.server_context(self._authority))
        application.drop = listener.drop
        port = await listener.start()
        try:
            await self._serve_proxy(loop, port, self._stop)
        finally:
            listener.stop()
            await asyncio.sleep(0)  # lets the closed connections finish

    def _watched(self, moment: Moment, call: Call) -> bool:
        return self.watch is None or self.watch(moment, call)

    async def _serve_proxy(self, loop: asyncio.AbstractEventLoop, listener_port: int, stop: asyncio.Event) -> None:
        proxy = await loop.create_server(
            lambda: Proxy(listener_port, self.control.answer), "127.0.0.1", self._wanted_port, backlog=512
        )
        self.port = self.control.port = proxy.sockets[0].getsockname()[1]
        flushing = loop.create_task(self._flush())
        self._ready.set()
        await stop.wait()
        flushing.cancel()
        proxy.close()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self._save()
            self._log.flush()

    def _stop_soon(self) -> None:
        asyncio.get_running_loop().call_later(0.05, self._stop_now)

    def _stop_now(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def reset(self) -> None:
        """Forget everything: the tenant is as new, the log is empty. Faults and pace stay."""
        with self._tenant.lock:
            self._tenant.data = new_document()
            self._tenant.changed()
            self._save()
            self._log.clear()


def _complete(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the document of a state file, if nothing is missing in it."""
    missing = sorted(REQUIRED - document.keys())
    if missing:
        raise SandboxError(
            f"the sandbox's state file {path} is damaged: it has no {', '.join(missing)}. "
            "It was left as it is. Repair it, name another with --state, or move it away to start anew."
        )
    return complete(document)
