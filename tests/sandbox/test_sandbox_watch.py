"""A sandbox can be watched: a test sees every request, and may close the connection at an exact one."""

import pytest
import requests
from support.sandbox import Client

from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.server import Running
from cmkctl.sandbox.server.app import Moment

GROUP = "/resourceGroups/rg-watched"
LOCATION = {"location": "eastus2"}


def test_an_observer_receives_every_request_before_and_after(arm: Client) -> None:
    """Method and path, in the order of arrival, for every service."""
    seen: list[tuple[Moment, str, str]] = []

    def watch(moment: Moment, call: Call) -> bool:
        seen.append((moment, call.method, call.path.rpartition("/")[2]))
        return True

    arm.running.watch = watch
    arm("PUT", GROUP, LOCATION)
    arm.fetch_token("https://graph.microsoft.com/.default")

    assert [
        (Moment.BEFORE, "PUT", "rg-watched"),
        (Moment.AFTER, "PUT", "rg-watched"),
        (Moment.BEFORE, "POST", "token"),
        (Moment.AFTER, "POST", "token"),
    ] == seen


@pytest.mark.parametrize(("refused", "there"), [(Moment.BEFORE, 404), (Moment.AFTER, 200)])
def test_a_watcher_may_close_the_connection_before_a_request_is_done_or_after(
    running: Running, refused: Moment, there: int
) -> None:
    """The client gets no response; the moment decides if the group is there. The log marks the lost response."""
    arm = Client(running)
    running.watch = lambda moment, call: moment is not refused or call.method != "PUT"

    with pytest.raises(requests.exceptions.ConnectionError):
        arm("PUT", GROUP, LOCATION)

    assert there == arm("GET", GROUP).status_code
    assert [True] == [each.dropped for each in running.writes]
