"""AI Search on the sandbox: enforcement, and what the service reports of its objects."""

from __future__ import annotations

from support.sandbox import Client
from support.services import Services

API = "2025-05-01"


def test_enforcement_is_reported_with_the_objects_that_break_it(services: Services) -> None:
    """Without enforcement a service is compliant, whatever its objects have; the service has no place in a profile."""
    service = services.state.add_search_service("srch", "rg-ml", plain_objects=1)
    arm = Client(services.azure.running)

    before = arm("GET", service, api=API).json()["properties"]["encryptionWithCmk"]
    arm("PATCH", service, {"properties": {"encryptionWithCmk": {"enforcement": "Enabled"}}}, API)
    after = arm("GET", service, api=API).json()["properties"]["encryptionWithCmk"]
    key = {"encryptionWithCmk": {"serviceLevelEncryptionKey": {"keyVaultUri": "https://kv.vault.azure.net"}}}
    preview = arm("PATCH", service, {"properties": key}, "2026-03-01-preview")
    services.name({"search_services": [{"id": service}]})
    refused = services.encrypt()

    assert ("Unspecified", "Compliant") == (before["enforcement"], before["encryptionComplianceStatus"])
    assert ("Enabled", "NonCompliant") == (after["enforcement"], after["encryptionComplianceStatus"])
    assert "SandboxNotModelled" in preview.text
    assert 64 == refused.code
    assert "search_services" in refused.err + refused.out
