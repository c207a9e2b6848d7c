"""The Azure regions, by programmatic name, of each cloud, and what a name that is not among them probably means.

As published on 2026-05-24. Sources: https://learn.microsoft.com/azure/reliability/regions-list,
https://learn.microsoft.com/azure/azure-government/documentation-government-welcome and
https://learn.microsoft.com/azure/china/overview-datacenter. The list ages, so it never decides alone: a name that
could be that of a newer region is accepted with a warning.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from cmkctl.azure.clouds import Cloud

REGIONS: Final = {
    Cloud.AZURE: frozenset(
        [
            "australiacentral",
            "australiacentral2",
            "australiaeast",
            "australiasoutheast",
            "austriaeast",
            "belgiumcentral",
            "brazilsouth",
            "brazilsoutheast",
            "canadacentral",
            "canadaeast",
            "centralindia",
            "centralus",
            "centraluseuap",
            "chilecentral",
            "eastasia",
            "eastus",
            "eastus2",
            "eastus2euap",
            "francecentral",
            "francesouth",
            "germanynorth",
            "germanywestcentral",
            "indonesiacentral",
            "israelcentral",
            "italynorth",
            "japaneast",
            "japanwest",
            "jioindiacentral",
            "jioindiawest",
            "koreacentral",
            "koreasouth",
            "malaysiawest",
            "mexicocentral",
            "newzealandnorth",
            "northcentralus",
            "northeurope",
            "norwayeast",
            "norwaywest",
            "polandcentral",
            "qatarcentral",
            "southafricanorth",
            "southafricawest",
            "southcentralus",
            "southeastasia",
            "southindia",
            "spaincentral",
            "swedencentral",
            "swedensouth",
            "switzerlandnorth",
            "switzerlandwest",
            "uaecentral",
            "uaenorth",
            "uksouth",
            "ukwest",
            "westcentralus",
            "westeurope",
            "westindia",
            "westus",
            "westus2",
            "westus3",
        ]
    ),
    Cloud.US_GOVERNMENT: frozenset(["usdodcentral", "usdodeast", "usgovarizona", "usgovtexas", "usgovvirginia"]),
    Cloud.CHINA: frozenset(["chinaeast", "chinaeast2", "chinaeast3", "chinanorth", "chinanorth2", "chinanorth3"]),
}

EXAMPLE: Final = {Cloud.AZURE: "eastus2", Cloud.US_GOVERNMENT: "usgovvirginia", Cloud.CHINA: "chinanorth3"}
"""A region of each cloud that has what cmkctl creates."""

_NEAR: Final = 2
_COMPASS: Final = re.compile("(?:north|south|east|west|central)+")


class Match(Enum):
    """The relation of a name to the list."""

    KNOWN = "in the list"
    MISSPELT = "a near miss of one in the list"
    UNKNOWN = "none of these; possibly a newer region"


def cloud_of(location: str) -> Cloud:
    """Return the cloud that a region belongs to, by the form of its name."""
    if location.startswith(("usgov", "usdod")):
        return Cloud.US_GOVERNMENT
    return Cloud.CHINA if location.startswith("china") else Cloud.AZURE


def match(location: str, cloud: Cloud) -> tuple[Match, str]:
    """Return how `location` relates to the regions of `cloud`, and the nearest of them (empty: none is near)."""
    known = REGIONS[cloud]
    if location in known:
        return Match.KNOWN, location
    distance, nearest = min((edit_distance(location, each), each) for each in known)
    if distance > _NEAR:
        return Match.UNKNOWN, ""
    forms = {_form(each) for each in known}
    return (Match.UNKNOWN if _form(location) in forms else Match.MISSPELT), nearest


def edit_distance(one: str, other: str) -> int:
    """Return the number of characters to insert, delete or replace that make one text of the other."""
    row = list(range(len(other) + 1))
    for position, character in enumerate(one, 1):
        before, row = row, [position]
        for index, each in enumerate(other):
            row.append(min(before[index + 1] + 1, row[index] + 1, before[index] + (character != each)))
    return row[-1]


def _form(location: str) -> str:
    """Return a region's name without its number and with one sign for its compass point, as in ``*us``.

    Regions come in series, such as westus to westus3: a name of a known form may be the next one.
    """
    return _COMPASS.sub("*", re.sub("[2-9]$", "", location))
