"""The targets that the options of a command without a profile name. Raises ProfileError (CMK008) for anything malformed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cmkctl import codes
from cmkctl.azure.az_cli import subscription_of_az
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import LIST_WORKSPACES, ResourceId
from cmkctl.cli.options import Options
from cmkctl.diagnostics import ProfileError

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def workspace_named(text: str) -> ResourceId:
    """Return the ARM id of a workspace. Raises ProfileError (CMK008) for anything else."""
    try:
        found = ResourceId.parse(text)
    except ValueError:
        found = None
    if found is None or not same_word(found.type, "Microsoft.MachineLearningServices/workspaces"):
        detail = f"--workspace is {text!r}, which is not the ARM id of a workspace."
        remedy = f"List the ids with: {LIST_WORKSPACES}"
        raise ProfileError(codes.CMK008.error(detail, remedy))
    return found


def subscriptions_of(options: Options, environ: Mapping[str, str]) -> list[str]:
    """Return the subscriptions of the options, else AZURE_SUBSCRIPTION_ID, else the az CLI's current one.

    Raises ProfileError for one that is no GUID (CMK008), and where none is named (CMK680).
    """
    named = environ.get("AZURE_SUBSCRIPTION_ID") or ("" if options.sandbox else subscription_of_az(environ))
    asked = [each.strip() for each in options.subscriptions or [named] if each.strip()]
    if not asked:
        detail = "Neither --subscription nor AZURE_SUBSCRIPTION_ID names one, and az is not signed in on this machine."
        raise ProfileError(
            codes.CMK680.error(detail, "Add --subscription ID. az account list --output table lists them.")
        )
    for each in asked:
        if not _GUID.fullmatch(each.lower()):
            detail = f"Subscription {each!r} is not an id such as 00000000-0000-0000-0000-000000000000."
            raise ProfileError(codes.CMK008.error(detail, "Find the id with: az account list --output table"))
    return list(dict.fromkeys(each.lower() for each in asked))
