"""The client of Resource Graph: pages, what is cut off, refusals, throttling, and answers of another shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from support.scripted import SUBSCRIPTION, Answer, azure

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.inventory import inventory, one_of, quoted

QUERY: Final = "resources | project id, type | order by id asc"


def page(*names: str, token: str = "", more: bool = False) -> Answer:
    """Return one page."""
    rows = [{"id": f"/{name}", "type": "a/b", "kind": None} for name in names]
    body: Mapping[str, Any] = {"totalRecords": 9, "count": len(rows), "data": rows}
    link = {"$skipToken": token} if token else {}
    return Answer(200, {**body, "resultTruncated": "true" if more or token else "false", **link})


def failure_of(*answers: Answer) -> AzureFailed:
    """Return the failure of a query."""
    with pytest.raises(AzureFailed) as failed:
        inventory(azure(*answers).session.snapshot(), QUERY, [SUBSCRIPTION])
    return failed.value


def test_pages_are_followed_to_the_last() -> None:
    """Each request names the subscriptions, the page's size, and where the page before ended."""
    found = azure(page("a", "b", token="next"), page("c"))

    rows = inventory(found.session.snapshot(), QUERY, [SUBSCRIPTION])

    assert (["/a", "/b", "/c"], False) == ([row["id"] for row in rows.rows], rows.truncated)
    assert ["kind"] not in [list(row) for row in rows.rows]
    sent = [str(each.body) for each in found.network.sent]
    assert 2 == len(sent)
    assert "$skipToken" not in sent[0]
    assert '"$skipToken": "next"' in sent[1]
    assert all(SUBSCRIPTION in each and '"$top": 1000' in each for each in sent)


def test_rows_that_are_cut_off_are_no_whole_answer() -> None:
    """More rows without a link to them."""
    assert inventory(azure(page("a", more=True)).session.snapshot(), QUERY, [SUBSCRIPTION]).truncated


def test_a_page_that_names_itself_as_the_next_ends_the_list() -> None:
    """A link is followed once."""
    found = azure(page("a", token="same"), page("b", token="same"))

    assert 2 == len(inventory(found.session.snapshot(), QUERY, [SUBSCRIPTION]).rows)


def test_many_subscriptions_are_queried_in_groups() -> None:
    """Microsoft recommends fewer than 300 in a request."""
    found = azure(page("a"), page("b"))

    rows = inventory(found.session.snapshot(), QUERY, [f"s{number}" for number in range(301)]).rows

    assert (2, 2) == (len(rows), len(found.network.sent))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}),
        Answer(
            400,
            {
                "error": {
                    "code": "BadRequest",
                    "message": "-",
                    "details": [{"code": "NoValidSubscriptionsInQueryRequest", "message": "none"}],
                }
            },
        ),
    ],
)
def test_a_caller_without_rights_is_denied(answer: Answer) -> None:
    """In both forms that are known of Resource Graph."""
    failed = failure_of(answer)

    assert FailureKind.DENIED is failed.failure.kind
    assert ["CMK303"] == [each.code for each in failed.diagnostics]
    assert "Reader" in failed.diagnostics[0].remedy or answer.status == 403


@pytest.mark.parametrize("body", [{"data": {"columns": [], "rows": []}}, {"data": [{"name": "without an id"}]}, {}, []])
def test_another_shape_is_reported(body: Any) -> None:
    """Never taken for an empty answer."""
    assert ["CMK316"] == [each.code for each in failure_of(Answer(200, body)).diagnostics]


@pytest.mark.parametrize("header", [{"Retry-After": "4"}, {"x-ms-user-quota-resets-after": "00:00:04"}])
def test_a_throttled_query_waits_for_the_delay_of_the_response(header: Mapping[str, str]) -> None:
    """Resource Graph has a header of its own for it."""
    found = azure(Answer(429, {"error": {"code": "RateLimiting", "message": "-"}}, header), page("a"))

    assert 1 == len(inventory(found.session.snapshot(), QUERY, [SUBSCRIPTION]).rows)
    assert found.clock.elapsed() >= 4


def test_a_text_cannot_leave_its_quotes() -> None:
    """Quotes and backslashes are escaped."""
    assert ("'a\\'b\\\\'", "('a', 'b')") == (quoted("a'b\\"), one_of(["a", "b"]))
