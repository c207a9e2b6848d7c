"""The request log as HAR 1.2, for browsers' developer tools and other viewers. The log has no secret, and so has this."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from cmkctl.sandbox.core.requestlog import LoggedRequest

Json = dict[str, Any]
JSON_TYPE = "application/json"
LEFT_OUT = "the body is left out: it carries a secret, or there is none"


def document(entries: Iterable[LoggedRequest], version: str) -> Json:
    """Return a HAR document of some logged requests.

    Args:
        entries: the requests, oldest first.
        version: that of cmkctl.

    """
    creator = {"name": "cmkctl sandbox (not Azure)", "version": version}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(entry) for entry in entries]}}


def _entry(entry: LoggedRequest) -> Json:
    millis = round(entry.duration * 1000, 3)
    row = {
        "startedDateTime": datetime.fromtimestamp(entry.started, UTC).isoformat(timespec="milliseconds"),
        "time": millis,
        "request": _request(entry),
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": millis, "receive": 0},
    }
    return {**row, "comment": "the connection was closed without an answer"} if entry.dropped else row


def _request(entry: LoggedRequest) -> Json:
    query = f"?{entry.query}" if entry.query else ""
    text = entry.body_text
    sent = {"postData": {"mimeType": _type(entry.sent), "text": text}} if text is not None else {}
    return {
        "method": entry.method,
        "url": f"https://{entry.host}{entry.path}{query}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(entry.sent.items()),
        "queryString": _pairs(parse_qsl(entry.query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(text or ""),
        **sent,
    }


def _response(entry: LoggedRequest) -> Json:
    status = 0 if entry.dropped else entry.status
    text = entry.response_text
    content = {"size": len(text or ""), "mimeType": JSON_TYPE if text is not None else ""}
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(entry.answered.items()),
        "content": {**content, "text": text} if text is not None else {**content, "comment": LEFT_OUT},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(text or ""),
    }


def _pairs(rows: Iterable[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in rows]


def _type(headers: Mapping[str, str]) -> str:
    return {name.lower(): value for name, value in headers.items()}.get("content-type", JSON_TYPE)
