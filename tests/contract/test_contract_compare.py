"""The comparison notices each kind of difference, and accepts what differs by nature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from contract_compare import Response, differences, link_template, retry_after_agrees
from contract_identifiers import Pairs
from contract_recordings import Exchange

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
ONE, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
FIRST, SECOND = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
BODY: Mapping[str, Any] = {
    "id": VAULT,
    "type": "Microsoft.KeyVault/vaults",
    "tags": {"owner": "me"},
    "properties": {
        "vaultUri": "https://kv.vault.azure.net/",
        "days": 90,
        "protected": True,
        "made": "2024-01-01T00:00:00Z",
        "created": 1700000000,
        "principalId": ONE,
        "kid": f"https://kv.vault.azure.net/keys/k/{FIRST}",
        "words": ["get", "wrapKey"],
        "list": [{"a": 1}, {"a": 2}],
    },
}
OPERATION = "https://management.azure.com/subscriptions/s/providers/Microsoft.X/locations/westus/operationStatuses/"


def _exchange(**more: Any) -> Exchange:
    headers = {"content-type": "application/json; charset=utf-8"}
    plain = {"number": 0, "method": "GET", "url": f"https://management.azure.com{VAULT}", "body": None, "status": 200}
    return Exchange(**{**plain, "headers": headers, "answer": BODY, "keeps_retry_after": True, **more})


def _answer(body: Any, status: int = 200, **headers: str) -> Response:
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Response(status, named, json.dumps(body))


def _with(**changed: Any) -> dict[str, Any]:
    return {**BODY, "properties": {**BODY["properties"], **changed}}


def test_what_differs_by_nature_is_no_difference() -> None:
    """Moments, counts of time, generated identifiers, the order of lists."""
    other = _with(
        made="2026-11-21T23:00:00.5Z",
        created=1,
        principalId=OTHER,
        kid=f"https://kv.vault.azure.net/keys/k/{SECOND}",
        words=["wrapKey", "get"],
        list=[{"a": 2}, {"a": 1}],
    )

    assert [] == differences(_exchange(), _answer(other), Pairs())


@pytest.mark.parametrize(
    ("answer", "beginning"),
    [
        (_answer(BODY, 201), "status: recorded 200, sandbox 201"),
        (_answer(BODY, retry_after="1"), "header retry-after: recorded absent, sandbox 1"),
        (_answer(BODY, location="https://x"), "header location: recorded absent, sandbox https://x"),
        (_answer({**BODY, "tags": None}), "tags: recorded object, sandbox null"),
        (_answer({**BODY, "tags": {"owner": "you"}}), 'tags.owner: recorded "me", sandbox "you"'),
        (_answer(_with(more=True)), "properties.more: recorded absent, sandbox true"),
        (_answer(_with(days="90")), 'properties.days: recorded 90, sandbox "90"'),
        (_answer(_with(days=7)), "properties.days: recorded 90, sandbox 7"),
        (_answer(_with(days=None)), "properties.days: recorded 90, sandbox null"),
        (_answer(_with(protected=False)), "properties.protected: recorded true, sandbox false"),
        (_answer(_with(protected=1)), "properties.protected: recorded true, sandbox 1"),
        (_answer(_with(vaultUri="https://kv.vault.azure.net")), "properties.vaultUri: recorded"),
        (_answer(_with(kid=f"https://kv.vault.azure.net/keys/other/{FIRST}")), "properties.kid: recorded"),
        (_answer(_with(words=["get"])), 'properties.words: recorded ["get", "wrapKey"], sandbox ["get"]'),
        (_answer(_with(words=[])), 'properties.words: recorded ["get", "wrapKey"], sandbox []'),
        (_answer(_with(list=[])), "properties.list: recorded 2 items, sandbox 0"),
        (_answer(_with(list=[{"a": 1}])), "properties.list: recorded 2 items, sandbox 1"),
        (_answer(_with(list=[{"a": 1}, {"b": 2}])), "properties.list[].a: recorded 2, sandbox absent"),
        (_answer({**BODY, "id": VAULT.replace("KeyVault", "Keyvault")}), "id: recorded"),
        (_answer({**BODY, "id": VAULT.replace("/kv", "/other")}), "id: recorded"),
        (_answer({**BODY, "type": "Microsoft.KeyVault/other"}), 'type: recorded "Microsoft.KeyVault/vaults"'),
    ],
)
def test_a_difference_is_noticed(answer: Response, beginning: str) -> None:
    """Status, headers, names, types, values, lengths, the casing of ids."""
    found = sorted(differences(_exchange(), answer, Pairs()))

    assert [True] == [each.startswith(beginning) for each in found[:1]], found


@pytest.mark.parametrize("changed", [{"principalId": OTHER}, {"kid": f"https://kv.vault.azure.net/keys/k/{SECOND}"}])
def test_a_generated_identifier_keeps_its_partner(changed: dict[str, str]) -> None:
    """Once a recorded identifier has its partner in the sandbox, another one in its place is a difference."""
    pairs = Pairs()
    pairs.learn_bodies(BODY, BODY)

    assert [] == differences(_exchange(), _answer(BODY), pairs)
    assert 1 == len(differences(_exchange(), _answer(_with(**changed)), pairs))


def test_two_recorded_identifiers_have_two_partners() -> None:
    """A sandbox that gives one identifier to two things differs."""
    pairs = Pairs()
    pairs.learn(ONE, OTHER)

    assert (True, False, False) == (
        pairs.agree(ONE, OTHER),
        pairs.agree(ONE, ONE[:-1] + "6"),
        pairs.agree(ONE[:-1] + "6", OTHER),
    )
    assert f"/servers/{OTHER}" == pairs.translated(f"/servers/{ONE.upper()}")


@pytest.mark.parametrize(
    ("link", "same"),
    [
        (f"{OPERATION}{OTHER}?api-version=2024-01-01&t=1&s=abc", True),
        (f"{OPERATION.replace('westus', 'eastus')}{ONE}?api-version=1", False),
        (f"{OPERATION.replace('management.azure.com', 'example.org')}{ONE}?api-version=1", False),
        (f"{OPERATION}{ONE}", False),
        (f"{OPERATION}{ONE}?api-version=1&type=location", False),
        (f"{OPERATION}{ONE}/more?api-version=1", False),
    ],
)
def test_links_are_compared_by_host_and_template(link: str, same: bool) -> None:
    """The token of the operation and the signature may be others; host, path and query parameters may not."""
    assert same == (link_template(link) == link_template(f"{OPERATION}{ONE}?api-version=2023-01-01&c=x&h=y"))


@pytest.mark.parametrize(
    ("ours", "same"),
    [("15", True), ("5", True), ("45", True), ("4", False), ("46", False), ("0", False), ("soon", False)],
)
def test_retry_after_is_compared_as_a_range(ours: str, same: bool) -> None:
    """Azure gave 3 to 17 seconds to one and the same request; minutes or no wait at all are something else."""
    assert same == retry_after_agrees("15", ours)


def test_the_words_of_a_refusal_are_compared() -> None:
    """But for the identifiers in them."""
    text = f"Principal 90cc53e84a6e45b68339516448218ee0 does not exist in the directory {ONE}."
    recorded = _exchange(status=400, answer={"error": {"code": "PrincipalNotFound", "message": text}})
    same = {"error": {"code": "PrincipalNotFound", "message": text.replace("90cc", "1111").replace(ONE, OTHER)}}
    other = {"error": {"code": "PrincipalNotFound", "message": "[sandbox] There is no such principal."}}

    assert [] == differences(recorded, _answer(same, 400), Pairs())
    assert ["error.message"] == [each.partition(":")[0] for each in differences(recorded, _answer(other, 400), Pairs())]


def test_a_masked_group_in_the_name_of_a_property_may_be_any() -> None:
    """The values below it are compared, and their identifiers paired; another resource of that group differs."""
    identity = "/resourceGroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}"
    recorded = {identity.format("000000000000000", "one"): {"clientId": ONE}}
    same, another = ({identity.format("rg", name): {"clientId": OTHER}} for name in ("one", "two"))
    pairs = Pairs()
    pairs.learn_bodies(recorded, same)

    assert {ONE: OTHER} == pairs.ours
    assert [] == differences(_exchange(answer=recorded), _answer(same), pairs)
    assert 2 == len(differences(_exchange(answer=recorded), _answer(another), pairs))
