"""The control endpoint: plain HTTP on the proxy's port, this machine only, by which the commands reach a running server.

``GET hello``, ``POST reset``, ``POST stop``; ``GET``/``POST faults``, ``clock``, ``policies``; ``POST principals``.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cmkctl.sandbox.core.arrange import SUBSCRIPTION, Arrangement
from cmkctl.sandbox.core.messages import parse
from cmkctl.sandbox.core.policy import policies

Json = dict[str, Any]
PREFIX = "/_sandbox/"


class Control:
    """Answers control requests.

    Attributes:
        port: the proxy's port, so that a client can recognise the server it looks for.

    """

    def __init__(
        self, state: Arrangement, requests: Callable[[], int], reset: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        """Control a server by what it arranges, counts, and by its functions to reset and stop."""
        self.state = state
        self.port = 0
        self._requests = requests
        self._reset = reset
        self._stop = stop
        self._endpoints: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "hello"): self._hello,
            ("POST", "reset"): lambda _: (self._reset(), {"reset": True})[1],
            ("POST", "stop"): lambda _: (self._stop(), {"stopping": True})[1],
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._set_faults,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._advance,
            ("GET", "policies"): self._policies,
            ("POST", "policies"): self._set_policies,
            ("POST", "principals"): self._add_principal,
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Json]:
        """Return status and body for a request; a request that makes no sense gets 400 with the reason."""
        endpoint = self._endpoints.get((method, path.removeprefix(PREFIX)))
        if endpoint is None:
            return 404, {"error": f"there is no control endpoint {method} {path}", "received": len(body)}
        try:
            return 200, endpoint(parse(body or b"{}"))
        except (ValueError, KeyError, TypeError) as problem:
            return 400, {"error": str(problem)}

    def _hello(self, _: Json) -> Json:
        return {"cmkctl_sandbox": True, "pid": os.getpid(), "port": self.port, "requests": self._requests()}

    def _faults(self, _: Json) -> Json:
        return {"faults": self.state.faults()}

    def _set_faults(self, request: Json) -> Json:
        if request.get("clear"):
            self.state.clear_faults()
        for text in request.get("set") or ():
            self.state.add_fault(text)
        return self._faults(request)

    def _clock(self, _: Json) -> Json:
        tenant = self.state.tenant
        now = datetime.fromtimestamp(tenant.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"now": now, "ahead": tenant.data["ahead"]}

    def _advance(self, request: Json) -> Json:
        self.state.advance(request["advance"])
        return self._clock(request)

    def _policies(self, _: Json) -> Json:
        with self.state.tenant.lock:
            return {"policies": [rule.row() for rule in policies(self.state.tenant)]}

    def _set_policies(self, request: Json) -> Json:
        if request.get("clear"):
            self.state.clear_policies()
        for row in request.get("set") or ():
            self.state.add_policy(**row)
        return self._policies(request)

    def _add_principal(self, request: Json) -> Json:
        scope = request.get("scope") or SUBSCRIPTION
        return {
            "environment": self.state.add_client(
                request["name"], request.get("role"), scope, request.get("graph") or ()
            )
        }
