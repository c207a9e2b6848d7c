"""Replays a recording to a fresh sandbox, in order, and reports the outcome of each exchange.

Some things differ by nature:

* Numbers of polls. The sandbox's own poll URL is followed, never the recorded one. A GET that shows the same unfinished
  state as the GET before it, of the same place and with nothing written in between, is a repeat: it is compared with the
  answer to that GET, and not sent again. Where the recording shows another state than the sandbox, the sandbox is read on
  until it shows that state, `PATIENCE` times.
* Numbers of pages. A recorded page after the last one of the sandbox is a repeat, too.
* Generated identifiers. Key versions, principals and pages are requested by the names the sandbox gave them (`Pairs`).
* Who calls. The caller is the sandbox's service principal. Where 401 is recorded, no token is sent (the first leg of a
  challenge), or one that has expired, as the recorded refusal states. Where the recorded caller had no permission, the
  token is that of a client without roles.
* Disturbances. Before an exchange that met one (`DISTURBANCES`), the fault that makes it is switched on.
* Recordings with several sources: each exchange gets a sandbox of its own.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import requests
from contract_compare import Response, differences
from contract_exceptions import excluded, explained, not_modelled
from contract_history import code_of
from contract_identifiers import Pairs
from contract_recordings import Exchange, Scenario, is_poll_path, state_of
from contract_start import Start, arrange
from support.sandbox import Client

from cmkctl.sandbox import TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.sandbox.planes.entra import issue
from cmkctl.sandbox.server import Running

PATIENCE = 12
LINKS = ("azure-asyncoperation", "location")
LONG_AGO = 7200
REFUSED_CALLERS = frozenset({"AuthorizationFailed", "Authorization_RequestDenied"})

DISTURBANCES: tuple[tuple[str, Callable[[Exchange], bool]], ...] = (
    (
        "poll-html-500",
        lambda exchange: exchange.is_poll and exchange.status == 500 and isinstance(exchange.answer, str),
    ),
    ("recover-500", lambda exchange: exchange.status == 500 and "Message" in (exchange.answer or {})),
    ("error-504", lambda exchange: exchange.method == "PUT" and code_of(exchange.answer) == "GatewayTimeout"),
)
"""Faults of the sandbox, each with what is recorded where Azure had one."""


class Outcome(Enum):
    """The outcome of one exchange."""

    AGREES = "agrees"
    REPEAT = "repeat"
    DIFFERS = "differs"
    NOT_MODELLED = "not modelled"
    EXCLUDED = "excluded"
    WRONG = "wrong"


@dataclass(frozen=True)
class Result:
    """An exchange, its outcome, and why: reasons of the tables, or the differences without one.

    Attributes:
        shown: what the sandbox answered; None when the exchange was not sent.
        pairs: the identifiers that recording and sandbox generated.
        known: the reasons of all differences that have one.

    """

    exchange: Exchange
    outcome: Outcome
    why: tuple[str, ...] = ()
    shown: Response | None = None
    pairs: Pairs = field(default_factory=Pairs)
    known: tuple[str, ...] = ()


@dataclass
class Player:
    """Plays one scenario to one sandbox."""

    scenario: Scenario
    start: Start
    running: Running
    links: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, Result] = field(default_factory=dict)
    last: dict[str, Result] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    pairs: Pairs = field(default_factory=Pairs)
    tokens: dict[str, str] = field(default_factory=dict)
    past_the_end: set[str] = field(default_factory=set)
    last_operation: str = ""

    def __post_init__(self) -> None:
        self.client = Client(self.running)

    def play(self) -> Iterator[Result]:
        """Play all exchanges, in the order they were sent in."""
        later = arrange(self.running, self.client, self.scenario, self.pairs)
        for number, step in self.start.before.items():
            later.setdefault(number, []).append(step)
        for exchange in self.scenario.exchanges:
            for step in later.get(exchange.number, ()):
                step(self.running, self.client)
            yield self._one(exchange)

    def _one(self, exchange: Exchange) -> Result:
        reason = excluded(self.scenario.short, exchange)
        if reason is not None:
            return Result(exchange, Outcome.EXCLUDED, (reason,))
        if exchange.is_poll and self._operation(exchange) not in self.links:
            first = self.missing.get(self._operation(exchange))
            if first is not None:
                return Result(exchange, first.outcome, (f"polls exchange {first.exchange.number}: {first.why[0]}",))
            return Result(exchange, Outcome.EXCLUDED, (BEGAN_OUTSIDE,))
        if exchange.method == "GET" and any(page in exchange.url for page in self.past_the_end):
            return Result(exchange, Outcome.REPEAT)
        repeated = self._repeated(exchange)
        return self._judged(exchange, self._until(exchange)) if repeated is None else repeated

    def _repeated(self, exchange: Exchange) -> Result | None:
        """Return the result of a GET after a GET, both unfinished, that differs in nothing more; None when it has to be sent."""
        last = self.last.get(_place(exchange))
        if last is None or last.shown is None or not (exchange.method == last.exchange.method == "GET"):
            return None
        if not exchange.is_unfinished or exchange.state != last.exchange.state:
            return None
        found = self._unexplained(exchange, last.shown)
        if not found:
            return Result(exchange, Outcome.REPEAT, (), last.shown, self.pairs)
        if set(found) <= set(last.why):
            return Result(
                exchange, Outcome.WRONG, (f"repeats exchange {last.exchange.number}",), last.shown, self.pairs
            )
        return None

    def _judged(self, exchange: Exchange, shown: Response) -> Result:
        if is_not_modelled(shown):
            return self._refused(exchange, shown)
        self._note_links(exchange, shown)
        self._learn_pages(exchange.answer, shown.body)
        self.pairs.learn_bodies(exchange.answer, shown.body)
        found = differences(exchange, shown, self.pairs)
        reasons = {each: explained(self.scenario.short, exchange, each) for each in found}
        wrong = tuple(each for each, reason in reasons.items() if reason is None)
        known = tuple(sorted({reason for reason in reasons.values() if reason is not None}))
        outcome = Outcome.WRONG if wrong else Outcome.DIFFERS if known else Outcome.AGREES
        result = Result(exchange, outcome, wrong or known, shown, self.pairs, known)
        self._note_missing_operation(result)
        self.last[_place(exchange)] = result
        return result

    def _refused(self, exchange: Exchange, shown: Response) -> Result:
        """Return the result of an exchange that the sandbox does not model: wrong unless a reason is declared."""
        what = next(iter(re.findall(r"sandbox does not model (.*?)\. This is a limit", shown.text)), shown.text[:200])
        reason = not_modelled(self.scenario.short, exchange)
        outcome = Outcome.WRONG if reason is None else Outcome.NOT_MODELLED
        result = Result(exchange, outcome, (f"not modelled: {what}" if reason is None else reason,), shown, self.pairs)
        self._note_missing_operation(result)
        return result

    def _note_missing_operation(self, result: Result) -> None:
        """Note an operation that the recording began and the sandbox did not: what polls it has the same outcome."""
        headers = result.exchange.headers
        for name in LINKS:
            if name in headers and _is_poll_link(headers[name]) and _token(headers[name]) not in self.links:
                self.last_operation = _token(headers[name])
                self.missing[self.last_operation] = result

    def _unexplained(self, exchange: Exchange, shown: Response) -> list[str]:
        found = differences(exchange, shown, self.pairs)
        return [each for each in found if explained(self.scenario.short, exchange, each) is None]

    # --- sending

    def _until(self, exchange: Exchange) -> Response:
        """Send the exchange; read again while it is a read, and the sandbox is not where the recording is."""
        for _ in range(PATIENCE if exchange.method == "GET" and exchange.status < 400 else 1):
            shown = self._send(exchange)
            same = _state(shown) == exchange.state and _length(shown.body) >= _length(exchange.answer)
            if same or is_not_modelled(shown) or shown.status >= 400:
                break
            self._read_deployment(exchange)
        return shown

    def _send(self, exchange: Exchange) -> Response:
        token = self._token_for(exchange)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url, body = self._url(exchange), exchange.body
        if body is not None:
            sent = self.pairs.translated(json.dumps(body))
            self.pairs.learn_texts(json.dumps(body), sent)
            body = json.loads(sent)
        fault = next((name for name, met in DISTURBANCES if met(exchange)), None)
        if fault is not None:
            self.running.state.add_fault(fault)
        answer = self.client.session.request(exchange.method, url, json=body, headers=headers, allow_redirects=False)
        self.running.state.clear_faults()
        return as_response(answer)

    def _read_deployment(self, exchange: Exchange) -> None:
        """Poll the deployment whose operations an exchange lists: it advances when it is polled itself."""
        match = re.search(r"/deployments/([^/]+)/operations$", exchange.path)
        urls = [url for links in self.links.values() for url in links.values()]
        for url in [url for url in urls if match is not None and f"/deployments/{match[1]}/" in url]:
            self.client("GET", url, api="")

    def _url(self, exchange: Exchange) -> str:
        if exchange.is_poll:
            links = self.links[self._operation(exchange)]
            wanted = "location" if "type=location" in exchange.url else "azure-asyncoperation"
            return links.get(wanted) or next(iter(links.values()))
        url = self.pairs.translated(exchange.url)
        self.pairs.learn_texts(exchange.url, url)
        for theirs, ours in self.pages.items():
            url = url.replace(theirs, ours)
        return url

    def _operation(self, exchange: Exchange) -> str:
        """Return what an operation is known by; a poll whose URL was masked is of the operation started last."""
        token = _token(exchange.url)
        return self.last_operation if set(token) == {"0"} else token

    # --- who calls

    def _token_for(self, exchange: Exchange) -> str:
        in_vault = exchange.host.endswith("vault.azure.net")
        audience = "https://vault.azure.net" if in_vault else f"https://{exchange.host}"
        if exchange.status == 401:
            expired = "expired" in exchange.headers.get("www-authenticate", "")
            return issue(audience, time.time() - LONG_AGO, "https://login.microsoftonline.com") if expired else ""
        if exchange.status == 403 and code_of(exchange.answer) in REFUSED_CALLERS:
            return self._token_without_roles(audience)
        if audience not in self.tokens:
            self.tokens[audience] = self.client.fetch_token(f"{audience}/.default")
        return self.tokens[audience]

    def _token_without_roles(self, audience: str) -> str:
        """Log in as a client that exists and has no role."""
        given = self.running.state.add_client("stranger", graph=())
        form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        login = {"client_id": given["AZURE_CLIENT_ID"], "client_secret": given["AZURE_CLIENT_SECRET"]}
        url = f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
        return str(self.client.session.post(url, data={**form, **login}).json()["access_token"])

    # --- what later requests need

    def _note_links(self, exchange: Exchange, shown: Response) -> None:
        links = {name: shown.headers[name] for name in LINKS if name in shown.headers}
        for name in LINKS:
            if name in exchange.headers and _is_poll_link(exchange.headers[name]) and links:
                self.last_operation = _token(exchange.headers[name])
                self.links.setdefault(self.last_operation, {}).update(links)
                if exchange.method != "GET":
                    self.last.pop(self.last_operation, None)
        if exchange.is_poll and links:
            self.links[self._operation(exchange)].update(links)

    def _learn_pages(self, theirs: Any, ours: Any) -> None:
        """Note what the sandbox calls the next page, or that it has none."""
        link = theirs.get("nextLink") if isinstance(theirs, dict) else None
        if not link:
            return
        own = (ours.get("nextLink") or "") if isinstance(ours, dict) else ""
        page, other = (re.search(r"skip[tT]oken=([^&]+)", each) for each in (link, own))
        if page is not None and other is not None:
            self.pages[page[1]] = other[1]
        elif page is not None:
            self.past_the_end.add(page[1])


BEGAN_OUTSIDE = "polls an operation that began outside of the recording"


def as_response(answer: requests.Response) -> Response:
    """Return an answer as a value."""
    return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.text)


def is_not_modelled(shown: Response) -> bool:
    """Return True when the sandbox does not model this, at once or as the cause of a failed operation."""
    return "SandboxNotModelled" in shown.text


def _state(shown: Response) -> tuple[int, str]:
    return shown.status, state_of(shown.body)


def _length(body: Any) -> int:
    """Return how many operations a deployment lists; 0 for any other body."""
    rows = body.get("value") if isinstance(body, dict) else None
    return len(rows) if isinstance(rows, list) and rows and "operationId" in rows[0] else 0


def _token(url: str) -> str:
    """Return what identifies an operation: the last segment of its URL."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].lower()


def _place(exchange: Exchange) -> str:
    return _token(exchange.url) + exchange.url.rpartition("type=")[2][:6] if exchange.is_poll else exchange.path.lower()


def _is_poll_link(url: str) -> bool:
    return is_poll_path(urlsplit(url).path)


def play(scenario: Scenario, start: Start) -> tuple[list[Result], list[LoggedRequest]]:
    """Play a scenario to a fresh sandbox; one with several sources, to a fresh one for each exchange.

    Returns the outcome of each exchange, and all requests and responses of the sandbox.
    """
    apart = [Scenario(scenario.name, (each,)) for each in scenario.exchanges]
    results: list[Result] = []
    log: list[LoggedRequest] = []
    with Sandbox(pace=Pace.reads(2, hurry=False)).serve() as running:
        for part in apart if scenario.apart else [scenario]:
            running.reset()
            results += Player(part, start, running).play()
            log += running.requests
    return results, log
