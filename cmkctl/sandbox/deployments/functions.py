"""The template functions: those of the sandbox, and those that only Azure has."""

from typing import Any

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.deployments.evaluate import LAZY, PURE
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.syntax import functions_in

NOT_MODELLED = frozenset(
    """cidrHost cidrSubnet dataUri dataUriToString dateTimeAdd dateTimeFromEpoch dateTimeToEpoch deployer fail filter
    flattenArray getSecret groupBy lambda lambdaVariables loadFileAsBase64 managementGroup managementGroupResourceId map
    mapValues objectKeys parseCidr pickZones providers reduce shallowMerge sort toLogicalZone toObject toPhysicalZone
    tryGet tryIndexFromEnd externalInput""".lower().split()
)
"""Functions that Azure has and the sandbox has not."""

AZURE = frozenset(
    """copyIndex deployment environment extensionResourceId newGuid parameters reference resourceGroup resourceId
    subscription subscriptionResourceId tenant tenantResourceId utcNow variables""".lower().split()
)
"""Functions that read the deployment or Azure; `evaluate` and `functions_azure` have them."""


def known(name: str) -> bool:
    """Return whether there is a function of that name, in the sandbox or in Azure alone."""
    short = name.lower()
    return short in PURE or short in LAZY or short in AZURE or short in NOT_MODELLED or short.startswith("list")


def require_known(template: Any) -> None:
    """Refuse a template that uses an unknown function, or one the sandbox does not model, by name.

    Raises:
        ExpressionError: there is no such function, or an expression cannot be read.
        AzureError: `SandboxNotModelled`.

    """
    for call in functions_in(template):
        if call.name.lower() in NOT_MODELLED or "." in call.name:
            raise errors.not_modelled(f"the template function '{call.name}'")
        if not known(call.name):
            raise ExpressionError(f"the template function '{call.name}' is not valid")
