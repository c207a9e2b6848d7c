"""The resources of a group or a subscription in ARM's short form, with the filters clients send.

The filters are those of the reference of *Resources - List*: comparisons by ``eq`` and ``ne``, joined by ``and``,
and ``substringof`` of a name (azure-ai-ml, recording 06). The az CLI and Terraform find a vault's
group by them (recordings 40, 73).
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_resources import groups

COVERAGE = Area(
    "resource groups",
    supported=("the resources of a group or subscription, with `$filter` by type, name, group, location, tag",),
)

SHORT = ("id", "name", "type", "location", "tags", "kind", "managedBy", "sku", "identity")
PART = re.compile(r"\s*substringof\(\s*'([^']*)'\s*,\s*(name)\s*\)\s*", re.IGNORECASE)
TERM = re.compile(r"\s*(\w+)\s+(eq|ne)\s+'([^']*)'\s*", re.IGNORECASE)
CONTAINS = "substringof"
AND = re.compile(r"\s+and\s+", re.IGNORECASE)
VALUES: dict[str, Callable[[Json], str]] = {
    "resourcetype": lambda document: str(document["type"]),
    "name": lambda document: str(document["name"]),
    "resourcegroup": lambda document: ids.group_of(document["id"]).rpartition("/")[2],
    "location": lambda document: normal(str(document["location"])),
}
"""The value of a resource that a filter compares, by the filter's lower-case word."""


def list_in_group(tenant: Tenant, call: Call) -> Reply:
    """Answer the resources in a group."""
    return _listing(call, tenant.resources_in(tenant.group(call["subscription"], call["group"])["doc"]["id"]))


def list_in_subscription(tenant: Tenant, call: Call) -> Reply:
    """Answer the resources of a subscription."""
    return _listing(call, tenant.resources_in(f"/subscriptions/{call['subscription']}"))


def _listing(call: Call, records: Iterable[Json]) -> Reply:
    wanted = _condition(call.query.get("$filter", ""))
    found = [_short(row["doc"]) for row in records if row["doc"]["type"].count("/") == 1 and wanted(row["doc"])]
    return Reply(200, _page(call, found))


def _short(document: Json) -> Json:
    return {name: document[name] for name in SHORT if document.get(name) is not None}


def _page(call: Call, rows: list[Json]) -> Json:
    """Return the rows from ``$skiptoken`` on, ``$top`` of them, and where the rest is."""
    start, most = _number(call, "$skiptoken"), _number(call, "$top")
    end = start + most if most else len(rows)
    if end >= len(rows):
        return {"value": rows[start:]}
    rest = {**call.query, "$skiptoken": str(end)}
    return {"value": rows[start:end], "nextLink": f"{call.url}{call.path}?{urlencode(rest)}"}


def _number(call: Call, name: str) -> int:
    text = call.query.get(name, "0")
    if not text.isdecimal():
        raise errors.property_refused(name, f"is {text!r}, not a number")
    return int(text)


def _condition(text: str) -> Callable[[Json], bool]:
    terms = [_term(text, term) for term in AND.split(text.strip())] if text.strip() else []
    tags = dict(term for term in terms if term[0].startswith("tag"))
    if "tagvalue" in tags and "tagname" not in tags:
        raise errors.not_modelled(f"the resource filter {text!r}")
    return lambda document: all(_holds(document, *term, tags) for term in terms)


def _term(text: str, term: str) -> tuple[str, tuple[str, str]]:
    part = PART.fullmatch(term)
    if part is not None:
        return part[2].lower(), (CONTAINS, part[1])
    match = TERM.fullmatch(term)
    if match is None or match[1].lower() not in {*VALUES, "tagname", "tagvalue"}:
        raise errors.not_modelled(f"the resource filter {text!r}")
    return match[1].lower(), (match[2].lower(), match[3])


def _holds(document: Json, word: str, condition: tuple[str, str], tags: dict[str, tuple[str, str]]) -> bool:
    operator, value = condition
    if operator == CONTAINS:
        return value.lower() in VALUES[word](document).lower()
    if word in VALUES:
        same = VALUES[word](document).lower() == (normal(value) if word == "location" else value.lower())
        return same == (operator == "eq")
    have = {name.lower(): held for name, held in (document.get("tags") or {}).items()}
    name = tags["tagname"][1].lower()
    return name in have if word == "tagname" else have.get(name) == value


_RESOURCES = "/resources"
ROUTES = (
    Route("GET", groups.ONE + _RESOURCES, list_in_group, groups.TYPE, groups.VERSIONS),
    Route("GET", "/subscriptions/{subscription}" + _RESOURCES, list_in_subscription, groups.TYPE, groups.VERSIONS),
)
