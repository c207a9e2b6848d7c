"""How long Azure takes for each kind of thing that takes time: the figures of the latency profile ``azure``.

"Recordings" are the exchanges recorded from Azure by public test suites, "fact" a number in their index; "field" is the
collection of field reports. Where nobody has published a figure the source says that it is a guess.
"""

from dataclasses import dataclass

GUESS = "guess: no figure published"


@dataclass(frozen=True)
class Duration:
    """How many seconds one kind of thing takes, and who says so."""

    kind: str
    seconds: float
    source: str


DURATIONS = (
    Duration("provider.register", 72, "recordings, fact 28: 71-72 s, seven polls"),
    Duration("provider.unregister", 72, "guess: as long as registering"),
    Duration("vault.dns", 10, "guess: recordings 12 and 16 show one to four reads of RegisteringDns"),
    Duration("vault.purge", 14, "recordings, fact 21: 2-14 s in 2023, eight minutes in 2021"),
    Duration("key.delete", 10, GUESS),
    Duration("grant.role", 70, "field: seconds to 5 minutes; modules wait 60, 70 or 120 s"),
    Duration("grant.policy", 5, GUESS),
    Duration("principal", 39, "recordings, fact 32: PrincipalNotFound five times, then 201 after 39 s"),
    Duration("storage.create", 17, "recordings, fact 35 and recording 02: Retry-After 17"),
    Duration("registry.create", 10, GUESS),
    Duration("logs.create", 10, GUESS),
    Duration("des.write", 1, "recording 73: 0.1 and 0.8 s by the operation's own times"),
    Duration("workspace.create", 21, "recordings, fact 8: direct PUT without a key about 21 s"),
    Duration("workspace.create.cmk", 360, "recordings, fact 8: still running after 347 s, done within 20 minutes"),
    Duration("workspace.update", 92, "recordings, fact 8: in progress for 92 s and more"),
    Duration("workspace.delete", 60, GUESS),
    Duration("workspace.diagnose", 15, GUESS),
    Duration("workspace.resyncKeys", 10, GUESS),
    Duration("workspace.provisionManagedNetwork", 60, GUESS),
    Duration("workspace.failure", 1200, "field: the same failure for tens of minutes (fault failure-cached)"),
    Duration("group.delete", 75, "recordings 12 and 80: four or five polls of 15 s"),
    Duration("deployment", 2, "guess: what it deploys takes the time"),
    Duration("deployment.delete", 5, GUESS),
)
SECONDS = {row.kind: row.seconds for row in DURATIONS}
OTHERWISE = 5.0
"""What a kind takes that is not in the table."""


def seconds(kind: str) -> float:
    """Return how many seconds Azure takes for one kind of thing."""
    return SECONDS.get(kind, OTHERWISE)
