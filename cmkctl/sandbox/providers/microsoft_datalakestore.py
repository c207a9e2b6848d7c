"""Microsoft.DataLakeStore: accounts of Data Lake Storage Gen1 that are still there. The service was retired in 2024."""

import re

from cmkctl.sandbox.core import resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.provider import Provider

COVERAGE = Area(
    "Data Lake Storage Gen1",
    supported=("accounts: GET and DELETE of arranged ones (recording 49)",),
    not_modelled=("creation and update of accounts, and their data: the service was retired on 29 February 2024",),
)
ACCOUNT = resources.ResourceType(
    type="Microsoft.DataLakeStore/accounts",
    versions=("2016-11-01",),
    shape=shapes.TOP,
    name=re.compile(r"[a-z0-9]{3,24}"),
    name_rule="3-24 lower-case letters and digits",
)

ACCOUNTS = resources.Resources(ACCOUNT)


def add_data_lake_gen1(state: Arrangement, name: str, group: str = "rg", location: str = LOCATION) -> str:
    """Add an account with Microsoft's key; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.DataLakeStore")
    document = {
        "properties": {
            "encryptionState": "Enabled",
            "encryptionConfig": {"type": "ServiceManaged"},
            "provisioningState": "Succeeded",
            "state": "Active",
            "endpoint": f"{name}.azuredatalakestore.net",
        },
        "location": location,
        "id": f"{group_id}/providers/{ACCOUNT.type}/{name}",
        "name": name,
        "type": ACCOUNT.type,
    }
    with state.arranging():
        resources.store(state.tenant, document)
    return str(document["id"])


PROVIDER = Provider(
    namespace="Microsoft.DataLakeStore",
    coverage=(COVERAGE,),
    routes=(
        ACCOUNT.route("GET", ACCOUNT.path, ACCOUNTS.get),
        ACCOUNT.route("DELETE", ACCOUNT.path, ACCOUNTS.delete),
    ),
    arrange=(add_data_lake_gen1,),
)
