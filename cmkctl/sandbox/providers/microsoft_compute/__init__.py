"""Microsoft.Compute: disk encryption sets and managed disks. No virtual machines."""

from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_compute import disks, sets

__all__ = ("PROVIDER",)

PROVIDER = Provider(
    namespace="Microsoft.Compute",
    coverage=(sets.COVERAGE, disks.COVERAGE),
    routes=(*sets.ROUTES, *disks.ROUTES),
    tables={"former_set_identities": dict},
    durations=(*sets.DURATIONS, *disks.DURATIONS),
    arrange=(sets.add_disk_encryption_set, disks.add_disk),
    expire=sets.expire,
    key_readers={sets.RESOURCE_TYPE.type.lower(): sets.why_out_of_reach},
)
