"""Managed HSMs: there are none, and none can be made. The az CLI lists them with the vaults, so the lists are there."""

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults

COVERAGE = Area("key vaults", supported=("managed HSMs: empty lists",), not_modelled=("managed HSMs themselves",))

VERSIONS = tuple(version for version in vaults.VERSIONS if version >= "2021-04-01-preview")


def none(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer that there is none."""
    return Reply(200, {"value": []})


def none_in_group(tenant: Tenant, call: Call) -> Reply:
    """Answer that there is none in a group, if there is the group."""
    tenant.group(call["subscription"], call["group"])
    return none(tenant, call)


_PROVIDER = "/providers/Microsoft.KeyVault/"
ROUTES = tuple(
    Route(
        "GET",
        f"/subscriptions/{{subscription}}{scope}{_PROVIDER}{name}",
        handler,
        f"Microsoft.KeyVault/{name}",
        VERSIONS,
    )
    for scope, name, handler in (
        ("", "managedHSMs", none),
        ("/resourceGroups/{group}", "managedHSMs", none_in_group),
        ("", "deletedManagedHSMs", none),
    )
)
