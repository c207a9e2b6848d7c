"""The api-versions of Microsoft.DocumentDB that the sandbox models."""

VERSIONS = (
    *("2021-06-15", "2023-04-15", "2023-11-15", "2024-05-15", "2024-08-15", "2024-11-15", "2025-04-15", "2025-10-15"),
    "2026-03-15",
)
SHOWS_THE_STATUS = "2024-05-15"
"""The first api-version with ``customerManagedKeyStatus``."""
SHOWS_THE_VERSION = "2025-10-15"
"""The first api-version with ``keyVaultKeyUriVersion``."""
