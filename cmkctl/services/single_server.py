"""The common part of the single servers of Azure Database, which have been retired."""

from __future__ import annotations

from typing import ClassVar

from cmkctl.posture import PINNED, Posture, Verdict
from cmkctl.services.base import Documents, OwnIdentity, Service, Verb


class SingleServers(Service):
    """A server whose key was a child of it, ``…/servers/NAME/keys/NAME``. `retired` is the date of the retirement."""

    api_version = "2017-12-01"
    verb = Verb.CREATION
    reader = OwnIdentity()
    follows = PINNED
    retired: ClassVar[str]

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the server."""
        host = documents.text("resource", "properties.fullyQualifiedDomainName").lower()
        return (host,) if host else ()

    def posture(self, documents: Documents) -> Posture:
        """Return that the service is retired, with what the server shows of its key."""
        if hidden := documents.not_visible("resource"):
            return hidden
        shown = (documents.evidence("resource", "properties.byokEnforcement"),)
        reason = f"single servers were retired on {self.retired}; move the data to a flexible server"
        return Posture(Verdict.RETIRED, reason, shown)
