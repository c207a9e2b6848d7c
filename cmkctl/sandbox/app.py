"""The ASGI application: a request comes in, the tenant answers, the log remembers, the state is on disk."""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cmkctl.sandbox import errors
from cmkctl.sandbox.arm import gate, metadata, operations
from cmkctl.sandbox.clouds import Service, locate
from cmkctl.sandbox.constants import BANNER_HEADER
from cmkctl.sandbox.grants import advance_grants
from cmkctl.sandbox.keyvault import plane
from cmkctl.sandbox.keyvault.redaction import redacted
from cmkctl.sandbox.messages import Call, Reply
from cmkctl.sandbox.requestlog import LoggedRequest, RequestLog, carries_secret
from cmkctl.sandbox.routes import TABLES
from cmkctl.sandbox.routing import Route
from cmkctl.sandbox.state import Tenant

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """Azure, as one ASGI application for all hosts."""

    def __init__(self, tenant: Tenant, log: RequestLog, save: Callable[[], None]) -> None:
        """Answer from `tenant`, note in `log`, and call `save` before a write is answered."""
        self.tenant = tenant
        self.log = log
        self.save = save
        self.drop: Callable[[Any], None] = lambda _client: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = time.perf_counter()
        call = await _read(scope, receive)
        reply = self.answer(call)
        self._note(call, reply, time.perf_counter() - began)
        if reply.drop:
            self.drop(scope["client"])
            return
        await _write(call, reply, send)

    def answer(self, call: Call) -> Reply:
        """Return the answer to one call, with the state saved as far as it has to be."""
        with self.tenant.lock:
            try:
                reply = self._serve(call)
            except errors.AzureError as refusal:
                reply = Reply(refusal.status, refusal.body(), dict(refusal.headers))
            if call.service is Service.ARM:
                gate.arm_headers(call, reply)
            if self.tenant.must_save:
                self.save()
            return reply

    def _serve(self, call: Call) -> Reply:
        if call.service is Service.UNKNOWN:
            raise errors.not_modelled(f"the host {call.host}")
        if call.service is Service.VAULT:
            return plane.serve(self.tenant, call)
        if call.service is Service.ARM and call.path.lower() == metadata.PATH:
            return metadata.endpoints(call)
        if call.service is not Service.LOGIN:
            gate.require_token(self.tenant, call)
        if call.service is not Service.ARM:
            return self._dispatch(call)
        operations.settle(self.tenant)
        induced = self.tenant.faults.before(call, self.tenant.clock())
        return induced or self.tenant.faults.after(call, self._arm(call))

    def _arm(self, call: Call) -> Reply:
        if not call.api_version:
            raise errors.api_version_missing()
        if call.method == "GET":
            advance_grants(self.tenant)
        return self._dispatch(call)

    def _dispatch(self, call: Call) -> Reply:
        route, call.params, known = TABLES[call.service].find(call.method, call.path)
        if route is None:
            raise errors.not_modelled(f"{call.method} {call.path}{'' if known else ' (nothing at this path)'}")
        if call.service is Service.ARM:
            self._admit(call, route)
        return route.handler(self.tenant, call)

    def _admit(self, call: Call, route: Route) -> None:
        gate.require_version(call, route)
        parts = call.path.strip("/").split("/")
        if parts[0].lower() == "subscriptions" and len(parts) > 1:
            self.tenant.require_subscription(parts[1])

    def _note(self, call: Call, reply: Reply, duration: float) -> None:
        secret = carries_secret(call.service, call.path)
        keep = redacted if call.service is Service.VAULT else _whole
        self.log.add(
            LoggedRequest(
                method=call.method,
                host=call.host,
                path=call.path,
                query="" if secret else call.query_string[:200],
                api_version=call.api_version,
                body=None if secret or not call.body else keep(_readable(call.body)),
                status=reply.status,
                response=None if secret else keep(reply.body),
                duration=round(duration, 6),
                service=call.service.value,
            )
        )


def _whole(body: Any) -> Any:
    return body


def _readable(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


async def _read(scope: Scope, receive: Receive) -> Call:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "").split(":", 1)[0].lower()
    cloud, service = locate(host)
    query = scope["query_string"].decode("latin-1")
    return Call(scope["method"], host, scope["path"], query, headers, b"".join(chunks), cloud, service)


async def _write(call: Call, reply: Reply, send: Send) -> None:
    payload = b"" if call.method == "HEAD" else reply.payload()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers.append((BANNER_HEADER.encode(), b"1"))
    if payload:
        headers.append((b"content-type", reply.content_type.encode()))
    if reply.status != 204:
        headers.append((b"content-length", str(len(payload)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
