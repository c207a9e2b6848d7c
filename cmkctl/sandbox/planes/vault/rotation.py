"""Rotation: a new version now, and the policy by which Azure would make one by itself; the sandbox never does."""

import re

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Json, Reply
from cmkctl.sandbox.planes.vault import bodies, records, views
from cmkctl.sandbox.planes.vault.context import Context
from cmkctl.sandbox.providers.microsoft_keyvault.keys import properties_of

DURATION = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?", re.IGNORECASE)
DAYS = (365, 30, 7, 1)
LEAST_EXPIRY = 28
LEAST_TRIGGER = 7
NOTIFY = {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}
"""The default action of every policy: near expiry, an event is sent."""


def rotate(context: Context) -> Reply:
    """Make a new version like the newest one, with the expiry of the policy (recording 21)."""
    record = records.existing(context)
    newest = record["versions"][-1]
    properties = properties_of(record, newest)
    expiry = ((properties.get("rotationPolicy") or {}).get("attributes") or {}).get("expiryTime")
    moment = int(context.tenant.clock()) + _days(expiry) * records.DAY if expiry else None
    properties = {**properties, "attributes": {"exp": moment}}
    made = records.add_version(context, properties, records.tags_of(record, newest))
    return Reply(200, views.bundle(context, made, made["versions"][-1]))


def get_policy(context: Context) -> Reply:
    """Answer the policy; a key that never got one has the default."""
    return Reply(200, _view(context, records.existing(context)["doc"]["properties"].get("rotationPolicy") or {}))


def put_policy(context: Context) -> Reply:
    """Replace the policy, 200."""
    record = records.existing(context)
    sent = bodies.read(context.call, bodies.POLICY)
    expiry = (sent.get("attributes") or {}).get("expiryTime")
    actions = sent.get("lifetimeActions") or []
    _check(actions, _days(expiry) if expiry else None)
    now = int(context.tenant.clock())
    known = record["doc"]["properties"].get("rotationPolicy") or {}
    created = (known.get("attributes") or {}).get("created", now)
    attributes = {**({"expiryTime": expiry} if expiry else {}), "created": created, "updated": now}
    kept = {"lifetimeActions": [_action(action) for action in actions], "attributes": attributes}
    record["doc"]["properties"]["rotationPolicy"] = kept
    context.tenant.changed()
    return Reply(200, _view(context, kept))


def _view(context: Context, policy: Json) -> Json:
    actions = [_action(action) for action in policy.get("lifetimeActions") or []]
    if all(action["action"]["type"] != "Notify" for action in actions):
        actions.append(NOTIFY)
    identifier = f"{views.kid(context, records.existing(context))}/rotationpolicy"
    return {"id": identifier, "lifetimeActions": actions, "attributes": policy.get("attributes") or {}}


def _action(action: Json) -> Json:
    """Write an action as the data plane does; ARM has its types in lower case."""
    trigger = {name: value for name, value in action["trigger"].items() if value is not None}
    return {"trigger": trigger, "action": {"type": action["action"]["type"].capitalize()}}


def _days(text: str) -> int:
    match = DURATION.fullmatch(text)
    if match is None:
        raise errors.duration_invalid(text)
    return sum(int(amount or 0) * days for amount, days in zip(match.groups(), DAYS, strict=True))


def _check(actions: list[Json], expiry: int | None) -> None:
    """Apply the rules of a policy: 28 days to expiry, 7 to and from each rotation, one action of a kind."""
    if expiry is not None and expiry < LEAST_EXPIRY:
        raise errors.expiry_too_short(LEAST_EXPIRY, expiry)
    kinds = [action["action"]["type"].lower() for action in actions]
    if len(kinds) != len(set(kinds)):
        raise errors.lifetime_actions_repeated()
    for action in actions:
        _check_action(action, expiry)


def _check_action(action: Json, expiry: int | None) -> None:
    after, before = (action["trigger"].get(name) for name in ("timeAfterCreate", "timeBeforeExpiry"))
    rotates = action["action"]["type"].lower() == "rotate"
    if bool(after) == bool(before):
        raise errors.trigger_ambiguous()
    if after and not rotates:
        raise errors.notify_after_create()
    if before and rotates and expiry is None:
        raise errors.trigger_needs_expiry()
    days = _days(after or before)
    if days < LEAST_TRIGGER or (expiry is not None and days > expiry - LEAST_TRIGGER):
        raise errors.trigger_too_close(LEAST_TRIGGER)
