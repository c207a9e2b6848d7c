"""A service principal that a registration adds is waited for, also where the directory shows it late."""

from __future__ import annotations

from typing import Any, Final

import pytest
from support.scenarios import InterceptingTransport, ProfileVariant, ScenarioBuilder, World

from cmkctl.events import ChangeFinished
from cmkctl.plan import Action
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID

pytestmark = pytest.mark.slow

READS: Final = 4
"""How many reads of the directory pass before it shows the principal."""


class LateDirectory(InterceptingTransport):
    """A transport behind which the directory shows a new service principal only after some reads."""

    def __init__(self, inner: Any, tenant: Any) -> None:
        super().__init__(inner)
        self._tenant = tenant
        self._kept: dict[str, Any] = {}
        self._reads = 0

    def before(self, request: Any) -> None:
        """Hide the principal from the first reads after it was added."""
        if request.method != "GET" or "servicePrincipals" not in request.url:
            return
        with self._tenant.lock:
            principals = self._tenant.data["principals"]
            if COSMOS_DB_OBJECT_ID in principals and not self._kept:
                self._kept[COSMOS_DB_OBJECT_ID] = principals.pop(COSMOS_DB_OBJECT_ID)
            elif self._kept:
                self._reads += 1
                if self._reads >= READS:
                    principals.update(self._kept)


def test_apply_waits_for_the_principal_that_the_registration_adds(builder: ScenarioBuilder) -> None:
    """The registration is done when the directory is read again; the planned wait still holds, and the grant follows."""
    profile = builder.make(ProfileVariant(create_principal=False), World("new"))
    client = builder.client(lambda inner: LateDirectory(inner, builder.running.state.tenant))
    plan = client.plan(profile)

    result = client.apply(profile, plan)

    assert ["wait"] == [str(each.action) for each in plan.changes if each.kind == "service principal"]
    assert "service principal" in {each.change.kind for each in client.events if isinstance(each, ChangeFinished)}
    assert all(each.action is Action.NO_OP for each in result.changes)
