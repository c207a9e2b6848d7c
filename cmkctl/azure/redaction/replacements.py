"""The replacements of redacted values, and the values that are never redacted."""

from __future__ import annotations

REDACTED = "REDACTED"
"""The replacement of a secret. Plain letters, so that it is valid in a URL, a header and a JSON string."""
CLIENT_ID = "c11e0000-0000-0000-0000-000000000000"
"""The replacement of a client id: a GUID, so that the response can still be parsed."""
USER = "user@example.com"
"""The replacement of a person's e-mail address."""
PUBLIC_APPLICATION_IDS = frozenset(
    {
        "a232010e-820c-4083-83bb-3ace5fc29d0b",  # Azure Cosmos DB
        "57506a73-e302-42a9-b869-6f12d9ec29e9",  # Azure Cosmos DB in Azure Government
    },
)
"""Application ids that Microsoft publishes. They stay: without them a tape could not replay the lookup in Graph."""
CUT = "…"
"""The mark of a truncated text."""
