"""Recorded responses as azure-core's response types, legacy or rest like their requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Self

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpRequest as LegacyRequest
from azure.core.pipeline.transport import HttpResponse as LegacyResponse
from azure.core.rest import HttpRequest as RestRequest
from azure.core.rest import HttpResponse as RestResponse
from azure.core.utils import case_insensitive_dict

from cmkctl.azure.tape.exchange import ERROR, RecordedResponse, content_of


class LegacyAnswer(LegacyResponse):
    """A response from a tape as an azure.core.pipeline.transport response."""

    def __init__(self, request: LegacyRequest, answered: RecordedResponse) -> None:
        super().__init__(request, None)
        self.status_code = answered.status
        self.headers = case_insensitive_dict(answered.headers)
        self.reason = _reason(answered.status)
        self.content_type = self.headers.get("Content-Type")
        self._content = content_of(answered)

    def body(self) -> bytes:
        return self._content

    def stream_download(self, pipeline: Any, **_kwargs: Any) -> Iterator[bytes]:
        del pipeline  # nothing is left to download
        return iter([self._content])


class RestAnswer(RestResponse):
    """A response from a tape as an azure.core.rest response, complete from the start."""

    def __init__(self, request: RestRequest, answered: RecordedResponse) -> None:
        self._request = request
        self._status = answered.status
        self._headers = case_insensitive_dict(answered.headers)
        self._content = content_of(answered)
        self._encoding: str | None = None  # a tape holds text, encoded as UTF-8 here
        self._closed = False

    @property
    def request(self) -> RestRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._headers

    @property
    def reason(self) -> str:
        return _reason(self._status)

    @property
    def content_type(self) -> str | None:
        return self._headers.get("Content-Type")

    @property
    def is_closed(self) -> bool:
        return self._closed

    @property
    def is_stream_consumed(self) -> bool:
        return self._closed

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._content

    def text(self, encoding: str | None = None) -> str:
        return self._content.decode(encoding or self._encoding or "utf-8-sig", errors="replace")

    def json(self) -> Any:
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        if self._status >= ERROR:
            raise HttpResponseError(response=self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True

    def read(self) -> bytes:
        self.close()
        return self._content

    def iter_raw(self, **_kwargs: Any) -> Iterator[bytes]:
        return iter([self.read()])

    def iter_bytes(self, **_kwargs: Any) -> Iterator[bytes]:
        return iter([self.read()])


def _reason(status: int) -> str:
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return ""
