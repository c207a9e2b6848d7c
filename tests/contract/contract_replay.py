"""Replays a recording to a fresh sandbox, in order, and says of each exchange what came of it.

What differs by nature, and how it is dealt with:

* Numbers of polls. The sandbox's own poll URL is followed, never the recorded one. Further recorded polls (or reads of a
  resource) that show the same unfinished state as before are one and the same exchange, sent once. Where the recording
  shows another state than the sandbox just did, the sandbox is read on until it shows that state, `PATIENCE` times.
* Numbers of pages. A recorded page after the last one of the sandbox is a repeat, too.
* What the service chose: key versions, principals and pages are called in later requests what the sandbox called them.
* Who calls. The caller is the sandbox's service principal. Where 401 is recorded, no token is sent (the first leg of a
  challenge), or one that has expired, as the recorded refusal says.
* Recordings with several sources: each exchange gets a sandbox of its own.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import requests
from contract_arrange import Start, arrange
from contract_compare import differences
from contract_exceptions import excluded, explained
from contract_recordings import POLLS, Exchange, Scenario, state_of
from support.sandbox import Client

from cmkctl.sandbox import TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.sandbox.planes.entra import issue
from cmkctl.sandbox.server import Running

PATIENCE = 12
LINKS = ("azure-asyncoperation", "location")
LONG_AGO = 7200
CHOSEN = frozenset(["kid", "keyUriWithVersion", "principalId"])


class Outcome(Enum):
    """What came of one exchange."""

    AGREES = "agrees"
    REPEAT = "repeat"
    DIFFERS = "differs"
    NOT_MODELLED = "not modelled"
    EXCLUDED = "excluded"
    WRONG = "wrong"


@dataclass(frozen=True)
class Result:
    """An exchange, its outcome, and why: reasons of the tables, or the unexplained differences."""

    exchange: Exchange
    outcome: Outcome
    why: tuple[str, ...] = ()


@dataclass
class Player:
    """Plays one scenario to one sandbox."""

    scenario: Scenario
    start: Start
    running: Running
    links: dict[str, dict[str, str]] = field(default_factory=dict)
    unmodelled: dict[str, str] = field(default_factory=dict)
    last: dict[str, tuple[int, str]] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    past_the_end: set[str] = field(default_factory=set)
    begun_last: str = ""

    def __post_init__(self) -> None:
        self.client = Client(self.running)

    def play(self) -> Iterator[Result]:
        """Play all exchanges, in the order they were sent in."""
        arrange(self.running, self.client, self.scenario, self.start)
        for number in self.start.order or range(len(self.scenario.exchanges)):
            exchange = self.scenario.exchanges[number]
            step = self.start.before.get(exchange.number)
            if step is not None:
                step(self.running, self.client)
            yield self._one(exchange)

    def _one(self, exchange: Exchange) -> Result:
        reason = excluded(self.scenario.short, exchange)
        if reason is not None:
            return Result(exchange, Outcome.EXCLUDED, (reason,))
        if exchange.is_poll and self._operation(exchange) not in self.links:
            why = self.unmodelled.get(self._operation(exchange))
            if why is not None:
                return Result(exchange, Outcome.NOT_MODELLED, (f"polls {why}",))
            return Result(exchange, Outcome.EXCLUDED, ("polls an operation that began outside of the recording",))
        if any(page in exchange.url for page in self.past_the_end):
            return Result(exchange, Outcome.REPEAT)
        if exchange.is_unfinished and self.last.get(_place(exchange)) == exchange.state:
            return Result(exchange, Outcome.REPEAT)
        return self._judged(exchange, self._until(exchange))

    def _judged(self, exchange: Exchange, answer: requests.Response) -> Result:
        if is_not_modelled(answer):
            self._note_unmodelled(exchange)
            (said,) = re.findall(r"sandbox does not model (.*?)\. This is a limit", answer.text)[:1]
            return Result(exchange, Outcome.NOT_MODELLED, (said,))
        self._note_links(exchange, answer)
        self._learn(exchange.answer, answer.json() if "json" in answer.headers.get("content-type", "") else None)
        self.last[_place(exchange)] = exchange.state
        found = differences(exchange, answer)
        reasons = {each: explained(self.scenario.short, exchange, each) for each in found}
        wrong = tuple(each for each, reason in reasons.items() if reason is None)
        if wrong:
            return Result(exchange, Outcome.WRONG, wrong)
        known = tuple(sorted({reason for reason in reasons.values() if reason is not None}))
        return Result(exchange, Outcome.DIFFERS if known else Outcome.AGREES, known)

    def _until(self, exchange: Exchange) -> requests.Response:
        """Send the exchange; read again while it is a read, and the sandbox is not where the recording is."""
        for _ in range(PATIENCE if exchange.method == "GET" and exchange.status < 400 else 1):
            answer = self._send(exchange)
            if _state(answer) == exchange.state or is_not_modelled(answer) or answer.status_code >= 400:
                break
        return answer

    def _send(self, exchange: Exchange) -> requests.Response:
        token = self._token_for(exchange)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None if exchange.body is None else json.loads(self._called(json.dumps(exchange.body)))
        return self.client.session.request(
            exchange.method, self._url(exchange), json=body, headers=headers, allow_redirects=False
        )

    def _called(self, text: str) -> str:
        """Return a text with what the service chose as the sandbox chose it."""
        for theirs, ours in self.chosen.items():
            text = text.replace(theirs, ours)
        return text

    def _learn(self, theirs: Any, ours: Any, name: str = "") -> None:
        """Note what the service chose and later requests repeat: versions of keys, principals, links to more."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in theirs.keys() & ours.keys():
                self._learn(theirs[key], ours[key], key)
        elif name == "nextLink" and theirs:
            self._learn_page(theirs, ours or "")
        elif isinstance(theirs, str) and isinstance(ours, str) and theirs != ours and name in CHOSEN:
            self.chosen[theirs.rpartition("/")[2]] = ours.rpartition("/")[2]

    def _learn_page(self, theirs: str, ours: str) -> None:
        found = {link: re.search(r"skip[tT]oken=([^&]+)", link) for link in (theirs, ours)}
        page, own = found[theirs], found[ours]
        if page is not None and own is not None:
            self.chosen[page[1]] = own[1]
        elif page is not None:
            self.past_the_end.add(page[1])

    def _operation(self, exchange: Exchange) -> str:
        """Return what an operation is known by; a poll whose URL was masked is of the operation begun last."""
        token = _token(exchange.url)
        return self.begun_last if set(token) == {"0"} else token

    def _url(self, exchange: Exchange) -> str:
        if not exchange.is_poll:
            return self._called(exchange.url)
        links = self.links[self._operation(exchange)]
        wanted = "location" if "type=location" in exchange.url else "azure-asyncoperation"
        return links.get(wanted) or next(iter(links.values()))

    def _token_for(self, exchange: Exchange) -> str:
        audience = (
            "https://vault.azure.net" if exchange.host.endswith("vault.azure.net") else f"https://{exchange.host}"
        )
        if exchange.status == 401:
            expired = "expired" in exchange.headers.get("www-authenticate", "")
            return issue(audience, time.time() - LONG_AGO, "https://login.microsoftonline.com") if expired else ""
        if exchange.number in self.start.without_rights:
            return self._token_of_a_stranger(audience)
        if audience not in self.tokens:
            self.tokens[audience] = self.client.fetch_token(f"{audience}/.default")
        return self.tokens[audience]

    def _token_of_a_stranger(self, audience: str) -> str:
        """Log in as a client that exists and may do nothing."""
        given = self.running.state.add_client("stranger", graph=())
        form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        login = {"client_id": given["AZURE_CLIENT_ID"], "client_secret": given["AZURE_CLIENT_SECRET"]}
        url = f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
        return str(self.client.session.post(url, data={**form, **login}).json()["access_token"])

    def _note_links(self, exchange: Exchange, answer: requests.Response) -> None:
        shown = {name: answer.headers[name] for name in LINKS if name in answer.headers}
        for name in LINKS:
            if name in exchange.headers and _is_poll_link(exchange.headers[name]) and shown:
                self.begun_last = _token(exchange.headers[name])
                self.links.setdefault(self.begun_last, {}).update(shown)
        if exchange.is_poll and shown:
            self.links[self._operation(exchange)].update(shown)

    def _note_unmodelled(self, exchange: Exchange) -> None:
        for name in LINKS:
            if name in exchange.headers:
                self.begun_last = _token(exchange.headers[name])
                self.unmodelled[self.begun_last] = f"{exchange.number} {exchange.method}, not modelled"


def is_not_modelled(answer: requests.Response) -> bool:
    """Whether the sandbox says that it does not model this, at once or as what an operation failed of."""
    return b"SandboxNotModelled" in answer.content


def _state(answer: requests.Response) -> tuple[int, str]:
    is_json = "json" in answer.headers.get("content-type", "")
    return answer.status_code, state_of(answer.json() if is_json and answer.content else None)


def _token(url: str) -> str:
    """Return what tells one operation from another: the last segment of its URL."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].lower()


def _place(exchange: Exchange) -> str:
    return _token(exchange.url) + exchange.url.rpartition("type=")[2][:6] if exchange.is_poll else exchange.path.lower()


def _is_poll_link(url: str) -> bool:
    return any(POLLS.fullmatch(part) for part in urlsplit(url).path.split("/"))


def play(scenario: Scenario, start: Start) -> tuple[list[Result], list[LoggedRequest]]:
    """Play a scenario to a fresh sandbox; one with several sources, to a fresh one for each exchange.

    Returns what came of each exchange, and all that the sandbox was asked and answered.
    """
    parts = [Scenario(scenario.name, (each,)) for each in scenario.exchanges] if start.apart else [scenario]
    results: list[Result] = []
    log: list[LoggedRequest] = []
    with Sandbox(pace=Pace.reads(2)).serve() as running:
        for part in parts:
            running.reset()
            results += Player(part, start, running).play()
            log += running.requests
    return results, log
