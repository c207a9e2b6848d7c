"""Faults of the connection: responses in place of the service's, and connections that close without one.

The shapes are Azure's (recordings 01, 27, 44, 60; facts 4, 8, 20, 22 and 36); where the words are not recorded they begin
with ``[sandbox]``. Unless a fault is aimed it is for Azure Resource Manager; aimed, it reaches Graph and vaults, too, and
the login host when the target names it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.faults import Faults
from cmkctl.sandbox.core.messages import Call, Reply, refused
from cmkctl.sandbox.core.permissions import action_of
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes.tokens import expired

WRITES = ("PUT", "POST", "PATCH", "DELETE")
POLL = re.compile(r"/(\w*operation(s?status(es)?|s?results?|s)|asyncoperations|diskoperations)/", re.IGNORECASE)
WAIT_SECONDS = 2
HTML_500 = (
    "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>\r\n"
    "<center><h1>500 Internal Server Error</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)

Answer = Callable[[Tenant, Call], Reply]
Condition = Callable[[Call], bool]


def is_poll(call: Call) -> bool:
    """Return whether a request polls an operation."""
    return call.method == "GET" and POLL.search(call.path) is not None


def _any(call: Call) -> bool:  # noqa: ARG001  every condition has the same form
    return True


def _is_write(call: Call) -> bool:
    return call.method in WRITES


def _is_recovery(call: Call) -> bool:
    return call.method == "PUT" and "/vaults/" in call.path.lower() and b'"recover"' in call.body.lower()


@dataclass(frozen=True)
class Induced:
    """The response of a fault in place of the service's, and the requests it is for."""

    answer: Answer
    when: Condition = _any


# --- answers


def _throttle_seconds(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.throttled(WAIT_SECONDS))


def _throttle_date(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    # By the machine's clock, against which the client will hold it, however far ahead the sandbox's own is.
    return refused(errors.throttled(formatdate(tenant.wall() + WAIT_SECONDS, usegmt=True)))


def _throttle_text(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    wanted = action_of(call)
    return refused(errors.throttled_in_text(wanted.name if wanted else "read", WAIT_SECONDS))


def _throttle_bare(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.throttled_bare())


def _throttle_capital(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    text = errors.throttled_capital().message
    entity = {"ExtendedCode": "59207", "MessageTemplate": text, "Parameters": [], "Code": "429", "Message": text}
    details = [{"Message": text}, {"Code": "429"}, {"ErrorEntity": entity}]
    return Reply(429, {"Code": "429", "Message": text, "Target": None, "Details": details, "Innererror": None})


def _throttle_retryable(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.retryable(call.path))


def _error_500(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.immutable_changed())


def _error_502(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.bad_gateway(_namespace(call)))


def _error_503(tenant: Tenant, call: Call) -> Reply:
    return refused(errors.server_timeout(_compact(tenant.timestamp()), _subscription(call)))


def _error_504(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return refused(errors.gateway_timeout(_namespace(call)))


def _html_500(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return Reply(500, HTML_500, content_type="text/html")


def _recover_500(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return Reply(500, {"Message": "An error has occurred."})


def _unheard(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every answer has the same form
    return Reply(0, drop=True)


def _token_expired(tenant: Tenant, call: Call) -> Reply:
    return refused(expired(call, tenant.clock(), tenant.clock()))


def _compact(timestamp: str) -> str:
    return f"{timestamp[:19].replace('-', '').replace(':', '')}Z"


def _subscription(call: Call) -> str:
    parts = call.path.split("/")
    return parts[2] if len(parts) > 2 else ""


def _namespace(call: Call) -> str:
    _, _, rest = call.path.partition("/providers/")
    return rest.partition("/")[0] or "Microsoft.Resources"


BEFORE = {
    "throttle-seconds": Induced(_throttle_seconds),
    "throttle-date": Induced(_throttle_date),
    "throttle-text": Induced(_throttle_text),
    "throttle-bare": Induced(_throttle_bare),
    "throttle-capital": Induced(_throttle_capital),
    "throttle-retryable": Induced(_throttle_retryable),
    "error-500": Induced(_error_500),
    "error-502": Induced(_error_502),
    "unavailable-once": Induced(_error_503),
    "error-504": Induced(_error_504),
    "poll-html-500": Induced(_html_500, is_poll),
    "recover-500": Induced(_recover_500, _is_recovery),
    "reset-before-write": Induced(_unheard, _is_write),
    "token-expired": Induced(_token_expired, is_poll),
}
AFTER = ("timeout-after-write", "reset-after-write")


# --- when they strike


def before(tenant: Tenant, call: Call) -> Reply | None:
    """Return the answer a fault gives instead of the service, if any."""
    faults = tenant.faults
    if not faults or not _reachable(call):
        return None
    for name, induced in BEFORE.items():
        if _strikes(faults, name, induced.when, call):
            return induced.answer(tenant, call)
    return _by_chance(tenant, call)


def after(tenant: Tenant, call: Call, reply: Reply) -> Reply:
    """Return what the client gets once the service has handled the request."""
    if not tenant.faults or not _is_write(call) or not _reachable(call):
        return reply
    for name in AFTER:
        if name == call.struck or _strikes(tenant.faults, name, _is_write, call):
            return _lost(tenant, call, reply, name)
    return reply


def _lost(tenant: Tenant, call: Call, reply: Reply, name: str) -> Reply:
    if name == "reset-after-write":
        return Reply(drop=True, status=reply.status, body=reply.body)
    return _error_504(tenant, call)


def _reachable(call: Call) -> bool:
    """Return whether faults reach a request at all: the unauthenticated one that requests a challenge is left alone."""
    return call.service is Service.LOGIN or "authorization" in call.headers


def _strikes(faults: Faults, name: str, when: Condition, call: Call) -> bool:
    subjects = (call.path, f"{call.host}{call.path}")
    for fault in faults.active:
        if fault.kind.name == name and fault.hits(subjects, call.method) and _meant(call, fault.pattern, fault.aimed):
            if not when(call):
                continue
            fault.count()
            return True
    return False


def _meant(call: Call, pattern: str, aimed: bool) -> bool:
    if call.service is Service.LOGIN:
        return "login" in pattern.lower()
    return aimed or call.service is Service.ARM


def _by_chance(tenant: Tenant, call: Call) -> Reply | None:
    chance = tenant.faults.chance
    if chance is None or call.service is Service.LOGIN:
        return None
    picked = chance.pick(_possible(call))
    if picked in AFTER:
        call.struck = str(picked)
        return None
    return BEFORE[picked].answer(tenant, call) if picked else None


def _possible(call: Call) -> Sequence[str]:
    names = [name for name, induced in BEFORE.items() if induced.when(call)]
    return (*names, *AFTER) if _is_write(call) else names
