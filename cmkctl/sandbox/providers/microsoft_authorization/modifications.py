"""Arranged policies with the effect modify."""

from typing import Any

from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.routing import Route

COVERAGE = Area(
    "policy, rights, quota",
    supported=("policies with the effect modify, by type and property (only arranged): they alter the body of a PUT",),
)
ROUTES: tuple[Route, ...] = ()


def add_modification(state: Arrangement, resource_type: str, path: str, value: Any) -> None:
    """Assign a policy that writes a value, such as ``properties.publicNetworkAccess``, into every new resource of a type."""
    with state.arranging():
        state.tenant.table("modifications")[f"{resource_type}|{path}".lower()] = {
            "type": resource_type.lower(),
            "path": path,
            "value": value,
        }
