"""Names for the resources that a profile leaves unnamed: the same on every run, legal, and unlikely to be taken.

A name is a prefix, what can be kept of the workspace's name, and eight hexadecimal digits of a digest over
subscription, resource group and workspace name without regard to case, as Azure compares them. Storage accounts, vaults
and registries share one name space with the whole world: the digest keeps two workspaces called ``mlw-prod`` apart.
Rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class DerivedName:
    """The recipe for the names of one resource type: ``prefix``, the workspace's name, the digest.

    At most `longest` characters of the workspace's name are kept. `separator` joins the parts and replaces every
    character of the workspace's name that is neither letter nor digit.
    """

    prefix: str
    longest: int
    separator: str = "-"

    def of(self, workspace: str, suffix: str) -> str:
        """Return the name for `workspace`, a legal workspace name; `suffix` is its `digest`."""
        kept = re.sub("[^a-z0-9]+", self.separator, workspace.lower())[: self.longest].strip("-")
        return self.separator.join((self.prefix, kept, suffix))


def digest(subscription: str, resource_group: str, workspace: str) -> str:
    """Return eight hexadecimal digits that identify one workspace."""
    return sha256(f"{subscription}/{resource_group}/{workspace}".lower().encode()).hexdigest()[:8]
