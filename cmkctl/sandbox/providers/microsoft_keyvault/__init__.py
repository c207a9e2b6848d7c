"""Microsoft.KeyVault: vaults, access policies, keys through ARM, soft-deleted vaults, empty lists of managed HSMs.

The data plane of vaults is `cmkctl.sandbox.planes.vault`.
"""

from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.providers.microsoft_keyvault import (
    access_policies,
    arrange,
    deleted_vaults,
    keys,
    managed_hsms,
    soft_delete,
    spawned_faults,
    vaults,
)

_MODULES = (vaults, deleted_vaults, access_policies, managed_hsms, keys)
PROVIDER = Provider(
    namespace="Microsoft.KeyVault",
    coverage=tuple(module.COVERAGE for module in _MODULES),
    routes=tuple(route for module in _MODULES for route in module.ROUTES),
    registration=Registration.REGISTERED,
    more_types=("locations/deletedVaults",),
    durations=(
        Duration("vault.dns", 10, "guess: recordings 12 and 16 show one to four reads of RegisteringDns"),
        Duration("vault.purge", 14, "recordings, fact 21: 2-14 s in 2023, eight minutes in 2021"),
        Duration("key.delete", 10, GUESS),
        Duration("grant.policy", 5, GUESS),
    ),
    tables={"deleted_vaults": dict},
    arrange=arrange.FUNCTIONS,
    on_deleted={vaults.RESOURCE_TYPE.type.lower(): soft_delete.soft_delete},
    expire=soft_delete.expire,
    spawn=spawned_faults.spawn,
    row_views={vaults.RESOURCE_TYPE.type.lower(): vaults.view},
    read_actions={"microsoft.keyvault/checknameavailability": "Microsoft.KeyVault/checkNameAvailability/read"},
)
