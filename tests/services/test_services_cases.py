"""Cases of every service: documents that Azure answered, and what the service makes of them.

A folder per service has `cases.yaml`. A case has a `promise`, the name of the `service`, and `documents` by the names of the
reads, laid over `usual`; null is an absent document, `denied` lists those that may not be read, and `recorded` names file and
number of the interaction whose response is the document, or a list of such for the items of a listing. `unread` lists the
details that were left unread. `posture` has what is expected of the verdict and of its `parts` by name, `aspects` of the
protections beside it: a state by topic. `references` has the resources that the documents name, as `[relation, id or host]`;
`hosts` and `owners` are lists. `want` has the writes for `settings` and `key`, a refusal, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.planning import merged
from support.reference import ARM_TYPES, REFERENCE, require_reference

from cmkctl.azure.documents import at_path
from cmkctl.azure.ids import resource_type
from cmkctl.plan import Json
from cmkctl.posture import Posture, State, Verdict
from cmkctl.profile.section import Section
from cmkctl.services import services
from cmkctl.services.base import (
    Answer,
    Documents,
    EncryptableService,
    KeyReference,
    Read,
    Refusal,
    Service,
    ServiceSettings,
    with_linked,
)

HERE = Path(__file__).parent
BY_NAME = {each.name: each for each in services()}


@cache
def _cases() -> tuple[Any, ...]:
    pages = {each: yaml.safe_load(each.read_text(encoding="utf-8")) for each in sorted(HERE.glob("*/cases.yaml"))}
    return tuple(
        pytest.param(merged(page["usual"], case), id=f"{path.parent.name}: {case['promise']}")
        for path, page in pages.items()
        for case in page["cases"]
    )


def recorded(file: str, number: int) -> Any:
    """Return a response that Azure was recorded giving, without nulls. Skips where the recordings are missing."""
    require_reference()
    path = next(REFERENCE.glob(f"recordings*/{file}.json"))
    return json.loads(path.read_text(encoding="utf-8"))["interactions"][number]["response"]["body"]


def _recorded(where: list[Any]) -> Any:
    return {"value": [recorded(*each) for each in where]} if isinstance(where[0], list) else recorded(*where)


def settings_of(case: Mapping[str, Any]) -> ServiceSettings:
    """Return the settings of a case."""
    service = BY_NAME[case["service"]]
    assert isinstance(service, EncryptableService)
    settings: ServiceSettings = service.settings.model_validate(case["settings"])
    assert isinstance(settings, Section)
    return settings


def key_of(case: Mapping[str, Any]) -> KeyReference:
    """Return the key of a case."""
    return KeyReference(**case["key"])


def documents_of(case: Mapping[str, Any]) -> Documents:
    """Return the documents of a case. A read that the case has no document for is absent."""
    given = deepcopy(case.get("documents") or {})
    given |= {name: _recorded(where) for name, where in (case.get("recorded") or {}).items()}
    service, denied = BY_NAME[case["service"]], case.get("denied") or []
    reads = [*service.reads(case["settings"]["id"])]
    if isinstance(service, EncryptableService):
        reads += service.reads_to_encrypt(settings_of(case), key_of(case))
    details = service.details(case["settings"]["id"])
    reads += [each for each in details if each.name not in (case.get("unread") or [])]

    def answered(reads: Iterable[Read]) -> list[Answer]:
        return [Answer(each, given.get(each.name), denied=each.name in denied) for each in reads]

    documents = with_linked(service, Documents(answered(reads)), answered)
    assert given.keys() <= {*documents.names}
    return documents


@pytest.mark.parametrize("case", [*_cases()])
def test_case(case: Mapping[str, Any]) -> None:
    """A service makes of these documents what the case has."""
    service = BY_NAME[case["service"]]
    documents = documents_of(case)

    found: dict[str, Any] = {}
    if "posture" in case:
        found["posture"] = _shown(service.posture(documents), case["posture"])
    if "aspects" in case:
        found["aspects"] = _aspects(service, documents, case["aspects"])
    if "references" in case:
        found["references"] = [[each.relation, each.resource_id or each.host] for each in service.references(documents)]
    if "hosts" in case:
        found["hosts"] = [*service.hosts(documents)]
    if "owners" in case:
        found["owners"] = [*service.owners(documents)]
    if "want" in case:
        assert isinstance(service, EncryptableService)
        found["want"] = _wanted(service, settings_of(case), documents, key_of(case))

    assert found
    assert {name: case[name] for name in found} == found


@pytest.mark.parametrize("service", BY_NAME)
def test_a_value_of_the_wrong_type_is_never_taken_for_microsofts_key(service: str) -> None:
    """Put 7 in the place of each value that a customer's key rests on, and of each block around it."""
    cases = [each.values[0] for each in _cases()]
    for case in (each for each in cases if service == each["service"] and _of_the_customer(each)):
        documents = documents_of(case)
        for broken, where in _broken(BY_NAME[service], documents):
            assert Verdict.MICROSOFT is not BY_NAME[service].posture(broken).verdict, (case["promise"], where)
            BY_NAME[service].aspects(broken)
            BY_NAME[service].references(broken)
            BY_NAME[service].hosts(broken)


def _of_the_customer(case: Mapping[str, Any]) -> bool:
    return (case.get("posture") or {}).get("verdict") in {"customer", "mixed"}


def _broken(service: Service, documents: Documents) -> Iterator[tuple[Documents, str]]:
    """Yield the documents with 7 in one place each, and the name of that place."""
    found = service.posture(documents)
    shown = (*found.evidence, *(each for part in found.parts for each in part.posture.evidence))
    places = {
        (each.resource_id.lower(), each.path.rsplit(".", up)[0])
        for each in shown
        for up in range(each.path.count("."))
        if each.value not in (None, "")
    }
    for answer in documents.answers:
        for path in sorted(path for where, path in places if where == answer.read.path.lower()):
            above, _, last = path.rpartition(".")
            document = deepcopy(answer.document)
            block = at_path(document, above)
            if document is not None and isinstance(block, dict) and last in block:
                block[last] = 7
                yield documents.replacing(answer.read.name, document), f"{answer.read.name}: {path}"


def _shown(posture: Posture, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a posture that the case has. A verdict on a document that was read has evidence."""
    assert posture.reason
    assert posture.evidence or posture.verdict is Verdict.NOT_VISIBLE
    every = {
        "verdict": posture.verdict.value,
        "reason": posture.reason,
        "key": posture.key,
        "key_version": posture.key_version,
        "follows": None if posture.follows is None else str(posture.follows),
        "reader": posture.reader,
        "source": posture.source and posture.source.value,
        "evidence": {each.path: each.value for each in posture.evidence},
        "parts": {
            each.name: _shown(each.posture, like["parts"].get(each.name, {}))
            for each in posture.parts
            if "parts" in like
        },
    }
    return {name: every[name] for name in ("verdict", *like)}


def _aspects(service: Service, documents: Documents, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of the protections by topic; of one that the case describes by a mapping, those members."""
    found: dict[str, Any] = {}
    for each in service.aspects(documents):
        assert each.reason
        judged = {State.ENFORCED, State.PLATFORM, State.NOT_ENFORCED, State.NOT_SET}
        assert each.topic in service.protections or each.state not in judged
        every = {
            "state": each.state.value,
            "reason": each.reason,
            "evidence": {shown.path: shown.value for shown in each.evidence},
        }
        wanted = like.get(each.topic)
        found[each.topic] = {name: every[name] for name in wanted} if isinstance(wanted, Mapping) else every["state"]
    return found


def _wanted(
    service: EncryptableService[Any], settings: ServiceSettings, documents: Documents, key: KeyReference
) -> Json:
    wanted = service.want(settings, documents, key)
    if isinstance(wanted, Refusal):
        assert wanted.ways_out
        return {"code": wanted.code, "reason": wanted.reason}
    for each in wanted:
        assert each.reason
        assert each.attributes
    below = len(settings.id)
    return [{f"{each.method} {each.resource_id[below:]}".strip(): each.body} for each in wanted]


@pytest.mark.parametrize("service", services(), ids=lambda each: each.name)
def test_every_service_has_cases_of_each_kind(service: Service) -> None:
    """The verdict not-visible and another one; for one that sets keys a write or a refusal, and nothing to do."""
    cases = [each.values[0] for each in _cases() if each.values[0]["service"] == service.name]

    verdicts = {each["posture"]["verdict"] for each in cases if "posture" in each}
    wants = [each["want"] for each in cases if "want" in each]
    assert verdicts > {"not-visible"}
    assert isinstance(service, EncryptableService) == bool(wants)
    assert not wants or ([] in wants and any(wants))


@cache
def _type(kind: str, version: str) -> Mapping[str, Any] | None:
    files = {each.name.lower(): each for each in ARM_TYPES.glob(f"*@{version}.json")}
    found = files.get(f"{kind.replace('/', '.')}@{version}.json".lower())
    page: Mapping[str, Any] | None = None if found is None else json.loads(found.read_text(encoding="utf-8"))
    return page


def _wrong(page: Mapping[str, Any], kind: Any, body: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield each member of a body that the type does not have, or that belongs to the service."""
    while "$ref" in kind:
        kind = page["$defs"][kind["$ref"].partition("#/$defs/")[2]]
    for name, value in body.items():
        here, member = f"{path}.{name}".lstrip("."), kind.get("properties", {}).get(name)
        if member is None:
            if kind.get("additionalProperties", True) is False:
                yield f"{here} is unknown"
        elif member.get("readOnly"):
            yield f"{here} is read-only"
        elif isinstance(value, Mapping):
            yield from _wrong(page, member, value, here)


def test_every_write_of_a_case_is_published() -> None:
    """For the types and api-versions that the reference has, among them the flexible servers."""
    require_reference()
    found: set[str] = set()
    problems: list[str] = []
    for case in [each.values[0] for each in _cases()]:
        service = BY_NAME[case["service"]]
        if not isinstance(service, EncryptableService) or not isinstance(case.get("want"), list):
            continue
        wanted = service.want(settings_of(case), documents_of(case), key_of(case))
        for each in () if isinstance(wanted, Refusal) else wanted:
            kind = resource_type(each.resource_id)
            if page := _type(kind, each.api_version):
                found.add(kind)
                problems += [f"{kind}: {one}" for one in _wrong(page, page, each.body)]

    assert [] == problems
    assert {"Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforMySQL/flexibleServers"} <= found
