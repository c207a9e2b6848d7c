"""Azure regions: names, display names, and the check that a region exists."""

from cmkctl.sandbox.core import errors

DISPLAY_NAMES = (
    "Australia East", "Brazil South", "Canada Central", "Central India", "Central US", "Central US EUAP", "East Asia",
    "East US", "East US 2", "East US 2 EUAP",
    "France Central", "Germany West Central", "Italy North", "Japan East", "Japan West", "Korea Central",
    "North Central US", "North Europe", "Norway East", "Poland Central", "Qatar Central", "South Africa North",
    "South Central US", "Southeast Asia", "Spain Central", "Sweden Central", "Switzerland North", "UAE North", "UK South",
    "UK West", "West Central US", "West Europe", "West US", "West US 2", "West US 3",
    "USGov Arizona", "USGov Texas", "USGov Virginia", "China East 2", "China East 3", "China North 2", "China North 3",
)  # fmt: skip
LOCATIONS = {name.lower().replace(" ", ""): name for name in DISPLAY_NAMES}


def normal(location: str) -> str:
    """Return a location's short form: ``West US 3`` is ``westus3``."""
    return location.lower().replace(" ", "")


def require_location(location: str, resource_type: str = "") -> str:
    """Return the short form of a location that exists.

    Raises:
        AzureError: 400 when the sandbox knows no such region.

    """
    short = normal(location)
    if short in LOCATIONS:
        return short
    regions = ",".join(LOCATIONS)
    if resource_type:
        raise errors.location_unavailable(location, resource_type, regions)
    raise errors.group_location_unavailable(location, regions)
