"""The comparison itself notices each kind of difference: a comparison that sees nothing would pass everything."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from contract_compare import differences
from contract_recordings import Exchange

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
BODY = {
    "id": VAULT,
    "type": "Microsoft.KeyVault/vaults",
    "tags": {"owner": "me"},
    "properties": {
        "vaultUri": "https://kv.vault.azure.net/",
        "days": 90,
        "made": "2024-01-01T00:00:00Z",
        "list": [{"a": 1}],
    },
}


def _exchange(**more: Any) -> Exchange:
    headers = {"content-type": "application/json; charset=utf-8"}
    plain = {"number": 0, "method": "GET", "url": f"https://management.azure.com{VAULT}", "body": None, "status": 200}
    return Exchange(**{**plain, "headers": headers, "answer": BODY, "keeps_retry_after": True, **more})


def _answer(body: Any, status: int = 200, **headers: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer._content = status, json.dumps(body).encode()
    answer.headers.update({"Content-Type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}})
    return answer


def _with(**changed: Any) -> dict[str, Any]:
    return {**BODY, "properties": {**BODY["properties"], **changed}}  # type: ignore[dict-item]


def test_what_differs_by_nature_is_no_difference() -> None:
    """Names, moments, numbers and free names of tags may be others."""
    other = _with(
        vaultUri="https://other.vault.azure.net/", days=7, made="2026-11-21T23:00:00.5Z", list=[{"a": 2}, {"a": 3}]
    )

    found = differences(_exchange(), _answer({**other, "id": VAULT.replace("/kv", "/other"), "tags": {"team": "ml"}}))

    assert [] == found


@pytest.mark.parametrize(
    ("answer", "beginning"),
    [
        (_answer(BODY, 201), "status: recorded 200, sandbox 201"),
        (_answer(BODY, Retry_After="1"), "header retry-after: absent, sandbox there"),
        (_answer(BODY, Location="https://x"), "header location: absent, sandbox there"),
        (
            _answer({name: value for name, value in BODY.items() if name != "tags"}),
            "tags: recorded object, sandbox absent",
        ),
        (_answer(_with(more=True)), "properties.more: recorded absent, sandbox boolean"),
        (_answer(_with(days="90")), "properties.days: recorded number, sandbox text"),
        (_answer(_with(days=None)), "properties.days: recorded number, sandbox null"),
        (_answer(_with(vaultUri="https://kv.vault.azure.net")), "properties.vaultUri: recorded url"),
        (_answer(_with(list=[{"b": 1}])), "properties.list[].a: recorded number, sandbox absent"),
        (_answer({**BODY, "id": VAULT.replace("KeyVault", "Keyvault")}), "id: recorded id"),
        (_answer({**BODY, "type": "Microsoft.KeyVault/other"}), "type: recorded 'Microsoft.KeyVault/vaults'"),
    ],
)
def test_a_difference_is_noticed(answer: requests.Response, beginning: str) -> None:
    """Status, headers, names, types, the forms of ids and URLs, words of enumerations."""
    found = sorted(differences(_exchange(), answer))

    assert [True] == [each.startswith(beginning) for each in found[:1]], found


def test_the_words_of_a_refusal_are_compared() -> None:
    """But for the ids in them."""
    text = "Principal 90cc53e84a6e45b68339516448218ee0 does not exist in the directory 00000000-0000-0000-0000-000000000000."
    recorded = _exchange(status=400, answer={"error": {"code": "PrincipalNotFound", "message": text}})
    same = {
        "error": {
            "code": "PrincipalNotFound",
            "message": text.replace("90cc", "1111").replace("00000000-", "11111111-"),
        }
    }
    other = {"error": {"code": "PrincipalNotFound", "message": "[sandbox] There is no such principal."}}

    assert [] == differences(recorded, _answer(same, 400))
    assert ["error.message"] == [each.partition(":")[0] for each in differences(recorded, _answer(other, 400))]
