"""Microsoft.Resources: subscriptions, resource providers, resource groups and their contents, deployments.

Template deployments are `cmkctl.sandbox.deployments`.
"""

from cmkctl.sandbox import deployments
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.deployments import handlers
from cmkctl.sandbox.providers.microsoft_resources import (
    arrange,
    groups,
    resource_lists,
    resource_providers,
    subscriptions,
    tags,
)

_MODULES = (subscriptions, groups, resource_lists, resource_providers, tags)
PROVIDER = Provider(
    namespace="Microsoft.Resources",
    coverage=(*(module.COVERAGE for module in _MODULES), deployments.COVERAGE),
    routes=(*(route for module in _MODULES for route in module.ROUTES), *handlers.ROUTES),
    registration=Registration.REGISTERED,
    durations=(
        Duration("provider.register", 72, "recordings, fact 28: 71-72 s, seven polls"),
        Duration("provider.unregister", 72, "guess: as long as registering"),
        Duration("group.delete", 75, "recordings 12 and 80: four or five polls of 15 s"),
        Duration("deployment", 2, "guess: what it deploys takes the time"),
        Duration("deployment.delete", 5, GUESS),
        Duration("deployment.whatif", 10, GUESS),
    ),
    tables={"deployments": dict, "subscription_tags": dict},
    arrange=arrange.FUNCTIONS,
)
