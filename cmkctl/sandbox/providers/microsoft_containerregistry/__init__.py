"""Microsoft.ContainerRegistry: registries, their replications, and the check of a name."""

from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_containerregistry import registries, replications, shape

PROVIDER = Provider(
    namespace="Microsoft.ContainerRegistry",
    coverage=(registries.COVERAGE,),
    routes=(*registries.ROUTES, *replications.ROUTES),
    durations=(
        Duration(shape.CREATE, 10, "recording 71: 10 s between the two polls"),
        Duration(shape.UPDATE, 10, "recording 71: 10 s between the two polls"),
        Duration(shape.REPLICATE, 30, GUESS),
    ),
    read_actions={
        "microsoft.containerregistry/checknameavailability": "Microsoft.ContainerRegistry/checkNameAvailability/read",
    },
)
