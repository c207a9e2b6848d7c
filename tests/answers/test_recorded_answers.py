"""What the real Azure was recorded answering is what cmkctl knows."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.rest import HttpRequest
from support.corrupted_responses import Scripted
from support.reference import RECORDINGS, needs_reference

from cmkctl.azure import decoding
from cmkctl.azure.decoding import DecodePolicy, document

IN_GROUP = r"/subscriptions/[^/]+/resourcegroups/[^/]+"
PLACES = (
    (r"/subscriptions/[^/]+", decoding.Subscription),
    (IN_GROUP, decoding.ResourceGroup),
    (r"/subscriptions/[^/]+/providers/[^/]+", decoding.Provider),
    (rf"{IN_GROUP}/providers/microsoft\.keyvault/vaults/[^/]+", decoding.Vault),
    (r"/subscriptions/[^/]+/providers/microsoft\.keyvault/locations/[^/]+/deletedvaults/[^/]+", decoding.DeletedVault),
    (rf"{IN_GROUP}/providers/microsoft\.machinelearningservices/workspaces/[^/]+", decoding.Workspace),
    (rf"{IN_GROUP}/providers/microsoft\.managedidentity/userassignedidentities/[^/]+", decoding.Identity),
    (rf"{IN_GROUP}/providers/microsoft\.storage/storageaccounts/[^/]+", decoding.Resource),
    (rf"{IN_GROUP}/providers/microsoft\.insights/components/[^/]+", decoding.Resource),
    (rf"{IN_GROUP}/providers/microsoft\.operationalinsights/workspaces/[^/]+", decoding.Resource),
    (rf"{IN_GROUP}/providers/microsoft\.containerregistry/registries/[^/]+", decoding.Resource),
    (r".*/providers/microsoft\.authorization/roleassignments", decoding.RoleAssignments),
    (r"/v1\.0/serviceprincipals", decoding.ServicePrincipals),
)


def recorded() -> list[tuple[Any, str, bytes]]:
    """Every answer of success to a read of what cmkctl reads, with its kind."""
    files = [json.loads(each.read_text(encoding="utf-8")) for each in sorted(RECORDINGS.glob("[0-9]*.json"))]
    reads = [
        (each["request"]["uri"], each["response"])
        for file in files
        for each in file["interactions"]
        if each["request"]["method"] == "GET" and each["response"]["status"] == 200
    ]
    return [
        (kind, uri, json.dumps(answer["body"]).encode())
        for uri, answer in reads
        for place, kind in PLACES
        if re.fullmatch(place, urlsplit(uri).path.lower().rstrip("/"))
    ]


def answered(uri: str, body: bytes) -> PipelineResponse[Any, Any]:
    """Return the result of a pipeline for it."""
    transport = Scripted(body).transport()
    url = f"https://management.azure.com{urlsplit(uri).path}"
    return Pipeline[Any, Any](transport, policies=[DecodePolicy()]).run(HttpRequest("GET", url), stream=True)


@needs_reference
def test_every_recorded_document_has_the_form_that_is_read() -> None:
    """Nothing that Azure really answered is refused as unknown, and none of it is left out but nulls."""
    found = recorded()

    assert {kind for _, kind in PLACES} - {decoding.Subscription, decoding.RoleAssignments} <= {
        kind for kind, _, _ in found
    }
    for kind, uri, body in found:
        assert decoding.without_nulls(json.loads(body)) == document(kind, answered(uri, body))


LEAST: dict[Any, list[Any]] = {
    decoding.Subscription: [{"tenantId": "t"}],
    decoding.Provider: [{"registrationState": "Registered"}],
    decoding.ResourceGroup: [{"location": "eastus2"}, {"location": "eastus2", "properties": {}}],
    decoding.Vault: [
        {"properties": {"tenantId": "t"}},
        {"properties": {"tenantId": "t", "sku": {}, "accessPolicies": [{"objectId": "o"}], "networkAcls": {}}},
        {"properties": {"tenantId": "t", "accessPolicies": [{"objectId": "o", "permissions": {}}]}},
    ],
    decoding.DeletedVault: [{"properties": {"vaultId": "/v"}}],
    decoding.Key: [{"properties": {"kty": "RSA", "keyUriWithVersion": "https://kv/keys/k/1", "attributes": {}}}],
    decoding.RoleAssignments: [{"value": [{"properties": {"scope": "/", "roleDefinitionId": "/r"}}]}],
    decoding.ServicePrincipals: [{"value": []}, {"value": [{"id": "o"}]}],
    decoding.Identity: [{"properties": {"principalId": "o"}}],
    decoding.Workspace: [
        {"properties": {}},
        {"identity": {}, "properties": {"encryption": {}}},
        {"properties": {"encryption": {"keyVaultProperties": {}, "identity": {}}}},
    ],
    decoding.Resource: [{"properties": {}}, {"sku": {}, "properties": {}}],
}


@pytest.mark.parametrize(("kind", "least"), [(kind, each) for kind, some in LEAST.items() for each in some])
def test_an_answer_may_lack_what_nothing_rests_on(kind: Any, least: Any) -> None:
    """A service leaves out what has no value; what everything rests on is what is left here."""
    assert least == document(kind, answered("https://management.azure.com/x", json.dumps(least).encode()))
