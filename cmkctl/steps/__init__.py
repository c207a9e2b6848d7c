"""The documented procedure, one file a step, in the order of Microsoft's page.

A module whose name begins with an underscore holds the details of one step: open the step first.

Source: https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys
"""

from typing import Final

from cmkctl.steps.associated_resources import AssociatedResources
from cmkctl.steps.base import AnyStep, Step
from cmkctl.steps.key import Key
from cmkctl.steps.key_access import KeyAccess
from cmkctl.steps.key_vault import KeyVault
from cmkctl.steps.resource_group import ResourceGroup
from cmkctl.steps.resource_providers import ResourceProviders
from cmkctl.steps.workspace import Workspace

SEQUENCE: Final[tuple[AnyStep, ...]] = (
    ResourceProviders(),
    ResourceGroup(),
    KeyVault(),
    Key(),
    KeyAccess(),
    AssociatedResources(),
    Workspace(),
)
"""Each step starts when what it `needs` is done: the associated resources are made beside vault, key and grant."""

__all__ = ["SEQUENCE", "AnyStep", "Step"]
