"""The run of ``cmkctl list``: from its options to the workspaces shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from cmkctl import codes
from cmkctl.azure.az_cli import subscription_of_az
from cmkctl.azure.ids import key_parts
from cmkctl.cli.connection import Target
from cmkctl.cli.exits import DONE
from cmkctl.cli.options import Options
from cmkctl.cli.run import Opened, run_at
from cmkctl.diagnostics import ProfileError
from cmkctl.procedures import listing
from cmkctl.views.shown import DiagnosticsShown, WorkspacesShown

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def list_workspaces(options: Options) -> int:
    """Show the workspaces. Returns the exit code."""
    subscriptions: list[str] = []

    def target() -> Target:
        if options.used_key and not key_parts(options.used_key)[0]:
            detail = f"--key {options.used_key} is no key identifier."
            raise ProfileError(
                codes.CMK008.error(detail, "Write https://VAULT/keys/NAME or https://VAULT/keys/NAME/VERSION.")
            )
        subscriptions.extend(subscriptions_of(options, os.environ))
        return Target(options.cloud, subscriptions[0])

    def body(opened: Opened) -> int:
        found = listing.list_workspaces(opened.session.snapshot(), subscriptions, options.used_key or "")
        opened.show_context()
        opened.show(WorkspacesShown(found.workspaces, options.used_key or ""))
        opened.show(DiagnosticsShown(found.diagnostics))
        return DONE

    return run_at(options, body, target)


def subscriptions_of(options: Options, environ: Mapping[str, str]) -> list[str]:
    """Return the subscriptions of the options, else AZURE_SUBSCRIPTION_ID, else the az CLI's current one.

    Raises ProfileError for one that is no GUID (CMK008), and where none is named (CMK680).
    """
    named = environ.get("AZURE_SUBSCRIPTION_ID") or ("" if options.sandbox else subscription_of_az(environ))
    asked = [each.strip().lower() for each in options.subscriptions or [named] if each.strip()]
    if not asked:
        detail = "Neither --subscription nor AZURE_SUBSCRIPTION_ID names one, and az is not signed in on this machine."
        raise ProfileError(
            codes.CMK680.error(detail, "Add --subscription ID. az account list --output table lists them.")
        )
    for each in asked:
        if not _GUID.fullmatch(each):
            detail = f"Subscription {each} is not an id such as 00000000-0000-0000-0000-000000000000."
            raise ProfileError(codes.CMK008.error(detail, "Find the id with: az account list --output table"))
    return list(dict.fromkeys(asked))
