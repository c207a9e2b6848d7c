"""Microsoft.Storage: accounts, the services and containers of an account, encryption scopes. No data plane."""

from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.providers.microsoft_storage import accounts, capacity, encryption_scopes, services
from cmkctl.sandbox.providers.microsoft_storage.accounts import RESOURCE_TYPE, follow_workspace, list_keys, new_account

__all__ = ("PROVIDER", "RESOURCE_TYPE", "follow_workspace", "list_keys", "new_account")

PROVIDER = Provider(
    namespace="Microsoft.Storage",
    coverage=(accounts.COVERAGE, capacity.COVERAGE),
    routes=(*accounts.ROUTES, *capacity.ROUTES, *services.ROUTES, *encryption_scopes.ROUTES),
    registration=Registration.REGISTERED,
    durations=(Duration("storage.create", 17, "recordings, fact 35 and recording 02: Retry-After 17"),),
    read_actions={"microsoft.storage/checknameavailability": "Microsoft.Storage/checknameavailability/read"},
    key_readers={RESOURCE_TYPE.type.lower(): accounts.why_out_of_reach},
    arrange=(accounts.add_storage_account,),
)
