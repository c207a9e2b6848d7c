"""What is repeated is only what is safe without knowing what the request means."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline import Pipeline
from azure.core.rest import HttpRequest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import ARM, NOON, Answer, FakeClock, Reply, ScriptedNetwork, transport_to

from cmkctl.azure.retry import ATTEMPTS, REQUEST_BUDGET, RetryPolicy, retry_after

URL = f"{ARM}/subscriptions/s"
LOST = requests.ConnectionError("connection reset by peer")


class Run:
    """One request through a pipeline with the retry policy: the requests, the waits, the announcements and the result."""

    def __init__(self, method: str, *replies: Reply, deadline: float | None = None, **options: Any) -> None:
        self.clock, self.announced = FakeClock(), list[tuple[str, datetime | None]]()
        self.network = ScriptedNetwork(replies)
        policy = RetryPolicy(
            self.clock, lambda what, _seconds, until=None: self.announced.append((what, until)), lambda: deadline
        )
        pipeline: Pipeline[Any, Any] = Pipeline(transport_to(self.network), policies=[policy])
        self.failure: ServiceRequestError | None = None
        self.status: int | None = None
        try:
            self.status = pipeline.run(HttpRequest(method, URL), **options).http_response.status_code
        except ServiceRequestError as error:
            self.failure = error

    @property
    def times(self) -> int:
        """How often the request was sent."""
        return len(self.network.sent)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_throttled_read_is_sent_again(method: str) -> None:
    """A read does no harm, when Azure has the time."""
    run = Run(method, Answer(429), Answer(429), Answer(200))

    assert (3, 200) == (run.times, run.status)


def test_retry_after_in_seconds_is_obeyed() -> None:
    """It waits as long as the response requires, and not much longer."""
    run = Run("GET", Answer(429, headers={"Retry-After": "17"}), Answer(200))

    assert (17.0, 2) == (run.clock.elapsed(), run.times)


def test_retry_after_as_a_date_is_obeyed() -> None:
    """The other form of Retry-After counts from now."""
    then = format_datetime(NOON + timedelta(seconds=42), usegmt=True)

    run = Run("GET", Answer(429, headers={"Retry-After": then}), Answer(200))

    assert (42.0, 2) == (run.clock.elapsed(), run.times)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_delay_in_the_message_is_kept(stream: bool) -> None:
    """Recorded: no Retry-After, and the seconds in the message. The SDK streams what it reads."""
    body = {"error": {"code": "SubscriptionRequestsThrottled", "message": "Please try again after '33' seconds."}}

    run = Run("GET", Answer(429, body), Answer(200), stream=stream)

    assert (33.0, 2) == (run.clock.elapsed(), run.times)


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 520])
def test_read_that_met_a_passing_error_is_sent_again(status: int) -> None:
    """A read does no harm, so a passing error is worth another one."""
    run = Run("GET", Answer(status), Answer(200))

    assert (2, 200) == (run.times, run.status)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_write_that_met_a_passing_error_is_not_sent_again(method: str, status: int) -> None:
    """Whether a write took effect, or is still due after the wait, is for the engine to find out, which looks first."""
    run = Run(method, Answer(status), Answer(200))

    assert (1, status, []) == (run.times, run.status, run.clock.waits)


@pytest.mark.parametrize("lost", [LOST, requests.ReadTimeout("read timed out")], ids=["not sent", "not answered"])
def test_read_whose_answer_was_lost_is_sent_again(lost: Exception) -> None:
    """A read without a response is sent again."""
    run = Run("GET", lost, lost, Answer(200))

    assert (3, 200) == (run.times, run.status)


def test_write_whose_answer_was_lost_is_not_sent_again() -> None:
    """A write without an answer may have taken effect."""
    run = Run("PUT", LOST, Answer(200))

    assert (1, True) == (run.times, run.failure is not None)


@pytest.mark.parametrize("status", [200, 201, 202, 400, 401, 403, 404, 409, 412])
def test_an_answer_that_will_not_change_is_final(status: int) -> None:
    """A refusal stays one."""
    run = Run("GET", Answer(status))

    assert (1, status) == (run.times, run.status)


def test_attempts_are_bounded_and_the_last_answer_is_the_result() -> None:
    """A lasting failure is returned as it is, after a bounded number of attempts."""
    run = Run("GET", Answer(503))

    assert (ATTEMPTS, 503, ATTEMPTS - 1) == (run.times, run.status, len(run.clock.waits))


@pytest.mark.parametrize(
    ("headers", "longest"), [({}, 60), ({"Retry-After": "100"}, 100)], ids=["bare", "with a delay"]
)
def test_throttling_is_waited_for_until_the_time_of_the_request_is_over(
    headers: dict[str, str], longest: float
) -> None:
    """Azure did not carry it out, so a retry is safe; the retries end, and come at least once a minute."""
    run = Run("GET", Answer(429, headers=headers))

    assert 429 == run.status
    assert ATTEMPTS < run.times
    assert 800 <= run.clock.elapsed() <= 900
    assert max(run.clock.waits) <= longest


def test_the_last_network_error_is_the_result() -> None:
    """A lasting network error is raised as such."""
    run = Run("GET", LOST)

    assert (ATTEMPTS, True) == (run.times, run.failure is not None)


def test_waits_have_jitter_within_bounds() -> None:
    """Waits are random, so that many clients do not come back at once, and each bound is twice the one before."""
    runs = [Run("GET", Answer(503)).clock.waits for _ in range(40)]

    bounds = [0.5, 1.0, 2.0, 4.0, 8.0]
    assert [] == [
        waits for waits in runs if any(not 0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    ]
    assert len({waits[-1] for waits in runs}) > 30


def test_the_longest_recorded_delay_is_kept() -> None:
    """Recorded: Azure requested 324 seconds; an earlier retry would be refused, and counted."""
    run = Run(
        "GET", Answer(429, headers={"Retry-After": "324"}), Answer(429, headers={"Retry-After": "324"}), Answer(200)
    )

    assert ([324.0, 324.0], 200) == (run.clock.waits, run.status)


def test_a_delay_beyond_the_request_budget_is_reported_in_full() -> None:
    """The run ends instead of waiting for hours, and sends nothing before Azure's time."""
    run = Run("GET", Answer(429, headers={"Retry-After": "86400"}), Answer(200))

    assert ([], 1, 429) == (run.clock.waits, run.times, run.status)


def test_a_delay_beyond_the_deadline_of_the_run_does_not_start() -> None:
    """With --timeout the run ends when it is clear that the time will not do."""
    run = Run("GET", Answer(429, headers={"Retry-After": "50"}), Answer(200), deadline=49.0)

    assert ([], 1, 429) == (run.clock.waits, run.times, run.status)


def test_every_wait_is_announced() -> None:
    """Each wait is announced with its reason and its end."""
    run = Run("GET", Answer(429, headers={"Retry-After": "50"}), LOST, Answer(200))

    ends = NOON + timedelta(seconds=REQUEST_BUDGET)
    assert [
        ("Azure answered HTTP 429; retrying in 50 s", ends),
        (f"No response; retrying in {run.clock.waits[1]:.0f} s", ends),
    ] == run.announced


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("15", 15.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:00:30 -0000", None),
        ("nan", None),
        ("inf", None),
        ("Sat, 21 Nov 99999999999999999999 12:00:00 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_both_its_forms(value: str, seconds: float | None) -> None:
    """Seconds or a date; anything else is as if it was not there."""
    assert seconds == retry_after({"Retry-After": value}, NOON)


NUMBERS = st.integers(-(10**30), 10**30).map(str)
MONTHS = st.sampled_from(["Nov", "nov", "11", "Foo", ""])
ZONES = st.sampled_from(["GMT", "-0000", "+9999", "+99999999999", "PST", ""])
DATES = st.builds("Sat, {} {} {} {}:{}:{} {}".format, NUMBERS, MONTHS, *[NUMBERS] * 4, ZONES)


@given(st.text() | st.floats().map(str) | NUMBERS | DATES)
def test_no_retry_after_is_a_crash(value: str) -> None:
    """Every value of the header yields a finite time or none."""
    seconds = retry_after({"Retry-After": value}, NOON)

    assert seconds is None or 0 <= seconds < float("inf")
