"""Microsoft.Sql: logical servers with their keys and their protector, and databases as far as their key is concerned."""

from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_sql import databases, servers
from cmkctl.sandbox.providers.microsoft_sql.servers import SERVER

PROVIDER = Provider(
    namespace="Microsoft.Sql",
    coverage=(servers.COVERAGE,),
    routes=(*servers.ROUTES, *databases.ROUTES),
    durations=(
        Duration("sql.server", 60, "recording 50: three polls, 124 s until the next write"),
        Duration("sql.serverKey", 2, "recording 50: one poll, less than 5 s"),
        Duration("sql.encryptionProtector", 5, "recording 50: two polls, 5 s until the next write"),
        Duration("sql.database", 60, "recording 51: two polls, 64 s until the next write"),
    ),
    key_readers={SERVER.type.lower(): servers.why_out_of_reach},
    key_seconds={SERVER.type.lower(): servers.SECONDS_TO_LOSS},
    arrange=(servers.add_sql_server, databases.add_sql_database),
)
