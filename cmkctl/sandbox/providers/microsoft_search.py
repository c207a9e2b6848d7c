"""Microsoft.Search: usages of a region; search services exist in managed resource groups only."""

from cmkctl.sandbox.core import offers
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

VERSIONS = ("2022-09-01", "2023-11-01", "2025-05-01")
USAGES = "Microsoft.Search/locations/usages"


def list_usages(tenant: Tenant, call: Call) -> Reply:
    """Answer how many services of the tier standard a region has, and the limit."""
    tenant.require_registered(call["subscription"], "Microsoft.Search")
    location = require_location(call["location"], USAGES)
    row = offers.usages(tenant, offers.SEARCH_SERVICES, call["subscription"], location)
    head = f"/subscriptions/{call['subscription']}/providers/Microsoft.Search/locations/{location}/usages"
    return Reply(200, {"value": [{"id": f"{head}/{row['name']['value']}", **row}]})


PROVIDER = Provider(
    namespace="Microsoft.Search",
    coverage=(
        Area(
            "Azure Cosmos DB, Azure AI Search",
            supported=(
                "usages of AI Search in a region, for the tier standard; a service beyond the limit is refused",
            ),
            not_modelled=("accounts and services that a caller creates",),
        ),
    ),
    routes=(
        Route(
            "GET",
            "/subscriptions/{subscription}/providers/Microsoft.Search/locations/{location}/usages",
            list_usages,
            USAGES,
            VERSIONS,
        ),
    ),
    more_types=("searchServices",),
)
