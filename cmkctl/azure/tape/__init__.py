"""Tapes: HTTP exchanges with Azure, recorded on a file and replayed strictly. The seam is azure-core's transport.

    with TapeWriter(Path("run.json"), cloud="AzureCloud", redactor=redactor) as writer:
        transport = RecordingTransport(RequestsTransport(), writer)       # --record run.json

    tape = Tape.load(Path("run.json"))
    transport = ReplayTransport(tape)                                     # --replay run.json
    ...
    tape.unused()                                                         # what the run never asked for

A request matches a recorded one when method, scheme and host, path, query and body are the same, all after redaction
(`cmkctl.azure.redaction`), for a tape holds only redacted requests. The order between different requests is free, because
reads go out at the same time; equal requests are answered in the order in which they were recorded. What is on a tape,
what never is, and how to read a miss: docs/record-and-replay.md.
"""

from cmkctl.azure.tape.exchange import Answered, Asked, Exchange, RequestKey, asked_of, request_key
from cmkctl.azure.tape.record import RecordingTransport, TapeWriter
from cmkctl.azure.tape.replay import ReplayTransport, Tape, TapeMiss

__all__ = [
    "Answered",
    "Asked",
    "Exchange",
    "RecordingTransport",
    "ReplayTransport",
    "RequestKey",
    "Tape",
    "TapeMiss",
    "TapeWriter",
    "asked_of",
    "request_key",
]
