"""Tapes: HTTP exchanges with Azure, recorded to a file and replayed strictly. The seam is azure-core's transport.

    with TapeWriter(Path("run.json"), cloud="AzureCloud", redactor=redactor) as writer:
        transport = RecordingTransport(RequestsTransport(), writer)       # --record run.json

    tape = Tape.load(Path("run.json"))
    transport = ReplayTransport(tape)                                     # --replay run.json
    ...
    tape.unused()                                                         # exchanges that the run did not request

A request matches a recorded one when method, scheme and host, path, query and body are equal after redaction
(`cmkctl.azure.redaction`), since a tape holds only redacted requests. Different requests may come in any order, because
reads are concurrent; equal requests get their responses in recorded order. The content of a tape, and how to read a miss:
docs/record-and-replay.md.
"""

from cmkctl.azure.tape.exchange import (
    Exchange,
    RecordedRequest,
    RecordedResponse,
    RequestKey,
    recorded_request,
    request_key,
)
from cmkctl.azure.tape.record import RecordingTransport, TapeWriter
from cmkctl.azure.tape.replay import ReplayTransport, Tape, TapeMiss

__all__ = [
    "Exchange",
    "RecordedRequest",
    "RecordedResponse",
    "RecordingTransport",
    "ReplayTransport",
    "RequestKey",
    "Tape",
    "TapeMiss",
    "TapeWriter",
    "recorded_request",
    "request_key",
]
