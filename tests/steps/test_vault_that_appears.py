"""A vault appears between the last look at its name and the request that creates it: apply stops and states the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.scenarios import FOREIGN, GROUP, InterceptingTransport, ProfileVariant, ScenarioBuilder, World

from cmkctl.azure.ids import ResourceId
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile

pytestmark = pytest.mark.slow


class JustBefore(InterceptingTransport):
    """A transport in front of which something happens once, just before a PUT of one resource."""

    def __init__(self, inner: Any, resource_id: str, happens: Callable[[], object]) -> None:
        super().__init__(inner)
        self._resource_id = resource_id.lower()
        self._happens: Callable[[], object] | None = happens

    def before(self, request: Any) -> None:
        """Let it happen before the request."""
        path = request.url.lower().partition("?")[0]
        if request.method == "PUT" and path.endswith(self._resource_id) and self._happens:
            happens, self._happens = self._happens, None
            happens()


def appearing(builder: ScenarioBuilder, vault_id: Callable[[Profile], str]) -> tuple[Diagnostic, ...]:
    """Apply while a vault with another principal's access policy appears just before its PUT; return the diagnostics."""
    profile = builder.make(ProfileVariant(), World("new"))
    vault = ResourceId.parse(vault_id(profile))
    state = builder.running.state

    def appear() -> None:
        policy = {"tenantId": state.tenant.tenant_id, "objectId": FOREIGN[0], "permissions": {"secrets": ["get"]}}
        state.add_vault(vault.name, GROUP, accessPolicies=[policy])

    client = builder.client(lambda inner: JustBefore(inner, str(vault), appear))
    with pytest.raises(CmkctlError) as caught:
        client.apply(profile)
    return caught.value.diagnostics


@pytest.mark.parametrize(
    "vault_id",
    [lambda profile: profile.key_vault.resource_id, lambda profile: profile.associated_resources.key_vault_id],
    ids=["vault with the key", "workspace's own vault"],
)
def test_apply_stops_and_states_what_was_lost(builder: ScenarioBuilder, vault_id: Callable[[Profile], str]) -> None:
    """The owner's policies are gone, and the diagnostic names the vault, the loss and the way to restore it."""
    (lost,) = [each for each in appearing(builder, vault_id) if each.code == "CMK404"]

    assert lost.subject.rpartition("/")[2] in lost.detail
    assert "replaced all of its access policies" in lost.detail
    assert "az keyvault set-policy" in lost.remedy


def test_a_vault_of_our_own_is_no_such_vault(builder: ScenarioBuilder) -> None:
    """An undisturbed apply creates both vaults and ends well."""
    profile = builder.make(ProfileVariant(), World("new"))

    result = builder.client().apply(profile)

    assert not result.pending
