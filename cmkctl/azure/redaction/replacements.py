"""What stands in the place of what was taken out, and what is never taken out."""

from __future__ import annotations

REDACTED = "REDACTED"
"""What stands where a secret was. Plain letters, so that it survives in a URL, a header and a JSON string alike."""
CLIENT_ID = "c11e0000-0000-0000-0000-000000000000"
"""What stands where a client id was: still a GUID, so that whatever parses the answer goes on working."""
USER = "user@example.com"
"""What stands where the e-mail address of a person was."""
PUBLIC_APPLICATION_IDS = frozenset(
    {
        "a232010e-820c-4083-83bb-3ace5fc29d0b",  # Azure Cosmos DB
        "57506a73-e302-42a9-b869-6f12d9ec29e9",  # Azure Cosmos DB in Azure Government
    },
)
"""Application ids that Microsoft publishes. They stay, for a tape without them could not replay the lookup in Graph."""
CUT = "…"
"""What stands where a text was cut off."""
