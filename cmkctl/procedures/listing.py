"""List the workspaces of subscriptions with one query of Resource Graph. Sends reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure.compare import same_word
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import key_parts
from cmkctl.azure.inventory import inventory, may_read_everywhere
from cmkctl.azure.snapshot import Snapshot
from cmkctl.diagnostics import Diagnostic
from cmkctl.listing import ListedWorkspace
from cmkctl.services.rows import documents_of_row
from cmkctl.services.workspace import SERVICE, architecture, hub_of

QUERY: Final = "\n".join(
    (
        "resources",
        f"| where type =~ '{SERVICE.resource_type.lower()}'",
        "| project id, name, type, kind, location, subscriptionId, resourceGroup, apiVersion, properties",
        "| order by id asc",
    )
)
"""The query for every workspace."""

_KINDS: Final = {"": "default", "featurestore": "feature-store"}
"""The words of profiles for kinds that Azure spells in another way."""


@dataclass(frozen=True, slots=True)
class Found:
    """The workspaces, and the reasons why some can be missing."""

    workspaces: tuple[ListedWorkspace, ...]
    diagnostics: tuple[Diagnostic, ...]


def list_workspaces(azure: Snapshot, subscriptions: Sequence[str], key: str = "") -> Found:
    """Return the workspaces of subscriptions; with a key identifier, those that use the key, or this version of it.

    Raises AzureFailed, of kind DENIED where none of the subscriptions may be read.
    """
    action = f"{SERVICE.resource_type}/read"
    rows, readable = azure.gather2(
        partial(inventory, azure, QUERY, subscriptions),
        lambda: azure.gather(*(partial(may_read_everywhere, azure, each, (action,)) for each in subscriptions)),
    )
    partly = [each for each, whole in zip(subscriptions, readable, strict=True) if not whole]
    found = tuple(each for each in workspaces_of(rows.rows) if not key or _uses(each, key))
    return Found(found, tuple(_gaps(partly, truncated=rows.truncated)))


def _uses(workspace: ListedWorkspace, key: str) -> bool:
    identifier, version = key_parts(key)
    return same_word(workspace.key, identifier) and (not version or same_word(workspace.key_version, version))


def _gaps(partly: Sequence[str], *, truncated: bool) -> Iterator[Diagnostic]:
    for each in partly:
        yield codes.CMK681.warning(
            f"You have no role on subscription {each} that allows reading every workspace in it. Resource Graph leaves out "
            "workspaces that you may not read, without a notice.",
            f"Have Reader assigned: az role assignment create --role Reader --assignee ACCOUNT --scope /subscriptions/{each}",
            subject=f"/subscriptions/{each}",
        )
    if truncated:
        yield codes.CMK682.warning(
            "Resource Graph has more rows than it returned, and no link to the rest.",
            "List fewer subscriptions at a time: --subscription ID",
        )


def workspaces_of(rows: Iterable[Mapping[str, Any]]) -> tuple[ListedWorkspace, ...]:
    """Return the workspaces, in the order of the rows. Pure."""
    by_id = {str(row["id"]).lower(): dict(row) for row in rows}
    return tuple(_listed(row, by_id) for row in by_id.values())


def _listed(row: dict[str, Any], by_id: Mapping[str, dict[str, Any]]) -> ListedWorkspace:
    documents = documents_of_row(row, by_id)
    posture = SERVICE.posture(documents)
    hub = hub_of(row)
    kind = text_at(row, "kind").lower()
    impact = at_path(row, "properties.hbiWorkspace")
    return ListedWorkspace(
        str(row["id"]),
        _KINDS.get(kind, kind),
        text_at(row, "location"),
        posture.verdict,
        architecture(documents.find("hub") if hub else row),
        posture.key,
        posture.key_version,
        hub,
        text_at(row, "properties.provisioningState"),
        impact if isinstance(impact, bool) else None,
    )
