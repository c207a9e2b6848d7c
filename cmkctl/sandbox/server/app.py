"""The ASGI application: dispatches requests to the tenant, logs them, and saves the state before it responds."""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from email.utils import formatdate
from enum import Enum
from typing import Any

from cmkctl.sandbox.core import errors, requestlog
from cmkctl.sandbox.core.clouds import Service, locate
from cmkctl.sandbox.core.constants import BANNER_HEADER
from cmkctl.sandbox.core.messages import Call, Reply, parse, refused
from cmkctl.sandbox.core.requestlog import LoggedRequest, RequestLog, carries_secret
from cmkctl.sandbox.core.secrecy import without_secrets
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes import dispatch, tokens
from cmkctl.sandbox.planes.vault.redaction import redacted

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


LARGEST_BODY = 4 * 1024 * 1024
"""The largest body in bytes: Azure Resource Manager documents 4 MB."""

DRAINED = 16 * LARGEST_BODY
"""The number of bytes that are read of a body that is too large, so that its sender gets to see the refusal."""

TEXT_KEPT = 65536
"""The number of characters that are logged of a body that is no JSON."""


class Moment(Enum):
    """The moment at which a watcher is called: before a request is carried out, or before its response is sent."""

    BEFORE = "before"
    AFTER = "after"


Watch = Callable[[Moment, Call], bool]
"""Called twice for every request. False closes the connection without a response: BEFORE, so that nothing is done; AFTER,
when it is done. No lock is held and no other request is served meanwhile, so the order is that of arrival."""


class Application:
    """Azure, as one ASGI application for all hosts."""

    def __init__(self, tenant: Tenant, log: RequestLog, save: Callable[[], None], watch: Watch) -> None:
        """Answer from `tenant`, note in `log`, call `save` before a write is answered, and `watch` for every request."""
        self.tenant = tenant
        self.log = log
        self.save = save
        self.watch = watch
        self.drop: Callable[[Any], None] = lambda _client: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = time.perf_counter()
        call = await _read(scope, receive)
        reply = self._watched(call)
        payload = reply.payload()
        if not requestlog.is_telemetry(call.host):
            self._note(call, reply, payload, time.perf_counter() - began)
        if reply.drop:
            self.drop(scope["client"])
            return
        await _write(call, reply, payload, send, formatdate(self.tenant.clock(), usegmt=True))

    def _watched(self, call: Call) -> Reply:
        if not self.watch(Moment.BEFORE, call):
            return Reply(0, drop=True)
        reply = self.answer(call)
        kept = self.watch(Moment.AFTER, call)
        return reply if kept else replace(reply, drop=True)

    def answer(self, call: Call) -> Reply:
        """Return the answer to one call, with the state saved as far as it has to be."""
        with self.tenant.lock:
            try:
                reply = dispatch.serve(self.tenant, call)
            except errors.AzureError as refusal:
                reply = refused(refusal)
            except RecursionError:  # a template's own json() may be as deep as its author likes
                reply = refused(errors.not_json("it is nested too deeply"))
            if call.service is Service.ARM:
                tokens.arm_headers(call, reply)
            if self.tenant.must_save:
                self.save()
            return reply

    def _note(self, call: Call, reply: Reply, payload: bytes, duration: float) -> None:
        secret = carries_secret(call.service, call.path)
        self.log.add(
            LoggedRequest(
                method=call.method,
                host=call.host,
                path=call.path,
                query="" if secret else call.query_string[:200],
                api_version=call.api_version,
                status=reply.status,
                duration=round(duration, 6),
                service=call.service.value,
                started=round(time.time() - duration, 3),
                dropped=reply.drop,
                sent=requestlog.kept(call.headers, requestlog.HEADERS_SENT),
                answered=requestlog.kept(reply.headers, requestlog.HEADERS_ANSWERED),
                body_text=None if secret else _text(call.service, call.body),
                response_text=None if secret else _text(call.service, payload),
            )
        )


def _text(service: Service, payload: bytes) -> str | None:
    """Return a body as JSON text, as it is kept: without secrets, and as a string what is no JSON."""
    if not payload:
        return None
    try:
        value = parse(payload)
    except ValueError:
        value = payload.decode(errors="replace")[:TEXT_KEPT]
    kept = without_secrets(value)
    return json.dumps(redacted(kept) if service is Service.VAULT else kept, separators=(",", ":"))


async def _read(scope: Scope, receive: Receive) -> Call:
    """Read a request; of a body that is too large nothing is kept, and no more than `DRAINED` is read."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= DRAINED:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            chunks.clear()
        else:
            chunks.append(chunk)
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "").split(":", 1)[0].lower()
    cloud, service = locate(host)
    query = scope["query_string"].decode("latin-1")
    call = Call(scope["method"], host, scope["path"], query, headers, b"".join(chunks), cloud, service)
    call.oversized = size > LARGEST_BODY
    return call


async def _write(call: Call, reply: Reply, payload: bytes, send: Send, date: str) -> None:
    if call.method == "HEAD":
        payload = b""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers += [(BANNER_HEADER.encode(), b"1"), (b"date", date.encode())]
    if payload or reply.content_type.startswith("text/"):  # storage sends one with an empty body (recording 02)
        headers.append((b"content-type", reply.content_type.encode()))
    if reply.status != 204:
        headers.append((b"content-length", str(len(payload)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
