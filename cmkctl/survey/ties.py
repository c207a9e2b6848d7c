"""The ties between resources and workspaces: what belongs to which, found along the references of documents. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import resource_type
from cmkctl.posture import Belonging
from cmkctl.services import service_of
from cmkctl.services.base import Reference
from cmkctl.services.workspace import SERVICE as WORKSPACES
from cmkctl.survey.known import Known, Resource, items_of

_PROVIDERS: Final = "/providers/"
_VAULTS: Final = "Microsoft.KeyVault/vaults"


@dataclass(slots=True)
class Ties:
    """The resources around workspaces.

    `belonging` has the ties by the ARM id of the resource. `groups` are resource groups that Azure keeps for a resource, by their
    ARM ids, and `hosts` the host names that lead to no known resource, both with their ties. `vaults` are the ARM ids of the key
    vaults among the resources, by their names in lower case.
    """

    belonging: dict[str, dict[Belonging, None]] = field(default_factory=dict)
    groups: dict[str, dict[Belonging, None]] = field(default_factory=dict)
    hosts: dict[str, dict[Belonging, None]] = field(default_factory=dict)
    vaults: dict[str, str] = field(default_factory=dict)

    def managed(self, resource_id: str) -> bool:
        """Return True for a resource in a resource group that Azure keeps."""
        return resource_id.partition(_PROVIDERS)[0].lower() in self.groups


def ties(known: Known, workspaces: Iterable[str]) -> Ties:
    """Return everything that belongs to some workspaces, as far as the documents are known."""
    found = Ties()
    owned = _owned(known)
    for root in workspaces:
        _follow(known, root, owned.get(root.lower(), []), found)
    return found


def _follow(known: Known, root: str, owned: list[str], found: Ties) -> None:
    """Add what belongs to one workspace."""
    queue = deque([(root, "workspace"), *((each, _title(each)) for each in owned)])
    seen: set[str] = set()
    while queue:
        resource_id, relation = queue.popleft()
        if resource_id.lower() in seen:
            continue
        seen.add(resource_id.lower())
        tie = Belonging(root, relation)
        if _PROVIDERS not in resource_id:
            found.groups.setdefault(resource_id.lower(), {})[tie] = None
            queue.extend((each, relation) for each in known.inside(resource_id))
            continue
        found.belonging.setdefault(known.spelled(resource_id), {})[tie] = None
        if same_word(resource_type(resource_id), _VAULTS):
            found.vaults.setdefault(resource_id.rpartition("/")[2].lower(), resource_id)
        for reference in _references(known, resource_id, root):
            target = reference.resource_id.rstrip("/") or known.at_host(reference.host)
            if target:
                queue.append((target, reference.relation))
            else:
                found.hosts.setdefault(reference.host.lower(), {})[Belonging(root, reference.relation)] = None


def _references(known: Known, resource_id: str, root: str) -> Iterator[Reference]:
    """Yield what a resource names. Of another workspace, such as a hub, not its further workspaces."""
    resource = known.resource(resource_id)
    if resource is None:
        return
    apart = resource_id.lower() != root.lower() and resource.service is WORKSPACES
    for each in (*resource.service.references(resource.documents), *_children(resource)):
        if not (apart and resource_type(each.resource_id or "").lower() == WORKSPACES.resource_type.lower()):
            yield each


def _children(resource: Resource) -> Iterator[Reference]:
    for answer in resource.documents.answers:
        for item in items_of(answer) if answer.read.listing else ():
            service = service_of(str(item["type"]))
            yield Reference(service.title if service else "", item["id"])


def _owned(known: Known) -> dict[str, list[str]]:
    """Return the resources that name a workspace as theirs, by the workspace."""
    owned: dict[str, list[str]] = {}
    for row in known.rows:
        resource = known.resource(str(row["id"]))
        for owner in resource.service.owners(resource.documents) if resource else ():
            owned.setdefault(owner.lower(), []).append(str(row["id"]))
    return owned


def _title(resource_id: str) -> str:
    service = service_of(resource_type(resource_id))
    return service.title if service else resource_type(resource_id)
