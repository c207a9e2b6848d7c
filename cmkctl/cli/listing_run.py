"""The run of ``cmkctl list``: from its options to the workspaces shown."""

from __future__ import annotations

import os

from cmkctl import codes
from cmkctl.azure.ids import key_parts
from cmkctl.cli.connection import Target
from cmkctl.cli.exits import DONE
from cmkctl.cli.options import Options
from cmkctl.cli.run import Opened, run_at
from cmkctl.cli.targets import subscriptions_of
from cmkctl.diagnostics import ProfileError
from cmkctl.procedures import listing
from cmkctl.views.shown import DiagnosticsShown, WorkspacesShown


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
