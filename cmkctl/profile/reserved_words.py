"""Words that Azure refuses in the names of resources that have an endpoint, which it checks last, when it creates them.

Source: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-reserved-resource-name
"""

from __future__ import annotations

from typing import Final

ANYWHERE: Final = ("microsoft", "windows")
AT_THE_BEGINNING: Final = ("login",)
WHOLE: Final = frozenset(
    [
        "access",
        "app_browsers",
        "app_code",
        "app_data",
        "app_globalresources",
        "app_localresources",
        "app_themes",
        "app_webreferences",
        "azure",
        "bing",
        "bizspark",
        "biztalk",
        "cortana",
        "directx",
        "dotnet",
        "dynamics",
        "excel",
        "exchange",
        "forefront",
        "groove",
        "hololens",
        "hyperv",
        "kinect",
        "lync",
        "msdn",
        "o365",
        "office",
        "office365",
        "onedrive",
        "onenote",
        "outlook",
        "powerpoint",
        "sharepoint",
        "skype",
        "visio",
        "visualstudio",
        "web.config",
        "xbox",
    ]
)


def objection(name: str) -> str:
    """Return a sentence that names the reserved word in `name`, without regard to case; empty when there is none."""
    lower = name.lower()
    inside = next((each for each in ANYWHERE if each in lower), "")
    if inside:
        return f"Azure reserves the word {inside}: a name must not contain it."
    begins = next((each for each in AT_THE_BEGINNING if lower.startswith(each)), "")
    if begins:
        return f"Azure reserves the word {begins}: a name must not begin with it."
    return f"Azure reserves the word {lower}: it cannot be a resource's name." if lower in WHOLE else ""
