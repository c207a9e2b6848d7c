"""Files that describe workspaces: which kind a file is, and what was found in it. Nothing is sent to Azure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cmkctl import codes
from cmkctl.azure.clouds import Cloud
from cmkctl.diagnostics import CmkctlError, Location, ProfileError
from cmkctl.importing import az_ml, terraform
from cmkctl.importing.found import Found
from cmkctl.profile.load import read_text


def read_file(path: Path, cloud: Cloud, subscription: str, resource_group: str) -> list[Found]:
    """Return the workspaces with a customer-managed key that a file describes.

    `subscription` and `resource_group` are used where the file does not name them; empty for unknown ones. Raises CmkctlError
    (CMK676) for a file that cannot be read, or describes no such workspace.
    """
    try:
        text = read_text(path)
    except ProfileError as error:
        reasons = (each.detail for each in error.diagnostics)
        raise CmkctlError(*(codes.CMK676.error(each, f"Check the path: {path}") for each in reasons)) from error
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return [az_ml.read(path, text, cloud, subscription, resource_group)]
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = Location(str(path), getattr(error, "lineno", None), getattr(error, "colno", None))
        reason = "It is nested too deeply." if isinstance(error, RecursionError) else f"It is no JSON: {error}."
        raise CmkctlError(codes.CMK676.error(reason, location=place)) from None
    return terraform.read(path, document, cloud)
