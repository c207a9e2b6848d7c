"""A real Chromium, without a window: it loads a page from a file and evaluates expressions in it.

It is driven through its debugging pipe: JSON messages that end in a null byte, on the file descriptors 3 and 4.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

NAMES: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
VARIABLE: Final = "CMKCTL_CHROMIUM"
MISSING: Final = f"no Chromium: install one, such as Debian's chromium-headless-shell, or name one in {VARIABLE}"


def find() -> str | None:
    """Return the path of a Chromium on this machine."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """The one page of a browser."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = os.fdopen(to_browser, "wb", buffering=0)
        self._from = os.fdopen(from_browser, "rb")
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """Everything that the browser reported since the last `open`."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for each in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{each}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == self._number:
                assert "error" not in received, received["error"]
                result: dict[str, Any] = received["result"]
                return result
            self.events.append(received)

    def open(self, path: Path) -> None:
        """Load a page and wait until it is complete."""
        self.events.clear()
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or that of its promise. The policy of the page does not bind it."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def media(self, kind: str = "", scheme: str = "light", width: int = 1280) -> None:
        """Show the page on ``screen`` or in ``print``, in ``light`` or ``dark``, in a window of so many pixels."""
        self.send(
            "Emulation.setEmulatedMedia", media=kind, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def requests(self) -> list[str]:
        """Return the addresses that the page has requested."""
        return [each["params"]["request"]["url"] for each in self._of("Network.requestWillBeSent")]

    def complaints(self) -> list[Any]:
        """Return what the browser has logged, exceptions and dialogs included."""
        kinds = (
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Page.javascriptDialogOpening",
            "Runtime.consoleAPICalled",
        )
        return [each["params"] for kind in kinds for each in self._of(kind)]

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.send("Browser.close")
        self._to.close()
        self._from.close()

    def _of(self, method: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each.get("method") == method]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            received = os.read(self._from.fileno(), 1 << 20)
            assert received, "the browser has ended"
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def browser(path: str) -> Iterator[Page]:
    """Start a browser with an empty profile, and end it."""
    to_child, to_browser = os.pipe()
    from_browser, from_child = os.pipe()
    # The descriptors have to be 3 and 4 in the browser: a shell moves them.
    moved = f'exec "$@" 3<&{to_child} 4>&{from_child}'
    with tempfile.TemporaryDirectory(prefix="cmkctl-chromium-", ignore_cleanup_errors=True) as folder:
        arguments = (
            path,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-pipe",
            f"--user-data-dir={folder}",
        )
        with subprocess.Popen(
            ["bash", "-c", moved, "chromium", *arguments],
            pass_fds=(to_child, from_child),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(to_child)
            os.close(from_child)
            page = Page(to_browser, from_browser)
            try:
                yield page
            finally:
                page.close()
                process.wait()
